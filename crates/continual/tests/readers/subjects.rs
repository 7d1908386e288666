//! Everything that is read from files, each with files to start from. The fuzzer of `fuzz/` has the same list.

use continual::core::{Checkpoint, Learner, Weights};
use continual::prelude::*;
use continual::report::Report;
use continual::repro::PublishedTable;
use continual::{Asked, CheckpointEvery, Earlier, Strengths, Unfinished, Work};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A kind of file and how it is read.
pub struct Subject {
    /// What it is called.
    pub name: &'static str,
    /// Files that are read without an error.
    pub good: fn() -> Vec<Vec<u8>>,
    /// Reads bytes as those of a file in this folder; refused with a message.
    pub read: fn(&[u8], &Path) -> Result<(), String>,
    /// What every message names: the file.
    pub named: &'static str,
    /// The words of its language, for mutations of text; empty for binary files.
    pub words: &'static [&'static str],
}

/// All of them.
pub const SUBJECTS: [Subject; 11] = [
    Subject {
        name: "idx-images",
        good: || vec![images(3), gz(&images(3))],
        read: |bytes, folder| idx(folder, "train-images-idx3-ubyte", bytes),
        named: "train-images-idx3-ubyte",
        words: &[],
    },
    Subject {
        name: "idx-labels",
        good: || vec![labels(&[5, 0, 9]), gz(&labels(&[5, 0, 9]))],
        read: |bytes, folder| idx(folder, "train-labels-idx1-ubyte", bytes),
        named: "idx",
        words: &[],
    },
    Subject {
        name: "checkpoint",
        good: || vec![saved().0.clone()],
        read: |bytes, folder| checkpoint(bytes, folder),
        named: "checkpoint-1.safetensors",
        words: &[],
    },
    // What the checksum would find is found behind it too.
    Subject {
        name: "checkpoint-signed",
        good: || vec![saved().0.clone()],
        read: |bytes, folder| checkpoint(&signed(bytes), folder),
        named: "checkpoint",
        words: NUMBERS,
    },
    Subject {
        name: "weights",
        good: || vec![saved().1.clone()],
        read: |bytes, folder| {
            let path = write(folder, "weights.safetensors", bytes);
            Weights::load(&path).map(|_| ()).map_err(told)
        },
        named: "weights.safetensors",
        words: NUMBERS,
    },
    Subject {
        name: "experiment",
        good: || {
            vec![EXPERIMENT.into(), include_bytes!("../../../../examples/experiment.toml").into()]
        },
        read: |bytes, folder| {
            let path = write(folder, "mine.toml", bytes);
            let bench = ExperimentFile::read(&path).and_then(|file| file.bench(strengths()));
            bench.map(|_| ()).map_err(told)
        },
        named: "mine.toml",
        words: TOML,
    },
    Subject {
        name: "published-table",
        good: || vec![TABLE.into()],
        read: |bytes, folder| {
            let path = write(folder, "table.toml", bytes);
            PublishedTable::read(&path).map(|_| ()).map_err(told)
        },
        named: "table.toml",
        words: TOML,
    },
    Subject {
        name: "unfinished",
        good: || vec![left()[0].clone()],
        read: |bytes, folder| unfinished(bytes, &left()[1], folder),
        named: "unfinished.json",
        words: NUMBERS,
    },
    Subject {
        name: "results",
        good: || vec![left()[1].clone()],
        read: |bytes, folder| unfinished(&left()[0], bytes, folder),
        named: "results.jsonl",
        words: NUMBERS,
    },
    // The same file, read for its numbers: whatever they are, they are drawn.
    Subject {
        name: "report",
        good: || vec![left()[1].clone(), of_a_long_stream()],
        read: |bytes, folder| report(folder, "results.jsonl", bytes),
        named: "results.jsonl",
        words: NUMBERS,
    },
    Subject {
        name: "origin",
        good: || vec![ORIGIN.into()],
        read: |bytes, folder| report(folder, "origin.json", bytes),
        named: "origin.json",
        words: NUMBERS,
    },
];

const NUMBERS: &[&str] =
    &["0", "-1", "1e999", "18446744073709551616", "4294967295", "null", "[]", "{}", "\"\"", "0.5"];
