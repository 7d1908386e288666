//! Small grey images in rows.

use super::{Drawn, FONT, Picture};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Rows of grey images, all of one size.
#[derive(Clone, Debug, PartialEq)]
pub struct Gallery {
    /// What it shows.
    pub title: String,
    /// Columns of pixels of an image.
    pub width: usize,
    /// The name of each row and its images: pixels in [0, 1], row by row; what is no number is shown
    /// in colour.
    pub rows: Vec<(String, Vec<Vec<f32>>)>,
}

/// Pixels of the names beside the images, of the title above them, and between images.
const NAMES: i32 = 110;
const TITLE: i32 = 44;
const GAP: i32 = 6;
/// An image is drawn at least so wide.
const WIDTH: usize = 56;

impl Gallery {
    /// Pixels drawn for one pixel.
    fn scale(&self) -> i32 {
        WIDTH.div_ceil(self.width.max(1)) as i32
    }

    /// Width and height of one image, drawn.
    fn extent(&self) -> (i32, i32) {
        let pixels = self.rows.iter().flat_map(|(_, images)| images).map(Vec::len).max();
        let height = pixels.unwrap_or(0).div_ceil(self.width.max(1));
        (self.scale() * self.width as i32, self.scale() * height as i32)
    }
}

impl Picture for Gallery {
    fn size(&self) -> (u32, u32) {
        let (width, height) = self.extent();
        let columns = self.rows.iter().map(|(_, images)| images.len()).max().unwrap_or(0) as i32;
        // A title needs room, however few images there are.
        let across = (NAMES + columns * (width + GAP)).max(460);
        (across as u32, (TITLE + self.rows.len() as i32 * (height + GAP) + GAP) as u32)
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Drawn<B> {
        let text = |size: i32| (FONT, size).into_font().color(&BLACK);
        area.draw(&Text::new(self.title.clone(), (14, 12), text(18)))?;
        let ((width, height), scale) = (self.extent(), self.scale());
        for (row, (name, images)) in self.rows.iter().enumerate() {
            let top = TITLE + row as i32 * (height + GAP);
            let beside = text(14).pos(Pos::new(HPos::Right, VPos::Center));
            area.draw(&Text::new(name.clone(), (NAMES - 10, top + height / 2), beside))?;
            for (column, image) in images.iter().enumerate() {
                let left = NAMES + column as i32 * (width + GAP);
                for (at, &value) in image.iter().enumerate() {
                    let x = left + scale * (at % self.width) as i32;
                    let y = top + scale * (at / self.width) as i32;
                    let pixel = [(x, y), (x + scale, y + scale)];
                    area.draw(&Rectangle::new(pixel, grey(value).filled()))?;
                }
            }
        }
        Ok(())
    }
}

/// Black at 0, white at 1.
fn grey(value: f32) -> RGBColor {
    if value.is_nan() {
        return RGBColor(213, 94, 0);
    }
    let grey = (255.0 * value.clamp(0.0, 1.0)).round() as u8;
    RGBColor(grey, grey, grey)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_lie_where_their_row_and_column_say() {
        let gallery = Gallery {
            title: "two images".to_owned(),
            width: 2,
            rows: vec![("one".to_owned(), vec![vec![0.0, 1.0, 0.5, 0.25], vec![f32::NAN; 4]])],
        };
        // 56 / 2 = 28 pixels drawn for one.
        assert_eq!(gallery.extent(), (56, 56));
        let (width, height) = gallery.size();
        let font = epaint_default_fonts::UBUNTU_LIGHT;
        let _ = plotters::style::register_font(FONT, plotters::style::FontStyle::Normal, font);
        let mut bytes = vec![0; 3 * width as usize * height as usize];
        {
            let area = BitMapBackend::with_buffer(&mut bytes, (width, height)).into_drawing_area();
            area.fill(&WHITE).unwrap();
            gallery.draw(&area).unwrap();
            area.present().unwrap();
        }
        let at = |x: i32, y: i32| {
            let at = 3 * (y as usize * width as usize + x as usize);
            (bytes[at], bytes[at + 1], bytes[at + 2])
        };
        let of = |x: i32, y: i32| at(NAMES + x, TITLE + y);
        assert_eq!(of(14, 14), (0, 0, 0));
        assert_eq!(of(42, 14), (255, 255, 255));
        assert_eq!(of(14, 42), (128, 128, 128));
        assert_eq!(of(42, 42), (64, 64, 64));
        assert_eq!(of(56 + GAP + 14, 14), (213, 94, 0));
    }
}
