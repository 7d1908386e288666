//! Lines of results that nobody trained for.

use continual::Results;
use serde_json::json;
use std::fs;
use tempfile::TempDir;

/// What tells a line from others.
#[derive(Clone)]
pub(crate) struct Made<'t> {
    pub(crate) strategy: &'t str,
    pub(crate) scenario: &'t str,
    pub(crate) preset: &'t str,
    pub(crate) loss: &'t str,
    pub(crate) version: &'t str,
    pub(crate) device: &'t str,
    pub(crate) hyper: Option<(&'t str, f64)>,
    pub(crate) steps: u32,
    pub(crate) seed: u64,
    pub(crate) matrix: Vec<Vec<f64>>,
}

impl Default for Made<'_> {
    fn default() -> Self {
        Self {
            strategy: "none",
            scenario: "class",
            preset: "paper",
            loss: "cross-entropy",
            version: "0.1.0",
            device: "cpu",
            hyper: None,
            steps: 400,
            seed: 2,
            matrix: vec![vec![0.9, 0.1], vec![0.6, 0.8]],
        }
    }
}

/// A line as a run writes it.
pub(crate) fn line(made: &Made<'_>) -> String {
    let Made { strategy, scenario, preset, loss, version, device, steps, seed, matrix, .. } = made;
    let hyper: serde_json::Map<String, serde_json::Value> =
        made.hyper.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let contexts = matrix.first().map_or(0, Vec::len);
    let settings = json!({
        "dataset": "digits", "protocol": "split", "scenario": scenario, "contexts": contexts, "stream": "sharp",
        "fuzziness": 0, "update_every": 0, "part": "final", "pad": 0, "strategy": strategy, "preset": preset,
        "hyper": hyper, "steps_per_context": steps, "batch": 32, "hidden": [128, 128], "dropout": 0.0,
        "init": "fan-in", "head": "full", "optimizer": "adam", "lr": 0.001,
        "optimizer_numbers": {"beta1": 0.9}, "schedule": "constant", "reset_optimizer": false,
        "mix": "by-context", "seed": seed,
    });
    let class_order = format!("{seed} is first");
    json!({
        "dataset": "digits", "scenario": scenario, "strategy": strategy, "seed": seed, "accuracy": matrix,
        "accuracy_before": [], "metrics": {}, "steps": 800, "train_seconds": 1.5, "members": 6, "threads": 2,
        "device": device, "bytes_kept": 1000, "macs": 5_000_000, "parameters": 26_122, "settings": settings,
        "conventions": {"loss": loss, "stream.class_order": class_order}, "metrics_undefined": {},
        "config_hash": "00", "version": version,
    })
    .to_string()
}

/// A folder with these lines.
pub(crate) fn write(lines: &[String]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(Results::FILE), lines.join("\n") + "\n").unwrap();
    folder
}
