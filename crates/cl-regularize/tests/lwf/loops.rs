//! Learning without forgetting against a slow loop over rows: which outputs, which rows, which heads.
use crate::Valued;
use crate::common::{Watched, close, golden, number, numbers, read, some_batch};
use cl_core::{
    Batch, Error, Gate, GateSite, Head, Learner, Parts, Replayed, Settings, Strategy, Trial, run,
};
use cl_nn::{Mlp, Point, Sgd};
use cl_regularize::{Lwf, Outputs};
use cl_scenarios::{ActiveClasses, Part, Protocol, Scenario, Stream, StreamSpec, digits};
use cl_tensor::{Session, Var};

/// −Σ_c softmax(teacher/T)_c log softmax(student/T)_c of one row, over the outputs to keep.
fn kd(teacher: &[f64], student: &[f64], t: f64, keep: &[usize]) -> f64 {
    let over = |z: &[f64]| {
        let exp: Vec<f64> = keep.iter().map(|&c| (z[c] / t).exp()).collect();
        let total: f64 = exp.iter().sum();
        exp.into_iter().map(|e| e / total).collect::<Vec<f64>>()
    };
    -over(teacher).iter().zip(over(student)).map(|(p, q)| p * q.ln()).sum::<f64>()
}

/// The mean over rows of `[rows, 4]` logits.
fn mean_kd(teacher: &[f64], student: &[f64], t: f64, keep: &[usize]) -> f64 {
    let rows = teacher.chunks(4).zip(student.chunks(4));
    rows.map(|(teacher, student)| kd(teacher, student, t, keep)).sum::<f64>()
        / (teacher.len() / 4) as f64
}

#[test]
fn the_loop_is_the_references_distillation() {
    let file = golden("lwf");
    let (inputs, expected) = (&file["inputs"], &file["expected"]["kd"]["same_classes"]);
    let [teacher, student] =
        ["kd_teacher_logits_4", "kd_student_logits"].map(|key| numbers(&inputs[key]));
    let found = mean_kd(&teacher, &student, 2.0, &[0, 1, 2, 3]);
    assert!((found - number(&expected["loss"])).abs() < 1e-10);
}

fn trial<'s>(
    method: &'s dyn Strategy,
    rows: usize,
    masked: bool,
    memory: &[(&str, usize)],
) -> Trial<'s> {
    let network = Box::new(Mlp::new(&[6, 5, 4, 4]).unwrap());
    Trial::with_memories(method, network, &Sgd::new(0.0), (rows, 3), masked, memory).unwrap()
}

/// The teacher's and the student's parameters: made up, but fixed.
fn theta(trial: &mut Trial<'_>, of: f32) {
    let len = trial.model.layout.len();
    let values: Vec<f32> = (0..len).map(|i| ((i as f32 + 1.0) * of).sin()).collect();
    trial.session.write("theta", 0, &values).unwrap();
}

/// What an evaluation with these parameters says of rows, `[rows, 4]`.
fn logits(trial: &mut Trial<'_>, of: f32, rows: &Batch) -> Vec<f64> {
    let before = trial.session.read("theta", 0).unwrap();
    theta(trial, of);
    let scores = trial.scores(rows, &[]).unwrap();
    trial.session.write("theta", 0, &before).unwrap();
    scores.into_iter().map(f64::from).collect()
}

const TEACHER: f32 = 1.7;
const STUDENT: f32 = 2.3;

/// Ends a context with the teacher's parameters; the rest is trained with the student's.
fn end_context(trial: &mut Trial<'_>, seen: &Batch) {
    theta(trial, TEACHER);
    trial.step(seen).unwrap();
    trial.boundary(&[]).unwrap();
    theta(trial, STUDENT);
}

/// The penalty of the last step.
fn value(trial: &Trial<'_>) -> f64 {
    f64::from(read(trial, "lwf/value")[0])
}

#[track_caller]
fn assert_near(found: f64, expected: f64) {
    close("KD", &[found as f32], &[expected], 1e-5).unwrap();
}

/// Rows whose right outputs are among the first two.
fn first_two(rows: usize) -> Batch {
    let batch = some_batch(rows, 3);
    Batch { target: batch.target.iter().map(|y| y % 2).collect(), ..batch }
}

#[test]
fn the_teacher_speaks_about_old_outputs_or_about_all() {
    let (old, new) = (first_two(8), some_batch(8, 5));
    for (outputs, keep) in [(Outputs::Seen, vec![0, 1]), (Outputs::Active, vec![0, 1, 2, 3])] {
        let lwf = Lwf { lambda: 3.0, temperature: 1.5, outputs, ..Lwf::default() };
        let valued = Valued(&lwf);
        let mut trial = trial(&valued, 8, false, &[]);
        end_context(&mut trial, &old);
        trial.step(&new).unwrap();
        let [teacher, student] = [TEACHER, STUDENT].map(|of| logits(&mut trial, of, &new));
        assert_near(value(&trial), 3.0 * mean_kd(&teacher, &student, 1.5, &keep));
    }
}

