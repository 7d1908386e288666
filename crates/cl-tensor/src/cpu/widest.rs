//! Loops compiled for the widest vectors of the machine they run on.
//!
//! A plain x86-64 build may only assume SSE2, so they are compiled three times (AVX-512, AVX2,
//! baseline) and chosen at run time. None of the copies contracts a product and a sum: all give the
//! same bits.

/// Loops that the compiler vectorises.
pub(crate) trait Loops {
    /// Runs them. To be `#[inline(always)]`, which compiles them for the vectors of its caller.
    fn run(self);
}

/// Runs loops with the widest vectors there are.
#[inline]
pub(crate) fn on_widest(loops: impl Loops) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
        {
            // SAFETY: the CPU has the features this copy is compiled for.
            return unsafe { with_avx512(loops) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return unsafe { with_avx2(loops) };
        }
    }
    loops.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn with_avx512(loops: impl Loops) {
    loops.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2(loops: impl Loops) {
    loops.run();
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use crate::cpu::math;

    /// Everything that could be contracted or rounded otherwise with wider vectors.
    struct Elementary<'a> {
        of: &'a [f32],
        out: &'a mut Vec<[u32; 5]>,
    }

    impl Loops for Elementary<'_> {
        #[inline(always)]
        fn run(self) {
            for (x, out) in self.of.iter().zip(self.out) {
                let all =
                    [math::exp(*x), math::log(*x), math::tanh(*x), math::sigmoid(*x), x * x + *x];
                *out = all.map(f32::to_bits);
            }
        }
    }

    #[test]
    fn copies_for_wider_vectors_give_the_bits_of_the_baseline() {
        // From -100 to 100, and what has an exponent of its own.
        let mut of: Vec<f32> = (-5_000..=5_003).map(|k| k as f32 * 0.02).collect();
        of.extend([f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE, 1e-20, 3e38, -0.0]);
        let bits = |run: &dyn Fn(Elementary<'_>)| {
            let mut out = vec![[0; 5]; of.len()];
            run(Elementary { of: &of, out: &mut out });
            out
        };
        let baseline = bits(&|loops| loops.run());
        assert!(bits(&|loops| on_widest(loops)) == baseline, "the widest differ");
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has the feature.
            assert!(bits(&|loops| unsafe { with_avx2(loops) }) == baseline, "AVX2 differs");
        }
    }
}
