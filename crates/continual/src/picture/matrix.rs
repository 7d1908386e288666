//! A table of numbers as colours.

use super::{Drawn, FONT, Picture};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// A square table of numbers in [0, 1], each a coloured cell with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// What it shows.
    pub title: String,
    /// The names of rows and columns.
    pub names: Vec<String>,
    /// The numbers, row by row; where there is none the cell stays empty.
    pub values: Vec<Vec<Option<f64>>>,
}

/// Pixels of a cell, of the names beside it and of the title above it.
const CELL: i32 = 58;
const NAMES: i32 = 90;
const TITLE: i32 = 64;

impl Picture for Matrix {
    fn size(&self) -> (u32, u32) {
        let cells = CELL * self.names.len() as i32;
        // A title needs room, however few cells there are.
        ((NAMES + cells + 20).max(460) as u32, (TITLE + cells + 20) as u32)
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Drawn<B> {
        let centred = Pos::new(HPos::Center, VPos::Center);
        let text = |size: i32, colour: RGBColor| (FONT, size).into_font().color(&colour);
        area.draw(&Text::new(self.title.clone(), (14, 12), text(18, BLACK)))?;
        for (row, values) in self.values.iter().enumerate() {
            let y = TITLE + CELL * row as i32;
            let middle = y + CELL / 2;
            let beside = text(14, BLACK).pos(Pos::new(HPos::Right, VPos::Center));
            area.draw(&Text::new(self.names[row].clone(), (NAMES - 8, middle), beside))?;
            let x = NAMES + CELL * row as i32 + CELL / 2;
            let above = text(14, BLACK).pos(centred);
            area.draw(&Text::new(self.names[row].clone(), (x, TITLE - 12), above))?;
            for (column, value) in values.iter().enumerate() {
                let Some(value) = *value else { continue };
                let x = NAMES + CELL * column as i32;
                let colour = shade(value);
                let cell = [(x + 1, y + 1), (x + CELL - 1, y + CELL - 1)];
                area.draw(&Rectangle::new(cell, colour.filled()))?;
                let ink = if value > 0.55 { WHITE } else { BLACK };
                let number = Text::new(
                    format!("{value:.2}"),
                    (x + CELL / 2, middle),
                    text(14, ink).pos(centred),
                );
                area.draw(&number)?;
            }
        }
        Ok(())
    }
}

/// White at 0, dark blue at 1.
fn shade(value: f64) -> RGBColor {
    let mix = |low: f64, high: f64| (low + (high - low) * value.clamp(0.0, 1.0)).round() as u8;
    RGBColor(mix(250.0, 8.0), mix(252.0, 69.0), mix(255.0, 148.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_number_is_written() {
        let matrix = Matrix {
            title: "overlap".to_owned(),
            names: vec!["0 deg".to_owned(), "36 deg".to_owned()],
            values: vec![vec![Some(1.0), Some(0.25)], vec![Some(0.25), None]],
        };
        let folder = tempfile::tempdir().unwrap();
        let paths = crate::picture::draw(&matrix, &folder.path().join("m")).unwrap();
        let svg = std::fs::read_to_string(&paths[0]).unwrap();
        assert_eq!(svg.matches("0.25").count(), 2);
        assert_eq!(svg.matches("36 deg").count(), 2);
        assert!(svg.contains("1.00") && svg.contains("overlap"));
    }
}
