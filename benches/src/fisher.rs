//! The pass of EWC over one context of Split MNIST.

use cl_core::{Batch, Error, Trial};
use cl_nn::{Mlp, Sgd};
use cl_regularize::Ewc;

const ROWS: usize = 128;
const CHUNKS: usize = 94;

/// The exact Fisher information of MLP 784-400-400-10 over 12,032 examples in chunks of 128, expectation
/// over 10 labels, on one thread: a whole boundary. Drawing rows and decoding images are not in it.
pub struct Fisher<'s> {
    trial: Trial<'s>,
    chunks: Vec<Batch>,
}

impl<'s> Fisher<'s> {
    /// What the pass needs.
    ///
    /// # Errors
    /// None in practice: the network is a valid one.
    pub fn new(ewc: &'s Ewc) -> Result<Self, Box<dyn std::error::Error>> {
        let network = Mlp::new(&[784, 400, 400, 10])?;
        let trial = Trial::new(ewc, Box::new(network), &Sgd::new(0.1), (ROWS, 1), false)?;
        let chunk = |chunk| {
            let x = (0..ROWS * 784)
                .map(|i| ((i * 7919 + chunk * 104_729) % 256) as f32 / 255.0)
                .collect();
            Batch::mean(x, (0..ROWS as u32).map(|row| row % 10).collect(), 0)
        };
        Ok(Self { trial, chunks: (0..CHUNKS).map(chunk).collect() })
    }

    /// One boundary.
    ///
    /// # Errors
    /// What the session reports.
    pub fn boundary(&mut self) -> Result<(), Error> {
        self.trial.boundary(&self.chunks)
    }
}
