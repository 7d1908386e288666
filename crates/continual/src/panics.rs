//! Our own bugs, told in one line.

use std::panic::{PanicHookInfo, set_hook};

/// From here on a panic prints one line; the exit code is Rust's 101.
pub(crate) fn install() {
    set_hook(Box::new(|panic| {
        if !is_caught() {
            eprintln!("{}", line(&reason(panic), place(panic)));
        }
    }));
}

/// Whether it becomes an error: that of a device that was lost.
#[cfg(feature = "gpu")]
fn is_caught() -> bool {
    cl_gpu::is_waiting()
}

#[cfg(not(feature = "gpu"))]
fn is_caught() -> bool {
    false
}

fn reason(panic: &PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}

fn place(panic: &PanicHookInfo<'_>) -> String {
    panic.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()))
}

fn line(reason: &str, place: String) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let reason = crate::print::one_line(reason);
    format!(
        "error: a bug in continual {version}: {reason}{place}; please report it with the command"
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_bug_is_one_line_with_version_and_place() {
        let line = super::line("left:\n  3", " at src/a.rs:7".to_owned());
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            line,
            format!(
                "error: a bug in continual {version}: left: 3 at src/a.rs:7; \
                 please report it with the command"
            )
        );
    }
}
