//! `cargo xtask soak`: what takes minutes, for whoever changes how files are written or read, or the loop.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::workspace::{Workspace, cargo, unknown};

const HELP: &str = "\
Runs what takes too long for `cargo xtask test`, and prints what it found.

Usage: cargo xtask soak [PART...] [--seconds N]

Parts, all of them where none is named:
  kills    200 processes killed (kill -9) while they start, train, save, write results and finish: each
           benchmark is gone on with and has to end as the one that was not killed
  long     streams of 10,000 contexts: memory and time per context at the start and at the end
  fuzz     coverage-guided fuzzing (libFuzzer, on the stable toolchain; needs a C++ compiler) of every kind
           of file that is read, N seconds each (default 60); what was found once is kept in
           target/fuzz/corpus and goes on from there, what breaks a promise is written into target/fuzz";

const PARTS: [&str; 3] = ["kills", "long", "fuzz"];

/// The kinds of files; those of crates/continual/tests/readers/subjects.rs.
const SUBJECTS: [&str; 11] = [
    "idx-images",
    "idx-labels",
    "checkpoint",
    "checkpoint-signed",
    "weights",
    "experiment",
    "published-table",
    "unfinished",
    "results",
    "report",
    "origin",
];

/// What makes the compiler count which edges of the program a file reaches, as `cargo fuzz` asks for it. All
/// are options of the stable compiler.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Most memory that reading one file may take, in MiB.
const MOST_MEMORY: u32 = 2048;

/// Most seconds that reading one file may take.
const MOST_SECONDS: u32 = 30;

pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode> {
    let asked = match Asked::parse(arguments)? {
        Some(asked) => asked,
        None => {
            println!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let workspace = Workspace::load()?;
    let mut failed = Vec::new();
    for part in PARTS.into_iter().filter(|part| asked.parts.iter().any(|asked| asked == part)) {
        println!("== {part} ==");
        let start = Instant::now();
        let green = match part {
            "kills" => longer("resume", "drawn_moments")?,
            "long" => longer("long_streams", "end_of_a_long_stream")?,
            _ => fuzz(&workspace, asked.seconds)?,
        };
        println!(
            "{part}: {}, {} s",
            if green { "ok" } else { "FAILED" },
            start.elapsed().as_secs()
        );
        if !green {
            failed.push(part);
        }
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("failed: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

#[derive(Debug, PartialEq)]
struct Asked {
    parts: Vec<String>,
    /// Of fuzzing, for each kind of file.
    seconds: u32,
}

impl Asked {
    /// Nothing where help was asked for.
    fn parse(arguments: &[OsString]) -> Result<Option<Self>> {
        let mut asked = Self { parts: Vec::new(), seconds: 60 };
        let mut words = arguments.iter().map(|word| word.to_string_lossy());
        while let Some(word) = words.next() {
            match &*word {
                "--help" | "-h" => return Ok(None),
                "--seconds" => {
                    let number = words.next().and_then(|word| word.parse().ok());
                    asked.seconds = number
                        .filter(|&seconds| seconds > 0)
                        .context("soak: --seconds expects a number above 0")?;
                }
                part if PARTS.contains(&part) => asked.parts.push(part.to_owned()),
                other => bail!("{}", unknown("part of soak", other, PARTS.into_iter())),
            }
        }
        if asked.parts.is_empty() {
            asked.parts = PARTS.map(str::to_owned).into();
        }
        Ok(Some(asked))
    }
}

/// Runs a test of `continual` that is longer here than every day.
fn longer(program: &str, test: &str) -> Result<bool> {
    let status = cargo()
        .args(["test", "--package", "continual", "--test", program, test, "--", "--nocapture"])
        .env("CONTINUAL_SOAK", "1")
        .status()
        .context("cannot start `cargo test`")?;
    Ok(status.success())
}

fn fuzz(workspace: &Workspace, seconds: u32) -> Result<bool> {
    if Command::new("c++").arg("--version").stdout(Stdio::null()).status().is_err() {
        bail!("soak fuzz: no C++ compiler, which libFuzzer needs (on Debian the package g++)");
    }
    let host = host()?;
    let target = workspace.target.join("fuzz");
    let status = cargo()
        .args(["build", "--release", "--target", &host, "--manifest-path"])
        .arg(workspace.root.join("fuzz/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTFLAGS", COVERAGE.join(" "))
        .status()
        .context("cannot start `cargo build`")?;
    if !status.success() {
        return Ok(false);
    }
    let program = target.join(host).join("release/continual-fuzz");
    let mut green = true;
    for subject in SUBJECTS {
        green &= fuzz_one(&program, &target, subject, seconds)?;
    }
    Ok(green)
}

/// Reads files of one kind for so many seconds.
fn fuzz_one(program: &Path, target: &Path, subject: &str, seconds: u32) -> Result<bool> {
    let corpus: PathBuf = target.join("corpus").join(subject);
    let log = target.join(format!("{subject}.log"));
    fs::create_dir_all(&corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
    let output =
        fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let found = target.join(format!("{subject}-"));
    let status = Command::new(program)
        .arg(&corpus)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-rss_limit_mb={MOST_MEMORY}"))
        .arg(format!("-timeout={MOST_SECONDS}"))
        .arg(format!("-artifact_prefix={}", found.display()))
        .env("CONTINUAL_FUZZ", subject)
        .env("CONTINUAL_FUZZ_SEEDS", &corpus)
        .stdout(output.try_clone()?)
        .stderr(output)
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let told = fs::read(&log).unwrap_or_default();
    println!("{}", verdict(subject, status.success(), &String::from_utf8_lossy(&told), &log));
    Ok(status.success())
}

/// One line: how many files were read, and how many edges of the program they reached.
fn verdict(subject: &str, green: bool, told: &str, log: &Path) -> String {
    let runs = told.lines().rev().find_map(|line| line.strip_prefix("Done "));
    let edges = told.lines().rev().find_map(|line| {
        let (_, rest) = line.split_once("cov: ")?;
        rest.split(' ').next()
    });
    match (green, runs, edges) {
        (true, Some(runs), Some(edges)) => format!("  {subject}: {runs}, {edges} edges"),
        (true, ..) => format!("  {subject}: ok"),
        (false, ..) => format!("  {subject}: FAILED, see {}", log.display()),
    }
}

/// The machine that the compiler builds for.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("cannot start `rustc`")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Option<Asked>> {
        let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        Asked::parse(&words)
    }

    #[test]
    fn all_parts_run_unless_some_are_named() {
        let asked = |words| parse(words).unwrap().unwrap();
        assert_eq!(asked("").parts, PARTS);
        let named = asked("fuzz --seconds 5 kills");
        assert_eq!((named.parts, named.seconds), (vec!["fuzz".into(), "kills".into()], 5));
        assert_eq!(parse("kills --help").unwrap(), None);
        let error = parse("kill").unwrap_err().to_string();
        assert!(error.contains("did you mean `kills`?"), "{error}");
        assert!(parse("--seconds 0").is_err() && parse("--seconds").is_err());
    }

    #[test]
    fn every_kind_of_file_that_is_read_is_fuzzed() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../crates/continual/tests/readers/subjects.rs");
        let text = fs::read_to_string(file).unwrap();
        let names = text.lines().filter_map(|line| line.trim().strip_prefix("name: \""));
        let names: Vec<&str> = names.filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(names, SUBJECTS);
    }

    #[test]
    fn a_verdict_says_how_many_files_were_read() {
        let told = "#9\tNEW    cov: 77 ft: 9\nstat\nDone 4436 runs in 41 second(s)\n";
        let line = verdict("weights", true, told, Path::new("a.log"));
        assert_eq!(line, "  weights: 4436 runs in 41 second(s), 77 edges");
        let line = verdict("weights", false, told, Path::new("a.log"));
        assert_eq!(line, "  weights: FAILED, see a.log");
    }
}
