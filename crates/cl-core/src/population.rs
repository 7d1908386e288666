//! What the members of a population have in common, and what each has for itself.

use crate::draw::{Draw, Wanted, rows_of};
use crate::error::Error;
use crate::host::Rows;
use crate::learner::Settings;
use crate::memory::Memory;
use crate::model::{Data, StreamShape};
use crate::parts::{Detect, Parts};
use crate::rehearse::Member;
use cl_buffers::{Row, RowSize};
use cl_nn::Network;
use cl_scenarios::{Competition, Dataset, Stream, StreamKind, Transform};
use std::collections::BTreeSet;

/// One member's host state.
pub(crate) struct MemberState {
    pub seed: u64,
    pub stream: Box<dyn Stream>,
    pub memories: Vec<Memory>,
    pub rows: Rows,
    pub draw: Option<Draw>,
    pub detector: Option<Box<dyn Detect>>,
    /// Boundaries that have passed.
    pub boundaries: u32,
    /// Runs of training programs since the last of them.
    pub taken: u32,
    /// Steps of the phase under way.
    pub length: u32,
    /// Steps since the clock ticked last, where one says when to consolidate.
    pub ticked: u32,
    /// Rows of the stream since the last boundary, where nobody tells boundaries.
    pub recent: Vec<Row>,
}

impl MemberState {
    /// A draw from a stage: rows of the stream and those that its memories add to them.
    pub(crate) fn drawing(
        &self,
        labels: &[u8],
        stage: usize,
        wanted: Wanted,
    ) -> Result<Draw, Error> {
        if let (StreamKind::OnePass, Some(memory)) = (self.stream.kind(), self.adding().next()) {
            return Err(Error::Misfit(format!(
                "{}: exemplars that join the stream's own draw, in a stream that shows every example \
                 once",
                memory.name
            )));
        }
        let more: Vec<Row> =
            self.adding().flat_map(|memory| memory.it.main_rows()).copied().collect();
        Ok(Draw::new(&*self.stream, labels, stage, wanted, &more))
    }

    /// The memories that add rows to the stream's own draw now.
    fn adding(&self) -> impl Iterator<Item = &Memory> {
        self.memories.iter().filter(|memory| !memory.it.main_rows().is_empty())
    }

    /// Whether some memory adds rows to the stream's own draw now.
    pub(crate) fn adds_rows(&self) -> bool {
        self.adding().next().is_some()
    }

    /// Steps of one pass over what its memories keep.
    pub(crate) fn steps_per_pass(&self) -> u32 {
        let steps = |memory: &Memory| memory.it.kept().len().div_ceil(memory.it.rows().max(1));
        self.memories.iter().map(steps).max().unwrap_or(0) as u32
    }
}

pub(crate) fn same_structure(a: &dyn Stream, b: &dyn Stream) -> Result<(), Error> {
    let structure = |s: &dyn Stream| {
        (s.scenario(), s.kind(), s.contexts(), s.outputs(), s.stages().to_vec(), masked(s))
    };
    if structure(a) == structure(b) {
        return Ok(());
    }
    Err(Error::Misfit(
        "the members of a population need streams of one structure: scenario, kind, contexts, outputs \
         and stages"
            .to_owned(),
    ))
}

/// The stages and contexts that together show every set of outputs that competes.
fn competing(stream: &dyn Stream) -> impl Iterator<Item = (usize, usize)> {
    let (stages, contexts) = match stream.competition() {
        Competition::All => (1, 1),
        Competition::ByContext => (1, stream.contexts()),
        Competition::ByStage => (stream.stages().len(), stream.contexts()),
    };
    (0..stages).flat_map(move |stage| (0..contexts).map(move |context| (stage, context)))
}

/// Whether some output is inactive for some row.
fn masked(stream: &dyn Stream) -> bool {
    competing(stream).any(|(stage, context)| stream.active(stage, context).contains(&false))
}

/// Whether every batch is of one context, where a network may ask for it: no stage draws from several,
/// and no memory or generator adds rows of its own.
pub(crate) fn one_context(stream: &dyn Stream, parts: &Parts<'_>) -> bool {
    parts.backbone.is_some()
        && parts.rehearsals.is_empty()
        && parts.generators.is_empty()
        && stream.stages().iter().all(|stage| stage.contexts.len() == 1)
}

