//! `cargo xtask bench`: the `continual` binary in release mode, with every argument passed on.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::workspace::{Workspace, cargo, passed_on};

const HELP: &str = "\
Builds the `continual` binary in release mode and runs `continual bench` with the options given.

  cargo xtask bench                                  digits, three scenarios, 5 seeds
  cargo xtask bench --quick                          a look: 100 steps per context, 2 seeds
  cargo xtask bench --scenario class --strategy none,er,joint
  cargo xtask bench --dataset mnist --data DIR --preset vdv
  cargo xtask bench --dry-run                        what would run, and what it would cost

All options, from the program itself:
";

pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode> {
    if arguments.iter().any(|a| a == "--help" || a == "-h") {
        println!("{HELP}");
    }
    let build = ["build", "--release", "--package", "continual", "--bin", "continual"];
    let built = cargo().args(build).status().context("cannot start `cargo build`")?;
    if !built.success() {
        return Ok(passed_on(built));
    }
    let name = format!("continual{}", std::env::consts::EXE_SUFFIX);
    let program = Workspace::load()?.target.join("release").join(name);
    let status = Command::new(&program)
        .arg("bench")
        .args(arguments)
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    Ok(passed_on(status))
}
