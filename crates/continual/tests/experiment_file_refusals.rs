//! Experiments described by files that say what is unknown or impossible: one line each, with file,
//! line, key, value and what was expected.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use continual::{Bench, Error, ExperimentFile, Strengths};

fn bench(text: &str) -> Result<Bench, Error> {
    ExperimentFile::parse(text, "mine.toml").bench(&Strengths::built_in().unwrap())
}

/// The one line of a refusal.
fn refusal(text: &str) -> String {
    let Err(error) = bench(text) else { panic!("{text:?} should be refused") };
    assert!(error.is_bad_input(), "{error}");
    let message = error.to_string();
    assert!(!message.contains('\n') && message.starts_with("mine.toml"), "{message}");
    message
}

#[test]
fn what_is_unknown_is_refused_with_line_and_nearest_name() {
    let cases: &[(&str, &str)] = &[
        (
            "scenrio = 'task'",
            "mine.toml:1: top-level key `scenrio` is unknown: did you mean `scenario`?",
        ),
        (
            "\n\n[training]\nstpes = 5",
            "mine.toml:4: key of [training] `stpes` is unknown: did you mean `steps`?",
        ),
        (
            "[trainig]\nsteps = 5",
            "mine.toml:1: top-level key `trainig` is unknown: did you mean `training`?",
        ),
        (
            "# a\nsteps = 5",
            "mine.toml:2: top-level key `steps` is unknown: it stands in [training]",
        ),
        (
            "[data]\nseeds = 5",
            "mine.toml:2: key of [data] `seeds` is unknown: it stands before the first table",
        ),
        ("[training]\nreset-optimizer = true", "did you mean `reset_optimizer`?"),
        (
            "scenario = ['task',\n 'klass']",
            "mine.toml:2: scenario `klass` is unknown: did you mean `class`?",
        ),
        (
            "[training]\ndevice = 'cpu'",
            "mine.toml:2: key of [training] `device` is unknown: it stands before the first table",
        ),
        ("device = 'cuda'", "mine.toml:1: device `'cuda'`: expected cpu, gpu, gpu:NAME or auto"),
        ("device = 1", "mine.toml:1: device `1`: expected cpu, gpu, gpu:NAME or auto"),
        // Without the feature `gpu` since no GPU is built in, with it since none is called so.
        ("\ndevice = \"gpu:nobody's\"", "mine.toml:2: "),
        ("preset = 'vvd'", "preset `vvd` is unknown: did you mean `vdv`?"),
        (
            "[data]\ndataset = 'minst'",
            "mine.toml:2: data set `minst` is unknown: did you mean `mnist`?",
        ),
        ("[data]\nprotocol = 'splt'", "protocol `splt` is unknown: did you mean `split`?"),
        ("[data]\npart = 'finl'", "part `finl` is unknown: did you mean `final`?"),
        ("[network]\ninit = 'xavier'", "initializer `xavier` is unknown"),
        ("[optimizer]\nname = 'adm'", "optimizer `adm` is unknown: did you mean `adam`?"),
        ("[schedule]\nname = 'cosin'", "schedule `cosin` is unknown: did you mean `cosine`?"),
        (
            "[training]\nmix = 'by_context'",
            "mix `by_context` is unknown: did you mean `by-context`?",
        ),
        (
            "[[strategy]]\nname = 'ewx'",
            "mine.toml:2: strategy `ewx` is unknown: did you mean `ewc`?",
        ),
        (
            "strategy = ['none',\n'jiont']",
            "mine.toml:2: strategy `jiont` is unknown: did you mean `joint`?",
        ),
        (
            "[[strategy]]\nname = 'ewc'\nlamda = 1",
            "mine.toml:3: hyper-parameter `lamda` is unknown: did you mean `lambda`?",
        ),
        (
            "[[strategy]]\nname = 'xdg+ewc'\newc.lamda = 1",
            "hyper-parameter `ewc.lamda` is unknown: did you mean `ewc.lambda`?",
        ),
        (
            "[[strategy]]\nname = 'xdg+ewc'\newx.lambda = 1",
            "part of a strategy `ewx` is unknown: did you mean `ewc`?",
        ),
        (
            "[[strategy]]\nname = 'ewc'\nc = 1",
            "mine.toml:3: strategy.c: strategy `ewc` has no hyper-parameter `c`, which is one of si",
        ),
        ("[[strategy]]\nname = 'none'\nstrength = 1", "strategy `none` has no hyper-parameters"),
    ];
    for (text, expected) in cases {
        let message = refusal(text);
        assert!(message.contains(expected), "{message:?} should say {expected:?}");
    }
}

