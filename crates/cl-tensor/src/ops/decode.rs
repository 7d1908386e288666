//! Resident bytes read as floats.

use super::operands;
use crate::conformance::{Case, Fill};
use crate::cpu::{Loops, on_widest};
use crate::op::{Args, Kind, Op, Out, Vjp};
use crate::reference::Values;
use crate::types::{DType, Type};
use crate::var::Var;
use crate::wgsl::Body;

/// Rows of resident bytes as floats, `byte * scale`: data u8 `[n, f]`, index `[r]` -> `[r, f]`. An index
/// out of range gives a row of zeros.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GatherDecode {
    /// What one step of a byte is worth: 1/255 for images, 1/16 for the digits.
    pub scale: f32,
}

impl Op for GatherDecode {
    fn name(&self) -> &'static str {
        "gather_decode"
    }

    fn attributes(&self) -> Vec<u64> {
        vec![u64::from(self.scale.to_bits())]
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [data, index] = operands("gather_decode", inputs)?;
        let fits = data.dtype == DType::U8
            && data.shape.len() == 2
            && index.dtype == DType::U32
            && index.shape.len() == 1;
        if !fits {
            return Err(format!(
                "gather_decode: {data} by {index}: expected u8[n, f] by u32[rows]"
            ));
        }
        Ok(Type::f32(&[index.shape[0], data.shape[1]]))
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    fn vjp<'g>(&self, _: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        vec![None, None]
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let width = output.shape[1];
        let element = |flat: usize| {
            let at = inputs[1].data[flat / width] as usize * width + flat % width;
            inputs[0].data.get(at).map_or(0.0, |byte| byte * f64::from(self.scale))
        };
        (0..output.len()).map(element).collect()
    }

    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        let (data, index) = (args.u8(0), args.u32(1));
        let width = args.output_type().shape[1].max(1);
        for (out, &row) in out.f32().chunks_exact_mut(width).zip(index) {
            let start = row as usize * width;
            match data.get(start..start + width) {
                Some(row) => on_widest(Decode { row, out, scale: self.scale }),
                None => out.fill(0.0),
            }
        }
    }

    /// A byte and a float per element of the rows, not the data.
    fn bytes(&self, inputs: &[&Type], output: &Type) -> u64 {
        inputs[1].bytes() + output.len() as u64 + output.bytes()
    }

    fn wgsl(&self, inputs: &[&Type], output: &Type) -> Option<Body> {
        let (rows, width, scale) = (inputs[0].shape[0], output.shape[1], self.scale.to_bits());
        let text = format!(
            "    let row = x1(i / {width}u);
    var x = 0.0;
    if (row < {rows}u) {{ x = f32(x0(row * {width}u + i % {width}u)) * bitcast<f32>({scale}u); }}
    put(i, x);"
        );
        Some(Body::each(output.len(), text))
    }
}

/// One row.
struct Decode<'a> {
    row: &'a [u8],
    out: &'a mut [f32],
    scale: f32,
}

impl Loops for Decode<'_> {
    #[inline(always)]
    fn run(self) {
        for (out, &byte) in self.out.iter_mut().zip(self.row) {
            *out = f32::from(byte) * self.scale;
        }
    }
}

pub(super) fn cases() -> Vec<Case> {
    let bytes = |shape: &[usize], values: &[f64]| {
        let ty = Type { shape: shape.to_vec(), dtype: DType::U8 };
        (ty, Fill::Values(values.to_vec()))
    };
    let (ty, fill) = bytes(&[2, 2], &[0.0, 16.0, 255.0, 8.0]);
    vec![
        Case::new("by hand, one out of range")
            .input(ty, fill)
            .indices(&[3], &[1, 2, 0])
            .without_derivative()
            .formula(|_, x| x[0].gather_decode(x[1], 1.0 / 16.0))
            .expect(&[15.9375, 0.5, 0.0, 0.0, 0.0, 1.0])
            .tolerance(0.0),
        Case::new("rows of 33 bytes")
            .bytes(&[10, 33])
            .below(&[21], 11)
            .without_derivative()
            .formula(|_, x| x[0].gather_decode(x[1], 1.0 / 255.0)),
        Case::new("into a layer")
            .bytes(&[10, 64])
            .below(&[7], 10)
            .f32(&[64, 5])
            .formula(|_, x| x[0].gather_decode(x[1], 1.0 / 255.0).matmul(x[2]).tanh()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bytes_are_decoded() {
        let decode = GatherDecode { scale: 1.0 };
        let message = decode.output(&[&Type::f32(&[5, 2]), &Type::u32(&[3])]).unwrap_err();
        assert_eq!(message, "gather_decode: f32[5, 2] by u32[3]: expected u8[n, f] by u32[rows]");
    }
}
