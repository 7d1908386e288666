//! `origin.json`: how results came about.

use crate::Error;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// What was asked for, and of which machine. Written beside the results when a command is through; results
/// do not depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The command that gives the results again.
    pub command: String,
    /// The name and the text of the file that the command reads.
    #[serde(default)]
    pub file: Option<(String, String)>,
    /// The machine.
    pub machine: String,
    /// What keeps the figures from being compared, a sentence each.
    #[serde(default)]
    pub remarks: Vec<String>,
}

impl Origin {
    /// The name of the file.
    pub const FILE: &'static str = "origin.json";

    /// Writes it into a folder, as a whole.
    ///
    /// # Errors
    /// What the disk refuses.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let (path, text) = (folder.join(Self::FILE), serde_json::to_string_pretty(self)?);
        cl_core::write_atomically(&path, |file| file.write_all(format!("{text}\n").as_bytes()))
            .map_err(|source| Error::Write { path, source })
    }

    /// What a folder says; results of earlier versions say nothing.
    ///
    /// # Errors
    /// A damaged file, with its name.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(Self::FILE);
        let refused = |problem: String| Error::Impossible(problem).at(path.display().to_string());
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            // Of a folder that is none its reader says so.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(None),
            Err(error) => return Err(refused(format!("cannot be read: {error}"))),
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| refused(format!("does not say where results come from: {error}")))
    }
}
