//! Random numbers as values of a graph.

use super::operands;
use crate::conformance::Case;
use crate::cpu::{Loops, on_widest};
use crate::graph::Graph;
use crate::op::{Args, Kind, Op, Out, Vjp};
use crate::reference::Values;
use crate::types::Type;
use crate::var::Var;
use crate::wgsl::Body;
use cl_random::{Address, Purpose, threefry2x32, threefry2x32_blocks};
use std::f32::consts::TAU;

/// What the numbers look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Multiples of 2⁻²⁴ in [0, 1).
    Uniform,
    /// Mean 0, standard deviation 1 (Box & Muller 1958).
    Normal,
}

/// Random numbers: address `[4]` = (seed's low half, seed's high half, context, step) -> `shape`.
///
/// They are a function of the address, the purpose and the ordinal alone. Elements 2i and 2i + 1 come
/// from the Threefry block at counter (i, 0): see [`cl_random`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    /// What the numbers look like.
    pub distribution: Distribution,
    /// What they are for.
    pub purpose: Purpose,
    /// Tells apart several uses of one purpose in one step.
    pub ordinal: u32,
    /// Shape of the result.
    pub shape: Vec<usize>,
}

impl Op for Random {
    fn name(&self) -> &'static str {
        match self.distribution {
            Distribution::Uniform => "uniform",
            Distribution::Normal => "normal",
        }
    }

    fn attributes(&self) -> Vec<u64> {
        let words = [u64::from(self.purpose.bits()), u64::from(self.ordinal)];
        words.into_iter().chain(self.shape.iter().map(|&extent| extent as u64)).collect()
    }

    fn output(&self, inputs: &[&Type]) -> Result<Type, String> {
        let [address] = operands(self.name(), inputs)?;
        if *address != Type::u32(&[4]) {
            return Err(format!(
                "{}: address {address}: expected u32[4], (seed low, seed high, context, step)",
                self.name()
            ));
        }
        Ok(Type::f32(&self.shape))
    }

    fn kind(&self) -> Kind {
        Kind::Kernel
    }

    fn vjp<'g>(&self, _: &Vjp<'g>) -> Vec<Option<Var<'g>>> {
        vec![None]
    }

    fn reference(&self, inputs: &[&Values], output: &Type) -> Vec<f64> {
        let words: Vec<u32> = inputs[0].data.iter().map(|&word| word as u32).collect();
        let key = self.key(&words);
        let element = |flat: usize| {
            let pair = threefry2x32(key, [(flat / 2) as u32, 0]);
            let [u1, u2] = pair.map(|word| f64::from(word >> 8) / f64::from(1 << 24));
            match self.distribution {
                Distribution::Uniform => [u1, u2][flat % 2],
                Distribution::Normal => {
                    let radius = (-2.0 * (u1 + (-24.0_f64).exp2()).ln()).sqrt();
                    let angle = std::f64::consts::TAU * u2;
                    radius * [angle.cos(), angle.sin()][flat % 2]
                }
            }
        };
        (0..output.len()).map(element).collect()
    }

    fn run(&self, args: &Args<'_>, out: Out<'_>) {
        let key = self.key(args.u32(0));
        let out = out.f32();
        match self.distribution {
            Distribution::Uniform => on_widest(Fill { key, out, pair: uniform_pair }),
            Distribution::Normal => on_widest(Fill { key, out, pair: normal_pair }),
        }
    }

    fn wgsl(&self, _: &[&Type], output: &Type) -> Option<Body> {
        let (purpose, ordinal) = (self.purpose.bits(), self.ordinal);
        let pair = match self.distribution {
            Distribution::Uniform => {
                "    let pair = vec2<f32>(w >> vec2<u32>(8u)) * 5.9604644775390625e-8;"
            }
            Distribution::Normal => {
                "    let u = vec2<f32>(vec2<u32>((w.x >> 8u) + 1u, w.y >> 8u)) * 5.9604644775390625e-8;
    let radius = sqrt(-2.0 * log_(u.x));
    let pair = radius * circle(u.y);"
            }
        };
        let text = format!(
            "    let outer = threefry(vec2<u32>(x0(0u), x0(1u)), vec2<u32>({purpose}u, x0(2u)));
    let key = threefry(outer, vec2<u32>(x0(3u), {ordinal}u));
    let w = threefry(key, vec2<u32>(i, 0u));
{pair}
    put(2u * i, pair.x);
    if (2u * i + 1u < {len}u) {{ put(2u * i + 1u, pair.y); }}",
            len = output.len()
        );
        Some(Body::each(output.len().div_ceil(2), text))
    }
}

