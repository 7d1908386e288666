//! Nothing is left for later.

use super::Finding;
use super::tree::Tree;

// Written in two halves so that this file does not find itself.
const MARKERS: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("to", "do!"),
    concat!("unimpl", "emented!"),
    concat!("#[ig", "nore"),
];

/// Kinds of files that hold code; prose may speak of markers.
const CODE: [&str; 5] = ["rs", "wgsl", "toml", "sh", "py"];

pub(crate) fn findings(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    let code = |path: &std::path::Path| {
        path.extension().is_none_or(|e| CODE.iter().any(|kind| e == *kind))
    };
    for file in tree.files.iter().filter(|file| code(&file.path)) {
        for (number, line) in file.numbered() {
            if let Some(marker) = MARKERS.iter().find(|marker| holds_word(line, marker)) {
                let text = format!("`{marker}`: expected finished work, or an issue instead");
                found.push(Finding::new(&file.path, number, text));
            }
        }
    }
    found
}

/// Whether `marker` stands in `line` on its own, not inside a longer word.
fn holds_word(line: &str, marker: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let is_word = marker.ends_with(part_of_word) && !marker.starts_with('#');
    line.match_indices(marker).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(part_of_word);
        let after = line[at + marker.len()..].chars().next().is_some_and(part_of_word);
        !(before || (after && is_word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_marker_is_found_where_it_stands_and_not_inside_words_or_prose() {
        for marker in MARKERS {
            let code = format!("fn f() {{}}\n// {marker} later\n");
            let found = findings(&Tree::of(&[("a.rs", &code), ("notes.md", &code)]));
            assert_eq!(found.len(), 1, "{marker}");
            assert_eq!(found[0].line, 2);
        }
        let inside = format!("{0}XX {0}_WAIT_FREE a{1}()", MARKERS[2], MARKERS[3]);
        assert_eq!(findings(&Tree::of(&[("a.rs", &inside)])), []);
    }

    #[test]
    fn an_ignored_test_with_a_reason_is_found_too() {
        let code = format!("{} = \"slow\"]\nfn f() {{}}\n", MARKERS[5]);
        assert_eq!(findings(&Tree::of(&[("a.rs", &code)])).len(), 1);
    }
}
