//! The metrics of one run, of everything that was measured about it.

use cl_core::Outcome;
use cl_metrics::{ANYTIME_METRICS, Metric, PLASTICITY_METRICS, evaluate, evaluate_with};
use std::collections::BTreeMap;

/// Name of the expected calibration error after the last context
/// ([`Calibration::expected_error`](cl_metrics::Calibration::expected_error)) in results.
pub const CALIBRATION_ERROR: &str = "calibration_error";

/// Values by name, and by name the reason for each metric without one.
pub(crate) fn measured(outcome: &Outcome) -> (BTreeMap<String, f64>, BTreeMap<String, String>) {
    let (mut values, mut undefined) = evaluate(&outcome.accuracy);
    if let Some(run) = &outcome.anytime {
        let (of_run, reasons) = evaluate_with(ANYTIME_METRICS, run);
        values.extend(of_run);
        undefined.extend(reasons);
    }
    match outcome.plasticity.last() {
        Some(Some(last)) => {
            let (of_network, reasons) = evaluate_with(PLASTICITY_METRICS, last);
            values.extend(of_network);
            undefined.extend(reasons);
        }
        Some(None) => undefined.extend(PLASTICITY_METRICS.iter().map(|Metric { name, .. }| {
            (*name, format!("{name} needs a network that shows its hidden layers, and activations that are numbers"))
        })),
        None => {}
    }
    match &outcome.calibration {
        Some(calibration) => {
            values.insert(CALIBRATION_ERROR, calibration.expected_error());
        }
        None => {
            let why = "needs probabilities; this strategy classifies by scores of its own, or a score is no number";
            undefined.insert(CALIBRATION_ERROR, format!("{CALIBRATION_ERROR} {why}"));
        }
    }
    undefined.insert(
        "intransigence",
        "intransigence needs a joint model of the contexts 1 to j for every j: reports have it where \
         `cumulative` was run with the same seeds"
            .to_owned(),
    );
    let values = values.into_iter().map(|(name, value)| (name.to_owned(), value));
    let undefined = undefined.into_iter().map(|(name, reason)| (name.to_owned(), reason));
    (values.collect(), undefined.collect())
}
