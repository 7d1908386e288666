//! One op, one file, with the cases by which the conformance suite tests it.

use super::Finding;
use super::tree::Tree;

const CRATE: &str = "crates/cl-tensor";
const FOLDER: &str = "crates/cl-tensor/src/ops";

/// Files without cases: the list of ops, and values from outside, which are read and not computed.
const NO_CASES: [&str; 3] = ["mod.rs", "operands.rs", "source.rs"];

pub(crate) fn findings(tree: &Tree) -> Vec<Finding> {
    let files = || tree.under(FOLDER).filter(|file| file.has_extension("rs"));
    if files().next().is_none() && tree.under(CRATE).next().is_some() {
        // Without this a moved folder would pass unseen.
        return vec![Finding::new(FOLDER, 1, "no ops here: expected one file per op")];
    }
    let mut found = Vec::new();
    for file in files().filter(|file| !NO_CASES.iter().any(|name| file.is_named(name))) {
        if !file.text.contains("impl Op for") {
            found.push(Finding::new(
                &file.path,
                1,
                "no `impl Op for`: expected one op in this file",
            ));
        } else if !file.text.contains("fn cases(") {
            let text = "an op without cases: expected `fn cases(`, the suite tests nothing else";
            found.push(Finding::new(&file.path, 1, text));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_op_without_cases_and_a_file_without_an_op_are_found() {
        let tree = Tree::of(&[
            ("crates/cl-tensor/src/ops/mod.rs", "mod add;"),
            ("crates/cl-tensor/src/ops/add.rs", "impl Op for Add { fn cases(&self) {} }"),
            ("crates/cl-tensor/src/ops/bare.rs", "impl Op for Bare { fn name(&self) {} }"),
            ("crates/cl-tensor/src/ops/misc.rs", "fn misc() {}"),
        ]);
        let found = findings(&tree);
        assert_eq!(found.len(), 2);
        assert!(found[0].text.starts_with("an op without cases"), "{found:?}");
        assert!(found[1].text.starts_with("no `impl Op for`"), "{found:?}");
    }

    #[test]
    fn a_tensor_crate_without_its_folder_of_ops_is_found() {
        assert_eq!(findings(&Tree::of(&[("crates/cl-tensor/Cargo.toml", "")])).len(), 1);
        assert_eq!(findings(&Tree::of(&[("crates/cl-nn/Cargo.toml", "")])).len(), 0);
    }
}