const TOML: &[&str] = &[
    "0",
    "-1",
    "1e999",
    "nan",
    "9223372036854775807",
    "4294967296",
    "''",
    "[]",
    "{}",
    "[[]]",
    "true",
    "\n[data]\n",
    "\n[[row]]\n",
    "\\u0000",
    "strategy",
    "'all'",
    "'ewc'",
    "1979-05-27",
];

const EXPERIMENT: &str = "scenario = ['task', 'class']\nseeds = '2..3'\nnetwork = { hidden = [8], dropout = 0.5 }\n\
    [training]\nsteps = 12\nthreads = 1\nbatch = 8\n[optimizer]\nname = 'sgd'\nlr = 0.1\n\
    [[strategy]]\nname = 'ewc'\nlambda = [1, 1e5]\n[[strategy]]\nname = 'none'\n";

const TABLE: &str = "title = 'A table'\nsource = 'somebody 2022, table 2'\nseeds = 20\n\
    [accept]\npoints = 1.5\nsems = 3\n[experiment]\ndata = { dataset = 'digits' }\n\
    [[row]]\nname = 'ewc'\ntask = { mean = 99.06, sem = 0.15 }\n\
    [[row]]\nname = 'none'\nclass = { mean = 20.64, sem = 0.52, confirmed = false }\nnote = 'low'\n";

const ORIGIN: &str = "{\"command\":\"continual bench\",\"file\":[\"a.toml\",\"seeds = 2\"],\"machine\":\"m\",\
    \"remarks\":[\"busy\"]}";

fn strengths() -> &'static Strengths {
    static BUILT_IN: OnceLock<Strengths> = OnceLock::new();
    BUILT_IN.get_or_init(|| Strengths::built_in().unwrap())
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn header(magic: u32, dimensions: &[u32]) -> Vec<u8> {
    std::iter::once(&magic).chain(dimensions).flat_map(|word| word.to_be_bytes()).collect()
}

fn images(count: u32) -> Vec<u8> {
    let mut file = header(0x803, &[count, 28, 28]);
    (0..count).for_each(|i| file.extend([i as u8; 784]));
    file
}

fn labels(labels: &[u8]) -> Vec<u8> {
    [&header(0x801, &[labels.len() as u32])[..], labels].concat()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Three examples to train on and two to test, one file of them replaced.
fn idx(folder: &Path, file: &str, bytes: &[u8]) -> Result<(), String> {
    let good = [
        ("train-images-idx3-ubyte", images(3)),
        ("train-labels-idx1-ubyte", labels(&[5, 0, 9])),
        ("t10k-images-idx3-ubyte", images(2)),
        ("t10k-labels-idx1-ubyte", labels(&[1, 2])),
    ];
    for (name, good) in good {
        write(folder, name, if name == file { bytes } else { &good });
    }
    mnist(Some(folder)).map(|_| ()).map_err(told)
}

/// Two contexts of digits, small, with an optimiser, importances and a memory.
fn small() -> Experiment {
    let small = Experiment::new(digits()).scenario(Scenario::Domain).contexts(2).seeds([2, 3]);
    small.hidden(&[4]).steps(2).batch(4)
}

/// Over a memory, a sum of Fisher information and moments of Adam.
fn with_learner<T>(run: impl FnOnce(&mut Learner<'_>) -> T) -> T {
    let strategy = (Ewc::default(), ExperienceReplay::per_class(1));
    run(&mut small().learner(&strategy).unwrap())
}

/// A checkpoint, and the weights of a network.
fn saved() -> &'static (Vec<u8>, Vec<u8>) {
    static SAVED: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    SAVED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let [state, weights] = ["state", "weights"].map(|name| folder.path().join(name));
        with_learner(|learner| {
            let mut saver = Stopping { after: 3 };
            continual::core::run(learner, &mut saver).unwrap_err();
            learner.save().unwrap().save(&state).unwrap();
            Weights::save(&learner.network_values(0).unwrap(), &weights).unwrap();
        });
        (fs::read(state).unwrap(), fs::read(weights).unwrap())
    })
}

/// Ends a run in the middle of its second context.
struct Stopping {
    after: u32,
}

impl continual::core::Observer for Stopping {
    fn stepped(&mut self, steps: u32) {
        self.after = self.after.saturating_sub(steps);
    }

    fn between(&mut self, _: &Learner<'_>) -> Result<(), continual::core::Error> {
        match self.after {
            0 => Err(continual::core::Error::Misfit("enough".to_owned())),
            _ => Ok(()),
        }
    }

