//! Two views of an image: what they share is what it shows.

use crate::range::at_least_zero;
use cl_core::{Error, Step};
use cl_tensor::Var;

/// How an image is moved and disturbed, at random and anew for every row and step.
///
/// Square images, row by row. Shifts along both axes and angles are uniform; what comes from outside of
/// the image is 0. A rotation is three shears (Paeth 1986, "A fast algorithm for general raster
/// rotation", Graphics Interface, eq. 2), each of which interpolates linearly along one axis; the shifts
/// are part of them.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `shift` | 1/8 | ≥ 0 | the most that an image is shifted, in units of its side; slot `shift` |
/// | `degrees` | 10 | [0, 45] | the most that it is turned, either way; slot `degrees` |
/// | `noise` | 0.1 | ≥ 0 | standard deviation of the normal noise of a pixel; slot `noise` |
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Views {
    /// The most that an image is shifted, in units of its side.
    pub shift: f32,
    /// The most that it is turned, in degrees.
    pub degrees: f32,
    /// Standard deviation of the noise of a pixel.
    pub noise: f32,
}

impl Default for Views {
    fn default() -> Self {
        Self { shift: 0.125, degrees: 10.0, noise: 0.1 }
    }
}

/// How a row is moved, all `[rows]`.
#[derive(Clone, Copy)]
pub(crate) struct Motion<'g> {
    /// To the left, in pixels.
    pub left: Var<'g>,
    /// Upwards, in pixels.
    pub up: Var<'g>,
    /// Angle in radians.
    pub angle: Var<'g>,
}

impl Views {
    /// A view of the step's rows, `[rows, inputs]`; `name` tells views apart.
    ///
    /// Images that are not square are an error at this line when the program is compiled.
    #[track_caller]
    #[must_use]
    pub fn of<'g>(self, step: &Step<'_, 'g>, name: &str) -> Var<'g> {
        let shape = step.x.shape();
        let side = shape[1].isqrt();
        if side * side != shape[1] {
            let message = format!("views: {} values per example are no square image", shape[1]);
            step.graph().refuse(message);
            return step.x;
        }
        let hyper = |name: &str, value| step.scope.hyper(name, value);
        let shift = hyper("shift", self.shift) * side as f32;
        let turn = hyper("degrees", self.degrees) * (std::f32::consts::PI / 180.0);
        // Uniform in [-1, 1).
        let drawn = |what: &str| step.uniform(&format!("{name}, {what}"), &shape[..1]) * 2.0 - 1.0;
        let (left, up) = (shift * drawn("left"), shift * drawn("up"));
        let moved = moved(step.x, side, Motion { left, up, angle: turn * drawn("angle") });
        let noise = step.normal(&format!("{name}, noise"), &shape);
        moved + hyper("noise", self.noise) * noise
    }

    pub(crate) fn check(self, strategy: &'static str) -> Result<(), Error> {
        at_least_zero(strategy, "shift", self.shift)?;
        at_least_zero(strategy, "noise", self.noise)?;
        let (value, expected) = (f64::from(self.degrees), "an angle in [0, 45] degrees");
        let allowed = (0.0..=45.0).contains(&self.degrees);
        crate::range::expect(allowed, strategy, "degrees", value, expected)
    }
}

