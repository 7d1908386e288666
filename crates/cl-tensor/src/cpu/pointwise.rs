//! The interpreter of pointwise programs.
//!
//! One pass over memory in chunks of 512 floats; each instruction is one loop of fixed length that
//! the compiler vectorises.

use super::math;
use super::memory::Bases;
use super::{Loops, on_widest};
use crate::plan::Code;
use crate::plan::Strided;
use crate::plan::program::{CHUNK, Load, Program, Source};
use std::cell::RefCell;
use std::ops::Range;

/// One register.
type Chunk = [f32; CHUNK];

/// The registers of one thread: the program's own, then one per load.
#[derive(Debug, Default)]
struct Registers {
    chunks: Vec<Aligned>,
    pointers: Vec<*const Chunk>,
}

#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Aligned(Chunk);

thread_local! {
    /// Grows to what the largest program needs, once per thread.
    static REGISTERS: RefCell<Registers> = RefCell::default();
}

/// Runs the elements `range` of a program.
pub(super) fn run(program: &Program, bases: &Bases, range: Range<usize>) {
    REGISTERS.with_borrow_mut(|registers| run_with(program, bases, range, registers));
}

fn run_with(program: &Program, bases: &Bases, range: Range<usize>, registers: &mut Registers) {
    let needed = program.registers + program.loads.len();
    if registers.chunks.len() < needed {
        registers.chunks.resize(needed, Aligned([0.0; CHUNK]));
    }
    registers.pointers.clear();
    registers.pointers.resize(program.loads.len(), std::ptr::null());
    on_widest(Interpreter { program, bases, range, registers });
}

/// A program that runs.
struct Interpreter<'a> {
    program: &'a Program,
    bases: &'a Bases,
    range: Range<usize>,
    registers: &'a mut Registers,
}

impl Loops for Interpreter<'_> {
    #[inline(always)]
    fn run(self) {
        interpret(self.program, self.bases, self.range, self.registers);
    }
}

#[inline(always)]
fn interpret(program: &Program, bases: &Bases, range: Range<usize>, registers: &mut Registers) {
    let own = program.registers;
    for (l, load) in program.loads.iter().enumerate() {
        if let Load::Splat(place) = load {
            // SAFETY: the place holds a number.
            let value = unsafe { *bases.pointer(*place) };
            registers.chunks[own + l].0.fill(value);
            registers.pointers[l] = &raw const registers.chunks[own + l].0;
        }
    }
    let mut at = range.start;
    while at < range.end {
        let count = CHUNK.min(range.end - at);
        for (l, load) in program.loads.iter().enumerate() {
            match load {
                Load::Splat(_) => {}
                Load::Aligned(place) => {
                    let from = bases.pointer(*place).wrapping_add(at);
                    if count == CHUNK {
                        registers.pointers[l] = from.cast::<Chunk>();
                    } else {
                        // SAFETY: the operand has at least `range.end` elements.
                        let from = unsafe { std::slice::from_raw_parts(from, count) };
                        registers.chunks[own + l].0[..count].copy_from_slice(from);
                        registers.pointers[l] = &raw const registers.chunks[own + l].0;
                    }
                }
                Load::Strided(place, view) => {
                    gather(
                        bases.pointer(*place),
                        view,
                        at,
                        &mut registers.chunks[own + l].0[..count],
                    );
                    registers.pointers[l] = &raw const registers.chunks[own + l].0;
                }
            }
        }
        for instruction in &program.instructions {
            let chunks = registers.chunks.as_mut_ptr();
            let find = |source: Source| -> *const Chunk {
                match source {
                    // SAFETY: register numbers are below the number of chunks.
                    Source::Register(r) => unsafe { &raw const (*chunks.add(r as usize)).0 },
                    Source::Load(l) => {
                        if program.loads.is_empty() {
                            // An unused operand position of a program without loads.
                            chunks.cast()
                        } else {
                            registers.pointers[l as usize]
                        }
                    }
                }
            };
            let from = instruction.from.map(find);
            // SAFETY: the target differs from every operand register (the builder's colouring) and
            // operands in memory are only stored to after all instructions of the chunk; each
            // operand is a full chunk: a register, or memory that goes on for a whole chunk.
            unsafe {
                let to = &mut (*chunks.add(instruction.to as usize)).0;
                step(instruction.code, to, &*from[0], &*from[1], &*from[2]);
            }
        }
        for &(register, place) in &program.stores {
            let from = registers.chunks[register as usize].0.as_ptr();
            // SAFETY: the plan gives the store `program.len` elements at this place, and this call
            // is the only one that runs these elements.
            unsafe {
                std::ptr::copy_nonoverlapping(from, bases.pointer(place).add(at), count);
            }
        }
        at += count;
    }
}

