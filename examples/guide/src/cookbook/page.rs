//! The page of all questions.

use crate::program::{PROGRAMS, Program, TUTORIAL};

const START: &str = "\
# Cookbook

Questions, each answered by a program of a few lines. Run one by its name, such as

```sh
cargo run --release -p guide -- compare
```

Every program is a file of [examples/guide](../examples/guide/src/cookbook); `cargo xtask test` runs them all, and
this page is printed from them (`cargo run -q -p guide -- page`). Most train little, so that they end at once: their
figures are examples, not results. New here? Begin with the [tutorial](TUTORIAL.md).
";

/// `docs/COOKBOOK.md`.
pub fn page() -> String {
    let recipes = &PROGRAMS[TUTORIAL..];
    let contents = recipes.iter().enumerate().map(|(at, it)| {
        let number = at + 1;
        format!("{number}. [{}](#{})\n", it.question(), slug(&heading(number, it)))
    });
    let answers = recipes.iter().enumerate().map(|(at, it)| {
        let heading = heading(at + 1, it);
        let (name, answer, code) = (it.name, it.answer(), it.code());
        format!("\n## {heading}\n\n{answer}\n\n`cargo run --release -p guide -- {name}`\n\n```rust\n{code}```\n")
    });
    format!("{START}\n{}{}", contents.collect::<String>(), answers.collect::<String>())
}

fn heading(number: usize, program: &Program) -> String {
    format!("{number}. {}", program.question())
}

/// A heading as a link names it.
fn slug(heading: &str) -> String {
    let lower = heading.to_lowercase();
    let kept = lower.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
