//! The tables of the file, but for those of the strategies.

use super::schema::{self, Table};
use super::source::{Entry, Section, Source};
use super::strategies::strategies;
use crate::choices::{
    Draft, MOST_CONTEXTS, MOST_LAYERS, MOST_ROWS, MOST_SEEDS, MOST_THREADS, seeds as first_seeds,
};
use crate::device::Named;
use crate::experiment::Setup;
use crate::nearest::unknown;
use crate::network::{HEADS, INITIALIZERS};
use crate::optimizer::check_number;
use crate::{Error, OptimizerName, OptimizerSpec, Preset};
use cl_core::{Head, Mix, Weights};
use cl_nn::Schedule;
use cl_scenarios::{DatasetName, MAX_PAD, Part, Protocol, Scenario, StreamKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// What the file says, names resolved, data not read yet.
#[derive(Debug)]
pub(crate) struct FileDraft {
    pub draft: Draft,
    /// Where programs run, and the line that says so.
    pub device: Option<(Named, String)>,
    /// Where the data is.
    pub folder: Option<PathBuf>,
    /// The line to blame where no stream can be cut from the data.
    pub stream: Option<String>,
    /// The line to blame for a network that is too large.
    pub network: Option<String>,
}

/// Reads every table; paths are relative to `folder`.
pub(crate) fn draft<'t>(
    source: Source<'t>,
    table: &'t DeTable<'t>,
    folder: &Path,
) -> Result<FileDraft, Error> {
    let top = Section::new(source, &schema::TOP, table)?;
    // All of them first: a key that is unknown is the likeliest slip.
    let data = section(&top, &schema::DATA)?;
    let network = section(&top, &schema::NETWORK)?;
    let training = section(&top, &schema::TRAINING)?;
    let optimizer = section(&top, &schema::OPTIMIZER)?;
    let schedule = section(&top, &schema::SCHEDULE)?;

    let dataset = match data.get("dataset") {
        Some(entry) => entry.choice("data set", &DatasetName::ALL)?,
        None => DatasetName::Digits,
    };
    let protocol = match data.get("protocol") {
        Some(entry) => entry.choice("protocol", &Protocol::ALL)?,
        None => Protocol::Split,
    };
    let mut draft = Draft::of(dataset, protocol);
    if let Some(entry) = data.get("stream") {
        draft.make_kind(entry.choice("stream", &StreamKind::ALL)?);
    }
    if let Some(entry) = top.get("preset") {
        draft.preset = entry.choice("preset", &Preset::ALL)?;
    }
    if let Some(entry) = top.get("scenario") {
        draft.scenarios = scenarios(entry)?;
    }
    if let Some(entry) = top.get("seeds") {
        draft.setup.seeds = seeds(entry)?;
    }
    read_data(&data, &mut draft.setup)?;
    read_network(&network, &mut draft.setup, folder)?;
    read_training(&training, &mut draft.setup)?;
    draft.setup.optimizer = read_optimizer(&optimizer, draft.defaults.lr)?;
    draft.setup.schedule = read_schedule(&schedule, &draft.setup)?;
    let number = |entry: Option<&Entry<'t>>, least| {
        entry.map(|entry| entry.within(least, u32::MAX)).transpose()
    };
    let fuzziness = data.get("fuzziness");
    draft.make_fuzzy(number(fuzziness, 0)?).map_err(|expected| refused(fuzziness, expected))?;
    let every = training.get("update_every");
    draft.make_clock(number(every, 1)?).map_err(|expected| refused(every, expected))?;
    if let Some(entry) = top.get("strategy") {
        draft.strategies = strategies(entry, draft.preset)?;
    }
    let path = match data.get("folder") {
        Some(entry) => Some(folder.join(entry.text("a path")?)),
        None => None,
    };
    let device = match top.get("device") {
        Some(entry) => {
            let named = entry.text(Named::EXPECTED)?.parse();
            Some((named.map_err(|expected: &str| entry.wrong(expected))?, entry.place()))
        }
        None => None,
    };
    Ok(FileDraft {
        draft,
        device,
        folder: path,
        stream: data.get("contexts").or(data.get("padding")).map(Entry::place),
        network: network.get("weights").or(network.get("hidden")).map(Entry::place),
    })
}

/// A value that is refused; without one there is nothing to refuse.
fn refused(entry: Option<&Entry<'_>>, expected: String) -> Error {
    match entry {
        Some(entry) => entry.wrong(expected),
        None => Error::Impossible(expected),
    }
}

/// A table of the file; an empty one where it has none.
fn section<'t>(top: &Section<'t>, about: &'static Table) -> Result<Section<'t>, Error> {
    let Some(entry) = top.get(about.name) else {
        return Ok(Section { source: top.source, entries: Vec::new() });
    };
    match entry.table() {
        Some(table) => Section::new(top.source, about, table),
        None => Err(entry.wrong(format!("a table, [{}]", about.name))),
    }
}

