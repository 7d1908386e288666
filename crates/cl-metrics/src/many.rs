//! Many comparisons at once.

/// p-values adjusted for their number (Holm 1979), in the order given: the k-th smallest of m is multiplied
/// by m - k + 1, and none is below a smaller one. Whoever takes those of at most alpha as different is wrong
/// anywhere with a probability of at most alpha.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let (mut adjusted, mut largest) = (vec![1.0; p.len()], 0.0_f64);
    for (step, &at) in order.iter().enumerate() {
        largest = largest.max((p.len() - step) as f64 * p[at]).min(1.0);
        adjusted[at] = largest;
    }
    adjusted
}

/// More groups than these tell nobody anything.
const MOST_GROUPS: usize = 100;

/// The compact letter display (Piepho 2004) of `count` items in their order: two items share a letter
/// exactly if they do not differ. The first letters go to the first items. `None` if it takes more than 100
/// letters.
#[must_use]
pub fn letters(count: usize, differ: impl Fn(usize, usize) -> bool) -> Option<Vec<String>> {
    let mut groups = vec![vec![true; count]];
    for first in 0..count {
        for second in first + 1..count {
            if !differ(first, second) {
                continue;
            }
            let (both, mut kept): (Vec<_>, Vec<_>) =
                groups.into_iter().partition(|group| group[first] && group[second]);
            let halves = both.into_iter().flat_map(|group| {
                [first, second].map(|left_out| {
                    let mut half = group.clone();
                    half[left_out] = false;
                    half
                })
            });
            for half in halves {
                if !kept.iter().any(|group| is_within(&half, group)) {
                    kept.push(half);
                }
            }
            groups = kept;
            if groups.len() > MOST_GROUPS {
                return None;
            }
        }
    }
    // A group with an earlier item comes first: true before false.
    groups.sort_by(|a, b| b.cmp(a));
    let of = |item: usize| {
        let own = groups.iter().enumerate().filter(|(_, group)| group[item]);
        own.map(|(at, _)| letter(at)).collect()
    };
    Some((0..count).map(of).collect())
}

fn is_within(small: &[bool], large: &[bool]) -> bool {
    small.iter().zip(large).all(|(small, large)| !small || *large)
}

/// a .. z, then a1 .. z1 and so on.
fn letter(at: usize) -> String {
    let name = char::from(b'a' + (at % 26) as u8);
    if at < 26 { name.to_string() } else { format!("{name}{}", at / 26) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 0.01 * 4, 0.02 * 3, 0.03 * 2 = 0.06 as well, 0.04 * 1 is below that.
    #[test]
    fn holm_multiplies_by_what_is_left_and_never_goes_down() {
        let found = holm(&[0.04, 0.01, 0.03, 0.02]);
        for (found, expected) in found.iter().zip([0.06, 0.04, 0.06, 0.06]) {
            assert!((found - expected).abs() < 1e-15, "{found}");
        }
        assert_eq!(holm(&[0.5, 0.7]), [1.0, 1.0]);
        assert_eq!(holm(&[]), [] as [f64; 0]);
    }

    #[test]
    fn items_share_a_letter_exactly_if_they_do_not_differ() {
        let display = |pairs: &[(usize, usize)]| {
            letters(4, |a, b| pairs.contains(&(a, b))).unwrap().join(" ")
        };
        assert_eq!(display(&[]), "a a a a");
        assert_eq!(display(&[(0, 3)]), "a ab ab b");
        assert_eq!(display(&[(0, 2), (0, 3), (1, 3)]), "a ab bc c");
        assert_eq!(display(&[(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]), "a b c d");
        // Not in line: the first and the last are alike, the second differs from both.
        assert_eq!(display(&[(0, 1), (1, 3)]), "a b ab a");
        for pairs in [&[(0, 1), (2, 3)][..], &[(0, 2), (1, 3)], &[(0, 3), (1, 2), (1, 3)]] {
            let letters = letters(4, |a, b| pairs.contains(&(a, b))).unwrap();
            for a in 0..4 {
                for b in a + 1..4 {
                    let share = letters[a].chars().any(|it| letters[b].contains(it));
                    assert_eq!(share, !pairs.contains(&(a, b)), "{letters:?}");
                }
            }
        }
    }

    #[test]
    fn more_groups_than_letters_are_none() {
        // Only the pairs (2k, 2k + 1) differ: every choice of one of each is a group, 2^8 of them.
        assert_eq!(letters(16, |a, b| a / 2 == b / 2), None);
        assert!(letters(12, |a, b| a / 2 == b / 2).is_some());
        assert_eq!(letters(0, |_, _| true), Some(vec![]));
        assert_eq!(letter(27), "b1");
    }
}
