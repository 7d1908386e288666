//! A metric of every row, the lowest first.

use super::super::Row;
use super::super::escape::{csv, html};
use super::super::numbers::interval;
use super::frame::{Axis, Frame};
use super::inks::Inks;
use super::labels::shortened;

/// A dot with its 95 % interval for every row that has the metric; also the values as CSV.
pub(in super::super) fn dots(
    rows: &[&Row],
    metric: &str,
    name: &str,
    inks: &Inks,
    told: &str,
) -> (String, String) {
    let mut found: Vec<_> =
        rows.iter().filter_map(|row| Some((*row, row.metrics.get(metric)?))).collect();
    found.sort_by(|a, b| a.1.mean.total_cmp(&b.1.mean));
    let line = 18.0;
    let mut frame = Frame::new(350_f64.max(line * found.len() as f64 + 60.0), 14.0);
    frame.left = 122.0;
    let whole = |it: &cl_metrics::Summary| {
        let (low, high) = it.ci95.unwrap_or((it.mean, it.mean));
        [it.mean, low.max(-1.0), high.min(1.0)]
    };
    let x = Axis::percent(name, found.iter().flat_map(|(_, it)| whole(it)));
    let none = Axis::silent();
    let mut text = frame.open(told) + &frame.axes(&x, &none);
    let mut data = format!("strategy,{metric},ci95_low,ci95_high\n");
    let step = (frame.bottom - frame.top) / found.len().max(1) as f64;
    for (at, (row, summary)) in found.into_iter().enumerate() {
        let (y, [mean, low, high]) = (frame.top + (at as f64 + 0.5) * step, whole(summary));
        text += &inks.open(&row.label, &format!("{}: {} %", row.label, interval(summary)));
        text += &format!(
            "<path class=\"w\" d=\"M{:.1} {y:.1}H{:.1}\"/>{}<text class=\"l\" x=\"{}\" y=\"{:.1}\" \
             text-anchor=\"end\">{}</text></g>",
            frame.x(&x, low),
            frame.x(&x, high),
            inks.mark(&row.label, frame.x(&x, mean), y),
            frame.left - 8.0,
            y + 4.0,
            html(&shortened(&row.label, 17))
        );
        data += &format!("{},{mean:.5},{low:.5},{high:.5}\n", csv(&row.label));
    }
    (text + "</svg>", data)
}