fn scenarios(entry: &Entry<'_>) -> Result<Vec<Scenario>, Error> {
    let mut all = Vec::new();
    for item in entry.one_or_more() {
        let scenario = item.choice("scenario", &Scenario::ALL)?;
        if !all.contains(&scenario) {
            all.push(scenario);
        }
    }
    if all.is_empty() { Err(entry.wrong("a list of at least one scenario")) } else { Ok(all) }
}

fn seeds(entry: &Entry<'_>) -> Result<Vec<u64>, Error> {
    let expected = format!(
        "a list of at most {MOST_SEEDS} different whole numbers, a range \"2..6\" with both ends, or \
         a count"
    );
    let all: Vec<u64> = match entry.value.get_ref() {
        DeValue::Integer(_) => return Ok(first_seeds(entry.within(1, MOST_SEEDS)?)),
        DeValue::String(text) => {
            let ends = text.split_once("..");
            let ends =
                ends.and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
            match ends {
                Some((first, last)) if first <= last && last - first < MOST_SEEDS => {
                    (first..=last).collect()
                }
                _ => return Err(entry.wrong(expected)),
            }
        }
        _ => {
            let items = entry.items().ok_or_else(|| entry.wrong(&expected))?;
            items.iter().map(|item| item.within(0, u64::MAX)).collect::<Result<_, _>>()?
        }
    };
    let mut distinct = all.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if all.is_empty() || distinct.len() < all.len() || all.len() as u64 > MOST_SEEDS {
        return Err(entry.wrong(expected));
    }
    Ok(all)
}

fn read_data(data: &Section<'_>, setup: &mut Setup) -> Result<(), Error> {
    if let Some(entry) = data.get("contexts") {
        setup.contexts = entry.size(1, MOST_CONTEXTS)?;
    }
    if let Some(entry) = data.get("padding") {
        let most = if setup.protocol == Protocol::Permuted { MAX_PAD } else { 0 };
        setup.pad = entry.size(0, MAX_PAD)?;
        if setup.pad > most {
            return Err(entry.wrong("0: only protocol `permuted` pads"));
        }
    }
    if let Some(entry) = data.get("part") {
        setup.part = entry.choice("part", &Part::ALL)?;
    }
    Ok(())
}

fn read_network(network: &Section<'_>, setup: &mut Setup, folder: &Path) -> Result<(), Error> {
    let spec = &mut setup.network;
    if let Some(entry) = network.get("hidden") {
        let items = entry.one_or_more();
        if items.len() > MOST_LAYERS {
            return Err(entry.wrong(format!("a list of at most {MOST_LAYERS} layers")));
        }
        spec.hidden = items.iter().map(|item| item.size(1, MOST_ROWS)).collect::<Result<_, _>>()?;
    }
    if let Some(entry) = network.get("dropout") {
        let fraction = entry.number().filter(|p| (0.0..1.0).contains(&(*p as f32)));
        spec.dropout = fraction.ok_or_else(|| entry.wrong("a number at least 0, below 1"))?;
    }
    if let Some(entry) = network.get("init") {
        spec.init = named(entry, "initializer", &INITIALIZERS)?;
    }
    if let Some(entry) = network.get("weights") {
        let weights = Weights::load(&folder.join(entry.text("a path")?));
        spec.weights = Some(Arc::new(weights.map_err(|error| entry.refused(error.into()))?));
    }
    if let Some(entry) = network.get("head") {
        setup.head = named(entry, "head", &HEADS)?;
        if setup.head == Head::Growing && setup.kind.is_task_free() {
            return Err(entry.wrong(untold("full", setup.kind)));
        }
    }
    Ok(())
}

