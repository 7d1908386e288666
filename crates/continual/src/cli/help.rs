//! What stands below the options in `--help`.

pub(super) const START: &str = "\
Start with `continual bench --quick`: strategies on handwritten digits that are built in. It
prints a table and writes target/bench/report.html, a page for the browser. `continual VERB
--help` has every option of a verb.

Exit codes: 0 done, 1 a run failed (a loss that is no number any more, results that could not be
written), 2 bad input (nothing was trained), 101 a bug of this program.

Examples:
  continual bench --quick
  continual list                                       # strategies and their hyper-parameters";

pub(super) const TUNE: &str = "\
Every value of a strength's grid (`continual list`) is trained on the training images and judged
on the validation images; test images are not looked at. It prints one line per scenario and
strategy.

Exit codes: 0 done, 1 a run failed (a loss that is no number any more, results that could not be
written), 2 bad input (nothing was trained), 101 a bug of this program.

Examples:
  continual tune --scenario class --strategy ewc,si
  continual tune --strategy ewc --steps 100";

pub(super) const LIST: &str = "\
Examples:
  continual list
  continual list --pairs                               # what composes with what";

pub(super) const DEVICES: &str = "\
Examples:
  continual devices
  continual bench --quick --device auto                # one of them, chosen by the program";

pub(super) const SHOW: &str = "\
Examples:
  continual show gates lxdg";

pub(super) const COMPLETIONS: &str = "\
The script goes where the shell looks for it; a new shell then completes verbs and options with
Tab.

Examples:
  continual completions bash > ~/.local/share/bash-completion/completions/continual
  continual completions fish > ~/.config/fish/completions/continual.fish";

pub(super) const MAN: &str = "\
One page for the program and one for each verb. They say what `--help` says.

Examples:
  continual man bench | man -l -
  continual man --out ~/.local/share/man/man1";

pub(super) const DEFAULTS: &str = "\
Default protocols (all with Adam, one optimizer over all contexts, never reset):
  digits                  5 contexts, MLP 64-128-128, 400 steps of 32 rows, lr 1e-3, 10 exemplars
                          per class, strengths chosen on validation images with seed 1
  mnist, fashion-mnist    preset vdv:
    split                 5 contexts, MLP 784-400-400, 2000 steps of 128 rows, lr 1e-3, 100 per class
    permuted              10 contexts padded to 32x32, MLP 1024-1000-1000, 5000 steps, lr 1e-4,
                          10 per class
    rotated               as permuted, without padding; published nowhere

Strategies unless chosen: none, ewc, si, lwf, fromp, xdg+ewc, lxdg, er, agem, dgr, icarl,
joint. --strategy all takes every one.

Streams without boundaries (--stream fuzzy, random, one-pass): methods consolidate every 100
steps, stream and replay count the same, and who needs to be told when a context ends is refused.

Strengths come from --set, else from the file of strengths (by data set, protocol, preset and
scenario), else from the strategy's own default: `continual list` names them.

Results: OUT/results.jsonl, one line per run, and OUT/report.html, a page for the browser. Runs
are kept in results.jsonl.partial as they finish; the file gets its name when all are through.
Ctrl-C saves the runs under way too, and so does --checkpoint-every for the case that the process
is killed: `continual resume OUT` goes on.

Exit codes: 0 done, 1 a run failed (a loss that is no number any more, results that could not be
written), 2 bad input (nothing was trained), 101 a bug of this program, 130 interrupted, with what
was done saved.

Examples:
  continual bench --quick                              # a look, in seconds
  continual bench --scenario class --strategy none,ewc,er,xdg+ewc,joint
  continual bench --strategy ewc --set ewc.lambda=1,1e2,1e4 --dry-run";

