//! Whether a classifier is right as often as it says.

use crate::{Error, mean::mean};
use serde::{Deserialize, Serialize};

/// What a classifier said of one example.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The probability it gave the class that it chose, a fraction.
    pub confidence: f64,
    /// Whether that class was the right one.
    pub correct: bool,
}

impl Prediction {
    /// Of the scores before the softmax, \[classes\], in nats, and the right class: the largest score counts, of
    /// equal ones the first.
    #[must_use]
    pub fn of_logits(logits: &[f32], target: usize) -> Self {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let chosen = logits.iter().position(|&logit| logit == largest);
        let sum: f64 =
            logits.iter().map(|&logit| (f64::from(logit) - f64::from(largest)).exp()).sum();
        Self { confidence: 1.0 / sum, correct: chosen == Some(target) }
    }
}

/// Predictions of about one confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// How many there are.
    pub count: usize,
    /// Their mean confidence, a fraction.
    pub confidence: f64,
    /// The share of them that was right.
    pub accuracy: f64,
}

/// A classifier's reliability diagram: its predictions in bins of equal width, by confidence.
///
/// Guo, Pleiss, Sun & Weinberger 2017, "On calibration of modern neural networks", section 2. A continual learner
/// tends to be sure of recent classes and wrong about them.
///
/// ```
/// use cl_metrics::{Calibration, Prediction};
///
/// // Says 0.9 and is right in half of the cases.
/// let said = [true, false].map(|correct| Prediction { confidence: 0.9, correct });
/// let calibration = Calibration::of(&said, Calibration::BINS)?;
/// assert!((calibration.expected_error() - 0.4).abs() < 1e-12);
/// # Ok::<(), cl_metrics::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The bins that hold a prediction, by confidence, ascending.
    pub bins: Vec<Bin>,
}

impl Calibration {
    /// The usual number of bins (Guo et al. 2017).
    pub const BINS: usize = 15;

    /// Sorts predictions into `bins` bins ((m-1)/M, m/M\]; a confidence of 0 is in the first.
    ///
    /// # Errors
    /// If there is no prediction, or a confidence that is no fraction.
    pub fn of(predictions: &[Prediction], bins: usize) -> Result<Self, Error> {
        if predictions.is_empty() || bins == 0 {
            return Err(Error::NoValues);
        }
        let mut sorted: Vec<Vec<Prediction>> = vec![Vec::new(); bins];
        for (index, &prediction) in predictions.iter().enumerate() {
            let value = prediction.confidence;
            if !(0.0..=1.0).contains(&value) {
                return Err(Error::Confidence { index, value });
            }
            let bin = (value * bins as f64).ceil() as usize;
            sorted[bin.saturating_sub(1)].push(prediction);
        }
        sorted.retain(|bin| !bin.is_empty());
        let summed = |bin: &Vec<Prediction>| Bin {
            count: bin.len(),
            confidence: mean(bin.iter().map(|it| it.confidence)),
            accuracy: mean(bin.iter().map(|it| f64::from(u8::from(it.correct)))),
        };
        Ok(Self { bins: sorted.iter().map(summed).collect() })
    }

    /// Expected calibration error: the mean over predictions of their bin's `|accuracy - confidence|`, a fraction.
    #[must_use]
    pub fn expected_error(&self) -> f64 {
        let all: usize = self.bins.iter().map(|bin| bin.count).sum();
        let weighed = |bin: &Bin| bin.count as f64 * (bin.accuracy - bin.confidence).abs();
        self.bins.iter().map(weighed).sum::<f64>() / all as f64
    }

    /// Maximum calibration error: the largest `|accuracy - confidence|` of a bin, a fraction.
    #[must_use]
    pub fn maximum_error(&self) -> f64 {
        self.bins.iter().map(|bin| (bin.accuracy - bin.confidence).abs()).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(confidence: f64, correct: bool) -> Prediction {
        Prediction { confidence, correct }
    }

    /// Two bins: (0, .5] holds .3 and .5 (one right), (.5, 1] holds .6, .8 and 1 (two right):
    /// gaps |.5 - .4| = .1 and |2/3 - .8| = 2/15; (2 * .1 + 3 * 2/15) / 5 = .12.
    #[test]
    fn errors_are_those_worked_out_by_hand() {
        let said =
            [said(0.3, false), said(0.5, true), said(0.6, true), said(0.8, false), said(1.0, true)];
        let calibration = Calibration::of(&said, 2).unwrap();
        assert_eq!(calibration.bins.iter().map(|bin| bin.count).collect::<Vec<_>>(), [2, 3]);
        assert!((calibration.expected_error() - 0.12).abs() < 1e-12);
        assert!((calibration.maximum_error() - 2.0 / 15.0).abs() < 1e-12);
    }

    /// softmax(0, ln 3) = (1/4, 3/4).
    #[test]
    fn a_confidence_is_the_softmax_of_the_largest_score() {
        let logits = [0.0, 3_f32.ln(), -1e30];
        let right = Prediction::of_logits(&logits, 1);
        assert!((right.confidence - 0.75).abs() < 1e-7 && right.correct);
        assert!(!Prediction::of_logits(&logits, 0).correct);
        // Of equal scores the first counts.
        assert!(Prediction::of_logits(&[1.0, 1.0], 0).correct);
    }

    #[test]
    fn what_is_no_confidence_is_refused() {
        for value in [-0.1, 1.1, f64::NAN] {
            let error = Calibration::of(&[said(0.5, true), said(value, true)], 15).unwrap_err();
            assert!(error.to_string().starts_with("calibration: confidence 1 is "), "{error}");
        }
        assert_eq!(Calibration::of(&[], 15).unwrap_err(), Error::NoValues);
        assert!((Calibration::of(&[said(0.0, false)], 15).unwrap().expected_error()).abs() < 1e-12);
    }
}
