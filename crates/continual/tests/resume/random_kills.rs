//! `kill -9` at moments that nobody chose, again and again.

use crate::*;
use cl_random::{Address, Purpose, Rng};
use continual::core::{Checkpoint, Weights};
use std::collections::BTreeMap;
use std::time::Instant;

/// What a process is seen to do before it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// It was just started: it reads, records, evaluates for the first time.
    Starting,
    /// It has just saved, and trains on.
    Training,
    /// It is writing a checkpoint.
    Checkpointing,
    /// It has just written lines of results, or a network.
    Keeping,
    /// The results have their name: the report is worked out, and all else is cleared away.
    Finishing,
    /// It is writing the report.
    Reporting,
}

use Phase::{Checkpointing, Finishing, Keeping, Reporting, Starting, Training};

impl Phase {
    /// Each comes as often as any other; the last ones end a benchmark.
    const ALL: [Self; 6] = [Starting, Training, Checkpointing, Keeping, Finishing, Reporting];

    /// How long it may go on in that phase, in microseconds.
    fn longest(self) -> u32 {
        match self {
            Starting => 200_000,
            Training => 4_000,
            Checkpointing | Reporting => 300,
            Keeping => 1_000,
            Finishing => 20_000,
        }
    }

    fn is_seen(self, folder: &Path, begun: &Seen) -> bool {
        match self {
            Starting => true,
            Training => Seen::in_folder(folder).reached > begun.reached,
            Checkpointing => is_writing(folder, "checkpoint-"),
            Reporting => is_writing(folder, "report.html"),
            Keeping => Seen::in_folder(folder).kept > begun.kept,
            Finishing => folder.join("results.jsonl").exists(),
        }
    }
}

/// Whether a file of that name, or beginning so, is half there.
fn is_writing(folder: &Path, start: &str) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    let fits = |name: &str| name.starts_with(start) && name.ends_with(".partial");
    entries.flatten().any(|entry| entry.file_name().to_str().is_some_and(fits))
}

/// What a folder shows of the work in it.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    /// Runs finished, and the position of the population under way.
    reached: (usize, Option<(usize, u32)>),
    /// Bytes of results, and number of networks.
    kept: (usize, usize),
}

impl Seen {
    fn in_folder(folder: &Path) -> Self {
        let lines = fs::read(partial(folder)).unwrap_or_default();
        let finished = lines.iter().filter(|&&byte| byte == b'\n').count();
        let population = (finished / 2 + 1).to_string();
        let networks = fs::read_dir(folder.join("networks")).map_or(0, Iterator::count);
        let reached = (finished, steps(&checkpoint(folder, &population)));
        Self { reached, kept: (lines.len(), networks) }
    }
}

/// The benchmark that is killed: as the others here, with networks kept.
fn begin(folder: &Path) -> Command {
    let mut command = bench(folder);
    command.arg("--keep-networks");
    command
}

/// Every file that is there under its own name is whole, whatever was going on.
fn assert_whole(folder: &Path, moment: &str) {
    for (name, bytes) in contents(folder) {
        let path = folder.join(&name);
        if name.ends_with(".safetensors") {
            let loaded = Checkpoint::load(&path);
            assert!(loaded.is_ok(), "{moment}: {}", loaded.unwrap_err());
        } else if name == "unfinished.json" {
            serde_json::from_slice::<serde_json::Value>(&bytes).unwrap();
        } else if name == "results.jsonl" {
            assert_eq!(lines(folder).len(), 4, "{moment}");
        } else if name.ends_with(".html") {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.trim_end().ends_with("</html>"), "{moment}: {name} is cut off");
        }
    }
    for (name, _) in contents_of(&folder.join("networks")) {
        if name.ends_with(".safetensors") {
            Weights::load(&folder.join("networks").join(name)).unwrap();
        }
    }
}

fn contents_of(folder: &Path) -> Vec<(String, Vec<u8>)> {
    if folder.is_dir() { contents(folder) } else { Vec::new() }
}

