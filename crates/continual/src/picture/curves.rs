//! Percentages over a logarithmic scale.

use super::{COLOURS, Drawn, FONT, Picture};
use plotters::coord::Shift;
use plotters::prelude::*;

/// Percentages over a quantity that spans powers of ten, by curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// What it shows.
    pub title: String,
    /// What the horizontal axis measures.
    pub x: String,
    /// What the vertical axis measures.
    pub y: String,
    /// The curves.
    pub curves: Vec<Curve>,
}

/// Points that a line joins; one alone stands for what has no choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Its name, written beside its last point.
    pub name: String,
    /// Its points by ascending x.
    pub places: Vec<Place>,
    /// Whether the others are compared with it: a dashed level over the whole width, with a ring where it
    /// lies.
    pub is_baseline: bool,
}

/// A point with the standard error of its percentage; 0 draws none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Where it lies horizontally; 0 is drawn at the left end.
    pub x: f64,
    /// Percent.
    pub y: f64,
    /// Half the length of its error bar.
    pub error: f64,
}

impl Curves {
    /// The ends of the horizontal axis: the powers of ten around what is drawn, with room for names.
    fn ends(&self) -> (f64, f64) {
        let places = self.curves.iter().flat_map(|curve| &curve.places).map(|place| place.x);
        let (least, most) = places
            .filter(|&x| x > 0.0)
            .fold((f64::INFINITY, 0.0_f64), |(least, most), x| (least.min(x), most.max(x)));
        if most == 0.0 {
            return (1.0, 10.0);
        }
        (10_f64.powf(least.log10().floor()), 4.0 * most)
    }
}

impl Picture for Curves {
    fn size(&self) -> (u32, u32) {
        (980, 680)
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Drawn<B> {
        let (left, right) = self.ends();
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, (FONT, 20))
            .margin(14)
            .x_label_area_size(46)
            .y_label_area_size(56)
            .build_cartesian_2d((left..right).log_scale(), 0.0..103.0)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .label_style((FONT, 14))
            .axis_desc_style((FONT, 16))
            .x_label_formatter(&|x| format!("1e{:.0}", x.log10()))
            .x_desc(&self.x)
            .y_desc(&self.y)
            .draw()?;
        for (curve, colour) in self.curves.iter().zip(COLOURS.iter().cycle()) {
            let at = |place: &Place| (place.x.max(left), place.y);
            let name = |x: f64, y: f64| {
                let style = (FONT, 13).into_font().color(colour);
                Text::new(curve.name.clone(), (x, y), style)
            };
            if curve.is_baseline {
                for place in &curve.places {
                    let level = [(left, place.y), (right, place.y)];
                    chart.draw_series(DashedLineSeries::new(level, 6, 5, BLACK.mix(0.5).into()))?;
                    chart.draw_series([name(left * 1.05, place.y + 2.4)])?;
                    chart.draw_series([Circle::new(at(place), 5, colour)])?;
                }
                continue;
            }
            chart.draw_series(LineSeries::new(curve.places.iter().map(at), colour.mix(0.6)))?;
            chart.draw_series(curve.places.iter().map(|place| {
                let (x, y) = at(place);
                let ends = vec![(x, y - place.error), (x, y + place.error)];
                PathElement::new(ends, colour.mix(0.6))
            }))?;
            let points =
                curve.places.iter().map(|place| Circle::new(at(place), 4, colour.filled()));
            chart.draw_series(points)?;
            if let Some((x, y)) = curve.places.last().map(at) {
                chart.draw_series([name(x * 1.06, y + 1.2)])?;
            }
        }
        Ok(())
    }
}
