//! From a plan, and the plans within it, to a flat list of dispatches.

use super::body::Body;
use super::part::{self, Dispatch, Grouping, Part};
use super::text::{Kernel, Located};
use super::{Memory, pointwise, product, slot_stride};
use crate::error::Error;
use crate::op::Inside;
use crate::plan::{ARENA, Commit, FEEDS, FIRST_SLOT, Kernel as Compiled, Place, Plan};
use crate::types::DType;

/// A number that a memory holds from the start: every lane has it at `offset` of its stretch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constant {
    /// Which memory.
    pub memory: Memory,
    /// Where in a stretch, in words.
    pub offset: usize,
    /// The number.
    pub value: f32,
}

/// A plan for a GPU.
#[derive(Clone, Debug, Default)]
pub struct Dispatches {
    /// In their order.
    pub list: Vec<Dispatch>,
    /// Scratch memories: words of one lane's stretch, and stretches per member.
    pub scratch: Vec<(usize, usize)>,
    /// What the arena and scratch memories hold from the start.
    pub constants: Vec<Constant>,
}

/// [`Dispatches`] in the making.
#[derive(Default)]
struct Parts {
    list: Vec<Part>,
    scratch: Vec<(usize, usize)>,
    constants: Vec<Constant>,
}

/// Where the blocks of a plan lie: those of the members, or those of the inner lanes of a plan within.
pub(super) struct Frame<'p> {
    plan: &'p Plan,
    /// By number: arena, feeds, slots, residents; in a body: scratch, nothing, operands.
    blocks: Vec<Located>,
    /// Lanes of each level that run side by side.
    levels: Vec<usize>,
    condition: Option<Located>,
}

impl Frame<'_> {
    pub(super) fn locate(&self, place: Place) -> Located {
        self.blocks[place.base as usize].plus(place.offset as usize)
    }

    /// A kernel over this frame's lanes.
    pub(super) fn kernel(&self, name: &'static str) -> Kernel<'_> {
        Kernel::new(name, &self.levels, self.condition.as_ref())
    }
}

impl Plan {
    /// Its kernels in WGSL. Inner lanes run side by side as long as their temporaries take at most
    /// `scratch` words per member, the rest behind them.
    ///
    /// # Errors
    /// [`Error::NoShader`]: an operation without WGSL.
    pub fn dispatches(&self, scratch: usize, grouping: Grouping) -> Result<Dispatches, Error> {
        let Parts { list, scratch, constants } = self.parts(scratch)?;
        Ok(Dispatches { list: part::dispatches(list, grouping), scratch, constants })
    }

    /// The names of the kernels of each dispatch, whose text is not written.
    pub(crate) fn rounds(&self, scratch: usize) -> Result<Vec<Vec<&'static str>>, Error> {
        let rounds = part::rounds(self.parts(scratch)?.list);
        let names = |round: &Vec<Part>| round.iter().map(|part| part.name).collect();
        Ok(rounds.iter().map(names).collect())
    }

    fn parts(&self, scratch: usize) -> Result<Parts, Error> {
        let whole = |memory, stride| Located { memory, offset: 0, strides: vec![stride] };
        let mut blocks = vec![
            whole(Memory::Arena, self.arena_len),
            whole(Memory::Feeds, self.signature.feed_len),
        ];
        let slots = self.slots.iter().enumerate();
        blocks.extend(slots.map(|(s, slot)| whole(Memory::Slot(s), slot_stride(slot.ty.len()))));
        blocks.extend((0..self.residents.len()).map(|r| whole(Memory::Resident(r), 0)));
        let condition = self
            .signature
            .condition
            .map(|position| blocks[FEEDS as usize].plus(self.signature.inputs[position].offset));
        let mut out = Parts::default();
        for &(offset, value) in &self.constants {
            out.constants.push(Constant { memory: Memory::Arena, offset, value });
        }
        let frame = Frame { plan: self, blocks, levels: Vec::new(), condition };
        frame.kernels(scratch, &mut out)?;
        frame.commits(&mut out);
        frame.outputs(&mut out);
        Ok(out)
    }
}

