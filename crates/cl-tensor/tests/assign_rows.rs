//! Rows of a slot written by index: against a slow loop, and what may stand where.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_tensor::{
    CpuSession, Error, Feeds, Graph, Host, Init, Outputs, Plan, ReferenceSession, Scope, Session,
    Values, Var,
};
use proptest::prelude::*;

/// Feeds one index and one table of rows per step and keeps the output `seen`, if there is one.
struct Writer {
    index: Vec<Vec<u32>>,
    rows: Vec<Vec<f32>>,
    seen: Vec<Vec<f32>>,
}

impl Writer {
    fn new(index: Vec<Vec<u32>>, rows: Vec<Vec<f32>>) -> Self {
        Self { index, rows, seen: Vec::new() }
    }
}

impl Host for Writer {
    fn feed(&mut self, step: u32, feeds: &mut Feeds<'_>) -> Result<(), Error> {
        feeds.u32("index", &self.index[step as usize])?;
        feeds.f32("rows", &self.rows[step as usize])
    }
    fn collect(&mut self, _: u32, outputs: &Outputs<'_>) -> Result<(), Error> {
        self.seen.push(outputs.f32("seen").map(<[f32]>::to_vec).unwrap_or_default());
        Ok(())
    }
}

/// Slot `s` after one run of a graph without inputs, on the CPU and in f64.
fn after_one_run(graph: &Graph, slot: &str) -> Vec<f32> {
    let mut session = CpuSession::new(&[0], 1).unwrap();
    let plan = session.load(Plan::compile(graph).unwrap()).unwrap();
    session.run_once(plan).unwrap();
    let found = session.read(slot, 0).unwrap();
    let mut exact = ReferenceSession::new(0);
    exact.run(graph, &[]).unwrap();
    let exact: Vec<f32> = exact.slot(slot).unwrap().data.iter().map(|&x| x as f32).collect();
    assert_eq!(found, exact, "the CPU and the reference");
    found
}

fn counted(n: usize) -> Init {
    Init::Values((0..n).map(|i| i as f32).collect())
}

