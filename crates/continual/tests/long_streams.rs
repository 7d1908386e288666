//! Streams of very many contexts: what results say of them, and that memory and steps stay as they are.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use continual::core::{Error, Learner, Observer};
use continual::{Bench, Line, Request, Strengths};
use std::time::Instant;

fn request(contexts: usize, every: usize, stream: &str) -> Request {
    Request {
        strategy: Some("none".to_owned()),
        scenario: Some("domain".to_owned()),
        protocol: Some("permuted".to_owned()),
        stream: Some(stream.to_owned()),
        contexts: Some(contexts),
        evaluate_every: Some(every),
        hidden: Some("8".to_owned()),
        steps: (stream != "one-pass").then_some(3),
        fuzziness: (stream == "fuzzy").then_some(1),
        batch: Some(32),
        seeds: Some(1),
        threads: Some(1),
        ..Request::default()
    }
}

fn run(request: &Request, observer: &mut dyn Observer) -> Line {
    let bench = Bench::new(request, &Strengths::built_in().unwrap()).unwrap();
    let trained = bench.cells[0].run(observer).unwrap();
    trained.lines.into_iter().next().unwrap()
}

#[test]
fn results_say_which_contexts_were_evaluated_and_when() {
    let line = run(&request(120, 40, "sharp"), &mut ());
    // ⌈i 120 / 50⌉ for i of 1 to 50: 3, 5, 8, 10, 12, ..; rows after 40, 80 and 120.
    assert_eq!(line.tracked_contexts[..5], [3, 5, 8, 10, 12]);
    assert_eq!((line.tracked_contexts.len(), line.tracked_contexts[49]), (50, 120));
    assert_eq!(line.evaluated_after, [40, 80, 120]);
    assert_eq!((line.accuracy.len(), line.accuracy[0].len()), (3, 50));
    assert_eq!(line.accuracy_before.len(), 50);
    assert_eq!(line.settings.evaluate_every, 40);
    let mean = line.accuracy[2].iter().sum::<f64>() / 50.0;
    assert!((line.metrics["final_accuracy"] - mean).abs() < 1e-12);
    assert_eq!(
        line.metrics_undefined["bwt_gem"],
        "bwt_gem needs a row right after every tracked context; this matrix has none after context 3"
    );
    let told = &line.conventions["accuracy"];
    let expected = "; 50 of 120 contexts, evenly spread, are evaluated after every 40 contexts, and the last: \
                    metrics are those of these contexts as if they were the stream";
    assert!(told.ends_with(expected), "{told}");
    // What is written is read back, with the contexts of its rows and columns.
    let text = serde_json::to_string(&line).unwrap();
    let read: Line = serde_json::from_str(&text).unwrap();
    assert_eq!(read, line);
    let matrix = read.matrix().unwrap();
    assert_eq!((matrix.contexts(), matrix.evaluated_after()), (120, Some(&[39, 79, 119][..])));
}

/// Evaluated after each tracked context, all metrics but one have a value.
#[test]
fn where_every_tracked_context_is_evaluated_when_it_was_learned_metrics_are_defined() {
    let line = run(&request(100, 2, "sharp"), &mut ());
    assert_eq!(line.tracked_contexts, line.evaluated_after);
    let undefined: Vec<&str> = line.metrics_undefined.keys().map(String::as_str).collect();
    assert_eq!(undefined, ["fwt_gem", "intransigence"]);
}

/// The same lines as ever where every context is evaluated after every context.
#[test]
fn a_short_stream_says_nothing_of_it() {
    let line = run(&request(5, 1, "sharp"), &mut ());
    let text = serde_json::to_string(&line).unwrap();
    for word in ["tracked", "evaluated_after", "evaluate_every"] {
        assert!(!text.contains(word), "{word}");
    }
    assert_eq!((line.accuracy.len(), line.accuracy[0].len()), (5, 5));
}

#[test]
fn an_interval_of_no_contexts_is_refused() {
    let refused = Bench::new(&request(5, 0, "sharp"), &Strengths::built_in().unwrap());
    let Err(error) = refused else { panic!("refused") };
    assert_eq!(error.to_string(), "--evaluate-every `0`: expected 1 to 10000");
}

/// Memory and seconds when a stage is reached.
#[derive(Clone, Copy, Debug)]
struct Mark {
    stage: usize,
    /// Bytes in memory now, and at most so far.
    resident: f64,
    peak: f64,
    /// Of training, and of everything.
    trained: f64,
    passed: f64,
}

struct Marks {
    begun: Instant,
    wanted: Vec<usize>,
    seen: Vec<Mark>,
}

impl Observer for Marks {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        let progress = learner.progress();
        if self.wanted.first() == Some(&progress.stage) && progress.step == 0 {
            self.wanted.remove(0);
            let (resident, peak) = memory();
            self.seen.push(Mark {
                stage: progress.stage,
                resident,
                peak,
                trained: progress.seconds,
                passed: self.begun.elapsed().as_secs_f64(),
            });
        }
        Ok(())
    }
}

/// MiB of this process now, and at most so far; 0 where the system does not say.
fn memory() -> (f64, f64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kib.unwrap_or_default() / 1024.0
    };
    (of("VmRSS:"), of("VmHWM:"))
}

/// 400 contexts, or 10,000 for `cargo xtask soak`: what is in memory at the end is what was there after a tenth.
#[test]
fn the_end_of_a_long_stream_takes_no_more_memory_than_its_start() {
    let contexts = match std::env::var_os("CONTINUAL_SOAK") {
        None => 400,
        Some(_) => 10_000,
    };
    for (stream, strategy) in [
        ("sharp", "none"),
        ("sharp", "ewc-online"),
        ("one-pass", "none"),
        ("fuzzy", "si"),
        ("random", "none"),
    ] {
        let strategy = Some(strategy.to_owned());
        let request = Request { strategy, ..request(contexts, contexts / 50, stream) };
        let (begun, tenth) = (Instant::now(), contexts / 10);
        let wanted = vec![tenth, 2 * tenth, 9 * tenth, contexts];
        let mut marks = Marks { begun, wanted, seen: Vec::new() };
        let line = run(&request, &mut marks);
        assert_eq!((line.accuracy.len(), line.accuracy[0].len()), (50, 50));
        let [first, second, ninth, last] = marks.seen[..] else { panic!("{:?}", marks.seen) };
        let per = |from: &Mark, to: &Mark, of: fn(&Mark) -> f64| {
            1e6 * (of(to) - of(from)) / (to.stage - from.stage) as f64
        };
        let trained = [(&first, &second), (&ninth, &last)].map(|(a, b)| per(a, b, |it| it.trained));
        let passed = [(&first, &second), (&ninth, &last)].map(|(a, b)| per(a, b, |it| it.passed));
        println!(
            "{stream}, {}: MiB at {tenth} contexts {:.1}, at {contexts} {:.1} (peaks {:.1}, {:.1}); us per \
             context of training {:.0}, then {:.0}, with evaluations {:.0}, then {:.0}",
            line.strategy,
            first.resident,
            last.resident,
            first.peak,
            last.peak,
            trained[0],
            trained[1],
            passed[0],
            passed[1]
        );
        // A matrix of 10,000 by 10,000 contexts would take 760 MiB.
        assert!(last.resident - first.resident < 32.0, "{stream}, {}: memory grows", line.strategy);
    }
}