#[test]
fn impossible_values_are_refused_with_line_key_value_and_what_was_expected() {
    let cases: &[(&str, &str)] = &[
        (
            "[optimizer]\nlr = -1e-3",
            "mine.toml:2: optimizer.lr `-1e-3`: expected a positive number",
        ),
        ("[optimizer]\nlr = nan", "optimizer.lr `nan`: expected a positive number"),
        ("[optimizer]\nlr = inf", "optimizer.lr `inf`"),
        ("[optimizer]\nlr = 'fast'", "optimizer.lr `'fast'`: expected a number"),
        (
            "[optimizer]\nlr = [1e-3, 1e-2]",
            "optimizer.lr `[1e-3, 1e-2]`: expected a number; only hyper-parameters of strategies are swept",
        ),
        ("[optimizer]\nbeta1 = 1", "optimizer.beta1 `1`: expected at least 0, below 1"),
        (
            "[optimizer]\nmomentum = 0.9",
            "optimizer.momentum: `adam` has no momentum, expected name = sgd",
        ),
        (
            "[optimizer]\nnesterov = true",
            "optimizer.nesterov: `adam` has no nesterov, expected name = sgd",
        ),
        (
            "[optimizer]\nname = 'sgd'\nnesterov = true",
            "mine.toml:3: optimizer.nesterov `true`: expected false, or a momentum",
        ),
        ("[optimizer]\nname = 'sgd'\neps = 1", "expected name = adam or adamw"),
        (
            "[network]\ndropout = 1.5",
            "mine.toml:2: network.dropout `1.5`: expected a number at least 0, below 1",
        ),
        ("[network]\ndropout = 0.999999999", "network.dropout"),
        (
            "[network]\nhidden = [128, 0]",
            "network.hidden `0`: expected a whole number from 1 to 16384",
        ),
        ("[network]\nhidden = '128'", "network.hidden `'128'`"),
        ("[network]\nhidden = [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "a list of at most 16 layers"),
        (
            "[training]\nbatch = 0",
            "mine.toml:2: training.batch `0`: expected a whole number from 1 to 16384",
        ),
        ("[training]\nbatch = 1.5", "training.batch `1.5`"),
        (
            "[training]\nsteps = -3",
            "training.steps `-3`: expected a whole number from 1 to 858993459",
        ),
        ("[training]\nsteps = 99999999999999999999", "training.steps `99999999999999999999`"),
        ("[training]\nthreads = 0", "training.threads `0`"),
        (
            "[training]\nreset_optimizer = 'no'",
            "training.reset_optimizer `'no'`: expected true or false",
        ),
        (
            "[training]\nmix = { fixed = 2 }",
            "training.mix.fixed `2`: expected a number from 0 to 1",
        ),
        (
            "[training]\nmix = { fix = 0.5 }",
            "expected \"by-context\", \"by-rows\", \"sum\" or { fixed = X }",
        ),
        ("[training]\nmix = 'fixed'", "{ fixed = 0.5 }"),
        (
            "[schedule]\nname = 'cosine'\nfloor = -0.1",
            "schedule.floor `-0.1`: expected a number from 0 to 1",
        ),
        (
            "[schedule]\nname = 'cosine'\nsteps = 5\nwarmup = 6",
            "mine.toml:4: schedule.warmup `6`: expected a whole number from 0 to 5",
        ),
        (
            "[schedule]\nwarmup = 6",
            "schedule.warmup: `constant` has no warmup, expected name = \"cosine\"",
        ),
        ("[data]\ncontexts = 3", "mine.toml:2: split stream of 3 contexts over digits"),
        ("[data]\ncontexts = 0", "data.contexts `0`"),
        ("[data]\npadding = 2", "data.padding `2`: expected 0: only protocol `permuted` pads"),
        ("[data]\nfolder = 3", "data.folder `3`: expected a path"),
        ("data = 3", "mine.toml:1: data `3`: expected a table, [data]"),
        ("scenario = []", "scenario `[]`: expected a list of at least one scenario"),
        ("scenario = 3", "scenario `3`: expected one of \"task\", \"domain\", \"class\""),
        ("seeds = 0", "seeds `0`: expected a whole number from 1 to 1000"),
        ("seeds = []", "seeds `[]`: expected a list of at most 1000 different whole numbers"),
        ("seeds = [2, 2]", "seeds `[2, 2]`"),
        ("seeds = [-1]", "seeds `-1`"),
        ("seeds = '6..2'", "seeds `'6..2'`"),
        ("seeds = '2-6'", "a range \"2..6\" with both ends"),
        ("seeds = '0..18446744073709551615'", "seeds `'0..18446744073709551615'`"),
        ("strategy = 'ewc'", "strategy `'ewc'`: expected tables [[strategy]]"),
        ("strategy = []", "strategy `[]`"),
        ("strategy = [3]", "strategy `3`: expected the name of a strategy"),
        ("[[strategy]]\nlambda = 3", "mine.toml:1: strategy: `name` is missing"),
        ("[[strategy]]\nname = 'none+er'", "`none` is a baseline"),
        ("strategy = [\n'er',\n'er']", "mine.toml:3: strategy `er` is there twice"),
        (
            "strategy = [{ name = 'ewc', lambda = [1, 2] },\n{ name = 'ewc', lambda = 2 }]",
            "mine.toml:2: strategy `ewc lambda=2` is there twice",
        ),
        ("[[strategy]]\nname = 'all'\newc.lambda = 1", "`all` takes no hyper-parameters"),
        (
            "[[strategy]]\nname = 'ewc'\n\nlambda = [1,\n -1]",
            "mine.toml:5: ewc: lambda = -1; expected a finite number of at least 0",
        ),
        (
            "[[strategy]]\nname = 'ewc'\nlambda = [1, nan]",
            "strategy.lambda `nan`: expected a number that 32 bits hold",
        ),
        (
            "[[strategy]]\nname = 'ewc'\nlambda = 1e60",
            "strategy.lambda `1e60`: expected a number that 32 bits hold",
        ),
        (
            "[[strategy]]\nname = 'ewc'\nlambda = []",
            "strategy.lambda `[]`: expected at least one value",
        ),
        (
            "[[strategy]]\nname = 'ewc'\nlambda = [1, 1.0]",
            "strategy.lambda `1.0`: expected each value of a sweep once",
        ),
        (
            "[[strategy]]\nname = 'ewc'\nlambda = 'much'",
            "strategy.lambda `'much'`: expected a number, at least 0, or a list of them",
        ),
        ("[[strategy]]\nname = 'ewc'\nlambda = [[1]]", "strategy.lambda `[1]`: expected a number"),
        (
            "[[strategy]]\nname = 'ewc'\nlambda = 1\newc.lambda = 2",
            "mine.toml:4: strategy.ewc.lambda: given twice",
        ),
        ("[[strategy]]\nname = 'xdg'\np = 1", "mine.toml:3: xdg: p = 1"),
        (
            "[[strategy]]\nname = 'er'\nper_class = 1.5",
            "strategy.per_class `1.5`: expected a whole number of at least 0",
        ),
        ("[[strategy]]\nname = 'er'\nper_class = 0", "mine.toml:3: er"),
        (
            "[[strategy]]\nname = 'ewc+ewc-online'\nlambda = 1",
            "several parts of `ewc+ewc-online` have it, expected one of ewc.lambda, ewc-online.lambda",
        ),
        (
            "scenario = 'class'\n[[strategy]]\nname = 'xdg'",
            "mine.toml:3: xdg needs the context of each",
        ),
        (
            "[network]\nhidden = [16384, 16384]",
            "mine.toml:2: MLP of sizes [64, 16384, 16384, 10]: 269680650 parameters, expected at most 100000000",
        ),
        ("[data]\ndataset = 'mnist'\nfolder = 'nowhere'", "mine.toml: mnist: no files found"),
        ("[training]\nsteps = \n", "mine.toml:2: not TOML: "),
        ("seeds = 1\nseeds = 2", "mine.toml:2: not TOML: duplicate key"),
    ];
    for (text, expected) in cases {
        let message = match bench(text).and_then(|bench| bench.costs()) {
            Ok(_) => panic!("{text:?} should be refused"),
            Err(error) => error.to_string(),
        };
        assert!(message.contains(expected), "{message:?} should say {expected:?}");
    }
}

#[test]
fn a_sweep_of_more_than_a_thousand_runs_is_refused() {
    let values: Vec<String> = (0..40).map(|value| value.to_string()).collect();
    let values = values.join(", ");
    let text = format!("[[strategy]]\nname = 'ewc+si'\nlambda = [{values}]\nc = [{values}]");
    let message = refusal(&text);
    assert!(message.starts_with("mine.toml:2: ") && message.contains("1600 values"), "{message}");
}