/// Checks that the outputs that compete in a context are outputs of the network there.
pub(crate) fn heads_fit(network: &dyn Network, stream: &dyn Stream) -> Result<(), Error> {
    let stages = match stream.competition() {
        Competition::All | Competition::ByContext => 1,
        Competition::ByStage => stream.stages().len(),
    };
    for context in 0..stream.contexts() {
        let own = network.outputs_of(context);
        for stage in 0..stages {
            let active = stream.active(stage, context).into_iter().enumerate();
            let mut outside = active.filter(|(unit, active)| {
                let there = *unit < network.outputs(); // a head may yet grow
                *active && there && !own.contains(unit)
            });
            if let Some((unit, _)) = outside.next() {
                return Err(Error::Misfit(format!(
                    "{}: output {unit} competes in context {}, where the network has outputs {own:?}",
                    network.describe(),
                    context + 1
                )));
            }
        }
    }
    Ok(())
}

/// The shape of the streams of a population: of several, the widest.
pub(crate) fn stream_shape(population: &[(u64, Box<dyn Stream>)], labels: &[u8]) -> StreamShape {
    let streams = || population.iter().map(|(_, stream)| &**stream);
    let widest = |of: &dyn Fn(&dyn Stream) -> usize| streams().map(of).max().unwrap_or(1);
    StreamShape {
        contexts: widest(&|stream| stream.contexts()),
        masked: streams().any(masked),
        classes_per_context: widest(&|stream| {
            let pairs = pairs(stream, labels);
            let contexts = pairs.chunk_by(|a, b| a.0 == b.0);
            contexts.map(<[_]>::len).max().unwrap_or(1)
        }),
        competing: widest(&|stream| {
            let active = competing(stream).map(|(stage, context)| stream.active(stage, context));
            active.map(|active| active.iter().filter(|&&is| is).count()).max().unwrap_or(1)
        }),
    }
}

pub(crate) fn data_of(dataset: &Dataset, stream: &dyn Stream) -> Data {
    let taps = (0..stream.contexts())
        .map(|context| stream.transform(context))
        .filter(|transform| **transform != Transform::Identity)
        .map(|transform| transform.taps(dataset.width, dataset.height).taps)
        .max()
        .unwrap_or(0);
    Data::Resident {
        examples: dataset.examples(),
        features: dataset.features(),
        scale: dataset.scale,
        taps,
    }
}

pub(crate) fn members(
    parts: &Parts<'_>,
    dataset: &Dataset,
    population: Vec<(u64, Box<dyn Stream>)>,
    shape: StreamShape,
    settings: &Settings,
) -> Result<Vec<MemberState>, Error> {
    population
        .into_iter()
        .map(|(seed, stream)| {
            let row_size = RowSize::new(dataset.features() as u32, stream.outputs() as u32);
            let about = Member {
                seed,
                stream: &*stream,
                row_size,
                batch: settings.batch,
                classes: pairs(&*stream, &dataset.labels).len() as u32,
                classes_per_context: shape.classes_per_context as u32,
            };
            let memories = parts
                .rehearsals
                .iter()
                .map(|(name, part)| {
                    Ok(Memory::new(name.clone(), &part.scope, part.joins, (part.make)(&about)?))
                })
                .collect::<Result<Vec<_>, Error>>()?;
            let detector = match &parts.detector {
                None => None,
                Some((_, make)) => Some(make(&about)?),
            };
            Ok(MemberState {
                seed,
                stream,
                memories,
                rows: Rows::new("", 0),
                draw: None,
                detector,
                boundaries: 0,
                taken: 0,
                length: 0,
                ticked: 0,
                recent: Vec::new(),
            })
        })
        .collect()
}

/// The (context, label) pairs among the training rows, in order.
fn pairs(stream: &dyn Stream, labels: &[u8]) -> Vec<(u32, u32)> {
    let of_context = |context: usize| {
        let rows = rows_of(stream, labels, context).into_iter();
        rows.map(|row| (row.context, row.label)).collect::<BTreeSet<_>>()
    };
    (0..stream.contexts()).flat_map(of_context).collect()
}
