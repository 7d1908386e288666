//! A population that is trained in waves gives what it gives in one go, also where it is gone on with.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_core::Learner;
use continual::{
    Asked, Bench, Cell, CellCost, CheckpointEvery, Earlier, Error, Finished, Keep, Line,
    Population, Progress, Request, Strengths, Unfinished, Wave, Work,
};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Memories, importances, a sweep, and a baseline that keeps all data.
fn request(lanes: Option<usize>) -> Request {
    Request {
        strategy: some("er+ewc,joint"),
        scenario: some("class"),
        hidden: some("16"),
        contexts: Some(2),
        steps: Some(8),
        seeds: Some(3),
        threads: Some(1),
        set: vec!["ewc.lambda=10,1e3".to_owned(), "er.per_class=2".to_owned()],
        lanes,
        ..Request::default()
    }
}

fn bench(request: &Request) -> Bench {
    Bench::new(request, &Strengths::built_in().unwrap()).unwrap()
}

/// What decides nothing: for how long, and with how many others.
fn results(lines: &[Line]) -> Vec<Line> {
    let same = |line: &Line| Line { train_seconds: 0.0, members: 0, ..line.clone() };
    lines.iter().map(same).collect()
}

/// The networks of all runs by name, and the members of each wave.
#[derive(Default)]
struct Seen {
    networks: Vec<(String, Vec<u32>)>,
    waves: Vec<usize>,
}

impl Keep for Seen {
    fn trained(&mut self, names: &[String], learner: &Learner<'_>) -> Result<(), Error> {
        self.waves.push(learner.members());
        for (member, name) in names.iter().enumerate() {
            let values = learner.network_values(member)?;
            let bits = values.iter().flat_map(|it| &it.floats).map(|x| x.to_bits()).collect();
            self.networks.push((name.clone(), bits));
        }
        Ok(())
    }
}

/// Adds up the work that is told.
#[derive(Default)]
struct Told {
    macs: u64,
}

impl Progress for Told {
    fn advanced(&mut self, macs: u64) {
        self.macs += macs;
    }
}

fn run(request: &Request) -> (Finished, Seen, u64) {
    let bench = bench(request);
    let (mut seen, mut told) = (Seen::default(), Told::default());
    let finished = bench.run(&bench.costs().unwrap(), &mut told, &mut seen).unwrap();
    (finished, seen, told.macs)
}

#[test]
fn any_number_of_lanes_gives_the_same_results_and_networks() {
    let (all, whole, macs) = run(&request(None));
    // Two strengths of three seeds; the baseline has three seeds.
    assert_eq!(whole.waves, [6, 3]);
    assert_eq!(all.lines.len(), 9);
    for (lanes, waves) in
        [(1, vec![1; 9]), (2, vec![2, 2, 2, 2, 1]), (4, vec![4, 2, 3]), (99, vec![6, 3])]
    {
        let (finished, seen, told) = run(&request(Some(lanes)));
        assert_eq!(seen.waves, waves);
        assert_eq!(results(&finished.lines), results(&all.lines), "{lanes} lanes");
        assert!(seen.networks == whole.networks, "{lanes} lanes: other bits");
        assert_eq!(told, macs, "{lanes} lanes: the same work is told");
    }
}

#[test]
fn the_bytes_of_results_are_those_of_the_member_that_keeps_most_in_any_wave() {
    let (all, ..) = run(&request(None));
    let (one, ..) = run(&request(Some(1)));
    let bytes = |lines: &[Line]| lines.iter().map(|line| line.bytes_kept).collect::<Vec<_>>();
    assert_eq!(bytes(&one.lines), bytes(&all.lines));
    let costs = bench(&request(Some(2))).costs().unwrap();
    let lanes: Vec<(usize, usize)> = costs.iter().map(|cost| (cost.lanes, cost.members)).collect();
    assert_eq!(lanes, [(2, 6), (2, 3)]);
    assert_eq!(costs[0].costs.bytes_kept, all.lines[0].bytes_kept);
}

