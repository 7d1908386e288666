//! The text files of the project.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Larger files are data, not text that somebody wrote.
const LARGEST: u64 = 1 << 20;

/// Every text file of the project, sorted by path.
pub(crate) struct Tree {
    pub(crate) files: Vec<TextFile>,
    /// Every file, text or not, and every folder.
    pub(crate) entries: Vec<PathBuf>,
}

/// One text file.
pub(crate) struct TextFile {
    /// Relative to the root.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Tree {
    /// Reads all files under `root`, except git's own and what was built.
    pub(crate) fn read(root: &Path, target: &Path) -> Result<Self> {
        let mut tree = Self { files: Vec::new(), entries: Vec::new() };
        tree.walk(root, Path::new(""), target)?;
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        tree.entries.sort();
        Ok(tree)
    }

    fn walk(&mut self, root: &Path, folder: &Path, target: &Path) -> Result<()> {
        let absolute = root.join(folder);
        let reading = || format!("cannot read {}", absolute.display());
        for entry in fs::read_dir(&absolute).with_context(reading)? {
            let entry = entry.with_context(reading)?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type().with_context(reading)?;
            let built = entry.path() == target || path.file_name() == Some("target".as_ref());
            if built || entry.file_name() == ".git" {
                continue;
            }
            self.entries.push(path.clone());
            if kind.is_dir() {
                self.walk(root, &path, target)?;
            } else if kind.is_file() && entry.metadata().with_context(reading)?.len() <= LARGEST {
                let bytes = fs::read(entry.path())
                    .with_context(|| format!("cannot read {}", entry.path().display()))?;
                if let Ok(text) = String::from_utf8(bytes) {
                    self.files.push(TextFile { path, text });
                }
            }
        }
        Ok(())
    }

    /// The files people write programs in: Rust and WGSL, without generated ones.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &TextFile> {
        self.files.iter().filter(|file| {
            (file.has_extension("rs") || file.has_extension("wgsl"))
                && !file.text.starts_with("// @generated")
        })
    }

    /// The text files under `folder`.
    pub(crate) fn under<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a TextFile> {
        self.files.iter().filter(move |file| file.path.starts_with(folder))
    }

    /// Whether there is a file or folder at `path`.
    pub(crate) fn has(&self, path: &Path) -> bool {
        path.as_os_str().is_empty() || self.entries.binary_search(&path.to_owned()).is_ok()
    }

    /// A tree that exists in memory only.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self { files: Vec::new(), entries: Vec::new() };
        for (path, text) in files {
            let ancestors = Path::new(path).ancestors().filter(|a| !a.as_os_str().is_empty());
            tree.entries.extend(ancestors.map(Path::to_owned));
            tree.files.push(TextFile { path: path.into(), text: (*text).to_owned() });
        }
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        tree.entries.sort();
        tree.entries.dedup();
        tree
    }
}

impl TextFile {
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|e| e == extension)
    }

    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.path.file_name().is_some_and(|n| n == name)
    }

    /// The lines with their numbers, counted from 1.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(i, line)| (i + 1, line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_holds_hidden_folders_but_neither_git_nor_build_outputs_nor_binary_text() {
        let root = tempfile::tempdir().unwrap();
        for path in ["a/b.rs", ".ci/run", ".git/config", "target/x.rs", "built/y.rs"] {
            let file = root.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "text\n").unwrap();
        }
        fs::write(root.path().join("digits.gz"), [0x1f, 0x8b, 0xff]).unwrap();
        let tree = Tree::read(root.path(), &root.path().join("built")).unwrap();
        let texts: Vec<&Path> = tree.files.iter().map(|file| file.path.as_path()).collect();
        assert_eq!(texts, [Path::new(".ci/run"), Path::new("a/b.rs")]);
        assert!(tree.has(Path::new("digits.gz")) && tree.has(Path::new("a")));
        assert!(!tree.has(Path::new("target")));
    }
}
