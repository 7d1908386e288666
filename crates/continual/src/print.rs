//! What is printed, and with which exit code a failure ends.

use anyhow::{Context, Result};
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

/// The run failed: its loss is no number any more, results could not be written.
const FAILED: u8 = 1;
/// Somebody asked to stop: 128 and the number of SIGINT, as shells count.
pub(crate) const INTERRUPTED: u8 = 130;
/// The request was at fault.
pub(crate) const BAD_INPUT: u8 = 2;

/// Prints a text to standard output. Nobody reading it any more (`continual list | head`) is fine.
pub(crate) fn text(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output cannot be written"),
    }
}

/// Prints one line of error, or of how to go on, and gives its exit code.
pub(crate) fn failure(error: &anyhow::Error) -> ExitCode {
    let ours = error.downcast_ref::<continual::Error>();
    if ours.is_some_and(continual::Error::is_interruption) {
        // The command to go on with comes first; the place is for whoever is curious.
        eprintln!("{}", one_line(&error.to_string()));
        return ExitCode::from(INTERRUPTED);
    }
    eprintln!("error: {}", one_line(&told(error)));
    ExitCode::from(if ours.is_some_and(continual::Error::is_bad_input) {
        BAD_INPUT
    } else {
        FAILED
    })
}

/// What is wrong, and why; a reason that is part of the message before it is not said again.
fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.ends_with(&cause) {
            text += &format!(": {cause}");
        }
    }
    text
}

/// The text with every run of white space made one space.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_once() {
        let source = std::io::Error::other("the disk is full");
        let path = "results.jsonl".into();
        let error = anyhow::Error::new(continual::Error::Write { path, source }).context("2 runs");
        assert_eq!(told(&error), "2 runs: results.jsonl: cannot be written: the disk is full");
    }
}
