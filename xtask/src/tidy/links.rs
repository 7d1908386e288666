//! Relative links in Markdown lead to files and headings that exist.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::Finding;
use super::tree::{TextFile, Tree};

pub(crate) fn findings(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| file.has_extension("md")) {
        for (number, line) in prose(file) {
            for target in targets(&without_code(line)) {
                if let Some(text) = objection(tree, file, target) {
                    found.push(Finding::new(&file.path, number, text));
                }
            }
        }
    }
    found
}

/// The numbered lines outside fenced code.
fn prose(file: &TextFile) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    file.numbered().filter(move |(_, line)| {
        let start = line.trim_start();
        let marker = ["```", "~~~"].into_iter().find(|marker| start.starts_with(marker));
        match (fence, marker) {
            (None, Some(opened)) => fence = Some(opened),
            (Some(open), Some(closed)) if open == closed => fence = None,
            (None, None) => return true,
            _ => {}
        }
        false
    })
}

/// `line` with what stands between backticks blanked out.
fn without_code(line: &str) -> String {
    let pieces: Vec<&str> = line.split('`').collect();
    // The last piece is code only if a backtick closes it.
    let keep = |i: usize| i.is_multiple_of(2) || i + 1 == pieces.len();
    pieces.iter().enumerate().map(|(i, piece)| if keep(i) { *piece } else { "" }).collect()
}

/// The targets of `[text](target)`, `![alt](target "title")` and `[name]: target`.
fn targets(line: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for (at, _) in line.match_indices("](") {
        let rest = &line[at + 2..];
        let end = rest.find(')').unwrap_or(rest.len());
        found.extend(rest[..end].split_whitespace().next());
    }
    let definition = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    found.extend(definition.and_then(|(_, target)| target.split_whitespace().next()));
    found.into_iter().map(|target| target.trim_matches(['<', '>'])).collect()
}

/// What is wrong with the link to `target` in `file`, if anything.
fn objection(tree: &Tree, file: &TextFile, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').map_or((target, None), |(p, a)| (p, Some(a)));
    let destination = match path.strip_prefix('/') {
        _ if path.is_empty() => Some(file.path.clone()),
        // A leading slash means the root of the project, as on the pages that show the files.
        Some(from_root) => resolve(Path::new(""), from_root),
        None => resolve(file.path.parent().unwrap_or(Path::new("")), path),
    };
    let Some(destination) = destination.filter(|destination| tree.has(destination)) else {
        return Some(format!("link `{target}`: no such file, expected one inside the project"));
    };
    let anchor = anchor?;
    let page =
        tree.files.iter().find(|file| file.path == destination && file.has_extension("md"))?;
    (!anchors(page).iter().any(|known| known == anchor))
        .then(|| format!("link `{target}`: no heading `#{anchor}` in {}", page.path.display()))
}

/// `path` seen from `folder`, or nothing where it leaves the project.
fn resolve(folder: &Path, path: &str) -> Option<PathBuf> {
    let mut resolved = PathBuf::new();
    for component in folder.join(path).components() {
        match component {
            Component::Normal(name) => resolved.push(name),
            Component::ParentDir if !resolved.pop() => return None,
            _ => {}
        }
    }
    Some(resolved)
}

/// What `#...` may name in a page: its headings as GitHub spells them, and explicit ids.
fn anchors(page: &TextFile) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut known = Vec::new();
    for (_, line) in prose(page) {
        let title = line.trim_start_matches('#');
        let level = line.len() - title.len();
        if (1..=6).contains(&level) && title.starts_with(' ') {
            let slug = slug(title.trim());
            let repeated = seen.entry(slug.clone()).or_insert(0);
            known.push(if *repeated == 0 { slug } else { format!("{slug}-{repeated}") });
            *repeated += 1;
        }
        for attribute in ["id=\"", "name=\""] {
            let mut parts = line.split(attribute).skip(1);
            known.extend(
                parts.by_ref().filter_map(|rest| rest.split('"').next()).map(str::to_owned),
            );
        }
    }
    known
}

/// A heading as an anchor: link targets dropped, lower case, spaces as hyphens, punctuation gone.
fn slug(title: &str) -> String {
    let mut text = String::new();
    for (i, piece) in title.split("](").enumerate() {
        let shown = if i == 0 { piece } else { piece.split_once(')').map_or("", |(_, rest)| rest) };
        text += shown;
    }
    let kept = text.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLOSSARY: &str = "# Words\n\n## Replay & co.\n\n## Head\n\n## Head\n\n<a id=\"own\"></a>\n\n```sh\n# no heading\n```\n";

    fn broken(page: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("README.md", page),
            ("docs/GLOSSARY.md", GLOSSARY),
            ("crates/a/src/lib.rs", ""),
        ]);
        findings(&tree).into_iter().map(|f| format!("{}: {}", f.line, f.text)).collect()
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        let page = "# Title\n[a](docs/GLOSSARY.md) ![b](crates/a/src \"the code\") [c](#title)\n\
                    [d](docs/GLOSSARY.md#replay--co) [e](docs/GLOSSARY.md#head-1) [f](/docs/)\n\
                    [g](https://example.org/none) [h][ref] [i](docs/GLOSSARY.md#own)\n\n\
                    [ref]: docs/../crates/a/src/lib.rs\n";
        assert_eq!(broken(page), [""; 0]);
    }

    #[test]
    fn missing_files_headings_and_ways_out_of_the_project_are_found() {
        let page = "[a](docs/NONE.md)\n[b](docs/GLOSSARY.md#no-heading)\n[c](../docs/GLOSSARY.md)\n\
                    [d](#nowhere)\n\n[ref]: gone.md\n";
        let found = broken(page);
        let lines: Vec<&str> = found.iter().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(lines, ["1", "2", "3", "4", "6"], "{found:?}");
    }

    #[test]
    fn code_holds_no_links() {
        assert_eq!(broken("`a[i](x.md)` and\n```rust\nv[0](gone.md)\n```\n"), [""; 0]);
        assert_eq!(broken("```\n```\n[a](gone.md)\n").len(), 1);
    }
}