    fn interval(&self) -> u32 {
        1
    }
}

/// Loads a checkpoint and goes on from it to the end.
fn checkpoint(bytes: &[u8], folder: &Path) -> Result<(), String> {
    let path = write(folder, "checkpoint-1.safetensors", bytes);
    let checkpoint = Checkpoint::load(&path).map_err(told)?;
    with_learner(|learner| {
        let named =
            |error| continual::Error::Restore { path: path.clone(), error: Box::new(error) };
        learner.restore(&checkpoint).map_err(|error| told(named(error)))?;
        // A state that means something else may leave the numbers: that is no fault of the file's form.
        match continual::core::run(learner, &mut ()) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("checkpoint went on: {error}")),
        }
    })
}

/// The bytes with the checksum that they would have.
fn signed(bytes: &[u8]) -> Vec<u8> {
    let content = &bytes[..bytes.len().saturating_sub(32)];
    [content, &Sha256::digest(content)[..]].concat()
}

/// What a benchmark leaves that is killed just before its end: what was asked for, and lines.
fn left() -> &'static [Vec<u8>; 2] {
    static LEFT: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    LEFT.get_or_init(|| {
        let request = Request {
            strategy: Some("none".to_owned()),
            scenario: Some("task".to_owned()),
            hidden: Some("4".to_owned()),
            steps: Some(1),
            seeds: Some(2),
            threads: Some(1),
            ..Request::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let bench = Bench::new(&request, strengths()).unwrap();
        let (asked, every) = (Asked::Request(request), CheckpointEvery::default());
        let mut work = Work::begin(folder.path(), &asked, &bench, every, Earlier::Refuse).unwrap();
        bench.run(&bench.costs().unwrap(), &mut (), &mut work).unwrap();
        ["unfinished.json", "results.jsonl.partial"]
            .map(|name| fs::read(folder.path().join(name)).unwrap())
    })
}

/// The line of a run of which few contexts are tracked, and which was evaluated on the way.
fn of_a_long_stream() -> Vec<u8> {
    let first = left()[1].split(|&byte| byte == b'\n').next().unwrap();
    let mut line: serde_json::Value = serde_json::from_slice(first).unwrap();
    let contexts = line["settings"]["contexts"].as_u64().unwrap();
    line["tracked_contexts"] = [2, contexts].into_iter().collect();
    line["evaluated_after"] = [1, contexts].into_iter().collect();
    line["accuracy"] = serde_json::json!([[0.5, 0.25], [0.75, 1.0]]);
    line["accuracy_before"] = serde_json::json!([]);
    let glance = |context: u64| serde_json::json!({"context": context, "step": 10 * context, "accuracy": [0.5, 0.75]});
    line["anytime"] = serde_json::json!({"contexts": 2, "glances": [glance(0), glance(1)]});
    line.to_string().into()
}

/// Every format of the report of a folder with these bytes in one of its files.
fn report(folder: &Path, file: &str, bytes: &[u8]) -> Result<(), String> {
    write(folder, "results.jsonl", &left()[1]);
    write(folder, "origin.json", ORIGIN.as_bytes());
    write(folder, file, bytes);
    let report = Report::read(folder).map_err(told)?;
    let page = report.html();
    assert!(page.ends_with("</html>\n") && page.len() < 2_000_000);
    assert!(!report.csv().is_empty() && !report.markdown().is_empty());
    report.json().map(|_| ()).map_err(told)
}

/// Goes on with a benchmark.
fn unfinished(journal: &[u8], lines: &[u8], folder: &Path) -> Result<(), String> {
    write(folder, "unfinished.json", journal);
    write(folder, "results.jsonl.partial", lines);
    let unfinished = Unfinished::open(folder).map_err(told)?;
    // What was asked for is told in the words of the command line, as if it had been typed.
    let typed = |error| format!("unfinished.json: {error}");
    let bench = unfinished.asked().bench(strengths()).map_err(typed)?;
    let every = unfinished.checkpoint_every();
    let mut work = unfinished.work(&bench, every).map_err(told)?;
    if work.kept().0 == bench.seeds.len() {
        bench.run(&bench.costs().unwrap(), &mut (), &mut work).map_err(told)?;
    }
    Ok(())
}
