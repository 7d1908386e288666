//! What all kernels have around their body: bindings, parameters, lanes.

use super::body::Body;
use super::{MOST_GROUPS, Memory, WORKGROUP};
use crate::types::DType;
use std::fmt::Write;

/// Functions that bodies call.
const FUNCTIONS: &str = include_str!("functions.wgsl");

/// One kernel in WGSL, with where its operands lie.
///
/// The text has the entry point `main` and one bind group: binding 0 the parameters (read only), then
/// the memories in order. The grid's third axis is the lane: the member times [`Dispatch::lanes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// What it computes, for messages.
    pub name: String,
    /// The shader.
    pub text: String,
    /// What its bindings are, from binding 1 on.
    pub memories: Vec<Memory>,
    /// The words at binding 0.
    pub params: Vec<u32>,
    /// Workgroups along the first two axes.
    pub groups: [u32; 2],
    /// Workgroups along the third axis, per member.
    pub lanes: u32,
    /// Bytes of workgroup memory.
    pub shared: usize,
}

/// Where something lies: `offset` + member · strides\[0\] + lane · strides\[1\] + .., in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Located {
    pub memory: Memory,
    pub offset: usize,
    /// Of the member, then of each level of lanes within lanes.
    pub strides: Vec<usize>,
}

impl Located {
    pub(super) fn plus(&self, offset: usize) -> Self {
        Self { offset: self.offset + offset, ..self.clone() }
    }
}

/// A kernel under construction.
pub(super) struct Kernel<'a> {
    name: String,
    /// Lanes of each level.
    levels: &'a [usize],
    memories: Vec<Memory>,
    params: Vec<u32>,
    operands: usize,
    /// Assignments of the operands' bases.
    bases: String,
    globals: String,
    idle: String,
}

impl<'a> Kernel<'a> {
    /// A kernel of lanes within lanes; `condition`: the fed word whose 0 lets a member idle.
    pub(super) fn new(name: &str, levels: &'a [usize], condition: Option<&Located>) -> Self {
        let mut kernel = Self {
            name: name.to_owned(),
            levels,
            memories: Vec::new(),
            params: levels.iter().map(|&lanes| word(lanes)).collect(),
            operands: 0,
            bases: String::new(),
            globals: String::new(),
            idle: String::new(),
        };
        if let Some(located) = condition {
            let k = kernel.operand(located);
            let m = kernel.binding(located.memory);
            kernel.idle = format!("    if ((m{m}[b{k}] << 1u) == 0u) {{ return false; }}\n");
        }
        kernel
    }

    fn binding(&mut self, memory: Memory) -> usize {
        let known = self.memories.iter().position(|&other| other == memory);
        known.unwrap_or_else(|| {
            self.memories.push(memory);
            self.memories.len() - 1
        })
    }

    /// A word of parameters; gives the text that reads it.
    pub(super) fn param(&mut self, value: usize) -> String {
        self.params.push(word(value));
        format!("p[{}]", self.params.len() - 1)
    }

    /// Where an operand starts: the variable `b` of this number.
    fn operand(&mut self, located: &Located) -> usize {
        self.binding(located.memory);
        let k = self.operands;
        self.operands += 1;
        let mut base = self.param(located.offset);
        for (level, &stride) in located.strides.iter().enumerate() {
            let stride = self.param(stride);
            let lane = if level == 0 { "member".to_owned() } else { format!("l{level}") };
            let _ = write!(base, " + {lane} * {stride}");
        }
        let _ = writeln!(self.bases, "    b{k} = {base};");
        let _ = writeln!(self.globals, "var<private> b{k}: u32;");
        k
    }

    /// The text of word `at` of an operand, to read or to write.
    pub(super) fn words(&mut self, located: &Located) -> impl Fn(&str) -> String + use<> {
        let k = self.operand(located);
        let m = self.binding(located.memory);
        move |at: &str| format!("m{m}[b{k} + {at}]")
    }

    /// Functions in front of the entry point.
    pub(super) fn define(&mut self, text: &str) {
        self.globals.push_str(text);
        self.globals.push('\n');
    }

    /// The function `name(e)` that reads element e of an operand.
    pub(super) fn reads(&mut self, name: &str, dtype: DType, located: &Located) {
        let at = self.words(located);
        self.define(&match dtype {
            DType::F32 => {
                format!("fn {name}(e: u32) -> f32 {{ return bitcast<f32>({}); }}", at("e"))
            }
            DType::U32 => format!("fn {name}(e: u32) -> u32 {{ return {}; }}", at("e")),
            DType::U8 => format!(
                "fn {name}(e: u32) -> u32 {{ return ({} >> (8u * (e & 3u))) & 255u; }}",
                at("(e >> 2u)")
            ),
        });
    }

