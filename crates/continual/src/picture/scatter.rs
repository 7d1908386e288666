//! Points in a plane of two percentages.

use super::{COLOURS, Drawn, FONT, Picture};
use plotters::coord::Shift;
use plotters::prelude::*;

/// Points in a plane, by group.
#[derive(Clone, Debug, PartialEq)]
pub struct Scatter {
    /// What it shows.
    pub title: String,
    /// What the horizontal axis measures.
    pub x: String,
    /// What the vertical axis measures.
    pub y: String,
    /// Points of one kind each.
    pub groups: Vec<Group>,
}

/// Points of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name in the legend.
    pub name: String,
    /// Its points, in order.
    pub marks: Vec<Mark>,
    /// Whether a line joins them.
    pub line: bool,
}

/// A point with the standard errors of its coordinates; 0 draws none.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Where it lies horizontally.
    pub x: f64,
    /// Where it lies vertically.
    pub y: f64,
    /// Half the length of its horizontal error bar.
    pub x_error: f64,
    /// Half the length of its vertical error bar.
    pub y_error: f64,
    /// What is written beside it.
    pub label: String,
}

impl Scatter {
    /// Where an axis begins: the ten below everything that is drawn, at least 0.
    fn from(&self, end: impl Fn(&Mark) -> f64) -> f64 {
        let lowest =
            self.groups.iter().flat_map(|group| &group.marks).map(end).fold(90.0, f64::min);
        (lowest / 10.0).floor().max(0.0) * 10.0
    }
}

impl Picture for Scatter {
    fn size(&self) -> (u32, u32) {
        (860, 640)
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Drawn<B> {
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, (FONT, 20))
            .margin(14)
            .x_label_area_size(46)
            .y_label_area_size(56)
            .build_cartesian_2d(self.from(|mark| mark.x - mark.x_error)..103.0, {
                self.from(|mark| mark.y - mark.y_error)..103.0
            })?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .label_style((FONT, 14))
            .axis_desc_style((FONT, 16))
            .x_desc(&self.x)
            .y_desc(&self.y)
            .draw()?;
        for (group, colour) in self.groups.iter().zip(COLOURS.iter().cycle()) {
            let places = group.marks.iter().map(|mark| (mark.x, mark.y));
            if group.line {
                chart.draw_series(LineSeries::new(places.clone(), colour.mix(0.5)))?;
            }
            let bar = |ends: [(f64, f64); 2]| PathElement::new(ends.to_vec(), colour.mix(0.5));
            chart.draw_series(group.marks.iter().flat_map(
                |&Mark { x, y, x_error, y_error, .. }| {
                    [
                        bar([(x - x_error, y), (x + x_error, y)]),
                        bar([(x, y - y_error), (x, y + y_error)]),
                    ]
                },
            ))?;
            chart
                .draw_series(places.map(|place| Circle::new(place, 4, colour.filled())))?
                .label(&group.name)
                .legend(move |(x, y)| Circle::new((x + 8, y), 4, colour.filled()));
            chart.draw_series(group.marks.iter().map(|mark| {
                let style = (FONT, 13).into_font().color(colour);
                Text::new(mark.label.clone(), (mark.x + 0.8, mark.y + 2.2), style)
            }))?;
        }
        chart
            .configure_series_labels()
            .label_font((FONT, 15))
            .position(SeriesLabelPosition::LowerLeft)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.3))
            .draw()
    }
}
