//! The operations. One file holds an operation (or a family of one shape): its rule for shapes, its
//! derivative, its CPU kernel, its slow reference and its test cases.

mod argmax;
mod assemble;
mod binary;
mod columns;
mod concat;
mod constant;
mod cross_entropy;
mod decode;
mod expand;
mod gather;
mod index;
mod lanes;
mod log_softmax;
mod matmul;
mod nnqp;
mod operands;
mod random;
mod reshape;
mod select;
mod slice;
mod softmax;
mod source;
mod sum;
mod top_k;
mod transpose;
mod unary;

use crate::conformance::Case;

pub use argmax::ArgMax;
pub use assemble::Assemble;
pub use binary::Binary;
pub use columns::{GatherColumns, ScatterColumns};
pub use concat::Concat;
pub use constant::Constant;
pub use cross_entropy::{CrossEntropy, CrossEntropyGrad};
pub use decode::GatherDecode;
pub use expand::Expand;
pub use gather::{Gather, ScatterAdd};
pub use index::{EqualIndex, Iota, ToFloat};
pub(crate) use lanes::{Lanes, Operand};
pub use log_softmax::LogSoftmax;
pub use matmul::MatMul;
pub use nnqp::Nnqp;
use operands::operands;
pub use random::{Distribution, Random};
pub use reshape::Reshape;
pub use select::Select;
pub use slice::Slice;
pub use softmax::Softmax;
pub(crate) use source::{Import, Poison, Source, SourceKind};
pub use sum::Sum;
pub use top_k::TopK;
pub use transpose::Transpose;
pub use unary::Unary;

/// The test cases of every operation of this crate, by operation.
#[must_use]
pub fn cases() -> Vec<(&'static str, Vec<Case>)> {
    vec![
        ("argmax", argmax::cases()),
        ("assemble", assemble::cases()),
        ("binary", binary::cases()),
        ("columns", columns::cases()),
        ("concat", concat::cases()),
        ("constant", constant::cases()),
        ("cross_entropy", cross_entropy::cases()),
        ("decode", decode::cases()),
        ("expand", expand::cases()),
        ("gather", gather::cases()),
        ("index", index::cases()),
        ("lanes", lanes::cases()),
        ("log_softmax", log_softmax::cases()),
        ("matmul", matmul::cases()),
        ("nnqp", nnqp::cases()),
        ("random", random::cases()),
        ("reshape", reshape::cases()),
        ("select", select::cases()),
        ("slice", slice::cases()),
        ("softmax", softmax::cases()),
        ("sum", sum::cases()),
        ("top_k", top_k::cases()),
        ("transpose", transpose::cases()),
        ("unary", unary::cases()),
    ]
}