impl<'p> Frame<'p> {
    fn kernels(&self, scratch: usize, out: &mut Parts) -> Result<(), Error> {
        debug_assert_eq!([ARENA, FEEDS, FIRST_SLOT], [0, 1, 2]);
        for kernel in &self.plan.kernels {
            match kernel {
                Compiled::Pointwise(program) if program.len == 0 => {}
                Compiled::Pointwise(program) => out.list.push(pointwise::pass(self, program)),
                Compiled::Product(product) if product.batch * product.m * product.n == 0 => {}
                Compiled::Product(product) => out.list.push(product::product(self, product)),
                Compiled::Zero(gaps) => out.list.push(self.zero(gaps)),
                Compiled::Op { op, inputs, input_types, output, output_type } => {
                    let places: Vec<Located> = inputs.iter().map(|&at| self.locate(at)).collect();
                    if let Some(inside) = op.inside() {
                        self.inside(&inside, &places, &self.locate(*output), scratch, out)?;
                        continue;
                    }
                    let types: Vec<&crate::Type> = input_types.iter().collect();
                    let body = op
                        .wgsl(&types, output_type)
                        .ok_or_else(|| Error::NoShader { op: op.name().to_owned() })?;
                    if body.count == 0 {
                        continue;
                    }
                    let mut kernel = self.kernel(op.name());
                    for (i, (place, ty)) in places.iter().zip(input_types).enumerate() {
                        kernel.reads(&format!("x{i}"), ty.dtype, place, Plan::words(ty));
                    }
                    kernel.writes(output_type.dtype, &self.locate(*output), output_type.len());
                    out.list.push(kernel.body(&body));
                }
            }
        }
        Ok(())
    }

    fn zero(&self, gaps: &[(Place, usize)]) -> Part {
        let mut kernel = self.kernel("zero");
        let pieces = gaps.iter().map(|&(place, len)| Piece { from: None, to: place, len });
        let body = self.pieces(&mut kernel, pieces);
        kernel.body(&body)
    }

    /// Slots that are written when everything has been read.
    fn commits(&self, out: &mut Parts) {
        let whole = self.plan.commits.iter().filter_map(|commit| match *commit {
            Commit::Whole { from, to, len } => Some(Piece { from: Some(from), to, len }),
            Commit::Rows { .. } => None,
        });
        let mut kernel = self.kernel("commit");
        let body = self.pieces(&mut kernel, whole);
        if body.count > 0 {
            out.list.push(kernel.body(&body));
        }
        for commit in &self.plan.commits {
            let Commit::Rows { index, rows, to, count, width, len } = *commit else { continue };
            if count * width == 0 {
                continue;
            }
            let mut kernel = self.kernel("assign_rows");
            kernel.reads("index", DType::U32, &self.locate(index), count);
            kernel.reads("row", DType::U32, &self.locate(rows), count * width);
            kernel.writes(DType::U32, &self.locate(to), len);
            let slot_rows = len / width;
            let text = format!(
                "    let to = index(i / {width}u);\n    if (to < {slot_rows}u) {{ put(to * {width}u + \
                 i % {width}u, row(i)); }}"
            );
            out.list.push(kernel.body(&Body::each(count * width, text)));
        }
    }

    /// Everything that a step hands out, one behind the other.
    fn outputs(&self, out: &mut Parts) {
        let outputs = &self.plan.signature.outputs;
        let total: usize = outputs.iter().map(|output| output.ty.len()).sum();
        if total == 0 {
            return;
        }
        let mut kernel = self.kernel("outputs");
        let mut to = Located { memory: Memory::Outputs, offset: 0, strides: vec![total] };
        let mut text = String::from("    var at = i;\n");
        for output in outputs {
            let len = output.ty.len();
            text += &moved(&mut kernel, Some(&self.locate(output.place)), &to, len);
            to = to.plus(len);
        }
        out.list.push(kernel.body(&Body::each(total, text)));
    }

    /// Stretches of memory, copied or cleared.
    fn pieces(&self, kernel: &mut Kernel<'_>, pieces: impl Iterator<Item = Piece>) -> Body {
        let mut text = String::from("    var at = i;\n");
        let mut total = 0;
        for Piece { from, to, len } in pieces {
            let from = from.map(|from| self.locate(from));
            text += &moved(kernel, from.as_ref(), &self.locate(to), len);
            total += len;
        }
        Body::each(total, text)
    }