/// Images `[rows, side · side]`, each moved.
pub(crate) fn moved<'g>(x: Var<'g>, side: usize, motion: Motion<'g>) -> Var<'g> {
    let (graph, rows) = (x.graph(), x.shape()[0]);
    let Motion { left, up, angle: a } = motion;
    // Series that are right to 1e-5 up to 10 degrees and to 2e-3 up to 45.
    let tangent = a / 2.0 + a * a * a / 24.0;
    let sine = a - a * a * a / 6.0;
    let place = graph.iota(side).to_float();
    let from_middle = place - (side as f32 - 1.0) / 2.0;
    let ahead = place - place.column(); // [out, in]
    let near = |distance: Var<'g>| (1.0 - distance.abs()).relu();
    let along_rows = |image: Var<'g>, offset: Var<'g>| {
        let from = near(ahead - offset.reshape(&[rows, side, 1, 1]));
        (from * image.reshape(&[rows, side, 1, side])).sum_axis(3)
    };
    let along_columns = |image: Var<'g>, offset: Var<'g>| {
        let ahead = ahead.reshape(&[side, side, 1]);
        let from = near(ahead - offset.reshape(&[rows, 1, 1, side]));
        (from * image.reshape(&[rows, 1, side, side])).sum_axis(2)
    };
    let shear = |by: Var<'g>| by.column() * from_middle; // [rows, side]
    let image = along_rows(x, shear(-tangent) + left.column());
    let image = along_columns(image, shear(sine) + up.column());
    along_rows(image, shear(-tangent)).reshape(&x.shape())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test's own functions are tests too
mod tests {
    use super::*;
    use cl_tensor::{CpuSession, Feeds, Graph, Host, Outputs, Plan, Session};

    struct Fed<'a>(&'a [f32], [&'a [f32]; 3], Vec<f32>);

    impl Host for Fed<'_> {
        fn feed(&mut self, _: u32, feeds: &mut Feeds<'_>) -> Result<(), cl_tensor::Error> {
            feeds.f32("x", self.0)?;
            let names = ["left", "up", "angle"].into_iter();
            names.zip(self.1).try_for_each(|(name, values)| feeds.f32(name, values))
        }
        fn collect(&mut self, _: u32, outputs: &Outputs<'_>) -> Result<(), cl_tensor::Error> {
            self.2 = outputs.f32("moved")?.to_vec();
            Ok(())
        }
    }

    fn run(x: &[f32], side: usize, motion: [&[f32]; 3]) -> Vec<f32> {
        let rows = motion[0].len();
        let graph = Graph::new();
        let input = |name| graph.input(name, &[rows]);
        let motion_of = Motion { left: input("left"), up: input("up"), angle: input("angle") };
        let images = graph.input("x", &[rows, side * side]);
        graph.output("moved", moved(images, side, motion_of));
        let mut session = CpuSession::new(&[0], 1).unwrap();
        let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
        let mut host = Fed(x, motion, Vec::new());
        session.run(plan, 0..1, &mut [&mut host]).unwrap();
        host.2
    }

    #[test]
    fn shifts_move_pixels_and_interpolate_between_them() {
        // 1 at row 1, column 2 of 3 by 3, in four rows.
        let one = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
        let left = [0.0, 1.0, 0.0, 0.25];
        let up = [0.0, 0.0, 1.0, -0.5];
        let found = run(&one.repeat(4), 3, [&left, &up, &[0.0; 4]]);
        assert_eq!(found[..9], one);
        assert_eq!(found[9..18], [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(found[18..27], [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let want = [0.0, 0.0, 0.0, 0.0, 0.125, 0.375, 0.0, 0.125, 0.375];
        assert_eq!(found[27..], want);
    }

    /// The centre of mass of a blob turns by the angle about the middle of the image.
    #[test]
    fn a_rotation_turns_the_centre_of_mass() {
        let side = 21;
        let middle = 10.0;
        let blob: Vec<f32> = (0..side * side)
            .map(|at| {
                let (y, x) = ((at / side) as f64 - middle, (at % side) as f64 - middle);
                (-((x - 5.0).powi(2) + (y + 2.0).powi(2)) / 3.0).exp() as f32
            })
            .collect();
        let centre = |image: &[f32]| {
            let mass: f64 = image.iter().map(|&v| f64::from(v)).sum();
            let along = |of: fn(usize, usize) -> usize| {
                let terms =
                    image.iter().enumerate().map(|(at, &v)| f64::from(v) * of(at, 21) as f64);
                terms.sum::<f64>() / mass - middle
            };
            [along(|at, side| at % side), along(|at, side| at / side)]
        };
        let before = centre(&blob);
        let angles = [0.15_f32, -0.1];
        let found = run(&blob.repeat(2), side, [&[0.0; 2], &[0.0; 2], &angles]);
        for (image, angle) in found.chunks(side * side).zip(angles) {
            // The image is read at points turned by the angle, so what is in it turns back.
            let (sin, cos) = f64::from(-angle).sin_cos();
            let want = [cos * before[0] - sin * before[1], sin * before[0] + cos * before[1]];
            let got = centre(image);
            for (got, want) in got.iter().zip(want) {
                assert!((got - want).abs() < 0.02, "{got} {want}, angle {angle}");
            }
        }
    }
}
