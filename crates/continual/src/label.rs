//! How rows of the table are told apart.

use crate::registry::Composition;
use std::collections::BTreeMap;

/// Of a sweep longer than this only the ends are told.
const TOLD: usize = 6;

/// The strategy and the values of what is `shown`: `ewc lambda=100`, `ewc lambda=1,10,100`. The
/// hyper-parameters of a composition keep the names of their strategies.
pub(crate) fn label(
    composition: &Composition,
    shown: &[String],
    values: &[&BTreeMap<String, f64>],
) -> String {
    let mut text = composition.name.clone();
    for name in shown {
        let mut told: Vec<String> = Vec::new();
        for value in values.iter().filter_map(|map| map.get(name)).map(|&value| {
            composition.hyper(name).map_or_else(|| number(value), |hyper| hyper.tell(value))
        }) {
            if !told.contains(&value) {
                told.push(value);
            }
        }
        let told = match &told[..] {
            [] => continue,
            [first, .., last] if told.len() > TOLD => {
                format!("{first} .. {last} ({} values)", told.len())
            }
            all => all.join(","),
        };
        let name = match (composition.parts.len(), name.split_once('.')) {
            (1, Some((_, hyper))) => hyper,
            _ => name,
        };
        text += &format!(" {name}={told}");
    }
    text
}

/// The shorter of `1000` and `1e3`.
pub(crate) fn number(value: f64) -> String {
    let (plain, exponent) = (format!("{value}"), format!("{value:e}"));
    if exponent.len() < plain.len() { exponent } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_names_what_is_shown_and_shortens_long_sweeps() {
        let name = "ewc.lambda".to_owned();
        let map = |value: f64| BTreeMap::from([(name.clone(), value), ("er.x".to_owned(), 1.0)]);
        let maps: Vec<_> = [1e5, 1e5, 10.0, 0.5].map(map).into();
        let maps: Vec<_> = maps.iter().collect();
        let ewc = Composition::parse("ewc").unwrap();
        let shown = [name.clone()];
        assert_eq!(label(&ewc, &[], &maps), "ewc");
        assert_eq!(label(&ewc, &shown, &maps), "ewc lambda=1e5,10,0.5");
        assert_eq!(label(&ewc, &shown, &[&BTreeMap::new()]), "ewc");
        let both = Composition::parse("ewc+er").unwrap();
        assert_eq!(label(&both, &shown, &maps[3..]), "ewc+er ewc.lambda=0.5");
        let many: Vec<_> = (1..=7).map(|value| map(f64::from(value))).collect();
        let many: Vec<_> = many.iter().collect();
        assert_eq!(label(&ewc, &shown, &many), "ewc lambda=1 .. 7 (7 values)");
    }
}
