//! The table of strategies by scenarios.

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};
use continual::metrics::{Error, Summary};
use continual::{Bench, Line};

/// A table in Markdown, the first column to the left, the others to the right.
pub(crate) fn markdown(header: Vec<String>, rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{}\n", table.trim_fmt())
}

/// Final accuracies, rows strategies and values of sweeps, columns scenarios; `*` marks
/// baselines, `-` what has no results.
pub(crate) fn accuracies(bench: &Bench, lines: &[Line]) -> Result<String, Error> {
    let header = std::iter::once("strategy".to_owned())
        .chain(bench.scenarios.iter().map(ToString::to_string))
        .collect();
    let mut rows = Vec::new();
    for row in &bench.rows {
        let mut texts = vec![format!("{}{}", row.label, if row.is_baseline { " *" } else { "" })];
        for &scenario in &bench.scenarios {
            let values: Vec<f64> = bench
                .runs(row, scenario, lines)
                .iter()
                .filter_map(|line| line.metrics.get("final_accuracy").copied())
                .collect();
            texts.push(if values.is_empty() {
                "-".to_owned()
            } else {
                percent(&Summary::of(&values)?)
            });
        }
        rows.push(texts);
    }
    Ok(markdown(header, rows))
}

/// Mean and standard error of fractions, in percent.
pub(crate) fn percent(summary: &Summary) -> String {
    let mean = format!("{:.2}", 100.0 * summary.mean);
    match summary.sem {
        Some(sem) => format!("{mean} ± {:.2}", 100.0 * sem),
        None => mean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use continual::{Request, Strengths};

    #[test]
    fn a_cell_is_mean_and_standard_error_in_percent() {
        // Mean 0.925; sd sqrt(2 * 0.025^2 / 1) = 0.035355; sem sd / sqrt(2) = 0.025.
        assert_eq!(percent(&Summary::of(&[0.9, 0.95]).unwrap()), "92.50 ± 2.50");
        assert_eq!(percent(&Summary::of(&[0.5]).unwrap()), "50.00");
    }

    #[test]
    fn rows_are_strategies_columns_scenarios_and_gaps_are_dashes() {
        let some = |text: &str| Some(text.to_owned());
        let request = Request {
            strategy: some("none,xdg"),
            scenario: some("class,task"),
            hidden: some("4"),
            steps: Some(1),
            seeds: Some(2),
            threads: Some(1),
            ..Request::default()
        };
        let bench = Bench::new(&request, &Strengths::default()).unwrap();
        let costs = bench.costs().unwrap();
        let mut lines = bench.run(&costs, &mut (), &mut ()).unwrap().lines;
        for line in &mut lines {
            let value = match line.strategy.as_str() {
                "none" => 0.125,
                _ => 0.5,
            };
            line.metrics.insert("final_accuracy".to_owned(), value);
        }
        assert_eq!(
            accuracies(&bench, &lines).unwrap(),
            "| strategy |        class |         task |\n\
             |----------|--------------|--------------|\n\
             | none *   | 12.50 ± 0.00 | 12.50 ± 0.00 |\n\
             | xdg      |            - | 50.00 ± 0.00 |\n"
        );
    }
}
