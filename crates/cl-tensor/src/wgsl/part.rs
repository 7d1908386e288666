//! What is done in one dispatch: kernels that do not wait for each other, side by side.

use super::names::{Names, Place};
use super::{MOST_GROUPS, MOST_SHARED, Memory, WORKGROUP};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::Range;

/// Functions that kernels call.
const FUNCTIONS: &str = include_str!("functions.wgsl");
/// Functions of kernels that reduce over a workgroup.
const TREE: &str = include_str!("group_tree.wgsl");
/// The same with subgroup operations.
const SUBGROUPS: &str = include_str!("group_subgroups.wgsl");
/// The end of the entry point's signature, and what it becomes with subgroup operations.
const ENTRY: [&str; 2] = [
    "@builtin(local_invocation_index) t: u32) {\n",
    "@builtin(local_invocation_index) t: u32, @builtin(subgroup_id) s: u32, @builtin(num_subgroups) all: \
     u32, @builtin(subgroup_invocation_id) own: u32) {\n    subgroup = s;\n    subgroups = all;\n    first = own \
     == 0u;\n",
];
/// Memories of a dispatch of several kernels: what WebGPU grants every device, but for the parameters.
const MOST_MEMORIES: usize = 7;

/// One kernel: functions with the entry point `run(w, t)`, where `w.xy` is the workgroup, `w.z` the lane and
/// `t` the invocation.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub name: &'static str,
    pub globals: String,
    /// Memories m0, m1, ..
    pub memories: Vec<Memory>,
    /// Parameters `p[0]`, `p[1]`, ..
    pub params: Vec<u32>,
    /// Workgroups of a lane.
    pub groups: [u32; 2],
    /// Lanes of a member.
    pub lanes: u32,
    /// Floats of the workgroup memory `room`.
    pub room: usize,
    /// Vectors of four floats of the workgroup memory `tiles`.
    pub tiles: usize,
    /// Whether its workgroups reduce.
    pub together: bool,
    /// Memories that it reads in vectors of four words, and writes nothing to: a write to one word of a vector
    /// may write all four, over what a neighbour writes.
    pub wide: BTreeSet<Memory>,
    pub reads: Vec<Stretch>,
    pub writes: Vec<Stretch>,
}

/// Words of a memory, of each member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub memory: Memory,
    pub words: Range<usize>,
}

impl Stretch {
    fn meets(&self, other: &Self) -> bool {
        let (a, b) = (&self.words, &other.words);
        self.memory == other.memory && a.start < b.end && b.start < a.end
    }
}

impl Part {
    /// Whether it has to come behind an earlier kernel.
    fn waits_for(&self, earlier: &Self) -> bool {
        let meet = |a: &[Stretch], b: &[Stretch]| a.iter().any(|a| b.iter().any(|b| a.meets(b)));
        meet(&self.reads, &earlier.writes)
            || meet(&self.writes, &earlier.reads)
            || meet(&self.writes, &earlier.writes)
    }

    fn workgroups(&self) -> u64 {
        u64::from(self.groups[0]) * u64::from(self.groups[1]) * u64::from(self.lanes)
    }
}

/// One dispatch in WGSL, with where its operands lie.
///
/// The text has the entry point `main` and one bind group: binding 0 the parameters (read only), then
/// the memories in order. The grid's third axis is the member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// What it computes, for messages: its kernels.
    pub name: String,
    /// The shader.
    pub text: String,
    /// What its bindings are, from binding 1 on.
    pub memories: Vec<Memory>,
    /// The words at binding 0.
    pub params: Vec<u32>,
    /// Workgroups along the first two axes.
    pub groups: [u32; 2],
    /// Bytes of workgroup memory.
    pub shared: usize,
}

impl Dispatch {
    /// The shader where reductions over a workgroup use subgroup operations; `None`: it has none.
    #[must_use]
    pub fn text_with_subgroups(&self) -> Option<String> {
        let text = self.text.contains(TREE).then(|| self.text.replace(TREE, SUBGROUPS))?;
        Some(text.replace(ENTRY[0], ENTRY[1]))
    }
}

/// How kernels become dispatches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// Kernels that do not wait for each other share a dispatch: as few dispatches as there can be.
    Joined,
    /// A dispatch for each: few and short texts, for devices that take long to compile and little to
    /// start a kernel.
    Single,
}

/// Kernels in their order as dispatches, one text each.
pub(super) fn dispatches(parts: Vec<Part>, grouping: Grouping) -> Vec<Dispatch> {
    match grouping {
        Grouping::Joined => rounds(parts).iter().map(|round| joined(round)).collect(),
        Grouping::Single => parts.iter().map(|part| joined(std::slice::from_ref(part))).collect(),
    }
}

/// Kernels in their order: those that do not wait for each other share a round.
pub(super) fn rounds(parts: Vec<Part>) -> Vec<Vec<Part>> {
    let mut rounds: Vec<Vec<Part>> = Vec::new();
    for part in parts {
        // Behind the last round with a kernel that it waits for.
        let behind = rounds.iter().rposition(|round| round.iter().any(|it| part.waits_for(it)));
        let first = behind.map_or(0, |round| round + 1);
        match rounds[first..].iter().position(|round| fits(round, &part)) {
            Some(round) => rounds[first + round].push(part),
            None => rounds.push(vec![part]),
        }
    }
    rounds
}

