//! `+`, `-`, `*`, `/` among values and numbers.

use super::Var;
use crate::ops::{Binary, Unary};
use std::ops::{Add, Div, Mul, Neg, Sub};

macro_rules! operator {
    ($trait:ident, $method:ident, $op:expr) => {
        impl<'g> $trait for Var<'g> {
            type Output = Var<'g>;
            #[track_caller]
            fn $method(self, other: Var<'g>) -> Var<'g> {
                self.binary($op, other)
            }
        }
        impl<'g> $trait<f32> for Var<'g> {
            type Output = Var<'g>;
            #[track_caller]
            fn $method(self, other: f32) -> Var<'g> {
                self.binary($op, self.graph.constant(other))
            }
        }
        impl<'g> $trait<Var<'g>> for f32 {
            type Output = Var<'g>;
            #[track_caller]
            fn $method(self, other: Var<'g>) -> Var<'g> {
                other.graph.constant(self).binary($op, other)
            }
        }
    };
}
// The macro is what lets `2.0 * x`, `x * 2.0` and `x * y` read alike: twelve impls otherwise.
operator!(Add, add, Binary::Add);
operator!(Sub, sub, Binary::Sub);
operator!(Mul, mul, Binary::Mul);
operator!(Div, div, Binary::Div);

impl<'g> Neg for Var<'g> {
    type Output = Var<'g>;
    #[track_caller]
    fn neg(self) -> Var<'g> {
        self.unary(Unary::Neg)
    }
}