/// Fills `out` with the elements from `start` on of a view, in row-major order.
#[inline(always)]
fn gather(base: *const f32, view: &Strided, start: usize, out: &mut [f32]) {
    let rank = view.shape.len();
    let (inner, stride) = (view.shape[rank - 1], view.strides[rank - 1]);
    let mut filled = 0;
    while filled < out.len() {
        let element = start + filled;
        let mut rest = element / inner;
        let column = element % inner;
        let mut address = view.offset + column * stride;
        for axis in (0..rank - 1).rev() {
            address += rest % view.shape[axis] * view.strides[axis];
            rest /= view.shape[axis];
        }
        let run = (inner - column).min(out.len() - filled);
        let target = &mut out[filled..filled + run];
        // SAFETY: the plan's views stay inside their block.
        unsafe {
            match stride {
                0 => target.fill(*base.add(address)),
                1 => std::ptr::copy_nonoverlapping(base.add(address), target.as_mut_ptr(), run),
                _ => {
                    for (i, slot) in target.iter_mut().enumerate() {
                        *slot = *base.add(address + i * stride);
                    }
                }
            }
        }
        filled += run;
    }
}

#[inline(always)]
fn map1(to: &mut Chunk, a: &Chunk, f: impl Fn(f32) -> f32) {
    for i in 0..CHUNK {
        to[i] = f(a[i]);
    }
}

#[inline(always)]
fn map2(to: &mut Chunk, a: &Chunk, b: &Chunk, f: impl Fn(f32, f32) -> f32) {
    for i in 0..CHUNK {
        to[i] = f(a[i], b[i]);
    }
}

#[inline(always)]
fn map3(to: &mut Chunk, a: &Chunk, b: &Chunk, c: &Chunk, f: impl Fn(f32, f32, f32) -> f32) {
    for i in 0..CHUNK {
        to[i] = f(a[i], b[i], c[i]);
    }
}

fn flag(condition: bool) -> f32 {
    if condition { 1.0 } else { 0.0 }
}

#[inline(always)]
fn step(code: Code, to: &mut Chunk, a: &Chunk, b: &Chunk, c: &Chunk) {
    match code {
        Code::Move => *to = *a,
        Code::Neg => map1(to, a, |a| -a),
        Code::Abs => map1(to, a, f32::abs),
        Code::Square => map1(to, a, |a| a * a),
        Code::Sqrt => map1(to, a, f32::sqrt),
        Code::Exp => map1(to, a, math::exp),
        Code::Log => map1(to, a, math::log),
        Code::Tanh => map1(to, a, math::tanh),
        Code::Sigmoid => map1(to, a, math::sigmoid),
        // Written so that a NaN stays one: it must reach the loss and stop the run.
        Code::Relu => map1(to, a, |a| if a < 0.0 { 0.0 } else { a }),
        Code::Sign => map1(to, a, |a| flag(a > 0.0) - flag(a < 0.0)),
        Code::Floor => map1(to, a, f32::floor),
        Code::ToFloat => map1(to, a, |a| a.to_bits() as f32),
        Code::Add => map2(to, a, b, |a, b| a + b),
        Code::Sub => map2(to, a, b, |a, b| a - b),
        Code::Mul => map2(to, a, b, |a, b| a * b),
        Code::Div => map2(to, a, b, |a, b| a / b),
        Code::Max => map2(to, a, b, |a, b| if a < b { b } else { a }),
        Code::Min => map2(to, a, b, |a, b| if a > b { b } else { a }),
        Code::Greater => map2(to, a, b, |a, b| flag(a > b)),
        Code::Equal => map2(to, a, b, |a, b| flag(a == b)),
        Code::EqualIndex => map2(to, a, b, |a, b| flag(a.to_bits() == b.to_bits())),
        Code::Select => map3(to, a, b, c, |a, b, c| if a != 0.0 { b } else { c }),
        Code::MulAdd => map3(to, a, b, c, |a, b, c| a * b + c),
    }
}
