//! From a recording to a flat list of kernels over one arena.
//!
//! The stages, one file each: [`lower`] drops dead values, resolves views and inserts the copies
//! that cannot be avoided; [`fuse`] groups pointwise values into units of one pass over memory and
//! hangs them onto products; [`schedule`] orders units and decides which slots are updated in place;
//! [`arena`] gives every value memory by its lifetime; [`emit`] writes the kernels.

mod arena;
mod code;
mod compiled;
mod cost;
mod describe;
mod emit;
mod fuse;
mod lower;
pub(crate) mod program;
mod schedule;
#[cfg(test)]
mod tests;
mod view;

pub use code::Code;
pub use compiled::Plan;
pub(crate) use compiled::{
    ALIGNMENT, ARENA, Commit, FEEDS, FIRST_SLOT, Kernel, Matrix, Port, Product, Signature,
};
pub use cost::{Cost, KindCost};
pub use view::{Place, Strided};
