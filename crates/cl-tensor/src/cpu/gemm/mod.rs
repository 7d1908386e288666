//! Matrix products: kernels of our own where the CPU has AVX-512 or AVX2 with FMA, ndarray's elsewhere.
//!
//! One element is `fma(a[i, k-1], b[k-1, j], … fma(a[i, 0], b[0, j], 0))`: the sum runs over k from first
//! to last, whatever the blocks. So its bits depend neither on the other rows and columns that are
//! computed with it, nor on threads, nor on which of the two kernels computes it.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod blocks;
mod kernel;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod vector;

pub(super) use kernel::{Gemm, Kernel, Strides};
