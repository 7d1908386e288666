//! Names by which parts find each other.

/// Which of `known` a strategy means: its own `NAME`, else itself by its plain name (a second
/// instance stands under a numbered one), else whatever has this name in full.
pub(crate) fn find<'k>(
    scope: &str,
    name: &str,
    known: impl Iterator<Item = &'k str> + Clone,
) -> Option<usize> {
    let own = format!("{scope}/{name}");
    let numbered = scope.strip_prefix(name).is_some_and(|rest| rest.starts_with('#'));
    let itself = if numbered { scope } else { name };
    [own.as_str(), itself, name]
        .into_iter()
        .find_map(|wanted| known.clone().position(|known| known == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ones_own_comes_first_then_oneself_then_others() {
        let known = ["memory", "der/memory", "own", "own#2"];
        let found = |scope, name| find(scope, name, known.into_iter());
        assert_eq!(found("der", "memory"), Some(1));
        assert_eq!(found("other", "memory"), Some(0));
        assert_eq!(found("own#2", "own"), Some(3));
        assert_eq!(found("own", "own"), Some(2));
        assert_eq!(found("other", "own"), Some(2));
        assert_eq!(found("other", "nothing"), None);
    }
}
