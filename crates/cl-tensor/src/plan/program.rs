//! Pointwise programs: instructions over registers that hold a chunk of floats each.

use super::code::Code;
use super::view::{Place, Strided};

/// Floats per register: a chunk fits the nearest cache together with its operands.
pub(crate) const CHUNK: usize = 512;

/// Where an instruction finds an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Register(u16),
    Load(u16),
}

/// One instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instruction {
    pub code: Code,
    pub to: u16,
    pub from: [Source; 3],
}

/// How a program reads memory.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Load {
    /// Element i for element i: read where it lies.
    Aligned(Place),
    /// One number for all elements.
    Splat(Place),
    /// Any other view, gathered into a register.
    Strided(Place, Strided),
}

/// One pass over memory: loads, instructions, stores, chunk by chunk.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// Elements of the pass.
    pub len: usize,
    pub loads: Vec<Load>,
    pub instructions: Vec<Instruction>,
    /// Register to place, at the end of each chunk, when all of its reads are done.
    pub stores: Vec<(u16, Place)>,
    pub registers: usize,
}

/// Builds a program in static single assignment, then gives registers by last use.
#[derive(Default)]
pub(super) struct Builder {
    pub loads: Vec<Load>,
    pub instructions: Vec<Instruction>,
    pub stores: Vec<(u16, Place)>,
}

impl Builder {
    pub(super) fn load(&mut self, load: Load) -> Source {
        let known = self.loads.iter().position(|other| *other == load);
        let position = known.unwrap_or_else(|| {
            self.loads.push(load);
            self.loads.len() - 1
        });
        Source::Load(position as u16)
    }

    pub(super) fn push(&mut self, code: Code, from: [Source; 3]) -> u16 {
        let to = u16::try_from(self.instructions.len()).expect("a pass of under 65,536 values");
        self.instructions.push(Instruction { code, to, from });
        to
    }

    pub(super) fn finish(mut self, len: usize) -> Program {
        self.contract();
        let registers = self.colour();
        Program {
            len,
            loads: self.loads,
            instructions: self.instructions,
            stores: self.stores,
            registers,
        }
    }

    fn uses(&self, register: u16) -> usize {
        let reads = |i: &Instruction| {
            i.from[..i.code.arity()].iter().filter(|s| **s == Source::Register(register)).count()
        };
        self.instructions.iter().map(reads).sum::<usize>()
            + self.stores.iter().filter(|(r, _)| *r == register).count()
    }

    /// a·b followed by + c, with no other use of the product, becomes one instruction; both still
    /// round, so the bits stay.
    fn contract(&mut self) {
        for at in 0..self.instructions.len() {
            if self.instructions[at].code != Code::Add {
                continue;
            }
            for side in 0..2 {
                let Source::Register(product) = self.instructions[at].from[side] else { continue };
                let Some(mul) = self
                    .instructions
                    .iter()
                    .find(|i| i.to == product && i.code == Code::Mul)
                    .copied()
                else {
                    continue;
                };
                if self.uses(product) != 1 {
                    continue;
                }
                let other = self.instructions[at].from[1 - side];
                self.instructions[at].code = Code::MulAdd;
                self.instructions[at].from = [mul.from[0], mul.from[1], other];
                break;
            }
        }
        let dead: Vec<u16> = self
            .instructions
            .iter()
            .map(|i| i.to)
            .filter(|&register| self.uses(register) == 0)
            .collect();
        self.instructions.retain(|i| !dead.contains(&i.to));
    }

    fn colour(&mut self) -> usize {
        let mut last = std::collections::HashMap::new();
        for (at, instruction) in self.instructions.iter().enumerate() {
            for source in &instruction.from[..instruction.code.arity()] {
                if let Source::Register(register) = source {
                    last.insert(*register, at);
                }
            }
        }
        for (register, _) in &self.stores {
            last.insert(*register, usize::MAX);
        }
        let mut free: Vec<u16> = Vec::new();
        let mut count = 0_u16;
        let mut name = std::collections::HashMap::new();
        for at in 0..self.instructions.len() {
            let instruction = self.instructions[at];
            // The target is named before the operands are released: no instruction writes what it
            // reads, so its loop has no aliasing to fear.
            let target = free.pop().unwrap_or_else(|| {
                count += 1;
                count - 1
            });
            let mut released = Vec::new();
            for slot in 0..instruction.code.arity() {
                if let Source::Register(register) = instruction.from[slot] {
                    self.instructions[at].from[slot] = Source::Register(name[&register]);
                    if last[&register] == at && !released.contains(&name[&register]) {
                        released.push(name[&register]);
                    }
                }
            }
            free.extend(released);
            name.insert(instruction.to, target);
            self.instructions[at].to = target;
        }
        for (register, _) in &mut self.stores {
            *register = name[register];
        }
        count as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_and_a_sum_become_one_instruction_and_registers_are_reused() {
        let place = |offset| Place { base: 0, offset };
        let mut builder = Builder::default();
        let a = builder.load(Load::Aligned(place(0)));
        let b = builder.load(Load::Splat(place(16)));
        let none = Source::Load(0);
        let mut x = Source::Register(builder.push(Code::Mul, [a, b, none]));
        x = Source::Register(builder.push(Code::Add, [x, a, none]));
        for _ in 0..5 {
            x = Source::Register(builder.push(Code::Exp, [x, none, none]));
        }
        let Source::Register(out) = x else { unreachable!() };
        builder.stores.push((out, place(32)));
        let program = builder.finish(1000);
        let codes: Vec<Code> = program.instructions.iter().map(|i| i.code).collect();
        assert_eq!(codes[0], Code::MulAdd);
        assert_eq!(codes.len(), 6);
        assert_eq!(program.registers, 2);
    }
}
