//! The folder docs/methods.

use super::page::pages;
use std::error::Error;
use std::fs;
use std::path::Path;

/// Writes every page anew, removes what is none, and gives their number; `root` is the repository.
///
/// # Errors
/// What a page is made of, or what the disk refuses.
pub fn write(root: &Path) -> Result<usize, Box<dyn Error>> {
    let (pages, folder) = (pages(root)?, root.join("docs/methods"));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for (name, text) in &pages {
        fs::write(folder.join(name), text)?;
    }
    Ok(pages.len())
}

/// The files of the folder that are not what [`write()`] would leave there.
///
/// # Errors
/// What a page is made of; a folder that is not there.
pub fn outdated(root: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let (pages, folder) = (pages(root)?, root.join("docs/methods"));
    let is_outdated = |(name, text): &&(String, String)| {
        !fs::read_to_string(folder.join(name)).is_ok_and(|written| written == *text)
    };
    let mut names: Vec<String> = pages.iter().filter(is_outdated).map(|it| it.0.clone()).collect();
    for entry in fs::read_dir(&folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !pages.iter().any(|(known, _)| *known == name) {
            names.push(name);
        }
    }
    Ok(names)
}
