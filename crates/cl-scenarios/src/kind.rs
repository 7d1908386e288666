//! How a stream goes from one context to the next.

use crate::{Error, names};
use std::fmt;
use std::str::FromStr;

/// How a stream goes from one context to the next. All kinds but [`StreamKind::Sharp`] are task-free:
/// nobody is told when a context ends.
///
/// With T contexts of I steps each, a fuzzy or random stream takes T · I steps and every row's context
/// is drawn by itself from the probabilities of its step ([`StreamKind::probabilities`]); its stages
/// are the T parts of equal length after which it is evaluated, and each of them may draw from every
/// context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum StreamKind {
    /// One context after the other, and it is told when one ends.
    #[default]
    Sharp,
    /// Boundaries are linear transitions and half a context early, so that the first context comes
    /// back at the end: the protocol of van de Ven, Tuytelaars & Tolias 2022 (its code,
    /// `data/labelstream.py`).
    Fuzzy {
        /// Steps from the middle of a transition to either end, F; 2 F is at most the steps of a
        /// context.
        fuzziness: u32,
    },
    /// Every context is as likely as any other, at every step.
    Random,
    /// One context after the other, and every training example exactly once: the last batch of a
    /// context is what is left, so that the data decide how many steps a stage has.
    OnePass,
}

impl StreamKind {
    /// The fuzziness of van de Ven et al. 2022, whose contexts have 2,000 steps.
    pub const FUZZINESS: u32 = 500;

    /// All of them, the fuzzy one with [`StreamKind::FUZZINESS`].
    pub const ALL: [Self; 4] =
        [Self::Sharp, Self::Fuzzy { fuzziness: Self::FUZZINESS }, Self::Random, Self::OnePass];

    /// Whether nobody is told when a context ends.
    #[must_use]
    pub fn is_task_free(self) -> bool {
        self != Self::Sharp
    }

    /// Whether every row's context is drawn by itself.
    #[must_use]
    pub fn is_mixed(self) -> bool {
        matches!(self, Self::Fuzzy { .. } | Self::Random)
    }

    /// Checks it against the steps of a context.
    ///
    /// # Errors
    /// [`Error::Fuzziness`] where transitions would overlap: 2 F > I.
    pub fn check(self, per_context: u32) -> Result<(), Error> {
        match self {
            Self::Fuzzy { fuzziness } if fuzziness > per_context / 2 => {
                Err(Error::Fuzziness { fuzziness, per_context })
            }
            _ => Ok(()),
        }
    }

    /// Writes how likely each context is for a row at step `step` of the stream, counted from 0 over
    /// all of it; `per_context` is I, the length of `probabilities` T. They sum to 1. `false`, and
    /// nothing is written, where contexts follow from the stage.
    ///
    /// Fuzzy, with boundary k (of T, counted from 0) at b = ⌊I/2⌋ + k I: at step i of
    /// b − F <= i < b + F context (k + 1) mod T has probability (i − (b − F) + ½) / (2 F) and context
    /// k the rest; elsewhere the context between two boundaries has probability 1. So context 0 has
    /// the first half period and the last.
    pub fn probabilities(self, step: u64, per_context: u32, probabilities: &mut [f64]) -> bool {
        let contexts = probabilities.len();
        match self {
            Self::Sharp | Self::OnePass => return false,
            Self::Random => probabilities.fill(1.0 / contexts as f64),
            Self::Fuzzy { fuzziness } => {
                let (period, width) = (u64::from(per_context), u64::from(fuzziness));
                let half = period / 2;
                probabilities.fill(0.0);
                // The step in units of periods that begin where transitions do.
                let begun = step + period + width - half;
                let (number, within) = (begun / period.max(1), begun % period.max(1));
                let context = |number: u64| (number % contexts.max(1) as u64) as usize;
                if within < 2 * width {
                    let risen = (within as f64 + 0.5) / (2 * width) as f64;
                    probabilities[context(number + contexts as u64 - 1)] += 1.0 - risen;
                    probabilities[context(number)] += risen;
                } else {
                    probabilities[context(number)] = 1.0;
                }
            }
        }
        true
    }
}

impl fmt::Display for StreamKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sharp => "sharp",
            Self::Fuzzy { .. } => "fuzzy",
            Self::Random => "random",
            Self::OnePass => "one-pass",
        })
    }
}

