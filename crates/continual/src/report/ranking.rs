//! Tables of the page.

use super::escape::html;
use super::numbers::{half, p, percent, points, seconds, short};
use super::plots::Inks;
use super::{Board, Row};
use cl_metrics::Summary;
use std::collections::BTreeSet;

/// A column: its name, what stands below the name, the cells it has in a row, and how it sorts first.
type Column = (&'static str, &'static str, usize, &'static str);

const COLUMNS: [Column; 11] = [
    ("group", "letters", 1, "ascending"),
    ("final accuracy, %", "mean ± 95 % interval", 3, "descending"),
    ("against the best", "paired, points ± 95 %", 2, "descending"),
    ("p", "Holm", 1, "ascending"),
    ("incremental, %", "average ± 95 %", 2, "descending"),
    ("learning, %", "when just learned", 2, "descending"),
    ("forgetting, points", "Chaudhry 2018", 2, "ascending"),
    ("kept", "bytes", 1, "ascending"),
    ("work", "MAC of a run", 1, "ascending"),
    ("training", "s of a run", 1, "ascending"),
    ("seeds", "", 1, "descending"),
];

/// The ranking of a board, its best `most` rows.
pub(super) fn ranking(board: &Board, inks: &Inks, most: usize) -> String {
    let mut head = String::from(
        "<th class=\"first\" data-sort=\"ascending\" data-column=\"0\" scope=\"col\">strategy<small>rank by final \
         accuracy</small></th>",
    );
    let mut column = 1;
    for (name, below, cells, sort) in COLUMNS {
        let class = if name == "group" { "" } else { " class=\"n\"" };
        let span = if cells > 1 { format!(" colspan=\"{cells}\"") } else { String::new() };
        head += &format!(
            "<th{class}{span} data-sort=\"{sort}\" data-column=\"{column}\" scope=\"col\">{name}<small>{below}</small></th>"
        );
        column += cells;
    }
    let ends = ends(board);
    let rows: String = board.rows.iter().take(most).map(|row| line(row, inks, ends)).collect();
    format!(
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"ranking\"><table class=\"sorts\"><thead><tr>{head}</tr></thead>\
         <tbody>{rows}</tbody></table></div>"
    )
}

fn line(row: &Row, inks: &Inks, ends: (f64, f64)) -> String {
    let class = match (row.is_baseline, row.rank) {
        (true, _) => " class=\"base\"",
        (false, Some(1)) => " class=\"top\"",
        _ => "",
    };
    let label = html(&row.label);
    let mut text =
        format!("<tr{class} data-s=\"{}\" data-name=\"{label}\">", inks.number(&row.label));
    let rank = row.rank.map_or("\u{2013}".to_owned(), |rank| rank.to_string());
    let sort = row.rank.map_or(String::new(), |rank| rank.to_string());
    text += &format!(
        "<th class=\"first\" scope=\"row\" data-v=\"{sort}\" title=\"{label}\"><span class=\"rank\">{rank}</span>{}{label}</th>",
        inks.swatch(&row.label)
    );
    let group = row.group.as_deref().unwrap_or("");
    text += &format!("<td class=\"group\" data-v=\"{group}\">{group}</td>");
    text += &measured(row.last(), percent, "final");
    text +=
        &format!("<td>{}</td>", row.last().map_or(String::new(), |it| strip(row, it, inks, ends)));
    match row.against_best {
        Some(best) => {
            text += &measured(Some(&best.paired.difference), points, "");
            text += &cell(&p(best.adjusted_p), best.adjusted_p);
        }
        None if row.rank == Some(1) => {
            text += "<td class=\"n v\" data-v=\"0\">best</td><td></td><td data-v=\"\"></td>"
        }
        None => text += "<td data-v=\"\"></td><td></td><td data-v=\"\"></td>",
    }
    text += &measured(row.metrics.get("average_incremental_accuracy"), percent, "");
    text += &measured(row.metrics.get("learning_accuracy"), percent, "");
    text += &measured(row.metrics.get("forgetting_chaudhry"), percent, "");
    text += &cell(&short(row.bytes_kept as f64), row.bytes_kept as f64);
    text += &row.macs.map_or(nothing(), |macs| cell(&short(macs as f64), macs as f64));
    text += &cell(&seconds(row.seconds.mean), row.seconds.mean);
    text += &cell(&row.seeds.len().to_string(), row.seeds.len() as f64);
    text + "</tr>"
}

fn cell(text: &str, value: f64) -> String {
    format!("<td class=\"n\" data-v=\"{value}\">{}</td>", html(text))
}

fn nothing() -> String {
    "<td class=\"n\" data-v=\"\">\u{2013}</td>".to_owned()
}

/// Mean and half the interval, in two cells, so that digits stand below each other.
fn measured(summary: Option<&Summary>, told: fn(f64) -> String, class: &str) -> String {
    let Some(summary) = summary else {
        return nothing().replace("\"n\"", "\"n v\"") + "<td class=\"pm\"></td>";
    };
    let half = half(summary).map_or(String::new(), |half| format!("± {}", percent(half)));
    format!(
        "<td class=\"n v {class}\" data-v=\"{}\">{}</td><td class=\"pm\">{half}</td>",
        summary.mean,
        told(summary.mean)
    )
}

/// From the lowest to the highest end of the intervals of final accuracies, within 0 and 1.
fn ends(board: &Board) -> (f64, f64) {
    let all = board.rows.iter().filter_map(Row::last).map(whole);
    let (low, high) =
        all.fold((1.0, 0.0_f64), |(low, high): (f64, f64), it| (low.min(it.0), high.max(it.1)));
    if high > low { (low, high) } else { (low - 0.01, low + 0.01) }
}

fn whole(summary: &Summary) -> (f64, f64) {
    let (low, high) = summary.ci95.unwrap_or((summary.mean, summary.mean));
    (low.max(0.0), high.min(1.0))
}

/// The interval as a line with a dot at the mean.
fn strip(row: &Row, summary: &Summary, inks: &Inks, (least, most): (f64, f64)) -> String {
    let x = |value: f64| 4.0 + 112.0 * (value - least) / (most - least);
    let (low, high) = whole(summary);
    format!(
        "<svg class=\"strip {}\" viewBox=\"0 0 120 16\" aria-hidden=\"true\"><path class=\"axis\" d=\"M0 8H120\"/><path \
         class=\"w\" d=\"M{:.1} 8H{:.1}\"/><circle class=\"m\" cx=\"{:.1}\" cy=\"8\" r=\"3.6\"/></svg>",
        inks.class(&row.label),
        x(low),
        x(high),
        x(summary.mean)
    )
}

/// Final accuracies of all boards beside each other.
pub(super) fn overview(boards: &[Board], inks: &Inks, most: usize) -> String {
    let head: String = boards
        .iter()
        .enumerate()
        .map(|(at, board)| {
            format!(
                "<th class=\"n\" colspan=\"2\" data-sort=\"descending\" data-column=\"{}\" scope=\"col\">{}</th>",
                1 + 2 * at,
                html(&board.title)
            )
        })
        .collect();
    let mut known = BTreeSet::new();
    let rows = boards.iter().flat_map(|board| &board.rows);
    let labels = rows.filter(|row| known.insert(&row.label)).take(most);
    let mut lines = String::new();
    for first in labels {
        let class = if first.is_baseline { " class=\"base\"" } else { "" };
        let label = html(&first.label);
        lines += &format!(
            "<tr{class} data-s=\"{}\" data-name=\"{label}\"><th class=\"first\" scope=\"row\" data-v=\"{label}\" \
             title=\"{label}\">{}{label}</th>",
            inks.number(&first.label),
            inks.swatch(&first.label)
        );
        for board in boards {
            let row = board.rows.iter().find(|row| row.label == first.label);
            lines += &measured(row.and_then(Row::last), percent, "");
        }
        lines += "</tr>";
    }
    format!(
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"all rankings\"><table class=\"sorts\"><thead><tr><th class=\"first\" \
         data-sort=\"ascending\" scope=\"col\">strategy</th>{head}</tr></thead><tbody>{lines}</tbody></table></div>"
    )
}
