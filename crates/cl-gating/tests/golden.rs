//! XdG against the reference's activations, loss and gradient, in both placements, and against
//! itself with one fault each.
#![allow(clippy::unwrap_used)]

use cl_core::{Batch, Gate, GateSite, Parts, Step, Strategy, Taken, Track, Trial};
use cl_gating::{Point, Xdg};
use cl_nn::{Forward, ForwardContext, Mlp, Network, ParamSpec, Sgd, Site, Theta};
use cl_tensor::{Init, Session, Var};
use serde_json::Value;

const WEIGHTS: [&str; 6] = ["w1", "b1", "w2", "b2", "w3", "b3"];

fn golden() -> Value {
    serde_json::from_str(include_str!("data/xdg.json")).unwrap()
}

fn floats(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(items) => items.iter().flat_map(floats).collect(),
        number => vec![number.as_f64().unwrap() as f32],
    }
}

/// `[out][in]` to `[in][out]`; a bias stays.
fn transposed(value: &Value) -> Vec<f32> {
    let flat = floats(value);
    let rows = if value[0].is_array() { value.as_array().unwrap().len() } else { 1 };
    let columns = flat.len() / rows;
    (0..flat.len()).map(|i| flat[i % rows * columns + i / rows]).collect()
}

/// Writes down the gradient, logits and features of a step of another strategy.
struct Watched<'a>(&'a dyn Strategy);

impl Strategy for Watched<'_> {
    fn name(&self) -> String {
        "watched".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.strategy(self.0);
        parts.track(self);
    }
}

impl Track for Watched<'_> {
    fn update<'g>(&self, step: &Step<'_, 'g>, taken: &Taken<'g>) {
        let values = [
            ("gradient", taken.task_gradient),
            ("logits", step.forward.logits),
            ("hidden2", step.forward.features),
        ];
        for (name, value) in values {
            let _ = step.scope.slot(name, &value.shape(), Init::Zeros);
            step.scope.assign(name, value);
        }
    }
}

/// A network of the reference's weights whose gates are the reference's.
fn trial(strategy: &dyn Strategy, network: Box<dyn Network>, rows: usize) -> Trial<'_> {
    let inputs = &golden()["inputs"];
    let mut trial = Trial::new(strategy, network, &Sgd::new(0.0), (rows, 2), true).unwrap();
    for name in WEIGHTS {
        trial.set_parameter(name, &transposed(&inputs["params"][name])).unwrap();
    }
    trial.set_active(&[vec![true, true, false, false], vec![false, false, true, true]]).unwrap();
    // Thresholds 0 and 1: off and on at every p.
    for (layer, units) in [(1, 5), (2, 4)] {
        let gated = &inputs[format!("gated_units_hidden{layer}_per_context")];
        let mut table = vec![1.0; 2 * units];
        for context in 0..2 {
            for unit in floats(&gated[context]) {
                table[context * units + unit as usize] = 0.0;
            }
        }
        let slot = format!("{}/threshold{layer}", gates_of(&trial));
        trial.session.write(&slot, 0, &table).unwrap();
    }
    trial
}

/// The scope of the gates: a mutant keeps its own.
fn gates_of(trial: &Trial<'_>) -> &'static str {
    let own = trial.session.slots().iter().any(|slot| slot.starts_with("xdg/"));
    if own { "xdg" } else { "mutant" }
}

fn mlp() -> Box<dyn Network> {
    Box::new(Mlp::new(&[6, 5, 4, 4]).unwrap())
}

fn batch(inputs: &Value, context: u32) -> Batch {
    let target = floats(&inputs["y_within_head"]).into_iter().map(|y| y as u32 + 2 * context);
    Batch::mean(floats(&inputs["x"]), target.collect(), context)
}

/// Compares a step in each context with the reference.
fn check(strategy: &dyn Strategy, network: Box<dyn Network>, point: Point) -> Result<(), String> {
    let golden = golden();
    let watched = Watched(strategy);
    let mut trial = trial(&watched, network, 8);
    let key = match point {
        Point::PreBias => "vdv_before_bias",
        _ => "paper_after_relu",
    };
    for context in 0..2 {
        let expected = &golden["expected"][format!("context{}", context + 1)][key];
        let loss = trial.step(&batch(&golden["inputs"], context)).unwrap();
        close("loss", &[loss], &floats(&expected["task_loss"]))?;
        for name in ["logits", "hidden2"] {
            let found = trial.session.read(&format!("watched/{name}"), 0).unwrap();
            close(name, &found, &floats(&expected[name]))?;
        }
        for (name, gradient) in trial.parameters("watched/gradient").unwrap() {
            close(&name, &gradient, &transposed(&expected["task_grad"][&name]))?;
        }
    }
    Ok(())
}

/// Per tensor |a − b| ≤ 1e-5 · max|b|.
fn close(what: &str, found: &[f32], expected: &[f32]) -> Result<(), String> {
    let largest = expected.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    assert_eq!(found.len(), expected.len(), "{what}");
    match found.iter().zip(expected).find(|(a, b)| (**a - **b).abs() > 1e-5 * largest) {
        Some((a, b)) => Err(format!("{what}: {a}, expected {b}")),
        None => Ok(()),
    }
}

/// The three placements; masking before the non-linearity gives the paper's numbers.
fn placements() -> [Xdg; 3] {
    [Xdg::new(0.6), Xdg { p: 0.6, point: Point::PreActivation }, Xdg::vdv(0.6)]
}

#[test]
fn activations_loss_and_gradient_are_the_references() {
    for xdg in placements() {
        check(&xdg, mlp(), xdg.point).unwrap_or_else(|error| panic!("{xdg:?}: {error}"));
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    OtherPoint,
    Inverted,
    FirstContextForAll,
    Rescaled,
    LastLayerOpen,
    NotInTheGradient,
}

struct Mutant {
    xdg: Xdg,
    fault: Fault,
}

impl Strategy for Mutant {
    fn name(&self) -> String {
        "mutant".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gate(self);
    }
}

impl Gate for Mutant {
    fn apply<'g>(&self, at: &GateSite<'_, 'g>, h: Var<'g>) -> Var<'g> {
        let (xdg, site) = (self.xdg, at.site);
        let with = |context: Var<'g>, h: Var<'g>| {
            let at = GateSite { context, scope: at.scope.clone(), ..*at };
            xdg.apply(&at, h)
        };
        match self.fault {
            Fault::OtherPoint => {
                let point = match xdg.point {
                    Point::PreBias => Point::PostActivation,
                    _ => Point::PreBias,
                };
                Xdg { point, ..xdg }.apply(at, h)
            }
            Fault::Inverted if site.point == xdg.point => h - xdg.apply(at, h),
            Fault::FirstContextForAll => {
                let zeros = h.graph().slot_u32("zeros", &at.context.shape(), Init::Zeros);
                with(zeros, h)
            }
            // As inverted dropout would: divided by the fraction that stays.
            Fault::Rescaled if site.point == xdg.point => xdg.apply(at, h) * (1.0 / 0.4),
            Fault::LastLayerOpen if site.layer == 1 => {
                // Its slot must exist for the check to write to.
                let _ = xdg.apply(at, h);
                h
            }
            Fault::NotInTheGradient if site.point == xdg.point => {
                h + (xdg.apply(at, h) - h).detach()
            }
            _ => xdg.apply(at, h),
        }
    }
}

