//! How full memories get is known without training.
#![allow(clippy::unwrap_used)]

use cl_core::{
    Boundary, Consolidate, Error, Fill, Gate, Learner, Member, Now, Parts, Pass, Rehearse, Reports,
    Row, Settings, Share, Step, Strategy, from_state, run, to_state,
};
use cl_nn::{Adam, Mlp, ParamSpec, dense_params};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamKind, StreamSpec, digits};
use cl_tensor::Var;

/// A byte for each distinct row of a step, which it sees in `fill` or in `store`, and ten for each row that a
/// pass of a boundary reports of, up to a capacity.
struct Counts {
    online: Option<bool>,
    capacity: usize,
    rows: Vec<Row>,
    reported: u64,
}

impl Counts {
    fn see(&mut self, rows: &[Row]) {
        for row in rows {
            if self.rows.len() < self.capacity && !self.rows.contains(row) {
                self.rows.push(*row);
            }
        }
    }
}

impl Rehearse for Counts {
    fn rows(&self) -> usize {
        2
    }
    fn fill(&mut self, _: Now, current: &[Row], _: &mut Fill<'_>) -> Result<Share, Error> {
        if self.online == Some(true) {
            self.see(current);
        }
        Ok(Share::Empty)
    }
    fn store(&mut self, _: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        if self.online == Some(false) {
            self.see(rows);
        }
        Ok(())
    }
    fn end_context(&mut self, _: Now, _: &[Row], reports: &Reports<'_>) -> Result<(), Error> {
        assert_eq!(reports.get("ones").map(<[f32]>::len), Some(reports.rows().len()));
        self.reported += reports.rows().len() as u64;
        Ok(())
    }
    fn kept(&self) -> &[Row] {
        &self.rows
    }
    fn peak_bytes(&self) -> u64 {
        self.rows.len() as u64 + 10 * self.reported
    }
    fn save(&self) -> Result<serde_json::Value, Error> {
        to_state("counts", &self.rows)
    }
    fn restore(&mut self, state: &serde_json::Value) -> Result<(), Error> {
        self.rows = from_state("counts", state)?;
        Ok(())
    }
}

/// A memory, a pass over seven rows of every context, and a layer beside the network.
struct Watches {
    online: Option<bool>,
    capacity: usize,
}

impl Strategy for Watches {
    fn name(&self) -> String {
        "watches".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.rehearse(|_: &Member<'_>| {
            let Self { online, capacity } = *self;
            Ok(Box::new(Counts { online, capacity, rows: Vec::new(), reported: 0 }))
        });
        parts.consolidate(self).gate(self);
    }
}

impl Consolidate for Watches {
    fn passes(&self) -> Vec<Pass> {
        vec![Pass { limit: Some(7), ..Pass::default() }]
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        step.report("ones", step.weight);
    }
    fn consolidate<'g>(&self, _: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        theta
    }
}

impl Gate for Watches {
    fn params(&self, _: cl_core::Around<'_>) -> Vec<ParamSpec> {
        dense_params("1", 3, 2).to_vec()
    }
}

fn learner(watches: &Watches, kind: StreamKind, steps: u32) -> Learner<'_> {
    let (protocol, scenario, part) = (Protocol::Split, Scenario::Class, Part::Final);
    let stream = |seed| {
        let spec = StreamSpec { protocol, scenario, contexts: 5, seed, part, pad: 0 };
        Box::new(spec.build(&digits()).unwrap().of_kind(kind)) as Box<dyn Stream>
    };
    let every = (kind != StreamKind::Sharp).then_some(5);
    let mix = cl_core::Mix::Sum;
    let settings = Settings::new(steps, 32, Box::new(Adam::new(1e-3)));
    let settings = Settings { consolidate_every: every, mix, ..settings };
    let network = Box::new(Mlp::new(&[64, 6, 10]).unwrap());
    let members = vec![(2, stream(2)), (3, stream(3))];
    Learner::new(watches, &digits(), members, network, settings).unwrap()
}

#[test]
fn memories_fill_without_training_as_in_the_run() {
    for kind in [StreamKind::Sharp, StreamKind::Random, StreamKind::Fuzzy { fuzziness: 4 }] {
        for online in [None, Some(false), Some(true)] {
            for (capacity, steps) in [(3, 11), (50, 11), (usize::MAX, 11), (200, 120)] {
                let watches = Watches { online, capacity };
                let mut through = learner(&watches, kind, steps);
                run(&mut through, &mut ()).unwrap();
                let mut filled = learner(&watches, kind, steps);
                assert!(filled.has_memories());
                let theta = filled.read("theta", 0).unwrap();
                filled.fill_memories().unwrap();
                let told = format!("{kind}, {online:?}, {capacity}, {steps} steps");
                assert_eq!(filled.bytes_kept(), through.bytes_kept(), "{told}");
                assert_eq!(filled.rows_kept(), through.rows_kept(), "{told}");
                assert_eq!(filled.read("theta", 0).unwrap(), theta);
            }
        }
    }
}

/// A run of so many steps would take hours.
#[test]
fn a_sharp_stream_is_not_followed_where_memories_stay_as_they_are() {
    let watches = Watches { online: Some(false), capacity: usize::MAX };
    let mut filled = learner(&watches, StreamKind::Sharp, 100_000_000);
    filled.fill_memories().unwrap();
    let data = digits();
    assert_eq!(filled.rows_kept(), data.train.len() + data.validation.len());
    // The last of five contexts ends for nobody.
    assert_eq!(filled.bytes_kept(), filled.rows_kept() as u64 + 4 * 10 * 7);
}

#[test]
fn what_a_gate_adds_to_theta_is_a_network_beside_the_classifier() {
    let watches = Watches { online: None, capacity: 1 };
    assert_eq!(learner(&watches, StreamKind::Sharp, 1).network_bytes(), 4 * (3 * 2 + 2));
}
