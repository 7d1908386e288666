//! Stability against plasticity: what a strength does to old and to new contexts.

use crate::choices::check_hyper;
use crate::registry::{Composition, Place};
use crate::{Bench, Error, Finished, Request, choose};
use cl_metrics::{AccuracyMatrix, Summary};
use cl_scenarios::Scenario;

/// A sweep over the strength of one strategy beside the baselines `none` and `joint`, in one scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Tradeoff {
    /// What runs: the strategy with every value, and both baselines.
    pub request: Request,
    /// The strategy.
    pub strategy: String,
    /// The hyper-parameter that is swept, `strategy.hyper`.
    pub hyper: String,
    /// Its values, ascending.
    pub values: Vec<f64>,
    /// The scenario.
    pub scenario: Scenario,
}

/// One value of the strength, or a baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct TradeoffPoint {
    /// The value, or the name of the baseline.
    pub label: String,
    /// Whether it is a baseline.
    pub is_baseline: bool,
    /// Mean of `R[T][j]` over j < T: accuracy on the old contexts at the end, a fraction, over seeds.
    pub old: Summary,
    /// Mean of `R[j][j]` over j > 1: accuracy on each new context when it has just been learned; of
    /// `joint`, which has one row, that row without the first context.
    pub new: Summary,
}

impl Tradeoff {
    /// Sweeps `hyper` (where nothing is said, the strategy's first strength) over `values` (its grid).
    /// What else is asked for stands in `request`.
    ///
    /// # Errors
    /// An unknown strategy, scenario or hyper-parameter; a strategy without strength, a baseline, a
    /// stream of one context.
    pub fn new(
        request: Request,
        strategy: &str,
        hyper: Option<&str>,
        values: &[f64],
    ) -> Result<Self, Error> {
        let composition = Composition::parse(strategy)?;
        let refused = |why: String| Error::Impossible(format!("tradeoff {strategy}: {why}"));
        if composition.is_baseline() {
            return Err(refused(
                "a baseline has no strength; expected a strategy such as ewc or si".to_owned(),
            ));
        }
        let scenario = request.scenario.as_deref().unwrap_or("domain");
        let scenario = choose("scenario", scenario, &Scenario::ALL)?;
        if request.contexts == Some(1) {
            return Err(refused("one context has no old ones".to_owned()));
        }
        if request.evaluate_every.is_some_and(|every| every > 1) {
            let why = "every context is evaluated when it is learned; leave --evaluate-every out";
            return Err(refused(why.to_owned()));
        }
        let strengths = composition.hypers();
        let swept = match hyper {
            Some(name) => strengths.iter().find(|(known, _)| known == name).ok_or_else(|| {
                let names: Vec<&str> = strengths.iter().map(|(known, _)| known.as_str()).collect();
                crate::nearest::unknown("hyper-parameter", name, &names)
            })?,
            None => strengths
                .iter()
                .find(|(_, about)| about.grid.is_strength() && about.place == Place::Slot)
                .ok_or_else(|| refused("it has no strength; name one with --hyper".to_owned()))?,
        };
        let (hyper, about) = swept;
        let mut values = if values.is_empty() { about.grid.values() } else { values.to_vec() };
        for value in &values {
            check_hyper(about, *value).map_err(|expected| Error::Value {
                what: "--values".to_owned(),
                value: value.to_string(),
                expected: expected.to_owned(),
            })?;
        }
        values.sort_by(f64::total_cmp);
        values.dedup();
        if values.is_empty() {
            return Err(refused(format!("{hyper} has no grid; give --values")));
        }
        let swept_twice = |text: &&String| {
            let name = text.split('=').next().unwrap_or_default().trim();
            name == hyper || name.ends_with(&format!(":{hyper}"))
        };
        if let Some(set) = request.set.iter().find(swept_twice) {
            return Err(refused(format!(
                "{hyper} is what is swept; give --values instead of --set {set}"
            )));
        }
        let told: Vec<String> = values.iter().map(f64::to_string).collect();
        let mut set = request.set.clone();
        set.push(format!("{hyper}={}", told.join(",")));
        let request = Request {
            scenario: Some(scenario.to_string()),
            strategy: Some(format!("{},none,joint", composition.name)),
            set,
            ..request
        };
        let (strategy, hyper) = (composition.name, hyper.clone());
        Ok(Self { request, strategy, hyper, values, scenario })
    }

