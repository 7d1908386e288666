//! What the names of a kernel become in the text of its dispatch.

use std::collections::BTreeSet;
use std::fmt::Write;

/// A memory of a kernel in its dispatch.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub number: usize,
    /// Whether its elements are vectors of four words.
    pub is_wide: bool,
}

/// The names of a kernel beside others.
pub(super) struct Names<'a> {
    /// What it defines: that gets its number.
    own: BTreeSet<&'a str>,
    number: usize,
    /// Where its parameters start.
    first: usize,
    /// Where its memories are.
    places: Vec<Place>,
}

impl<'a> Names<'a> {
    /// Of kernel `number`, whose functions these are; its parameters start at `first`.
    pub(super) fn new(functions: &'a str, number: usize, first: usize, places: Vec<Place>) -> Self {
        let lines = functions.lines().filter_map(|line| {
            let name = line.strip_prefix("fn ").or_else(|| line.strip_prefix("var<private> "))?;
            Some(&name[..name.find(|c| !is_word(c)).unwrap_or(name.len())])
        });
        Self { own: lines.collect(), number, first, places }
    }

    /// A text of the kernel with these names. In it `p[3]` is parameter 3, `m1[at]` word `at` of memory 1
    /// and `v1[at]` vector `at` of it, which then is wide.
    pub(super) fn in_text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + text.len() / 4);
        let mut rest = text;
        let mut before = ' ';
        while let Some(next) = rest.chars().next() {
            if !is_word(next) {
                out.push(next);
                (rest, before) = (&rest[next.len_utf8()..], next);
                continue;
            }
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            (rest, before) = match self.element(word, behind).filter(|_| before != '.') {
                Some((element, behind)) => {
                    out += &element;
                    (behind, ']')
                }
                None => {
                    out.push_str(word);
                    if before != '.' && self.own.contains(word) {
                        let _ = write!(out, "_{}", self.number);
                    }
                    (behind, 'w')
                }
            };
        }
        out
    }

    /// What a parameter or an element of a memory becomes, and the text behind it.
    fn element<'t>(&self, word: &str, behind: &'t str) -> Option<(String, &'t str)> {
        let (index, behind) = indexed(behind)?;
        if word == "p" {
            return Some((format!("p[{}]", self.first + index.parse::<usize>().ok()?), behind));
        }
        let (kind, number) = word.split_at_checked(1)?;
        let Place { number, is_wide } = *self.places.get(number.parse::<usize>().ok()?)?;
        let index = self.in_text(index);
        let text = match (kind, is_wide) {
            ("m", false) => format!("m{number}[{index}]"),
            ("m", true) => format!("m{number}[({index}) >> 2u][({index}) & 3u]"),
            ("v", true) => format!("m{number}[{index}]"),
            _ => return None,
        };
        Some((text, behind))
    }
}

/// What stands in the brackets that a text begins with, and what behind them.
fn indexed(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('[')?;
    let mut open = 1;
    for (at, c) in inside.char_indices() {
        open += i32::from(c == '[') - i32::from(c == ']');
        if open == 0 {
            return Some((&inside[..at], &inside[at + 1..]));
        }
    }
    None
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(text: &str, wide: usize) -> String {
        let place = |(at, number)| Place { number, is_wide: at == wide };
        let places = [5, 0].into_iter().enumerate().map(place).collect();
        Names::new(text, 3, 10, places).in_text(text)
    }

    #[test]
    fn names_parameters_and_memories_of_a_kernel_are_its_own() {
        let text =
            "fn put(e: u32) { m1[p[2] + e] = m0[e]; }\nfn run(w: vec3<u32>) { put(w.put); }\n";
        let expected = "fn put_3(e: u32) { m0[p[12] + e] = m5[e]; }\nfn run_3(w: vec3<u32>) { put_3(w.put); }\n";
        assert_eq!(renamed(text, 2), expected);
    }

    #[test]
    fn words_of_a_wide_memory_are_found_in_its_vectors() {
        let text = "let x = v0[p[1] >> 2u];\nlet y = m0[m1[e + 1u]];\n";
        let expected =
            "let x = m5[p[11] >> 2u];\nlet y = m5[(m0[e + 1u]) >> 2u][(m0[e + 1u]) & 3u];\n";
        assert_eq!(renamed(text, 0), expected);
    }
}
