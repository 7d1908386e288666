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
