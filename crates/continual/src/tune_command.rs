//! `continual tune`.

use crate::cli::TuneOptions;
use crate::print;
use anyhow::Result;
use continual::{Strengths, Sweep, Tuning};
use std::fmt::Write;

/// Prints every grid as it is through, then the strengths as the file has them.
pub(crate) fn run(options: &TuneOptions) -> Result<()> {
    let tuning = Tuning::new(&options.request(), &Strengths::built_in()?)?;
    if let Some(path) = &options.write {
        Strengths::check_writable(path)?;
    }
    print::text(
        "Final accuracy in % on validation images, seed 1; of equal ones the smallest wins.\n",
    )?;
    let sweeps = tuning.run(&mut |sweep| {
        // Printing again fails below if it fails here.
        let _ = print::text(&grid(sweep));
    })?;
    let chosen: Vec<(String, String, f64)> = sweeps
        .iter()
        .filter_map(|sweep| Some((sweep.section.clone(), sweep.name.clone(), sweep.chosen()?)))
        .collect();
    print::text(&snippet(&chosen)?)?;
    if let Some(path) = &options.write {
        Strengths::write(path, &chosen)?;
        print::text(&format!("\nwritten to {}\n", path.display()))?;
    }
    Ok(())
}

/// One line: the grid with its accuracies, the chosen one in brackets.
fn grid(sweep: &Sweep) -> String {
    let chosen = sweep.chosen();
    let points = sweep.points.iter().map(|point| {
        let accuracy = match point.accuracy {
            Some(accuracy) => format!("{:.2}", 100.0 * accuracy),
            None => "diverged".to_owned(),
        };
        let text = format!("{:e} {accuracy}", point.value);
        if chosen == Some(point.value) { format!("[{text}]") } else { text }
    });
    format!("{} {}: {}\n", sweep.section, sweep.name, points.collect::<Vec<_>>().join(", "))
}

fn snippet(chosen: &[(String, String, f64)]) -> Result<String> {
    let mut text = String::new();
    let mut open = "";
    for (section, name, value) in chosen {
        if section != open {
            writeln!(text, "\n[{section}]")?;
            open = section;
        }
        writeln!(text, "{name} = {value:e}")?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use continual::Point;

    #[test]
    fn a_grid_is_one_line_with_the_chosen_value_in_brackets() {
        let point = |value, accuracy| Point { value, accuracy };
        let points = vec![point(1.0, Some(0.5)), point(10.0, Some(0.625)), point(1e9, None)];
        let name = "ewc.lambda".to_owned();
        let sweep = Sweep { section: "digits.split.paper.task".to_owned(), name, points };
        assert_eq!(
            grid(&sweep),
            "digits.split.paper.task ewc.lambda: 1e0 50.00, [1e1 62.50], 1e9 diverged\n"
        );
    }

    #[test]
    fn the_snippet_is_a_file_of_strengths() {
        let chosen =
            [("a.split.paper.task", "ewc.lambda", 1e3), ("a.split.paper.task", "si.c", 0.5)]
                .map(|(section, name, value)| (section.to_owned(), name.to_owned(), value));
        let text = snippet(&chosen).unwrap();
        assert_eq!(text, "\n[a.split.paper.task]\newc.lambda = 1e3\nsi.c = 5e-1\n");
        assert_eq!(Strengths::parse(&text, "snippet").unwrap().all().len(), 2);
    }
}
