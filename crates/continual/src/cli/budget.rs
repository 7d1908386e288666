//! Options of `continual budget` and `continual explain-budget`.

use super::{Output, Training};
use clap::Args;
use continual::Request;

#[derive(Args, Debug)]
pub(crate) struct BudgetOptions {
    /// Bytes kept between contexts, separated by commas, such as 10k,100k,1M
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = bytes, default_value = "10k,100k,1M")]
    pub(crate) bytes: Vec<u64>,
    /// Strategies, separated by commas; in a+b rows take what the others leave [default: all and
    /// ewc+er, si+er, lwf+er]
    #[arg(long, value_name = "LIST")]
    strategy: Option<String>,
    /// What is told at test time: task, domain or class [default: class]
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// Number of seeds: 2 to N+1, trained as one population [default: 5]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seeds: Option<u64>,
    #[command(flatten)]
    training: Training,
    #[command(flatten)]
    pub(crate) output: Output,
}

impl BudgetOptions {
    pub(crate) fn request(&self) -> Request {
        let (scenario, seeds, strategy) =
            (self.scenario.clone(), self.seeds, self.strategy.clone());
        Request { scenario, seeds, strategy, ..self.training.request() }
    }
}

/// A count of bytes with a decimal prefix.
fn bytes(text: &str) -> Result<u64, String> {
    let expected = || "expected a number of bytes such as 500, 10k, 1.5M or 2G".to_owned();
    let (number, factor) = match text.chars().last() {
        Some('k') => (&text[..text.len() - 1], 1e3),
        Some('M') => (&text[..text.len() - 1], 1e6),
        Some('G') => (&text[..text.len() - 1], 1e9),
        _ => (text, 1.0),
    };
    let bytes = number.trim().parse::<f64>().map_err(|_| expected())? * factor;
    let whole = bytes.is_finite() && (1.0..=1e15).contains(&bytes);
    if whole { Ok(bytes as u64) } else { Err(expected()) }
}

#[derive(Args, Debug)]
pub(crate) struct ExplainBudgetOptions {
    /// Pixels in a row of a frame
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 3840, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) width: u64,
    /// Rows of a frame
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 2160, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) height: u64,
    /// Bits per pixel, all colours together
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 36, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(crate) depth: u64,
    /// Frames per second
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 48.0)]
    pub(crate) rate: f64,
    /// Scenarios, separated by commas: a table each
    #[arg(long, value_name = "LIST", default_value = "class")]
    scenario: String,
    /// Strategies, separated by commas; a+b composes; all: every one
    #[arg(long, value_name = "LIST", default_value = "all")]
    strategy: String,
    #[command(flatten)]
    training: Training,
}

impl ExplainBudgetOptions {
    pub(crate) fn request(&self) -> Request {
        let (scenario, strategy) = (Some(self.scenario.clone()), Some(self.strategy.clone()));
        Request { scenario, strategy, seeds: Some(1), ..self.training.request() }
    }
}
