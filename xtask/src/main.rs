//! `cargo xtask VERB`: the project's own commands. Each verb is one file; this one only chooses.
#![forbid(unsafe_code)]

mod bench;
mod methods;
mod soak;
mod speed;
mod test;
mod tidy;
mod verbs;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};

use verbs::{VERBS, Verb};

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
        text += &format!("  {:<21} {purpose}\n", format!("{name} {arguments}"));
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

    #[test]
    fn purposes_stand_below_each_other() {
        for line in overview().lines().filter(|line| line.starts_with("  ")) {
            let (left, purpose) = line.split_at(24);
            assert!(left.ends_with(' ') && !purpose.starts_with(' '), "{line}");
        }
    }
}
