//! Axes.

use super::super::escape::html;
use super::super::numbers::short;

/// A plot and the rectangle of its axes.
pub(super) struct Frame {
    pub width: f64,
    pub height: f64,
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

impl Frame {
    /// 440 wide: in a phone's column letters stay legible.
    pub(super) fn new(height: f64, right: f64) -> Self {
        Self {
            width: 440.0,
            height,
            left: 46.0,
            right: 440.0 - right,
            top: 12.0,
            bottom: height - 42.0,
        }
    }

    pub(super) fn open(&self, told: &str) -> String {
        format!(
            "<svg class=\"plot\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">",
            self.width,
            self.height,
            html(told)
        )
    }

    pub(super) fn x(&self, axis: &Axis, value: f64) -> f64 {
        self.left + axis.share(value) * (self.right - self.left)
    }

    pub(super) fn y(&self, axis: &Axis, value: f64) -> f64 {
        self.bottom - axis.share(value) * (self.bottom - self.top)
    }

    /// Grid, ticks and names of both axes.
    pub(super) fn axes(&self, x: &Axis, y: &Axis) -> String {
        let mut text = String::from("<g class=\"grid\">");
        for &(value, _) in &y.ticks {
            let at = self.y(y, value);
            text += &format!("<path d=\"M{} {at:.1}H{}\"/>", self.left, self.right);
        }
        for &(value, _) in &x.ticks {
            let at = self.x(x, value);
            text += &format!("<path d=\"M{at:.1} {}V{}\"/>", self.top, self.bottom);
        }
        text += "</g><g class=\"tick\">";
        for (value, name) in &y.ticks {
            let at = self.y(y, *value) + 4.0;
            text += &format!(
                "<text x=\"{}\" y=\"{at:.1}\" text-anchor=\"end\">{name}</text>",
                self.left - 7.0
            );
        }
        for (value, name) in &x.ticks {
            let (at, below) = (self.x(x, *value), self.bottom + 17.0);
            text +=
                &format!("<text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{name}</text>");
        }
        let (middle, below) = ((self.left + self.right) / 2.0, self.height - 6.0);
        let beside = (self.top + self.bottom) / 2.0;
        text + &format!(
            "</g><g class=\"name\"><text x=\"{middle:.1}\" y=\"{below}\" text-anchor=\"middle\">{}</text>\
             <text transform=\"translate(11 {beside:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text></g>",
            html(&x.name),
            html(&y.name)
        )
    }
}

/// From values to places.
pub(super) struct Axis {
    name: String,
    low: f64,
    high: f64,
    is_log: bool,
    pub ticks: Vec<(f64, String)>,
}

/// Of the axis in a logarithmic one, on the left: where 0 is.
const ZERO: f64 = 0.1;

impl Axis {
    /// Percent around these fractions, from 0 to 100 at most.
    pub(super) fn percent(name: &str, values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = ends(values.map(|value| 100.0 * value));
        let room = (0.04 * (high - low)).max(0.5);
        let (low, high) = ((low - room).max(-100.0), (high + room).min(100.0));
        let (low, high) = (if low > -room { low.max(0.0) } else { low }, high.max(low + 1.0));
        let step = step(high - low, 6.0);
        let first = (low / step).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        let ticks = (first..=last).map(|at| {
            let value = at as f64 * step;
            let name = if step < 1.0 { format!("{value:.1}") } else { format!("{value:.0}") };
            (value / 100.0, name.replace('-', "\u{2212}"))
        });
        Self {
            name: name.to_owned(),
            low: low / 100.0,
            high: high / 100.0,
            is_log: false,
            ticks: ticks.collect(),
        }
    }

    /// An axis without a name and without ticks.
    pub(super) fn silent() -> Self {
        Self { name: String::new(), low: 0.0, high: 1.0, is_log: false, ticks: Vec::new() }
    }

    /// Contexts, counted from 1.
    pub(super) fn contexts(count: usize) -> Self {
        Self::counted("after context", 1, count)
    }

