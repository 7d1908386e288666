//! Every public trait shows how it is used.

use super::Finding;
use super::tree::Tree;

pub(crate) fn findings(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    let sources = tree.sources().filter(|file| {
        let path = file.path.to_string_lossy().replace('\\', "/");
        path.starts_with("crates/") && path.contains("/src/")
    });
    for file in sources {
        let mut has_example = false;
        for (number, line) in file.numbered() {
            if let Some(docs) = line.strip_prefix("///") {
                has_example |= docs.trim_start().starts_with("```");
            } else if let Some(rest) = line.strip_prefix("pub trait ") {
                if !has_example {
                    let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
                    let text = format!("trait `{name}` has no example in its docs");
                    found.push(Finding::new(&file.path, number, text));
                }
                has_example = false;
            } else if !line.starts_with("#[") {
                has_example = false;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_trait_without_an_example_is_found_and_others_are_not() {
        let tree = Tree::of(&[
            ("crates/a/src/lib.rs", "/// One.\npub trait One {}\n\ntrait Own {}\n"),
            ("crates/a/src/b.rs", "/// ```\n/// ```\n#[must_use]\npub trait Two: Send {}\n"),
            ("crates/a/src/c.rs", "/// ```\n/// ```\npub fn f() {}\n/// No.\npub trait Three {}\n"),
            ("crates/a/tests/d.rs", "pub trait Four {}\n"),
        ]);
        let mut found: Vec<_> = findings(&tree).into_iter().map(|f| (f.line, f.text)).collect();
        found.sort();
        let told = |name: &str| format!("trait `{name}` has no example in its docs");
        assert_eq!(found, [(2, told("One")), (5, told("Three"))]);
    }
}
