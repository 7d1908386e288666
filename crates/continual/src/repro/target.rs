//! The cells of a table, and what is known of each.

use super::table::{Published, PublishedTable, TableRow};
use crate::nearest::unknown;
use crate::registry::Composition;
use crate::{Asked, CellCost, Error, ExperimentFile, Line, Results, Settings, Strengths};
use cl_scenarios::Scenario;
use std::fs;
use std::path::{Path, PathBuf};

/// What is wanted of a table.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Number of seeds; they are 2, 3, ..
    pub seeds: u64,
    /// Names of rows; empty: all.
    pub only: Vec<String>,
    /// Folder of the data set's files.
    pub data: Option<PathBuf>,
    /// Threads; results do not depend on it.
    pub threads: Option<usize>,
    /// `cpu`, `gpu`, `gpu:NAME` or `auto`; `None`: as the table says, else the CPU.
    pub device: Option<String>,
}

/// A table in a folder: every cell has a folder of its own in it.
pub struct Reproduction {
    /// The table.
    pub table: PublishedTable,
    /// Its cells, row by row.
    pub targets: Vec<Target>,
    wanted: Wanted,
    checksum: String,
}

/// A published cell.
pub struct Target {
    /// Its row, by its place in the table.
    pub row: usize,
    /// The scenario.
    pub scenario: Scenario,
    /// What was published.
    pub published: Published,
    /// Whether it is to be run.
    pub is_wanted: bool,
    /// Whether the others of the table are compared with it.
    pub is_baseline: bool,
    /// The runs, one per seed, and what they cost; `None`: this program has no such strategy.
    runs: Option<(Vec<Settings>, CellCost)>,
    folder: PathBuf,
}

impl Reproduction {
    /// Resolves every row and reads the data once.
    ///
    /// # Errors
    /// Rows that are not there, an experiment that cannot be run, data that cannot be read.
    pub fn new(table: PublishedTable, wanted: Wanted, folder: &Path) -> Result<Self, Error> {
        for name in &wanted.only {
            if !table.row.iter().any(|row| row.name == *name) {
                let known: Vec<&str> = table.row.iter().map(|row| row.name.as_str()).collect();
                return Err(unknown("row", name, &known));
            }
        }
        let known: Vec<&TableRow> = table
            .row
            .iter()
            .filter(|row| Composition::parse(row.strategy_name()).is_ok())
            .collect();
        let seeds = crate::choices::seeds(wanted.seeds);
        let all = file(&table, &wanted, &known, &Scenario::ALL, &seeds)?;
        let bench = all.bench(&Strengths::built_in()?)?;
        let mut targets = Vec::new();
        for (at, row) in table.row.iter().enumerate() {
            let label = known.iter().position(|other| other.name == row.name);
            let label = label.and_then(|at| bench.rows.get(at));
            for scenario in Scenario::ALL {
                let Some(published) = row.published(scenario) else { continue };
                let cell = bench.cells.iter().find(|cell| {
                    cell.scenario == scenario
                        && label.is_some_and(|row| cell.variants[0].label == row.label)
                });
                let runs = match cell {
                    Some(cell) => Some((cell.settings(None).collect(), cell.cost()?)),
                    None => None,
                };
                targets.push(Target {
                    row: at,
                    scenario,
                    published,
                    is_wanted: wanted.only.is_empty() || wanted.only.contains(&row.name),
                    is_baseline: label.is_some_and(|row| row.is_baseline),
                    runs,
                    folder: folder.join(format!("{scenario}-{}", row.name)),
                });
            }
        }
        let checksum = bench.checksum().to_owned();
        Ok(Self { table, targets, wanted, checksum })
    }

