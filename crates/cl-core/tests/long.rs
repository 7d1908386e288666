//! Long streams: some contexts are evaluated, after some stages, and nothing that is kept grows.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use cl_core::{
    Error, Evaluation, Learner, Mix, Observer, Outcome, Parts, Penalty, Settings, Step, Strategy,
    run,
};
use cl_nn::{Mlp, Sgd};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamKind, StreamSpec, digits};
use cl_tensor::Var;

/// Weight decay: a penalty, so that pulls are measured.
struct Decay;

impl Penalty for Decay {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        step.scope.hyper("strength", 1e-3) * step.theta.square().sum()
    }
}

impl Strategy for Decay {
    fn name(&self) -> String {
        "decay".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self);
    }
}

fn learner<'s>(
    strategy: &'s dyn Strategy,
    (contexts, kind): (usize, StreamKind),
    evaluation: Evaluation,
) -> Learner<'s> {
    let spec = |seed| StreamSpec {
        protocol: Protocol::Permuted,
        scenario: Scenario::Domain,
        contexts,
        seed,
        part: Part::Final,
        pad: 0,
    };
    let stream = |seed| Box::new(spec(seed).build(&digits()).unwrap().of_kind(kind));
    let population: Vec<(u64, Box<dyn Stream>)> =
        [2, 5].map(|seed| (seed, stream(seed) as Box<dyn Stream>)).into();
    let network = Mlp::new(&[64, 4, population[0].1.outputs()]).unwrap();
    let settings = Settings::new(2, 8, Box::new(Sgd::new(0.1)));
    let settings = Settings { evaluation, mix: Mix::Fixed(0.5), ..settings };
    Learner::new(strategy, &digits(), population, Box::new(network), settings).unwrap()
}

/// Stops once.
struct StopAt(usize);

impl Observer for StopAt {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        let progress = learner.progress();
        if progress.stage == self.0 && progress.step == 1 {
            return Err(Error::Interrupted { context: progress.stage + 1, step: progress.step });
        }
        Ok(())
    }

    fn interval(&self) -> u32 {
        1
    }
}

/// R, b, and number of pulls.
type Measured = (Vec<Vec<f64>>, Option<Vec<f64>>, usize);

fn matrices(outcomes: Vec<Outcome>) -> Vec<Measured> {
    let of = |it: Outcome| {
        (it.accuracy.rows().to_vec(), it.accuracy.before().map(<[f64]>::to_vec), it.pulls.len())
    };
    outcomes.into_iter().map(of).collect()
}

/// What is evaluated changes no bit of what is trained: every number of a sparse matrix is that of the full
/// one at its place.
#[test]
fn a_sparse_matrix_is_a_part_of_the_full_one() {
    for kind in [StreamKind::Sharp, StreamKind::OnePass, StreamKind::Random] {
        let of = |every, tracked| {
            let mut learner =
                learner(&Decay, (11, kind), Evaluation { every, tracked, ..Evaluation::default() });
            run(&mut learner, &mut ()).unwrap()
        };
        for (full, sparse) in of(1, 11).iter().zip(of(4, 3)) {
            let (full, sparse_of) = (&full.accuracy, &sparse.accuracy);
            assert_eq!((full.tracked(), full.rows().len()), (None, 11));
            // ⌈11 / 3⌉ = 4, ⌈22 / 3⌉ = 8 and 11; after 4, 8 and 11.
            let (columns, after) = ([3, 7, 10], [3, 7, 10]);
            assert_eq!(sparse_of.tracked(), Some(&columns[..]));
            assert_eq!(sparse_of.evaluated_after(), Some(&after[..]));
            let part = |row: &[f64]| columns.map(|context| row[context]).to_vec();
            let expected: Vec<Vec<f64>> =
                after.iter().map(|&stage| part(&full.rows()[stage])).collect();
            assert_eq!(sparse_of.rows(), expected, "{kind}");
            assert_eq!(sparse_of.before().unwrap(), part(full.before().unwrap()), "{kind}");
            assert_eq!(sparse.pulls.len(), 3, "one for each row");
            assert_eq!(sparse.pulls.iter().flatten().count(), 3, "{kind}");
        }
    }
}

#[test]
fn a_sparse_run_that_is_restored_between_two_evaluations_gives_the_same_bits() {
    let evaluation = Evaluation { every: 4, tracked: 3, ..Evaluation::default() };
    let begin = || learner(&Decay, (11, StreamKind::Sharp), evaluation);
    let whole = matrices(run(&mut begin(), &mut ()).unwrap());
    for stage in [2, 4, 9] {
        let mut stopped = begin();
        run(&mut stopped, &mut StopAt(stage)).unwrap_err();
        let saved = stopped.save().unwrap();
        let mut resumed = begin();
        resumed.restore(&saved).unwrap();
        assert_eq!(matrices(run(&mut resumed, &mut ()).unwrap()), whole, "{stage}");
        let other = Evaluation { every: 3, tracked: 3, ..Evaluation::default() };
        let error = learner(&Decay, (11, StreamKind::Sharp), other).restore(&saved).unwrap_err();
        assert!(error.to_string().contains("evaluation.every is 4, this run is 3"), "{error}");
    }
}

/// Numbers that a run keeps about accuracies and pulls, and bytes of its checkpoint.
fn kept(learner: &Learner<'_>) -> (usize, usize) {
    let progress = learner.progress();
    let numbers = progress.rows.iter().flatten().map(Vec::len).sum::<usize>()
        + progress.pulls.iter().map(Vec::len).sum::<usize>();
    let file = tempfile::NamedTempFile::new().unwrap();
    learner.save().unwrap().save(file.path()).unwrap();
    (numbers, std::fs::metadata(file.path()).unwrap().len() as usize)
}

/// 300 contexts: what is kept at the end is what is kept after 40, but for the rows of R.
#[test]
fn what_a_long_stream_keeps_does_not_grow_with_it() {
    for kind in [StreamKind::Sharp, StreamKind::OnePass, StreamKind::Fuzzy { fuzziness: 1 }] {
        let evaluation = Evaluation { every: 50, ..Evaluation::default() };
        let mut learner = learner(&Decay, (300, kind), evaluation);
        run(&mut learner, &mut StopAt(40)).unwrap_err();
        let (numbers, early) = kept(&learner);
        assert_eq!(numbers, 0, "no evaluation yet");
        run(&mut learner, &mut StopAt(299)).unwrap_err();
        let (numbers, late) = kept(&learner);
        let (members, rows) = (2, 5);
        assert_eq!(numbers, members * rows * (Evaluation::TRACKED + 1), "{kind}");
        // A fraction in JSON has at most 22 characters, a pull two numbers with their names. Of a fuzzy
        // stream passes over every context go on from its first row to the end.
        let passes = if kind.is_mixed() { members * 300 * 60 } else { 0 };
        let most = members * rows * (Evaluation::TRACKED * 22 + 80) + passes + 1_000;
        assert!(late - early <= most, "{kind}: {early} bytes, then {late}");
        let outcomes = run(&mut learner, &mut ()).unwrap();
        assert_eq!(outcomes[0].accuracy.rows().len(), 6);
        assert_eq!(outcomes[0].accuracy.columns(), 50);
    }
}
