//! What is done in one dispatch: kernels that do not wait for each other, side by side.

use super::{MOST_GROUPS, MOST_SHARED, Memory, WORKGROUP};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::Range;

/// Functions that kernels call.
const FUNCTIONS: &str = include_str!("functions.wgsl");
/// Memories of a dispatch of several kernels: what WebGPU grants every device, but for the parameters.
const MOST_MEMORIES: usize = 7;

/// One kernel: functions with the entry point `run(w, t)`, where `w.xy` is the workgroup, `w.z` the lane and
/// `t` the invocation.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub name: String,
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

/// Kernels in their order as few dispatches: those that do not wait for each other share one.
pub(super) fn dispatches(parts: Vec<Part>) -> Vec<Dispatch> {
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
    rounds.iter().map(|round| joined(round)).collect()
}

/// Whether a kernel may share a dispatch with those of a round.
fn fits(round: &[Part], part: &Part) -> bool {
    let all = || round.iter().chain([part]);
    let memories: BTreeSet<Memory> = all().flat_map(|it| it.memories.iter().copied()).collect();
    memories.len() <= MOST_MEMORIES && all().map(Part::workgroups).sum::<u64>() < 1 << 31
}

fn joined(round: &[Part]) -> Dispatch {
    let mut memories: Vec<Memory> = Vec::new();
    let mut params: Vec<u32> = Vec::new();
    let mut functions = String::new();
    let mut choice = String::new();
    for (number, part) in round.iter().enumerate() {
        let places: Vec<usize> = part
            .memories
            .iter()
            .map(|&memory| {
                memories.iter().position(|&other| other == memory).unwrap_or_else(|| {
                    memories.push(memory);
                    memories.len() - 1
                })
            })
            .collect();
        let first = params.len();
        params.extend(&part.params);
        functions += &renamed(&part.globals, number, first, &places);
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
    let shared = 4 * (room + WORKGROUP as usize);
    assert!(shared <= MOST_SHARED, "kernels fit the workgroup memory");
    let mut text = String::from("@group(0) @binding(0) var<storage, read> p: array<u32>;\n");
    for (m, memory) in memories.iter().enumerate() {
        let access = if memory.is_read_only() { "read" } else { "read_write" };
        let binding = m + 1;
        let _ = writeln!(
            text,
            "@group(0) @binding({binding}) var<storage, {access}> m{m}: array<u32>;"
        );
    }
    if room > 0 {
        let _ = writeln!(text, "var<workgroup> room: array<f32, {room}>;");
    }
    let _ = write!(
        text,
        "{FUNCTIONS}{functions}@compute @workgroup_size({WORKGROUP})\nfn main(@builtin(workgroup_id) w: \
         vec3<u32>, @builtin(num_workgroups) n: vec3<u32>, @builtin(local_invocation_index) t: u32) {{\n    \
         var u = w.y * n.x + w.x;\n{choice}}}\n"
    );
    let names: Vec<&str> = round.iter().map(|part| part.name.as_str()).collect();
    let all: u64 = round.iter().map(Part::workgroups).sum();
    let x = all.min(u64::from(MOST_GROUPS)).max(1);
    let groups = [x as u32, all.div_ceil(x).max(1) as u32];
    Dispatch { name: names.join(" | "), text, memories, params, groups, shared }
}

/// The functions of a kernel beside others: what it defines gets its number, parameters start at `first`
/// and memory i is `places[i]`.
fn renamed(globals: &str, number: usize, first: usize, places: &[usize]) -> String {
    let own = defined(globals);
    let mut out = String::with_capacity(globals.len() + globals.len() / 4);
    let mut rest = globals;
    let mut before = ' ';
    while let Some(next) = rest.chars().next() {
        if !is_word(next) {
            out.push(next);
            (rest, before) = (&rest[next.len_utf8()..], next);
            continue;
        }
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        let index = behind.strip_prefix('[').and_then(|it| it.split_once(']'));
        match (word, index.and_then(|(index, _)| index.parse::<usize>().ok())) {
            ("p", Some(index)) if before != '.' => {
                let _ = write!(out, "p[{}]", first + index);
                let skipped = behind.find(']').map_or(0, |at| at + 1);
                (rest, before) = (&behind[skipped..], ']');
                continue;
            }
            _ if before == '.' => out.push_str(word),
            _ if own.contains(word) => {
                let _ = write!(out, "{word}_{number}");
            }
            _ => match word.strip_prefix('m').and_then(|it| it.parse::<usize>().ok()) {
                Some(place) if behind.starts_with('[') => {
                    let _ = write!(out, "m{}", places[place]);
                }
                _ => out.push_str(word),
            },
        }
        (rest, before) = (behind, 'w');
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Functions and variables that a text defines outside of functions.
fn defined(globals: &str) -> BTreeSet<&str> {
    let lines = globals.lines().filter_map(|line| {
        let name = line.strip_prefix("fn ").or_else(|| line.strip_prefix("var<private> "))?;
        Some(&name[..name.find(|c| !is_word(c)).unwrap_or(name.len())])
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parameters_and_memories_of_a_kernel_are_its_own() {
        let text =
            "fn put(e: u32) { m1[p[2] + e] = m0[e]; }\nfn run(w: vec3<u32>) { put(w.put); }\n";
        let expected = "fn put_3(e: u32) { m0[p[12] + e] = m5[e]; }\nfn run_3(w: vec3<u32>) { put_3(w.put); }\n";
        assert_eq!(renamed(text, 3, 10, &[5, 0]), expected);
    }

    fn part(name: &str, reads: &[[usize; 2]], writes: &[[usize; 2]]) -> Part {
        let stretch =
            |&[start, end]: &[usize; 2]| Stretch { memory: Memory::Arena, words: start..end };
        Part {
            name: name.to_owned(),
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
        let names: Vec<String> = dispatches(parts).into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["a | b | waits for nobody", "reads a | overwrites what a read"]);
    }
}
