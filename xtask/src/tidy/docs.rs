//! The documentation builds without warnings.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::Finding;
use crate::workspace::{Workspace, cargo};

pub(crate) fn findings(workspace: &Workspace) -> Result<Vec<Finding>> {
    let output = cargo()
        .args(["doc", "--workspace", "--no-deps", "--keep-going", "--message-format", "short"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .current_dir(&workspace.root)
        .output()
        .context("cannot start `cargo doc`")?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let mut found: Vec<Finding> = stderr.lines().filter_map(finding).collect();
    if found.is_empty() {
        // Not a warning of rustdoc: a broken manifest, a dependency that does not build.
        let reason = stderr.lines().find(|line| line.starts_with("error")).unwrap_or("no reason");
        found.push(Finding::new("Cargo.toml", 1, format!("`cargo doc` failed: {reason}")));
    }
    Ok(found)
}

/// Reads `crates/a/src/lib.rs:3:7: error: unresolved link to ...`.
fn finding(line: &str) -> Option<Finding> {
    let (place, text) = line.split_once(": ")?;
    if !text.starts_with("error") {
        return None;
    }
    let mut parts = place.rsplitn(3, ':');
    let _column: usize = parts.next()?.parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    Some(Finding::new(PathBuf::from(parts.next()?), line, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rustdoc_error_becomes_a_finding_and_other_lines_do_not() {
        let line = "crates/a/src/lib.rs:3:7: error: unresolved link to `Nothing`";
        let expected =
            Finding::new("crates/a/src/lib.rs", 3, "error: unresolved link to `Nothing`");
        assert_eq!(finding(line), Some(expected));
        assert_eq!(finding("    Checking a v0.1.0 (crates/a)"), None);
        assert_eq!(finding("error: could not document `a`"), None);
    }
}
