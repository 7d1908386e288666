//! Every method says which paper it implements.

use super::Finding;
use super::tree::Tree;

/// The crates whose files are methods.
const METHOD_CRATES: [&str; 4] = ["cl-regularize", "cl-replay", "cl-gating", "cl-templates"];

/// A file that has this holds a method.
const METHOD: &str = "impl Strategy for ";

pub(crate) fn findings(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for name in METHOD_CRATES {
        for file in tree.under(&format!("crates/{name}/src")) {
            let method = file.has_extension("rs") && file.text.contains(METHOD);
            if !method || is_for_tests(tree, file.path.as_path()) {
                continue;
            }
            let docs: Vec<&str> = file.text.lines().filter_map(doc_comment).collect();
            if !cites(&docs.join(" ")) {
                let text = "the docs of this method cite no paper: expected its arXiv number, its DOI, or \
                            `Author YEAR, eq. N`";
                found.push(Finding::new(&file.path, 1, text));
            }
        }
    }
    found
}

fn doc_comment(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("//!").or_else(|| line.strip_prefix("///"))
}

/// Whether the file's parent lists it under `#[cfg(test)]`.
fn is_for_tests(tree: &Tree, path: &std::path::Path) -> bool {
    let (Some(folder), Some(stem)) = (path.parent(), path.file_stem()) else { return false };
    let declaration = format!("#[cfg(test)]\nmod {};", stem.to_string_lossy());
    let parents = [folder.join("lib.rs"), folder.join("mod.rs"), folder.with_extension("rs")];
    tree.files.iter().any(|file| parents.contains(&file.path) && file.text.contains(&declaration))
}

fn cites(docs: &str) -> bool {
    let lower = docs.to_lowercase();
    let numbered = ["arxiv", "doi.org", "doi:", "doi 10."].iter().any(|mark| lower.contains(mark));
    let says_where = lower.contains("source") || lower.contains("eq.");
    numbered || (says_where && names_author_and_year(docs))
}

/// Whether a capitalised word stands before a year: `Kirkpatrick et al. 2017`, `Zenke, 2017`.
fn names_author_and_year(docs: &str) -> bool {
    let words = docs.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut author = false;
    for word in words {
        let year = word.len() == 4 && (word.starts_with("19") || word.starts_with("20"));
        if author && year && word.chars().all(|c| c.is_ascii_digit()) {
            return true;
        }
        author |= word.chars().count() > 1 && word.starts_with(char::is_uppercase);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_cited_by_arxiv_doi_or_author_and_year() {
        assert!(cites("Gates (arXiv 2301.07187)."));
        assert!(cites("https://doi.org/10.1073/pnas.1803839115"));
        assert!(cites("Source: Kirkpatrick et al. 2017, PNAS."));
        assert!(cites("Zenke, Poole & Ganguli (2017), eq. 4"));
        assert!(!cites("Source: the authors' program"));
        assert!(!cites("keeps 2000 rows, see eq. 3"));
        assert!(!cites("Doing replay."));
        assert!(!cites("Written after Kirkpatrick 2017"));
    }

    #[test]
    fn a_method_without_a_citation_is_found_and_other_files_and_test_modules_are_not() {
        let tree = Tree::of(&[
            ("crates/cl-replay/src/lib.rs", "mod er;\n#[cfg(test)]\nmod reference;\n"),
            ("crates/cl-replay/src/error.rs", ""),
            ("crates/cl-replay/src/reference.rs", "impl Strategy for Reference {"),
            ("crates/cl-replay/src/budget.rs", "/// Bytes.\n"),
            ("crates/cl-replay/src/er.rs", "// arXiv 1811.11682 is no doc\nimpl Strategy for Er {"),
            ("crates/cl-replay/src/der.rs", "/// arXiv 2004.07211\nimpl Strategy for Der {"),
            ("crates/cl-replay/tests/er.rs", ""),
            ("crates/cl-metrics/src/matrix.rs", ""),
        ]);
        let found = findings(&tree);
        assert_eq!(found.len(), 1);
        assert!(found[0].file.ends_with("er.rs"), "{found:?}");
    }
}