    /// The function `put(e, value)` that writes an element of the result.
    pub(super) fn writes(&mut self, dtype: DType, located: &Located) {
        let at = self.words(located)("e");
        self.define(&match dtype {
            DType::F32 => format!("fn put(e: u32, value: f32) {{ {at} = bitcast<u32>(value); }}"),
            _ => format!("fn put(e: u32, value: u32) {{ {at} = value; }}"),
        });
    }

    /// A kernel of this body.
    pub(super) fn body(mut self, body: &Body) -> Dispatch {
        let count = self.param(body.count);
        if body.shared > 0 {
            self.define(&format!("var<workgroup> room: array<f32, {}>;", body.shared));
        }
        let shared = 4 * body.shared;
        let size = WORKGROUP;
        if body.together {
            self.define(&together(size));
            self.define(&body.functions);
            self.define(&format!("fn body(i: u32, t: u32) {{\n{}\n}}", body.text));
            let main = format!(
                "fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>, \
                 @builtin(local_invocation_index) t: u32) {{\n    if (!begin(w.z)) {{ return; }}\n    \
                 mine = t;\n    for (var i = w.x; i < {count}; i += n.x) {{ body(i, t); }}\n}}\n"
            );
            let groups = [body.count.clamp(1, MOST_GROUPS as usize) as u32, 1];
            return self.finish(size, groups, 1, shared + 4 * size as usize, &main);
        }
        self.define(&body.functions);
        self.define(&format!("fn body(i: u32) {{\n{}\n}}", body.text));
        let main = format!(
            "fn main(@builtin(global_invocation_id) g: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) \
             {{\n    if (!begin(g.z)) {{ return; }}\n    for (var i = g.x; i < {count}; i += n.x * {size}u) \
             {{ body(i); }}\n}}\n"
        );
        let groups = body.count.div_ceil(size as usize).clamp(1, MOST_GROUPS as usize) as u32;
        self.finish(size, [groups, 1], 1, shared, &main)
    }

    /// A kernel with this entry point, which calls `begin(lane)`; each lane has `parts` workgroups along
    /// the third axis.
    pub(super) fn finish(
        self,
        size: u32,
        groups: [u32; 2],
        parts: usize,
        shared: usize,
        main: &str,
    ) -> Dispatch {
        let mut text = String::from("@group(0) @binding(0) var<storage, read> p: array<u32>;\n");
        for (m, memory) in self.memories.iter().enumerate() {
            let access = if memory.is_read_only() { "read" } else { "read_write" };
            let binding = m + 1;
            let _ = writeln!(
                text,
                "@group(0) @binding({binding}) var<storage, {access}> m{m}: array<u32>;"
            );
        }
        text.push_str(FUNCTIONS);
        text.push_str(&self.globals);
        let lanes: usize = self.levels.iter().product();
        text.push_str("fn begin(lane: u32) -> bool {\n    var member = lane;\n");
        for level in (0..self.levels.len()).rev() {
            let number = level + 1;
            let _ = writeln!(
                text,
                "    let l{number} = member % p[{level}];\n    member = member / p[{level}];"
            );
        }
        text.push_str(&self.bases);
        text.push_str(&self.idle);
        text.push_str("    return true;\n}\n");
        let _ = write!(text, "@compute @workgroup_size({size})\n{main}");
        Dispatch {
            name: self.name,
            text,
            memories: self.memories,
            params: self.params,
            groups,
            lanes: word(lanes * parts),
            shared,
        }
    }
}

/// Sums and maxima over a workgroup, as balanced trees.
fn together(size: u32) -> String {
    let mut text =
        format!("var<workgroup> shared_: array<f32, {size}>;\nvar<private> mine: u32;\n");
    for (name, combined) in [("sum", "a + b"), ("max", "select(a, b, b > a)")] {
        let half = size / 2;
        let _ = writeln!(
            text,
            "fn group_{name}(x: f32) -> f32 {{\n    shared_[mine] = x;\n    workgroupBarrier();\n    \
             for (var half = {half}u; half > 0u; half = half / 2u) {{\n        if (mine < half) {{\n            \
             let a = shared_[mine];\n            let b = shared_[mine + half];\n            \
             shared_[mine] = {combined};\n        }}\n        workgroupBarrier();\n    }}\n    \
             let whole = shared_[0];\n    workgroupBarrier();\n    return whole;\n}}"
        );
    }
    text
}

fn word(value: usize) -> u32 {
    u32::try_from(value).expect("plans count elements in 32 bits")
}
