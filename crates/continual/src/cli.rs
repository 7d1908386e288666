//! The options of the command line.

mod budget;
mod help;
mod report;
mod run;
mod shell;
#[cfg(test)]
mod tests;

use crate::print::{BAD_INPUT, one_line};
pub(crate) use budget::{BudgetOptions, ExplainBudgetOptions};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use continual::{CheckpointEvery, Request};
use help::{
    BUDGET, COMPLETIONS, DEFAULTS, DEVICES, EXPLAIN, EXPLAIN_BUDGET, FILE, LIST, MAN, REPORT,
    REPRO, RESUME, SHOW, SHOW_GATES, START, TRADEOFF, TUNE,
};
pub(crate) use report::{ReportFormat, ReportOptions};
pub(crate) use run::{ExplainOptions, ResumeOptions, RunOptions};
pub(crate) use shell::{CompletionsOptions, ManOptions};
use std::path::PathBuf;
use std::process::ExitCode;

/// Continual learning: strategies on streams of contexts, compared.
#[derive(Debug, Parser)]
#[command(name = "continual", version, after_help = START, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train strategies in scenarios and print the table of their accuracies.
    #[command(after_help = DEFAULTS)]
    Bench(BenchOptions),
    /// Train what a TOML file describes and print the table of accuracies.
    #[command(after_help = FILE)]
    Run(RunOptions),
    /// Go on with a `bench` or `run` that was interrupted or killed.
    #[command(after_help = RESUME)]
    Resume(ResumeOptions),
    /// Write the report of a folder of results, as one page or as text.
    #[command(after_help = REPORT)]
    Report(ReportOptions),
    /// Hold a published table against what this program gives, cell by cell.
    #[command(after_help = REPRO)]
    Repro(ReproOptions),
    /// Name what can be chosen: strategies, data sets, scenarios, protocols, presets, metrics.
    #[command(after_help = LIST)]
    List(ListOptions),
    /// Name the devices on which programs can run, for `--device`.
    #[command(after_help = DEVICES)]
    Devices,
    /// Sweep a strength and draw accuracy on old against accuracy on new contexts.
    #[command(after_help = TRADEOFF)]
    Tradeoff(TradeoffOptions),
    /// Run strategies at equal bytes kept between contexts and draw accuracy against bytes and work.
    #[command(after_help = BUDGET)]
    Budget(BudgetOptions),
    /// What a training step is made of: multiply-accumulates, bytes and dispatches by kind of kernel.
    #[command(after_help = EXPLAIN)]
    Explain(ExplainOptions),
    /// What storing a stream of sensor data would take, and what each strategy keeps instead.
    #[command(after_help = EXPLAIN_BUDGET)]
    ExplainBudget(ExplainBudgetOptions),
    /// Train a strategy and draw what it made.
    #[command(after_help = SHOW)]
    Show {
        /// What is shown.
        #[command(subcommand)]
        what: ShowWhat,
    },
    /// Choose strengths by the accuracy on validation images, with seed 1.
    #[command(after_help = TUNE)]
    Tune(TuneOptions),
    /// Print the script with which a shell completes verbs and options.
    #[command(after_help = COMPLETIONS)]
    Completions(CompletionsOptions),
    /// Print a manual page, or write all of them into a folder.
    #[command(after_help = MAN)]
    Man(ManOptions),
}