/// The networks of a finished benchmark, bit by bit; what a killed process left half is none.
fn networks(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = contents_of(&folder.join("networks"));
    all.retain(|(name, _)| name.ends_with(".safetensors"));
    all
}

/// Waits until the process is seen in a phase and a drawn time longer, and kills it: what the folder showed
/// before. None where it ended by itself.
fn killed_in(
    phase: Phase,
    child: &mut Child,
    folder: &Path,
    begun: &Seen,
    draw: &mut Rng,
) -> Option<Seen> {
    let longer = Duration::from_micros(draw.below(phase.longest()).into());
    while !phase.is_seen(folder, begun) {
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        std::thread::sleep(Duration::from_micros(50));
    }
    let seen = Seen::in_folder(folder);
    std::thread::sleep(longer);
    child.kill().unwrap();
    // Killed is what has no exit code.
    child.wait().unwrap().code().is_none().then_some(seen)
}

/// Kills so many processes; moments are drawn by the seed.
fn kill_again_and_again(kills: usize, seed: u64) {
    let start = Instant::now();
    let whole = tempfile::tempdir().unwrap();
    printed(&begin(whole.path()).output().unwrap());
    let (expected, trained) = (lines(whole.path()), networks(whole.path()));
    assert_eq!((expected.len(), trained.len()), (4, 4));
    let mut draw = Address::new(seed, Purpose::named("moments of kills")).rng();
    let mut tally: BTreeMap<Phase, usize> = BTreeMap::new();
    let (mut number, mut benchmarks) = (0, 0);
    while number < kills {
        benchmarks += 1;
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut last = Seen::default();
        loop {
            let is_begun = folder.join("unfinished.json").exists();
            let mut command = if is_begun { resume(folder) } else { begin(folder) };
            if number == kills {
                printed(&command.output().unwrap());
                break;
            }
            let phase = Phase::ALL[number % Phase::ALL.len()];
            let moment = format!("kill {}, {phase:?}", number + 1);
            let mut child = command.spawn().unwrap();
            let Some(seen) = killed_in(phase, &mut child, folder, &last, &mut draw) else {
                // Too quick for this phase: the next folder is killed in it.
                let output = child.wait_with_output().unwrap();
                let error = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{moment}: {error}");
                break;
            };
            number += 1;
            *tally.entry(phase).or_default() += 1;
            assert_whole(folder, &moment);
            let is_named = folder.join("results.jsonl").exists();
            if is_named && !folder.join("unfinished.json").exists() {
                break;
            }
            // There is a checkpoint after every step: what was seen before is never lost.
            let now = Seen::in_folder(folder);
            for earlier in [&seen, &last] {
                let kept = is_named || now.reached >= earlier.reached;
                assert!(kept, "{moment}: {now:?} after {earlier:?}");
            }
            last = now;
        }
        assert_eq!(lines(folder), expected, "benchmark {benchmarks}");
        assert!(networks(folder) == trained, "benchmark {benchmarks}: other networks");
        let left = names(folder);
        assert!(!left.iter().any(|name| name.ends_with(".partial")), "{left:?}");
        assert!(left.iter().any(|name| name == "report.html"), "{left:?}");
        assert!(benchmarks <= 2 * kills, "too quick to be killed: {tally:?}");
    }
    println!(
        "{number} kills in {benchmarks} benchmarks: {tally:?}; each ended as the one that was not killed, {:.0} s",
        start.elapsed().as_secs_f64()
    );
    assert_eq!(tally.values().sum::<usize>(), kills);
    assert_eq!(tally.len(), Phase::ALL.len(), "{tally:?}");
}

/// 10 kills, or 200 for `cargo xtask soak`.
#[test]
fn kills_at_drawn_moments_lose_nothing_and_damage_nothing() {
    match std::env::var_os("CONTINUAL_SOAK") {
        None => kill_again_and_again(10, 7),
        Some(_) => kill_again_and_again(200, 8),
    }
}
