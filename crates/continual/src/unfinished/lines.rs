//! Which populations are finished, by the lines in the folder.

use super::journal::Journal;
use crate::results::in_line;
use crate::{Bench, Error, Fate, Line, Population};
use std::collections::BTreeMap;

/// What the folder knows.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub fates: BTreeMap<Population, Fate>,
    /// Finished runs.
    pub runs: usize,
    /// Bytes of their lines; what follows is dropped and trained again.
    pub bytes: usize,
    /// Whether every population is finished.
    pub all: bool,
}

/// Matches lines with the runs of the benchmark, in order. A last line that is cut off, and the last
/// lines of a population of which some are missing, do not count.
///
/// # Errors
/// A line that cannot be read, or is of another run than the one that comes next.
pub(super) fn known(text: &[u8], bench: &Bench, journal: &Journal) -> Result<Known, String> {
    let mut known = Known::default();
    for diverged in &journal.diverged {
        let population = Population { cell: diverged.cell, variant: diverged.variant };
        known.fates.insert(population, Fate::Diverged(diverged.reason.clone()));
    }
    let mut lines =
        text.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"));
    for (index, cell) in bench.cells.iter().enumerate() {
        if journal.apart.contains(&index) {
            known.fates.insert(Population { cell: index, variant: None }, Fate::Apart);
        }
        for population in journal.populations(index, cell.variants.len()) {
            if known.fates.contains_key(&population) {
                continue;
            }
            let (mut own, mut bytes) = (Vec::new(), 0);
            for settings in cell.settings(population.variant) {
                // Runs are finished in order: where one is missing so are all that follow.
                let Some(text) = lines.next() else { return Ok(known) };
                let number = known.runs + own.len() + 1;
                let line: Line = serde_json::from_slice(text.trim_ascii_end())
                    .map_err(|error| {
                        let text = in_line(&error);
                        format!(
                            "line {number}: {text}; without this line and those below it, their runs are \
                             trained again"
                        )
                    })?;
                let hash =
                    settings.hash(bench.checksum()).map_err(|error: Error| error.to_string())?;
                if line.settings != settings || line.config_hash != hash {
                    return Err(format!(
                        "line {number} is of {} in {}, seed {}; expected {} in {}, seed {}, with the \
                         settings that unfinished.json asks for",
                        line.strategy,
                        line.scenario,
                        line.seed,
                        settings.strategy,
                        settings.scenario,
                        settings.seed
                    ));
                }
                bytes += text.len();
                own.push(line);
            }
            known.runs += own.len();
            known.bytes += bytes;
            known.fates.insert(population, Fate::Trained(own));
        }
    }
    known.all = true;
    match lines.next() {
        None => Ok(known),
        Some(_) => Err(format!("line {} is of no run that was asked for", known.runs + 1)),
    }
}
