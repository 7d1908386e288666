//! Whether a cell was reproduced.

use super::{Acceptance, Published};
use cl_metrics::Summary;

/// How our mean compares with a published one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// As near as the rule allows.
    Inside,
    /// Further above than the rule allows: good news for a method.
    Above,
    /// Not reproduced.
    Outside,
}

impl Verdict {
    /// Holds `ours`, fractions, against a cell of a table whose means were taken over so many seeds.
    #[must_use]
    pub fn of(
        published: Published,
        seeds: u64,
        rule: Acceptance,
        ours: &Summary,
        is_baseline: bool,
    ) -> Self {
        let difference = 100.0 * ours.mean - published.mean;
        if difference.abs() <= rule.limit(published.sem, seeds, ours.n) {
            Self::Inside
        } else if difference > 0.0 && !is_baseline {
            Self::Above
        } else {
            Self::Outside
        }
    }

    /// One word for the page.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Above => "above",
            Self::Outside => "**outside**",
        }
    }
}

impl Acceptance {
    /// The largest difference that counts as reproduced, in percentage points.
    #[must_use]
    pub fn limit(&self, sem: f64, published_seeds: u64, seeds: usize) -> f64 {
        let both = (1.0 + published_seeds as f64 / seeds.max(1) as f64).sqrt();
        self.points.max(self.sems * sem * both)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Acceptance = Acceptance { points: 1.5, sems: 3.0 };

    /// √(1 + 20/2) = 3.3166; 3 · 1.58 · 3.3166 = 15.72, 3 · 0.15 · 3.3166 = 1.4925.
    #[test]
    fn the_limit_is_a_number_of_points_or_of_standard_errors_of_the_difference() {
        assert!((RULE.limit(1.58, 20, 2) - 15.7208).abs() < 1e-3);
        assert_eq!(RULE.limit(0.15, 20, 2), 1.5);
        assert!((RULE.limit(1.0, 20, 20) - 3.0 * 2_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_method_may_lie_above_and_a_baseline_may_not() {
        let published = Published { mean: 60.0, sem: 0.0, confirmed: true };
        let verdict = |ours: f64, is_baseline| {
            let ours = Summary::of(&[ours / 100.0]).unwrap();
            Verdict::of(published, 20, RULE, &ours, is_baseline)
        };
        assert_eq!(verdict(61.49, true), Verdict::Inside);
        assert_eq!(verdict(58.51, false), Verdict::Inside);
        assert_eq!(verdict(61.51, false), Verdict::Above);
        assert_eq!(verdict(61.51, true), Verdict::Outside);
        assert_eq!(verdict(58.49, false), Verdict::Outside);
    }
}
