//! No path of somebody's machine: the project builds anywhere.

use super::Finding;
use super::tree::Tree;

// Written in two halves so that this file does not find itself.
const MACHINE: [&str; 3] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("../sha", "red/")];

/// Where a folder beside the checkout may be named: there it is optional.
const ALLOWED: [(&str, &str); 1] = [(".ci/run", MACHINE[2])];

pub(crate) fn findings(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in &tree.files {
        for (number, line) in file.numbered() {
            let foreign = MACHINE.iter().find(|path| {
                line.contains(**path)
                    && !ALLOWED.iter().any(|(f, p)| file.path.as_os_str() == *f && p == *path)
            });
            if let Some(path) = foreign {
                let text = format!("`{path}`: expected no path outside the project");
                found.push(Finding::new(&file.path, number, text));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_path_is_found_in_any_text_and_the_sibling_folder_is_allowed_to_ci_only() {
        let sibling = format!("mnist={}data/mnist\n", MACHINE[2]);
        let home = format!("\"a\": \"{}x\"\n", MACHINE[1]);
        let tree = Tree::of(&[
            (".ci/run", &sibling),
            ("docs/a.md", &sibling),
            ("tests/golden.json", &home),
        ]);
        let files: Vec<_> = findings(&tree).into_iter().map(|finding| finding.file).collect();
        assert_eq!(files, ["docs/a.md", "tests/golden.json"].map(std::path::PathBuf::from));
    }
}
