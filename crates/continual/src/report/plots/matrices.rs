//! Accuracy matrices, one small picture each.

use super::super::Row;
use super::super::escape::{csv, html};
use super::inks::Inks;
use super::labels::shortened;

/// A matrix of more contexts is shown with this many of them, evenly spread.
pub(in super::super) const MOST_SIDE: usize = 20;
/// With more contexts than these there is no room for numbers.
const MOST_NUMBERS: usize = 6;
const WIDTH: f64 = 160.0;
/// Numbers are white above it, since the ink would be hard to read there.
const WHITE_ABOVE: f64 = 0.82;

/// How much of the colour a value has.
fn opacity(value: f64) -> f64 {
    0.04 + 0.96 * value
}

/// A picture of the means of R for each row, and the values as CSV.
pub(in super::super) fn matrices(rows: &[&Row], inks: &Inks) -> (String, String) {
    let (mut text, mut data) =
        (String::new(), "strategy,after_context,on_context,accuracy\n".to_owned());
    for row in rows {
        text += &matrix(row, inks, &mut data);
    }
    (text, data)
}

/// Which of `count` are shown: the last always is.
fn shown(count: usize) -> Vec<usize> {
    let side = count.min(MOST_SIDE);
    (1..=side).map(|at| at * count / side - 1).collect()
}

fn matrix(row: &Row, inks: &Inks, data: &mut String) -> String {
    let columns = row.accuracy.first().map_or(0, Vec::len);
    let (ys, xs) = (shown(row.accuracy.len()), shown(columns));
    let (left, top) = (2.0, 20.0);
    let side = (WIDTH - 2.0 * left) / xs.len().max(1) as f64;
    // The one row of `joint` stands where the last one of the others does.
    let skipped = if ys.len() == 1 { xs.len().saturating_sub(1) } else { 0 };
    let height = top + side * xs.len() as f64 + 2.0;
    let label = html(&row.label);
    let mut cells = String::new();
    let mut numbers = String::new();
    let has_numbers = xs.len() <= MOST_NUMBERS;
    let gap = if xs.len() > 10 { 0.0 } else { 1.0 };
    for (line, &y) in ys.iter().enumerate() {
        for (column, &x) in xs.iter().enumerate() {
            let Some(&value) = row.accuracy[y].get(x) else { continue };
            let (after, on) = (row.after[y], row.tracked[x]);
            *data += &format!("{},{after},{on},{value:.4}\n", csv(&row.label));
            let (px, py) = (left + side * column as f64, top + side * (line + skipped) as f64);
            cells += &format!(
                "<rect x=\"{px:.1}\" y=\"{py:.1}\" width=\"{0:.1}\" height=\"{0:.1}\" fill-opacity=\"{1:.2}\"/>",
                side - gap,
                opacity(value)
            );
            if has_numbers {
                let class = if value > WHITE_ABOVE { " class=\"on\"" } else { "" };
                let (px, py) = (px + (side - gap) / 2.0, py + (side - gap) / 2.0 + 3.6);
                numbers += &format!(
                    "<text{class} x=\"{px:.1}\" y=\"{py:.1}\">{:.0}</text>",
                    100.0 * value
                );
            }
        }
    }
    format!(
        "<svg class=\"plot matrix\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"accuracy matrix of \
         {label}\">{}<text class=\"l\" x=\"{left}\" y=\"13\">{}</text><g class=\"heat\">{cells}</g><g \
         class=\"count\">{numbers}</g></g></svg>",
        inks.open(&row.label, &row.label),
        html(&shortened(&row.label, 24)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_that_are_shown_are_evenly_spread_up_to_the_last() {
        assert_eq!(shown(3), [0, 1, 2]);
        let many = shown(50);
        assert_eq!((many.len(), many[0], many[19]), (20, 1, 49));
        assert_eq!(shown(0), [] as [usize; 0]);
    }

    /// Contrast by WCAG 2.2; 3 is the least for graphics, 4.5 for body text.
    #[test]
    fn numbers_can_be_read_on_every_shade_light_and_dark() {
        let colour = |css: &str, name: &str| -> [f64; 3] {
            let digits =
                css.split(&format!("--{name}: #")).nth(1).unwrap().split(';').next().unwrap();
            let each = digits.len() / 3;
            [0, 1, 2].map(|at| {
                let digits = digits[at * each..(at + 1) * each].repeat(2 / each);
                f64::from(u8::from_str_radix(&digits, 16).unwrap()) / 255.0
            })
        };
        let luminance = |colour: [f64; 3]| {
            let linear = colour.map(|c| match c <= 0.04045 {
                true => c / 12.92,
                false => ((c + 0.055) / 1.055).powf(2.4),
            });
            0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        };
        for css in [include_str!("../plots.css"), include_str!("../page.css")] {
            let [ground, ink, heat] = ["ground", "ink", "heat"].map(|name| colour(css, name));
            for percent in 0..=100 {
                let value = f64::from(percent) / 100.0;
                let share = opacity(value);
                let cell = [0, 1, 2].map(|at| ground[at] * (1.0 - share) + heat[at] * share);
                let number = if value > WHITE_ABOVE { [1.0; 3] } else { ink };
                let (a, b) = (luminance(cell), luminance(number));
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast > 4.1, "{percent} %: {contrast}");
            }
        }
    }
}
