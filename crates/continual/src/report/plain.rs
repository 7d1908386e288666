//! Reports without a browser: Markdown, JSON.

use super::escape::markdown;
use super::facts;
use super::numbers::{half, interval, p, percent, points, seconds, short};
use super::{Board, Report, Row, csv};
use crate::Error;

impl Report {
    /// Tables in Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n", facts::heading(self));
        text += &format!("\n{}\n", markdown(&facts::scope(self)));
        for remark in facts::remarks(self) {
            text += &format!("\n- {}", markdown(&remark));
        }
        for board in &self.boards {
            text += &format!("\n## {}\n\n{}\n", markdown(&board.title), table(board));
            for note in facts::notes(board) {
                text += &format!("{}\n", markdown(&note));
            }
        }
        if !self.gaps.is_empty() {
            text += "\n## Without results\n\n";
            for gap in &self.gaps {
                let told = format!("{} in {}: {}", gap.strategy, gap.scenario, gap.reason);
                text += &format!("- {}\n", markdown(&told));
            }
        }
        text += "\n## To repeat it\n\n";
        match &self.origin {
            Some(origin) => {
                text +=
                    &format!("    {}\n\nMachine: {}\n", origin.command, markdown(&origin.machine));
            }
            None => text += &format!("{}\n", facts::NO_ORIGIN),
        }
        for board in &self.boards {
            text += &format!("\n## Settings and conventions: {}\n\n", markdown(&board.title));
            text += "| name | value |\n|---|---|\n";
            for (name, value) in facts::settings(board).into_iter().chain(board.conventions.clone())
            {
                text += &format!("| {} | {} |\n", markdown(&name), markdown(&value));
            }
        }
        text
    }

    /// One line per row of every board, in fractions, bytes, multiply-accumulates and seconds.
    #[must_use]
    pub fn csv(&self) -> String {
        csv::text(self)
    }

    /// All that was worked out.
    ///
    /// # Errors
    /// None for what was read.
    pub fn json(&self) -> Result<String, Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

fn table(board: &Board) -> String {
    let header = [
        "#",
        "strategy",
        "group",
        "final accuracy, %",
        "against the best",
        "p (Holm)",
        "average incremental, %",
        "learning, %",
        "forgetting, %",
        "bytes kept",
        "MAC",
        "s",
        "seeds",
    ];
    let mut text =
        format!("| {} |\n|--:|:--|:--{}|\n", header.join(" | "), "|--:".repeat(header.len() - 3));
    for row in &board.rows {
        text += &format!("| {} |\n", cells(row).join(" | "));
    }
    text
}

fn cells(row: &Row) -> Vec<String> {
    let metric = |name: &str| row.metrics.get(name).map_or("-".to_owned(), interval);
    let best = row.against_best;
    let against = best.map(|it| match half(&it.paired.difference) {
        Some(half) => format!("{} ± {}", points(it.paired.difference.mean), percent(half)),
        None => points(it.paired.difference.mean),
    });
    let star = if row.is_baseline { " \\*" } else { "" };
    vec![
        row.rank.map_or("-".to_owned(), |rank| rank.to_string()),
        markdown(&row.label) + star,
        row.group.clone().unwrap_or_default(),
        metric("final_accuracy"),
        against.unwrap_or_default(),
        best.map(|it| p(it.adjusted_p)).unwrap_or_default(),
        metric("average_incremental_accuracy"),
        metric("learning_accuracy"),
        metric("forgetting_chaudhry"),
        short(row.bytes_kept as f64),
        row.macs.map_or("-".to_owned(), |macs| short(macs as f64)),
        seconds(row.seconds.mean),
        row.seeds.len().to_string(),
    ]
}