#[test]
fn what_was_seen_before_an_earlier_boundary_stays_known() {
    let lwf = Lwf::default();
    let valued = Valued(&lwf);
    let mut trial = trial(&valued, 8, false, &[]);
    end_context(&mut trial, &Batch { target: vec![1; 8], ..some_batch(8, 3) });
    end_context(&mut trial, &Batch { target: vec![3; 8], ..some_batch(8, 3) });
    let new = some_batch(8, 5);
    trial.step(&new).unwrap();
    let [teacher, student] = [TEACHER, STUDENT].map(|of| logits(&mut trial, of, &new));
    assert_near(value(&trial), mean_kd(&teacher, &student, 2.0, &[1, 3]));
}

/// Rows of weight 0 fill up a batch, whatever outputs and contexts they name.
#[test]
fn padding_makes_no_output_known_and_ends_no_context() {
    let padded = |context: u32, target: u32| {
        let mut batch = Batch { context: vec![0; 8], ..first_two(8) };
        (batch.context[7], batch.target[7], batch.weight[7]) = (context, target, 0.0);
        batch
    };
    let new = Batch { context: vec![2; 8], ..some_batch(8, 5) };
    // One head: output 3 was right for padding alone.
    let lwf = Lwf::default();
    let valued = Valued(&lwf);
    let mut one = trial(&valued, 8, false, &[]);
    end_context(&mut one, &padded(0, 3));
    one.step(&new).unwrap();
    let [teacher, student] = [TEACHER, STUDENT].map(|of| logits(&mut one, of, &new));
    assert_near(value(&one), mean_kd(&teacher, &student, 2.0, &[0, 1]));
    // A head per context: only padding is of context 1. Outputs count where they compete, so that
    // contexts alone are told apart.
    let lwf = Lwf { outputs: Outputs::Active, ..lwf };
    let valued = Valued(&lwf);
    let mut heads = trial(&valued, 8, true, &[]);
    let head = |on: [usize; 2]| (0..4).map(|unit| on.contains(&unit)).collect::<Vec<bool>>();
    heads.set_active(&[head([0, 1]), head([2, 3]), head([1, 2])]).unwrap();
    end_context(&mut heads, &padded(1, 2));
    heads.step(&new).unwrap();
    assert_near(value(&heads), mean_kd(&teacher, &student, 2.0, &[0, 1]));
}

/// A rehearsal that a trial feeds by hand.
struct Memory;

impl Strategy for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.rehearse(|_| Err(Error::Misfit("a trial makes no memory".to_owned())));
    }
}

#[test]
fn rows_of_a_memory_are_neither_labelled_nor_counted() {
    let lwf = Lwf::default();
    let both = (Valued(&lwf), Memory);
    let mut trial = trial(&both, 8, false, &[("memory", 3)]);
    let nowhere = || Replayed { rows: None, cells: vec![u32::MAX; 3], stored: vec![u32::MAX; 5] };
    // The last three rows are replayed; their outputs 2 and 3 are not the stream's.
    let mut old = first_two(8);
    old.target[5..].copy_from_slice(&[2, 3, 3]);
    theta(&mut trial, TEACHER);
    trial.step_with(&old, &[("memory", nowhere())]).unwrap();
    trial.boundary(&[]).unwrap();
    theta(&mut trial, STUDENT);
    // The stream's rows weigh half of the task loss, and one of them nothing: padding.
    let mut new = some_batch(8, 5);
    new.weight = vec![0.125, 0.125, 0.125, 0.125, 0.0, 0.2, 0.2, 0.1];
    trial.step_with(&new, &[("memory", nowhere())]).unwrap();
    let [teacher, student] = [TEACHER, STUDENT].map(|of| logits(&mut trial, of, &new));
    assert_near(value(&trial), mean_kd(&teacher[..16], &student[..16], 2.0, &[0, 1]));
}

#[test]
fn a_step_on_memories_alone_labels_nothing() {
    let lwf = Lwf::default();
    let both = (Valued(&lwf), Memory);
    let mut trial = trial(&both, 3, false, &[("memory", 3)]);
    let step = |trial: &mut Trial<'_>| {
        let all = Replayed { rows: None, cells: vec![u32::MAX; 3], stored: Vec::new() };
        trial.step_with(&some_batch(3, 5), &[("memory", all)]).unwrap();
    };
    step(&mut trial);
    trial.boundary(&[]).unwrap();
    theta(&mut trial, STUDENT);
    step(&mut trial);
    assert_eq!(value(&trial), 0.0);
}

/// Multiplies the first hidden layer by what the row's context says.
struct ByContext;

impl Gate for ByContext {
    fn apply<'g>(&self, at: &GateSite<'_, 'g>, h: Var<'g>) -> Var<'g> {
        if at.site.layer > 0 || at.site.point != Point::PostActivation {
            return h;
        }
        h * at.context.to_float().column()
    }
}

impl Strategy for ByContext {
    fn name(&self) -> String {
        "gate".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gate(self);
    }
}

