//! Learning without forgetting against published code in every scenario, and faults that it catches.
use crate::common::{Watched, close, floats, golden, labels, number, read, slot_is, write};
use crate::{Penalized, Valued};
use cl_core::{
    Batch, Boundary, Consolidate, GradientMap, Mix, Parts, Penalty, Step, Strategy, Taken, Track,
    Trial,
};
use cl_nn::{Mlp, Sgd};
use cl_regularize::{Heads, Lwf, Outputs};
use cl_scenarios::Scenario;
use cl_tensor::{Init, Var};

/// Keys of the golden file and the outputs that compete in each context, before and in the last.
const CASES: [(&str, Option<Scenario>); 4] = [
    ("task_context3_of_6_outputs", Some(Scenario::Task)),
    ("domain_context3", Some(Scenario::Domain)),
    ("class_context2_all_outputs", Some(Scenario::Class)),
    ("class_context2_all_so_far", None),
];

fn lwf_of(scenario: Option<Scenario>) -> Lwf {
    Lwf::vdv(scenario.unwrap_or(Scenario::Class))
}

/// CE/t + (1 − 1/t) mean KD.
fn rnt_of(scenario: Option<Scenario>) -> Lwf {
    Lwf { heads: Heads::Mean, mix: Mix::ByContext, ..lwf_of(scenario) }
}

/// [contexts][outputs] by stage of training: of two units each, or those of the contexts so far.
fn active(key: &str, outputs: usize, contexts: usize, stage: usize) -> Vec<Vec<bool>> {
    let competes = |context: usize, unit: usize| match key {
        "task_context3_of_6_outputs" => unit / 2 == context,
        "class_context2_all_so_far" => unit / 2 <= stage,
        _ => true,
    };
    (0..contexts).map(|c| (0..outputs).map(|unit| competes(c, unit)).collect()).collect()
}

fn trial<'s>(method: &'s dyn Strategy, outputs: usize, contexts: usize, masked: bool) -> Trial<'s> {
    let network = Box::new(Mlp::new(&[6, 5, 4, outputs]).unwrap());
    Trial::new(method, network, &Sgd::new(0.0), (8, contexts), masked).unwrap()
}

/// Trains through the contexts before the last with a rate of 0 and compares two steps in the last:
/// the second would see a teacher that moved in the first.
fn check(method: &dyn Penalized, key: &str, weighting: &str) -> Result<(), String> {
    let file = golden("lwf");
    let (inputs, expected) = (&file["inputs"], &file["expected"]);
    let (case, expected) = (&inputs[key], &expected[key][weighting]);
    let x = floats(&inputs["x"]);
    let outputs = case["params"]["b3"].as_array().unwrap().len();
    let contexts = number(&case["context"]) as usize;
    let task = key.starts_with("task");
    let valued = Valued(method);
    let watched = Watched(&valued);
    let mut trial = trial(&watched, outputs, contexts, task || key.ends_with("so_far"));

    write(&mut trial, "theta", &case["teacher_params"]);
    for context in 0..contexts {
        if task || key.ends_with("so_far") {
            trial.set_active(&active(key, outputs, contexts, context)).unwrap();
        }
        let own = if task { 2 * context as u32 } else { 0 };
        let y: Vec<u32> = labels(&case["y"]).iter().map(|y| y + own).collect();
        // In an earlier context other classes are right.
        let last = context + 1 == contexts;
        let y = if last || task { y } else { y.iter().map(|y| y % 2).collect() };
        let batch = Batch::mean(x.clone(), y, context as u32);
        if !last {
            // A method that acts without a teacher would show here.
            trial.step(&batch).unwrap();
            if context == 0 && read(&trial, "lwf/value") != [0.0] {
                return Err("a penalty in the first context".to_owned());
            }
            trial.boundary(&[]).unwrap();
            continue;
        }
        write(&mut trial, "theta", &case["params"]);
        for _ in 0..2 {
            let ce = f64::from(trial.step(&batch).unwrap());
            close("CE", &[ce as f32], &[number(&expected["loss_ce"])], 1e-5)?;
            let share = if weighting == "rnt_weighting" { 1.0 / contexts as f64 } else { 1.0 };
            let value = f64::from(read(&trial, "lwf/value")[0]) + share * ce;
            close("loss", &[value as f32], &[number(&expected["loss_total"])], 1e-5)?;
            slot_is(&trial, "probe/total", &expected["grad"], 1e-5)?;
        }
    }
    Ok(())
}

