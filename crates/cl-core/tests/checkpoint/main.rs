//! The checkpoint's file: what is saved comes back, what is not whole is refused, and no moment is a
//! bad one to be killed in.
#![allow(clippy::unwrap_used)]

mod damage;
mod kill;
mod refusals;
mod round_trip;

use cl_core::Checkpoint;
use serde_json::json;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Two members with a slot of numbers and one of indices each.
fn small() -> Checkpoint {
    let identity = json!({"strategy": "ewc", "settings": {"batch": 32, "lambda": 0.1}});
    let position = json!({"stage": 2, "phase": 0, "step": 17});
    let hosts = vec![json!({"rows": [3, 1, 4]}), json!({"rows": []})];
    let mut checkpoint = Checkpoint::new(identity, position, hosts);
    for member in 0..2 {
        let theta: Vec<f32> = (0..6).map(|i| i as f32 - member as f32 * 0.3).collect();
        checkpoint.insert("theta", member, &[2, 3], theta).unwrap();
        checkpoint.insert("replay/index", member, &[2], vec![7_u32, u32::MAX]).unwrap();
    }
    checkpoint
}

/// A folder with [`small`] saved in it.
fn saved() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.safetensors");
    small().save(&path).unwrap();
    (folder, path)
}

/// The message of a refusal, which must name the file.
#[track_caller]
fn refusal(path: &Path) -> String {
    let text = Checkpoint::load(path).unwrap_err().to_string();
    let named = format!("checkpoint {}: ", path.display());
    text.strip_prefix(&named).unwrap_or_else(|| panic!("{text}")).to_owned()
}
