//! What a context does to the pixels.

use crate::Taps;

/// A linear map of an image's pixels.
#[derive(Clone, Debug, PartialEq)]
pub enum Transform {
    /// Pixels stay where they are.
    Identity,
    /// Output pixel j is pixel `order[j]` of the image with `pad` zero pixels added at each side.
    Permutation {
        /// A permutation of the padded image's pixels, `[(height + 2 pad) * (width + 2 pad)]`.
        order: Vec<u32>,
        /// Zero pixels at each side.
        pad: usize,
    },
    /// The image turned counter-clockwise about its centre, bilinear, black outside.
    Rotation {
        /// The angle.
        degrees: f64,
    },
}

impl Transform {
    /// The map as sums of weighted input pixels, for images of `height` rows of `width` pixels.
    ///
    /// # Panics
    /// If a permutation does not have the padded image's length.
    #[must_use]
    pub fn taps(&self, width: usize, height: usize) -> Taps {
        let features = width * height;
        match self {
            Self::Identity => Taps {
                inputs: features,
                features,
                taps: 1,
                index: (0..features as u32).collect(),
                weight: vec![1.0; features],
            },
            Self::Permutation { order, pad } => permutation(order, *pad, width, height),
            Self::Rotation { degrees } => rotation(*degrees, width, height),
        }
    }
}

fn permutation(order: &[u32], pad: usize, width: usize, height: usize) -> Taps {
    let (wide, high) = (width + 2 * pad, height + 2 * pad);
    assert_eq!(order.len(), wide * high, "Transform::taps: a permutation of {high}x{wide} pixels");
    let (index, weight) = order
        .iter()
        .map(|&source| {
            let (row, column) = (source as usize / wide, source as usize % wide);
            let inside = row.wrapping_sub(pad) < height && column.wrapping_sub(pad) < width;
            // A pixel of the border reads any pixel with weight 0.
            if inside { (((row - pad) * width + column - pad) as u32, 1.0) } else { (0, 0.0) }
        })
        .unzip();
    Taps { inputs: width * height, features: wide * high, taps: 1, index, weight }
}

/// Output pixel (x, y), relative to the centre with y downwards, reads the input at
/// (x cos a - y sin a, x sin a + y cos a): the inverse rotation.
fn rotation(degrees: f64, width: usize, height: usize) -> Taps {
    let features = width * height;
    let (sin, cos) = degrees.to_radians().sin_cos();
    let centre = [(width as f64 - 1.0) / 2.0, (height as f64 - 1.0) / 2.0];
    let mut index = vec![0; 4 * features];
    let mut weight = vec![0.0; 4 * features];
    for j in 0..features {
        let (x, y) = ((j % width) as f64 - centre[0], (j / width) as f64 - centre[1]);
        let (column, column_part) = whole_and_part(x * cos - y * sin + centre[0]);
        let (row, row_part) = whole_and_part(x * sin + y * cos + centre[1]);
        for k in 0..4 {
            let (down, right) = (k / 2, k % 2);
            let (row, column) = (row + down as i64, column + right as i64);
            if (0..height as i64).contains(&row) && (0..width as i64).contains(&column) {
                let share = |step: usize, part: f64| if step == 1 { part } else { 1.0 - part };
                index[k * features + j] = (row * width as i64 + column) as u32;
                weight[k * features + j] =
                    (share(down, row_part) * share(right, column_part)) as f32;
            }
        }
    }
    Taps { inputs: features, features, taps: 4, index, weight }
}

/// The pixel at or before `position` and the share of the next one.
fn whole_and_part(position: f64) -> (i64, f64) {
    // The cosine of 90 degrees is 6e-17, not 0: quarter turns should move pixels exactly.
    let nearest = position.round();
    let position = if (position - nearest).abs() < 1e-9 { nearest } else { position };
    (position.floor() as i64, position - position.floor())
}