    /// From the beginning on.
    pub(super) fn steps(count: usize) -> Self {
        Self::counted("after step", 0, count)
    }

    fn counted(name: &str, first: usize, last: usize) -> Self {
        let step = step(last as f64, 8.0).max(1.0) as usize;
        let ticks = (first.next_multiple_of(step)..=last).step_by(step);
        Self {
            name: name.to_owned(),
            low: first as f64,
            high: (last as f64).max(first as f64 + 1.0),
            is_log: false,
            ticks: ticks.map(|at| (at as f64, at.to_string())).collect(),
        }
    }

    /// Powers of ten; 0 has a place of its own on the left.
    pub(super) fn log(name: &str, values: &[f64]) -> Self {
        let logs = values.iter().filter(|value| **value > 0.0).map(|value| value.log10());
        let (low, high) = ends(logs);
        let room = (0.06 * (high - low)).max(0.08);
        let (low, high) = (low - room, high + room);
        let has_zero = values.contains(&0.0);
        let mut ticks = Vec::new();
        let factors: &[f64] = if high - low < 1.6 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let every = ((high - low) / 6.0).ceil().max(1.0) as i32;
        for power in
            (low.floor() as i32..=high.ceil() as i32).filter(|it| it.rem_euclid(every) == 0)
        {
            for factor in factors {
                let value = factor * 10_f64.powi(power);
                if (low..=high).contains(&value.log10()) {
                    ticks.push((value, plain(&short(value))));
                }
            }
        }
        let low = if has_zero { low - ZERO / (1.0 - ZERO) * (high - low) } else { low };
        if has_zero {
            ticks.insert(0, (0.0, "0".to_owned()));
        }
        Self { name: name.to_owned(), low, high, is_log: true, ticks }
    }

    fn share(&self, value: f64) -> f64 {
        let at = match (self.is_log, value > 0.0) {
            (false, _) => value,
            (true, true) => value.log10(),
            (true, false) => return 0.03,
        };
        ((at - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// `1.00 k` is exact on an axis.
fn plain(text: &str) -> String {
    text.replace(".00", "").replace(".0 ", " ")
}

/// The smallest and the largest; 0 and 1 without a number.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let found =
        values.filter(|value| value.is_finite()).fold(None, |ends: Option<(f64, f64)>, it| {
            Some(ends.map_or((it, it), |(low, high)| (low.min(it), high.max(it))))
        });
    found.unwrap_or((0.0, 1.0))
}

/// 1, 2 or 5 times a power of ten, so that there are about `count` steps.
fn step(span: f64, count: f64) -> f64 {
    let raw = (span / count).max(1e-9);
    let power = 10_f64.powf(raw.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= raw * 0.999);
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers() {
        let axis = Axis::percent("", [0.21, 0.93].into_iter());
        let names: Vec<&str> = axis.ticks.iter().map(|it| it.1.as_str()).collect();
        assert_eq!(names, ["20", "40", "60", "80"]);
        let axis = Axis::log("", &[0.0, 500.0, 2e6]);
        let names: Vec<&str> = axis.ticks.iter().map(|it| it.1.as_str()).collect();
        assert_eq!(names, ["0", "1 k", "10 k", "100 k", "1 M"]);
        let axis = Axis::contexts(50);
        assert_eq!(
            axis.ticks.iter().map(|it| it.0).collect::<Vec<_>>(),
            [10.0, 20.0, 30.0, 40.0, 50.0]
        );
        // However long a stream is, or a damaged line says it is.
        let names: Vec<String> = Axis::steps(1 << 60).ticks.into_iter().map(|it| it.1).collect();
        assert_eq!((names.len(), &*names[1]), (6, "200000000000000000"));
        // One value alone, no value, and one that is no number: places all the same.
        for values in [vec![5.0], vec![], vec![f64::NAN], vec![0.0]] {
            let axis = Axis::log("", &values);
            assert!(axis.share(7.0).is_finite() && axis.share(0.0).is_finite());
        }
    }
}