/// The value of a name.
fn named<T: Copy>(
    entry: &Entry<'_>,
    kind: &'static str,
    names: &[(&'static str, T)],
) -> Result<T, Error> {
    let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    let name = entry.choice(kind, &known)?;
    let value = names.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    value.ok_or_else(|| entry.refused(unknown(kind, name, &known)))
}

fn read_training(training: &Section<'_>, setup: &mut Setup) -> Result<(), Error> {
    if let Some(entry) = training.get("steps") {
        if setup.kind == StreamKind::OnePass {
            return Err(entry.wrong("nothing: stream `one-pass` shows every example once"));
        }
        setup.steps = entry.within(1, u32::MAX / setup.contexts as u32)?;
    }
    if let Some(entry) = training.get("batch") {
        setup.batch = entry.size(1, MOST_ROWS)?;
    }
    if let Some(entry) = training.get("reset_optimizer") {
        setup.reset_optimizer = entry.flag()?;
        if setup.reset_optimizer && setup.kind.is_task_free() {
            return Err(entry.wrong(untold("false", setup.kind)));
        }
    }
    if let Some(entry) = training.get("mix") {
        setup.mix = mix(entry)?;
        if setup.mix == Mix::ByContext && setup.kind.is_task_free() {
            return Err(entry.wrong(untold("\"sum\" or { fixed = X }", setup.kind)));
        }
    }
    if let Some(entry) = training.get("evaluate_every") {
        setup.evaluation.every = entry.size(1, MOST_CONTEXTS)?;
    }
    if let Some(entry) = training.get("anytime_every") {
        setup.evaluation.anytime = Some(entry.size(1, u32::MAX as usize)? as u32);
    }
    if let Some(entry) = training.get("plasticity") {
        setup.evaluation.plasticity = entry.flag()?;
    }
    if let Some(entry) = training.get("threads") {
        setup.threads = entry.size(1, MOST_THREADS)?;
    }
    Ok(())
}

/// What is expected where nobody is told when a context begins.
fn untold(expected: &str, kind: StreamKind) -> String {
    format!("{expected}: stream `{kind}` tells nobody when a context begins")
}

fn mix(entry: &Entry<'_>) -> Result<Mix, Error> {
    let expected = "\"by-context\", \"by-rows\", \"sum\" or { fixed = X } with X from 0 to 1";
    if let Some(table) = entry.table() {
        return match &entry.source.entries(&entry.path, table)[..] {
            [fixed] if fixed.key == "fixed" => {
                let fraction = fixed.number().filter(|x| (0.0..=1.0).contains(x));
                let fraction = fraction.ok_or_else(|| fixed.wrong("a number from 0 to 1"))?;
                Ok(Mix::Fixed(fraction as f32))
            }
            _ => Err(entry.wrong(expected)),
        };
    }
    match entry.text(expected)? {
        "by-context" => Ok(Mix::ByContext),
        "by-rows" => Ok(Mix::ByRows),
        "sum" => Ok(Mix::Sum),
        "fixed" => Err(entry.wrong("the fraction of the stream's rows too: { fixed = 0.5 }")),
        other => {
            Err(entry.refused(unknown("mix", other, &["by-context", "by-rows", "sum", "fixed"])))
        }
    }
}

fn read_optimizer(optimizer: &Section<'_>, lr: f64) -> Result<OptimizerSpec, Error> {
    let name = match optimizer.get("name") {
        Some(entry) => entry.choice("optimizer", &OptimizerName::ALL)?,
        None => OptimizerName::Adam,
    };
    let mut spec = name.at(lr);
    let foreign = |entry: &Entry<'_>| {
        let has = |other: &OptimizerName| match entry.key {
            "nesterov" => *other == OptimizerName::Sgd,
            key => other.at(lr).number(key).is_some(),
        };
        let others: Vec<String> =
            OptimizerName::ALL.iter().filter(|other| has(other)).map(ToString::to_string).collect();
        entry.refused(Error::Impossible(format!(
            "{}: `{name}` has no {}, expected name = {}",
            entry.path,
            entry.key,
            others.join(" or ")
        )))
    };
    for entry in optimizer.entries.iter().filter(|entry| !["name", "nesterov"].contains(&entry.key))
    {
        let place = spec.number(entry.key).ok_or_else(|| foreign(entry))?;
        let value = entry.number().ok_or_else(|| entry.wrong("a number"))?;
        check_number(entry.key, value).map_err(|expected| entry.wrong(expected))?;
        *place = value;
    }
    if let Some(entry) = optimizer.get("nesterov") {
        let OptimizerSpec::Sgd(sgd) = &mut spec else { return Err(foreign(entry)) };
        sgd.nesterov = entry.flag()?;
        if sgd.nesterov && sgd.momentum as f32 == 0.0 {
            return Err(entry.wrong("false, or a momentum above 0 to look ahead with"));
        }
    }
    Ok(spec)
}

fn read_schedule(schedule: &Section<'_>, setup: &Setup) -> Result<Schedule, Error> {
    let named = schedule.get("name");
    let name = match named {
        Some(entry) => entry.choice("schedule", &["constant", "cosine"])?,
        None => "constant",
    };
    if name == "constant" {
        return match schedule.entries.iter().find(|entry| entry.key != "name") {
            None => Ok(Schedule::Constant),
            Some(entry) => Err(entry.refused(Error::Impossible(format!(
                "{}: `constant` has no {}, expected name = \"cosine\"",
                entry.path, entry.key
            )))),
        };
    }
    let steps = match schedule.get("steps") {
        Some(entry) => entry.within(1, u32::MAX)?,
        None => setup.steps,
    };
    if let (StreamKind::OnePass, None, Some(entry)) = (setup.kind, schedule.get("steps"), named) {
        return Err(entry.wrong("`schedule.steps` too: stream `one-pass` has no steps per context"));
    }
    let warmup = match schedule.get("warmup") {
        Some(entry) => entry.within(0, steps)?,
        None => 0,
    };
    let floor = match schedule.get("floor") {
        Some(entry) => {
            let fraction = entry.number().filter(|floor| (0.0..=1.0).contains(floor));
            fraction.ok_or_else(|| entry.wrong("a number from 0 to 1"))?
        }
        None => 0.0,
    };
    Ok(Schedule::Cosine { warmup, steps, floor })
}