fn index<'g>(graph: &'g Graph, values: &[u32]) -> Var<'g> {
    graph.slot_u32("index", &[values.len()], Init::Indices(values.into()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn rows_go_where_a_slow_loop_puts_them(
        n in 1_usize..7,
        width in 0_usize..4,
        steps in prop::collection::vec(prop::collection::vec(0_u32..9, 5), 1..4),
    ) {
        // 8 stands for the index that nothing has.
        let steps: Vec<Vec<u32>> = steps
            .into_iter()
            .map(|step| step.into_iter().map(|i| if i == 8 { u32::MAX } else { i }).collect())
            .collect();
        let rows: Vec<Vec<f32>> = (0..steps.len())
            .map(|s| (0..5 * width).map(|i| (100 * s + i) as f32).collect())
            .collect();
        let graph = Graph::new();
        let slot = graph.slot("s", &[n, width], Init::Constant(-1.0));
        let (by, new) = (graph.input_u32("index", &[5]), graph.input("rows", &[5, width]));
        graph.assign_rows("s", by, new * 2.0 + 1.0);
        graph.output("seen", slot);
        let mut session = CpuSession::new(&[0], 1).unwrap();
        let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
        let mut writer = Writer::new(steps.clone(), rows.clone());
        session.run(plan, 0..steps.len() as u32, &mut [&mut writer]).unwrap();
        let mut exact = ReferenceSession::new(0);
        let mut expected = vec![vec![-1.0_f32; width]; n];
        for (s, (by, new)) in steps.iter().zip(&rows).enumerate() {
            prop_assert_eq!(&writer.seen[s], &expected.concat(), "reads see the old slot");
            let feeds = [
                ("index", Values::new(&[5], by.iter().map(|&i| f64::from(i)).collect())),
                ("rows", Values::from_f32(&[5, width], new)),
            ];
            exact.run(&graph, &feeds).unwrap();
            for (r, &to) in by.iter().enumerate() {
                for column in 0..width {
                    if let Some(row) = expected.get_mut(to as usize) {
                        row[column] = 2.0 * new[r * width + column] + 1.0;
                    }
                }
            }
        }
        prop_assert_eq!(session.read("s", 0).unwrap(), expected.concat());
        let exact: Vec<f32> = exact.slot("s").unwrap().data.iter().map(|&x| x as f32).collect();
        prop_assert_eq!(exact, expected.concat());
    }
}

#[test]
fn rows_of_a_slot_trade_places_with_each_other() {
    let graph = Graph::new();
    let s = graph.slot("s", &[3, 2], counted(6));
    graph.assign_rows("s", index(&graph, &[2, 0, 1]), s);
    assert_eq!(after_one_run(&graph, "s"), [2.0, 3.0, 4.0, 5.0, 0.0, 1.0]);
}

#[test]
fn a_flat_slot_takes_stretches_of_the_width_of_the_rows() {
    let graph = Graph::new();
    let s = graph.slot("s", &[6], counted(6));
    let rows = s.reshape(&[3, 2]).gather(index(&graph, &[2, 0])) * 10.0;
    // The second stretch by the first row; 3 is out of range.
    let to = graph.slot_u32("to", &[2], Init::Indices([1, 3].into()));
    graph.assign_rows("s", to, rows);
    assert_eq!(after_one_run(&graph, "s"), [0.0, 1.0, 40.0, 50.0, 4.0, 5.0]);
    let error = refused(|g| {
        g.slot("flat", &[6], Init::Zeros);
        g.assign_rows("flat", g.iota(2), g.input("rows", &[2, 4]));
    });
    assert!(error.contains("slot `flat` is f32[6], rows f32[2, 4]"), "{error}");
    assert!(error.contains("or a slot [n * w] and rows [r, w]"), "{error}");
}

#[test]
fn rows_from_a_slot_that_is_written_in_the_same_run_are_the_old_ones() {
    let graph = Graph::new();
    let s = graph.slot("s", &[3, 2], Init::Zeros);
    let other = graph.slot("other", &[2, 2], counted(4));
    let by = index(&graph, &[2, 0]);
    graph.assign("other", other * 10.0 + s.sum());
    graph.assign_rows("s", by, other);
    let next = graph.slot_u32("next", &[2], Init::Indices([0, 0].into()));
    graph.assign_rows("index", next, next);
    assert_eq!(after_one_run(&graph, "s"), [2.0, 3.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(after_one_run(&graph, "other"), [0.0, 10.0, 20.0, 30.0]);
    assert_eq!(after_one_run(&graph, "index")[0].to_bits(), 0);
}

#[test]
fn a_value_may_go_to_a_whole_slot_and_to_rows_of_another() {
    let graph = Graph::new();
    let s = graph.slot("s", &[3, 2], Init::Constant(9.0));
    let moment = graph.slot("moment", &[2, 2], counted(4));
    let value = moment * 0.5 + 1.0;
    graph.assign("moment", value);
    graph.assign_rows("s", index(&graph, &[7, 1]), value);
    graph.output("sum", s.sum() + value.sum());
    assert_eq!(after_one_run(&graph, "s"), [9.0, 9.0, 2.0, 2.5, 9.0, 9.0]);
    assert_eq!(after_one_run(&graph, "moment"), [1.0, 1.5, 2.0, 2.5]);
}

#[test]
fn views_and_constants_can_be_rows() {
    let graph = Graph::new();
    let x = graph.slot("x", &[2, 3], counted(6));
    let by = index(&graph, &[3, 0]);
    for (name, width) in [("turned", 2), ("part", 2), ("filled", 2), ("piece", 2)] {
        graph.slot(name, &[4, width], Init::Constant(-1.0));
    }
    graph.assign_rows("turned", by, (x + 1.0).t().slice(0, 1..3));
    graph.assign_rows("part", by, (x * 2.0).slice(1, 1..3));
    graph.assign_rows("filled", by, graph.full(&[2, 2], 7.0));
    graph.assign_rows("piece", by, (x - 1.0).reshape(&[3, 2]).slice(0, 1..3));
    let rest = [-1.0; 4];
    let expected = |last: [f32; 2], first: [f32; 2]| [&last[..], &rest, &first].concat();
    assert_eq!(after_one_run(&graph, "turned"), expected([3.0, 6.0], [2.0, 5.0]));
    assert_eq!(after_one_run(&graph, "part"), expected([8.0, 10.0], [2.0, 4.0]));
    assert_eq!(after_one_run(&graph, "filled"), expected([7.0, 7.0], [7.0, 7.0]));
    assert_eq!(after_one_run(&graph, "piece"), expected([3.0, 4.0], [1.0, 2.0]));
}

#[test]
fn temporaries_do_not_take_the_place_of_rows() {
    // Index and rows are ready first; a chain of kernels that cannot share a pass comes behind.
    let graph = Graph::new();
    let x = graph.slot("x", &[16, 16], Init::Constant(0.25));
    graph.slot("s", &[20, 16], Init::Zeros);
    let rows = x.matmul(x);
    graph.assign_rows("s", graph.iota(16), rows);
    let deep = (0..6).fold(x + 1.0, |h, _| (h.matmul(x) * 0.125).softmax());
    graph.output("deep", deep.sum());
    let s = after_one_run(&graph, "s");
    assert!(s[..256].iter().all(|&value| value == 1.0) && s[256..].iter().all(|&v| v == 0.0));
}

#[test]
fn a_list_of_indices_takes_numbers() {
    let graph = Graph::new();
    let count = graph.slot_u32("count", &[4], Init::Indices([1, 2, 3, u32::MAX].into()));
    let scope = Scope::new(&graph, "memory");
    scope.kept("labels", &[3], Init::Zeros);
    let by = index(&graph, &[0, 1]);
    scope.assign_rows("labels", by, count.slice(0, 1..3).to_float());
    graph.assign_rows("count", by, count.slice(0, 2..4));
    let bits: Vec<u32> = after_one_run_bits(&graph, "count");
    assert_eq!(bits, [3, u32::MAX, 3, u32::MAX]);
    assert_eq!(after_one_run(&graph, "memory/labels"), [2.0, 3.0, 0.0]);
}

fn after_one_run_bits(graph: &Graph, slot: &str) -> Vec<u32> {
    let mut session = CpuSession::new(&[0], 1).unwrap();
    let plan = session.load(Plan::compile(graph).unwrap()).unwrap();
    session.run_once(plan).unwrap();
    session.read(slot, 0).unwrap().iter().map(|x| x.to_bits()).collect()
}

#[test]
fn a_run_costs_its_rows_whatever_the_size_of_the_slot() {
    let plan = |n: usize| {
        let graph = Graph::new();
        graph.slot("s", &[n, 8], Init::Zeros);
        let (by, rows) = (graph.input_u32("index", &[4]), graph.input("rows", &[4, 8]));
        graph.assign_rows("s", by, rows);
        Plan::compile(&graph).unwrap()
    };
    let (small, large) = (plan(10), plan(100_000));
    // What is fed is written straight from where it was fed: 4 indices, 4 rows read and written.
    assert_eq!((large.cost().kernels, large.cost().bytes), (0, 4 * (4 + 2 * 4 * 8)));
    assert_eq!(small.cost(), large.cost());
    assert_eq!(small.arena_bytes(), large.arena_bytes());
    assert_eq!(large.slot_traffic()["s"], (0, 1));
}

#[test]
fn members_write_their_own_rows_on_any_number_of_threads() {
    let run = |seeds: &[u64], threads: usize| -> Vec<Vec<f32>> {
        let graph = Graph::new();
        let s = graph.slot("s", &[6, 3], Init::seeded(|seed, s| s.fill(seed as f32)));
        let (by, rows) = (graph.input_u32("index", &[2]), graph.input("rows", &[2, 3]));
        graph.assign_rows("s", by, rows + s.gather(by) + s.sum());
        let mut session = CpuSession::new(seeds, threads).unwrap();
        let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
        let host = |seed: &u64| {
            let index = |s: u32| vec![(s + *seed as u32) % 7, (s * 2 + 1) % 7];
            Writer::new((0..20).map(index).collect(), vec![vec![0.125; 6]; 20])
        };
        let mut writers: Vec<Writer> = seeds.iter().map(host).collect();
        let mut hosts: Vec<&mut dyn Host> =
            writers.iter_mut().map(|writer| writer as &mut dyn Host).collect();
        session.run(plan, 0..20, &mut hosts).unwrap();
        (0..seeds.len()).map(|member| session.read("s", member).unwrap()).collect()
    };
    let population = run(&[3, 4, 5], 2);
    for (member, seed) in [3, 4, 5].into_iter().enumerate() {
        assert_eq!(run(&[seed], 1)[0], population[member]);
    }
    assert_ne!(population[0], population[1]);
}

/// The first error of a graph in which a method does this.
fn refused(record: impl FnOnce(&Graph)) -> String {
    let graph = Graph::new();
    graph.slot("s", &[5, 2], Init::Zeros);
    record(&graph);
    Plan::compile(&graph).unwrap_err().to_string()
}

#[test]
fn a_misfit_names_the_line_and_what_was_expected() {
    let expected = "expected a slot [n, ..], rows [r, ..] of its type and u32[r]";
    let misfit = |by: &[usize], rows: &[usize]| {
        refused(|g| g.assign_rows("s", g.input_u32("by", by), g.input("rows", rows)))
    };
    let line = line!() + 1;
    let error = refused(|g| g.assign_rows("s", g.iota(3), g.input("rows", &[4, 2])));
    let place = format!("assign_rows.rs:{line}: assign_rows: ");
    assert!(error.contains(&place), "{error}");
    assert!(error.contains("slot `s` is f32[5, 2], rows f32[4, 2] by u32[3]"), "{error}");
    assert!(error.contains(expected), "{error}");
    for (by, rows) in [(&[3][..], &[3, 3][..]), (&[3], &[3]), (&[3, 1], &[3, 2]), (&[], &[2])] {
        assert!(misfit(by, rows).contains(expected), "{by:?} {rows:?}");
    }
    let floats = refused(|g| g.assign_rows("s", g.input("by", &[3]), g.input("rows", &[3, 2])));
    assert!(floats.contains("by f32[3]"), "{floats}");
    let indices = refused(|g| g.assign_rows("s", g.iota(3), g.input_u32("rows", &[3, 2])));
    assert!(indices.contains("rows u32[3, 2]"), "{indices}");
    let scalar = refused(|g| {
        g.slot("scalar", &[], Init::Zeros);
        g.assign_rows("scalar", g.iota(1), g.input("rows", &[1]));
    });
    assert!(scalar.contains("slot `scalar` is f32[]"), "{scalar}");
    let unknown = refused(|g| g.assign_rows("t", g.iota(1), g.input("rows", &[1, 2])));
    assert!(unknown.contains("assign_rows: slot `t` is not declared"), "{unknown}");
    let other = Graph::new();
    let foreign = refused(|g| g.assign_rows("s", other.iota(3), g.input("rows", &[3, 2])));
    assert!(foreign.contains("belongs to another graph"), "{foreign}");
}

#[test]
fn a_slot_is_assigned_once_whole_or_by_row() {
    let rows = |g: &Graph| g.assign_rows("s", g.iota(3), g.input("rows", &[3, 2]));
    let whole = |g: &Graph| g.assign("s", g.input("whole", &[5, 2]));
    let (rows_at, whole_at) = (line!() - 2, line!() - 1);
    type Write<'a> = (&'a dyn Fn(&Graph), u32);
    let (rows, whole): (Write<'_>, Write<'_>) = ((&rows, rows_at), (&whole, whole_at));
    for ((first, first_at), (second, second_at)) in
        [(rows, rows), (rows, whole), (whole, rows), (whole, whole)]
    {
        let error = refused(|g| {
            first(g);
            second(g);
        });
        assert!(error.contains("slot `s` is assigned twice in one run, first at"), "{error}");
        assert!(error.contains(&format!("assign_rows.rs:{second_at}: ")), "{error}");
        assert!(error.ends_with(&format!("assign_rows.rs:{first_at}")), "{error}");
    }
}

#[test]
fn a_trace_shows_the_rows_that_will_be_written() {
    let graph = Graph::new();
    let s = graph.slot("s", &[3, 2], counted(6));
    graph.assign_rows("s", graph.input_u32("index", &[1]), s.sum_axis(0).reshape(&[1, 2]) + 0.5);
    graph.input("rows", &[1]);
    let mut session = CpuSession::new(&[0], 1).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    let mut writer = Writer::new(vec![vec![2]], vec![vec![0.0]]);
    let text = session.trace(plan, 0, &mut writer).unwrap();
    assert!(text.contains("[6.500000, 9.500000]") && text.contains("[2.000000]"), "{text}");
    assert_eq!(session.read("s", 0).unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
}

/// A program that only looks: it puts out what it would write, and writes nothing.
#[test]
fn dropped_assigns_write_nothing_and_outputs_stay() {
    let graph = Graph::new();
    let (whole, rows) = (graph.slot("whole", &[2], Init::Zeros), [2, 1]);
    graph.slot("rows", &rows, Init::Zeros);
    let next = whole + 1.0;
    graph.output("next", next);
    graph.assign("whole", next);
    graph.assign_rows("rows", graph.iota(2), next.column());
    graph.drop_assigns();
    let plan = Plan::compile(&graph).unwrap();
    assert_eq!(plan.outputs(), ["next"]);
    let mut session = CpuSession::new(&[0], 1).unwrap();
    let plan = session.load(plan).unwrap();
    session.run_once(plan).unwrap();
    assert_eq!(session.read("whole", 0).unwrap(), [0.0; 2]);
    assert_eq!(session.read("rows", 0).unwrap(), [0.0; 2]);
}
