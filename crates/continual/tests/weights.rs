//! Networks that are kept, and features of them: the file, the bits, the flag, every refusal.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use continual::Line;
use continual::core::{Head, Learner, Weights, run};
use continual::nn::ParamValues;
use continual::prelude::*;
use continual::scenarios::Stream;
use continual::templates::{Features, Ncm};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const HIDDEN: [usize; 2] = [12, 9];

fn small() -> Experiment {
    Experiment::new(digits()).scenario(Scenario::Class).hidden(&HIDDEN).steps(30).seeds([7])
}

fn trained(learner: &mut Learner<'_>) -> Vec<ParamValues> {
    run(learner, &mut ()).unwrap();
    learner.network_values(0).unwrap()
}

fn named<'v>(values: &'v [ParamValues], name: &str) -> &'v ParamValues {
    values.iter().find(|value| value.name == name).unwrap()
}

/// relu(relu(x W1 + b1) W2 + b2), in f64.
fn features(values: &[ParamValues], pixels: &[u8], scale: f32) -> Vec<f64> {
    let mut h: Vec<f64> = pixels.iter().map(|&byte| f64::from(byte) * f64::from(scale)).collect();
    for layer in ["1", "2"] {
        let (w, b) = (named(values, &format!("w{layer}")), named(values, &format!("b{layer}")));
        let units = w.shape[1];
        let unit = |unit: usize| {
            let inputs = h.iter().enumerate();
            let sum: f64 = inputs.map(|(i, x)| x * f64::from(w.floats[i * units + unit])).sum();
            (sum + f64::from(b.floats[unit])).max(0.0)
        };
        h = (0..units).map(unit).collect();
    }
    h
}

#[test]
fn features_of_a_kept_network_are_its_slow_forward_pass_and_it_never_moves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("joint.safetensors");
    let joint = small().joint();
    let kept = trained(&mut joint.learner(&Naive).unwrap());
    let shapes: Vec<(&str, &[usize])> =
        kept.iter().map(|value| (value.name.as_str(), &value.shape[..])).collect();
    let expected: [(&str, &[usize]); 6] = [
        ("w1", &[64, 12]),
        ("b1", &[12]),
        ("w2", &[12, 9]),
        ("b2", &[9]),
        ("w3", &[9, 10]),
        ("b3", &[10]),
    ];
    assert_eq!(shapes, expected);
    Weights::save(&kept, &path).unwrap();

    let ncm = Ncm { features: Features::Random, ..Ncm::default() };
    let experiment = small().seeds([2, 3]).weights(Weights::load(&path).unwrap());
    let mut learner = experiment.learner(&ncm).unwrap();
    assert_eq!(learner.network_values(1).unwrap(), kept);
    assert_eq!(trained(&mut learner), kept);

    // Means of all training rows of a class, which the seed gives its output, by the definition.
    let dataset = digits();
    let stream = experiment.stream(2).unwrap();
    let mut sums = vec![[0.0; 9]; 10];
    let mut counts = [0.0; 10];
    for context in 0..stream.contexts() {
        for &row in stream.train(context) {
            let (row, pixels) = (row as usize, dataset.features());
            let class = stream.target(context, dataset.labels[row]) as usize;
            let own = &dataset.images[row * pixels..][..pixels];
            for (sum, x) in sums[class].iter_mut().zip(features(&kept, own, dataset.scale)) {
                *sum += x;
            }
            counts[class] += 1.0;
        }
    }
    let means = learner.read("ncm/means", 0).unwrap();
    for (class, sums) in sums.iter().enumerate() {
        for (unit, sum) in sums.iter().enumerate() {
            let (mean, ours) = (sum / counts[class], f64::from(means[class * 9 + unit]));
            assert!(
                (mean - ours).abs() < 1e-4 * (1.0 + mean),
                "{class} {unit}: {ours}, not {mean}"
            );
        }
    }
}

