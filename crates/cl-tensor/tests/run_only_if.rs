//! A member that idles: against a member that was never asked, and against the formula
//! `where(flag, new, old)`.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_tensor::{
    CpuSession, Error, Feeds, Graph, Host, Init, Outputs, Plan, ReferenceSession, Session, Values,
    Var,
};

const SLOTS: [&str; 4] = ["theta", "m", "trail", "count"];
const STEPS: u32 = 24;

fn seeded() -> Init {
    Init::seeded(|seed, values| {
        for (i, value) in values.iter_mut().enumerate() {
            *value = ((i as u64 * 37 + seed * 11) % 19) as f32 / 19.0 - 0.4;
        }
    })
}

/// How a program says that a member idles.
#[derive(Clone, Copy, PartialEq)]
enum Condition {
    Never,
    /// Every assign is a choice.
    Selected,
    Skipped,
}

/// Gradient descent with momentum whose losses are written into a ring by row: slots that are
/// written in place, by a commit and by row.
fn record(graph: &Graph, condition: Condition) {
    let flag = graph.input("flag", &[]);
    let x = graph.input("x", &[5, 12]);
    let row = graph.input_u32("row", &[1]);
    let theta = graph.slot("theta", &[12, 12], seeded());
    let m = graph.slot("m", &[12, 12], Init::Zeros);
    let trail = graph.slot("trail", &[7, 2], Init::Constant(-1.0));
    let count = graph.slot("count", &[], Init::Zeros);
    let loss = (x.matmul(theta).tanh() - x).square().mean();
    let m1 = m * 0.9 + graph.grad(loss, theta);
    let old = trail.gather(row);
    let entry = (loss * graph.full(&[1, 2], 1.0) + old * 0.5).reshape(&[1, 2]);
    let write = |name: &str, new: Var<'_>, old: Var<'_>| {
        let choice = condition == Condition::Selected;
        graph.assign(name, if choice { flag.select(new, old) } else { new });
    };
    write("m", m1, m);
    write("theta", theta - m1 * 0.3, theta);
    // Reads what it writes as a whole: the new value has to wait.
    write("count", count + theta.sum() * 1e-3 + 1.0, count);
    let kept = if condition == Condition::Selected { flag.select(entry, old) } else { entry };
    graph.assign_rows("trail", row, kept);
    graph.output("loss", loss);
    if condition == Condition::Skipped {
        graph.run_only_if(flag);
    }
}

/// A member that runs at some steps: at the n-th of these it has its n-th batch.
struct Member {
    seed: u64,
    runs: fn(u32) -> bool,
    /// Feeds 0 and nothing else at the steps where it idles.
    terse: bool,
    turn: u32,
    collected: Vec<(u32, f32)>,
}

impl Member {
    fn new(seed: u64, runs: fn(u32) -> bool, terse: bool) -> Self {
        Self { seed, runs, terse, turn: 0, collected: Vec::new() }
    }

    fn batch(&self, turn: u32) -> Vec<f32> {
        let number = |i: u64| (i * 13 + self.seed * 7 + u64::from(turn) * 29) % 23;
        (0..60).map(|i| number(i) as f32 / 23.0 - 0.5).collect()
    }
}

impl Host for Member {
    fn feed(&mut self, step: u32, feeds: &mut Feeds<'_>) -> Result<(), Error> {
        let runs = (self.runs)(step);
        feeds.f32("flag", &[if runs { 0.25 } else { 0.0 }])?;
        if runs || !self.terse {
            let noise = vec![f32::NAN; 60];
            feeds.f32("x", if runs { self.batch(self.turn) } else { noise }.as_slice())?;
            feeds.u32("row", &[self.turn % 7])?;
        }
        self.turn += u32::from(runs);
        Ok(())
    }
    fn collect(&mut self, step: u32, outputs: &Outputs<'_>) -> Result<(), Error> {
        self.collected.push((step, outputs.scalar("loss")?));
        Ok(())
    }
}

