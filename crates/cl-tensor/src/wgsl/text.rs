//! One kernel: its bindings, parameters, lanes and functions.

use super::body::Body;
use super::part::{Part, Stretch};
use super::{Memory, WORKGROUP};
use crate::types::DType;
use std::fmt::Write;

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

    /// `len` words from here.
    pub(super) fn stretch(&self, len: usize) -> Stretch {
        // Lanes of a member lie side by side: all of them together are anywhere.
        if self.strides.len() > 1 || self.memory == Memory::Outputs {
            return Stretch { memory: self.memory, words: 0..usize::MAX };
        }
        Stretch { memory: self.memory, words: self.offset..self.offset + len }
    }
}

/// A kernel under construction.
pub(super) struct Kernel<'a> {
    /// Lanes of each level.
    levels: &'a [usize],
    /// Assignments of the operands' bases.
    bases: String,
    idle: String,
    operands: usize,
    part: Part,
}

impl<'a> Kernel<'a> {
    /// A kernel of lanes within lanes; `condition`: the fed word whose 0 lets a member idle.
    pub(super) fn new(
        name: &'static str,
        levels: &'a [usize],
        condition: Option<&Located>,
    ) -> Self {
        let part = Part {
            name,
            params: levels.iter().map(|&lanes| word(lanes)).collect(),
            ..Part::default()
        };
        let (bases, idle) = (String::new(), String::new());
        let mut kernel = Self { levels, bases, idle, operands: 0, part };
        if let Some(located) = condition {
            let at = kernel.words(located)("0u");
            kernel.idle = format!("    if (({at} << 1u) == 0u) {{ return false; }}\n");
        }
        kernel
    }

    fn binding(&mut self, memory: Memory) -> usize {
        let memories = &mut self.part.memories;
        let known = memories.iter().position(|&other| other == memory);
        known.unwrap_or_else(|| {
            memories.push(memory);
            memories.len() - 1
        })
    }

    /// A word of parameters; gives the text that reads it.
    pub(super) fn param(&mut self, value: usize) -> String {
        self.part.params.push(word(value));
        format!("p[{}]", self.part.params.len() - 1)
    }

    /// The text of word `at` of an operand, to read or to write.
    pub(super) fn words(&mut self, located: &Located) -> impl Fn(&str) -> String + use<> {
        let (m, k) = self.operand(located);
        move |at: &str| format!("m{m}[b{k} + {at}]")
    }

    /// The numbers of an operand's memory and of its base.
    fn operand(&mut self, located: &Located) -> (usize, usize) {
        let m = self.binding(located.memory);
        let k = self.operands;
        self.operands += 1;
        let mut base = self.param(located.offset);
        for (level, &stride) in located.strides.iter().enumerate() {
            let stride = self.param(stride);
            let lane = if level == 0 { "member".to_owned() } else { format!("l{level}") };
            let _ = write!(base, " + {lane} * {stride}");
        }
        let _ = writeln!(self.bases, "    b{k} = {base};");
        let _ = writeln!(self.part.globals, "var<private> b{k}: u32;");
        (m, k)
    }

    /// As [`Kernel::words`], of `len` words that are read.
    pub(super) fn read(
        &mut self,
        located: &Located,
        len: usize,
    ) -> impl Fn(&str) -> String + use<> {
        self.part.reads.push(located.stretch(len));
        self.words(located)
    }

    /// As [`Kernel::read`], in vectors of four words: the text of the one that begins at word `at`, a
    /// multiple of four as is everything in `located`. The kernel writes nothing to this memory.
    pub(super) fn read_vectors(
        &mut self,
        located: &Located,
        len: usize,
    ) -> impl Fn(&str) -> String + use<> {
        self.part.reads.push(located.stretch(len));
        self.part.wide.insert(located.memory);
        let (m, k) = self.operand(located);
        move |at| format!("v{m}[(b{k} + {at}) >> 2u]")
    }

    /// As [`Kernel::words`], of `len` words that are written.
    pub(super) fn write(
        &mut self,
        located: &Located,
        len: usize,
    ) -> impl Fn(&str) -> String + use<> {
        self.part.writes.push(located.stretch(len));
        self.words(located)
    }

    /// Vectors of the workgroup memory `tiles`.
    pub(super) fn tiles(&mut self, vectors: usize) {
        self.part.tiles = vectors;
    }

    /// Functions that the kernel calls.
    pub(super) fn define(&mut self, text: &str) {
        self.part.globals.push_str(text);
        self.part.globals.push('\n');
    }

    /// The function `name(e)` that reads element e of an operand of `len` words.
    pub(super) fn reads(&mut self, name: &str, dtype: DType, located: &Located, len: usize) {
        let at = self.read(located, len);
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

    /// The function `put(e, value)` that writes an element of a result of `len` words.
    pub(super) fn writes(&mut self, dtype: DType, located: &Located, len: usize) {
        let at = self.write(located, len)("e");
        self.define(&match dtype {
            DType::F32 => format!("fn put(e: u32, value: f32) {{ {at} = bitcast<u32>(value); }}"),
            _ => format!("fn put(e: u32, value: u32) {{ {at} = value; }}"),
        });
    }

    /// A kernel of this body.
    pub(super) fn body(mut self, body: &Body) -> Part {
        let count = self.param(body.count);
        self.define(&body.functions);
        self.part.room = body.room;
        if body.together {
            self.part.together = true;
            self.define(&format!("fn body(i: u32, t: u32) {{\n{}\n}}", body.text));
            let run = "    mine = t;\n    body(w.x, t);\n";
            return self.finish([body.count, 1], 1, run);
        }
        self.define(&format!("fn body(i: u32) {{\n{}\n}}", body.text));
        let run =
            format!("    let i = w.x * {WORKGROUP}u + t;\n    if (i < {count}) {{ body(i); }}\n");
        self.finish([body.count.div_ceil(WORKGROUP as usize), 1], 1, &run)
    }

    /// A kernel with `groups` workgroups `w.xy` for each of the `parts` of each lane; `part` is which, and
    /// `t` the invocation.
    pub(super) fn finish(mut self, groups: [usize; 2], parts: usize, run: &str) -> Part {
        let mut begin = String::from("fn begin(lane: u32) -> bool {\n    var member = lane;\n");
        for level in (0..self.levels.len()).rev() {
            let number = level + 1;
            let _ = writeln!(
                begin,
                "    let l{number} = member % p[{level}];\n    member = member / p[{level}];"
            );
        }
        let parts_of = self.param(parts);
        let _ = write!(
            begin,
            "{}{}    return true;\n}}\nfn run(w: vec3<u32>, t: u32) {{\n    if (!begin(w.z / {parts_of})) {{ \
             return; }}\n    let part = w.z % {parts_of};\n{run}}}",
            self.bases, self.idle
        );
        self.define(&begin);
        let lanes: usize = self.levels.iter().product();
        self.part.groups = groups.map(word);
        self.part.lanes = word(lanes * parts);
        self.part
    }
}

fn word(value: usize) -> u32 {
    u32::try_from(value).expect("plans count elements in 32 bits")
}
