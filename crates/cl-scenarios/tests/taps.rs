//! Pixel maps against images worked out by hand.

use cl_scenarios::{Taps, Transform};
use proptest::prelude::*;

const IMAGE: [f32; 9] = [
    1.0, 2.0, 3.0, //
    4.0, 5.0, 6.0, //
    7.0, 8.0, 9.0,
];

fn rotated(degrees: f64) -> Vec<f32> {
    Transform::Rotation { degrees }.taps(3, 3).apply(&IMAGE)
}

/// The matrix turned by hand: after a quarter turn counter-clockwise the right column is the top row.
#[test]
fn quarter_turns_move_pixels_exactly() {
    assert_eq!(rotated(0.0), IMAGE);
    assert_eq!(rotated(90.0), [3.0, 6.0, 9.0, 2.0, 5.0, 8.0, 1.0, 4.0, 7.0]);
    assert_eq!(rotated(180.0), [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]);
}

/// At 45 degrees, with s = sqrt(2) and positions (x, y) from the centre, y downwards: the corner
/// (-1, -1) reads (0, -s), outside by s - 1, so it gets 2 - s times the top middle pixel; the top
/// middle (0, -1) reads (1/s, -1/s), between the pixels 2 3 5 6, with a share of 1/s for the right and
/// of 1 - 1/s for the lower ones.
#[test]
fn an_eighth_of_a_turn_mixes_four_neighbours() {
    let s = 2.0_f32.sqrt();
    let image = rotated(45.0);
    let (right, down) = (1.0 / s, 1.0 - 1.0 / s);
    let top = (1.0 - down) * ((1.0 - right) * 2.0 + right * 3.0)
        + down * ((1.0 - right) * 5.0 + right * 6.0);
    assert!((image[0] - (2.0 - s) * 2.0).abs() < 1e-6, "{image:?}");
    assert!((image[1] - top).abs() < 1e-6, "{image:?}");
    assert_eq!(image[4], 5.0);
}

/// Half a turn reverses the pixels.
#[test]
fn images_need_not_be_square() {
    let image: Vec<f32> = (1..=12).map(|pixel| pixel as f32).collect();
    let turned = Transform::Rotation { degrees: 180.0 }.taps(4, 3).apply(&image);
    assert!(turned.iter().eq(image.iter().rev()), "{turned:?}");
}

#[test]
fn padding_surrounds_the_image_with_zeros() {
    let order = (0..25).collect();
    let taps = Transform::Permutation { order, pad: 1 }.taps(3, 3);
    assert_eq!((taps.inputs, taps.features, taps.taps), (9, 25, 1));
    #[rustfmt::skip]
    let expected = [
        0.0, 0.0, 0.0, 0.0, 0.0,
        0.0, 1.0, 2.0, 3.0, 0.0,
        0.0, 4.0, 5.0, 6.0, 0.0,
        0.0, 7.0, 8.0, 9.0, 0.0,
        0.0, 0.0, 0.0, 0.0, 0.0,
    ];
    assert_eq!(taps.apply(&IMAGE), expected);
}

#[test]
fn more_taps_do_not_change_the_map() {
    let narrow = Transform::Permutation { order: (0..9).rev().collect(), pad: 0 }.taps(3, 3);
    let wide = narrow.clone().pad_to(4);
    assert_eq!((wide.taps, wide.index.len(), wide.weight.len()), (4, 36, 36));
    assert_eq!(wide.apply(&IMAGE), narrow.apply(&IMAGE));
    assert_eq!(wide.clone().pad_to(1), wide, "never fewer");
}

/// The formula of [`Taps`], pixel by pixel.
fn by_formula(taps: &Taps, input: &[f32]) -> Vec<f32> {
    let term = |j: usize, k: usize| {
        let at = k * taps.features + j;
        taps.weight[at] * input[taps.index[at] as usize]
    };
    (0..taps.features).map(|j| (0..taps.taps).map(|k| term(j, k)).sum()).collect()
}

proptest! {
    #[test]
    fn a_permutation_uses_every_pixel_once(order in Just((0..12_u32).collect::<Vec<_>>()).prop_shuffle()) {
        let taps = Transform::Permutation { order: order.clone(), pad: 0 }.taps(4, 3);
        let mut used = taps.index.clone();
        used.sort_unstable();
        prop_assert!(used.into_iter().eq(0..12));
        prop_assert_eq!(taps.index, order);
        prop_assert!(taps.weight.iter().all(|&w| w == 1.0));
    }

    #[test]
    fn rotations_stay_inside_the_image_and_never_brighten(
        degrees in -720.0..720.0_f64, width in 1_usize..9, height in 1_usize..9,
    ) {
        let taps = Transform::Rotation { degrees }.taps(width, height);
        let features = width * height;
        prop_assert!(taps.index.iter().all(|&i| (i as usize) < features));
        prop_assert!(taps.weight.iter().all(|w| (0.0..=1.0).contains(w)));
        let white = taps.apply(&vec![1.0; features]);
        prop_assert!(white.iter().all(|&pixel| pixel <= 1.0 + 1e-6));
        let ramp: Vec<f32> = (0..features).map(|pixel| pixel as f32).collect();
        prop_assert_eq!(taps.apply(&ramp), by_formula(&taps, &ramp));
    }
}
