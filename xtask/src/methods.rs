//! `cargo xtask methods`: the pages of docs/methods, written anew.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::workspace::{cargo, passed_on};

const HELP: &str = "\
Writes docs/methods anew, a page per strategy: from its doc comment, the registry of strategies, a dry run and the
tables of figures. A test of the package `guide` fails where a page is not what this verb would write.

Usage: cargo xtask methods";

pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode> {
    match arguments {
        [] => {}
        [first] if first == "--help" || first == "-h" => {
            println!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        _ => bail!("methods: expected no arguments, see `cargo xtask methods --help`"),
    }
    let ran = cargo().args(["run", "--quiet", "--package", "guide", "--", "methods"]).status();
    Ok(passed_on(ran.context("cannot start `cargo run`")?))
}
