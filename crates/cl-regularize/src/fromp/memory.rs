//! Memorable points: which rows stay, and which of them a step looks at.

use cl_buffers::{Row, RowSize, draw_uniform};
use cl_core::{Error, Fill, Member, Now, Rehearse, Reports, Share, from_state, to_state};
use cl_random::{Address, Purpose};
use cl_scenarios::Scenario;
use serde_json::Value;
use std::collections::BTreeMap;

/// Indices of the `per_class` rows with the highest score of every class, class by class in ascending
/// order, highest first; the earlier row first at a tie. All of a smaller class.
///
/// Pan et al. 2020, section 3.2: the score is the trace of the softmax's Hessian, Σ_c s_c (1 − s_c).
#[must_use]
pub fn memorable(labels: &[u32], scores: &[f32], per_class: usize) -> Vec<usize> {
    let mut classes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (row, &label) in labels.iter().enumerate() {
        classes.entry(label).or_default().push(row);
    }
    let mut chosen = Vec::new();
    for rows in classes.values_mut() {
        rows.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        chosen.extend(rows.iter().take(per_class));
    }
    chosen
}

/// The memorable points of one member: of every context that has ended, its rows beside each other.
///
/// A row's cell is context · n + its place among the rows of its context, n the most that one
/// context may have.
#[derive(Clone, Debug)]
pub(crate) struct Memorable {
    per_class: usize,
    /// n.
    per_context: usize,
    batch: usize,
    contexts: usize,
    row_size: RowSize,
    rows: Vec<Row>,
    /// 0 .. n.
    places: Vec<u32>,
    drawn: Vec<u32>,
}

impl Memorable {
    pub(crate) fn new(per_class: usize, member: &Member<'_>) -> Self {
        let contexts = member.stream.contexts();
        let per_context = per_class * member.classes_per_context as usize;
        // Where every context has its own head, a row's context has to be known.
        let row_size = match member.stream.scenario() {
            Scenario::Task => member.row_size.with_context(contexts as u32),
            Scenario::Domain | Scenario::Class => member.row_size,
        };
        Self {
            per_class,
            per_context,
            batch: member.batch,
            contexts,
            row_size,
            rows: Vec::new(),
            places: (0..per_context as u32).collect(),
            drawn: vec![0; member.batch],
        }
    }

    /// The rows of each context, in the order in which contexts ended.
    fn by_context(&self) -> impl Iterator<Item = &[Row]> {
        self.rows.chunk_by(|a, b| a.context == b.context)
    }
}

impl Rehearse for Memorable {
    /// ⌈batch / k⌉ rows of each of k contexts, for the k that takes most.
    fn rows(&self) -> usize {
        let rows = |contexts: usize| contexts * self.batch.div_ceil(contexts);
        (1..=self.contexts).map(rows).max().unwrap_or(self.batch)
    }

    fn fill(&mut self, now: Now, _: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        let contexts = self.by_context().count();
        if contexts == 0 {
            return Ok(Share::Empty);
        }
        let each = self.batch.div_ceil(contexts);
        let address = Address::new(now.seed, Purpose::REPLAY).context(now.stage).step(now.step);
        let mut filled = 0;
        let Self { rows, places, drawn, per_context, .. } = self;
        for (ordinal, rows) in rows.chunk_by(|a, b| a.context == b.context).enumerate() {
            let address = address.ordinal(ordinal as u32);
            let count = draw_uniform(&places[..rows.len()], address, &mut drawn[..each]);
            for &place in &drawn[..count] {
                let row = rows[place as usize];
                fill.rows[filled] = row;
                fill.cells[filled] = row.context * *per_context as u32 + place;
                filled += 1;
            }
        }
        fill.weights[..filled].fill(1.0 / filled as f32);
        Ok(Share::Joined(1.0))
    }

    fn end_context(&mut self, _: Now, _: &[Row], reports: &Reports<'_>) -> Result<(), Error> {
        let (rows, scores) = (reports.rows(), reports.get("score").unwrap_or(&[]));
        let mut contexts: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (at, row) in rows.iter().take(scores.len()).enumerate() {
            contexts.entry(row.context).or_default().push(at);
        }
        for (context, of_context) in contexts {
            // A context that comes back keeps the points it has.
            if self.rows.iter().any(|row| row.context == context) {
                continue;
            }
            let labels: Vec<u32> = of_context.iter().map(|&at| rows[at].label).collect();
            let own: Vec<f32> = of_context.iter().map(|&at| scores[at]).collect();
            let chosen = memorable(&labels, &own, self.per_class);
            self.rows.extend(chosen.into_iter().map(|at| rows[of_context[at]]));
        }
        Ok(())
    }

    fn kept(&self) -> &[Row] {
        &self.rows
    }

    fn peak_bytes(&self) -> u64 {
        self.row_size.bytes() * self.rows.len() as u64
    }

    fn save(&self) -> Result<Value, Error> {
        to_state("memorable points", &self.rows)
    }

    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        let rows: Vec<Row> = from_state("memorable points", state)?;
        let mut contexts: BTreeMap<u32, usize> = BTreeMap::new();
        for of_context in rows.chunk_by(|a, b| a.context == b.context) {
            *contexts.entry(of_context[0].context).or_default() += 1;
            if of_context.len() > self.per_context {
                return Err(Error::state(
                    "memorable points",
                    format!(
                        "{} rows of context {}, expected at most {}",
                        of_context.len(),
                        of_context[0].context + 1,
                        self.per_context
                    ),
                ));
            }
        }
        let unexpected =
            |(&context, &blocks): (&u32, &usize)| context as usize >= self.contexts || blocks > 1;
        if contexts.iter().any(unexpected) {
            let expected = "rows of one context beside each other, of contexts of the stream";
            return Err(Error::state("memorable points", format!("expected {expected}")));
        }
        self.rows = rows;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cl_scenarios::{Part, Protocol, StreamSpec, digits};

