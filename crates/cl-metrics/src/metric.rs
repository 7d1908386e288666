//! The list of metrics, and a metric of your own.

use crate::{AccuracyMatrix, AnytimeAccuracy, Plasticity, Undefined};
use std::collections::BTreeMap;

/// A number that follows from an accuracy matrix, or from what else a run is summarised by.
///
/// Your own is a value of this type; pass it to [`evaluate_with`].
#[derive(Debug)]
pub struct Metric<Of = AccuracyMatrix> {
    /// Its name in results.
    pub name: &'static str,
    /// Its formula; contexts count from 1 to T.
    pub formula: &'static str,
    /// Where it was defined.
    pub source: &'static str,
    /// Its value, or the reason why this matrix does not define it.
    pub value: fn(&Of) -> Result<f64, Undefined>,
}

// Derived ones would ask that `Of` can be copied, of which there is none in it.
impl<Of> Clone for Metric<Of> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Of> Copy for Metric<Of> {}

/// Every metric that follows from `R` and `b` alone.
///
/// [`intransigence`](crate::intransigence) needs joint models as well and is not among them.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "final_accuracy",
        formula: "mean_j R[T][j]",
        source: "common usage",
        value: crate::final_accuracy,
    },
    Metric {
        name: "average_incremental_accuracy",
        formula: "mean_i mean_{j<=i} R[i][j]",
        source: "common usage",
        value: crate::average_incremental_accuracy,
    },
    Metric {
        name: "accuracy_a",
        formula: "sum_{i>=j} R[i][j] / (T(T+1)/2)",
        source: "Diaz-Rodriguez et al. 2018",
        value: crate::accuracy_a,
    },
    Metric {
        name: "bwt_gem",
        formula: "mean_{j<T} R[T][j] - R[j][j]",
        source: "Lopez-Paz & Ranzato 2017",
        value: crate::bwt_gem,
    },
    Metric {
        name: "bwt_pairs",
        formula: "sum_{i=2..T} sum_{j<i} (R[i][j] - R[j][j]) / (T(T-1)/2)",
        source: "Diaz-Rodriguez et al. 2018",
        value: crate::bwt_pairs,
    },
    Metric {
        name: "fwt_gem",
        formula: "mean_{j>1} R[j-1][j] - b_j",
        source: "Lopez-Paz & Ranzato 2017",
        value: crate::fwt_gem,
    },
    Metric {
        name: "forgetting_first_last",
        formula: "mean_{j<T} R[j][j] - R[T][j]",
        source: "common usage",
        value: crate::forgetting_first_last,
    },
    Metric {
        name: "forgetting_chaudhry",
        formula: "mean_{j<T} max_{l<T} R[l][j] - R[T][j]",
        source: "Chaudhry et al. 2018",
        value: crate::forgetting_chaudhry,
    },
    Metric {
        name: "forgetting_max_incl",
        formula: "mean_{j<T} max_{l<=T} R[l][j] - R[T][j]",
        source: "common usage",
        value: crate::forgetting_max_incl,
    },
    Metric {
        name: "learning_accuracy",
        formula: "mean_j R[j][j]",
        source: "common usage",
        value: crate::learning_accuracy,
    },
    Metric {
        name: "transfer",
        formula: "mean_{j>1} mean_{i<j} R[i][j]",
        source: "Zheng et al. 2023",
        value: crate::transfer,
    },
    Metric {
        name: "average",
        formula: "mean_j mean_i R[i][j]",
        source: "Zheng et al. 2023",
        value: crate::average,
    },
    Metric {
        name: "last",
        formula: "mean_j R[T][j]",
        source: "Zheng et al. 2023",
        value: crate::last,
    },
    Metric {
        name: "fwt_pairs",
        formula: "sum_{i<j} R[i][j] / (T(T-1)/2)",
        source: "Diaz-Rodriguez et al. 2018",
        value: crate::fwt_pairs,
    },
];

