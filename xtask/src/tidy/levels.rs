//! The crates form levels; arrows point down only.

use std::path::Path;

use super::Finding;
use super::tree::Tree;
use crate::workspace::{Dependency, Package, slashed};

/// The level of every crate under `crates/`; see ARCHITECTURE.md for the picture.
const LEVELS: [(&str, u8); 14] = [
    ("cl-random", 0),
    ("cl-tensor", 0),
    ("cl-scenarios", 0),
    ("cl-buffers", 0),
    ("cl-metrics", 0),
    ("cl-nn", 1),
    ("cl-gpu", 1),
    ("cl-core", 2),
    ("cl-regularize", 3),
    ("cl-replay", 3),
    ("cl-gating", 3),
    ("cl-templates", 3),
    ("cl-lm", 4),
    ("continual", 5),
];

/// Everybody may draw random numbers, level 0 too.
const FOUNDATION: &str = "cl-random";

/// Crates that people take without the tensor core, to use with another one.
const WITHOUT_TENSORS: [&str; 3] = ["cl-scenarios", "cl-buffers", "cl-metrics"];

/// Dev-dependencies that point sideways or up, as (crate, dependency), each with a reason beside it.
const DEV_EXCEPTIONS: [(&str, &str); 0] = [];

/// Packages outside the levels: they may use any crate, no crate may use them.
const OUTSIDE: [&str; 3] = ["benches/Cargo.toml", "xtask/Cargo.toml", "examples/guide/Cargo.toml"];

pub(crate) fn findings(packages: &[Package], tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in packages {
        if OUTSIDE.contains(&slashed(&package.manifest).as_str()) {
            continue;
        }
        let Some(level) = level_of(&package.name) else {
            let text = format!(
                "crate `{}` has no level: expected an entry in xtask/src/tidy/levels.rs",
                package.name
            );
            found.push(Finding::new(&package.manifest, 1, text));
            continue;
        };
        for dependency in &package.dependencies {
            if let Some(text) = objection(&package.name, level, dependency) {
                let line = line_of(tree, &package.manifest, &dependency.name);
                found.push(Finding::new(&package.manifest, line, text));
            }
        }
    }
    found
}

fn level_of(name: &str) -> Option<u8> {
    LEVELS.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, level)| *level)
}

fn objection(package: &str, level: u8, dependency: &Dependency) -> Option<String> {
    let target = dependency.name.as_str();
    // A crate's dev-dependency on itself turns on features for its tests: no arrow at all.
    let itself = dependency.dev && target == package;
    if itself || (dependency.dev && DEV_EXCEPTIONS.contains(&(package, target))) {
        return None;
    }
    if WITHOUT_TENSORS.contains(&package) && target == "cl-tensor" {
        return Some(format!("`{package}` depends on `cl-tensor`: expected to work without it"));
    }
    let kind = if dependency.dev { "dev-depends" } else { "depends" };
    match level_of(target) {
        None => Some(format!("`{package}` {kind} on `{target}`, which stands outside the levels")),
        Some(_) if target == FOUNDATION && package != FOUNDATION => None,
        Some(below) if below < level => None,
        Some(other) => Some(format!(
            "`{package}` (level {level}) {kind} on `{target}` (level {other}): expected a lower level"
        )),
    }
}

/// The line of `manifest` that names `dependency`, or 1.
fn line_of(tree: &Tree, manifest: &Path, dependency: &str) -> usize {
    let file = tree.files.iter().find(|file| file.path == manifest);
    file.and_then(|file| {
        let names = |line: &str| {
            line.strip_prefix(dependency).is_some_and(|rest| rest.starts_with([' ', '.', '=']))
        };
        file.numbered().find(|(_, line)| names(line)).map(|(number, _)| number)
    })
    .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, normal: &[&str], dev: &[&str]) -> Package {
        let on = |dev| move |name: &&str| Dependency { name: (*name).to_owned(), dev };
        let dependencies = normal.iter().map(on(false)).chain(dev.iter().map(on(true))).collect();
        let folder = if name.starts_with("c") { "crates/" } else { "" };
        let manifest = format!("{folder}{name}/Cargo.toml").into();
        Package { name: name.to_owned(), manifest, dependencies }
    }

    fn texts(packages: &[Package]) -> Vec<String> {
        findings(packages, &Tree::of(&[])).into_iter().map(|finding| finding.text).collect()
    }

    #[test]
    fn arrows_that_point_down_are_fine() {
        let packages = [
            package("cl-buffers", &["cl-random"], &[]),
            package("cl-nn", &["cl-tensor", "cl-random"], &[]),
            package("cl-replay", &["cl-core", "cl-buffers"], &["cl-scenarios", "cl-replay"]),
            package("continual", &["cl-replay", "cl-gating"], &[]),
            package("benches", &["continual", "cl-tensor"], &[]),
        ];
        assert_eq!(texts(&packages), [""; 0]);
    }

    #[test]
    fn sideways_up_and_circular_arrows_are_found_in_tests_too() {
        let packages = [
            package("cl-random", &["cl-random"], &[]),
            package("cl-tensor", &["cl-buffers"], &[]),
            package("cl-nn", &["cl-core"], &[]),
            package("cl-gating", &[], &["cl-replay"]),
        ];
        let found = texts(&packages);
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(
            found[3],
            "`cl-gating` (level 3) dev-depends on `cl-replay` (level 3): expected a lower level"
        );
    }

    #[test]
    fn scenarios_buffers_and_metrics_stay_free_of_the_tensor_core() {
        for name in WITHOUT_TENSORS {
            let found = texts(&[package(name, &[], &["cl-tensor"])]);
            assert!(found[0].ends_with("expected to work without it"), "{found:?}");
        }
    }

    #[test]
    fn a_crate_nobody_gave_a_level_is_found() {
        let found =
            texts(&[package("cl-surprise", &[], &[]), package("cl-nn", &["cl-surprise"], &[])]);
        assert!(found[0].starts_with("crate `cl-surprise` has no level"), "{found:?}");
        assert!(found[1].ends_with("stands outside the levels"), "{found:?}");
    }

    #[test]
    fn a_finding_points_at_the_line_of_the_dependency() {
        let manifest = "[dependencies]\ncl-core-extra = \"1\"\ncl-core.workspace = true\n";
        let tree = Tree::of(&[("crates/cl-nn/Cargo.toml", manifest)]);
        let found = findings(&[package("cl-nn", &["cl-core"], &[])], &tree);
        assert_eq!(found[0].line, 3);
    }
}
