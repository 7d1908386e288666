//! Synaptic intelligence without boundaries: its importance is updated every so many steps.
#![allow(clippy::unwrap_used)]

use cl_core::{Error, Learner, Mix, Observer, Settings, Strategy, run};
use cl_nn::{Adam, Mlp};
use cl_regularize::{Ewc, Lwf, OnlineEwc, Si};
use cl_scenarios::{ContextStream, Part, Protocol, Scenario, Stream, StreamSpec, digits};

const STEPS: u32 = 12;

fn stream() -> ContextStream {
    let (protocol, scenario, part) = (Protocol::Split, Scenario::Class, Part::Final);
    let spec = StreamSpec { protocol, scenario, contexts: 2, seed: 2, part, pad: 0 };
    spec.build(&digits()).unwrap()
}

fn learner<'s>(
    strategy: &'s dyn Strategy,
    stream: ContextStream,
    consolidate_every: Option<u32>,
) -> Result<Learner<'s>, Error> {
    let settings = Settings {
        mix: Mix::Fixed(0.5),
        consolidate_every,
        ..Settings::new(STEPS, 16, Box::new(Adam::new(1e-2)))
    };
    let network = Box::new(Mlp::new(&[64, 12, stream.outputs()]).unwrap());
    Learner::new(strategy, &digits(), vec![(2, Box::new(stream))], network, settings)
}

/// Parameters, anchor, path integral and importance after so many steps.
fn after(steps: usize, learner: Learner<'_>) -> [Vec<f32>; 4] {
    read_after(steps, learner, ["theta", "si/anchor", "si/path", "si/omega"])
}

/// Slots of the run after so many steps.
fn read_after<const N: usize>(
    steps: usize,
    mut learner: Learner<'_>,
    slots: [&str; N],
) -> [Vec<f32>; N] {
    struct Stop(usize);
    impl Observer for Stop {
        fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
            let at = learner.progress();
            let taken = at.stage * STEPS as usize + at.step as usize;
            if taken < self.0 { Ok(()) } else { Err(Error::Interrupted { context: 0, step: 0 }) }
        }
        fn interval(&self) -> u32 {
            1
        }
    }
    assert!(run(&mut learner, &mut Stop(steps)).is_err());
    slots.map(|slot| learner.read(slot, 0).unwrap())
}

/// Ω = max(0, W / ((θ − θ*)² + ξ)) after the first tick, with W and θ of a run whose clock has not
/// ticked yet: until then the penalty is 0, so both take the same steps.
#[test]
fn omega_after_n_steps_is_the_path_integral_of_those_steps_over_the_way() {
    for free in [stream().fuzzy(4), stream().random(), stream().one_pass()] {
        let si = Si { c: 10.0, xi: 0.01, ..Si::default() };
        let [theta, start, path, none] = after(7, learner(&si, free.clone(), Some(500)).unwrap());
        let [same, anchor, rest, omega] = after(7, learner(&si, free.clone(), Some(7)).unwrap());
        assert!(none.iter().all(|&value| value == 0.0) && rest.iter().all(|&value| value == 0.0));
        assert!(theta == same && anchor == theta && start != theta);
        let mut important = 0;
        for (((&w, &theta), &start), &omega) in path.iter().zip(&theta).zip(&start).zip(&omega) {
            let (w, way) = (f64::from(w), f64::from(theta) - f64::from(start));
            let expected = (w / (way * way + 0.01)).max(0.0);
            assert!((f64::from(omega) - expected).abs() <= 1e-5 * expected + 1e-9);
            important += usize::from(expected > 1e-3);
        }
        assert!(important > 50, "{important} parameters are important");
        // Of the next 7 steps it is the second increment; in between it stays.
        let [.., stays] = after(13, learner(&si, free.clone(), Some(7)).unwrap());
        let [.., second] = after(14, learner(&si, free, Some(7)).unwrap());
        assert!(stays == omega && second != omega);
    }
}

/// Sharp and one-pass streams show the same rows until a pass ends; so the first tick of a clock as long
/// as a context gives the bits of the first boundary.
#[test]
fn a_clock_as_long_as_a_context_gives_what_boundaries_give() {
    let si = Si { c: 10.0, ..Si::default() };
    let clocked = stream().one_pass();
    let whole = |c: usize| clocked.train(c).len() / 16 >= STEPS as usize;
    assert!(whole(0) && whole(1));
    let first = after(STEPS as usize, learner(&si, clocked, Some(STEPS)).unwrap());
    let at_boundary = after(STEPS as usize, learner(&si, stream(), None).unwrap());
    // Told, a run is interrupted before the boundary; one step later its Ω and θ* are there.
    let behind = after(STEPS as usize + 1, learner(&si, stream(), None).unwrap());
    assert!(at_boundary[0] == first[0], "the same steps up to the boundary");
    assert!(behind[1] == first[1] && behind[3] == first[3], "anchor and importance");
}

/// The teacher is θ at the last tick and stays in between; labels count from the first tick on.
#[test]
fn a_teacher_is_frozen_at_every_tick() {
    let lwf = Lwf::vdv_task_free();
    for free in [stream().fuzzy(4), stream().random(), stream().one_pass()] {
        let run = |steps, every| {
            let learner = learner(&lwf, free.clone(), Some(every)).unwrap();
            read_after(steps, learner, ["theta", "lwf/teacher"])
        };
        let ([at_tick, teacher], [later, stays]) = (run(7, 7), run(10, 7));
        assert!(teacher == at_tick && stays == teacher && later != teacher);
        let [without, _] = run(10, 500);
        assert!(run(7, 500)[0] == at_tick && without != later);
    }
}

#[test]
fn who_needs_true_boundaries_is_refused_where_a_clock_ticks() {
    let (ewc, online) = (Ewc::default(), OnlineEwc::default());
    let (each, by_context) =
        (Lwf::vdv(Scenario::Domain), Lwf { mix: Mix::ByContext, ..Lwf::default() });
    let all: [(&dyn Strategy, &str); 4] =
        [(&ewc, "ewc"), (&online, "ewc-online"), (&each, "lwf"), (&by_context, "lwf")];
    for (method, name) in all {
        let error = learner(method, stream().random(), Some(5)).err().unwrap().to_string();
        let expected = format!(
            "{name} needs to be told when a context ends; a class-incremental stream of kind `random` \
             does not show it"
        );
        assert_eq!(error, expected);
    }
    let error = learner(&Si::default(), stream().random(), None).err().unwrap().to_string();
    assert!(error.starts_with("si needs moments at which to consolidate"), "{error}");
}
