//! One number of every row against another.

use super::super::escape::csv;
use super::super::numbers::percent;
use super::frame::{Axis, Frame};
use super::inks::Inks;
use super::labels::Labels;

/// A row in the plane.
pub(in super::super) struct Point<'r> {
    pub label: &'r str,
    pub x: f64,
    pub y: f64,
    /// Ends of the 95 % intervals, where they are known.
    pub x_ends: Option<(f64, f64)>,
    pub y_ends: Option<(f64, f64)>,
}

/// What is drawn.
pub(in super::super) struct Scatter<'r> {
    pub x: &'r str,
    pub y: &'r str,
    /// Whether x is a cost on a logarithmic axis, with what nobody beats at less of it joined; otherwise it
    /// is a fraction.
    pub is_cost: bool,
    pub points: Vec<Point<'r>>,
}

impl Scatter<'_> {
    /// The plot, and its values as CSV.
    pub(in super::super) fn draw(&self, inks: &Inks, told: &str) -> (String, String) {
        let frame = Frame::new(350.0, 16.0);
        let xs: Vec<f64> = self.points.iter().map(|point| point.x).collect();
        let x = match self.is_cost {
            true => Axis::log(self.x, &xs),
            false => Axis::percent(self.x, xs.iter().copied()),
        };
        let y = Axis::percent(self.y, self.points.iter().map(|point| point.y));
        let place = |point: &Point<'_>| (frame.x(&x, point.x), frame.y(&y, point.y));
        let places: Vec<(f64, f64)> = self.points.iter().map(place).collect();
        let mut text = frame.open(told) + &frame.axes(&x, &y);
        if self.is_cost {
            text += &self.frontier(&places);
        }
        let within = [frame.left, frame.top - 8.0, frame.width, frame.bottom + 2.0];
        let mut labels = Labels::new(within, &places);
        let mut data = format!("strategy,{},{}\n", csv(self.x), csv(self.y));
        for (point, &(px, py)) in self.points.iter().zip(&places) {
            let (right, up) = match self.is_cost {
                true => (super::super::numbers::short(point.x), percent(point.y)),
                false => (percent(point.x), percent(point.y)),
            };
            text += &inks.open(
                point.label,
                &format!("{}: {} {right}, {} {up}", point.label, self.x, self.y),
            );
            let clip = |value: f64, low: f64, high: f64| value.clamp(low, high);
            if let (Some((low, high)), false) = (point.x_ends, self.is_cost) {
                let end = |value| clip(frame.x(&x, value), frame.left, frame.right);
                text +=
                    &format!("<path class=\"w\" d=\"M{:.1} {py:.1}H{:.1}\"/>", end(low), end(high));
            }
            if let Some((low, high)) = point.y_ends {
                let end = |value| clip(frame.y(&y, value), frame.top, frame.bottom);
                text +=
                    &format!("<path class=\"w\" d=\"M{px:.1} {:.1}V{:.1}\"/>", end(low), end(high));
            }
            text += &inks.mark(point.label, px, py);
            text += &labels.beside(px, py, point.label);
            text += "</g>";
            data += &format!("{},{},{}\n", csv(point.label), point.x, point.y);
        }
        (text + "</svg>", data)
    }

    /// A step for every row that is better than all that cost at most as much.
    fn frontier(&self, places: &[(f64, f64)]) -> String {
        let mut order: Vec<usize> = (0..self.points.len()).collect();
        let key = |at: usize| (self.points[at].x, -self.points[at].y);
        order.sort_by(|&a, &b| key(a).0.total_cmp(&key(b).0).then(key(a).1.total_cmp(&key(b).1)));
        let (mut best, mut path) = (f64::NEG_INFINITY, String::new());
        for at in order {
            if self.points[at].y > best {
                best = self.points[at].y;
                let (x, y) = places[at];
                path += &match path.is_empty() {
                    true => format!("M{x:.1} {y:.1}"),
                    false => format!("H{x:.1}V{y:.1}"),
                };
            }
        }
        format!("<path class=\"front\" d=\"{path}\"/>")
    }
}