impl Random {
    fn key(&self, address: &[u32]) -> [u32; 2] {
        let seed = u64::from(address[0]) | u64::from(address[1]) << 32;
        let address = Address::new(seed, self.purpose).context(address[2]).step(address[3]);
        address.ordinal(self.ordinal).key()
    }
}

/// 2⁻²⁴: the distance of neighbouring uniform numbers.
const STEP: f32 = 1.0 / 16_777_216.0;

#[inline(always)]
fn uniform_pair(words: [u32; 2]) -> [f32; 2] {
    words.map(|word| (word >> 8) as f32 * STEP)
}

/// √(−2 ln u₁) · (cos 2πu₂, sin 2πu₂), u₁ in (0, 1]: the logarithm of 0 does not occur.
fn normal_pair(words: [u32; 2]) -> [f32; 2] {
    let u1 = ((words[0] >> 8) + 1) as f32 * STEP;
    let u2 = (words[1] >> 8) as f32 * STEP;
    let radius = (-2.0 * u1.ln()).sqrt();
    let (sin, cos) = (TAU * u2).sin_cos();
    [radius * cos, radius * sin]
}

/// Pairs whose blocks are computed side by side.
const PAIRS: usize = 32;

/// Fills a tensor with what `pair` makes of the words of each block.
struct Fill<'a, F> {
    key: [u32; 2],
    out: &'a mut [f32],
    pair: F,
}

impl<F: Fn([u32; 2]) -> [f32; 2]> Loops for Fill<'_, F> {
    #[inline(always)]
    fn run(self) {
        let Self { key, out, pair } = self;
        for (chunk, out) in out.chunks_mut(2 * PAIRS).enumerate() {
            let first = (chunk * PAIRS) as u32;
            let [even, odd] = threefry2x32_blocks::<PAIRS>(key, first);
            for (i, out) in out.chunks_mut(2).enumerate() {
                let numbers = pair([even[i], odd[i]]);
                out.copy_from_slice(&numbers[..out.len()]);
            }
        }
    }
}

impl Graph {
    /// Uniform numbers in [0, 1). Equal arguments mean the same numbers; `address` is u32 `[4]`: (seed
    /// low, seed high, context, step).
    #[track_caller]
    pub fn uniform<'g>(
        &'g self,
        address: Var<'g>,
        purpose: Purpose,
        ordinal: u32,
        shape: &[usize],
    ) -> Var<'g> {
        let distribution = Distribution::Uniform;
        self.record(Random { distribution, purpose, ordinal, shape: shape.to_vec() }, &[address])
    }

    /// Standard normal numbers, addressed as those of [`Graph::uniform`].
    #[track_caller]
    pub fn normal<'g>(
        &'g self,
        address: Var<'g>,
        purpose: Purpose,
        ordinal: u32,
        shape: &[usize],
    ) -> Var<'g> {
        let distribution = Distribution::Normal;
        self.record(Random { distribution, purpose, ordinal, shape: shape.to_vec() }, &[address])
    }

    /// 1 with the given probability (a fraction in [0, 1], broadcast), else 0; addressed as the numbers
    /// of [`Graph::uniform`].
    #[track_caller]
    pub fn bernoulli<'g>(
        &'g self,
        address: Var<'g>,
        purpose: Purpose,
        ordinal: u32,
        probability: Var<'g>,
        shape: &[usize],
    ) -> Var<'g> {
        probability.greater(self.uniform(address, purpose, ordinal, shape))
    }
}

