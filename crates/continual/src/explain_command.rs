//! `continual explain`: what a step is made of.

use crate::cli::ExplainOptions;
use crate::dry_run::short;
use crate::print;
use crate::table::markdown;
use anyhow::Result;
use continual::core::Trains;
use continual::tensor::{Cost, KindCost};
use continual::{Bench, ExperimentFile, ProgramCost, Strengths};

/// Prints the programs of every strategy in every scenario; nothing is trained, no GPU is opened.
pub(crate) fn run(options: &ExplainOptions) -> Result<()> {
    let mut file = ExperimentFile::read(&options.file)?.device("cpu");
    if let Some(folder) = &options.data {
        file = file.data(folder);
    }
    print::text(&text(&file.bench(&Strengths::built_in()?)?)?)
}

fn text(bench: &Bench) -> Result<String> {
    let mut text = String::new();
    for cell in &bench.cells {
        let programs = cell.programs()?;
        for (number, program) in programs.iter().enumerate() {
            let count = match programs.len() {
                1 => String::new(),
                count => format!(", program {} of {count}", number + 1),
            };
            text += &format!(
                "{}, {}-incremental{count}: {}\n\n",
                cell.label(),
                cell.scenario,
                told(program)
            );
            text += &table(&program.cost, &program.kinds);
            text.push('\n');
        }
        if programs.is_empty() {
            text +=
                &format!("{}, {}-incremental: no program trains\n\n", cell.label(), cell.scenario);
        }
    }
    for skipped in &bench.skipped {
        text += &format!(
            "{}, {}-incremental: not run: {}\n\n",
            skipped.strategy, skipped.scenario, skipped.reason
        );
    }
    text += "One run of the program, for one member. MAC: multiply-accumulates of products. Bytes: read and written. Dispatches: \
             on a GPU,\none list for any population, longer only where the inner lanes of many members take too much memory; kernels \
             that do not wait\nfor each other share one, so kinds add up to more than the total. Boundaries and evaluations come on \
             top: `continual run --dry-run`\ncounts their multiply-accumulates too.\n";
    Ok(text)
}

/// Which program it is and how often it runs.
fn told(program: &ProgramCost) -> String {
    let phases: Vec<String> = program.phases.iter().map(|name| format!("`{name}`")).collect();
    let phase = if phases.len() == 1 { "phase" } else { "phases" };
    let trains = match program.trains {
        Trains::Everything => "trains everything".to_owned(),
        Trains::Network => "trains the network".to_owned(),
        Trains::AllBut(module) => format!("trains all but `{module}`"),
        Trains::Module(module) => format!("trains `{module}`"),
    };
    let runs = match (program.runs, program.passes) {
        (runs, 0) => format!("{runs} runs in all"),
        (0, passes) => format!("{passes} passes over memories in all"),
        (runs, passes) => format!("{runs} runs and {passes} passes over memories in all"),
    };
    format!("{phase} {}, {trains}, {} rows of the stream, {runs}", phases.join(" "), program.rows)
}

fn table(cost: &Cost, kinds: &[KindCost]) -> String {
    let header = ["kind", "kernels", "MAC", "bytes", "dispatches"].map(str::to_owned).to_vec();
    let dispatches = |count: Option<usize>| count.map_or("-".to_owned(), |count| count.to_string());
    let row = |kind: &str, [kernels, macs, bytes]: [u64; 3], count: Option<usize>| {
        vec![kind.to_owned(), kernels.to_string(), short(macs), short(bytes), dispatches(count)]
    };
    let mut rows: Vec<Vec<String>> = kinds
        .iter()
        .map(|it| row(it.kind, [it.kernels, it.macs, it.bytes], it.dispatches))
        .collect();
    let kernels = kinds.iter().map(|it| it.kernels).sum();
    rows.push(row("total", [kernels, cost.macs, cost.bytes], cost.dispatches));
    markdown(header, rows)
}
