//! The verbs, in the order of the overview.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::{bench, methods, soak, speed, test, tidy};

/// A command of `cargo xtask`.
pub(crate) struct Verb {
    pub(crate) name: &'static str,
    pub(crate) arguments: &'static str,
    /// What it does, in one line of the overview.
    pub(crate) purpose: &'static str,
    pub(crate) run: fn(&[OsString]) -> Result<ExitCode>,
}

pub(crate) const VERBS: [Verb; 8] = [
    Verb {
        name: "bench",
        arguments: "[OPTIONS]",
        purpose: "build in release mode, run the benchmark, print the table of strategies by scenarios",
        run: bench::bench,
    },
    Verb {
        name: "resume",
        arguments: "DIR",
        purpose: "go on with a benchmark that was interrupted, from its folder",
        run: bench::resume,
    },
    Verb {
        name: "repro",
        arguments: "TABLE [OPTIONS]",
        purpose: "hold a published table of docs/repro against what this program gives",
        run: bench::repro,
    },
    Verb {
        name: "speed",
        arguments: "[FILTER]",
        purpose: "time training steps and products, with --peers beside PyTorch, with --device on a GPU",
        run: speed::run,
    },
    Verb {
        name: "test",
        arguments: "[FILTER]",
        purpose: "every test of the workspace, doc tests included, then tidy",
        run: test::run,
    },
    Verb {
        name: "soak",
        arguments: "[PART...]",
        purpose: "what takes minutes: 200 kills, 10,000 contexts, fuzzing of everything that is read",
        run: soak::run,
    },
    Verb {
        name: "methods",
        arguments: "",
        purpose: "write the pages of docs/methods anew, from doc comments, registry and a dry run",
        run: methods::run,
    },
    Verb {
        name: "tidy",
        arguments: "[CHECK...]",
        purpose: "the rules a compiler does not check: file length, crate levels, sources, links, docs",
        run: tidy::run,
    },
];
