//! The program in the README is the example that is compiled.

#[test]
fn the_program_in_the_readme_is_the_quickstart_example() {
    let readme = include_str!("../../../README.md");
    let example = include_str!("../examples/quickstart.rs");
    assert!(
        readme.contains(&format!("```rust\n{example}```\n")),
        "README.md: expected examples/quickstart.rs in a ```rust block, word by word"
    );
    assert!(example.lines().count() <= 20);
}
