//! The known name that is most like an unknown one.

use crate::Error;
use std::fmt::Display;

/// The known name with the fewest edits to `name`, where at most a third of the letters (and at
/// least two) are wrong; of several the first.
///
/// Edits are insertions, deletions, substitutions and swaps of neighbours (Damerau 1964).
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&name, known), known))
        .filter(|&(edits, known)| {
            let letters = known.chars().count().max(name.chars().count());
            edits < letters && edits <= (letters / 3).max(2)
        })
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, known)| known)
}

/// The error for a name that is not among `known`.
pub(crate) fn unknown(kind: &'static str, name: &str, known: &[&str]) -> Error {
    Error::Unknown {
        kind,
        name: name.to_owned(),
        nearest: nearest(name, known.iter().copied()).map(str::to_owned),
        known: known.iter().map(|&known| known.to_owned()).collect(),
    }
}

/// The one of `all` that displays as `name`.
///
/// # Errors
/// [`Error::Unknown`] with the nearest name.
pub fn choose<T: Copy + Display>(kind: &'static str, name: &str, all: &[T]) -> Result<T, Error> {
    all.iter().copied().find(|item| item.to_string() == name).ok_or_else(|| {
        let names: Vec<String> = all.iter().map(T::to_string).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        unknown(kind, name, &names)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cl_scenarios::{DatasetName, Scenario};

    #[test]
    fn a_slip_of_the_fingers_is_recognised_and_another_word_is_not() {
        let known = ["ewc", "ewc-online", "si", "xdg", "er", "er-reservoir", "joint"];
        let cases = [
            ("ewx", Some("ewc")),
            ("EWC", Some("ewc")),
            ("xgd", Some("xdg")),
            ("ewc_online", Some("ewc-online")),
            ("er-resevoir", Some("er-reservoir")),
            ("jiont", Some("joint")),
            ("transformer", None),
            ("q", None),
        ];
        for (name, expected) in cases {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
    }

    #[test]
    fn an_unknown_variant_is_refused_with_the_nearest() {
        assert_eq!(choose("data set", "mnist", &DatasetName::ALL).unwrap(), DatasetName::Mnist);
        let message = choose("scenario", "tusk", &Scenario::ALL).unwrap_err().to_string();
        assert_eq!(
            message,
            "scenario `tusk` is unknown: did you mean `task`? (known: task, domain, class)"
        );
    }
}