/// Every metric of the accuracies on the way.
pub const ANYTIME_METRICS: &[Metric<AnytimeAccuracy>] = &[
    Metric {
        name: "min_acc",
        formula: "mean_{i<T} min A_i, over evaluations after context i",
        source: "De Lange et al. 2023",
        value: AnytimeAccuracy::min_acc,
    },
    Metric {
        name: "wc_acc",
        formula: "A_T / T + (1 - 1/T) min_acc",
        source: "De Lange et al. 2023",
        value: AnytimeAccuracy::wc_acc,
    },
    Metric {
        name: "wf_10",
        formula: "mean_i max A_i[n] - A_i[m], n < m among 10 evaluations in a row",
        source: "De Lange et al. 2023",
        value: |run| run.windowed_forgetting("wf_10", 10),
    },
    Metric {
        name: "wf_100",
        formula: "mean_i max A_i[n] - A_i[m], n < m among 100 evaluations in a row",
        source: "De Lange et al. 2023",
        value: |run| run.windowed_forgetting("wf_100", 100),
    },
    Metric {
        name: "wp_10",
        formula: "mean_i max A_i[m] - A_i[n], n < m among 10 evaluations in a row",
        source: "De Lange et al. 2023",
        value: |run| run.windowed_plasticity("wp_10", 10),
    },
    Metric {
        name: "wp_100",
        formula: "mean_i max A_i[m] - A_i[n], n < m among 100 evaluations in a row",
        source: "De Lange et al. 2023",
        value: |run| run.windowed_plasticity("wp_100", 100),
    },
    Metric {
        name: "stability_gap_depth",
        formula: "mean_{i<T} A_i at the end of context i - min A_i during context i+1",
        source: "this project",
        value: AnytimeAccuracy::stability_gap_depth,
    },
    Metric {
        name: "stability_gap_length",
        formula: "mean_{i<T} steps of context i+1 until A_i is 95 % again of what it was",
        source: "this project",
        value: AnytimeAccuracy::stability_gap_length,
    },
    Metric {
        name: "average_anytime_accuracy",
        formula: "mean over steps of mean_{j<=i} A_j while context i is learnt",
        source: "this project",
        value: AnytimeAccuracy::average_anytime_accuracy,
    },
];

/// What is measured of a network's [`Plasticity`].
pub const PLASTICITY_METRICS: &[Metric<Plasticity>] = &[
    Metric {
        name: "dormant_units",
        formula: "share of hidden units that are not 0 for less than 1 % of the examples",
        source: "Dohare et al. 2024",
        value: |network| Ok(network.dormant_units),
    },
    Metric {
        name: "effective_rank",
        formula: "exp(-sum p ln p), p = sigma / sum sigma, of the last hidden layer",
        source: "Roy & Vetterli 2007; Dohare et al. 2024",
        value: Plasticity::require_rank,
    },
    Metric {
        name: "weight_magnitude",
        formula: "mean |w|, without biases",
        source: "Dohare et al. 2024",
        value: |network| Ok(network.weight_magnitude),
    },
];

/// All [`METRICS`] of a matrix: the values by name, and by name the reason for each one undefined.
#[must_use]
pub fn evaluate(
    matrix: &AccuracyMatrix,
) -> (BTreeMap<&'static str, f64>, BTreeMap<&'static str, String>) {
    evaluate_with(METRICS, matrix)
}

/// These metrics, as [`evaluate`] gives them; of two with one name the later counts.
#[must_use]
pub fn evaluate_with<Of>(
    metrics: &[Metric<Of>],
    of: &Of,
) -> (BTreeMap<&'static str, f64>, BTreeMap<&'static str, String>) {
    let (mut values, mut undefined) = (BTreeMap::new(), BTreeMap::new());
    for metric in metrics {
        values.remove(metric.name);
        undefined.remove(metric.name);
        match (metric.value)(of) {
            Ok(value) => {
                values.insert(metric.name, value);
            }
            Err(reason) => {
                undefined.insert(metric.name, reason.to_string());
            }
        }
    }
    (values, undefined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_joint_model_has_its_last_row_and_reasons_for_the_rest() {
        let joint = AccuracyMatrix::from_rows(vec![vec![0.9, 0.8, 1.0, 0.7, 0.6]]).unwrap();
        let (values, undefined) = evaluate(&joint);
        assert_eq!(values.keys().copied().collect::<Vec<_>>(), ["final_accuracy", "last"]);
        assert!((values["final_accuracy"] - 0.8).abs() < 1e-12);
        assert_eq!(values.len() + undefined.len(), METRICS.len());
        assert_eq!(
            undefined["average"],
            "average needs one row per context; this matrix has 1 row for 5 contexts"
        );
    }

    #[test]
    fn reasons_name_the_metric_and_what_is_missing() {
        let one = AccuracyMatrix::from_rows(vec![vec![0.9]]).unwrap();
        let reason = crate::bwt_gem(&one).unwrap_err();
        assert_eq!(reason.reason(), "bwt_gem needs at least two contexts; this matrix has 1");
        let none = AccuracyMatrix::new(2).unwrap();
        let reason = crate::final_accuracy(&none).unwrap_err();
        assert_eq!(reason.reason(), "final_accuracy needs at least one row; this matrix has none");
        for metric in METRICS {
            let reason = (metric.value)(&none).unwrap_err();
            assert!(reason.reason().starts_with(&format!("{} ", metric.name)), "{reason}");
        }
    }

    #[test]
    fn a_metric_of_ones_own_stands_beside_the_list() {
        let worst: Metric = Metric {
            name: "worst_context",
            formula: "min_j R[T][j]",
            source: "this test",
            value: |matrix| {
                let row = matrix.require_last_row("worst_context")?;
                Ok(row.iter().copied().fold(1.0, f64::min))
            },
        };
        let matrix = AccuracyMatrix::from_rows(vec![vec![0.9, 0.3], vec![0.6, 0.8]]).unwrap();
        let (values, undefined) = evaluate_with(&[worst], &matrix);
        assert_eq!((values["worst_context"], undefined.len()), (0.6, 0));
    }
}
