//! `cargo xtask test`: every test of the workspace, then `tidy`, then one summary.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::tidy;
use crate::workspace::{Workspace, cargo};

const HELP: &str = "\
Runs every test of the workspace (unit, property, conformance, golden, integration, doc) and of
examples/outside in the dev profile, then `cargo xtask tidy`, and prints one summary.

Usage: cargo xtask test [FILTER]

FILTER runs only tests whose name contains it, and leaves tidy out.

Tests on real MNIST run where CONTINUAL_TEST_MNIST names a folder with the four IDX files.";

/// Tests that need something a machine may not have.
struct Optional {
    /// The environment variable that says where it is.
    variable: &'static str,
    what: &'static str,
    expected: &'static str,
    /// The file whose tests need it.
    file: &'static str,
}

const OPTIONAL: [Optional; 1] = [Optional {
    variable: "CONTINUAL_TEST_MNIST",
    what: "real MNIST",
    expected: "a folder with the four IDX files",
    file: "crates/cl-scenarios/tests/mnist.rs",
}];

/// Packages that use the workspace from outside, with their own tests.
const OUTSIDE: [&str; 1] = ["examples/outside"];

pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode> {
    let filter = match arguments {
        [] => None,
        [first] if first == "--help" || first == "-h" => {
            println!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        [first] if !first.to_string_lossy().starts_with('-') => Some(first),
        _ => bail!("test: expected at most one FILTER, see `cargo xtask test --help`"),
    };
    let workspace = Workspace::load()?;
    let start = Instant::now();
    let (mut tally, mut green) = (Tally::default(), true);
    let everything = ["--workspace", "--features", "continual/gpu"].map(OsString::from);
    green &= cargo_test(&everything, filter, &mut tally)?;
    for package in OUTSIDE {
        let manifest = workspace.root.join(package).join("Cargo.toml");
        let target = ["--target-dir".into(), workspace.target.clone().into_os_string()];
        let manifest = ["--manifest-path".into(), manifest.into_os_string()];
        green &= cargo_test(&[manifest, target].concat(), filter, &mut tally)?;
    }
    let findings = match filter {
        None => Some(tidy::findings(&workspace, &tidy::CHECKS)?),
        Some(_) => None,
    };

    println!("\n== summary ==");
    println!("{}", tally.line(start.elapsed().as_secs()));
    for name in &tally.failed_names {
        println!("  failed: {name}");
    }
    if !green && tally.failed == 0 {
        println!("  a test program did not build or ended early: see above");
    }
    match findings {
        Some(0) => println!("tidy: nothing found"),
        Some(n) => println!("tidy: {n} found: see above"),
        None => println!("tidy: left out because of the filter"),
    }
    for line in skipped(&workspace.root, |variable| std::env::var_os(variable).is_some()) {
        println!("{line}");
    }
    let passed = green && findings.unwrap_or(0) == 0;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs cargo test to its end whatever fails, shows its output and counts.
fn cargo_test(packages: &[OsString], filter: Option<&OsString>, tally: &mut Tally) -> Result<bool> {
    let mut child = cargo()
        .args(["test", "--no-fail-fast"])
        .args(packages)
        .args(filter)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start `cargo test`")?;
    if let Some(output) = child.stdout.take() {
        // Tests may print bytes that are no text, so lines are split before they are decoded.
        for line in BufReader::new(output).split(b'\n') {
            let line = line.context("cannot read what `cargo test` prints")?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            tally.read(&line);
        }
    }
    let status = child.wait().context("cannot wait for `cargo test`")?;
    Ok(status.success())
}

/// What libtest printed, added up over test programs.
#[derive(Default, Debug, PartialEq)]
struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
    failed_names: Vec<String>,
}

impl Tally {
    /// Reads `test a::b ... FAILED` and `test result: ok. 5 passed; 0 failed; 1 ignored; ...`.
    fn read(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
            for count in counts.split("; ") {
                let Some((number, name)) = count.split_once(' ') else { continue };
                let Ok(number) = number.parse::<u64>() else { continue };
                match name {
                    "passed" => self.passed += number,
                    "failed" => self.failed += number,
                    "ignored" => self.ignored += number,
                    _ => {}
                }
            }
        } else if let Some(test) = line.strip_prefix("test ")
            && let Some(name) = test.strip_suffix(" ... FAILED")
        {
            self.failed_names.push(name.to_owned());
        }
    }

    fn line(&self, seconds: u64) -> String {
        let Self { passed, failed, ignored, .. } = self;
        let ignored = match ignored {
            0 => String::new(),
            n => format!(", {n} ignored"),
        };
        format!("tests: {passed} passed, {failed} failed{ignored}, {seconds} s with building")
    }
}

/// One line for each group of tests whose precondition is missing.
///
/// Such a test prints `skipped:` and passes; cargo hides what a passing test prints, so this says it.
fn skipped(root: &Path, present: impl Fn(&str) -> bool) -> Vec<String> {
    let missing = OPTIONAL.iter().filter(|group| !present(group.variable));
    missing
        .filter_map(|Optional { variable, what, expected, file }| {
            let source = std::fs::read_to_string(root.join(file)).ok()?;
            let tests = source.lines().filter(|line| line.trim() == "#[test]").count();
            Some(format!(
                "1 group of tests skipped: {what}, {tests} tests counted as passed (set {variable} to {expected})"
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tally_adds_up_over_test_programs_and_names_what_failed() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test a::one ... ok",
            "test a::two ... FAILED",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: ok. 40 passed; 0 failed; 2 ignored; 0 measured; 7 filtered out; finished in 1.20s",
        ] {
            tally.read(line);
        }
        let failed_names = vec!["a::two".to_owned()];
        assert_eq!(tally, Tally { passed: 42, failed: 1, ignored: 2, failed_names });
    }

    #[test]
    fn a_group_is_named_with_its_count_exactly_when_its_variable_is_missing() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join(OPTIONAL[0].file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "#[test]\nfn a() {}\n\n#[test]\nfn b() {}\n").unwrap();
        let [line] = &skipped(root.path(), |_| false)[..] else { panic!("one group") };
        assert!(line.starts_with("1 group of tests skipped: real MNIST, 2 tests"), "{line}");
        assert!(skipped(root.path(), |variable| variable == "CONTINUAL_TEST_MNIST").is_empty());
    }
}
