//! A recorded body run once per inner lane.

use crate::conformance::Case;
use crate::cpu::replay_lanes;
use crate::op::{Args, Inside, Kind, Leaving, Op, Out, Vjp};
use crate::plan::{ALIGNMENT, Plan};
use crate::reference::{Values, interpret};
use crate::types::Type;
use crate::var::Var;
use std::ops::Range;

/// What the body reads from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand {
    /// The source of the body that stands for it.
    pub node: usize,
    /// Whether it is `[lanes, ..]`, one part per lane, or the same for all.
    pub each: bool,
}

/// What leaves the body: where it lies in the operation's result, and how.
#[derive(Clone, Debug)]
struct Leaves {
    offset: usize,
    /// Elements per lane.
    len: usize,
    shape: Vec<usize>,
    summed: bool,
}

/// Runs `body` for each of `lanes` lanes in order: see [`crate::Graph::inner`].
///
/// The result is one vector: what leaves the lanes, stacked `[lanes, ..]` or summed, each at a
/// multiple of 16 elements, then the body's scratch memory. Only slices of the former are handed out.
#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: usize,
    body: Plan,
    operands: Vec<Operand>,
    leaves: Vec<Leaves>,
    /// Where the scratch memory starts.
    scratch: usize,
}

impl Lanes {
    pub(crate) fn new(lanes: usize, body: Plan, operands: Vec<Operand>, summed: &[bool]) -> Self {
        let mut scratch = 0;
        let place = |(output, &summed): (&crate::plan::Port, &bool)| {
            let len = output.ty.len();
            let times = if summed { 1 } else { lanes };
            let offset = scratch;
            scratch += (times * len).next_multiple_of(ALIGNMENT);
            Leaves { offset, len, shape: output.ty.shape.clone(), summed }
        };
        let leaves = body.signature.outputs.iter().zip(summed).map(place).collect();
        Self { lanes, body, operands, leaves, scratch }
    }

    /// Where each result lies, and its type.
    pub(crate) fn results(&self) -> Vec<(Range<usize>, Type)> {
        let stretch = |leaves: &Leaves| {
            let lanes = (!leaves.summed).then_some(self.lanes);
            let shape: Vec<usize> = lanes.into_iter().chain(leaves.shape.iter().copied()).collect();
            let ty = Type::f32(&shape);
            (leaves.offset..leaves.offset + ty.len(), ty)
        };
        self.leaves.iter().map(stretch).collect()
    }

    /// Every value of the body in one lane.
    fn interpret(&self, lane: usize, inputs: &[&Values]) -> Vec<Option<Values>> {
        let source = |index: usize| {
            let known = self.operands.iter().position(|operand| operand.node == index);
            let position = known.expect("every source of the body is an operand");
            let ty = &self.body.nodes[index].ty;
            let part = if self.operands[position].each { lane } else { 0 };
            let data = &inputs[position].data[part * ty.len()..][..ty.len()];
            Ok(Values::new(&ty.shape, data.to_vec()))
        };
        let values = interpret(&self.body.nodes, &self.body.live, source);
        values.expect("a body has no sources of its own").0
    }

    /// Elements of each operand from lane to lane.
    fn strides(&self) -> impl Iterator<Item = usize> + Clone + '_ {
        self.operands
            .iter()
            .map(|operand| if operand.each { self.body.nodes[operand.node].ty.len() } else { 0 })
    }

    fn operand_type(&self, operand: Operand) -> Type {
        let mut ty = self.body.nodes[operand.node].ty.clone();
        if operand.each {
            ty.shape.insert(0, self.lanes);
        }
        ty
    }
}

