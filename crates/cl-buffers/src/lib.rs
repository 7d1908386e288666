//! Replay memories with an exact byte budget.
//!
//! A [`Buffer`] keeps [`Row`]s: which example of a data set held elsewhere, its label and its
//! context. It holds no tensors, but counts bytes exactly as if it stored the examples, and never
//! exceeds its budget. Which example stays is a [`Policy`], and the trait is open for yours:
//!
//! | policy | keeps | sees rows |
//! |---|---|---|
//! | [`Reservoir`] | a uniform sample of the stream | as they pass |
//! | [`Ring`] | the newest of every context or class | as they pass |
//! | [`Greedy`] | classes equal so far, room made in the largest | as they pass |
//! | [`ClassBalanced`] | a random choice of every class | when a context ends |
//! | [`ContextBalanced`] | a random choice of every context | when a context ends |
//! | [`Herding`] | of every class what stands for its mean, by [`herd`] | when a context ends |
//!
//! Which kept rows are replayed is read from positions: [`Sweep`] passes over them in shuffled order,
//! [`draw_uniform`] draws a batch, [`Groups`] draws from some classes or contexts alone, or as many of
//! each. What a row weighs is its [`RowSize`]: input and label, if need be context and logits.
//!
//! Nothing here owns a random generator: every choice is a function of an
//! [`Address`](cl_random::Address) that the caller passes in, so a buffer that was saved and loaded
//! goes on as if it had not been.
//!
//! ```
//! use cl_buffers::{Buffer, Reservoir, Row, RowSize, Sweep};
//! use cl_random::{Address, Purpose};
//!
//! // 28 x 28 bytes of pixels and one byte for a label out of 10; a budget of 10,000 bytes.
//! let size = RowSize::new(784, 10);
//! let mut buffer = Buffer::new(10_000, size, Reservoir::new())?;
//! let stream: Vec<Row> =
//!     (0..100).map(|example| Row { example, label: example % 10, context: 0 }).collect();
//! buffer.offer(&stream, Address::new(1, Purpose::STORE))?;
//! assert_eq!((buffer.len(), buffer.bytes()), (12, 12 * 785));
//!
//! let (mut sweep, mut batch) = (Sweep::new(), [0; 4]);
//! let filled = sweep.fill(&buffer.positions(), Address::new(1, Purpose::REPLAY), &mut batch);
//! let replayed: Vec<Row> = batch[..filled].iter().map(|&p| buffer.rows()[p as usize]).collect();
//! assert_eq!(replayed.len(), 4);
//! # Ok::<(), cl_buffers::Error>(())
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod buffer;
mod class_balanced;
mod context_balanced;
mod draw;
mod error;
mod greedy;
mod group;
mod herded;
mod herding;
mod memory;
mod policy;
mod reservoir;
mod ring;
mod row;
mod sweep;

pub use buffer::Buffer;
pub use class_balanced::ClassBalanced;
pub use context_balanced::ContextBalanced;
pub use draw::draw_uniform;
pub use error::Error;
pub use greedy::{Admit, Evict, Greedy};
pub use group::{Group, Groups, Key};
pub use herded::{Herding, Quota};
pub use herding::herd;
pub use memory::Memory;
pub use policy::{Policy, When};
pub use reservoir::Reservoir;
pub use ring::Ring;
pub use row::{Row, RowSize};
pub use sweep::Sweep;
