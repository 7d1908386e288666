//! From the files of a folder to boards.

use super::board::{Board, Run};
use super::titles;
use super::{Origin, board};
use crate::results::in_line;
use crate::{Error, Line, Results, Settings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// A folder of results, worked out.
///
/// ```
/// use continual::{Asked, Bench, CheckpointEvery, Earlier, Request, Strengths, Work, report::Report};
///
/// let request = Request {
///     strategy: Some("none,ewc".to_owned()),
///     scenario: Some("task".to_owned()),
///     steps: Some(2),
///     seeds: Some(2),
///     ..Request::default()
/// };
/// let bench = Bench::new(&request, &Strengths::built_in()?)?;
/// let folder = tempfile::tempdir().unwrap();
/// let (asked, every) = (Asked::Request(request), CheckpointEvery::default());
/// let mut work = Work::begin(folder.path(), &asked, &bench, every, Earlier::Refuse)?;
/// let finished = bench.run(&bench.costs()?, &mut (), &mut work)?;
/// work.finish(&finished.diverged)?;
///
/// let report = Report::read(folder.path())?;
/// assert_eq!((report.boards.len(), report.boards[0].rows.len()), (1, 2));
/// let page = report.write()?;
/// assert_eq!(page, folder.path().join("report.html"));
/// # Ok::<(), continual::Error>(())
/// ```
#[derive(Debug, Serialize)]
pub struct Report {
    /// The folder.
    pub folder: PathBuf,
    /// How the results came about, where the folder says.
    pub origin: Option<Origin>,
    /// Runs that were read.
    pub runs: usize,
    /// Runs that are there more than once; the last one counts.
    pub repeated: usize,
    /// What is ranked together, in the order of the file.
    pub boards: Vec<Board>,
    /// What has no results.
    pub gaps: Vec<Gap>,
}

/// A line of `diverged.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The scenario.
    pub scenario: String,
    /// The strategy.
    pub strategy: String,
    /// Why.
    pub reason: String,
}

impl Report {
    /// Reads `results.jsonl` of a folder, and beside it `diverged.jsonl` and `origin.json`; a folder without
    /// one whose folders have some, as `continual repro` leaves it, counts as all of these together.
    ///
    /// # Errors
    /// A folder that is not there or has no results, with what to do; a damaged line, with file and line.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let mut report = Self {
            folder: folder.to_owned(),
            origin: Origin::read(folder)?,
            runs: 0,
            repeated: 0,
            boards: Vec::new(),
            gaps: Vec::new(),
        };
        let mut sorted = Sorted::default();
        for folder in folders(folder)? {
            for (place, line) in lines::<Line>(&folder.join(Results::FILE), "result")? {
                report.runs += 1;
                let damaged = |error: Error| Error::Impossible(error.to_string()).at(place);
                sorted.add(line).map_err(damaged)?;
            }
            let gaps = lines(&folder.join("diverged.jsonl"), "gap")?;
            report.gaps.extend(gaps.into_iter().map(|(_, gap)| gap));
        }
        if report.runs == 0 {
            return Err(refused(folder, "results.jsonl in it has no lines"));
        }
        report.repeated = sorted.repeated;
        for (settings, common, version, cells) in sorted.boards {
            report.boards.push(board::of(settings, common, version, cells)?);
        }
        titles::name(&mut report.boards);
        Ok(report)
    }
}

fn refused(folder: &Path, problem: &str) -> Error {
    Error::Report { folder: folder.to_owned(), problem: problem.to_owned() }
}

/// The folder itself where it has results, else those in it that do, down to two below.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    if folder.join(Results::FILE).is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    if !folder.is_dir() {
        let problem = match folder.exists() {
            true => "is no folder",
            false => "there is no such folder; expected the --out of a benchmark (target/bench)",
        };
        return Err(refused(folder, problem));
    }
    let mut found = Vec::new();
    for below in below(folder) {
        for folder in std::iter::once(below.clone()).chain(self::below(&below)) {
            if folder.join(Results::FILE).is_file() {
                found.push(folder);
            }
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let unfinished = Results::partial_in(folder).exists();
    Err(refused(
        folder,
        if unfinished {
            "its benchmark is not finished; go on with it by `continual resume`, which writes the report \
             at the end"
        } else {
            "there is no results.jsonl in it; expected the --out folder of a `bench`, `run`, `tradeoff`, \
             `budget` or `repro`"
        },
    ))
}

/// The folders in a folder, by name.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    all.sort();
    all
}

/// What the lines of a file hold, each with its place; nothing where there is no file.
fn lines<T: for<'a> Deserialize<'a>>(path: &Path, what: &str) -> Result<Vec<(String, T)>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            let place = path.display().to_string();
            return Err(Error::Impossible(format!("cannot be read: {error}")).at(place));
        }
    };
    let all = bytes.split(|&byte| byte == b'\n').enumerate();
    let of = |(index, line): (usize, &[u8])| {
        let place = format!("{}:{}", path.display(), index + 1);
        match serde_json::from_slice(line) {
            Ok(value) => Ok((place, value)),
            Err(error) => {
                let text = in_line(&error);
                let problem = format!(
                    "no {what} of this program: {text}; without this line the others are reported"
                );
                Err(Error::Impossible(problem).at(place))
            }
        }
    };
    all.filter(|(_, line)| !line.trim_ascii().is_empty()).map(of).collect()
}

type Common = BTreeMap<String, String>;
type Cells = Vec<board::Cell>;

/// Lines by board and cell.
#[derive(Default)]
struct Sorted {
    boards: Vec<(Settings, Common, String, Cells)>,
    board: BTreeMap<String, usize>,
    cell: BTreeMap<(usize, String), usize>,
    repeated: usize,
}

impl Sorted {
    fn add(&mut self, line: Line) -> Result<(), Error> {
        let matrix = line.matrix()?;
        let (common, own): (Common, Common) =
            line.conventions.into_iter().partition(|(name, _)| !name.contains('.'));
        // Those of the stream follow from the settings, the seed and the stages of the strategy.
        let own: Common =
            own.into_iter().filter(|(name, _)| !name.starts_with("stream.")).collect();
        let Settings { strategy, hyper, seed, .. } = line.settings.clone();
        let settings =
            Settings { strategy: String::new(), hyper: BTreeMap::new(), seed: 0, ..line.settings };
        let key = (&settings, &common, &line.version, matrix.contexts(), matrix.tracked());
        let key = serde_json::to_string(&key)?;
        let count = self.boards.len();
        let board = *self.board.entry(key).or_insert(count);
        if board == count {
            self.boards.push((settings, common, line.version, Vec::new()));
        }
        let cells = &mut self.boards[board].3;
        let key = (board, serde_json::to_string(&(&strategy, &hyper))?);
        let at = *self.cell.entry(key).or_insert(cells.len());
        if at == cells.len() {
            cells.push(board::Cell { strategy, hyper, conventions: own, runs: BTreeMap::new() });
        }
        let run = Run {
            matrix,
            anytime: line.anytime,
            plasticity: line.plasticity,
            metrics: line.metrics,
            steps: line.steps,
            seconds: line.train_seconds,
            bytes_kept: line.bytes_kept,
            macs: line.macs,
            parameters: line.parameters,
            environment: (line.device, line.threads, line.members),
        };
        if cells[at].runs.insert(seed, run).is_some() {
            self.repeated += 1;
        }
        Ok(())
    }
}