/// Whether a kernel may share a dispatch with those of a round.
fn fits(round: &[Part], part: &Part) -> bool {
    let all = || round.iter().chain([part]);
    let wide: BTreeSet<Memory> = all().flat_map(|it| it.wide.iter().copied()).collect();
    let mut written = all().flat_map(|it| &it.writes).map(|stretch| stretch.memory);
    let memories: BTreeSet<Memory> = all().flat_map(|it| it.memories.iter().copied()).collect();
    !written.any(|memory| wide.contains(&memory))
        && memories.len() <= MOST_MEMORIES
        && shared(all()) <= MOST_SHARED
        && all().map(Part::workgroups).sum::<u64>() < 1 << 31
}

/// Bytes of workgroup memory of kernels side by side.
fn shared<'p>(mut parts: impl Iterator<Item = &'p Part> + Clone) -> usize {
    let room = parts.clone().map(|part| part.room).max().unwrap_or(0);
    let tiles = parts.clone().map(|part| part.tiles).max().unwrap_or(0);
    let level = if parts.any(|part| part.together) { WORKGROUP as usize } else { 0 };
    4 * (room + level) + 16 * tiles
}

fn joined(round: &[Part]) -> Dispatch {
    let mut memories: Vec<Memory> = Vec::new();
    let wide: BTreeSet<Memory> = round.iter().flat_map(|it| it.wide.iter().copied()).collect();
    let mut params: Vec<u32> = Vec::new();
    let mut functions = String::new();
    let mut choice = String::new();
    for (number, part) in round.iter().enumerate() {
        let place = |&memory: &Memory| {
            let known = memories.iter().position(|&other| other == memory);
            let number = known.unwrap_or_else(|| {
                memories.push(memory);
                memories.len() - 1
            });
            Place { number, is_wide: wide.contains(&memory) }
        };
        let places = part.memories.iter().map(place).collect();
        let first = params.len();
        params.extend(&part.params);
        functions += &Names::new(&part.globals, number, first, places).in_text(&part.globals);
        let at = params.len();
        let [x, y] = part.groups;
        params.extend([part.workgroups() as u32, x.max(1), x.max(1) * y.max(1), part.lanes]);
        let (all, x, xy, lanes) = (at, at + 1, at + 2, at + 3);
        let _ = write!(
            choice,
            "    if (u < p[{all}]) {{\n        let rest = u % p[{xy}];\n        run_{number}(vec3<u32>(rest % \
             p[{x}], rest / p[{x}], w.z * p[{lanes}] + u / p[{xy}]), t);\n        return;\n    }}\n    u -= \
             p[{all}];\n"
        );
    }
    let room = round.iter().map(|part| part.room).max().unwrap_or(0);
    let tiles = round.iter().map(|part| part.tiles).max().unwrap_or(0);
    let shared = shared(round.iter());
    assert!(shared <= MOST_SHARED, "kernels fit the workgroup memory");
    let mut text = String::from("@group(0) @binding(0) var<storage, read> p: array<u32>;\n");
    for (m, memory) in memories.iter().enumerate() {
        let access = if memory.is_read_only() { "read" } else { "read_write" };
        let element = if wide.contains(memory) { "vec4<u32>" } else { "u32" };
        let binding = m + 1;
        let _ = writeln!(
            text,
            "@group(0) @binding({binding}) var<storage, {access}> m{m}: array<{element}>;"
        );
    }
    if room > 0 {
        let _ = writeln!(text, "var<workgroup> room: array<f32, {room}>;");
    }
    let tree = if round.iter().any(|part| part.together) { TREE } else { "" };
    if tiles > 0 {
        let _ = writeln!(text, "var<workgroup> tiles: array<vec4<f32>, {tiles}>;");
    }
    let _ = write!(
        text,
        "{FUNCTIONS}{tree}{functions}@compute @workgroup_size({WORKGROUP})\nfn main(@builtin(workgroup_id) \
         w: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>, {}    var u = w.y * n.x + w.x;\n{choice}}}\n",
        ENTRY[0]
    );
    let names: Vec<&str> = round.iter().map(|part| part.name).collect();
    let all: u64 = round.iter().map(Part::workgroups).sum();
    let x = all.min(u64::from(MOST_GROUPS)).max(1);
    let groups = [x as u32, all.div_ceil(x).max(1) as u32];
    Dispatch { name: names.join(" | "), text, memories, params, groups, shared }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &'static str, reads: &[[usize; 2]], writes: &[[usize; 2]]) -> Part {
        let stretch =
            |&[start, end]: &[usize; 2]| Stretch { memory: Memory::Arena, words: start..end };
        Part {
            name,
            reads: reads.iter().map(stretch).collect(),
            writes: writes.iter().map(stretch).collect(),
            memories: vec![Memory::Arena],
            groups: [1, 1],
            lanes: 1,
            ..Part::default()
        }
    }

    #[test]
    fn kernels_share_a_dispatch_unless_one_waits_for_another() {
        let parts = vec![
            part("a", &[[0, 4]], &[[4, 8]]),
            part("b", &[[0, 4]], &[[8, 12]]),
            part("reads a", &[[7, 8]], &[[12, 16]]),
            part("overwrites what a read", &[], &[[3, 4]]),
            part("waits for nobody", &[], &[[20, 24]]),
        ];
        let names: Vec<String> =
            dispatches(parts, Grouping::Joined).into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["a | b | waits for nobody", "reads a | overwrites what a read"]);
    }
}