#[test]
fn values_and_gradients_are_those_of_the_reference_in_every_scenario_and_weighting() {
    for (key, scenario) in CASES {
        check(&lwf_of(scenario), key, "lwf_weighting").unwrap_or_else(|e| panic!("{key}: {e}"));
        check(&rnt_of(scenario), key, "rnt_weighting").unwrap_or_else(|e| panic!("{key}: {e}"));
    }
    // The paper's heads: every head is there once, so with a head per context it is the same.
    let paper = Lwf { outputs: Outputs::Active, ..Lwf::default() };
    for (key, _) in [CASES[0], CASES[2], CASES[3]] {
        check(&paper, key, "lwf_weighting").unwrap();
    }
    check(&Lwf::default(), CASES[0].0, "lwf_weighting").unwrap();
    assert!(check(&paper, CASES[1].0, "lwf_weighting").is_err(), "one head, two contexts");
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    NoTeacher,
    CurrentNetAsTeacher,
    TeacherInTheFirstContext,
    OtherHeads,
    TemperatureOne,
    TemperatureSquared,
    CrossEntropyUnscaled,
}

const FAULTS: [Fault; 7] = [
    Fault::NoTeacher,
    Fault::CurrentNetAsTeacher,
    Fault::TeacherInTheFirstContext,
    Fault::OtherHeads,
    Fault::TemperatureOne,
    Fault::TemperatureSquared,
    Fault::CrossEntropyUnscaled,
];

struct Mutant(Lwf, Fault);

impl Mutant {
    /// The first declaration of a slot says how it starts.
    fn declare(&self, step: &Step<'_, '_>) {
        if matches!(self.1, Fault::TeacherInTheFirstContext) {
            let heads = step.active.map_or(1, |_| step.contexts());
            step.scope.kept("times", &[heads], Init::Constant(1.0));
        }
    }

    fn faulty(&self) -> Lwf {
        let Self(lwf, fault) = *self;
        let heads = match lwf.heads {
            Heads::Mean => Heads::EachContext,
            _ => Heads::Mean,
        };
        match fault {
            Fault::OtherHeads => Lwf { heads, ..lwf },
            Fault::TemperatureOne => Lwf { temperature: 1.0, ..lwf },
            Fault::TemperatureSquared => {
                Lwf { lambda: lwf.lambda * lwf.temperature.powi(2), ..lwf }
            }
            _ => lwf,
        }
    }
}

impl Penalty for Mutant {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        self.declare(step);
        self.faulty().loss(step)
    }
}

impl GradientMap for Mutant {
    fn task<'g>(&self, step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        self.declare(step);
        match self.1 {
            Fault::CrossEntropyUnscaled => gradient,
            _ => self.faulty().task(step, gradient),
        }
    }
}

impl Track for Mutant {
    fn update<'g>(&self, step: &Step<'_, 'g>, taken: &Taken<'g>) {
        if matches!(self.1, Fault::CurrentNetAsTeacher) {
            let len = step.layout.len();
            step.scope.kept("teacher", &[len], Init::Zeros);
            step.scope.assign("teacher", step.theta + taken.delta);
        }
        self.0.update(step, taken);
    }
}

impl Consolidate for Mutant {
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let seen = if matches!(self.1, Fault::NoTeacher) { theta * 0.0 } else { theta };
        self.0.consolidate(boundary, seen);
        theta
    }
}

impl Strategy for Mutant {
    fn name(&self) -> String {
        "lwf".to_owned()
    }
    fn parts<'s>(&'s self, _: &mut Parts<'s>) {}
}

impl Penalized for Mutant {
    fn maps(&self) -> bool {
        self.0.maps()
    }
}

#[test]
fn the_reference_catches_each_fault() {
    for (key, scenario) in CASES {
        // Two contexts have one past context, whose mean and sum are the same.
        let one_past = key.contains("context2");
        for fault in FAULTS {
            let [lwf, rnt] = [lwf_of(scenario), rnt_of(scenario)].map(|it| Mutant(it, fault));
            let only_rnt = matches!(fault, Fault::CrossEntropyUnscaled);
            if !(only_rnt || one_past && matches!(fault, Fault::OtherHeads)) {
                assert!(check(&lwf, key, "lwf_weighting").is_err(), "{fault:?} passes in {key}");
            }
            if !(one_past && matches!(fault, Fault::OtherHeads)) {
                assert!(
                    check(&rnt, key, "rnt_weighting").is_err(),
                    "{fault:?} passes in {key}, rnt"
                );
            }
        }
    }
}
