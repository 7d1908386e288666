//! What a strategy says about itself.

use super::failures::Fault;
use super::subject::Subject;
use std::collections::BTreeSet;

/// Settings out of range are refused by name; the subject's own is not.
pub(super) fn refusals(subject: &Subject) -> Result<(), Fault> {
    (subject.make)().check().map_err(|error| Fault(format!("its own setting: {error}")))?;
    for (number, make) in subject.refused.iter().enumerate() {
        let strategy = make();
        let which = || format!("refused setting {} {:?}", number + 1, strategy.describe());
        let Err(error) = strategy.check() else {
            return Err(Fault(format!("{}: `check` lets it pass", which())));
        };
        let (message, name) = (error.to_string(), strategy.name());
        if !name.split('+').any(|name| message.contains(name)) {
            return Err(Fault(format!("{}: \"{message}\" does not name `{name}`", which())));
        }
    }
    Ok(())
}

/// It has a name, and every entry of its description begins with it: `NAME.what`.
pub(super) fn names(subject: &Subject) -> Result<(), Fault> {
    let strategy = (subject.make)();
    let name = strategy.name();
    let owners: Vec<&str> = name.split('+').collect();
    if owners.iter().any(|owner| owner.trim().is_empty()) {
        return Err(Fault(format!("its name is \"{name}\", expected words")));
    }
    let entries = strategy.describe();
    for (entry, _) in &entries {
        let owned = |owner: &&str| {
            entry
                .strip_prefix(owner)
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|what| !what.is_empty())
        };
        if !owners.iter().any(owned) {
            return Err(Fault(format!("describe: entry `{entry}`, expected `{name}.` and a word")));
        }
    }
    let distinct: BTreeSet<&str> = owners.iter().copied().collect();
    let entry_names: BTreeSet<&String> = entries.iter().map(|(entry, _)| entry).collect();
    if distinct.len() == owners.len() && entry_names.len() < entries.len() {
        return Err(Fault(format!("describe: an entry comes twice in {entries:?}")));
    }
    Ok(())
}
