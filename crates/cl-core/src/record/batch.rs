//! The rows of a training step, by source.

use super::Recorder;
use super::inputs::input;
use crate::parts::Joins;
use crate::rows::RecordedRows;
use crate::step::{Sources, Step};
use cl_nn::Forward;
use cl_tensor::Var;
use std::ops::Range;

/// Rows with a forward pass of their own.
#[derive(Clone, Debug)]
pub(crate) struct Segment<'g> {
    pub name: String,
    pub rows: RecordedRows<'g>,
    pub forward: Forward<'g>,
}

impl<'g> Segment<'g> {
    pub(crate) fn new(
        name: &str,
        recorder: &Recorder<'_, 'g>,
        theta: Var<'g>,
        rows: RecordedRows<'g>,
    ) -> Self {
        let forward = recorder.forward(theta, rows.x, rows.context);
        Self { name: name.to_owned(), rows, forward }
    }
}

/// Where rows lie in a memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places<'g> {
    /// Of each row that comes from it.
    pub cells: Var<'g>,
    /// Of each row of the stream, after the step; a pass stores none.
    pub stored: Option<Var<'g>>,
    /// Places of the memory.
    pub capacity: usize,
}

/// A rehearsal, as far as its shape goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemoryRows {
    pub name: String,
    pub rows: usize,
    pub joins: Joins,
    /// Places of the memory.
    pub capacity: usize,
}

/// Everything that is in the step's forward passes but generated rows.
pub(crate) struct Batch<'g> {
    /// Rows of the stream and of memories that joined.
    pub main: Segment<'g>,
    pub stream: usize,
    /// How many rows of the stream are of one class together, where they come class by class.
    pub per_class: Option<usize>,
    pub joined: Vec<(String, Range<usize>)>,
    pub apart: Vec<Segment<'g>>,
    pub places: Vec<(String, Places<'g>)>,
}

impl<'g> Batch<'g> {
    pub(crate) fn record(
        recorder: &Recorder<'_, 'g>,
        theta: Var<'g>,
        (stream, per_class): (usize, Option<usize>),
        memories: &[MemoryRows],
    ) -> Self {
        let (graph, model) = (recorder.graph, recorder.model);
        let (mut joined, mut apart, mut places) = (Vec::new(), Vec::new(), Vec::new());
        let mut end = stream;
        for MemoryRows { name, rows, joins, capacity } in memories {
            match joins {
                Joins::Batch => {
                    joined.push((name.clone(), end..end + rows));
                    end += rows;
                }
                Joins::Apart => {
                    let rows = model.rows(graph, name, *rows);
                    apart.push(Segment::new(name, recorder, theta, rows));
                }
            }
            let cells = graph.input_u32(&input("cells", name), &[*rows]);
            let stored = Some(graph.input_u32(&input("stored", name), &[stream]));
            places.push((name.clone(), Places { cells, stored, capacity: *capacity }));
        }
        let main = Segment::new("", recorder, theta, model.rows(graph, "", end));
        Self { main, stream, per_class, joined, apart, places }
    }

    /// The step before generated rows join it.
    pub(crate) fn step<'a>(
        &'a self,
        recorder: &'a Recorder<'a, 'g>,
        theta: Var<'g>,
        segments: &'a [Segment<'g>],
    ) -> Step<'a, 'g> {
        let Self { main, stream, per_class, joined, places, .. } = self;
        let (stream, per_class) = (*stream, *per_class);
        let sources = Sources { stream, per_class, joined, segments, places };
        Step::new(recorder, theta, main, sources)
    }

    /// Every segment with a forward pass of its own: rehearsals apart, then generated rows, whose
    /// weights follow the share that the host gives them.
    pub(crate) fn segments(&self, recorder: &Recorder<'_, 'g>, theta: Var<'g>) -> Vec<Segment<'g>> {
        let mut all = self.apart.clone();
        if recorder.parts.generators.is_empty() {
            return all;
        }
        let step = self.step(recorder, theta, &self.apart);
        for (name, generator) in &recorder.parts.generators {
            let share = recorder.graph.input(&input("share", name), &[]);
            let mut rows = generator.rows(&step.seen_by(name));
            let count = rows.x.shape().first().copied().unwrap_or(0);
            let fits = |value: Var<'g>, shape: &[usize], what: &str| {
                recorder.graph.expect_shape(
                    value,
                    shape,
                    &format!("{name}: Generate::rows, {what}"),
                )
            };
            rows.x = fits(rows.x, &[count, recorder.model.network.inputs()], "x");
            rows.context = fits(rows.context, &[count], "context");
            rows.weight = fits(rows.weight, &[count], "weight") * share;
            all.push(Segment::new(name, recorder, theta, rows));
        }
        all
    }
}