#[test]
fn the_teacher_passes_the_gates_of_each_rows_own_context() {
    let lwf = Lwf { outputs: Outputs::Active, ..Lwf::default() };
    let gated = (Valued(&lwf), ByContext);
    let mut trial = trial(&gated, 8, false, &[]);
    end_context(&mut trial, &some_batch(8, 3));
    let new = Batch { context: vec![1, 2, 0, 1, 2, 2, 1, 1], ..some_batch(8, 5) };
    trial.step(&new).unwrap();
    let loss_with = value(&trial);
    let [teacher, student] = [TEACHER, STUDENT].map(|of| logits(&mut trial, of, &new));
    assert_near(loss_with, mean_kd(&teacher, &student, 2.0, &[0, 1, 2, 3]));
    // Through the gates of the context that ended the teacher would say something else.
    let old = Batch { context: vec![0; 8], ..new };
    let other = mean_kd(&logits(&mut trial, TEACHER, &old), &student, 2.0, &[0, 1, 2, 3]);
    assert!((other - loss_with).abs() > 1e-2, "{other} and {loss_with}");
}

const ROWS: usize = 400;

/// Heads 01, 23 and 12 of three contexts, two of which have ended. 400 rows of one image: each row's
/// KD is that of the first or of the second head, and the mean says how often each was drawn.
#[test]
fn a_drawn_head_is_that_of_any_past_context_and_halves_count_half() {
    let lwf = Lwf::vdv_task_free();
    let valued = Valued(&lwf);
    let watched = Watched(&valued);
    let mut trial = trial(&watched, ROWS, true, &[]);
    let head = |on: [usize; 2]| (0..4).map(|unit| on.contains(&unit)).collect::<Vec<bool>>();
    trial.set_active(&[head([0, 1]), head([2, 3]), head([1, 2])]).unwrap();
    let x = some_batch(1, 7).x;
    let batch = |context: u32, y: u32| Batch::mean(x.repeat(ROWS), vec![y; ROWS], context);
    end_context(&mut trial, &batch(0, 0));
    end_context(&mut trial, &batch(1, 2));
    trial.step(&batch(2, 1)).unwrap();
    // Each context's scores are told for its own head alone.
    let mut of_head = |context: u32, keep: &[usize]| {
        let rows = batch(context, 0);
        let [teacher, student] = [TEACHER, STUDENT].map(|of| logits(&mut trial, of, &rows));
        kd(&teacher[..4], &student[..4], 2.0, keep)
    };
    let (first, second) = (of_head(0, &[0, 1]), of_head(1, &[2, 3]));
    let mean = value(&trial) / 0.5;
    let drawn = ROWS as f64 * (mean - second) / (first - second);
    // 200 of 400, give or take 10.
    assert!((drawn - drawn.round()).abs() < 0.05, "{drawn} rows: a third value was there");
    assert!((drawn - 200.0).abs() < 40.0, "{drawn} of {ROWS} rows");

    // What is left of the total when half of the task gradient is taken away is the penalty's.
    let plain = Lwf { lambda: 0.0, ..lwf };
    let plain = Valued(&plain);
    let watched = Watched(&plain);
    let mut halved = self::trial(&watched, ROWS, true, &[]);
    halved.set_active(&[head([0, 1]), head([2, 3]), head([1, 2])]).unwrap();
    halved.step(&batch(0, 0)).unwrap();
    assert_eq!(read(&halved, "probe/total"), read(&halved, "probe/task"), "no teacher yet");
    end_context(&mut halved, &batch(0, 0));
    halved.step(&batch(1, 2)).unwrap();
    let half: Vec<f32> = read(&halved, "probe/task").iter().map(|g| 0.5 * g).collect();
    assert_eq!(read(&halved, "probe/total"), half);
}

/// Outputs come with the contexts, and those so far compete: the teacher speaks about those that it
/// was trained on.
#[test]
fn a_head_that_grows_grows_the_teacher_with_it() {
    let data = digits();
    let lwf = Lwf::default();
    for lwf in [lwf, Lwf { outputs: Outputs::Active, ..lwf }] {
        let (protocol, scenario, part) = (Protocol::Split, Scenario::Class, Part::Final);
        let spec = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part, pad: 0 };
        let stream = spec.build(&data).unwrap().with_active(ActiveClasses::SoFar);
        let settings =
            Settings { head: Head::Growing, ..Settings::new(10, 16, Box::new(Sgd::new(0.1))) };
        let network = Box::new(Mlp::new(&[64, 8, 10]).unwrap());
        let population: Vec<(u64, Box<dyn Stream>)> = vec![(2, Box::new(stream))];
        let mut learner = Learner::new(&lwf, &data, population, network, settings).unwrap();
        run(&mut learner, &mut ()).unwrap();
        let heads = learner.read("lwf/heads", 0).unwrap();
        let eight = [[1.0; 8].as_slice(), &[0.0; 2]].concat();
        assert_eq!(heads, eight.repeat(5), "{:?}", lwf.outputs);
        assert_eq!(learner.read("lwf/times", 0).unwrap(), [1.0, 1.0, 1.0, 1.0, 0.0]);
    }
}
