//! The page.

use super::escape::{base64, data, html};
use super::facts::{self, Shared, shared};
use super::plots::Inks;
use super::ranking::{overview, ranking};
use super::titles::told;
use super::{Board, Report, figures};
use crate::Error;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::PathBuf;

const PLOTS: &str = include_str!("plots.css");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// No page is larger, in bytes: what would be is left out and said so.
const MOST: usize = 1_900_000;
/// Of that, for what stands below figures.
const RESERVED: usize = 300_000;
/// Rows of all tables, boards with a link on top, columns of the overview.
const MOST_ROWS: usize = 900;
const MOST_LINKS: usize = 24;
const MOST_BESIDE: usize = 8;

impl Report {
    /// The name of the page.
    pub const FILE: &'static str = "report.html";

    /// Writes the page into the folder, in place of an earlier one.
    ///
    /// # Errors
    /// What the disk refuses.
    pub fn write(&self) -> Result<PathBuf, Error> {
        let path = self.folder.join(Self::FILE);
        let text = self.html();
        cl_core::write_atomically(&path, |file| file.write_all(text.as_bytes()))
            .map_err(|source| Error::Write { path: path.clone(), source })?;
        Ok(path)
    }

    /// One page that needs nothing beside it: no network, no file. Below 2 MB, whatever the results are.
    #[must_use]
    pub fn html(&self) -> String {
        let inks = Inks::of(&self.boards);
        let mut sheet = Sheet { text: head(self), left_out: 0 };
        sheet.text += &self.top();
        if self.boards.len() > 1 && self.boards.len() <= MOST_BESIDE {
            let note = "<p class=\"quiet\">Final accuracy in %, mean ± half the 95 % interval over seeds.</p>";
            let table = overview(&self.boards, &inks, MOST_ROWS / 3);
            sheet.add(format!("<section id=\"all\"><h2>All rankings</h2>{note}{table}</section>"));
        }
        let rows = (MOST_ROWS / self.boards.len().max(1)).max(20);
        let cells = figures::MOST_CELLS / self.boards.len().max(1);
        for (at, board) in self.boards.iter().enumerate() {
            let mut open = format!("<section id=\"b{at}\"><h2>{}</h2>", html(&board.title));
            open += &format!("<p class=\"quiet\">{}</p>", html(&summary(board)));
            open += &ranking(board, &inks, rows);
            if board.rows.len() > rows {
                open += &format!(
                    "<p class=\"quiet\">The best {rows} of {} rows; all: continual report DIR --format csv.</p>",
                    board.rows.len()
                );
            }
            for note in facts::notes(board) {
                open += &format!("<p class=\"quiet\">{}</p>", html(&note));
            }
            if !sheet.add(open + "<div class=\"figures\">") {
                continue;
            }
            for figure in figures::figures(board, &inks, cells) {
                sheet.add(figure);
            }
            sheet.text += "</div></section>";
        }
        if sheet.left_out > 0 {
            sheet.text += &format!(
                "<p>{} rankings and figures are left out, for the page would be larger than 2 MB; all: \
                 continual report DIR --format json.</p>",
                sheet.left_out
            );
        }
        sheet.finish(self.bottom())
    }

    fn top(&self) -> String {
        let mut text = format!(
            "<header><p class=\"over\">continual, benchmark report</p><h1>{}</h1><dl class=\"counts\">",
            html(&capital(&facts::heading(self)))
        );
        for (what, count) in facts::counts(self) {
            text += &format!("<div><dt>{what}</dt><dd>{}</dd></div>", html(&count));
        }
        text += "</dl></header>";
        let remarks = facts::remarks(self);
        if !remarks.is_empty() {
            let all: String = remarks.iter().map(|it| format!("<li>{}</li>", html(it))).collect();
            text += &format!("<ul class=\"remarks\">{all}</ul>");
        }
        text += "<div class=\"bar\"><nav aria-label=\"rankings\">";
        for (at, board) in self.boards.iter().enumerate().take(MOST_LINKS) {
            text += &format!("<a href=\"#b{at}\">{}</a>", html(&board.title));
        }
        text + "<a href=\"#repeat\">Repeat it</a></nav><label class=\"find js\"><span id=\"shown\" \
                role=\"status\"></span><input id=\"filter\" type=\"search\" placeholder=\"Filter strategies\" \
                aria-label=\"filter strategies\" autocomplete=\"off\"></label></div><main>"
    }

    /// Each part of what stands below figures.
    fn bottom(&self) -> Vec<String> {
        let mut parts = Vec::new();
        if !self.gaps.is_empty() {
            let of = |gap: &super::Gap| {
                format!(
                    "<li>{} in {}: {}</li>",
                    html(&gap.strategy),
                    html(&gap.scenario),
                    html(&gap.reason)
                )
            };
            let all: String = self.gaps.iter().take(200).map(of).collect();
            parts.push(format!("<section><h2>Without results</h2><ul>{all}</ul></section>"));
        }
        let mut repeat = String::from("<section id=\"repeat\"><h2>Repeat it</h2>");
        match &self.origin {
            None => repeat += &format!("<p>{}</p>", html(facts::NO_ORIGIN)),
            Some(origin) => {
                repeat += &format!(
                    "<p>Same program, same machine: the same bits. In a clone of the repository \
                     <code>cargo run --release -p continual --</code> stands for <code>continual</code>. <button class=\"copy js\" type=\"button\">Copy\
                     </button></p><pre>{}</pre>",
                    html(&origin.command)
                );
                if let Some((name, text)) = &origin.file {
                    repeat += &format!("<p>{}:</p><pre>{}</pre>", html(name), html(text));
                }
            }
        }
        parts.push(repeat + "</section>");
        let settings: Vec<_> = self.boards.iter().map(|board| told(&board.settings)).collect();
        let conventions: Vec<_> = self.boards.iter().map(|it| it.conventions.clone()).collect();
        let environment: Vec<_> = self.boards.iter().map(|board| self.environment(board)).collect();
        for (name, all) in
            [("Settings", settings), ("Conventions", conventions), ("Environment", environment)]
        {
            parts.push(self.details(name, &shared(&all)));
        }
        parts.push(self.strategies());
        parts.push(format!(
            "<p class=\"quiet\">All rows with every metric: <a download=\"results.csv\" \
             href=\"data:text/csv;charset=utf-8,{}\">results.csv</a></p>",
            data(&self.csv())
        ));
        parts
    }

