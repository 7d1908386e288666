//! One kind of file, read again and again with whatever libFuzzer thinks of. `CONTINUAL_FUZZ` says which kind;
//! good files are put into `CONTINUAL_FUZZ_SEEDS` first. `cargo xtask soak fuzz` sets both.
#![no_main]

#[path = "../../crates/continual/tests/readers/subjects.rs"]
#[allow(dead_code)] // libFuzzer changes files in its own way
mod subjects;

use std::path::PathBuf;
use std::sync::OnceLock;
use subjects::{SUBJECTS, Subject};

/// What is read, and in which folder.
static AT: OnceLock<(&Subject, PathBuf)> = OnceLock::new();

fn begin() {
    let name = std::env::var("CONTINUAL_FUZZ").unwrap_or_default();
    let Some(subject) = SUBJECTS.iter().find(|subject| subject.name == name) else {
        let all: Vec<&str> = SUBJECTS.iter().map(|subject| subject.name).collect();
        eprintln!("CONTINUAL_FUZZ={name}: expected one of {}", all.join(", "));
        std::process::exit(2);
    };
    if let Some(seeds) = std::env::var_os("CONTINUAL_FUZZ_SEEDS").map(PathBuf::from) {
        for (number, bytes) in (subject.good)().iter().enumerate() {
            std::fs::write(seeds.join(format!("good-{number}")), bytes).expect("seeds can be written");
        }
    }
    let folder = std::env::temp_dir().join(format!("continual-fuzz-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    AT.get_or_init(|| (subject, folder));
}

libfuzzer_sys::fuzz_target!(init: begin(), |bytes: &[u8]| {
    let Some((subject, folder)) = AT.get() else { return };
    if let Err(told) = (subject.read)(bytes, folder) {
        assert!(told.contains(subject.named), "{told:?} should name {}", subject.named);
        assert!(told.len() <= 2_000, "{} bytes of error", told.len());
    }
});
