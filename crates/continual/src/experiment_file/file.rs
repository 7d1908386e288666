//! The file as a whole.

use super::source::Source;
use super::tables::draft;
use crate::choices::{MOST_THREADS, Wording, check_count};
use crate::request::lanes;
use crate::{Bench, Error, Strengths, device};
use cl_scenarios::Stream;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// An experiment described by a TOML file; what it does not say is as in the default benchmark.
///
/// Every key is documented in docs/EXPERIMENTS.md; examples/experiment.toml has them all.
///
/// ```
/// use continual::{ExperimentFile, Strengths};
///
/// let text = "
///     scenario = 'class'
///     seeds = [2]
///     training = { steps = 5 }
///     strategy = ['none', { name = 'ewc', lambda = [0.0, 1e3] }]
/// ";
/// let bench = ExperimentFile::parse(text, "mine.toml").bench(&Strengths::built_in()?)?;
/// let rows: Vec<&str> = bench.rows.iter().map(|row| row.label.as_str()).collect();
/// assert_eq!(rows, ["none", "ewc lambda=0", "ewc lambda=1e3"]);
///
/// let typo = ExperimentFile::parse("[training]\nsteeps = 5\n", "mine.toml");
/// let Err(error) = typo.bench(&Strengths::built_in()?) else { panic!("refused") };
/// assert!(error.to_string().starts_with(
///     "mine.toml:2: key of [training] `steeps` is unknown: did you mean `steps`?"
/// ));
/// # Ok::<(), continual::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentFile {
    text: String,
    name: String,
    /// What paths in the file are relative to.
    folder: PathBuf,
    #[serde(default)]
    lanes: Option<usize>,
    data: Option<PathBuf>,
    threads: Option<usize>,
    #[serde(default)]
    device: Option<String>,
}

impl ExperimentFile {
    /// A file's text; nothing is checked yet.
    ///
    /// # Errors
    /// A file that cannot be read or is no text.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::Impossible(format!("cannot be read: {error}")).at(name.clone())
        })?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { folder, ..Self::parse(text, name) })
    }

    /// A text; `name` stands for the file in messages, paths in it are relative to the working
    /// folder.
    #[must_use]
    pub fn parse(text: impl Into<String>, name: impl Into<String>) -> Self {
        let (text, name) = (text.into(), name.into());
        let (lanes, data, threads, device) = (None, None, None, None);
        Self { text, name, folder: PathBuf::new(), lanes, data, threads, device }
    }

    /// Most members that are trained at once; results do not depend on it.
    #[must_use]
    pub fn lanes(self, lanes: usize) -> Self {
        Self { lanes: Some(lanes), ..self }
    }

    /// Another folder of the data set's files than the file says.
    #[must_use]
    pub fn data(self, folder: &Path) -> Self {
        Self { data: Some(folder.to_owned()), ..self }
    }

    /// Another number of threads than the file says; results do not depend on it.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Self { threads: Some(threads), ..self }
    }

    /// Another device than the file says: `cpu`, `gpu`, `gpu:NAME` or `auto`.
    #[must_use]
    pub fn device(self, device: impl Into<String>) -> Self {
        Self { device: Some(device.into()), ..self }
    }

    /// The same from any working folder; `rooted` makes a path absolute if that can be.
    pub(crate) fn rooted(self, rooted: impl Fn(&Path) -> Option<PathBuf>) -> Self {
        let folder = if self.folder == Path::new("") { Path::new(".") } else { &self.folder };
        let folder = rooted(folder).unwrap_or_default();
        Self { folder, data: self.data.as_deref().and_then(rooted), ..self }
    }

    /// The name and the text, and what was said beside it as options of the command line.
    pub(crate) fn told(&self) -> (&str, &str, Vec<(&'static str, String)>) {
        let options = [
            ("data", self.data.as_ref().map(|it| it.display().to_string())),
            ("threads", self.threads.map(|it| it.to_string())),
            ("device", self.device.clone()),
            ("lanes", self.lanes.map(|it| it.to_string())),
        ];
        let given = options.into_iter().filter_map(|(name, value)| Some((name, value?)));
        (&self.name, &self.text, given.collect())
    }

    /// Resolves everything, reads the data and refuses what cannot be run.
    ///
    /// # Errors
    /// Text that is no TOML, unknown keys and names, values of another type or out of range, choices
    /// that exclude each other: each with file and, where one is to blame, line.
    pub fn bench(&self, strengths: &Strengths) -> Result<Bench, Error> {
        let source = Source { name: &self.name, text: &self.text };
        let table = source.parse()?;
        let mut draft = draft(source, &table, &self.folder)?;
        draft.draft.setup.lanes = lanes(self.lanes)?;
        if let Some(threads) = self.threads {
            draft.draft.setup.threads = check_count(threads, MOST_THREADS).map_err(|expected| {
                Error::Value { what: "--threads".to_owned(), value: threads.to_string(), expected }
            })?;
        }
        draft.draft.setup.gpu = match (&self.device, &draft.device) {
            (Some(text), _) => device::open(text)?,
            (None, Some((named, place))) => {
                named.open().map_err(|error| error.at(place.clone()))?
            }
            (None, None) => None,
        };
        let folder = self.data.clone().or(draft.folder);
        let here = |place: Option<String>| place.unwrap_or_else(|| self.name.clone());
        let (stream_place, network_place) = (here(draft.stream), here(draft.network));
        let bench = || {
            let choices = draft.draft.choices(folder.as_deref(), Wording::Keys)?;
            // Also done for every strategy, but there nobody knows which line to blame.
            for &scenario in &choices.scenarios {
                let experiment = choices.experiment.clone().scenario(scenario);
                let seed = experiment.setup.seeds.first().copied().unwrap_or_default();
                let stream =
                    experiment.stream(seed).map_err(|error| error.at(stream_place.clone()))?;
                experiment
                    .network(stream.outputs())
                    .map_err(|error| error.at(network_place.clone()))?;
            }
            Bench::of(choices, strengths)
        };
        bench().map_err(|error| error.at(self.name.clone()))
    }
}
