//! Pictures, each as SVG and as PNG, with a font of their own: a machine without any draws the same.

mod curves;
mod gallery;
mod matrix;
mod planes;
mod scatter;

pub use curves::{Curve, Curves, Place};
pub use gallery::Gallery;
pub use matrix::Matrix;
pub use planes::{Plane, Planes};
pub use scatter::{Group, Mark, Scatter};

use crate::Error;
use plotters::coord::Shift;
use plotters::prelude::{
    BitMapBackend, DrawingArea, DrawingAreaErrorKind, DrawingBackend, IntoDrawingArea, RGBColor,
    SVGBackend, WHITE,
};
use plotters::style::{FontStyle, register_font};
use std::path::{Path, PathBuf};

/// What can be drawn.
///
/// ```
/// use continual::picture::{Drawn, Picture, draw};
/// use plotters::coord::Shift;
/// use plotters::prelude::{Color, DrawingArea, DrawingBackend, RED, Rectangle};
///
/// // A red square.
/// struct Square;
///
/// impl Picture for Square {
///     fn size(&self) -> (u32, u32) {
///         (20, 20)
///     }
///     fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Drawn<B> {
///         area.draw(&Rectangle::new([(5, 5), (15, 15)], RED.filled()))
///     }
/// }
///
/// let folder = tempfile::tempdir()?;
/// let [svg, _png] = draw(&Square, &folder.path().join("square"))?;
/// assert!(std::fs::read_to_string(svg)?.contains("#FF0000"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Picture {
    /// Its width and height in pixels.
    fn size(&self) -> (u32, u32);

    /// Draws it.
    ///
    /// # Errors
    /// What the backend refuses.
    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Drawn<B>;
}

/// What drawing on a backend returns.
pub type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// The one font.
const FONT: &str = "sans-serif";

/// Colours that people with any colour vision tell apart (Okabe & Ito 2008).
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

/// Draws a picture as `STEM.svg` and `STEM.png`; earlier files of these names are replaced when the new
/// ones are whole.
///
/// # Errors
/// [`Error::Picture`]: a folder that cannot be written.
pub fn draw(picture: &impl Picture, stem: &Path) -> Result<[PathBuf; 2], Error> {
    // Registered again, it is the same font.
    let _ = register_font(FONT, FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT);
    let named = |ending: &str| {
        let mut name = stem.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let (svg, png) = (named(".svg"), named(".png"));
    replace(&svg, |path| painted(picture, SVGBackend::new(path, picture.size())))?;
    replace(&png, |path| painted(picture, BitMapBackend::new(path, picture.size())))?;
    Ok([svg, png])
}

/// Draws a picture of many pixels as one PNG.
///
/// # Errors
/// As [`draw`].
pub fn draw_png(picture: &impl Picture, path: &Path) -> Result<(), Error> {
    let _ = register_font(FONT, FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT);
    replace(path, |path| painted(picture, BitMapBackend::new(path, picture.size())))
}

fn painted<B: DrawingBackend>(picture: &impl Picture, backend: B) -> Result<(), String> {
    let area = backend.into_drawing_area();
    let drawn = area.fill(&WHITE).and_then(|()| picture.draw(&area)).and_then(|()| area.present());
    drawn.map_err(|error| error.to_string())
}

/// Draws under a name that keeps the ending, by which the encoder goes, and renames.
fn replace(path: &Path, paint: impl Fn(&Path) -> Result<(), String>) -> Result<(), Error> {
    let refused = |problem: String| Error::Picture { path: path.to_owned(), problem };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = path.with_file_name(format!(".partial-{}-{name}", std::process::id()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| refused(error.to_string()))?;
    }
    let painted = paint(&partial).map_err(&refused).and_then(|()| {
        cl_core::rename_durably(&partial, path).map_err(|error| refused(error.to_string()))
    });
    if painted.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    painted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scatter() -> Scatter {
        let mark = Mark { x: 90.0, y: 20.0, x_error: 1.0, y_error: 2.0, label: "1e3".to_owned() };
        Scatter {
            title: "old against new".to_owned(),
            x: "new, %".to_owned(),
            y: "old, %".to_owned(),
            groups: vec![Group {
                name: "ewc".to_owned(),
                marks: vec![mark.clone(), mark],
                line: true,
            }],
        }
    }

    #[test]
    fn a_picture_is_one_file_of_each_kind_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let paths = draw(&scatter(), &folder.path().join("a/picture")).unwrap();
        let svg = std::fs::read_to_string(&paths[0]).unwrap();
        for text in ["old against new", "new, %", "ewc", "1e3"] {
            assert!(svg.contains(text), "{text}");
        }
        let png = std::fs::read(&paths[1]).unwrap();
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!(std::fs::read_dir(folder.path().join("a")).unwrap().count(), 2);
    }

    #[test]
    fn a_folder_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("taken"), "").unwrap();
        let error = draw(&scatter(), &folder.path().join("taken/picture")).unwrap_err().to_string();
        assert!(error.contains("picture.svg: the picture cannot be drawn"), "{error}");
    }
}
