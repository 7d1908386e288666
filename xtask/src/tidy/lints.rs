//! Every library documents all it offers.

use super::Finding;
use super::tree::Tree;

const EXPECTED: [&str; 2] = ["#![deny(missing_docs)]", "#![forbid(missing_docs)]"];

pub(crate) fn findings(tree: &Tree) -> Vec<Finding> {
    let libraries = tree.under("crates").filter(|file| file.path.ends_with("src/lib.rs"));
    libraries
        .filter(|file| !file.text.lines().any(|line| EXPECTED.contains(&line.trim())))
        .map(|file| Finding::new(&file.path, 1, format!("expected `{}`", EXPECTED[0])))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_does_not_deny_missing_docs_is_found() {
        let tree = Tree::of(&[
            ("crates/a/src/lib.rs", "//! A.\n#![deny(missing_docs)]\n"),
            ("crates/b/src/lib.rs", "//! B says: not #![deny(missing_docs)]\n"),
            ("crates/c/src/main.rs", ""),
        ]);
        let found = findings(&tree);
        assert_eq!(found.len(), 1);
        assert!(found[0].file.starts_with("crates/b"));
    }
}
