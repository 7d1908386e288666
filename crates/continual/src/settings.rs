//! The resolved settings of one run, and the hash under which its results can be compared.

use crate::Error;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Everything that decides the numbers of one run, resolved: no default is left open.
///
/// Threads, paths and the number of members are not here: results do not depend on them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The data set's name.
    pub dataset: String,
    /// `split`, `permuted` or `rotated`.
    pub protocol: String,
    /// `task`, `domain` or `class`.
    pub scenario: String,
    /// Number of contexts.
    pub contexts: usize,
    /// `sharp`, `fuzzy`, `random` or `one-pass`.
    pub stream: String,
    /// Steps from the middle of a fuzzy boundary to either end; 0 where there is none.
    pub fuzziness: u32,
    /// Steps between two consolidations where there are no boundaries; 0 where boundaries say when.
    pub update_every: u32,
    /// `final` or `validation`.
    pub part: String,
    /// Zero pixels at each side before permuting.
    pub pad: usize,
    /// The strategy, parts joined with `+`.
    pub strategy: String,
    /// Whose conventions.
    pub preset: String,
    /// Hyper-parameters by `strategy.name`.
    pub hyper: BTreeMap<String, f64>,
    /// Steps per context; 0 where the examples of a one-pass stream decide.
    pub steps_per_context: u32,
    /// Rows of the stream per step.
    pub batch: usize,
    /// Hidden units of the MLP.
    pub hidden: Vec<usize>,
    /// Probability that a hidden unit is dropped in training.
    pub dropout: f64,
    /// How the weights start.
    pub init: String,
    /// SHA-256 of the file of weights that the network starts with; empty, and then not written, where
    /// they are drawn.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub weights: String,
    /// `full` or `growing`.
    pub head: String,
    /// `adam`, `adamw` or `sgd`.
    pub optimizer: String,
    /// Learning rate.
    pub lr: f64,
    /// The optimiser's other numbers by name; `nesterov` is 1 or 0.
    pub optimizer_numbers: BTreeMap<String, f64>,
    /// The learning rate over the steps of a context.
    pub schedule: String,
    /// Evaluated after every so many contexts, and the last; 1 is not written.
    #[serde(default = "each", skip_serializing_if = "is_each")]
    pub evaluate_every: usize,
    /// Steps from one evaluation on the way to the next; 0, and then not written, where there is none.
    #[serde(default, skip_serializing_if = "is_never")]
    pub anytime_every: u32,
    /// Whether plasticity is measured; written where it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub plasticity: bool,
    /// Whether the optimiser starts afresh in every context.
    pub reset_optimizer: bool,
    /// How stream and replay are weighed.
    pub mix: String,
    /// The seed.
    pub seed: u64,
}

fn each() -> usize {
    1
}

fn is_never(steps: &u32) -> bool {
    *steps == 0
}

fn is_each(every: &usize) -> bool {
    *every == 1
}

impl Settings {
    /// The same run with another seed.
    #[must_use]
    pub fn with_seed(&self, seed: u64) -> Self {
        Self { seed, ..self.clone() }
    }

    /// JSON without spaces, the fields in alphabetical order.
    ///
    /// # Errors
    /// None for settings that were resolved.
    pub fn canonical(&self) -> Result<String, Error> {
        let fields: BTreeMap<String, serde_json::Value> =
            serde_json::from_value(serde_json::to_value(self)?)?;
        Ok(serde_json::to_string(&fields)?)
    }

