//! What the members of a population have in common, and what each has for itself.

use crate::draw::{Draw, rows_of};
use crate::error::Error;
use crate::host::Rows;
use crate::learner::Settings;
use crate::model::Data;
use crate::parts::{Factory, Parts};
use crate::rehearse::{Member, Rehearse};
use cl_buffers::RowSize;
use cl_scenarios::{Dataset, Stream, Transform};

/// One member's host state.
pub(crate) struct MemberState {
    pub seed: u64,
    pub stream: Box<dyn Stream>,
    pub rehearsals: Vec<Box<dyn Rehearse>>,
    pub rows: Rows,
    pub draw: Option<Draw>,
}

pub(crate) fn same_structure(a: &dyn Stream, b: &dyn Stream) -> Result<(), Error> {
    let structure =
        |s: &dyn Stream| (s.scenario(), s.contexts(), s.outputs(), s.stages().to_vec(), masked(s));
    if structure(a) == structure(b) {
        return Ok(());
    }
    Err(Error::Misfit(
        "the members of a population need streams of one structure: scenario, contexts, outputs and \
         stages"
            .to_owned(),
    ))
}

/// Whether some output is inactive for some row.
pub(crate) fn masked(stream: &dyn Stream) -> bool {
    (0..stream.stages().len())
        .flat_map(|stage| (0..stream.contexts()).map(move |context| (stage, context)))
        .any(|(stage, context)| stream.active(stage, context).contains(&false))
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
    settings: &Settings,
    stream_rows: usize,
) -> Result<Vec<MemberState>, Error> {
    population
        .into_iter()
        .map(|(seed, stream)| {
            let row_size = RowSize::new(dataset.features() as u32, stream.outputs() as u32);
            let classes = classes(&*stream, &dataset.labels);
            let rehearsals: Vec<Box<dyn Rehearse>> = {
                let about =
                    Member { seed, stream: &*stream, row_size, batch: settings.batch, classes };
                let make = |(_, make): &(String, Factory<'_>)| make(&about);
                parts.rehearsals.iter().map(make).collect::<Result<_, _>>()?
            };
            let replayed: usize = rehearsals.iter().map(|rehearsal| rehearsal.rows()).sum();
            let rows = Rows::new(stream_rows + replayed);
            Ok(MemberState { seed, stream, rehearsals, rows, draw: None })
        })
        .collect()
}

/// Number of (context, label) pairs among the training rows.
fn classes(stream: &dyn Stream, labels: &[u8]) -> u32 {
    let mut pairs: Vec<(u32, u32)> = (0..stream.contexts())
        .flat_map(|context| rows_of(stream, labels, context))
        .map(|row| (row.context, row.label))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.len() as u32
}
