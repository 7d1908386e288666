//! From a file to a checkpoint.

use super::contents::{Checkpoint, Key, Tensor};
use super::damage::{diagnosis, kind_of, shortened};
use super::encode::{About, CHECKSUM, CHECKSUM_BYTES, FORMAT_VERSION, MARK};
use super::error::CheckpointError;
use super::values::{Values, words};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, SafeTensors};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

impl Checkpoint {
    /// Reads a checkpoint.
    ///
    /// # Errors
    /// A path that is no file, an empty file, a file of another program, a checkpoint that is cut
    /// off or damaged (every change of a bit is found), one of a later version of the format.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let unreadable = |source| CheckpointError::Read { path: path.to_owned(), source };
        // Asked before opening: a pipe would wait for its writer.
        let about = fs::metadata(path).map_err(unreadable)?;
        if !about.is_file() {
            let found = if about.is_dir() { "a folder" } else { "a device or a pipe" };
            return Err(CheckpointError::NotAFile { path: path.to_owned(), found });
        }
        decode(path, &fs::read(path).map_err(unreadable)?)
    }
}

/// Reads a checkpoint from the bytes of its file.
fn decode(path: &Path, bytes: &[u8]) -> Result<Checkpoint, CheckpointError> {
    let damaged = |problem| CheckpointError::Damaged { path: path.to_owned(), problem };
    if !is_whole(bytes) {
        return Err(diagnosis(path, bytes));
    }
    let foreign = || CheckpointError::Foreign { path: path.to_owned(), found: kind_of(bytes) };
    let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(|_| foreign())?;
    let text = metadata.metadata().as_ref().and_then(|entries| entries.get(MARK));
    let text = text.ok_or_else(foreign)?;
    check_version(path, text)?;
    let about: About<'_> =
        serde_json::from_str(text).map_err(|error| damaged(shortened(&error)))?;
    let tensors =
        tensors(&metadata, &bytes[8 + header..]).map_err(|problem| damaged(shortened(&problem)))?;
    Ok(Checkpoint {
        identity: about.identity.into_owned(),
        position: about.position.into_owned(),
        hosts: about.hosts.into_owned(),
        tensors,
        written_by: about.written_by,
        path: path.to_owned(),
    })
}

/// Whether the file ends with the hash of all that comes before.
fn is_whole(bytes: &[u8]) -> bool {
    bytes
        .split_last_chunk::<CHECKSUM_BYTES>()
        .is_some_and(|(content, checksum)| Sha256::digest(content)[..] == checksum[..])
}

/// Later versions may write the rest of the entry as they like, so only this is read of it.
fn check_version(path: &Path, text: &str) -> Result<(), CheckpointError> {
    let about: Value = serde_json::from_str(text).unwrap_or_default();
    let path = path.to_owned();
    match about["format_version"].as_u64() {
        Some(version) if version == u64::from(FORMAT_VERSION) => Ok(()),
        Some(found) if found > u64::from(FORMAT_VERSION) => {
            let written_by = about["written_by"].as_str().unwrap_or("an unknown program");
            let written_by = shortened(&written_by);
            Err(CheckpointError::Version { path, written_by, found, known: FORMAT_VERSION })
        }
        other => {
            let problem = format!("its format_version is {other:?}");
            Err(CheckpointError::Damaged { path, problem })
        }
    }
}

fn tensors(metadata: &Metadata, data: &[u8]) -> Result<BTreeMap<Key, Tensor>, String> {
    let mut tensors = BTreeMap::new();
    for (name, info) in metadata.tensors() {
        if name == CHECKSUM {
            continue;
        }
        let key = Key::parse(&name).ok_or_else(|| format!("tensor {name} is of no member"))?;
        let words = words(&data[info.data_offsets.0..info.data_offsets.1]);
        let values = match info.dtype {
            Dtype::F32 => Values::F32(words.map(f32::from_bits).collect()),
            Dtype::U32 => Values::U32(words.collect()),
            other => return Err(format!("tensor {name} is of type {other}, expected F32 or U32")),
        };
        tensors.insert(key, Tensor { shape: info.shape.clone(), values });
    }
    Ok(tensors)
}