    /// SHA-256 of the canonical settings, a line break and the data's checksum: 64 hexadecimal
    /// digits.
    ///
    /// # Errors
    /// As [`Settings::canonical`].
    pub fn hash(&self, data_checksum: &str) -> Result<String, Error> {
        let digest = Sha256::new()
            .chain_update(self.canonical()?)
            .chain_update("\n")
            .chain_update(data_checksum)
            .finalize();
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            dataset: "digits".to_owned(),
            protocol: "split".to_owned(),
            scenario: "class".to_owned(),
            contexts: 5,
            stream: "sharp".to_owned(),
            fuzziness: 0,
            update_every: 0,
            part: "final".to_owned(),
            pad: 0,
            strategy: "ewc".to_owned(),
            preset: "paper".to_owned(),
            hyper: BTreeMap::from([("ewc.lambda".to_owned(), 1e5)]),
            steps_per_context: 400,
            batch: 32,
            hidden: vec![128, 128],
            dropout: 0.0,
            init: "fan-in".to_owned(),
            weights: String::new(),
            head: "full".to_owned(),
            optimizer: "adam".to_owned(),
            lr: 1e-3,
            optimizer_numbers: BTreeMap::from([("beta1".to_owned(), 0.9)]),
            schedule: "constant".to_owned(),
            evaluate_every: 1,
            anytime_every: 0,
            plasticity: false,
            reset_optimizer: false,
            mix: "by-context".to_owned(),
            seed: 2,
        }
    }

    #[test]
    fn the_canonical_form_is_sorted_and_without_spaces() {
        assert_eq!(
            settings().canonical().unwrap(),
            "{\"batch\":32,\"contexts\":5,\"dataset\":\"digits\",\"dropout\":0.0,\"fuzziness\":0,\"head\":\"full\",\"hidden\":[128,128],\
             \"hyper\":{\"ewc.lambda\":100000.0},\"init\":\"fan-in\",\"lr\":0.001,\
             \"mix\":\"by-context\",\"optimizer\":\"adam\",\"optimizer_numbers\":{\"beta1\":0.9},\
             \"pad\":0,\"part\":\"final\",\"preset\":\"paper\",\"protocol\":\"split\",\
             \"reset_optimizer\":false,\"scenario\":\"class\",\"schedule\":\"constant\",\"seed\":2,\
             \"steps_per_context\":400,\"strategy\":\"ewc\",\"stream\":\"sharp\",\"update_every\":0}"
        );
    }

    /// The expected digits are those of coreutils:
    /// `printf '%s\nabc' "$CANONICAL" | sha256sum` with the text of the test above.
    #[test]
    fn the_hash_is_sha256_of_settings_and_checksum() {
        assert_eq!(settings().hash("abc").unwrap(), HASH);
    }

    const HASH: &str = "ac6b6215b8acedc10496a226c72978b9bbeb9e52b4ccb8530c648dc527992491";

    #[test]
    fn given_weights_change_the_hash_and_drawn_ones_are_not_told() {
        let given = Settings { weights: "00ff".to_owned(), ..settings() };
        assert!(given.canonical().unwrap().ends_with("\"update_every\":0,\"weights\":\"00ff\"}"));
        assert_ne!(given.hash("abc").unwrap(), HASH);
        let read = |settings: &Settings| -> Settings {
            serde_json::from_str(&serde_json::to_string(settings).unwrap()).unwrap()
        };
        assert_eq!((read(&given), read(&settings())), (given, settings()));
    }

    #[test]
    fn another_interval_of_evaluations_changes_the_hash_and_the_usual_one_is_not_told() {
        let given = Settings { evaluate_every: 200, ..settings() };
        assert!(given.canonical().unwrap().contains("\"evaluate_every\":200,"));
        assert_ne!(given.hash("abc").unwrap(), HASH);
        let text = serde_json::to_string(&given).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), given);
    }

    #[test]
    fn every_setting_and_the_data_change_the_hash() {
        let base = serde_json::to_value(settings()).unwrap();
        let mut seen = vec![settings().hash("abc").unwrap(), settings().hash("abd").unwrap()];
        let fields: Vec<String> = base.as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields.len(), 25);
        for field in fields {
            let mut changed = base.clone();
            let value = &mut changed[&field];
            *value = match value.clone() {
                serde_json::Value::String(text) => format!("{text}x").into(),
                serde_json::Value::Bool(on) => (!on).into(),
                serde_json::Value::Array(_) => serde_json::json!([128, 129]),
                serde_json::Value::Object(_) => serde_json::json!({"ewc.lambda": 1e6}),
                number if number.is_f64() => 2e-3.into(),
                _ => 7.into(),
            };
            let changed: Settings = serde_json::from_value(changed).unwrap();
            seen.push(changed.hash("abc").unwrap());
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }
}
