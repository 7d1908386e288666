//! `cargo xtask bench` and `cargo xtask resume`: the `continual` binary in release mode, with every
//! argument passed on.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::workspace::{Workspace, cargo, passed_on};

const BENCH: &str = "\
Builds the `continual` binary in release mode and runs `continual bench` with the options given.

  cargo xtask bench                                  digits, three scenarios, 5 seeds
  cargo xtask bench --quick                          a look: 100 steps per context, 2 seeds
  cargo xtask bench --scenario class --strategy none,er,joint
  cargo xtask bench --dataset mnist --data DIR --preset vdv
  cargo xtask bench --dry-run                        what would run, and what it would cost

All options, from the program itself:
";

const RESUME: &str = "\
Builds the `continual` binary in release mode and runs `continual resume` with the options given.

  cargo xtask resume target/bench                    go on with an interrupted `cargo xtask bench`

All options, from the program itself:
";

pub(crate) fn bench(arguments: &[OsString]) -> Result<ExitCode> {
    run("bench", BENCH, arguments)
}

pub(crate) fn resume(arguments: &[OsString]) -> Result<ExitCode> {
    run("resume", RESUME, arguments)
}

fn run(verb: &str, help: &str, arguments: &[OsString]) -> Result<ExitCode> {
    if arguments.iter().any(|a| a == "--help" || a == "-h") {
        println!("{help}");
    }
    let build = ["build", "--release", "--package", "continual", "--bin", "continual"];
    let built = cargo().args(build).status().context("cannot start `cargo build`")?;
    if !built.success() {
        return Ok(passed_on(built));
    }
    let name = format!("continual{}", std::env::consts::EXE_SUFFIX);
    let program = Workspace::load()?.target.join("release").join(name);
    // Short where that is possible: the program tells by this name how to go on.
    let here = std::env::current_dir().unwrap_or_default();
    let program = program.strip_prefix(here).unwrap_or(&program);
    become_or_start(Command::new(program).arg(verb).args(arguments))
        .with_context(|| format!("cannot start {}", program.display()))
}

/// In place of this process: Ctrl-C and signals reach the program alone, and nobody prompts before it
/// has saved.
#[cfg(unix)]
fn become_or_start(program: &mut Command) -> std::io::Result<ExitCode> {
    Err(std::os::unix::process::CommandExt::exec(program))
}

#[cfg(not(unix))]
fn become_or_start(program: &mut Command) -> std::io::Result<ExitCode> {
    program.status().map(passed_on)
}