/// An MLP that calls the gate on its output too.
#[derive(Debug)]
struct GatedOutput(Mlp);

impl Network for GatedOutput {
    fn params(&self) -> Vec<ParamSpec> {
        self.0.params()
    }
    fn forward<'g>(
        &self,
        theta: Theta<'_, 'g>,
        x: Var<'g>,
        cx: &ForwardContext<'_, 'g>,
    ) -> Forward<'g> {
        let forward = self.0.forward(theta, x, cx);
        let Some(gate) = cx.gate else { return forward };
        // The gates of hidden layer 2, which has as many units.
        let site = |point| Site { layer: 1, point, units: 4, x, mode: cx.mode };
        let points = [Point::PreBias, Point::PreActivation, Point::PostActivation];
        let logits = points.into_iter().fold(forward.logits, |h, point| gate(&site(point), h));
        Forward { logits, ..forward }
    }
    fn inputs(&self) -> usize {
        self.0.inputs()
    }
    fn outputs(&self) -> usize {
        self.0.outputs()
    }
    fn hidden(&self) -> Vec<usize> {
        self.0.hidden()
    }
    fn describe(&self) -> String {
        self.0.describe()
    }
}

#[test]
fn every_fault_is_found() {
    let faults = [
        Fault::OtherPoint,
        Fault::Inverted,
        Fault::FirstContextForAll,
        Fault::Rescaled,
        Fault::LastLayerOpen,
        Fault::NotInTheGradient,
    ];
    for xdg in placements() {
        for fault in faults {
            // relu'(0) = 0 closes the gradient of a unit gated before the non-linearity anyway.
            if fault == Fault::NotInTheGradient && xdg.point == Point::PreActivation {
                continue;
            }
            let found = check(&Mutant { xdg, fault }, mlp(), xdg.point);
            assert!(found.is_err(), "{fault:?} passes at {:?}", xdg.point);
        }
        let gated_output = Box::new(GatedOutput(Mlp::new(&[6, 5, 4, 4]).unwrap()));
        assert!(check(&xdg, gated_output, xdg.point).is_err(), "a gated output layer passes");
    }
}

#[test]
fn each_row_of_a_mixed_batch_passes_its_own_gates() {
    let inputs = golden()["inputs"].clone();
    for xdg in placements() {
        let watched = Watched(&xdg);
        let logits = |trial: &mut Trial<'_>, batch: &Batch| {
            let loss = trial.step(batch).unwrap();
            (loss, trial.session.read("watched/logits", 0).unwrap())
        };
        let mut separate = trial(&watched, mlp(), 8);
        let (first, second) = (batch(&inputs, 0), batch(&inputs, 1));
        let (loss1, logits1) = logits(&mut separate, &first);
        let (loss2, logits2) = logits(&mut separate, &second);
        // Rows of the two contexts in turn.
        let both = || (0..8).flat_map(|row| [(row, &first), (row, &second)]);
        let mixed = Batch {
            x: both().flat_map(|(row, batch)| batch.x[6 * row..6 * row + 6].to_vec()).collect(),
            target: both().map(|(row, batch)| batch.target[row]).collect(),
            context: both().map(|(row, batch)| batch.context[row]).collect(),
            weight: vec![1.0 / 16.0; 16],
        };
        let (loss, mixed) = logits(&mut trial(&watched, mlp(), 16), &mixed);
        assert!((loss - 0.5 * (loss1 + loss2)).abs() < 1e-6);
        for row in 0..8 {
            let of = |all: &[f32], row: usize| all[4 * row..4 * row + 4].to_vec();
            assert_eq!(of(&mixed, 2 * row), of(&logits1, row));
            assert_eq!(of(&mixed, 2 * row + 1), of(&logits2, row));
        }
        assert_ne!(logits1, logits2);
    }
}
