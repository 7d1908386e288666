//! From a checkpoint to a file.

use super::atomic::write_atomically;
use super::contents::Checkpoint;
use super::error::CheckpointError;
use super::values::{Values, little_endian};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

/// The key of the metadata entry by which a checkpoint is known.
pub(crate) const MARK: &str = "continual checkpoint";
/// The version of the format that is written, and the latest that is read.
pub(super) const FORMAT_VERSION: u32 = 1;
/// The tensor that closes the file.
pub(super) const CHECKSUM: &str = "sha256";
/// Its bytes.
pub(super) const CHECKSUM_BYTES: usize = 32;
/// The longest header that readers of safetensors accept, in bytes.
pub(super) const LONGEST_HEADER: usize = 100_000_000;

/// The metadata entry.
#[derive(Serialize, Deserialize)]
pub(super) struct About<'a> {
    pub format_version: u32,
    pub written_by: String,
    pub identity: Cow<'a, Value>,
    pub position: Cow<'a, Value>,
    pub hosts: Cow<'a, [Value]>,
}

impl Checkpoint {
    /// Writes the checkpoint. At any moment the file is the earlier checkpoint or the whole new
    /// one; what an interrupted save left behind is removed.
    ///
    /// # Errors
    /// What the disk refuses; more JSON than fits.
    pub fn save(&self, path: &Path) -> Result<(), CheckpointError> {
        let refused = |source| CheckpointError::Write { path: path.to_owned(), source };
        let header = self.header().map_err(refused)?;
        if header.len() > LONGEST_HEADER {
            let (path, bytes) = (path.to_owned(), header.len());
            return Err(CheckpointError::HeaderTooLarge { path, bytes, most: LONGEST_HEADER });
        }
        write_atomically(path, |writer| self.write(&header, writer)).map_err(refused)
    }

    /// The JSON header of safetensors: metadata, and where each tensor lies in the bytes after it.
    pub(super) fn header(&self) -> io::Result<Vec<u8>> {
        let about = serde_json::to_string(&About {
            format_version: FORMAT_VERSION,
            written_by: self.written_by.clone(),
            identity: Cow::Borrowed(&self.identity),
            position: Cow::Borrowed(&self.position),
            hosts: Cow::Borrowed(&self.hosts),
        })?;
        let mut start = 0;
        let mut info = |dtype, shape: &[usize], bytes: usize| {
            let data_offsets = (start, start + bytes);
            start += bytes;
            TensorInfo { dtype, shape: shape.to_vec(), data_offsets }
        };
        let mut tensors = Vec::with_capacity(self.tensors.len() + 1);
        for (key, tensor) in &self.tensors {
            let dtype = match tensor.values {
                Values::F32(_) => Dtype::F32,
                Values::U32(_) => Dtype::U32,
            };
            tensors.push((key.to_string(), info(dtype, &tensor.shape, 4 * tensor.values.len())));
        }
        tensors.push((CHECKSUM.to_owned(), info(Dtype::U8, &[CHECKSUM_BYTES], CHECKSUM_BYTES)));
        let metadata = [(MARK.to_owned(), about)].into_iter().collect();
        let metadata = Metadata::new(Some(metadata), tensors).map_err(io::Error::other)?;
        let mut header = serde_json::to_vec(&metadata)?;
        // The format asks for tensors at a multiple of 8 bytes.
        header.resize(header.len().next_multiple_of(8), b' ');
        Ok(header)
    }

    pub(super) fn write(&self, header: &[u8], writer: &mut dyn Write) -> io::Result<()> {
        let mut writer = Hashing { writer, sha256: Sha256::new() };
        writer.write_all(&(header.len() as u64).to_le_bytes())?;
        writer.write_all(header)?;
        for tensor in self.tensors.values() {
            writer.write_all(&little_endian(tensor.values.bits()))?;
        }
        let Hashing { writer, sha256 } = writer;
        writer.write_all(&sha256.finalize())
    }
}

/// Writes and hashes in one go.
struct Hashing<'a> {
    writer: &'a mut dyn Write,
    sha256: Sha256,
}

/// Bytes that are hashed while they are still in the cache.
const BLOCK: usize = 1 << 16;

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(&bytes[..bytes.len().min(BLOCK)])?;
        self.sha256.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
