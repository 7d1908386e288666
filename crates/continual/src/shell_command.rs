//! `continual completions` and `continual man`: the options as a shell and `man` want them.

use crate::cli::{Cli, CompletionsOptions, ManOptions};
use crate::print;
use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use continual::{choose, make_folder};

pub(crate) fn completions(options: &CompletionsOptions) -> Result<()> {
    print::text(&script(options.shell))
}

pub(crate) fn man(options: &ManOptions) -> Result<()> {
    print::text(&manual(options)?)
}

/// The page that was asked for, or how many were written.
fn manual(options: &ManOptions) -> Result<String> {
    let pages = pages()?;
    let Some(folder) = &options.out else {
        let verbs: Vec<&str> = pages.iter().skip(1).map(|page| page.verb.as_str()).collect();
        let verb = match &options.verb[..] {
            [] => "",
            words => choose("verb", &words.join(" "), &verbs)?,
        };
        let page = pages.iter().find(|page| page.verb == verb);
        return Ok(page.map_or_else(String::new, |page| page.roff.clone()));
    };
    make_folder(folder)?;
    for page in &pages {
        let path = folder.join(page.file());
        std::fs::write(&path, &page.roff)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(format!("{} pages in {}\n", pages.len(), folder.display()))
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "continual", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// A manual page.
struct Page {
    /// `bench`, `show gates`; of the program itself nothing.
    verb: String,
    roff: String,
}

impl Page {
    /// The name under which `man` finds it: `continual-bench.1`.
    fn file(&self) -> String {
        let words = std::iter::once("continual").chain(self.verb.split_whitespace());
        words.collect::<Vec<_>>().join("-") + ".1"
    }
}

fn pages() -> Result<Vec<Page>> {
    let mut cli = Cli::command();
    cli.build();
    let mut pages = Vec::new();
    add_pages(&cli, "", &mut pages)?;
    Ok(pages)
}

/// The page of a verb and those of the verbs below it.
fn add_pages(command: &Command, verb: &str, pages: &mut Vec<Page>) -> Result<()> {
    let mut roff = Vec::new();
    Man::new(command.clone()).render(&mut roff).context("no manual page")?;
    let roff = String::from_utf8_lossy(&roff).into_owned();
    pages.push(Page { verb: verb.to_owned(), roff });
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        add_pages(below, format!("{verb} {}", below.get_name()).trim_start(), pages)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    /// Every verb with its long options.
    fn options(command: &Command) -> Vec<(String, Vec<String>)> {
        let longs = command.get_arguments().filter_map(|argument| argument.get_long());
        let own = (command.get_name().to_owned(), longs.map(str::to_owned).collect());
        std::iter::once(own).chain(command.get_subcommands().flat_map(options)).collect()
    }

    #[test]
    fn every_shell_completes_every_verb_and_option() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for (verb, longs) in options(&Cli::command()) {
                assert!(script.contains(&verb), "{shell}: {verb}");
                for long in longs {
                    assert!(script.contains(&long), "{shell}: {verb} --{long}");
                }
            }
        }
    }

    #[test]
    fn every_verb_has_a_page_with_its_options_and_examples() {
        let pages = pages().unwrap();
        let all = options(&Cli::command());
        assert_eq!(pages.len(), all.len());
        for (page, (verb, longs)) in pages.iter().zip(all) {
            assert!(page.file().ends_with(&format!("{verb}.1")), "{}", page.file());
            // A hyphen that may be copied is `\-` in a manual page.
            let text = page.roff.replace('\\', "");
            for long in longs {
                assert!(text.contains(&format!("--{long}")), "{verb} --{long}");
            }
            assert!(text.contains("\nExamples:"), "{verb}: {text}");
        }
    }

    #[test]
    fn a_verb_of_two_words_is_found_and_an_unknown_one_is_refused() {
        let page = |verb: &[&str]| {
            let verb = verb.iter().map(|word| (*word).to_owned()).collect();
            manual(&ManOptions { verb, out: None })
        };
        assert!(page(&["show", "gates"]).unwrap().contains("target/show/STRATEGY"));
        let refusal = page(&["bnech"]).unwrap_err().to_string();
        assert!(refusal.contains("verb `bnech`") && refusal.contains("`bench`"), "{refusal}");
        assert!(refusal.contains("(known: bench, run,"), "{refusal}");
        assert!(page(&[]).unwrap().contains("continual bench \\-\\-quick"));
    }

    #[test]
    fn pages_are_written_under_the_names_that_man_looks_for() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("man1");
        manual(&ManOptions { verb: Vec::new(), out: Some(out.clone()) }).unwrap();
        for name in ["continual.1", "continual-bench.1", "continual-show-gates.1"] {
            let page = std::fs::read_to_string(out.join(name)).unwrap();
            assert!(page.contains(".TH"), "{name}");
        }
    }
}
