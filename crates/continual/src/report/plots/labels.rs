//! Names beside what they name, where there is room.

use super::super::escape::html;

/// Width of a letter of a label.
const LETTER: f64 = 6.4;
const LINE: f64 = 13.0;

/// A rectangle: left, top, right, bottom.
type Area = [f64; 4];

/// Places that are taken.
pub(super) struct Labels {
    taken: Vec<Area>,
    within: Area,
}

impl Labels {
    pub(super) fn new(within: Area, points: &[(f64, f64)]) -> Self {
        let taken = points.iter().map(|&(x, y)| [x - 4.0, y - 4.0, x + 4.0, y + 4.0]).collect();
        Self { taken, within }
    }

    /// The name of a point: to its right, its left, above or below it. Nothing where there is no room.
    pub(super) fn beside(&mut self, x: f64, y: f64, name: &str) -> String {
        let name = shortened(name, 22);
        let width = LETTER * name.chars().count() as f64;
        let places = [
            (x + 8.0, y + 4.0, "start"),
            (x - 8.0, y + 4.0, "end"),
            (x, y - 9.0, "middle"),
            (x, y + 18.0, "middle"),
            (x + 7.0, y - 6.0, "start"),
            (x + 7.0, y + 14.0, "start"),
            (x - 7.0, y - 6.0, "end"),
            (x - 7.0, y + 14.0, "end"),
        ];
        for (x, y, anchor) in places {
            let left = match anchor {
                "start" => x,
                "end" => x - width,
                _ => x - width / 2.0,
            };
            let area = [left, y - 10.0, left + width, y + 2.0];
            let [l, t, r, b] = self.within;
            let is_inside = area[0] >= l && area[1] >= t && area[2] <= r && area[3] <= b;
            if is_inside && !self.taken.iter().any(|other| overlap(&area, other)) {
                self.taken.push(area);
                return format!(
                    "<text class=\"l\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
                    html(&name)
                );
            }
        }
        String::new()
    }
}

fn overlap(a: &Area, b: &Area) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

/// The name with its middle left out where it is longer.
pub(super) fn shortened(name: &str, most: usize) -> String {
    let count = name.chars().count();
    if count <= most {
        return name.to_owned();
    }
    let (head, tail) = (most * 2 / 3, most - most * 2 / 3 - 1);
    let head: String = name.chars().take(head).collect();
    let tail: String = name.chars().skip(count - tail).collect();
    format!("{head}…{tail}")
}

/// Places for names in a column: each as near as can be to where it should be, none on another.
pub(super) fn column(wanted: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    let gap = LINE.min((bottom - top) / wanted.len().max(1) as f64);
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
    let mut places = wanted.to_vec();
    let mut free = top;
    for &at in &order {
        places[at] = places[at].max(free);
        free = places[at] + gap;
    }
    let mut free = bottom;
    for &at in order.iter().rev() {
        places[at] = places[at].min(free);
        free = places[at] - gap;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_column_keep_their_order_and_a_distance() {
        let places = column(&[50.0, 49.0, 10.0, 51.0], 0.0, 60.0);
        assert_eq!(places, [47.0, 34.0, 10.0, 60.0]);
        let many = column(&[5.0; 40], 0.0, 100.0);
        assert!(many.iter().all(|place| (0.0..=100.0).contains(place)));
    }

    #[test]
    fn a_name_without_room_is_left_out_and_a_long_one_shortened() {
        let mut labels = Labels::new([0.0, 0.0, 100.0, 30.0], &[(50.0, 15.0)]);
        assert!(labels.beside(50.0, 15.0, "ewc").contains("start"));
        assert_eq!(labels.beside(50.0, 15.0, "a name that is long"), "");
        assert_eq!(shortened("xdg+ewc lambda=100000", 10), "xdg+ew…000");
    }
}
