//! What the shell is told of verbs and options: completions and manual pages.

use clap::Args;
use clap_complete::Shell;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct CompletionsOptions {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Args, Debug)]
pub(crate) struct ManOptions {
    /// The verb, such as `bench` or `show gates` [default: the program itself]
    #[arg(value_name = "VERB")]
    pub(crate) verb: Vec<String>,
    /// Write the pages of the program and of every verb into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "verb")]
    pub(crate) out: Option<PathBuf>,
}
