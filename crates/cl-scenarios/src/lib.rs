//! Data sets, contexts and streams of continual learning.
//!
//! A [`Dataset`] is a table of byte images with labels. A [`StreamSpec`] cuts it into contexts (split
//! by classes, permuted or rotated pixels) under one of the three scenarios, and the [`Stream`] that
//! comes out answers what a training loop may ask: which examples a context holds, which output unit
//! a label is, which outputs compete, how the pixels are moved, and what a method may know.
//!
//! Everything is indices, bytes and small tables; no tensor library is involved.
//!
//! ```
//! use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};
//!
//! let data = digits();
//! let spec = StreamSpec {
//!     protocol: Protocol::Split,
//!     scenario: Scenario::Task,
//!     contexts: 5,
//!     seed: 2,
//!     part: Part::Final,
//!     pad: 0,
//! };
//! let stream = spec.build(&data)?;
//! let example = stream.train(0)[0] as usize;
//! let unit = stream.target(0, data.labels[example]) as usize;
//! assert!(unit < 2, "the first context owns the first two output units");
//! assert!(stream.active(0, 0)[unit]);
//! # Ok::<(), cl_scenarios::Error>(())
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod build;
mod context_stream;
mod dataset;
mod digits;
mod error;
mod idx;
mod kind;
mod mnist;
mod names;
mod source;
mod spec;
mod stream;
mod taps;
mod transform;

pub use context_stream::ContextStream;
pub use dataset::{Dataset, Parts};
pub use digits::digits;
pub use error::Error;
pub use kind::StreamKind;
pub use mnist::{fashion_mnist, mnist};
pub use source::{DatasetName, data_folders};
pub use spec::{ActiveClasses, MAX_CONTEXTS, MAX_PAD, Part, Protocol, Scenario, StreamSpec};
pub use stream::{Competition, Stage, Stream, Visibility};
pub use taps::Taps;
pub use transform::Transform;