/// The data, the stream and how it is trained on.
#[derive(Args, Debug)]
pub(crate) struct Training {
    /// digits (built in), mnist or fashion-mnist [default: digits]
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// How contexts are made: split, permuted or rotated [default: split; of `show gates` rotated]
    #[arg(long, value_name = "NAME")]
    protocol: Option<String>,
    /// Number of contexts
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    contexts: Option<usize>,
    /// How the stream goes from one context to the next: sharp, or without boundaries fuzzy, random or
    /// one-pass [default: sharp]
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,
    /// Of stream fuzzy: steps from the middle of a boundary to either end [default: 500, or a quarter
    /// of a context's steps]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    fuzziness: Option<u32>,
    /// Steps between two consolidations where there are no boundaries [default: 100]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    update_every: Option<u32>,
    /// Evaluate after every K-th context, and the last; of more than 50 contexts 50, evenly spread, are
    /// evaluated [default: 1]
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    evaluate_every: Option<usize>,
    /// Evaluate on the way too, after every N-th step: shows how low accuracies fall before they recover
    /// (the stability gap) [default: at the ends of contexts only]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    anytime_every: Option<u32>,
    /// Also measure after every context how much the networks can still learn: dormant units, effective rank, size of
    /// weights
    #[arg(long)]
    plasticity: bool,
    /// Steps per context
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    steps: Option<u32>,
    /// Rows of the stream per step
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    batch: Option<usize>,
    /// Units of the hidden layers, such as 400,400
    #[arg(long, value_name = "LIST")]
    hidden: Option<String>,
    /// A safetensors file of weights that every network starts with: w1, b1, .. of type F32; outputs of
    /// another number are drawn [default: all are drawn]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// What ncm, slda, fecam and ranpac compare: features of a network that stops after the first context
    /// (first-context), learns on (finetuned), never learns (random), of the example itself (pixels), or of
    /// the network in a file of weights, which never moves [default: first-context]
    #[arg(long, value_name = "NAME|FILE")]
    features: Option<String>,
    /// adam, adamw or sgd [default: adam]
    #[arg(long, value_name = "NAME")]
    optimizer: Option<String>,
    /// Learning rate
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    lr: Option<f64>,
    /// A hyper-parameter, such as ewc.lambda=1e5; several values (1,1e2,1e4) are swept; may be given
    /// several times
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Whose conventions and strengths: paper (each method's own), vdv, avalanche or mammoth [default:
    /// paper on digits, else vdv]
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Folder of the files of mnist or fashion-mnist [default: $CONTINUAL_DATA, then the user's cache
    /// folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Threads; results do not depend on it [default: all]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    threads: Option<usize>,
    /// Where programs run: cpu, gpu (the fastest), gpu:NAME (one of `continual devices`) or auto
    /// [default: cpu]
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// Runs, of seeds and values of a sweep, that are trained at once, the others following in waves; results
    /// do not depend on it [default: all on the CPU; elsewhere what fits 4 GiB of a GPU with memory of its own,
    /// 1 GiB of others]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    lanes: Option<usize>,
}

impl Training {
    fn request(&self) -> Request {
        Request {
            dataset: self.dataset.clone(),
            protocol: self.protocol.clone(),
            contexts: self.contexts,
            stream: self.stream.clone(),
            fuzziness: self.fuzziness,
            update_every: self.update_every,
            evaluate_every: self.evaluate_every,
            anytime_every: self.anytime_every,
            plasticity: self.plasticity,
            steps: self.steps,
            batch: self.batch,
            hidden: self.hidden.clone(),
            weights: self.weights.clone(),
            features: self.features.clone(),
            optimizer: self.optimizer.clone(),
            lr: self.lr,
            set: self.set.clone(),
            preset: self.preset.clone(),
            data: self.data.clone(),
            threads: self.threads,
            device: self.device.clone(),
            lanes: self.lanes,
            ..Request::default()
        }
    }
}

/// Which runs, and how they are trained.
#[derive(Args, Debug)]
pub(crate) struct Choices {
    /// Scenarios, separated by commas [default: task,domain,class]
    #[arg(long, value_name = "LIST")]
    scenario: Option<String>,
    /// Strategies, separated by commas; a+b composes; all: every one [default: one of every idea, see
    /// below; of `tune` all]
    #[arg(long, value_name = "LIST")]
    strategy: Option<String>,
    #[command(flatten)]
    training: Training,
}

impl Choices {
    fn request(&self) -> Request {
        let (scenario, strategy) = (self.scenario.clone(), self.strategy.clone());
        Request { scenario, strategy, ..self.training.request() }
    }
}

#[derive(Args, Debug)]
pub(crate) struct BenchOptions {
    #[command(flatten)]
    choices: Choices,
    /// Number of seeds: 2 to N+1, trained as one population [default: 5]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seeds: Option<u64>,
    /// A look: 100 steps per context and 2 seeds; its figures are not comparable
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What becomes of the results.
#[derive(Args, Debug)]
pub(crate) struct Output {
    /// Folder of results.jsonl [default: target/bench; of `run`: target/run/NAME for NAME.toml; of
    /// `tradeoff`: target/tradeoff/STRATEGY-SCENARIO]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print the runs and what they would cost; train nothing, write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How often the runs under way are saved: 30s, 200steps or never [default: 30s]
    #[arg(long, value_name = "INTERVAL")]
    pub(crate) checkpoint_every: Option<CheckpointEvery>,
    /// Write the trained networks, as OUT/networks/STRATEGY-SCENARIO-seed-N.safetensors, for --weights and
    /// --features
    #[arg(long)]
    pub(crate) keep_networks: bool,
    /// Throw unfinished work in the folder away and start anew
    #[arg(long)]
    pub(crate) restart: bool,
}

impl BenchOptions {
    pub(crate) fn request(&self) -> Request {
        Request { seeds: self.seeds, quick: self.quick, ..self.choices.request() }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ShowWhat {
    /// How much the gates of two contexts overlap, for every hidden layer.
    #[command(after_help = SHOW_GATES)]
    Gates(ShowGatesOptions),
}

#[derive(Args, Debug)]
pub(crate) struct ShowGatesOptions {
    /// A strategy with gates: xdg, lxdg, hat, or a composition with one
    #[arg(value_name = "STRATEGY")]
    pub(crate) strategy: String,
    /// What is told at test time: task, domain or class [default: task]
    #[arg(long, value_name = "NAME", default_value = "task", hide_default_value = true)]
    scenario: String,
    /// Number of seeds: 2 to N+1; overlaps are means over them
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 1)]
    seeds: u64,
    #[command(flatten)]
    training: Training,
    /// Folder of the pictures [default: target/show/STRATEGY]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

impl ShowGatesOptions {
    pub(crate) fn request(&self) -> Request {
        let usual = self.training.request();
        Request {
            strategy: Some(self.strategy.clone()),
            scenario: Some(self.scenario.clone()),
            protocol: usual.protocol.clone().or_else(|| Some("rotated".to_owned())),
            seeds: Some(self.seeds),
            ..usual
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct TradeoffOptions {
    /// The strategy; a+b composes
    #[arg(value_name = "STRATEGY")]
    pub(crate) strategy: String,
    /// The hyper-parameter, such as ewc.lambda [default: the strategy's first strength]
    #[arg(long, value_name = "NAME")]
    pub(crate) hyper: Option<String>,
    /// Its values, separated by commas [default: its grid, as in `tune`]
    #[arg(long, value_name = "LIST", value_delimiter = ',', allow_negative_numbers = true)]
    pub(crate) values: Vec<f64>,
    /// What is told at test time: task, domain or class [default: domain]
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// Number of seeds: 2 to N+1; all seeds and values are one population [default: 5]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seeds: Option<u64>,
    #[command(flatten)]
    training: Training,
    #[command(flatten)]
    pub(crate) output: Output,
}

impl TradeoffOptions {
    pub(crate) fn request(&self) -> Request {
        let (scenario, seeds) = (self.scenario.clone(), self.seeds);
        Request { scenario, seeds, ..self.training.request() }
    }
}

#[derive(Args, Debug)]
pub(crate) struct ReproOptions {
    /// The published table, such as docs/repro/split-mnist.toml
    #[arg(value_name = "TABLE.toml")]
    pub(crate) table: PathBuf,
    /// Number of seeds: 2 to N+1, trained as one population
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) seeds: u64,
    /// Rows of the table, separated by commas [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Stop after so many minutes, with everything saved
    #[arg(long, value_name = "M", allow_negative_numbers = true, value_parser = minutes)]
    pub(crate) budget_minutes: Option<f64>,
    /// Folder of the files of mnist or fashion-mnist [default: $CONTINUAL_DATA, then the user's cache
    /// folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Threads; results do not depend on it [default: all]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) threads: Option<usize>,
    /// Where programs run: cpu, gpu (the fastest), gpu:NAME (one of `continual devices`) or auto; a cell
    /// that was interrupted elsewhere starts again [default: cpu]
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    /// Folder of the cells [default: target/repro/TABLE]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// The page that is written [default: OUT/TABLE.md]
    #[arg(long, value_name = "FILE.md")]
    pub(crate) page: Option<PathBuf>,
    /// How often the runs under way are saved: 30s, 200steps or never [default: 30s]
    #[arg(long, value_name = "INTERVAL")]
    pub(crate) checkpoint_every: Option<CheckpointEvery>,
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse().ok().filter(|minutes: &f64| minutes.is_finite() && *minutes > 0.0);
    minutes.ok_or_else(|| "expected a number above 0".to_owned())
}

#[derive(Args, Debug)]
pub(crate) struct ListOptions {
    /// Which strategies go together, and why others do not
    #[arg(long)]
    pub(crate) pairs: bool,
    /// Folder in which data sets are looked for, as in `bench`
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct TuneOptions {
    #[command(flatten)]
    choices: Choices,
    /// Write the strengths into this file; its comments stay
    #[arg(long, value_name = "PATH")]
    pub(crate) write: Option<PathBuf>,
}

impl TuneOptions {
    pub(crate) fn request(&self) -> Request {
        let usual = self.choices.request();
        Request { strategy: usual.strategy.or_else(|| Some("all".to_owned())), ..usual }
    }
}

/// Prints help, or one line for options that cannot be understood.
pub(crate) fn refused(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Nobody reading the help any more is no failure.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(BAD_INPUT)
        }
        _ => {
            eprintln!("{}", told(&error.render().to_string()));
            ExitCode::from(BAD_INPUT)
        }
    }
}

/// What clap says on several lines, without its usage, on one.
fn told(rendered: &str) -> String {
    let said = rendered.lines().map(str::trim).filter(|line| {
        !line.is_empty() && !line.starts_with("Usage:") && !line.starts_with("For more information")
    });
    one_line(&said.collect::<Vec<_>>().join("; ")).replace(":;", ":")
}