#[test]
fn a_network_of_its_own_refuses_weights_and_one_with_gates_takes_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let kept = small().learner(&Naive).unwrap().network_values(0).unwrap();
    Weights::save(&kept, &path).unwrap();
    let of = |name: &str| {
        let request = continual::Request {
            scenario: Some("task".to_owned()),
            strategy: Some(name.to_owned()),
            hidden: Some("12,9".to_owned()),
            steps: Some(1),
            seeds: Some(1),
            weights: Some(path.clone()),
            ..continual::Request::default()
        };
        let strengths = continual::Strengths::built_in()?;
        continual::Bench::new(&request, &strengths).and_then(|bench| bench.costs().map(|_| ()))
    };
    for name in ["xdg", "packnet", "rtf"] {
        of(name).unwrap();
    }
    let error = of("separate").unwrap_err();
    assert!(error.is_bad_input());
    let told = error.to_string();
    assert!(
        told.starts_with("separate trains a network of its own (separate, 5 networks"),
        "{told}"
    );
    assert!(told.contains("given weights do not reach it"), "{told}");
}

#[test]
fn what_does_not_fit_names_file_tensor_and_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let kept = small().learner(&Naive).unwrap().network_values(0).unwrap();
    let refused = |values: &[ParamValues], hidden: &[usize]| {
        Weights::save(values, &path).unwrap();
        let experiment = small().hidden(hidden).weights(Weights::load(&path).unwrap());
        let Err(error) = experiment.learner(&Naive) else { panic!("refused") };
        assert!(error.is_bad_input());
        let told = error.to_string();
        told.strip_prefix(&format!("{}: ", path.display())).unwrap().to_owned()
    };
    assert_eq!(
        refused(&kept, &[12, 8]),
        "tensor `w2` has shape [12, 9], expected [12, 8], for an MLP of sizes [64, 12, 8, 10]"
    );
    assert!(
        refused(&kept[1..], &HIDDEN).starts_with("no tensor `w1`, expected one of shape [64, 12]")
    );
    assert!(refused(&kept, &[12]).starts_with("tensor `b3` is no parameter"));
    let mut nan = kept.clone();
    nan[0].floats[3] = f32::NAN;
    assert!(refused(&nan, &HIDDEN).starts_with("tensor `w1` holds NaN at position 3"));
    // Without outputs, or with those of other classes, all is well.
    for values in [&kept[..4], &[&kept[..4], &[bias(3)]].concat()] {
        Weights::save(values, &path).unwrap();
        let experiment = small().weights(Weights::load(&path).unwrap());
        let started = experiment.learner(&Naive).unwrap().network_values(0).unwrap();
        assert_eq!(started, kept, "the outputs of the same seed are drawn alike");
    }
}

/// What a seed draws, but for the outputs, which are all 0.25.
fn start_of(seed: u64, path: &Path) -> Weights {
    let experiment = small().seeds([seed]).hidden(&HIDDEN);
    let mut values = experiment.learner(&Naive).unwrap().network_values(0).unwrap();
    for value in &mut values[4..] {
        value.floats.fill(0.25);
    }
    Weights::save(&values, path).unwrap();
    Weights::load(path).unwrap()
}

#[test]
fn a_checkpoint_goes_on_with_the_same_weights_alone_also_where_the_head_has_grown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    // Ten outputs are given: a head that begins with two draws them.
    for head in [Head::Full, Head::Growing] {
        let with = |seed: u64| small().steps(5).head(head).weights(start_of(seed, &path));
        let (same, other) = (with(2), with(3));
        let mut whole = same.learner(&Naive).unwrap();
        let outputs = &whole.network_values(0).unwrap()[5].floats;
        assert_eq!(*outputs == [0.25; 10], head == Head::Full, "{outputs:?}");
        let expected = trained(&mut whole);
        assert_eq!(expected[5].floats.len(), 10);
        let checkpoint = whole.save().unwrap();
        let mut again = same.learner(&Naive).unwrap();
        again.restore(&checkpoint).unwrap();
        assert_eq!(again.network_values(0).unwrap(), expected);
        let refused = other.learner(&Naive).unwrap().restore(&checkpoint).unwrap_err().to_string();
        assert!(refused.contains("field weights is"), "{refused}");
        let drawn = small().steps(5).head(head);
        assert!(drawn.learner(&Naive).unwrap().restore(&checkpoint).is_err());
    }
}

