//! The list of programs.

use crate::{cookbook as c, tutorial as t};
use std::error::Error;

/// A program: a file whose first line of docs asks a question, or says what it is.
pub struct Program {
    pub name: &'static str,
    pub text: &'static str,
    pub run: fn() -> Result<(), Box<dyn Error>>,
}

impl Program {
    /// The text of a line of docs at the top of the file, without its mark.
    fn docs(&self) -> impl Iterator<Item = &'static str> {
        let lines = self.text.lines().map_while(|line| line.strip_prefix("//!"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line))
    }

    /// What it answers.
    pub fn question(&self) -> &'static str {
        self.docs().next().unwrap_or_default()
    }

    /// The answer in words.
    pub fn answer(&self) -> String {
        self.docs().skip(2).collect::<Vec<_>>().join("\n")
    }

    /// The program below its docs.
    pub fn code(&self) -> &'static str {
        let docs: usize = self.text.lines().map_while(docs_line).sum();
        self.text[docs..].trim_start()
    }
}

/// Bytes of a line of docs, its end included.
fn docs_line(line: &str) -> Option<usize> {
    line.starts_with("//!").then(|| line.len() + 1)
}

/// Every program, in the order of the pages: the tutorial's first.
pub const PROGRAMS: &[Program] = &[
    Program {
        name: "first-stream",
        text: include_str!("tutorial/first_stream.rs"),
        run: t::first_stream::run,
    },
    Program {
        name: "first-strategy",
        text: include_str!("tutorial/first_strategy.rs"),
        run: t::first_strategy::run,
    },
    Program { name: "compare", text: include_str!("cookbook/compare.rs"), run: c::compare::run },
    Program { name: "composed", text: include_str!("cookbook/composed.rs"), run: c::composed::run },
    Program { name: "own-data", text: include_str!("cookbook/own_data.rs"), run: c::own_data::run },
    Program {
        name: "own-network",
        text: include_str!("cookbook/own_network.rs"),
        run: c::own_network::run,
    },
    Program {
        name: "own-metric",
        text: include_str!("cookbook/own_metric.rs"),
        run: c::own_metric::run,
    },
    Program {
        name: "own-with-replay",
        text: include_str!("cookbook/own_with_replay.rs"),
        run: c::own_with_replay::run,
    },
    Program { name: "contexts", text: include_str!("cookbook/contexts.rs"), run: c::contexts::run },
    Program {
        name: "forgetting",
        text: include_str!("cookbook/forgetting.rs"),
        run: c::forgetting::run,
    },
    Program {
        name: "while-training",
        text: include_str!("cookbook/while_training.rs"),
        run: c::while_training::run,
    },
    Program { name: "resume", text: include_str!("cookbook/resume.rs"), run: c::resume::run },
    Program { name: "grid", text: include_str!("cookbook/grid.rs"), run: c::grid::run },
    Program {
        name: "population",
        text: include_str!("cookbook/population.rs"),
        run: c::population::run,
    },
    Program { name: "budget", text: include_str!("cookbook/budget.rs"), run: c::budget::run },
    Program { name: "costs", text: include_str!("cookbook/costs.rs"), run: c::costs::run },
    Program {
        name: "task-free",
        text: include_str!("cookbook/task_free.rs"),
        run: c::task_free::run,
    },
    Program { name: "gating", text: include_str!("cookbook/gating.rs"), run: c::gating::run },
    Program { name: "csv", text: include_str!("cookbook/csv.rs"), run: c::csv::run },
    Program {
        name: "read-results",
        text: include_str!("cookbook/read_results.rs"),
        run: c::read_results::run,
    },
    Program {
        name: "elsewhere",
        text: include_str!("cookbook/elsewhere.rs"),
        run: c::elsewhere::run,
    },
    Program { name: "gpu", text: include_str!("cookbook/gpu.rs"), run: c::gpu::run },
];

/// How many of them are the tutorial's.
pub(crate) const TUTORIAL: usize = 2;