pub(super) fn cases() -> Vec<Case> {
    const TEST: Purpose = Purpose::named("test");
    let case = |name: &str, address: [u32; 4]| {
        Case::new(name).indices(&[4], &address).without_derivative()
    };
    vec![
        case("uniform numbers are exact", [7, 0, 3, 2])
            .formula(|g, x| g.uniform(x[0], TEST, 1, &[133]))
            .tolerance(0.0),
        case("uniform numbers of a large seed", [u32::MAX, 9, 0, 40])
            .formula(|g, x| g.uniform(x[0], TEST, 0, &[3, 5, 7]))
            .tolerance(0.0),
        case("normal numbers", [7, 1, 3, 2]).formula(|g, x| g.normal(x[0], TEST, 1, &[17, 5])),
        case("one normal number", [7, 1, 3, 2]).formula(|g, x| g.normal(x[0], TEST, 2, &[])),
        case("never and always", [1, 0, 0, 0])
            .values(&[2, 1], &[0.0, 1.0])
            .formula(|g, x| g.bernoulli(x[0], TEST, 0, x[1], &[2, 3]))
            .expect(&[0.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
        case("a coin per element", [1, 0, 0, 0])
            .values(&[], &[0.3])
            .formula(|g, x| g.bernoulli(x[0], TEST, 0, x[1], &[40, 9]))
            .tolerance(0.0),
        case("ordinals tell numbers apart", [1, 0, 0, 0])
            .formula(|g, x| {
                let [a, b] = [0, 1].map(|ordinal| g.uniform(x[0], TEST, ordinal, &[50]));
                a.equal(b).sum() + (a - g.uniform(x[0], TEST, 0, &[50])).abs().sum()
            })
            .expect(&[0.0]),
        Case::new("a dropout mask is a constant of the derivative")
            .indices(&[4], &[3, 0, 1, 9])
            .f32(&[6, 20])
            .formula(|g, x| {
                let keep = g.bernoulli(x[0], TEST, 0, g.constant(0.8), &[6, 20]);
                (keep * x[1]).square() * (1.0 / 0.8)
            }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(pair: fn([u32; 2]) -> [f32; 2], n: usize) -> Vec<f32> {
        let random = Random {
            distribution: Distribution::Uniform,
            purpose: Purpose::DROPOUT,
            ordinal: 1,
            shape: vec![n],
        };
        let mut out = vec![f32::NAN; n];
        let key = random.key(&[7, 9, 3, 2]);
        on_widest(Fill { key, out: &mut out, pair });
        out
    }

    /// The words of Threefry at (seed 7 + 9 · 2³², dropout, context 3, step 2, ordinal 1), worked out
    /// by a second program from the paper, shifted right by 8, and Box-Muller of these in f64; a change here would change every result ever published with this library.
    #[test]
    fn value_stability() {
        let steps: Vec<u32> = numbers(uniform_pair, 5).iter().map(|u| (u / STEP) as u32).collect();
        assert_eq!(steps, [1_126_582, 12_695_598, 14_039_428, 2_285_667, 15_807_256]);
        let normal: Vec<f32> = numbers(normal_pair, 4);
        let pinned = [0.098_053_9, -2.322_079, 0.391_254_93, 0.450_803_37];
        for (got, pinned) in normal.iter().zip(pinned) {
            assert!((got - pinned).abs() < 1e-6, "{normal:?}");
        }
    }

    #[test]
    fn a_longer_tensor_begins_with_the_shorter_one() {
        for pair in [uniform_pair, normal_pair] {
            let long = numbers(pair, 131);
            for len in [1, 2, 31, 32, 33, 64, 97] {
                assert_eq!(numbers(pair, len), long[..len]);
            }
        }
    }

    #[test]
    fn moments_are_those_of_the_distribution() {
        const N: usize = 1 << 16;
        let moments = |x: &[f32]| {
            let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / N as f64;
            let central =
                |p: i32| x.iter().map(|&x| (f64::from(x) - mean).powi(p)).sum::<f64>() / N as f64;
            [mean, central(2), central(4)]
        };
        // Four standard errors of each estimate at N = 65,536.
        let close = |got: [f64; 3], expected: [f64; 3], error: [f64; 3]| {
            for i in 0..3 {
                assert!((got[i] - expected[i]).abs() < error[i], "{got:?}, expected {expected:?}");
            }
        };
        let uniform = numbers(uniform_pair, N);
        assert!(uniform.iter().all(|&x| (0.0..1.0).contains(&x)));
        close(moments(&uniform), [0.5, 1.0 / 12.0, 1.0 / 80.0], [0.0046, 0.0012, 0.0003]);
        close(moments(&numbers(normal_pair, N)), [0.0, 1.0, 3.0], [0.016, 0.023, 0.16]);
    }

    #[test]
    fn the_ends_of_the_range_are_finite() {
        assert_eq!(uniform_pair([0, u32::MAX]), [0.0, 1.0 - STEP]);
        // u1 = 2⁻²⁴: √(48 ln 2) = 5.768; u2 = 0: all of it is the cosine's.
        let [cos, sin] = normal_pair([0, 0]);
        assert!((cos - 5.768_1).abs() < 1e-3 && sin == 0.0, "{cos}, {sin}");
        assert_eq!(normal_pair([u32::MAX, 0]), [0.0, 0.0]);
    }

    #[test]
    fn the_address_has_four_words() {
        let random = Random {
            distribution: Distribution::Normal,
            purpose: Purpose::DROPOUT,
            ordinal: 0,
            shape: vec![3],
        };
        let message = random.output(&[&Type::u32(&[3])]).unwrap_err();
        assert_eq!(
            message,
            "normal: address u32[3]: expected u32[4], (seed low, seed high, context, step)"
        );
    }
}
