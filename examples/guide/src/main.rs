//! `cargo run --release -p guide -- NAME`: one of the programs of the tutorial or the cookbook.

use guide::{PROGRAMS, cookbook, methods};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    if name == "page" {
        // docs/COOKBOOK.md, as the programs have it.
        print!("{}", cookbook::page());
        return ExitCode::SUCCESS;
    }
    if name == "methods" {
        // docs/methods: `cargo xtask methods` calls it.
        return ended(methods::write(Path::new(guide::ROOT)).map(|count| {
            println!("docs/methods: {count} pages");
        }));
    }
    let Some(program) = PROGRAMS.iter().find(|program| program.name == name) else {
        let lines = PROGRAMS.iter().map(|it| format!("  {:16} {}\n", it.name, it.question()));
        eprint!("expected one of these names:\n\n{}", lines.collect::<String>());
        return ExitCode::from(2);
    };
    ended((program.run)())
}

fn ended(result: Result<(), Box<dyn std::error::Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