/// The slots of every member after `steps`, as bits, and what the hosts saw.
type Ends = Vec<(Vec<Vec<u32>>, Vec<(u32, f32)>)>;

fn run(condition: Condition, mut members: Vec<Member>, threads: usize, steps: u32) -> Ends {
    let graph = Graph::new();
    record(&graph, condition);
    let seeds: Vec<u64> = members.iter().map(|member| member.seed).collect();
    let mut session = CpuSession::new(&seeds, threads).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    let mut hosts: Vec<&mut dyn Host> = members.iter_mut().map(|m| m as &mut dyn Host).collect();
    session.run(plan, 0..steps, &mut hosts).unwrap();
    let bits = |slot: &str, member: usize| {
        session.read(slot, member).unwrap().iter().map(|x| x.to_bits()).collect()
    };
    let slots = |member: usize| SLOTS.iter().map(|slot| bits(slot, member)).collect();
    members.iter().enumerate().map(|(i, member)| (slots(i), member.collected.clone())).collect()
}

fn always(_: u32) -> bool {
    true
}

fn at_times(step: u32) -> bool {
    !(3..11).contains(&step) && step % 5 != 2
}

fn first_half(step: u32) -> bool {
    step < STEPS / 2
}

fn never(_: u32) -> bool {
    false
}

#[test]
fn a_population_in_which_members_idle_is_its_single_runs() {
    let patterns: [fn(u32) -> bool; 4] = [always, at_times, first_half, never];
    let member = |(seed, runs): (usize, &fn(u32) -> bool)| Member::new(seed as u64, *runs, true);
    let members = || patterns.iter().enumerate().map(member).collect();
    for threads in [1, 2, 5] {
        let population = run(Condition::Skipped, members(), threads, STEPS);
        for (i, end) in population.iter().enumerate() {
            let alone = vec![Member::new(i as u64, patterns[i], true)];
            assert_eq!(&run(Condition::Skipped, alone, 1, STEPS)[0], end, "member {i}");
        }
    }
}

#[test]
fn idle_steps_are_as_if_they_had_not_been() {
    let runs: Vec<u32> = (0..STEPS).filter(|&step| at_times(step)).collect();
    let (idle, plain) = (Member::new(1, at_times, true), Member::new(1, always, true));
    let idled = run(Condition::Skipped, vec![idle], 1, STEPS);
    let shorter = run(Condition::Never, vec![plain], 1, runs.len() as u32);
    assert_eq!(idled[0].0, shorter[0].0);
    // The host of a member that idles is not asked to look; what it sees otherwise is the same.
    let steps: Vec<u32> = idled[0].1.iter().map(|(step, _)| *step).collect();
    assert_eq!(steps, runs);
    let losses = |end: &Ends| end[0].1.iter().map(|(_, loss)| loss.to_bits()).collect::<Vec<_>>();
    assert_eq!(losses(&idled), losses(&shorter));
    assert!(runs.len() > 5 && runs.len() < STEPS as usize - 5);
}

#[test]
fn skipping_gives_the_bits_of_choosing_in_every_assign() {
    let members = || vec![Member::new(0, at_times, false), Member::new(1, first_half, false)];
    let skipped = run(Condition::Skipped, members(), 1, STEPS);
    let selected = run(Condition::Selected, members(), 1, STEPS);
    for (skipped, selected) in skipped.iter().zip(&selected) {
        assert_eq!(skipped.0, selected.0);
    }
}

