//! `--features`: of which network templates compare features, for all of them in one go.

use crate::choices::Draft;
use crate::registry::{Hyper, Numbers, STRATEGIES};
use crate::{Error, Request};
use std::path::{Path, PathBuf};

/// The hyper-parameter's name behind the strategy's.
const NAME: &str = "features";
/// Its value for a network that never moves.
const FIXED: &str = "random";

/// Whether a hyper-parameter, by `strategy.hyper`, says of which network.
pub(crate) fn is_one(name: &str) -> bool {
    name.split_once('.').is_some_and(|(_, hyper)| hyper == NAME)
}

/// The features that are known by name.
fn names(hyper: &Hyper) -> &'static [&'static str] {
    match hyper.numbers {
        Numbers::Names(names) => names,
        Numbers::Real | Numbers::Whole => &[],
    }
}

fn all() -> impl Iterator<Item = (&'static str, &'static Hyper)> {
    STRATEGIES.iter().filter_map(|entry| Some((entry.name, entry.hyper(NAME)?)))
}

/// The value from any working folder: what is no name is a file.
pub(crate) fn rooted(text: String, rooted: impl Fn(&Path) -> Option<PathBuf>) -> String {
    if all().any(|(_, hyper)| names(hyper).contains(&&*text)) {
        return text;
    }
    let path = rooted(Path::new(&text));
    path.and_then(|path| path.to_str().map(str::to_owned)).unwrap_or(text)
}

/// Gives every strategy that compares features those of `text`: a name, or a file with the weights of a
/// network that never moves, which is handed back.
///
/// # Errors
/// No strategy that compares features; values given by `--set` too, or another file of weights; what is
/// neither a name nor a file.
pub(crate) fn choose(
    text: &str,
    request: &Request,
    draft: &mut Draft,
) -> Result<Option<PathBuf>, Error> {
    let refused = |why: String| Err(Error::Impossible(format!("--features {text}: {why}")));
    let given = draft.strategies.iter().flat_map(|chosen| &chosen.hyper);
    if let Some((name, _)) = given.clone().find(|(name, _)| is_one(name)) {
        return refused(format!("--set {name} says so too; leave out either"));
    }
    let mut file = None;
    let mut found = false;
    for chosen in &mut draft.strategies {
        for (name, hyper) in chosen.composition.hypers() {
            if !is_one(&name) {
                continue;
            }
            found = true;
            let value = hyper.read(text).or_else(|expected| {
                file = Some(PathBuf::from(text));
                let value =
                    if Path::new(text).exists() { hyper.read(FIXED) } else { Err(expected) };
                value.map_err(|expected| Error::Value {
                    what: "--features".to_owned(),
                    value: text.to_owned(),
                    expected: format!("{expected}, or a file of weights that is there"),
                })
            })?;
            chosen.hyper.push((name, vec![value]));
        }
    }
    if !found {
        let known: Vec<&str> = all().map(|(strategy, _)| strategy).collect();
        return refused(format!(
            "none of the strategies that run compares features; {} do",
            known.join(", ")
        ));
    }
    if let (Some(_), Some(other)) = (&file, &request.weights) {
        let other = other.display();
        return refused(format!("--weights {other} is another network; leave out either"));
    }
    draft.features = true;
    Ok(file)
}
