//! Whatever stands in a file that is read: it is Ok or one clear error that names the file, never a panic,
//! never an enormous allocation.
#![allow(clippy::unwrap_used, unreachable_pub)] // a test's own functions are tests too

use cl_random::{Address, Purpose};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

mod mutate;
mod subjects;

use subjects::{SUBJECTS, Subject};

/// No message is longer than this, in bytes.
const LONGEST: usize = 2_000;

/// Mutated files of each kind.
const CASES: u64 = 400;

fn subject(name: &str) -> &'static Subject {
    SUBJECTS.iter().find(|subject| subject.name == name).unwrap()
}

/// Whether bytes were refused; what is wrong with how they were read.
fn is_refused(subject: &Subject, bytes: &[u8], folder: &Path) -> Result<bool, String> {
    match catch_unwind(AssertUnwindSafe(|| (subject.read)(bytes, folder))) {
        Err(_) => Err("panicked".to_owned()),
        Ok(Ok(())) => Ok(false),
        Ok(Err(told)) if !told.contains(subject.named) => {
            Err(format!("{told:?} should name {}", subject.named))
        }
        Ok(Err(told)) if told.len() > LONGEST => Err(format!("{} bytes of error", told.len())),
        Ok(Err(_)) => Ok(true),
    }
}

/// The most memory that this process ever asked for, in bytes, touched or not.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[cfg(not(target_os = "linux"))]
fn peak() -> u64 {
    0
}

/// Reads mutated files; one that breaks a promise is written down with its number.
#[track_caller]
fn survives(name: &str) {
    let subject = subject(name);
    let folder = tempfile::tempdir().unwrap();
    let good = (subject.good)();
    for bytes in &good {
        (subject.read)(bytes, folder.path()).unwrap();
    }
    let purpose = Purpose::named(subject.name);
    let (mut refused, before) = (0, peak());
    for case in 0..CASES {
        let mut draw = Address::new(case, purpose).rng();
        let from = &good[case as usize % good.len()];
        let bytes = mutate::mutated(from, subject.words, &mut draw);
        match is_refused(subject, &bytes, folder.path()) {
            Ok(is_refused) => refused += u64::from(is_refused),
            Err(fault) => {
                let kept = std::env::temp_dir().join(format!("continual-{name}-{case}"));
                std::fs::write(&kept, &bytes).unwrap();
                panic!("{name}, case {case}: {fault}; the file is {}", kept.display());
            }
        }
    }
    let grown = peak() - before;
    assert!(grown < 1 << 30, "{name}: {grown} bytes more were asked for");
    // Else the mutations would say nothing.
    assert!(refused > CASES / 10, "{name}: only {refused} of {CASES} were refused");
}

#[test]
fn mutated_images_are_read_or_refused() {
    survives("idx-images");
}

#[test]
fn mutated_labels_are_read_or_refused() {
    survives("idx-labels");
}

#[test]
fn mutated_checkpoints_are_read_or_refused() {
    survives("checkpoint");
}

#[test]
fn mutated_checkpoints_with_a_checksum_that_fits_are_gone_on_with_or_refused() {
    survives("checkpoint-signed");
}

#[test]
fn mutated_weights_are_read_or_refused() {
    survives("weights");
}

#[test]
fn mutated_experiments_are_read_or_refused() {
    survives("experiment");
}

#[test]
fn mutated_published_tables_are_read_or_refused() {
    survives("published-table");
}

#[test]
fn mutated_journals_are_gone_on_with_or_refused() {
    survives("unfinished");
}

#[test]
fn mutated_results_are_gone_on_with_or_refused() {
    survives("results");
}

#[test]
fn mutated_results_are_reported_or_refused() {
    survives("report");
}

#[test]
fn mutated_origins_are_reported_or_refused() {
    survives("origin");
}
