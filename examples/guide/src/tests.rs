//! Every program runs, and the pages say what the programs say.

use crate::program::TUTORIAL;
use crate::tutorial::first_strategy::Settle;
use crate::{PROGRAMS, Program, ROOT, cookbook, methods};
use continual::registry::STRATEGIES;
use std::path::Path;

fn run(programs: &[Program]) {
    for program in programs {
        println!("\n== {} ==", program.name);
        (program.run)().unwrap_or_else(|error| panic!("{}: {error}", program.name));
    }
}

#[test]
fn the_programs_of_the_tutorial_run() {
    run(&PROGRAMS[..TUTORIAL]);
}

#[test]
fn the_programs_of_the_cookbook_run() {
    run(&PROGRAMS[TUTORIAL..]);
}

#[test]
fn the_cookbook_is_what_its_programs_print() {
    let written = include_str!("../../../docs/COOKBOOK.md");
    assert!(
        written == cookbook::page(),
        "docs/COOKBOOK.md: out of date; write it with `cargo run -q -p guide -- page > docs/COOKBOOK.md`"
    );
}

#[test]
fn the_pages_of_methods_are_up_to_date() {
    let outdated = methods::outdated(Path::new(ROOT)).unwrap();
    assert!(outdated.is_empty(), "docs/methods: run `cargo xtask methods` for {outdated:?}");
}

#[test]
fn every_page_of_a_method_has_a_formula_and_a_source() {
    for entry in STRATEGIES {
        let path = Path::new(ROOT).join(format!("docs/methods/{}.md", entry.name));
        let page = std::fs::read_to_string(path).unwrap();
        let method = page.split("## Method").nth(1).and_then(|it| it.split("\n## ").next());
        let prose = method.unwrap().lines().filter(|line| !line.starts_with('|'));
        let prose: String = prose.collect::<Vec<_>>().join(" ");
        let formula = ["=", "←", "argmin"].iter().any(|sign| prose.contains(sign));
        let year = prose.split(|c: char| !c.is_ascii_digit()).any(|it| it.len() == 4);
        let source = year || prose.contains("common usage");
        assert!(formula && source, "{}: no formula, or no source", entry.name);
    }
}

#[test]
fn the_tutorial_shows_what_its_programs_do() {
    let tutorial = include_str!("../../../docs/TUTORIAL.md");
    let blocks: Vec<&str> = tutorial.split("```rust\n").skip(1).collect();
    assert!(blocks.len() > 5);
    for block in blocks.iter().map(|rest| rest.split("```").next().unwrap_or_default()) {
        let mut sources =
            PROGRAMS.iter().map(|program| program.text).chain([include_str!("tests.rs")]);
        let shown = sources.any(|source| source.contains(block));
        assert!(shown, "docs/TUTORIAL.md: no program has\n{block}");
    }
    for program in &PROGRAMS[..TUTORIAL] {
        assert!(tutorial.contains(&format!("-p guide -- {}\n", program.name)), "{}", program.name);
    }
}

#[test]
fn the_strategy_of_the_tutorial_passes_the_suite_of_all_strategies() {
    continual::core::conformance::Subject::new("settle", || Settle { k: 3.0 })
        .neutral(|| Settle { k: 0.0 })
        .refused(|| Settle { k: -1.0 })
        .refused(|| Settle { k: f64::NAN })
        .kept(|facts| 4 * facts.layout.parameters() as u64)
        .assert();
}