    fn environment(&self, board: &Board) -> BTreeMap<String, String> {
        let [devices, threads, members] = board.environment.clone().map(|all| all.join("; "));
        let mut all: BTreeMap<String, String> = [
            ("program", format!("continual {}", board.version)),
            ("device", devices),
            ("threads", threads),
            ("runs trained at once", members),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if let Some(origin) = &self.origin {
            all.insert("machine".to_owned(), origin.machine.clone());
        }
        all
    }

    fn details(&self, name: &str, shared: &Shared) -> String {
        let mut rows = String::new();
        for (name, value) in &shared.same {
            rows += &fact(&name.replace('_', " "), value);
        }
        for (name, values) in &shared.other {
            let all = self.boards.iter().zip(values).take(MOST_LINKS);
            let told: Vec<String> =
                all.map(|(board, it)| format!("{}: {it}", board.title)).collect();
            rows += &fact(&name.replace('_', " "), &told.join("; "));
        }
        format!(
            "<details open><summary>{name}</summary><div class=\"wide\"><table class=\"facts\"><tbody>{rows}</tbody></table></div></details>"
        )
    }

    /// Hyper-parameters and conventions of every row.
    fn strategies(&self) -> String {
        let mut known = BTreeMap::new();
        for row in self.boards.iter().flat_map(|board| &board.rows) {
            known
                .entry((row.label.as_str(), text_of(&row.hyper), said(&row.conventions)))
                .or_insert(());
        }
        let rows: String = known
            .keys()
            .take(MOST_ROWS / 3)
            .map(|(label, hyper, conventions)| {
                let parts: Vec<&str> = [hyper, conventions]
                    .into_iter()
                    .map(String::as_str)
                    .filter(|it| !it.is_empty())
                    .collect();
                fact(label, &parts.join(". "))
            })
            .collect();
        format!(
            "<details><summary>Strategies: hyper-parameters and conventions</summary><div class=\"wide\"><table \
             class=\"facts\"><tbody>{rows}</tbody></table></div></details>"
        )
    }
}

/// A page that grows, as far as it may.
struct Sheet {
    text: String,
    left_out: usize,
}

impl Sheet {
    fn add(&mut self, part: String) -> bool {
        let fits = self.text.len() + part.len() + RESERVED <= MOST;
        match fits {
            true => self.text += &part,
            false => self.left_out += 1,
        }
        fits
    }

    /// What stands below, each part where it fits, and the end.
    fn finish(mut self, parts: Vec<String>) -> String {
        for part in parts {
            if self.text.len() + part.len() + SCRIPT.len() + 1000 <= MOST {
                self.text += &part;
            } else {
                self.text += "<p class=\"quiet\">Left out, for the page would be larger than 2 MB; all: continual \
                              report DIR --format json or csv.</p>";
            }
        }
        self.text + "</main><script>" + SCRIPT + "</script></body></html>\n"
    }
}

/// The script is known by its hash: no other one runs, and nothing is fetched.
fn head(report: &Report) -> String {
    let hash = base64(&Sha256::digest(SCRIPT.as_bytes()));
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; img-src data:\"><link \
         rel=\"icon\" href=\"data:,\"><title>{}</title><style id=\"plots\">{PLOTS}</style><style>{STYLE}</style></head><body>",
        html(&facts::heading(report))
    )
}

fn fact(name: &str, value: &str) -> String {
    format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", html(name), html(value))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|it| it.to_uppercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

fn text_of(hyper: &BTreeMap<String, f64>) -> String {
    let all =
        hyper.iter().map(|(name, value)| format!("{name} = {}", crate::label::number(*value)));
    all.collect::<Vec<_>>().join(", ")
}

fn said(conventions: &BTreeMap<String, String>) -> String {
    let all = conventions.iter().map(|(name, value)| format!("{name}: {value}"));
    all.collect::<Vec<_>>().join("; ")
}

/// How networks are trained, in a line.
fn summary(board: &Board) -> String {
    let it = &board.settings;
    let hidden: Vec<String> = it.hidden.iter().map(ToString::to_string).collect();
    let network = if hidden.is_empty() {
        "no hidden layer".to_owned()
    } else {
        format!("MLP {}", hidden.join("-"))
    };
    let steps = match it.steps_per_context {
        0 => format!("one pass in batches of {}", it.batch),
        steps => format!("{steps} steps of {} rows per context", it.batch),
    };
    format!(
        "{network} · {steps} · {}, lr {} · preset {}",
        it.optimizer,
        crate::label::number(it.lr),
        it.preset
    )
}
