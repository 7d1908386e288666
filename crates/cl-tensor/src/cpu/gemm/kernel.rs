//! A product, and what computes it.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder};

/// A matrix in memory: strides count elements.
#[derive(Clone, Copy, Debug)]
pub(in crate::cpu) struct Strides {
    pub pointer: *const f32,
    pub row: usize,
    pub column: usize,
}

impl Strides {
    /// The same matrix without its first rows and columns.
    #[inline(always)]
    pub(in crate::cpu) fn at(self, row: usize, column: usize) -> Self {
        let pointer = self.pointer.wrapping_add(row * self.row + column * self.column);
        Self { pointer, ..self }
    }
}

/// A product `[m, k] x [k, n]`. The result's columns are neighbours, its rows `c_row` apart.
#[derive(Clone, Copy, Debug)]
pub(in crate::cpu) struct Gemm {
    pub m: usize,
    pub k: usize,
    pub n: usize,
    pub a: Strides,
    pub b: Strides,
    pub c: *mut f32,
    pub c_row: usize,
}

/// What computes products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cpu) enum Kernel {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Kernel {
    /// Those that run on this CPU, the fastest first.
    pub(in crate::cpu) fn present() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let own = [
            is_x86_feature_detected!("avx512f").then_some(Self::Avx512),
            (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"))
                .then_some(Self::Avx2),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let own: [Option<Self>; 0] = [];
        own.into_iter().flatten().chain([Self::Portable])
    }

    /// The fastest on this CPU.
    pub(in crate::cpu) fn fastest() -> Self {
        Self::present().next().unwrap_or(Self::Portable)
    }

    /// Computes a product.
    ///
    /// # Safety
    /// This CPU has the kernel. Operands and result lie at these pointers with these strides; nobody writes the
    /// operands and nobody else touches the result, which overlaps neither.
    pub(in crate::cpu) unsafe fn run(self, product: &Gemm) {
        match self {
            // SAFETY: the caller's promise.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { super::blocks::with_avx512(product) },
            // SAFETY: the caller's promise.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { super::blocks::with_avx2(product) },
            // SAFETY: the caller's promise.
            Self::Portable => unsafe { portable(product) },
        }
    }
}

/// # Safety
/// As for [`Kernel::run`].
unsafe fn portable(product: &Gemm) {
    let Gemm { m, k, n, a, b, c, c_row } = *product;
    // SAFETY: the caller promises memory of these shapes and strides.
    let (a, b, mut c) = unsafe {
        (
            ArrayView2::from_shape_ptr((m, k).strides((a.row, a.column)), a.pointer),
            ArrayView2::from_shape_ptr((k, n).strides((b.row, b.column)), b.pointer),
            ArrayViewMut2::from_shape_ptr((m, n).strides((c_row, 1)), c),
        )
    };
    general_mat_mul(1.0, &a, &b, 0.0, &mut c);
}
