//! `cargo xtask VERB`: the project's own commands. Each verb is one file; this one only chooses.
#![forbid(unsafe_code)]

mod bench;
mod test;
mod tidy;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};

/// A command of `cargo xtask`.
struct Verb {
    name: &'static str,
    arguments: &'static str,
    /// What it does, in one line of the overview.
    purpose: &'static str,
    run: fn(&[OsString]) -> Result<ExitCode>,
}

const VERBS: [Verb; 5] = [
    Verb {
        name: "bench",
        arguments: "[OPTIONS]",
        purpose: "build in release mode, run the benchmark, print the table of strategies by scenarios",
        run: bench::bench,
    },
    Verb {
        name: "resume",
        arguments: "DIR",
        purpose: "go on with a benchmark that was interrupted, from its folder",
        run: bench::resume,
    },
    Verb {
        name: "repro",
        arguments: "TABLE [OPTIONS]",
        purpose: "hold a published table of docs/repro against what this program gives",
        run: bench::repro,
    },
    Verb {
        name: "test",
        arguments: "[FILTER]",
        purpose: "every test of the workspace, doc tests included, then tidy",
        run: test::run,
    },
    Verb {
        name: "tidy",
        arguments: "[CHECK...]",
        purpose: "the rules a compiler does not check: file length, crate levels, sources, links, docs",
        run: tidy::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn dispatch(arguments: &[OsString]) -> Result<ExitCode> {
    let Some((first, rest)) = arguments.split_first() else {
        print!("{}", overview());
        return Ok(ExitCode::SUCCESS);
    };
    let name = first.to_string_lossy();
    if matches!(&*name, "help" | "--help" | "-h") {
        print!("{}", overview());
        return Ok(ExitCode::SUCCESS);
    }
    match VERBS.iter().find(|verb| verb.name == name) {
        Some(verb) => (verb.run)(rest),
        None => bail!("{}", workspace::unknown("verb", &name, VERBS.iter().map(|v| v.name))),
    }
}

fn overview() -> String {
    let mut text = String::from("The project's own commands.\n\nUsage: cargo xtask VERB\n\n");
    for Verb { name, arguments, purpose, .. } in VERBS {
        text += &format!("  {:<20}{purpose}\n", format!("{name} {arguments}"));
    }
    text + "\nOptions of a verb: cargo xtask VERB --help\nStart here:        cargo xtask bench --quick\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_verb_is_an_error_that_suggests_the_nearest() {
        let error = dispatch(&["tydi".into()]).unwrap_err().to_string();
        assert!(error.contains("`tydi`") && error.contains("did you mean `tidy`?"), "{error}");
    }
}
