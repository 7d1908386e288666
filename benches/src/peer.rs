//! A program of another framework that does the same.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Error, Result, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running script of `benches/peers`: it is asked for a case in one line of JSON and answers with
/// the seconds of one repetition in another.
pub struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts `script` with this Python.
    ///
    /// # Errors
    /// It does not start, or says why it cannot serve the device.
    pub fn start(python: &Path, script: &Path, device: &str) -> Result<Self> {
        let mut child = Command::new(python)
            .arg(script)
            .arg(device)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or_else(|| Error::other("the peer has no pipes"))?;
        let mut peer = Self { child, input, output: BufReader::new(output) };
        peer.answer()?;
        Ok(peer)
    }

    /// Seconds of one repetition of a case; `None` where the framework has nothing like it.
    ///
    /// # Errors
    /// The peer has ended, or reports a failure.
    pub fn time(&mut self, case: &Value) -> Result<Option<f64>> {
        writeln!(self.input, "{case}")?;
        Ok(self.answer()?["seconds"].as_f64())
    }

    fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let answer: Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| json!({ "error": "the peer has ended without an answer" }));
        match answer["error"].as_str() {
            Some(error) => Err(Error::other(error.to_owned())),
            None => Ok(answer),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
