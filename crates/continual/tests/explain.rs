//! What the programs of an experiment cost, against numbers worked out by hand.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use continual::core::Trains;
use continual::{Bench, ExperimentFile, ProgramCost, Strengths};

fn bench(text: &str) -> Bench {
    let file = ExperimentFile::parse(text, "mine.toml");
    file.bench(&Strengths::built_in().unwrap()).unwrap()
}

/// The programs of the only cell.
fn programs(text: &str) -> Vec<ProgramCost> {
    let bench = bench(text);
    let [cell] = &bench.cells[..] else { panic!("one cell") };
    cell.programs().unwrap()
}

/// 64 inputs, 16 hidden units, 10 outputs; 32 rows a step.
const SMALL: &str = "scenario = 'class'\nseeds = 1\nnetwork.hidden = 16\n\
                     training = { steps = 7, batch = 32, threads = 1 }\n";

/// A step of that network on so many rows: forward both layers; backward the gradients of both weights, and that of
/// what lies between the layers, not that of the inputs.
fn macs(rows: u64) -> u64 {
    let (first, second) = (64 * 16, 16 * 10);
    rows * (2 * (first + second) + second)
}

#[test]
fn a_step_of_two_layers_has_the_products_of_forward_and_backward_but_the_inputs_gradient() {
    let programs = programs(&format!("{SMALL}strategy = ['none']"));
    let [step] = &programs[..] else { panic!("one program, not {}", programs.len()) };
    assert_eq!(
        (step.trains, step.rows, &step.phases[..]),
        (Trains::Everything, 32, &["train"][..])
    );
    assert_eq!((step.runs, step.passes), (5 * 7, 0));
    let product = step.kinds.iter().find(|it| it.kind == "product").unwrap();
    assert_eq!((product.kernels, product.macs), (5, macs(32)));
    assert_eq!(step.cost.macs, macs(32));
    // The images of a step, once as bytes and once as floats, with their indices; not the data set.
    let gather = step.kinds.iter().find(|it| it.kind == "gather").unwrap();
    let images = 4 * 32 + 32 * 64 + 4 * 32 * 64;
    assert!((images..images + 1000).contains(&gather.bytes), "{} bytes", gather.bytes);
}

#[test]
fn kinds_add_up_to_the_step_of_the_dry_run_and_every_kind_has_dispatches() {
    let text = format!("{SMALL}strategy = ['ewc', 'er', 'icarl', 'dgr-gan', 'packnet', 'gdumb']");
    let text = text.replace("'class'", "['class', 'task']");
    let bench = bench(&text);
    assert!(bench.cells.len() >= 6);
    let mut several = 0;
    for cell in &bench.cells {
        let (programs, dry) = (cell.programs().unwrap(), cell.cost().unwrap());
        let label = cell.label();
        several += usize::from(programs.len() > 1);
        for ProgramCost { cost, kinds, .. } in &programs {
            let sum =
                |of: fn(&continual::tensor::KindCost) -> u64| kinds.iter().map(of).sum::<u64>();
            assert_eq!((sum(|it| it.macs), sum(|it| it.bytes)), (cost.macs, cost.bytes), "{label}");
            let all = cost.dispatches.unwrap();
            assert!(kinds.iter().all(|it| (1..=all).contains(&it.dispatches.unwrap())), "{label}");
        }
        if let [only] = &programs[..] {
            assert_eq!(only.cost, dry.costs.step, "{label}");
            let runs = if only.passes == 0 { dry.steps } else { 0 };
            assert_eq!(only.runs, runs, "{label}");
        }
    }
    assert!(several > 0, "a generator's critic has a program of its own");
}

/// What the command prints; no adapter is asked for.
#[cfg(feature = "cli")]
#[test]
fn the_command_prints_a_table_with_totals_for_every_strategy_and_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.toml");
    let text = format!("device = \"gpu:nobody's\"\n{SMALL}strategy = ['none', 'ewc']");
    std::fs::write(&path, text.replace("'class'", "['class', 'task']")).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_continual"));
    let output = command.arg("explain").arg(&path).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let count = |part: &str| printed.matches(part).count();
    for scenario in ["class", "task"] {
        for strategy in ["none", "ewc"] {
            let head = format!(
                "{strategy}, {scenario}-incremental: phase `train`, trains everything, 32 rows of the stream, 35 runs"
            );
            assert_eq!(count(&head), 1, "{printed}");
        }
    }
    assert_eq!((count("| product "), count("| total ")), (4, 4), "{printed}");
    // macs(32) = 80896.
    assert!(printed.contains("80.9 k"), "{printed}");
}
