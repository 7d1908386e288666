//! Files that are not what was written.

use crate::{refusal, saved, small};
use cl_core::{Checkpoint, CheckpointError};
use std::fs;

#[test]
fn every_truncation_is_refused_and_most_say_how_much_is_missing() {
    let (_folder, path) = saved();
    let bytes = fs::read(&path).unwrap();
    // 26 bytes begin every safetensors file with metadata; from the next on it is a checkpoint's.
    for length in 0..bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        let expected = match length {
            0 => "the file is empty",
            1..27 => "it is ",
            _ => &format!("it is cut off: {length} bytes, expected "),
        };
        let text = refusal(&path);
        assert!(text.starts_with(expected), "{length} bytes: {text}");
    }
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    fs::write(&path, &bytes[..header]).unwrap();
    let whole = format!("it is cut off: {header} bytes, expected {}", bytes.len());
    assert_eq!(refusal(&path), whole);
}

#[test]
fn every_flipped_bit_is_found() {
    let (_folder, path) = saved();
    let mut bytes = fs::read(&path).unwrap();
    // Behind the length of the header: the opening by which a checkpoint is known.
    let opening = 8..8 + "{\"__metadata__\":{\"continual checkpoint\":".len();
    for bit in 0..8 * bytes.len() {
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bytes).unwrap();
        let error = Checkpoint::load(&path).expect_err("a flipped bit");
        let named = match error {
            CheckpointError::Foreign { .. } => opening.contains(&(bit / 8)),
            // A longer header, or an offset further off, looks like a file that is cut off.
            CheckpointError::Truncated { bytes, expected, .. } => bytes < expected,
            CheckpointError::Damaged { .. } => true,
            _ => false,
        };
        assert!(named, "bit {bit}: {error}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    fs::write(&path, &bytes).unwrap();
    Checkpoint::load(&path).unwrap();
}

#[test]
fn bytes_too_many_are_found() {
    let (_folder, path) = saved();
    let mut bytes = fs::read(&path).unwrap();
    let expected = bytes.len();
    bytes.push(0);
    fs::write(&path, &bytes).unwrap();
    let text = format!("it is damaged: {} bytes, expected {expected}", expected + 1);
    assert_eq!(refusal(&path), text);
}

#[test]
fn a_changed_value_is_a_checksum_that_does_not_fit() {
    let (_folder, path) = saved();
    let mut bytes = fs::read(&path).unwrap();
    let last_value = bytes.len() - 33;
    bytes[last_value] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert_eq!(refusal(&path), "it is damaged: its bytes do not fit its checksum");
}

#[test]
fn what_was_never_a_checkpoint_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    assert!(refusal(&path).starts_with("cannot be read: "));
    assert_eq!(refusal(folder.path()), "it is a folder, expected a file");

    let foreign = |found| {
        format!("it is {found}, expected a checkpoint of continual (or its first bytes are lost)")
    };
    fs::write(&path, "[settings]\nbatch = 32\n".repeat(20)).unwrap();
    assert_eq!(refusal(&path), foreign("text"));
    fs::write(&path, [0_u8; 300]).unwrap();
    assert_eq!(refusal(&path), foreign("data of another kind"));

    let header =
        br#"{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let other = [&(header.len() as u64).to_le_bytes(), &header[..], &[0, 0, 128, 63]].concat();
    fs::write(&path, other).unwrap();
    assert_eq!(refusal(&path), foreign("a safetensors file of another kind"));
}

#[test]
#[cfg(unix)]
fn a_device_is_no_checkpoint() {
    let error = Checkpoint::load("/dev/null".as_ref()).unwrap_err().to_string();
    assert_eq!(error, "checkpoint /dev/null: it is a device or a pipe, expected a file");
}

/// Writes the header of a file anew, with a checksum that fits.
fn rewritten(path: &std::path::Path, change: impl FnOnce(String) -> String) {
    use sha2::{Digest, Sha256};
    let bytes = fs::read(path).unwrap();
    let end = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = change(String::from_utf8(bytes[8..end].to_vec()).unwrap());
    let mut new = (header.len() as u64).to_le_bytes().to_vec();
    new.extend(header.into_bytes());
    new.extend(&bytes[end..bytes.len() - 32]);
    let hash = Sha256::digest(&new);
    new.extend(hash);
    fs::write(path, new).unwrap();
}

#[test]
fn a_later_version_is_refused_with_both_versions() {
    let (_folder, path) = saved();
    rewritten(&path, |header| {
        header
            .replace(r#"\"format_version\":1"#, r#"\"format_version\":3"#)
            .replace(r#"\"written_by\":\"cl-core "#, r#"\"written_by\":\"cl-core 9."#)
            .replace(r#"\"identity\""#, r#"\"experiment\""#)
    });
    let text = refusal(&path);
    assert!(text.starts_with("written by cl-core 9."), "{text}");
    assert!(text.ends_with("in version 3 of the format; this program reads versions up to 1"));
}

#[test]
fn whole_files_that_no_version_writes_are_damaged() {
    let changes = [
        (r#"\"format_version\":1"#, r#"\"format_version\":0"#, "its format_version is Some(0)"),
        (r#"\"identity\""#, r#"\"experiment\""#, "missing field `identity`"),
        (r#"replay/index[1]"#, r#"replay/index{1}"#, "tensor replay/index{1} is of no member"),
        (r#""U32""#, r#""I32""#, "is of type I32, expected F32 or U32"),
    ];
    for (from, to, expected) in changes {
        let (_folder, path) = saved();
        rewritten(&path, |header| header.replace(from, to));
        let text = refusal(&path);
        assert!(text.starts_with("it is damaged: ") && text.contains(expected), "{text}");
    }
}

/// A reader that quotes a text of the file quotes its beginning.
#[test]
fn a_long_text_of_a_damaged_file_is_not_repeated() {
    let (_folder, path) = saved();
    let long = "x".repeat(5_000);
    rewritten(&path, |header| header.replacen(r#""F32""#, &format!("\"{long}\""), 1));
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let text = refusal(&path);
    assert!(text.starts_with("it is damaged: its header cannot be read: "), "{text}");
    assert!(text.contains("xxxx") && text.len() < 400, "{} bytes: {text}", text.len());
}

#[test]
fn a_damaged_file_can_be_replaced() {
    let (_folder, path) = saved();
    fs::write(&path, "half").unwrap();
    small().save(&path).unwrap();
    Checkpoint::load(&path).unwrap();
}
