//! Ctrl-C, and SIGTERM and SIGHUP where there are such.

use crate::print::INTERRUPTED;
use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// From here on the first request to stop sets what is returned, the second ends the process.
pub(crate) fn install() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
        eprintln!("stopping after this step, saving; once more to stop at once");
    })
    .context("Ctrl-C cannot be caught")?;
    Ok(stop)
}

/// The command that goes on, by the name under which this program was called.
pub(crate) fn command(folder: &Path) -> String {
    let program = std::env::args_os().next().unwrap_or_else(|| "continual".into());
    format!("{} resume {}", quoted(&program), quoted(folder.as_os_str()))
}

/// As a shell takes it for one word.
fn quoted(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let is_plain = |c: char| c.is_alphanumeric() || "/\\._-+:@%=".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.into_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_word_of_the_shell() {
        for (word, expected) in [
            ("target/bench", "target/bench"),
            ("my runs", "'my runs'"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(OsStr::new(word)), expected);
        }
    }
}
