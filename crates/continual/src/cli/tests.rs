//! Options as they are typed.

use super::*;
use clap::CommandFactory;
use continual::Asked;

#[test]
fn the_options_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn a_refusal_is_one_line_and_keeps_the_suggestion() {
    let error = Cli::try_parse_from(["continual", "bench", "--sceanrio", "class"]).unwrap_err();
    let line = told(&error.render().to_string());
    assert!(line.starts_with("error: unexpected argument '--sceanrio' found; tip: "), "{line}");
    assert!(line.contains("'--scenario'") && !line.contains('\n'), "{line}");
}

#[test]
fn every_verb_that_trains_takes_a_device() {
    let verbs = [
        "bench",
        "run FILE.toml",
        "resume DIR",
        "repro TABLE.toml",
        "tradeoff ewc",
        "budget --bytes 10k",
        "tune",
        "show gates xdg",
    ];
    for verb in verbs {
        let words = format!("continual {verb} --device gpu:H100");
        let parsed = Cli::try_parse_from(words.split(' ')).unwrap();
        let told = format!("{:?}", parsed.command);
        assert!(told.contains("device: Some(\"gpu:H100\")"), "{verb}: {told}");
    }
}

#[test]
fn options_reach_the_request() {
    let arguments = [
        "continual",
        "bench",
        "--set",
        "ewc.lambda=1",
        "--set",
        "si.c=2",
        "--lr",
        "-1",
        "--seeds",
        "3",
        "--quick",
        "--hidden",
        "4,5",
    ];
    let Command::Bench(options) = Cli::try_parse_from(arguments).unwrap().command else {
        unreachable!("`bench` was asked for")
    };
    let request = options.request();
    assert_eq!(request.set, ["ewc.lambda=1", "si.c=2"]);
    assert_eq!((request.lr, request.seeds, request.quick), (Some(-1.0), Some(3), true));
    assert_eq!((request.hidden.as_deref(), request.threads), (Some("4,5"), None));
    assert_eq!(options.output.out, None);
}

/// No field is left out, for each is an option.
#[test]
fn the_command_that_a_report_names_gives_its_request_again() {
    let said = |text: &str| Some(text.to_owned());
    let request = Request {
        dataset: said("mnist"),
        scenario: said("task"),
        strategy: said("none,ewc+er"),
        protocol: said("permuted"),
        contexts: Some(7),
        stream: said("fuzzy"),
        fuzziness: Some(3),
        update_every: Some(20),
        evaluate_every: Some(2),
        anytime_every: Some(4),
        plasticity: true,
        seeds: Some(3),
        steps: Some(9),
        batch: Some(16),
        hidden: said("8,8"),
        weights: Some("weights.safetensors".into()),
        features: said("random"),
        optimizer: said("sgd"),
        lr: Some(0.5),
        set: vec!["ewc.lambda=1".to_owned(), "si.c=2".to_owned()],
        preset: said("vdv"),
        data: Some("folder".into()),
        threads: Some(2),
        device: said("cpu"),
        lanes: Some(1),
        quick: true,
    };
    let command = Asked::Request(request.clone()).command();
    let Command::Bench(options) = Cli::try_parse_from(command.split(' ')).unwrap().command else {
        unreachable!("`bench` was named")
    };
    assert_eq!(options.request(), request);
}
