//! Whether two experiments are one, and if not, where they differ.

use serde_json::Value;
use std::collections::BTreeSet;

/// A field in which two identities differ.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// `settings.batch`, `seeds[2]`; `identity` if it has no fields.
    pub field: String,
    /// The saved value.
    pub saved: String,
    /// The value of the run.
    pub run: String,
}

/// The first field, in order of names, in which two identities differ.
pub(super) fn difference(saved: &Value, run: &Value) -> Option<Difference> {
    let mut found = within(String::new(), Some(saved), Some(run))?;
    if found.field.is_empty() {
        "identity".clone_into(&mut found.field);
    }
    Some(found)
}

fn within(field: String, saved: Option<&Value>, run: Option<&Value>) -> Option<Difference> {
    match (saved, run) {
        (Some(Value::Object(saved)), Some(Value::Object(run))) => {
            let names: BTreeSet<&String> = saved.keys().chain(run.keys()).collect();
            names.into_iter().find_map(|name| {
                let dot = if field.is_empty() { "" } else { "." };
                within(format!("{field}{dot}{name}"), saved.get(name), run.get(name))
            })
        }
        (Some(Value::Array(saved)), Some(Value::Array(run))) => (0..saved.len().max(run.len()))
            .find_map(|i| within(format!("{field}[{i}]"), saved.get(i), run.get(i))),
        _ if saved == run => None,
        _ => Some(Difference { field, saved: shown(saved), run: shown(run) }),
    }
}

/// The longest value that a message shows whole, in characters.
const LONGEST: usize = 60;

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "absent".to_owned() };
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        None => text,
        Some((end, _)) => format!("{} ...", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn assert_differ(saved: &Value, run: &Value, expected: (&str, &str, &str)) {
        let found = difference(saved, run).unwrap();
        assert_eq!((&*found.field, &*found.saved, &*found.run), expected);
    }

    #[test]
    fn the_first_differing_field_is_named_with_both_values() {
        let saved =
            json!({"strategy": "ewc", "settings": {"batch": 32, "lr": 0.1}, "seeds": [1, 2]});
        assert_eq!(difference(&saved, &saved), None);
        let mut run = saved.clone();
        run["strategy"] = json!("si");
        assert_differ(&saved, &run, ("strategy", "\"ewc\"", "\"si\""));
        run["settings"]["batch"] = json!(64);
        assert_differ(&saved, &run, ("settings.batch", "32", "64"));
        run["seeds"] = json!([1, 3, 4]);
        assert_differ(&saved, &run, ("seeds[1]", "2", "3"));
    }

    #[test]
    fn what_one_side_lacks_is_absent() {
        let (saved, run) = (json!({"a": 1, "list": [1]}), json!({"a": 1, "list": [1]}));
        let mut more = run.clone();
        more["b"] = Value::Null;
        assert_differ(&saved, &more, ("b", "absent", "null"));
        assert_differ(&more, &saved, ("b", "null", "absent"));
        let mut longer = run.clone();
        longer["list"] = json!([1, {"x": 2}]);
        assert_differ(&saved, &longer, ("list[1]", "absent", "{\"x\":2}"));
    }

    #[test]
    fn an_identity_may_be_a_single_value() {
        assert_differ(&json!("3f2a"), &json!("77b0"), ("identity", "\"3f2a\"", "\"77b0\""));
        assert_differ(&json!({"a": 1}), &json!([1]), ("identity", "{\"a\":1}", "[1]"));
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        let found = difference(&json!("ä".repeat(100)), &Value::Null).unwrap();
        assert_eq!(found.saved, format!("\"{} ...", "ä".repeat(59)));
    }
}
