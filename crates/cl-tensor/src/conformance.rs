//! The suite every operation passes, on this crate's list and on the lists of others.
//!
//! For each [`Case`]: the CPU's value against the f64 reference and against what was worked out by
//! hand; first and second derivatives against finite differences in a random direction (in f64, on
//! the same graph interpreted) and the CPU's against those; three members against three single runs
//! and two threads against one, bit for bit.

mod suite;

use crate::error::Error;
use crate::graph::Graph;
use crate::plan::Plan;
use crate::session::Session;
use crate::types::{DType, Type};
use crate::var::Var;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

type Build = Arc<dyn for<'g> Fn(&'g Graph, &[Var<'g>]) -> Var<'g> + Send + Sync>;

/// What an input of a case is filled with.
#[derive(Clone, Debug)]
pub enum Fill {
    /// Uniform floats in `[low, high)`.
    Uniform(f64, f64),
    /// Uniform indices below the bound.
    Below(u32),
    /// These values.
    Values(Vec<f64>),
}

/// One use of an operation: inputs and the formula that uses them.
#[derive(Clone)]
pub struct Case {
    pub(crate) name: String,
    pub(crate) inputs: Vec<(Type, Fill)>,
    pub(crate) build: Option<Build>,
    pub(crate) differentiable: bool,
    pub(crate) tolerance: f64,
    pub(crate) expected: Option<Vec<f64>>,
}

impl Case {
    /// A case without inputs yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            inputs: Vec::new(),
            build: None,
            differentiable: true,
            tolerance: 1e-5,
            expected: None,
        }
    }

    /// Adds a float input in [−2, 2).
    #[must_use]
    pub fn f32(self, shape: &[usize]) -> Self {
        self.range(shape, -2.0, 2.0)
    }

    /// Adds a float input in `[low, high)`.
    #[must_use]
    pub fn range(self, shape: &[usize], low: f64, high: f64) -> Self {
        self.input(Type::f32(shape), Fill::Uniform(low, high))
    }

    /// Adds a float input with these values.
    #[must_use]
    pub fn values(self, shape: &[usize], values: &[f64]) -> Self {
        self.input(Type::f32(shape), Fill::Values(values.to_vec()))
    }

    /// Adds an index input, uniform below `bound`.
    #[must_use]
    pub fn below(self, shape: &[usize], bound: u32) -> Self {
        self.input(Type::u32(shape), Fill::Below(bound))
    }

    /// Adds an index input with these values.
    #[must_use]
    pub fn indices(self, shape: &[usize], values: &[u32]) -> Self {
        let values = values.iter().map(|&v| f64::from(v)).collect();
        self.input(Type::u32(shape), Fill::Values(values))
    }

    /// Adds resident bytes, uniform over 0 to 255.
    #[must_use]
    pub fn bytes(self, shape: &[usize]) -> Self {
        self.input(Type { shape: shape.to_vec(), dtype: DType::U8 }, Fill::Below(256))
    }

    /// Adds an input.
    #[must_use]
    pub fn input(mut self, ty: Type, fill: Fill) -> Self {
        self.inputs.push((ty, fill));
        self
    }

    /// Without a derivative to check: comparisons, indices, random numbers.
    #[must_use]
    pub fn without_derivative(mut self) -> Self {
        self.differentiable = false;
        self
    }

    /// Largest |value − reference| relative to the largest |reference|; 1e-5 unless said.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The result worked out by hand.
    #[must_use]
    pub fn expect(mut self, values: &[f64]) -> Self {
        self.expected = Some(values.to_vec());
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The program that the suite runs: the formula and, where there are any, its derivatives.
    ///
    /// # Errors
    /// A case without a formula, or one that does not fit its inputs.
    pub fn plan(&self) -> Result<Plan, String> {
        let graph = Graph::new();
        suite::record(&graph, self)?;
        Plan::compile(&graph).map_err(|error| error.to_string())
    }

    /// The formula; completes the case.
    #[must_use]
    pub fn formula(
        mut self,
        build: impl for<'g> Fn(&'g Graph, &[Var<'g>]) -> Var<'g> + Send + Sync + 'static,
    ) -> Self {
        self.build = Some(Arc::new(build));
        self
    }
}

/// Runs every case of every operation of the list on the CPU.
///
/// # Panics
/// With one line per case that failed, and for an operation without cases.
pub fn check(list: &[(&'static str, Vec<Case>)]) {
    check_each(list, suite::run);
}

/// Runs every case of every operation of the list on another device, whose sessions `session` makes
/// for members with these seeds: the value and its derivatives against the f64 reference, three members
/// against three single runs, bit for bit.
///
/// # Panics
/// As [`check`].
pub fn check_on(list: &[(&'static str, Vec<Case>)], session: &MakeSession<'_>) {
    check_each(list, |op, case| suite::run_on(op, case, session));
}

/// Makes a session for members with these seeds.
pub type MakeSession<'a> = dyn Fn(&[u64]) -> Result<Box<dyn Session>, Error> + 'a;

fn check_each(list: &[(&'static str, Vec<Case>)], run: impl Fn(&str, &Case) -> Result<(), String>) {
    let mut failures = Vec::new();
    for (op, cases) in list {
        if cases.is_empty() {
            failures.push(format!("{op}: no cases"));
        }
        for case in cases {
            // A case whose run panics is a failure like others, and has to be named like others.
            let outcome = catch_unwind(AssertUnwindSafe(|| run(op, case)))
                .unwrap_or_else(|_| Err("panicked, see the message above".to_owned()));
            if let Err(message) = outcome {
                failures.push(format!("{op}, case `{}`: {message}", case.name));
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
