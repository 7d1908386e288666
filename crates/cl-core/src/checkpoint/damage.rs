//! What to say of a file that is not whole.

use super::encode::{LONGEST_HEADER, MARK};
use super::error::CheckpointError;
use safetensors::tensor::{Metadata, SafeTensors};
use std::path::Path;

/// What is wrong with a file that does not end with its checksum.
pub(super) fn diagnosis(path: &Path, bytes: &[u8]) -> CheckpointError {
    let path = path.to_owned();
    if bytes.is_empty() {
        return CheckpointError::Empty { path };
    }
    if !begins_as_checkpoint(bytes) {
        return CheckpointError::Foreign { path, found: kind_of(bytes) };
    }
    let found = bytes.len() as u64;
    match written(bytes) {
        Ok(expected) if found < expected => {
            CheckpointError::Truncated { path, bytes: found, expected }
        }
        Ok(expected) if found > expected => {
            let problem = format!("{found} bytes, expected {expected}");
            CheckpointError::Damaged { path, problem }
        }
        Ok(_) => {
            let problem = "its bytes do not fit its checksum".to_owned();
            CheckpointError::Damaged { path, problem }
        }
        Err(problem) => CheckpointError::Damaged { path, problem },
    }
}

/// The bytes of every safetensors file with metadata, behind the length of the header.
const METADATA: &str = "{\"__metadata__\":{\"";

/// Whether the file begins as a checkpoint does, as far as it goes.
fn begins_as_checkpoint(bytes: &[u8]) -> bool {
    let opening = [METADATA.as_bytes(), MARK.as_bytes(), b"\":"].concat();
    let head = bytes.get(8..).unwrap_or_default();
    let shown = head.len().min(opening.len());
    shown > METADATA.len() && head[..shown] == opening[..shown]
}

/// The length of the whole file by its header, or of the header if that is cut off.
fn written(bytes: &[u8]) -> Result<u64, String> {
    let length = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
    if length > LONGEST_HEADER as u64 {
        return Err(format!("a header of {length} bytes, at most {LONGEST_HEADER} are allowed"));
    }
    let end = 8 + length;
    let Some(header) = bytes.get(8..end as usize) else { return Ok(end) };
    let metadata: Metadata = serde_json::from_slice(header)
        .map_err(|error| format!("its header cannot be read: {}", shortened(&error)))?;
    Ok(end + metadata.data_len() as u64)
}

/// What a reader says, without the end of a long text that it quotes from a file.
pub(super) fn shortened(error: &impl ToString) -> String {
    const MOST: usize = 200;
    let text = error.to_string();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{} ..", &text[..end]),
        None => text,
    }
}

/// What a file of another program seems to be.
pub(crate) fn kind_of(bytes: &[u8]) -> &'static str {
    // A cut through a character at the end is no fault of the text.
    let head = &bytes[..bytes.len().min(512)];
    let is_text = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    let is_text =
        is_text && !head.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace());
    if SafeTensors::read_metadata(bytes).is_ok() {
        "a safetensors file of another kind"
    } else if is_text {
        "text"
    } else {
        "data of another kind"
    }
}
