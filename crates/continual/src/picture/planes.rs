//! Decision boundaries in the plane.

use super::{COLOURS, Drawn, FONT, Picture};
use plotters::coord::Shift;
use plotters::prelude::*;

/// Planes beside and below each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Planes {
    /// What all of them show.
    pub title: String,
    /// Rows of equally many planes.
    pub rows: Vec<Vec<Plane>>,
}

/// The unit square, coloured by the probability of the second class, with points of both.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// What it shows.
    pub title: String,
    /// p(second class) on a square grid, row by row from the bottom.
    pub field: Vec<Vec<f64>>,
    /// Points (x, y, class 0 or 1, whether they belong to the present context).
    pub points: Vec<(f64, f64, usize, bool)>,
}

/// Pixels of a plane.
const SIDE: u32 = 300;

impl Picture for Planes {
    fn size(&self) -> (u32, u32) {
        let columns = self.rows.first().map_or(1, Vec::len) as u32;
        (SIDE * columns, SIDE * self.rows.len() as u32 + 40)
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Drawn<B> {
        let area = area.titled(&self.title, (FONT, 20))?;
        let columns = self.rows.first().map_or(1, Vec::len);
        let parts = area.split_evenly((self.rows.len(), columns));
        self.rows.iter().flatten().zip(&parts).try_for_each(|(plane, part)| plane.draw(part))
    }
}

impl Plane {
    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Drawn<B> {
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, (FONT, 15))
            .margin(10)
            .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
        let cell = 1.0 / self.field.len().max(1) as f64;
        let cells = self.field.iter().enumerate().flat_map(|(row, values)| {
            values.iter().enumerate().map(move |(column, &p)| {
                let (x, y) = (column as f64 * cell, row as f64 * cell);
                Rectangle::new([(x, y), (x + cell, y + cell)], between(p).filled())
            })
        });
        chart.draw_series(cells)?;
        chart.draw_series(
            boundary(&self.field)
                .into_iter()
                .map(|ends| PathElement::new(ends.to_vec(), BLACK.stroke_width(2))),
        )?;
        chart.draw_series(self.points.iter().map(|&(x, y, class, is_present)| {
            let colour = COLOURS[class % COLOURS.len()];
            let style = if is_present { colour.filled() } else { colour.stroke_width(1) };
            Circle::new((x, y), 3, style)
        }))?;
        Ok(())
    }
}

/// The colour of the first class at 0, of the second at 1, pale.
fn between(p: f64) -> RGBColor {
    let mix = |pick: fn(&RGBColor) -> u8| {
        let pure = f64::from(pick(&COLOURS[0])) * (1.0 - p) + f64::from(pick(&COLOURS[1])) * p;
        (255.0 - 0.35 * (255.0 - pure)).round().clamp(0.0, 255.0) as u8
    };
    RGBColor(mix(|c| c.0), mix(|c| c.1), mix(|c| c.2))
}

/// Borders between cells on either side of 1/2.
fn boundary(field: &[Vec<f64>]) -> Vec<[(f64, f64); 2]> {
    let cell = 1.0 / field.len().max(1) as f64;
    let mut edges = Vec::new();
    for (row, values) in field.iter().enumerate() {
        for (column, &p) in values.iter().enumerate() {
            let (x, y) = (column as f64 * cell, row as f64 * cell);
            let differs = |other: Option<&f64>| other.is_some_and(|q| (p > 0.5) != (*q > 0.5));
            if differs(values.get(column + 1)) {
                edges.push([(x + cell, y), (x + cell, y + cell)]);
            }
            if differs(field.get(row + 1).and_then(|above| above.get(column))) {
                edges.push([(x, y + cell), (x + cell, y + cell)]);
            }
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_runs_between_cells_on_either_side_of_one_half() {
        // Second column on the other side, in both rows; nothing between the rows.
        let edges = boundary(&[vec![0.1, 0.9], vec![0.2, 0.8]]);
        assert_eq!(edges, [[(0.5, 0.0), (0.5, 0.5)], [(0.5, 0.5), (0.5, 1.0)]]);
        assert!(boundary(&[vec![0.1, 0.2], vec![0.3, 0.4]]).is_empty());
    }

    #[test]
    fn a_plane_is_coloured_by_its_likelier_class() {
        let (first, second) = (between(0.0), between(1.0));
        assert!(first.2 > first.0 && second.0 > second.2);
        let even = between(0.5);
        assert!(even.0 > first.0 && even.0 < second.0);
    }
}
