//! An experiment's file that names the adapter.

use crate::gpu;
use cl_tensor::Device;
use continual::{
    Asked, CheckpointEvery, Earlier, Error, ExperimentFile, Line, Strengths, Unfinished, Work,
};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const FILE: &str = "device = 'gpu'\nscenario = 'task'\nseeds = 2\nstrategy = ['none', 'ewc']\n\
                    network.hidden = 8\ndata.contexts = 2\ntraining = { steps = 5, threads = 1 }\n";

fn lines(file: &ExperimentFile) -> Vec<Line> {
    let bench = file.bench(&Strengths::built_in().unwrap()).unwrap();
    bench.run(&bench.costs().unwrap(), &mut (), &mut ()).unwrap().lines
}

#[test]
fn every_run_of_a_file_names_the_adapter_it_ran_on_and_the_option_comes_first() {
    let Some(gpu) = gpu() else { return };
    let file = ExperimentFile::parse(FILE, "mine.toml");
    let (here, cpu) = (lines(&file), lines(&file.device("cpu")));
    assert_eq!((here.len(), cpu.len()), (4, 4));
    for (ours, theirs) in here.iter().zip(&cpu) {
        assert_eq!((&ours.device, &*theirs.device), (&gpu.describe(), "cpu"));
        assert_eq!(ours.settings, theirs.settings);
        let rows = ours.accuracy.iter().flatten().zip(theirs.accuracy.iter().flatten());
        // A test image of 180 per context more or less.
        assert!(rows.into_iter().all(|(a, b)| (a - b).abs() < 0.02), "{:?}", ours.accuracy);
    }
}

#[test]
fn interrupted_work_goes_on_on_the_adapter_and_elsewhere_only_by_name() {
    let Some(gpu) = gpu() else { return };
    let folder = tempfile::tempdir().unwrap();
    let strengths = Strengths::built_in().unwrap();
    let asked = Asked::File(ExperimentFile::parse(FILE, "mine.toml"));
    let bench = asked.bench(&strengths).unwrap();
    let every = CheckpointEvery::default();
    let stop = Arc::new(AtomicBool::new(true));
    let work = Work::begin(folder.path(), &asked, &bench, every, Earlier::Refuse).unwrap();
    let mut work = work.stopping(stop);
    let costs = bench.costs().unwrap();
    let stopped = bench.run(&costs, &mut (), &mut work).unwrap_err();
    assert!(stopped.is_interruption(), "{stopped}");
    work.leave(&stopped);

    let on_cpu = asked.clone().device("cpu").bench(&strengths).unwrap();
    let refused = Unfinished::open(folder.path()).unwrap().work(&on_cpu, every).unwrap_err();
    assert!(refused.to_string().contains("--device"), "{refused}");

    let unfinished = Unfinished::open(folder.path()).unwrap();
    assert_eq!(unfinished.asked().bench(&strengths).unwrap().device(), gpu.describe());
    let unfinished = unfinished.on_device("cpu");
    let mut work = unfinished.work(&on_cpu, every).unwrap();
    let finished = on_cpu.run(&costs, &mut (), &mut work).unwrap();
    let devices: Vec<&str> = finished.lines.iter().map(|line| &*line.device).collect();
    let both = format!("{}, then cpu", gpu.describe());
    assert_eq!(devices, [&*both, &*both, "cpu", "cpu"]);
    let _: Result<_, Error> = work.finish(&finished.diverged);
}
