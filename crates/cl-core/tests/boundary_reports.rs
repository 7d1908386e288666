//! What a host reads at a boundary, and what parts know of the stream's widths.
#![allow(clippy::unwrap_used)]

use cl_core::{
    Around, Batch, Consolidate, Error, Learner, Now, Over, Parts, Pass, Rehearse, Reports, Row,
    Settings, SlotStore, Step, Strategy, Trial, from_state, run, to_state,
};
use cl_nn::{Adam, Mlp};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};
use serde_json::Value;
use std::sync::Mutex;

/// Keeps the first rows of every context.
struct First {
    rows: Vec<Row>,
    /// From the member it was made for.
    widest: u32,
}

impl Rehearse for First {
    fn end_context(&mut self, _: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        assert_eq!(self.widest, 2);
        self.rows.extend(&rows[..150]);
        Ok(())
    }
    fn kept(&self) -> &[Row] {
        &self.rows
    }
    fn peak_bytes(&self) -> u64 {
        0
    }
    fn save(&self) -> Result<Value, Error> {
        to_state("rows", &self.rows)
    }
    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        self.rows = from_state("rows", state)?;
        Ok(())
    }
}

/// What the host reads when a context ends: [of the context, of the memory].
#[derive(Default)]
struct Listening(Mutex<Vec<[Vec<f32>; 2]>>, Mutex<Vec<[usize; 3]>>);

fn widths(around: Around<'_>) -> [usize; 3] {
    [around.contexts, around.classes_per_context, around.competing]
}

impl Consolidate for Listening {
    fn passes(&self) -> Vec<Pass> {
        let memory = Pass { over: Over::Memory("memory".to_owned()), ..Pass::default() };
        vec![Pass::default(), memory]
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, pass: usize) {
        self.1.lock().unwrap().push(widths(step.around()));
        let pairs = [step.target.to_float().column(), step.context.to_float().column()];
        step.report(["whole", "kept"][pass], step.graph().concat(&pairs, 1));
    }
    fn end_context(&self, _: Now, slots: &mut SlotStore<'_>) -> Result<(), Error> {
        assert!(slots.report("nothing").is_none());
        assert_eq!(slots.scope(), "listening");
        self.1.lock().unwrap().push(widths(slots.around()));
        let read = ["whole", "kept"].map(|name| slots.report(name).unwrap().to_vec());
        self.0.lock().unwrap().push(read);
        Ok(())
    }
}

impl Strategy for Listening {
    fn name(&self) -> String {
        "listening".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.consolidate(self).rehearse_apart("memory", |member| {
            Ok(Box::new(First { rows: Vec::new(), widest: member.classes_per_context }))
        });
    }
}

/// A run: what was heard at its boundaries, widths as parts saw them, and (unit, context) of all rows.
struct Listened {
    heard: Vec<[Vec<f32>; 2]>,
    widths: Vec<[usize; 3]>,
    whole: Vec<Vec<f32>>,
}

fn listened(scenario: Scenario) -> Listened {
    let data = digits();
    let (protocol, part, seed) = (Protocol::Split, Part::Final, 2);
    let spec = StreamSpec { protocol, scenario, contexts: 5, seed, part, pad: 0 };
    let stream: Box<dyn Stream> = Box::new(spec.build(&data).unwrap());
    let rows = |context: usize| -> Vec<f32> {
        let target = |&example: &u32| stream.target(context, data.labels[example as usize]);
        let pair = |example: &u32| [target(example) as f32, context as f32];
        stream.train(context).iter().flat_map(pair).collect()
    };
    let whole = (0..5).map(rows).collect();
    let network = Box::new(Mlp::new(&[64, 6, stream.outputs()]).unwrap());
    let settings = Settings::new(1, 8, Box::new(Adam::new(1e-3)));
    let listening = Listening::default();
    let population = vec![(seed, stream)];
    let mut learner = Learner::new(&listening, &data, population, network, settings).unwrap();
    run(&mut learner, &mut ()).unwrap();
    drop(learner);
    let (heard, widths) = (listening.0.into_inner().unwrap(), listening.1.into_inner().unwrap());
    Listened { heard, widths, whole }
}

#[test]
fn a_host_reads_what_passes_reported_of_all_their_rows_in_order() {
    let Listened { heard, whole, .. } = listened(Scenario::Class);
    assert_eq!(heard.len(), 4);
    for (context, [of_context, of_memory]) in heard.into_iter().enumerate() {
        assert_eq!(of_context, whole[context]);
        let kept = (0..=context).flat_map(|context| &whole[context][..300]).copied();
        assert_eq!(of_memory, kept.collect::<Vec<f32>>());
    }
}

#[test]
fn parts_and_members_know_how_wide_contexts_and_heads_are() {
    for (scenario, competing) in [(Scenario::Class, 10), (Scenario::Task, 2)] {
        let Listened { widths, .. } = listened(scenario);
        assert!(!widths.is_empty());
        assert!(widths.iter().all(|found| *found == [5, 2, competing]), "{widths:?}");
    }
}

#[test]
fn a_trial_tells_the_host_the_same_without_its_padding() {
    let listening = Listening::default();
    let network = Box::new(Mlp::new(&[3, 2, 5]).unwrap());
    let mut trial =
        Trial::with_memories(&listening, network, &Adam::new(1e-3), (2, 4), false, &[]).unwrap();
    let chunk = |target: [u32; 2], weight: [f32; 2]| Batch {
        x: vec![0.5; 6],
        target: target.to_vec(),
        context: vec![1, 1],
        weight: weight.to_vec(),
    };
    let chunks = [chunk([3, 4], [1.0, 1.0]), chunk([2, 0], [1.0, 0.0])];
    trial.boundary_with(&chunks, &[chunk([1, 2], [0.0, 1.0])]).unwrap();
    let heard = listening.0.lock().unwrap().clone();
    assert_eq!(heard, [[vec![3.0, 1.0, 4.0, 1.0, 2.0, 1.0], vec![2.0, 1.0]]]);
    assert!(listening.1.lock().unwrap().iter().all(|found| *found == [4, 5, 5]));
}
