//! Statistics of one number over seeds.

use crate::{Error, mean::mean};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Mean and spread of `n` independent values of one metric, in that metric's unit.
///
/// The spread of a single value is unknown, so it is `None`, not 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The number of values.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Standard deviation of the values, `sqrt(sum (x - mean)^2 / (n - 1))`; from two values on.
    pub sd: Option<f64>,
    /// Standard error of the mean, `sd / sqrt(n)`; from two values on.
    pub sem: Option<f64>,
    /// 95 % confidence interval of the mean, `mean -+ t_{0.975, n-1} sem` with Student's t; from
    /// two values on. It assumes that the values are roughly normal, and is not clipped to \[0, 1\].
    pub ci95: Option<(f64, f64)>,
}

impl Summary {
    /// The summary of these values.
    ///
    /// # Errors
    /// If there is no value, or one is NaN or infinite.
    pub fn of(values: &[f64]) -> Result<Self, Error> {
        if values.is_empty() {
            return Err(Error::NoValues);
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite { index, value: values[index] });
        }
        let n = values.len();
        let mean = mean(values.iter().copied());
        if n == 1 {
            return Ok(Self { n, mean, sd: None, sem: None, ci95: None });
        }
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let sd = (squares / (n - 1) as f64).sqrt();
        let sem = sd / (n as f64).sqrt();
        let ci95 = t_quantile_975(n - 1).map(|t| (mean - t * sem, mean + t * sem));
        Ok(Self { n, mean, sd: Some(sd), sem: Some(sem), ci95 })
    }
}

/// The 97.5 % quantile of Student's t distribution.
fn t_quantile_975(degrees_of_freedom: usize) -> Option<f64> {
    let t = StudentsT::new(0.0, 1.0, degrees_of_freedom as f64).ok()?;
    Some(t.inverse_cdf(0.975))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published in every table of the t distribution; these digits by scipy.stats.t.ppf(0.975, n).
    #[test]
    fn t_quantiles_are_those_of_scipy() {
        let expected = [
            (1, 12.7062047362),
            (2, 4.30265272975),
            (3, 3.18244630528),
            (4, 2.7764451052),
            (5, 2.57058183564),
            (9, 2.2621571628),
            (19, 2.09302405441),
            (29, 2.04522964213),
            (99, 1.98421695159),
        ];
        for (degrees, quantile) in expected {
            let found = t_quantile_975(degrees).unwrap();
            assert!((found - quantile).abs() < 1e-9, "{degrees}: {found} and {quantile}");
        }
    }

    #[test]
    fn one_value_has_no_spread() {
        let summary = Summary::of(&[0.5]).unwrap();
        assert_eq!(summary, Summary { n: 1, mean: 0.5, sd: None, sem: None, ci95: None });
    }

    #[test]
    fn no_values_and_values_that_are_no_numbers_are_refused() {
        assert_eq!(Summary::of(&[]).unwrap_err(), Error::NoValues);
        let error = Summary::of(&[0.5, f64::NAN]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "summary over seeds: value 1 is NaN, expected a finite number"
        );
    }
}