    /// A plan within the plan, once per inner lane.
    fn inside(
        &self,
        inside: &Inside<'_>,
        places: &[Located],
        result: &Located,
        scratch: usize,
        out: &mut Parts,
    ) -> Result<(), Error> {
        let body = inside.body;
        let stretch = body.arena_len.max(1);
        let outside: usize = self.levels.iter().product();
        let group = (scratch / (stretch * outside)).clamp(1, inside.lanes.max(1));
        for leaves in inside.leaves.iter().filter(|leaves| leaves.summed && leaves.len > 0) {
            let mut kernel = self.kernel("sum_inner");
            kernel.writes(DType::F32, &result.plus(leaves.offset), leaves.len);
            out.list.push(kernel.body(&Body::each(leaves.len, "    put(i, 0.0);")));
        }
        let memory = Memory::Scratch(out.scratch.len());
        out.scratch.push((stretch, outside * group));
        for &(offset, value) in &body.constants {
            out.constants.push(Constant { memory, offset, value });
        }
        let mut strides = vec![stretch];
        for &lanes in std::iter::once(&group).chain(self.levels.iter().rev()) {
            let behind = strides[strides.len() - 1];
            strides.push(behind * lanes);
        }
        strides.reverse();
        let arena = Located { memory, offset: 0, strides };
        for first in (0..inside.lanes).step_by(group) {
            let lanes = group.min(inside.lanes - first);
            let levels = [&self.levels[..], &[lanes]].concat();
            let mut blocks = vec![arena.clone(), arena.clone()];
            for (place, &stride) in places.iter().zip(&inside.strides) {
                let mut block = place.plus(first * stride);
                block.strides.push(stride);
                blocks.push(block);
            }
            let condition = self.condition.clone().map(|mut condition| {
                condition.strides.push(0);
                condition
            });
            let frame = Frame { plan: body, blocks, levels, condition };
            frame.kernels(scratch, out)?;
            for (leaves, output) in inside.leaves.iter().zip(&body.signature.outputs) {
                if leaves.len == 0 {
                    continue;
                }
                let from = frame.locate(output.place);
                let to = result.plus(leaves.offset);
                out.list.push(self.leave(
                    leaves.summed,
                    &from,
                    &to,
                    leaves.len,
                    first..first + lanes,
                ));
            }
        }
        Ok(())
    }

    /// What leaves lanes: stacked, or added up from the first to the last.
    fn leave(
        &self,
        summed: bool,
        from: &Located,
        to: &Located,
        len: usize,
        lanes: std::ops::Range<usize>,
    ) -> Part {
        let mut kernel = self.kernel(if summed { "sum_inner" } else { "stacked" });
        // Read from outside of the lanes: over all of them.
        let mut from = from.clone();
        let stride = from.strides.pop().unwrap_or(0);
        kernel.reads("x", DType::U32, &from, usize::MAX >> 1);
        let count = lanes.len();
        if !summed {
            kernel.writes(DType::U32, &to.plus(lanes.start * len), count * len);
            let text = format!("    put(i, x((i / {len}u) * {stride}u + i % {len}u));");
            return kernel.body(&Body::each(count * len, text));
        }
        kernel.reads("before", DType::F32, to, len);
        kernel.writes(DType::F32, to, len);
        let text = format!(
            "    var sum = before(i);\n    for (var lane = 0u; lane < {count}u; lane++) {{ sum += \
             bitcast<f32>(x(lane * {stride}u + i)); }}\n    put(i, sum);"
        );
        kernel.body(&Body::each(len, text))
    }
}

/// A stretch of memory and what it becomes: a copy, or zeros.
struct Piece {
    from: Option<Place>,
    to: Place,
    len: usize,
}

/// Statements that move one stretch where `at` falls into it, and leave the rest to those behind.
fn moved(kernel: &mut Kernel<'_>, from: Option<&Located>, to: &Located, len: usize) -> String {
    let value = from.map_or_else(|| "0u".to_owned(), |from| kernel.read(from, len)("at"));
    let to = kernel.write(to, len)("at");
    let len = kernel.param(len);
    format!("    if (at < {len}) {{ {to} = {value}; return; }}\n    at -= {len};\n")
}