#[test]
fn the_reference_assigns_only_where_the_flag_is_not_0() {
    let graph = Graph::new();
    record(&graph, Condition::Skipped);
    let mut exact = ReferenceSession::new(1);
    let member = Member::new(1, always, false);
    let mut step = |flag: f64, turn: u32| {
        let feeds = [
            ("flag", Values::new(&[], vec![flag])),
            ("x", Values::from_f32(&[5, 12], &member.batch(turn))),
            ("row", Values::new(&[1], vec![f64::from(turn % 7)])),
        ];
        exact.run(&graph, &feeds).unwrap();
        SLOTS.map(|slot| exact.slot(slot).unwrap().data.clone())
    };
    let mut before = step(0.25, 0);
    for turn in 1..9 {
        assert_eq!(step(0.0, turn + 3), before);
        let after = step(-1.0, turn);
        assert!(after.iter().zip(&before).all(|(after, before)| after != before));
        before = after;
    }
    let cpu = run(Condition::Skipped, vec![Member::new(1, always, false)], 1, 9);
    for (bits, exact) in cpu[0].0.iter().zip(&before) {
        for (&bits, exact) in bits.iter().zip(exact) {
            assert!((f64::from(f32::from_bits(bits)) - exact).abs() < 1e-5);
        }
    }
}

#[test]
fn the_flag_itself_and_what_a_running_member_needs_have_to_be_fed() {
    struct Feeder(&'static [&'static str]);
    impl Host for Feeder {
        fn feed(&mut self, _: u32, feeds: &mut Feeds<'_>) -> Result<(), Error> {
            self.0.iter().try_for_each(|name| match *name {
                "row" => feeds.u32("row", &[0]),
                "x" => feeds.f32("x", &[0.0; 60]),
                name => feeds.f32(name, &[1.0]),
            })
        }
    }
    let graph = Graph::new();
    record(&graph, Condition::Skipped);
    let mut session = CpuSession::new(&[0], 1).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    let mut missing = |fed: &'static [&'static str]| {
        session.run(plan, 0..1, &mut [&mut Feeder(fed)]).unwrap_err().to_string()
    };
    assert!(missing(&["x", "row"]).contains("input `flag` was not fed at step 0"));
    assert!(missing(&["flag", "row"]).contains("input `x` was not fed at step 0"));
}

#[test]
fn a_flag_that_nothing_else_reads_is_looked_at() {
    struct Off;
    impl Host for Off {
        fn feed(&mut self, _: u32, feeds: &mut Feeds<'_>) -> Result<(), Error> {
            feeds.f32("live", &[0.0])
        }
    }
    let graph = Graph::new();
    let a = graph.slot("a", &[3], Init::Constant(1.0));
    graph.assign("a", a + 1.0);
    graph.run_only_if(graph.input("live", &[]));
    let mut session = CpuSession::new(&[0], 1).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    session.run(plan, 0..3, &mut [&mut Off]).unwrap();
    assert_eq!(session.read("a", 0).unwrap(), [1.0; 3]);
}

#[test]
fn the_flag_is_one_scalar_float_input() {
    let refused = |record: &dyn Fn(&Graph)| {
        let graph = Graph::new();
        record(&graph);
        Plan::compile(&graph).unwrap_err().to_string()
    };
    let expected = "expected a scalar float input of this graph";
    let line = line!() + 1;
    let error = refused(&|g| g.run_only_if(g.input("flag", &[1])));
    assert!(error.contains(&format!("run_only_if.rs:{line}: run_only_if: the flag is")), "{error}");
    assert!(error.contains("f32[1]") && error.contains(expected), "{error}");
    assert!(refused(&|g| g.run_only_if(g.input_u32("flag", &[]))).contains(expected));
    assert!(refused(&|g| g.run_only_if(g.slot("flag", &[], Init::Zeros))).contains(expected));
    assert!(refused(&|g| g.run_only_if(g.input("flag", &[]) * 2.0)).contains(expected));
    let other = Graph::new();
    let foreign = other.input("flag", &[]);
    assert!(refused(&|g| g.run_only_if(foreign)).contains("belongs to another graph"));
    let first = line!() + 1;
    let once = |g: &Graph| g.run_only_if(g.input("flag", &[]));
    let error = refused(&|g| {
        once(g);
        once(g);
    });
    let text = "run_only_if: a second flag for one run, the first at";
    assert!(error.contains(text) && error.ends_with(&format!("run_only_if.rs:{first}")), "{error}");
}