pub(super) const FILE: &str = "\
The file is TOML; whatever it does not say is as in `continual bench`, so an empty file is the
whole default benchmark. A value that is a list is swept: one row of the table for each.

  scenario = [\"task\", \"class\"]
  seeds = \"2..6\"                # both ends; or a list, or a count

  [training]
  steps = 400
  batch = 32

  [[strategy]]
  name = \"xdg+ewc\"
  ewc.lambda = [1e2, 1e4, 1e6]

  [[strategy]]
  name = \"none\"

Tables: [data] [network] [training] [optimizer] [schedule] [[strategy]]. `--keys` prints every key
with default and range, `continual list` the strategies and their hyper-parameters. More in
docs/EXPERIMENTS.md; every key in one commented file: examples/experiment.toml.

Results: OUT/results.jsonl, one line per run, as `continual bench` writes them. After Ctrl-C or a
kill `continual resume OUT` goes on; the file is not needed for it.

Exit codes: 0 done, 1 a run failed (a loss that is no number any more, results that could not be
written), 2 bad input (nothing was trained), 101 a bug of this program, 130 interrupted, with what
was done saved.

Examples:
  continual run examples/experiment.toml --dry-run     # what would run, and what it would cost
  continual run examples/experiment.toml";

pub(super) const RESUME: &str = "\
Finished runs are not run again; those under way go on from the last checkpoint. Table and
results.jsonl are those of a benchmark that nobody interrupted, bit for bit; only `train_seconds`,
`threads`, `members` and `device` may tell them apart. Same program, same machine: other versions
and other data are refused, and so is another device than the one it was begun on, unless --device
names it: then numbers agree within a tolerance, and `device` names both.

A checkpoint that is damaged is refused by name; without that file its runs start again.

Exit codes: 0 done, 1 a run failed (a loss that is no number any more, results that could not be
written), 2 bad input (nothing was trained), 101 a bug of this program, 130 interrupted, with what
was done saved.

Examples:
  continual resume target/bench
  continual resume target/bench --threads 4            # results do not depend on it";

pub(super) const REPORT: &str = "\
Only runs that differ in nothing but strategy, hyper-parameters and seed are ranked together:
results of other settings, conventions or versions have a ranking of their own. Rows that share a
letter are not told apart by paired tests over seeds (exact sign flips up to 12 seeds, Wilcoxon's
signed ranks above; t tests where seeds are too few for these; Holm, 5 %).

`bench`, `run`, `resume`, `tradeoff`, `budget` and `repro` write report.html themselves when they
are through.

Exit codes: 0 done, 1 the report could not be written, 2 no such folder, no results in it, or
damaged ones.

Examples:
  continual report target/bench                        # writes target/bench/report.html
  continual report target/bench --format md            # prints Markdown
  continual report target/bench --format csv --out results.csv";

pub(super) const REPRO: &str = "\
Every cell is trained as one population of all seeds in a folder of its own; what is done is not
done again, a cell that was interrupted goes on from its checkpoint, and the page shows what is
known so far: published, ours, mean ± s.e.m., inside or not, the conventions and the seconds. More
seeds or other rows later add to it.

The tables of this project: docs/repro. Rows whose method this version does not have are shown as
such.

Exit codes: 0 done or out of time, 1 a run failed, 2 bad input (nothing was trained), 101 a bug of
this program, 130 interrupted, with what was done saved.

Examples:
  continual repro docs/repro/split-mnist.toml --data DIR
  continual repro docs/repro/split-mnist.toml --only none,ewc --budget-minutes 10";

pub(super) const TRADEOFF: &str = "\
A weak penalty learns what is new and forgets what is old, a strong one keeps the old and learns
nothing: the picture shows every strength between plain training and joint training.

Writes OUT/tradeoff.svg, OUT/tradeoff.png and OUT/results.jsonl; OUT is
target/tradeoff/STRATEGY-SCENARIO where nothing is said. Interrupted, the same command goes on.

Exit codes: 0 done, 1 a run failed, 2 bad input (nothing was trained), 101 a bug of this program,
130 interrupted, with what was done saved.

Examples:
  continual tradeoff ewc                               # the grid of ewc.lambda on split digits
  continual tradeoff xdg+ewc --scenario task --hyper ewc.lambda --values 1,100,1e4";

pub(super) const SHOW_GATES: &str = "\
A gate says which units work for a row. Contexts that share units share what they learn and
overwrite each other; the table and the pictures show who shares with whom: the cosine between the
mean gates of two contexts.

Writes OUT/gates-layerL.svg and OUT/gates-layerL.png for each hidden layer L.

Exit codes: 0 done, 1 the run failed, 2 bad input (nothing was trained), 101 a bug of this
program.

Examples:
  continual show gates lxdg                            # rotated digits: similar rotations may share
  continual show gates xdg --set xdg.p=0.5             # random gates: overlap by chance";

pub(super) const BUDGET: &str = "\
A method is fairly compared with another that keeps as much between two contexts: exemplars as the
data set stores them, labels, logits, Fisher information, anchors, teachers, generators, gates and
projectors count, the classifier and the state of optimisers do not (docs/EXPERIMENTS.md). Every
strategy with memories of rows gets as many rows as the bytes allow, by what its results will say;
the others have bytes of their own and are run once. In a composition rows take what the others
leave, and several memories have the same number of rows of every class. `joint` and `cumulative`
keep all rows.

Writes OUT/accuracy-bytes and OUT/accuracy-macs as SVG and PNG, and OUT/results.jsonl; OUT is
target/budget where nothing is said. Interrupted, the same command goes on, and so does `continual
resume OUT`.

Exit codes: 0 done, 1 a run failed, 2 bad input (nothing was trained), 101 a bug of this program,
130 interrupted, with what was done saved.

Examples:
  continual budget --bytes 10k,100k,1M
  continual budget --bytes 50k --strategy none,er,er-reservoir,fromp,ewc+er --seeds 10";

pub(super) const EXPLAIN_BUDGET: &str = "\
The default is a camera of 3840 x 2160 pixels, 36 bits each, 48 frames per second: 1.79 GB in a
second, 56.5 PB in a year of 365.25 days. What strategies keep is that of the protocol that
`bench` would run, at the end; nothing is trained.

Examples:
  continual explain-budget --width 1920 --height 1080 --depth 24 --rate 30
  continual explain-budget --dataset mnist --data DIR --strategy none,ewc,er,fromp";

pub(super) const EXPLAIN: &str = "\
For every strategy in every scenario of the file: each program that trains, how often it runs, and
what it does by kind of kernel. `product` is a matrix product with what is done to its result at
once, `pointwise` a chain of formulas in one pass over memory. Nothing is trained and no GPU is
needed; `-` stands where an operation has no WGSL.

Examples:
  continual explain examples/experiment.toml";

#[cfg(test)]
mod tests {
    use crate::cli::Cli;
    use clap::{Command, CommandFactory, Parser};

    fn all(command: &Command) -> Vec<&Command> {
        let below = command.get_subcommands().flat_map(all);
        std::iter::once(command).chain(below).collect()
    }

    /// Of a line `continual bench --quick > FILE  # a look` the words of the program.
    fn words(example: &str) -> Vec<&str> {
        let command = example.split(['#', '>', '|']).next().unwrap_or_default();
        command.split_whitespace().collect()
    }

    #[test]
    fn every_help_ends_with_examples_that_parse() {
        let cli = Cli::command();
        for command in all(&cli) {
            let name = command.get_name();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let (_, examples) = help.split_once("Examples:\n").unwrap_or_else(|| panic!("{name}"));
            assert!(examples.contains(name) && examples.lines().count() <= 3, "{name}: {examples}");
            for example in examples.lines() {
                assert!(example.starts_with("  continual "), "{name}: {example}");
                if let Err(error) = Cli::try_parse_from(words(example)) {
                    panic!("{name}: {error}");
                }
            }
        }
    }
}
