//! Which row has which colour, in all plots of a report the same.

use super::super::Board;
use super::super::escape::html;
use std::collections::BTreeMap;

/// Colours of the style, `c0` and so on; and the shapes that go with one round of them.
const COLOURS: usize = 8;
const SHAPES: usize = 4;

/// Rows by their labels.
pub(in super::super) struct Inks {
    /// The number of a label, and its class.
    of: BTreeMap<String, (usize, String, usize)>,
}

impl Inks {
    /// The best of the first board come first; baselines are grey.
    pub(in super::super) fn of(boards: &[Board]) -> Self {
        let mut of = BTreeMap::new();
        let (mut coloured, mut grey) = (0, 0);
        for row in boards.iter().flat_map(|board| &board.rows) {
            let number = of.len();
            of.entry(row.label.clone()).or_insert_with(|| {
                let count = if row.is_baseline { &mut grey } else { &mut coloured };
                *count += 1;
                match row.is_baseline {
                    true => (number, "b".to_owned(), (*count - 1) % SHAPES),
                    false => {
                        let at = *count - 1;
                        (number, format!("c{}", at % COLOURS), at / COLOURS % SHAPES)
                    }
                }
            });
        }
        Self { of }
    }

    /// The number of a row in the page.
    pub(in super::super) fn number(&self, label: &str) -> usize {
        self.of.get(label).map_or(0, |it| it.0)
    }

    /// The class of a row's colour.
    pub(in super::super) fn class(&self, label: &str) -> String {
        self.of.get(label).map_or_else(String::new, |it| format!("s {}", it.1))
    }

    /// Opens the group of a row, with its name as a tooltip.
    pub(super) fn open(&self, label: &str, told: &str) -> String {
        let (number, class, shape) = self.of.get(label).cloned().unwrap_or_default();
        format!("<g class=\"s {class} d{shape}\" data-s=\"{number}\"><title>{}</title>", html(told))
    }

    /// The mark of a row, around a point.
    pub(super) fn mark(&self, label: &str, x: f64, y: f64) -> String {
        mark(self.of.get(label).map_or(0, |it| it.2), x, y)
    }

    /// The colour of a row beside its name.
    pub(in super::super) fn swatch(&self, label: &str) -> String {
        let (_, class, shape) = self.of.get(label).cloned().unwrap_or_default();
        let mark = mark(shape, 6.0, 6.0);
        format!(
            "<svg class=\"swatch s {class}\" viewBox=\"0 0 12 12\" aria-hidden=\"true\">{mark}</svg>"
        )
    }
}

fn mark(shape: usize, x: f64, y: f64) -> String {
    let path = |text: String| format!("<path class=\"m\" d=\"{text}\"/>");
    match shape {
        0 => format!("<circle class=\"m\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>"),
        1 => path(format!("M{:.1} {:.1}h7v7h-7z", x - 3.5, y - 3.5)),
        2 => path(format!("M{x:.1} {:.1}l4.6 8h-9.2z", y - 5.0)),
        _ => path(format!("M{x:.1} {:.1}l4.8 4.8l-4.8 4.8l-4.8 -4.8z", y - 4.8)),
    }
}