    const BATCH: usize = 10;

    /// A memory of three points of each of two classes in five contexts, after `ended` of them.
    fn memory(ended: u32) -> Memorable {
        let (protocol, part, scenario) = (Protocol::Split, Part::Final, Scenario::Task);
        let spec = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part, pad: 0 };
        let stream = spec.build(&digits()).unwrap();
        let member = Member {
            seed: 3,
            stream: &stream,
            row_size: RowSize::new(64, 10),
            batch: BATCH,
            classes: 10,
            classes_per_context: 2,
        };
        let mut memory = Memorable::new(3, &member);
        let row = |context: u32, place: u32| Row {
            example: 100 * context + place,
            label: 2 * context + place / 3,
            context,
        };
        memory.rows = (0..ended).flat_map(|c| (0..6).map(move |place| row(c, place))).collect();
        memory
    }

    /// What a step is given: rows, weights, cells.
    fn filled(memory: &mut Memorable, step: u32) -> (Vec<Row>, Vec<f32>, Vec<u32>) {
        let none = Row { example: u32::MAX, label: 0, context: 0 };
        let count = memory.rows();
        let (mut rows, mut weights) = (vec![none; count], vec![0.0; count]);
        let (mut cells, mut stored) = (vec![u32::MAX; count], vec![u32::MAX; BATCH]);
        let now = Now { seed: 3, stage: 1, step };
        let mut fill =
            Fill { rows: &mut rows, weights: &mut weights, cells: &mut cells, stored: &mut stored };
        let share = memory.fill(now, &[], &mut fill).unwrap();
        assert_eq!(share == Share::Empty, memory.rows.is_empty());
        assert!(stored.iter().all(|&at| at == u32::MAX));
        (rows, weights, cells)
    }

    #[test]
    fn a_step_sees_the_same_number_of_distinct_points_of_every_past_context() {
        // ceil(10 / 3) = 4 points of each; all 6 where ceil(10 / 1) = 10 are asked for.
        for (ended, each) in [(1, 6), (2, 5), (3, 4), (4, 3)] {
            let mut memory = memory(ended);
            for step in 0..20 {
                let (rows, weights, cells) = filled(&mut memory, step);
                let count = (ended * each) as usize;
                assert_eq!(rows.len(), 12); // 3 · ceil(10 / 3) is the most
                assert!(weights[..count].iter().all(|&w| (w - 1.0 / count as f32).abs() < 1e-6));
                assert!(weights[count..].iter().all(|&w| w == 0.0));
                assert!(cells[count..].iter().all(|&cell| cell == u32::MAX));
                for (row, &cell) in rows[..count].iter().zip(&cells) {
                    assert_eq!((cell / 6, cell % 6), (row.context, row.example % 100));
                }
                let mut distinct = cells[..count].to_vec();
                distinct.sort_unstable();
                distinct.dedup();
                assert_eq!(distinct.len(), count);
            }
        }
    }

    #[test]
    fn steps_draw_anew_and_a_step_repeats_itself() {
        let mut memory = memory(4);
        let first = filled(&mut memory, 0);
        assert_eq!(filled(&mut memory, 0), first);
        let others = (1..10).filter(|&step| filled(&mut memory, step).2 != first.2).count();
        assert!(others >= 8, "{others}");
        // No two contexts share their choice of places in all steps.
        let alike = (0..20).filter(|&step| {
            let cells = filled(&mut memory, step).2;
            cells[..3].iter().zip(&cells[3..6]).all(|(a, b)| a % 6 == b % 6)
        });
        assert!(alike.count() < 5);
    }

    #[test]
    fn an_empty_memory_gives_nothing() {
        let (_, weights, cells) = filled(&mut memory(0), 0);
        assert!(weights.iter().all(|&w| w == 0.0) && cells.iter().all(|&c| c == u32::MAX));
    }

    #[test]
    fn the_highest_scores_of_each_class_come_first_and_earlier_rows_at_a_tie() {
        let (labels, scores) = ([4, 1, 4, 1, 4, 1], [0.1, 0.3, 0.5, 0.3, 0.5, 0.4]);
        assert_eq!(memorable(&labels, &scores, 2), [5, 1, 2, 4]);
        assert_eq!(memorable(&labels, &scores, 9), [5, 1, 3, 2, 4, 0]);
        assert_eq!(memorable(&[], &[], 3), [0; 0]);
    }

    #[test]
    fn a_state_of_another_memory_is_refused() {
        let mut memory = memory(2);
        assert_eq!(memory.peak_bytes(), 12 * (64 + 1 + 1));
        let saved = memory.save().unwrap();
        memory.rows.clear();
        memory.restore(&saved).unwrap();
        assert_eq!(memory.rows.len(), 12);
        let row = |context| Row { example: 0, label: 0, context };
        for rows in [vec![row(5)], vec![row(0), row(1), row(0)], vec![row(1); 7]] {
            let state = to_state("memorable points", &rows).unwrap();
            let message = memory.restore(&state).unwrap_err().to_string();
            assert!(message.starts_with("restoring memorable points: "), "{message}");
        }
        assert_eq!(memory.rows.len(), 12);
    }
}
