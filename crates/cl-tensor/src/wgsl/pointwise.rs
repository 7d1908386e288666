//! Fused passes over memory, generated from a plan's pointwise programs.

use super::body::Body;
use super::lower::Frame;
use super::part::Part;
use super::text::Kernel;
use crate::plan::program::{Load, Program, Source};
use crate::plan::{Code, Place, Strided};
use std::fmt::Write;

/// A pass of its own.
pub(super) fn pass(frame: &Frame<'_>, program: &Program) -> Part {
    let mut kernel = frame.kernel("pointwise");
    let text = statements(&mut kernel, frame, program, None);
    kernel.body(&Body::each(program.len, text))
}

/// The statements of a pass for element `i`; what lies at `known` is the variable `known`.
pub(super) fn statements(
    kernel: &mut Kernel<'_>,
    frame: &Frame<'_>,
    program: &Program,
    known: Option<Place>,
) -> String {
    let mut text = String::new();
    for (l, load) in program.loads.iter().enumerate() {
        let value = match load {
            // A product of one element is one number for all.
            Load::Aligned(place) | Load::Splat(place) if Some(*place) == known => {
                "bitcast<u32>(known)".to_owned()
            }
            Load::Aligned(place) => kernel.read(&frame.locate(*place), program.len)("i"),
            Load::Splat(place) => kernel.read(&frame.locate(*place), 1)("0u"),
            Load::Strided(place, view) => {
                let base = frame.locate(*place).plus(view.offset);
                kernel.read(&base, span(view))(&address(view))
            }
        };
        let _ = writeln!(text, "    let x{l} = {value};");
    }
    // Registers are given again: each value has a name of its own here.
    let mut names: Vec<usize> = vec![0; program.registers];
    for (number, instruction) in program.instructions.iter().enumerate() {
        let from = instruction.from.map(|source| match source {
            Source::Load(l) => format!("x{l}"),
            Source::Register(r) => format!("r{}", names[r as usize]),
        });
        let value = formula(instruction.code, &from);
        let _ = writeln!(text, "    let r{number} = {value};");
        names[instruction.to as usize] = number;
    }
    for &(register, place) in &program.stores {
        let to = kernel.write(&frame.locate(place), program.len)("i");
        let _ = writeln!(text, "    {to} = r{};", names[register as usize]);
    }
    text
}

/// Words from the first to the last element of a view.
fn span(view: &Strided) -> usize {
    let axes = view.shape.iter().zip(&view.strides);
    1 + axes.map(|(&extent, &stride)| extent.saturating_sub(1) * stride).sum::<usize>()
}

/// Where element `i` of a view lies, from its first.
fn address(view: &Strided) -> String {
    let mut terms = Vec::new();
    let mut behind = 1;
    for (axis, (&extent, &stride)) in view.shape.iter().zip(&view.strides).enumerate().rev() {
        let over = if behind == 1 { "i".to_owned() } else { format!("i / {behind}u") };
        let place = if axis == 0 { format!("({over})") } else { format!("({over}) % {extent}u") };
        if stride != 0 {
            terms.push(format!("({place}) * {stride}u"));
        }
        behind *= extent;
    }
    if terms.is_empty() { "0u".to_owned() } else { terms.join(" + ") }
}

/// The bits of an instruction's result, from the bits of its operands.
fn formula(code: Code, from: &[String; 3]) -> String {
    let [x, y, z] = from;
    let f = |bits: &String| format!("bitcast<f32>({bits})");
    let (a, b, c) = (f(x), f(y), f(z));
    let value = match code {
        Code::Move => return x.clone(),
        Code::Neg => format!("-{a}"),
        Code::Abs => format!("abs({a})"),
        Code::Square => format!("{a} * {a}"),
        Code::Sqrt => format!("sqrt({a})"),
        Code::Exp => format!("exp_({a})"),
        Code::Log => format!("log_({a})"),
        Code::Tanh => format!("tanh_({a})"),
        Code::Sigmoid => format!("sigmoid_({a})"),
        // Written so that a NaN stays one: it must reach the loss and stop the run.
        Code::Relu => format!("select({a}, 0.0, {a} < 0.0)"),
        Code::Sign => format!("flag({a} > 0.0) - flag({a} < 0.0)"),
        Code::Floor => format!("floor({a})"),
        Code::ToFloat => format!("f32({x})"),
        Code::Add => format!("{a} + {b}"),
        Code::Sub => format!("{a} - {b}"),
        Code::Mul => format!("{a} * {b}"),
        Code::Div => format!("{a} / {b}"),
        Code::Max => format!("select({a}, {b}, {a} < {b})"),
        Code::Min => format!("select({a}, {b}, {a} > {b})"),
        Code::Greater => format!("flag({a} > {b})"),
        Code::Equal => format!("flag({a} == {b})"),
        Code::EqualIndex => format!("flag({x} == {y})"),
        Code::Select => return format!("select({z}, {y}, {a} != 0.0)"),
        Code::MulAdd => format!("fma({a}, {b}, {c})"),
    };
    format!("bitcast<u32>({value})")
}
