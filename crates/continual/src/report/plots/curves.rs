//! Accuracy, or another share, over contexts, and over steps.

use super::super::Row;
use super::super::escape::csv;
use super::super::numbers::interval;
use super::frame::{Axis, Frame};
use super::inks::Inks;
use super::labels::{column, shortened};
use cl_metrics::Summary;

/// Shares over something that is counted.
pub(in super::super) struct Curves {
    /// What is counted, as a column of the CSV.
    counted: &'static str,
    /// The longest of these axes.
    axis: fn(usize) -> Axis,
    /// What is drawn, as a column of the CSV.
    drawn: &'static str,
    /// The same in words.
    y: &'static str,
    /// The shares of a row, by count.
    points: fn(&Row) -> &[(usize, Summary)],
}

/// Mean accuracy on the contexts so far after each of them.
pub(in super::super) const OVER_CONTEXTS: Curves = Curves {
    counted: "context",
    axis: Axis::contexts,
    drawn: "accuracy",
    y: "accuracy on the contexts so far, %",
    points: |row| &row.seen,
};

/// Accuracy on the first context, on the way.
pub(in super::super) const ON_THE_WAY: Curves = Curves {
    counted: "step",
    axis: Axis::steps,
    drawn: "accuracy",
    y: "accuracy on the first context, %",
    points: |row| &row.way,
};

/// Hidden units that have stopped to learn.
pub(in super::super) const DORMANT: Curves = Curves {
    counted: "context",
    axis: Axis::contexts,
    drawn: "dormant_units",
    y: "dormant hidden units, %",
    points: |row| &row.dormant,
};

/// The curves of these rows, with the 95 % interval as a band. A row that is evaluated at the end alone is a
/// line across. Also the values as CSV.
pub(in super::super) fn curves(
    of: &Curves,
    rows: &[&Row],
    inks: &Inks,
    told: &str,
) -> (String, String) {
    let points = of.points;
    let last = rows.iter().flat_map(|row| points(row).last()).map(|last| last.0);
    let frame = Frame::new(350.0, 112.0);
    let x = (of.axis)(last.max().unwrap_or(1));
    let means = rows.iter().flat_map(|row| points(row)).map(|(_, summary)| summary.mean);
    let y = Axis::percent(of.y, means);
    let mut text = frame.open(told) + &frame.axes(&x, &y);
    let mut data = format!("strategy,{},{},ci95_low,ci95_high\n", of.counted, of.drawn);
    let ends: Vec<f64> = rows
        .iter()
        .map(|row| points(row).last().map_or(0.0, |(_, it)| frame.y(&y, it.mean)))
        .collect();
    let places = column(&ends, frame.top + 4.0, frame.bottom - 2.0);
    for ((row, end), place) in rows.iter().zip(ends).zip(places) {
        let Some((_, last)) = points(row).last() else { continue };
        text += &inks.open(&row.label, &format!("{}: {} % at the end", row.label, interval(last)));
        match points(row) {
            [_] => {
                text +=
                    &format!("<path class=\"c\" d=\"M{} {end:.1}H{}\"/>", frame.left, frame.right)
            }
            several => {
                text += &line(several, &|at| frame.x(&x, at), &|value| frame.y(&y, value));
            }
        }
        for (count, summary) in points(row) {
            let ends =
                summary.ci95.map_or(",".to_owned(), |(low, high)| format!("{low:.5},{high:.5}"));
            data += &format!("{},{count},{:.5},{ends}\n", csv(&row.label), summary.mean);
        }
        let (right, beside) = (frame.right, frame.right + 10.0);
        text += &format!(
            "<path class=\"lead\" d=\"M{right} {end:.1}L{beside} {place:.1}\"/><text class=\"l\" x=\"{}\" \
             y=\"{:.1}\">{}</text></g>",
            beside + 3.0,
            place + 4.0,
            super::super::escape::html(&shortened(&row.label, 16))
        );
    }
    (text + "</svg>", data)
}

fn line(points: &[(usize, Summary)], x: &dyn Fn(f64) -> f64, y: &dyn Fn(f64) -> f64) -> String {
    let path = |values: &[(f64, f64)]| -> String {
        let all = values.iter().map(|(at, value)| format!("{:.1} {:.1}", x(*at), y(*value)));
        all.collect::<Vec<_>>().join("L")
    };
    let points = || points.iter().map(|(count, it)| (*count as f64, it));
    let means: Vec<_> = points().map(|(at, it)| (at, it.mean)).collect();
    let ends: Vec<_> = points().filter_map(|(at, it)| Some((at, it.ci95?))).collect();
    let high: Vec<_> = ends.iter().map(|(at, ends)| (*at, ends.1)).collect();
    let low: Vec<_> = ends.iter().rev().map(|(at, ends)| (*at, ends.0)).collect();
    let band = match high.is_empty() {
        true => String::new(),
        false => format!("<path class=\"band\" d=\"M{}L{}Z\"/>", path(&high), path(&low)),
    };
    format!("{band}<path class=\"c\" d=\"M{}\"/>", path(&means))
}