/// A learning rate at which every loss is infinite soon; with an importance of 0 it is not.
#[test]
fn a_value_that_diverges_in_a_later_wave_leaves_the_others_as_they_are() {
    let diverging = |lanes| Request {
        strategy: some("ewc"),
        set: vec!["ewc.lambda=1,1e38".to_owned()],
        optimizer: some("sgd"),
        lr: Some(0.1),
        lanes,
        ..request(None)
    };
    let (all, ..) = run(&diverging(None));
    assert_eq!((all.lines.len(), all.diverged.len()), (3, 1), "{:?}", all.diverged);
    for lanes in [1, 4] {
        let (waves, ..) = run(&diverging(Some(lanes)));
        assert_eq!(results(&waves.lines), results(&all.lines), "{lanes} lanes");
        assert_eq!(waves.diverged.len(), 1);
        assert_eq!(waves.diverged[0].strategy, all.diverged[0].strategy);
    }
}

/// Asks to stop once so much work is done.
struct Stopping {
    after: u64,
    stop: Arc<AtomicBool>,
}

impl Progress for Stopping {
    fn begin(&mut self, _: &Cell, _: &CellCost) {}

    fn advanced(&mut self, macs: u64) {
        self.after = self.after.saturating_sub(macs);
        if self.after == 0 {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names.retain(|name| name.starts_with("checkpoint"));
    names
}

/// Counts the waves that are trained further than they were when they were begun.
struct Counting<'a>(&'a mut Work, Vec<usize>);

impl Keep for Counting<'_> {
    fn known(&mut self, population: Population) -> Option<continual::Fate> {
        self.0.known(population)
    }

    fn begun(&mut self, population: Population, first: usize) -> Option<usize> {
        self.0.begun(population, first)
    }

    fn train(
        &mut self,
        wave: &Wave,
        learner: &mut Learner<'_>,
        observer: &mut dyn cl_core::Observer,
    ) -> Result<Vec<cl_core::Outcome>, Error> {
        self.1.push(wave.members.len());
        self.0.train(wave, learner, observer)
    }

    fn keep(&mut self, population: Population, fate: &continual::Fate) -> Result<(), Error> {
        self.0.keep(population, fate)
    }
}

#[test]
fn work_that_stops_in_a_later_wave_goes_on_in_the_same_waves_whatever_is_asked_for_then() {
    let (all, _, macs) = run(&request(None));
    let folder = tempfile::tempdir().unwrap();
    let asked = request(Some(2));
    let every: CheckpointEvery = "1steps".parse().unwrap();
    {
        let bench = bench(&asked);
        let asked = Asked::Request(asked.clone());
        let work = Work::begin(folder.path(), &asked, &bench, every, Earlier::Refuse).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let mut work = work.stopping(stop.clone());
        // The first population has 2 of 3 parts of the work: this is in its second wave.
        let mut stopping = Stopping { after: macs / 3, stop };
        let error = bench.run(&bench.costs().unwrap(), &mut stopping, &mut work).unwrap_err();
        assert!(error.is_interruption(), "{error}");
        work.leave(&error);
    }
    assert_eq!(
        names(folder.path()),
        ["checkpoint-1-members-1-2.safetensors", "checkpoint-1-members-3-4.safetensors"]
    );
    let unfinished = Unfinished::open(folder.path()).unwrap();
    assert_eq!(unfinished.asked(), &Asked::Request(asked));
    // As if another device took other numbers at once.
    let bench = bench(&request(Some(5)));
    let mut work = unfinished.work(&bench, every).unwrap();
    let mut told = Told::default();
    let mut counting = Counting(&mut work, Vec::new());
    let finished = bench.run(&bench.costs().unwrap(), &mut told, &mut counting).unwrap();
    assert_eq!(counting.1, [2, 2, 2, 3], "two waves as begun, and what is left of each population");
    assert_eq!(results(&finished.lines), results(&all.lines));
    assert_eq!(told.macs, macs, "what was done before is told too");
    work.finish(&finished.diverged).unwrap();
    assert_eq!(names(folder.path()), [""; 0]);
}
