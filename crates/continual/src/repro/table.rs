//! The file of a published table.

use crate::Error;
use cl_scenarios::Scenario;
use serde::Deserialize;
use std::path::Path;

/// A table as it was published.
///
/// ```
/// use continual::repro::PublishedTable;
///
/// let text = "
///     title = 'Split MNIST'
///     source = 'somebody 2022, table 2'
///     seeds = 20
///     [accept]
///     points = 1.5
///     sems = 3
///     [experiment]
///     data = { dataset = 'mnist' }
///     [[row]]
///     name = 'ewc'
///     task = { mean = 99.06, sem = 0.15 }
///     class = { mean = 20.64, sem = 0.52, confirmed = false }
/// ";
/// let table = PublishedTable::parse("split-mnist", text)?;
/// assert_eq!(table.row[0].task.unwrap().mean, 99.06);
/// assert!(!table.row[0].class.unwrap().confirmed);
/// # Ok::<(), continual::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedTable {
    /// The name of the file without its ending.
    #[serde(skip)]
    pub name: String,
    /// What it shows.
    pub title: String,
    /// Where it was published.
    pub source: String,
    /// Over how many seeds its means were taken.
    pub seeds: u64,
    /// When a cell counts as reproduced.
    pub accept: Acceptance,
    /// How the runs are trained: the tables of a file for `continual run`, without scenarios, seeds and
    /// strategies.
    pub experiment: toml::Table,
    /// Its rows, in order.
    pub row: Vec<TableRow>,
}

/// When a cell counts as reproduced: |ours − published| ≤ max(points, sems · s.e.m. · √(1 + N/n)) with N
/// published seeds and n of ours. A method may lie above, a baseline never.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// So many percentage points are always allowed.
    pub points: f64,
    /// So many standard errors of the difference of both means.
    pub sems: f64,
}

/// A method of the table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRow {
    /// Its name, for `--only`.
    pub name: String,
    /// The strategy as in a file for `continual run`; where nothing is said, that of the row's name.
    pub strategy: Option<toml::Value>,
    /// What was published in the task-incremental scenario.
    pub task: Option<Published>,
    /// In the domain-incremental scenario.
    pub domain: Option<Published>,
    /// In the class-incremental scenario.
    pub class: Option<Published>,
    /// What is known about a difference, for the page.
    pub note: Option<String>,
}

/// A published cell, in percent.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The mean over seeds.
    pub mean: f64,
    /// Its standard error.
    pub sem: f64,
    /// Whether the figure was checked against the publication: others are reported and decide nothing.
    #[serde(default = "yes")]
    pub confirmed: bool,
}

fn yes() -> bool {
    true
}

impl PublishedTable {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, is no TOML, or has other keys than these.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let place = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::Impossible(format!("cannot be read: {error}")).at(place.clone())
        })?;
        Self::parse(&name, &text).map_err(|error| error.at(place))
    }

    /// Reads a text.
    ///
    /// # Errors
    /// As [`PublishedTable::read`].
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let problem = |problem: String| Error::Impossible(format!("table {name}: {problem}"));
        let table: Self = toml::from_str(text).map_err(|error| problem(error.to_string()))?;
        let numbers = table.row.iter().flat_map(|row| [row.task, row.domain, row.class]).flatten();
        for Published { mean, sem, .. } in numbers {
            if !(0.0..=100.0).contains(&mean) || !(0.0..=100.0).contains(&sem) {
                return Err(problem(format!("{mean} ± {sem}: expected percentages, 0 to 100")));
            }
        }
        for (at, row) in table.row.iter().enumerate() {
            if table.row[..at].iter().any(|other| other.name == row.name) {
                return Err(problem(format!("row `{}` is there twice", row.name)));
            }
        }
        for key in ["scenario", "seeds", "strategy"] {
            if table.experiment.contains_key(key) {
                return Err(problem(format!("experiment.{key}: rows and --seeds say that")));
            }
        }
        Ok(Self { name: name.to_owned(), ..table })
    }
}

impl TableRow {
    /// What was published in a scenario.
    #[must_use]
    pub fn published(&self, scenario: Scenario) -> Option<Published> {
        match scenario {
            Scenario::Task => self.task,
            Scenario::Domain => self.domain,
            Scenario::Class => self.class,
        }
    }

    /// The strategy by name.
    #[must_use]
    pub fn strategy_name(&self) -> &str {
        let named = self.strategy.as_ref().and_then(|it| it.get("name").unwrap_or(it).as_str());
        named.unwrap_or(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "
        title = 't'
        source = 's'
        seeds = 20
        accept = { points = 1.5, sems = 3 }
        experiment = { training = { steps = 3 } }
        row = [
            { name = 'a', strategy = { name = 'ewc', lambda = 2.0 }, task = { mean = 1, sem = 0.1 } },
            { name = 'si' },
        ]
    ";

    #[test]
    fn a_row_has_a_strategy_of_its_own_or_that_of_its_name() {
        let table = PublishedTable::parse("t", TABLE).unwrap();
        let names: Vec<&str> = table.row.iter().map(TableRow::strategy_name).collect();
        assert_eq!(names, ["ewc", "si"]);
        assert!(table.row[0].published(Scenario::Task).is_some_and(|it| it.confirmed));
        assert!(table.row[0].published(Scenario::Class).is_none());
    }

    #[test]
    fn what_is_no_table_is_refused_with_the_reason() {
        let cases = [
            (TABLE.replace("sem = 0.1", "sme = 0.1"), "unknown field `sme`"),
            (TABLE.replace("mean = 1,", "mean = 101,"), "expected percentages"),
            (TABLE.replace("'si'", "'a'"), "row `a` is there twice"),
            (TABLE.replace("training =", "seeds = 2, training ="), "experiment.seeds"),
        ];
        for (text, expected) in cases {
            let error = PublishedTable::parse("t", &text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