    /// What came out: every value of the strength, ascending, then the baselines. Values whose loss was
    /// no number any more are missing.
    ///
    /// # Errors
    /// Accuracies that are no numbers.
    pub fn points(&self, bench: &Bench, finished: &Finished) -> Result<Vec<TradeoffPoint>, Error> {
        let mut points = Vec::new();
        for row in &bench.rows {
            let lines = bench.runs(row, self.scenario, &finished.lines);
            let Some(first) = lines.first() else { continue };
            let label = match first.settings.hyper.get(&self.hyper) {
                Some(value) if !row.is_baseline => crate::label::number(*value),
                _ => row.label.clone(),
            };
            let matrices: Vec<AccuracyMatrix> =
                lines.iter().map(|line| line.matrix()).collect::<Result<_, _>>()?;
            let summary = |of: fn(&AccuracyMatrix) -> f64| {
                Summary::of(&matrices.iter().map(of).collect::<Vec<f64>>())
            };
            let (old, new) = (summary(old)?, summary(new)?);
            points.push(TradeoffPoint { label, is_baseline: row.is_baseline, old, new });
        }
        Ok(points)
    }
}

/// Mean of the last row without the last context.
pub(crate) fn old(matrix: &AccuracyMatrix) -> f64 {
    let Some([row @ .., _]) = matrix.rows().last().map(|row| &row[..]) else { return f64::NAN };
    row.iter().sum::<f64>() / row.len() as f64
}

/// Mean of the diagonal without the first context; no number where the diagonal was not measured.
pub(crate) fn new(matrix: &AccuracyMatrix) -> f64 {
    let square = matrix.require_square("the accuracy on new contexts");
    let rows = match (&square, matrix.rows()) {
        (Ok(rows), _) => rows,
        (Err(_), joint @ [_]) => joint,
        (Err(_), _) => return f64::NAN,
    };
    let diagonal: Vec<f64> = match rows {
        [joint] => joint[1..].to_vec(),
        rows => {
            rows.iter().enumerate().skip(1).filter_map(|(j, row)| row.get(j).copied()).collect()
        }
    };
    diagonal.iter().sum::<f64>() / diagonal.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strengths;

    fn request() -> Request {
        Request {
            scenario: Some("task".to_owned()),
            contexts: Some(2),
            hidden: Some("4".to_owned()),
            steps: Some(2),
            seeds: Some(2),
            threads: Some(1),
            ..Request::default()
        }
    }

    #[test]
    fn old_is_the_last_row_and_new_the_diagonal() {
        let tradeoff = Tradeoff::new(request(), "ewc", None, &[10.0, 1.0]).unwrap();
        assert_eq!(
            (tradeoff.hyper.as_str(), &tradeoff.values[..]),
            ("ewc.lambda", &[1.0, 10.0][..])
        );
        let bench = Bench::new(&tradeoff.request, &Strengths::default()).unwrap();
        let mut finished = bench.run(&bench.costs().unwrap(), &mut (), &mut ()).unwrap();
        for line in &mut finished.lines {
            line.accuracy = match line.accuracy.len() {
                1 => vec![vec![0.9, 0.8]],
                _ => vec![vec![0.7, 0.1], vec![0.2, 0.6]],
            };
        }
        let points = tradeoff.points(&bench, &finished).unwrap();
        let told: Vec<_> = points
            .iter()
            .map(|point| (point.label.as_str(), point.is_baseline, point.old.mean, point.new.mean))
            .collect();
        let expected = [
            ("1", false, 0.2, 0.6),
            ("10", false, 0.2, 0.6),
            ("none", true, 0.2, 0.6),
            ("joint", true, 0.9, 0.8),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_has_no_strength_is_refused() {
        let refused = |strategy: &str, hyper: Option<&str>| {
            Tradeoff::new(request(), strategy, hyper, &[]).unwrap_err().to_string()
        };
        assert!(refused("joint", None).contains("a baseline has no strength"));
        assert!(refused("er", None).contains("name one with --hyper"));
        assert!(refused("er", Some("er.per_class")).contains("has no grid; give --values"));
        assert!(refused("ewc", Some("ewc.lamda")).contains("did you mean"));
        let values = [1.0, f64::NAN];
        let refused = Tradeoff::new(request(), "ewc", None, &values).unwrap_err().to_string();
        assert_eq!(refused, "--values `NaN`: expected a number that 32 bits hold");
    }
}