impl Op for Lanes {
    fn name(&self) -> &'static str {
        "lanes"
    }

    /// The body, value by value: equal bodies over equal operands are one value.
    fn attributes(&self) -> Vec<u64> {
        let mut key = vec![self.lanes as u64, self.operands.len() as u64];
        for operand in &self.operands {
            let ty = self.operand_type(*operand);
            key.extend([operand.node as u64, u64::from(operand.each), ty.shape.len() as u64]);
            key.extend(ty.shape.iter().map(|&extent| extent as u64));
        }
        for (output, leaves) in self.body.roots.iter().zip(&self.leaves) {
            key.extend([*output as u64, u64::from(leaves.summed)]);
        }
        for (index, node) in self.body.nodes.iter().enumerate().filter(|(i, _)| self.body.live[*i])
        {
            let (name, attributes) = (node.op.name(), node.op.attributes());
            key.extend([index as u64, name.len() as u64]);
            key.extend(name.bytes().map(u64::from));
            key.push(attributes.len() as u64);
            key.extend(attributes);
            key.extend(node.inputs.iter().map(|input| u64::from(input.0)));
        }
        key
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        if inputs.len() != self.operands.len() {
            let (got, expected) = (inputs.len(), self.operands.len());
            return Err(format!("lanes: {got} operands, expected {expected}"));
        }
        for (&operand, &got) in self.operands.iter().zip(inputs) {
            let expected = self.operand_type(operand);
            if expected != *got {
                return Err(format!("lanes: an operand is {got}, expected {expected}"));
            }
        }
        Ok(Type::f32(&[self.scratch + self.body.arena_len]))
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    fn vjp<'g>(&self, call: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        let misfit = call.refuse(
            "grad: no derivative goes through inner lanes from outside: take it inside the body"
                .to_owned(),
        );
        self.operands.iter().map(|_| Some(misfit)).collect()
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let mut out = vec![0.0; output.len()];
        for lane in 0..self.lanes {
            let values = self.interpret(lane, inputs);
            for (leaves, &root) in self.leaves.iter().zip(&self.body.roots) {
                let value = values[root].as_ref().expect("roots are evaluated");
                let at = leaves.offset + if leaves.summed { 0 } else { lane * leaves.len };
                for (sum, x) in out[at..].iter_mut().zip(&value.data) {
                    *sum += x;
                }
            }
        }
        out
    }

    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        let (results, scratch) = out.f32().split_at_mut(self.scratch);
        for leaves in self.leaves.iter().filter(|leaves| leaves.summed) {
            results[leaves.offset..][..leaves.len].fill(0.0);
        }
        replay_lanes(
            &self.body,
            self.lanes,
            self.strides(),
            args,
            scratch,
            |lane, position, value| {
                let leaves = &self.leaves[position];
                if leaves.summed {
                    let sums = &mut results[leaves.offset..][..leaves.len];
                    sums.iter_mut().zip(value).for_each(|(sum, x)| *sum += x);
                } else {
                    results[leaves.offset + lane * leaves.len..][..leaves.len]
                        .copy_from_slice(value);
                }
            },
        );
    }

    fn inside(&self) -> Option<Inside<'_>> {
        let leaves = self.leaves.iter();
        Some(Inside {
            lanes: self.lanes,
            body: &self.body,
            strides: self.strides().collect(),
            leaves: leaves
                .map(|it| Leaving { offset: it.offset, len: it.len, summed: it.summed })
                .collect(),
        })
    }

    /// The values of lane 0.
    fn trace(&self, inputs: &[&Values]) -> Option<String> {
        let name = |index: usize| {
            let position = self.operands.iter().position(|operand| operand.node == index)?;
            let kind = if self.operands[position].each { "lane 0 of" } else { "shared" };
            Some(format!("{kind} operand {position}"))
        };
        let list = |values: Vec<_>| crate::cpu::trace::list(&self.body.nodes, &values, name);
        (self.lanes > 0).then(|| list(self.interpret(0, inputs)))
    }

    fn macs(&self, _: &[&Type], _: &Type) -> u64 {
        self.lanes as u64 * self.body.work().macs
    }
}

pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str| Case::new(name).without_derivative();
    vec![
        case("stacked and summed by hand")
            .values(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
            .values(&[2], &[10.0, 100.0])
            .formula(|g, x| {
                let [own, all] = g.inner(3, [x[0]], |_, [row]| {
                    [(row * x[1]).sum().stacked(), (row * x[1]).sum_inner()]
                });
                g.concat(&[own, all], 0)
            })
            .expect(&[210.0, 430.0, 650.0, 90.0, 1200.0]),
        case("a network's gradient per example")
            .f32(&[96])
            .f32(&[6, 5])
            .below(&[6], 4)
            .formula(|g, x| {
                let w = x[0].slice(0, 0..20).reshape(&[5, 4]);
                let b = x[0].slice(0, 64..68);
                let [gradients] = g.inner(6, [x[1], x[2]], |inner, [row, target]| {
                    let logits = (row.reshape(&[1, 5]).matmul(w) + b).tanh();
                    let loss = logits.cross_entropy(target.reshape(&[1])).sum();
                    [inner.grad(loss, x[0]).stacked()]
                });
                gradients
            })
            .tolerance(1e-4),
        case("more elements than a register holds").f32(&[3, 700]).f32(&[700]).formula(|g, x| {
            let [y, sum] = g.inner(3, [x[0]], |_, [row]| {
                let y = (row * x[1]).tanh() + row.square();
                [y.stacked(), y.sum_inner()]
            });
            y + sum
        }),
        case("lanes within lanes").f32(&[2, 3]).f32(&[3, 4]).f32(&[4]).formula(|g, x| {
            let [out] = g.inner(2, [x[0]], |inner, [row]| {
                let [sum] = inner.inner(3, [row, x[1]], |_, [a, b]| {
                    [(a * b + x[2] * row.sum()).exp().sum_inner()]
                });
                [sum.stacked()]
            });
            out
        }),
        case("what is handed through and what is constant").f32(&[2, 3]).f32(&[3]).formula(
            |g, x| {
                let [a, b, c] = g.inner(2, [x[0]], |inner, [row]| {
                    [row.stacked(), x[1].sum_inner(), inner.full(&[3], 0.5).stacked()]
                });
                a + b * c
            },
        ),
        case("bytes that all lanes share").bytes(&[9, 5]).below(&[4, 2], 9).formula(|g, x| {
            let [rows] = g.inner(4, [x[1]], |_, [index]| {
                [x[0].gather_decode(index, 1.0 / 255.0).sum_axis(0).stacked()]
            });
            rows
        }),
        case("a transposed operand").f32(&[5, 4]).f32(&[5, 7]).formula(|g, x| {
            let [out] = g.inner(4, [x[0].t()], |_, [column]| {
                [x[1].t().matmul(column.reshape(&[5, 1])).stacked()]
            });
            out
        }),
        case("no lanes").f32(&[0, 3]).formula(|g, x| {
            let [a, b] =
                g.inner(0, [x[0]], |_, [row]| [row.exp().stacked(), row.exp().sum_inner()]);
            a.sum() + b
        }),
    ]
}