    /// The finished runs of a cell, in the order of the seeds.
    ///
    /// # Errors
    /// A file of results that cannot be read.
    pub fn done(&self, target: &Target) -> Result<Vec<Line>, Error> {
        let Some((settings, _)) = &target.runs else { return Ok(Vec::new()) };
        let lines = lines_below(&target.folder)?;
        let mut done = Vec::new();
        for settings in settings {
            let hash = settings.hash(&self.checksum)?;
            let is_it = |line: &&Line| {
                line.config_hash == hash && line.version == env!("CARGO_PKG_VERSION")
            };
            done.extend(lines.iter().find(is_it).cloned());
        }
        Ok(done)
    }

    /// Whether any run of any cell is through.
    #[must_use]
    pub fn has_results(&self) -> bool {
        // What is damaged is a result too: who reads it says so.
        self.targets.iter().any(|target| !self.done(target).is_ok_and(|done| done.is_empty()))
    }

    /// What a cell still needs: what to ask for, in which folder, and what it costs; nothing where all
    /// seeds are done.
    ///
    /// # Errors
    /// As [`Reproduction::done`].
    pub fn missing(&self, target: &Target) -> Result<Option<(Asked, PathBuf, CellCost)>, Error> {
        let Some((settings, cost)) = &target.runs else { return Ok(None) };
        let done = self.done(target)?;
        let seeds: Vec<u64> = settings
            .iter()
            .map(|settings| settings.seed)
            .filter(|seed| !done.iter().any(|line| line.seed == *seed))
            .collect();
        let [first, ..] = seeds[..] else { return Ok(None) };
        let row = [&self.table.row[target.row]];
        let file = file(&self.table, &self.wanted, &row, &[target.scenario], &seeds)?;
        let folder = target.folder.join(format!("{}-seeds-from-{first}", seeds.len()));
        let cost = CellCost { members: seeds.len(), ..*cost };
        Ok(Some((Asked::File(file), folder, cost)))
    }
}

impl Target {
    /// Whether this program has the strategy.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.runs.is_some()
    }
}

/// A file for `continual run` of these rows in these scenarios.
fn file(
    table: &PublishedTable,
    wanted: &Wanted,
    rows: &[&TableRow],
    scenarios: &[Scenario],
    seeds: &[u64],
) -> Result<ExperimentFile, Error> {
    let text = |text: &str| toml::Value::String(text.to_owned());
    let mut all = table.experiment.clone();
    let scenarios = scenarios.iter().map(|scenario| text(&scenario.to_string())).collect();
    all.insert("scenario".to_owned(), toml::Value::Array(scenarios));
    let seeds = seeds.iter().map(|&seed| toml::Value::Integer(seed as i64)).collect();
    all.insert("seeds".to_owned(), toml::Value::Array(seeds));
    let strategies = rows.iter().map(|row| row.strategy.clone().unwrap_or_else(|| text(&row.name)));
    all.insert("strategy".to_owned(), toml::Value::Array(strategies.collect()));
    let place = format!("table {}", table.name);
    let written = toml::to_string(&all);
    let written = written.map_err(|error| Error::Impossible(format!("{place}: {error}")))?;
    let mut file = ExperimentFile::parse(written, place);
    if let Some(folder) = &wanted.data {
        file = file.data(folder);
    }
    if let Some(device) = &wanted.device {
        file = file.device(device);
    }
    Ok(match wanted.threads {
        Some(threads) => file.threads(threads),
        None => file,
    })
}

/// Every line of results in the folders below. Files get their name when they are whole.
fn lines_below(folder: &Path) -> Result<Vec<Line>, Error> {
    let mut lines = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(lines) };
    for entry in entries.flatten() {
        let path = entry.path().join(Results::FILE);
        match fs::read_to_string(&path) {
            Ok(text) => {
                for (number, line) in text.lines().enumerate() {
                    let line = serde_json::from_str(line).map_err(|error| {
                        let at = format!("{}, line {}", path.display(), number + 1);
                        Error::Impossible(format!("it is damaged ({error}): take the line out"))
                            .at(at)
                    })?;
                    lines.push(line);
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let problem = format!("{}: cannot be read: {error}", path.display());
                return Err(Error::Impossible(problem));
            }
        }
    }
    Ok(lines)
}
