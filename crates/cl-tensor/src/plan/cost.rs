//! What a plan costs: as a whole, and by what is done.

use super::program::{Load, Program};
use super::{Commit, Kernel, Plan, emit};
use crate::wgsl::SCRATCH;
use std::collections::{BTreeMap, BTreeSet};

/// The cost of one run for one member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Multiply-accumulates of the products.
    pub macs: u64,
    /// Bytes read and written by all kernels.
    pub bytes: u64,
    /// Kernels.
    pub kernels: usize,
    /// Kernels and commits that only move memory.
    pub copies: usize,
    /// Dispatches on a GPU, one list for any number of members; more where inner lanes take more than
    /// [`SCRATCH`](crate::wgsl::SCRATCH). None where an operation has no WGSL.
    pub dispatches: Option<usize>,
}

/// What kernels of one kind cost together, in one run for one member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindCost {
    /// `product`, `pointwise`, `gather`, `scatter`, `reduction`, `softmax`, `random`, `copy`, or the operation's
    /// own name.
    pub kind: &'static str,
    /// Kernels and commits; of a plan within the plan, those of all its lanes.
    pub kernels: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes read and written.
    pub bytes: u64,
    /// Dispatches that have such a kernel. Kernels that do not wait for each other share one, so that kinds add
    /// up to more than [`Cost::dispatches`].
    pub dispatches: Option<usize>,
}

/// Sums by name of the kernels.
type Tally = BTreeMap<&'static str, KindCost>;

impl Plan {
    /// What one run costs one member.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let dispatches = self.rounds(SCRATCH).ok().map(|rounds| rounds.len());
        Cost { dispatches, ..self.work() }
    }

    /// As [`Plan::cost`] without the dispatches, which take writing WGSL.
    pub(crate) fn work(&self) -> Cost {
        let copies = self.kernels.iter().filter(
            |kernel| matches!(kernel, Kernel::Pointwise(program) if emit::is_copy(program)),
        );
        let mut cost = Cost {
            kernels: self.kernels.len(),
            copies: copies.count() + self.commits.len(),
            ..Cost::default()
        };
        for KindCost { macs, bytes, .. } in self.tally().values() {
            cost.macs += macs;
            cost.bytes += bytes;
        }
        cost
    }

    /// What one run costs one member by the kind of kernel: most multiply-accumulates first, then most bytes.
    #[must_use]
    pub fn cost_by_kind(&self) -> Vec<KindCost> {
        let rounds = self.rounds(SCRATCH).ok();
        let mut kinds = Tally::new();
        for (name, part) in self.tally() {
            add(&mut kinds, kind(name), part);
        }
        for names in rounds.iter().flatten() {
            let shared: BTreeSet<&'static str> = names.iter().map(|&name| kind(name)).collect();
            for kind in shared {
                let entry = kinds.entry(kind).or_default();
                entry.kind = kind;
                *entry.dispatches.get_or_insert(0) += 1;
            }
        }
        let mut kinds: Vec<KindCost> = kinds.into_values().collect();
        if rounds.is_some() {
            for it in &mut kinds {
                it.dispatches.get_or_insert(0);
            }
        }
        kinds.sort_by_key(|it| std::cmp::Reverse((it.macs, it.bytes)));
        kinds
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally::new();
        for kernel in &self.kernels {
            match kernel {
                Kernel::Pointwise(program) => {
                    add(&mut tally, "pointwise", moved(traffic(program)));
                }
                Kernel::Product(p) => {
                    let (batch, m, k, n) = (p.batch as u64, p.m as u64, p.k as u64, p.n as u64);
                    let bytes = 4 * batch * (m * k + k * n + m * n);
                    let bytes = bytes + p.epilogue.as_ref().map_or(0, traffic);
                    let macs = batch * m * k * n;
                    add(&mut tally, "product", KindCost { macs, ..moved(bytes) });
                }
                Kernel::Op { op, input_types, output_type, .. } => {
                    if let Some(inside) = op.inside() {
                        let lanes = inside.lanes as u64;
                        for (name, part) in inside.body.tally() {
                            add(&mut tally, name, times(lanes, part));
                        }
                        for leaves in &inside.leaves {
                            let name = if leaves.summed { "sum_inner" } else { "stacked" };
                            add(&mut tally, name, times(lanes, moved(8 * leaves.len as u64)));
                        }
                        continue;
                    }
                    let inputs: Vec<&crate::Type> = input_types.iter().collect();
                    let (macs, bytes) =
                        (op.macs(&inputs, output_type), op.bytes(&inputs, output_type));
                    add(&mut tally, op.name(), KindCost { macs, ..moved(bytes) });
                }
                Kernel::Zero(gaps) => {
                    let bytes = gaps.iter().map(|(_, len)| 4 * *len as u64).sum();
                    add(&mut tally, "zero", moved(bytes));
                }
            }
        }
        for commit in &self.commits {
            match *commit {
                Commit::Whole { len, .. } => add(&mut tally, "commit", moved(8 * len as u64)),
                Commit::Rows { count, width, .. } => {
                    let bytes = 4 * (count + 2 * count * width) as u64;
                    add(&mut tally, "assign_rows", moved(bytes));
                }
            }
        }
        tally
    }
}

/// The kind of a kernel by its name, on the CPU and in WGSL.
fn kind(name: &'static str) -> &'static str {
    match name {
        "gather" | "gather_decode" | "gather_columns" => "gather",
        "scatter_add" | "scatter_columns" | "assign_rows" => "scatter",
        "sum" | "sum_inner" | "argmax" => "reduction",
        "log_softmax" => "softmax",
        "cross_entropy_grad" => "cross_entropy",
        "uniform" | "normal" => "random",
        "zero" | "commit" | "stacked" | "outputs" | "concat" => "copy",
        other => other,
    }
}

/// One kernel that moves so many bytes.
fn moved(bytes: u64) -> KindCost {
    KindCost { kernels: 1, bytes, ..KindCost::default() }
}

fn times(count: u64, it: KindCost) -> KindCost {
    let KindCost { kernels, macs, bytes, .. } = it;
    KindCost { kernels: count * kernels, macs: count * macs, bytes: count * bytes, ..it }
}

fn add(tally: &mut Tally, kind: &'static str, part: KindCost) {
    let sum = tally.entry(kind).or_default();
    sum.kind = kind;
    sum.kernels += part.kernels;
    sum.macs += part.macs;
    sum.bytes += part.bytes;
}

fn traffic(program: &Program) -> u64 {
    let wide = program.loads.iter().filter(|load| !matches!(load, Load::Splat(_))).count();
    4 * program.len as u64 * (wide + program.stores.len()) as u64
}
