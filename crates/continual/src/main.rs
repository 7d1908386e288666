//! The `continual` command: reads options, runs, prints one table or one line of error.

mod bench_command;
mod budget_command;
mod cli;
mod devices_command;
mod dry_run;
mod explain_budget;
mod explain_command;
mod interrupt;
mod list;
mod machine;
mod panics;
mod print;
mod printed;
mod progress;

mod report_command;
mod repro_command;
mod resume_command;
mod run_command;
mod shell_command;
mod show_command;
mod table;
mod tradeoff_command;
mod tune_command;

use clap::Parser;
use cli::{Cli, Command};
use std::process::ExitCode;

fn main() -> ExitCode {
    panics::install();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return cli::refused(&error),
    };
    let done = match cli.command {
        Command::Bench(options) => bench_command::run(&options),
        Command::Run(options) => run_command::run(&options),
        Command::Resume(options) => resume_command::run(&options),
        Command::List(options) => list::run(&options),
        Command::Devices => devices_command::run(),
        Command::Report(options) => report_command::run(&options),
        Command::Repro(options) => repro_command::run(&options),
        Command::Budget(options) => budget_command::run(&options),
        Command::Explain(options) => explain_command::run(&options),
        Command::ExplainBudget(options) => explain_budget::run(&options),
        Command::Tradeoff(options) => tradeoff_command::run(&options),
        Command::Show { what } => show_command::run(&what),
        Command::Tune(options) => tune_command::run(&options),
        Command::Completions(options) => shell_command::completions(&options),
        Command::Man(options) => shell_command::man(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => print::failure(&error),
    }
}