fn bias(outputs: usize) -> ParamValues {
    ParamValues { name: "b3".to_owned(), shape: vec![outputs], floats: vec![0.0; outputs] }
}

/// A run of a moment by the binary, in one scenario of digits.
fn continual(folder: &Path, arguments: &[&str]) -> Output {
    let small = ["--scenario", "class", "--hidden", "12,9", "--steps", "20", "--threads", "1"];
    let command = if arguments[0] == "bench" { &small[..] } else { &[] };
    Command::new(env!("CARGO_BIN_EXE_continual"))
        .current_dir(folder)
        .args(arguments)
        .args(command)
        .output()
        .unwrap()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn refusal(output: &Output) -> String {
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(2), 1), "{error}");
    error
}

fn lines(folder: &Path, out: &str) -> Vec<Line> {
    let text = fs::read_to_string(folder.join(out).join("results.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn sha256(path: &Path) -> String {
    Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

const KEPT: &str = "a/networks/joint-class-seed-2.safetensors";

/// A folder with the networks of two joint runs of the binary.
fn kept() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let bench = ["bench", "--strategy", "joint", "--seeds", "2", "--keep-networks", "--out", "a"];
    printed(&continual(folder.path(), &bench));
    let path = folder.path().to_owned();
    (folder, path)
}

#[test]
fn a_network_kept_by_one_bench_gives_features_to_another() {
    let (_folder, path) = kept();
    assert!(path.join("a/networks/joint-class-seed-3.safetensors").exists());
    assert_eq!(fs::read_dir(path.join("a/networks")).unwrap().count(), 2);
    let ncm = ["bench", "--strategy", "ncm,ncm+er,none", "--seeds", "1"];
    let with = |more: &[&str]| continual(&path, &[&ncm[..], more].concat());
    let text = printed(&with(&["--features", KEPT, "--keep-networks", "--out", "b"]));
    assert!(text.contains("--features. Compare only"), "{text}");
    let own = lines(&path, "b");
    for line in &own {
        assert_eq!(line.settings.weights, sha256(&path.join(KEPT)));
        let told = &line.conventions["network"];
        assert!(told.contains("start as in joint-class-seed-2.safetensors (SHA-256 "), "{told}");
    }
    // In the order of the names that `continual list` shows: random is the third.
    assert_eq!(own[0].settings.hyper["ncm.features"], 2.0);
    assert_eq!(own[0].metrics["final_accuracy"], own[1].metrics["final_accuracy"]);
    let read = |name: &str| Weights::load(&path.join(name)).unwrap().values;
    for fixed in ["ncm", "ncm+er"] {
        assert_eq!(read(&format!("b/networks/{fixed}-class-seed-2.safetensors")), read(KEPT));
    }
    assert_ne!(read("b/networks/none-class-seed-2.safetensors"), read(KEPT));

    // The same by file, and by two options.
    let file = format!(
        "scenario = 'class'\nseeds = 1\nstrategy = [{{ name = 'ncm', features = 'random' }}]\n\
         [network]\nhidden = [12, 9]\nweights = '{KEPT}'\n[training]\nsteps = 20\n"
    );
    fs::write(path.join("mine.toml"), file).unwrap();
    printed(&continual(&path, &["run", "mine.toml", "--out", "c"]));
    let text = printed(&with(&["--weights", KEPT, "--set", "ncm.features=random", "--out", "d"]));
    assert!(text.contains("--weights, --set"), "{text}");
    for other in ["c", "d"] {
        let line = &lines(&path, other)[0];
        assert_eq!((&line.accuracy, &line.config_hash), (&own[0].accuracy, &own[0].config_hash));
    }
    // Drawn weights: nothing is told, and the run is another one.
    printed(&with(&["--features", "random", "--out", "e"]));
    let drawn = fs::read_to_string(path.join("e/results.jsonl")).unwrap();
    assert!(!drawn.contains("\"weights\""));
    assert_ne!(lines(&path, "e")[0].accuracy, own[0].accuracy);
}

#[test]
fn a_sweep_keeps_a_network_of_each_value() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = ["bench", "--strategy", "ewc", "--set", "ewc.lambda=1,1e4", "--seeds", "1"];
    let more = ["--keep-networks", "--out", "a"];
    printed(&continual(folder.path(), &[&sweep[..], &more].concat()));
    for value in ["1", "1e4"] {
        let name = format!("a/networks/ewc-lambda={value}-class-seed-2.safetensors");
        assert_eq!(Weights::load(&folder.path().join(name)).unwrap().values.len(), 6);
    }
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_written() {
    let (_folder, path) = kept();
    fs::write(path.join("text"), "hello").unwrap();
    let cases: &[(&[&str], &str)] = &[
        (
            &["--strategy", "ncm", "--features", "frist-context"],
            "--features `frist-context`: expected one of first-context, finetuned, random, pixels, or a \
             file of weights that is there",
        ),
        (
            &["--strategy", "none,er", "--features", "random"],
            "--features random: none of the strategies that run compares features; ncm, slda, fecam, \
             ranpac do",
        ),
        (
            &["--strategy", "ncm", "--features", KEPT, "--weights", "text"],
            "--weights text is another network; leave out either",
        ),
        (
            &["--strategy", "slda", "--features", "random", "--set", "slda.features=pixels"],
            "--features random: --set slda.features says so too; leave out either",
        ),
        (
            &["--strategy", "ncm", "--features", "text"],
            "text: text, expected safetensors with a network's weights",
        ),
        (&["--weights", "nowhere"], "nowhere: weights cannot be read: "),
    ];
    for (arguments, expected) in cases {
        let bench = [&["bench", "--out", "b"], *arguments].concat();
        let error = refusal(&continual(&path, &bench));
        assert!(error.contains(expected), "{arguments:?}: {error:?} should say {expected:?}");
    }
    assert!(!path.join("b").exists());
    let file = "[network]\nhidden = 5\nweights = 'text'\n";
    fs::write(path.join("mine.toml"), file).unwrap();
    let error = refusal(&continual(&path, &["run", "mine.toml", "--out", "b"]));
    assert!(error.contains("mine.toml:3: text: text, expected safetensors"), "{error}");
    fs::write(path.join("mine.toml"), file.replace("text", KEPT)).unwrap();
    let error = refusal(&continual(&path, &["run", "mine.toml", "--out", "b"]));
    assert!(
        error.contains(&format!("mine.toml:3: {KEPT}: tensor `b3` is no parameter")),
        "{error}"
    );
}

#[test]
fn going_on_with_another_file_of_weights_is_refused() {
    let (_folder, path) = kept();
    let some = |text: &str| Some(text.to_owned());
    let request = continual::Request {
        strategy: some("ncm"),
        scenario: some("class"),
        hidden: some("12,9"),
        steps: Some(20),
        seeds: Some(1),
        features: some(path.join(KEPT).to_str().unwrap()),
        ..continual::Request::default()
    };
    let bench =
        continual::Bench::new(&request, &continual::Strengths::built_in().unwrap()).unwrap();
    let out = path.join("b");
    let every = continual::CheckpointEvery::default();
    let earlier = continual::Earlier::Refuse;
    let asked = continual::Asked::Request(request);
    let begin = continual::Work::begin_keeping_networks;
    drop(begin(&out, &asked, &bench, every, earlier).unwrap()); // killed
    let original = fs::read(path.join(KEPT)).unwrap();
    fs::copy(path.join("a/networks/joint-class-seed-3.safetensors"), path.join(KEPT)).unwrap();
    let error = refusal(&continual(&path, &["resume", "b"]));
    assert!(error.contains("the file of weights has changed: SHA-256 "), "{error}");
    fs::write(path.join(KEPT), original).unwrap();
    printed(&continual(&path, &["resume", "b"]));
    assert!(path.join("b/networks/ncm-class-seed-2.safetensors").exists());
}