/// A kind by name; `fuzzy` is that with [`StreamKind::FUZZINESS`].
impl FromStr for StreamKind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        names::find("stream", name, &Self::ALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(kind: StreamKind, contexts: usize, per_context: u32) -> Vec<Vec<f64>> {
        let mut row = vec![f64::NAN; contexts];
        let steps = contexts as u64 * u64::from(per_context);
        let at = |step| {
            assert!(kind.probabilities(step, per_context, &mut row));
            row.clone()
        };
        (0..steps).map(at).collect()
    }

    /// T = 3, I = 8, F = 2 by hand: boundaries at 4, 12 and 20, each with the four probabilities
    /// (0.5, 1.5, 2.5, 3.5) / 4 from two steps before it on; context 0 has the first two steps and
    /// the last two.
    #[test]
    fn fuzzy_probabilities_are_those_of_the_protocol() {
        let up = [0.125, 0.375, 0.625, 0.875];
        let down = [0.875, 0.625, 0.375, 0.125];
        let column = |parts: &[&[f64]]| parts.concat();
        let (one, zero) = ([1.0; 4], [0.0; 4]);
        let expected = [
            column(&[&[1.0; 2], &down, &zero, &zero, &zero, &up, &[1.0; 2]]),
            column(&[&[0.0; 2], &up, &one, &down, &zero, &zero, &[0.0; 2]]),
            column(&[&[0.0; 2], &zero, &zero, &up, &one, &down, &[0.0; 2]]),
        ];
        let found = table(StreamKind::Fuzzy { fuzziness: 2 }, 3, 8);
        assert_eq!(found.len(), 24);
        for (step, row) in found.iter().enumerate() {
            for (context, probability) in row.iter().enumerate() {
                assert_eq!(*probability, expected[context][step], "context {context}, step {step}");
            }
        }
    }

    /// The same by the arrays of the protocol: each context's probability written by ranges, as the
    /// reference code does, for odd periods and periods that are nothing but transitions too.
    #[test]
    fn fuzzy_probabilities_are_those_of_a_table_that_is_filled_by_ranges() {
        for (contexts, per_context, width) in [
            (3_usize, 8_usize, 2_usize),
            (2, 7, 3),
            (5, 10, 5),
            (4, 9, 0),
            (1, 6, 2),
            (2, 2000, 500),
        ] {
            let (total, half) = (contexts * per_context, per_context / 2);
            let mut expected = vec![vec![0.0; contexts]; total];
            for context in 0..contexts {
                let begins = if context == 0 { 0 } else { half + (context - 1) * per_context };
                let ends = half + context * per_context;
                for row in &mut expected[begins..ends] {
                    row[context] = 1.0;
                }
            }
            for row in &mut expected[half + (contexts - 1) * per_context..] {
                row[0] = 1.0;
            }
            for boundary in 0..contexts {
                let (from, to) = (boundary, (boundary + 1) % contexts);
                for i in 0..2 * width {
                    let row = &mut expected[half + boundary * per_context - width + i];
                    let risen = (i as f64 + 0.5) / (2 * width) as f64;
                    (row[from], row[to]) =
                        if from == to { (1.0, 1.0) } else { (1.0 - risen, risen) };
                }
            }
            let kind = StreamKind::Fuzzy { fuzziness: width as u32 };
            kind.check(per_context as u32).unwrap();
            let found = table(kind, contexts, per_context as u32);
            for (step, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                for (context, (a, b)) in found.iter().zip(expected).enumerate() {
                    let case = (contexts, per_context, width, step, context);
                    assert!((a - b).abs() < 1e-12, "{case:?}: {a} and {b}");
                }
            }
        }
    }

    #[test]
    fn a_random_stream_has_no_favourites_and_others_no_probabilities() {
        assert!(table(StreamKind::Random, 4, 3).iter().flatten().all(|&p| p == 0.25));
        for kind in [StreamKind::Sharp, StreamKind::OnePass] {
            let mut untouched = [7.0; 2];
            assert!(!kind.probabilities(0, 5, &mut untouched));
            assert_eq!(untouched, [7.0; 2]);
        }
    }

    #[test]
    fn transitions_that_would_overlap_are_refused() {
        let kind = StreamKind::Fuzzy { fuzziness: 4 };
        assert!(kind.check(8).is_ok() && kind.check(9).is_ok());
        assert_eq!(
            kind.check(7).unwrap_err().to_string(),
            "fuzzy stream: fuzziness 4, contexts of 7 steps: two transitions would overlap, expected \
             a fuzziness of at most 3 steps"
        );
        assert!(StreamKind::Random.check(1).is_ok());
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for kind in StreamKind::ALL {
            assert_eq!(kind.to_string().parse::<StreamKind>().unwrap(), kind);
        }
        assert_eq!(
            "fuzy".parse::<StreamKind>().unwrap_err().to_string(),
            "stream \"fuzy\" is unknown: expected one of sharp, fuzzy, random, one-pass"
        );
    }
}
