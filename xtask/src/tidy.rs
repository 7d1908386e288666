//! `cargo xtask tidy`: the rules of the project that no compiler checks. One file per check.

mod docs;
mod examples;
mod length;
mod levels;
mod links;
mod lints;
mod markers;
mod ops;
mod paths;
mod sources;
mod tree;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::workspace::{Workspace, slashed, unknown};
use tree::Tree;

/// A place where a rule is broken.
#[derive(Debug, PartialEq)]
pub(crate) struct Finding {
    /// Relative to the root of the workspace.
    file: PathBuf,
    /// Counted from 1.
    line: usize,
    /// What is wrong and what is expected.
    text: String,
}

impl Finding {
    fn new(file: impl Into<PathBuf>, line: usize, text: impl Into<String>) -> Self {
        Self { file: file.into(), line, text: text.into() }
    }
}

/// One rule.
pub(crate) struct Check {
    name: &'static str,
    rule: &'static str,
    run: fn(&Workspace, &Tree) -> Result<Vec<Finding>>,
}

/// Every rule, cheap ones first.
pub(crate) const CHECKS: [Check; 10] = [
    Check {
        name: "length",
        rule: "a source file has at most 500 lines; lib.rs and mod.rs only list and explain",
        run: |_, tree| Ok(length::findings(tree)),
    },
    Check {
        name: "levels",
        rule: "a crate depends on crates of lower levels only",
        run: |workspace, tree| Ok(levels::findings(&workspace.packages, tree)),
    },
    Check {
        name: "ops",
        rule: "every op of cl-tensor brings its test cases",
        run: |_, tree| Ok(ops::findings(tree)),
    },
    Check {
        name: "sources",
        rule: "every method file cites the paper it implements",
        run: |_, tree| Ok(sources::findings(tree)),
    },
    Check {
        name: "markers",
        rule: "nothing is left for later: no markers, no stubs, no ignored tests",
        run: |_, tree| Ok(markers::findings(tree)),
    },
    Check {
        name: "links",
        rule: "relative links in *.md lead to files and headings that exist",
        run: |_, tree| Ok(links::findings(tree)),
    },
    Check {
        name: "paths",
        rule: "no path of somebody's machine",
        run: |_, tree| Ok(paths::findings(tree)),
    },
    Check {
        name: "lints",
        rule: "every library crate denies missing docs",
        run: |_, tree| Ok(lints::findings(tree)),
    },
    Check {
        name: "examples",
        rule: "every public trait has an example in its docs",
        run: |_, tree| Ok(examples::findings(tree)),
    },
    Check {
        name: "docs",
        rule: "the documentation builds without warnings",
        run: |workspace, _| docs::findings(workspace),
    },
];

pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode> {
    if arguments.iter().any(|a| a == "--help" || a == "-h") {
        print!("{}", help());
        return Ok(ExitCode::SUCCESS);
    }
    let mut chosen = Vec::new();
    for argument in arguments {
        let name = argument.to_string_lossy();
        match CHECKS.into_iter().find(|check| check.name == name) {
            Some(check) => chosen.push(check),
            None => bail!("{}", unknown("check", &name, CHECKS.iter().map(|check| check.name))),
        }
    }
    if chosen.is_empty() {
        chosen.extend(CHECKS);
    }
    let found = findings(&Workspace::load()?, &chosen)?;
    Ok(if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs `checks`, prints each finding as `file:line: text` and gives their number.
pub(crate) fn findings(workspace: &Workspace, checks: &[Check]) -> Result<usize> {
    let tree = Tree::read(&workspace.root, &workspace.target)?;
    println!("\n== tidy ==");
    let mut total = 0;
    for Check { name, rule, run } in checks {
        let mut found = run(workspace, &tree)?;
        found.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        for Finding { file, line, text } in &found {
            println!("{}:{line}: {text}", slashed(file));
        }
        let verdict = if found.is_empty() { "ok".to_owned() } else { found.len().to_string() };
        println!("{name:<8} {verdict:>3}  {rule}");
        total += found.len();
    }
    println!("{}", length::median_line(&tree));
    Ok(total)
}

fn help() -> String {
    let mut text = String::from(
        "Checks the rules a compiler does not check. Each finding is one line, `file:line: what is\n\
         wrong, what is expected`.\n\nUsage: cargo xtask tidy [CHECK...]      (none: all of them)\n\n",
    );
    for Check { name, rule, .. } in CHECKS {
        text += &format!("  {name:<8} {rule}\n");
    }
    text
}
