//! `unfinished.json`.

use super::{Asked, CheckpointEvery};
use crate::{Bench, Error, Population};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::Path;

/// What another process must know to go on, beside finished lines and the checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Journal {
    program: String,
    format: u32,
    /// Of this program: another one may give other bits.
    pub version: String,
    pub asked: Asked,
    pub checkpoint_every: CheckpointEvery,
    /// Whether the networks are written when they are trained.
    #[serde(default)]
    pub keep_networks: bool,
    /// SHA-256 of the data set.
    data: String,
    /// SHA-256 of the file of weights that networks start with; empty where they are drawn.
    #[serde(default)]
    weights: String,
    /// Where programs run, in the words of the results: other bits come from elsewhere. None in files of earlier
    /// versions, and once somebody has named another device.
    #[serde(default)]
    pub device: Option<String>,
    /// SHA-256 of the settings of all runs.
    runs: String,
    /// Sweeps whose values are trained one by one, by cell.
    pub apart: Vec<usize>,
    /// Cells and values whose loss was no number any more.
    pub diverged: Vec<Diverged>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Diverged {
    pub cell: usize,
    /// The value of the cell's sweep; none where the cell has one value alone.
    pub variant: Option<usize>,
    pub reason: String,
}

/// The version of this file's form.
const FORMAT: u32 = 1;
const PROGRAM: &str = "continual";
const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Journal {
    pub(super) fn new(
        asked: Asked,
        bench: &Bench,
        checkpoint_every: CheckpointEvery,
    ) -> Result<Self, Error> {
        Ok(Self {
            program: PROGRAM.to_owned(),
            format: FORMAT,
            version: VERSION.to_owned(),
            asked: asked.rooted(),
            checkpoint_every,
            keep_networks: false,
            data: bench.checksum().to_owned(),
            weights: bench.weights().to_owned(),
            device: Some(bench.device()),
            runs: digest(bench)?,
            apart: Vec::new(),
            diverged: Vec::new(),
        })
    }

    /// Replaces the file as a whole.
    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        cl_core::write_atomically(path, |file| file.write_all(&text))
            .map_err(|source| Error::Write { path: path.to_owned(), source })
    }

    /// Reads the bytes of a file; the error says what is wrong with it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let value: Value =
            serde_json::from_slice(bytes).map_err(|error| format!("it is no JSON: {error}"))?;
        if value["program"] != PROGRAM {
            return Err("it is of another program".to_owned());
        }
        let version = value["version"].as_str().unwrap_or("unknown");
        if value["format"] != FORMAT || version != VERSION {
            return Err(format!(
                "it is of {PROGRAM} {version}, this is {VERSION}; go on with that version, whose \
                 bits these are"
            ));
        }
        serde_json::from_value(value).map_err(|error| format!("it is damaged: {error}"))
    }

    /// Refuses what means other runs than it did when they were begun.
    pub(super) fn check(&self, bench: &Bench) -> Result<(), String> {
        let found = bench.checksum();
        if self.data != found {
            return Err(format!(
                "data set {} has changed: SHA-256 {found}, expected {}",
                bench.dataset, self.data
            ));
        }
        let found = bench.weights();
        if self.weights != found {
            return Err(format!(
                "the file of weights has changed: SHA-256 {found}, expected {}",
                self.weights
            ));
        }
        let found = bench.device();
        if let Some(begun) = self.device.as_ref().filter(|begun| **begun != found) {
            return Err(format!(
                "it was begun on {begun}, this is {found}; name the device with --device to go on there"
            ));
        }
        match digest(bench) {
            Ok(runs) if runs == self.runs => Ok(()),
            Ok(_) => {
                Err("it is damaged: it does not describe the runs it was written for".to_owned())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// The populations of a cell, in the order in which they are trained.
    pub(super) fn populations(&self, cell: usize, variants: usize) -> Vec<Population> {
        if !self.apart.contains(&cell) {
            return vec![Population { cell, variant: None }];
        }
        (0..variants).map(|variant| Population { cell, variant: Some(variant) }).collect()
    }
}

fn digest(bench: &Bench) -> Result<String, Error> {
    let mut hash = Sha256::new();
    for variant in bench.cells.iter().flat_map(|cell| &cell.variants) {
        hash.update(variant.settings.hash(bench.checksum())?);
    }
    for seed in &bench.seeds {
        hash.update(seed.to_le_bytes());
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
