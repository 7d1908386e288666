//! The figures of a board.

use super::escape::{data, html};
use super::plots::{
    DORMANT, Inks, MOST_SIDE, ON_THE_WAY, OVER_CONTEXTS, Point, Scatter, curves, dots, matrices,
};
use super::{Board, Row};

/// So many rows have a curve, a point, a dot: more nobody tells apart.
const MOST_CURVES: usize = 18;
const MOST_POINTS: usize = 60;
const MOST_DOTS: usize = 30;
/// So many cells of matrices there are in a board.
pub(super) const MOST_CELLS: usize = 6000;

/// What a figure is made of.
struct Figure<'t> {
    class: &'t str,
    title: &'t str,
    /// Of files that are saved.
    name: String,
    drawn: (String, String),
    note: String,
}

impl Figure<'_> {
    fn html(&self) -> String {
        let Self { class, title, name, drawn: (svg, csv), note } = self;
        let note = if note.is_empty() {
            String::new()
        } else {
            format!("<p class=\"quiet\">{}</p>", html(note))
        };
        format!(
            "<figure class=\"{class}\"><figcaption><h3>{title}</h3><span class=\"save\"><button class=\"js\" type=\"button\" \
             data-file=\"{0}.svg\">SVG</button><a download=\"{0}.csv\" href=\"data:text/csv;charset=utf-8,{1}\">CSV</a></span>\
             </figcaption>{svg}{note}</figure>",
            html(name),
            data(csv)
        )
    }
}

/// All figures of a board, each as HTML of its own; `cells` of matrices at most.
pub(super) fn figures(board: &Board, inks: &Inks, cells: usize) -> Vec<String> {
    let file = |what: &str| format!("{what}-{}", slug(&board.title));
    let told = |what: &str| format!("{what}, {}", board.title);
    let mut all = Vec::new();
    let chosen = best(board, MOST_CURVES);
    if chosen.iter().any(|row| row.seen.len() > 1) {
        all.push(Figure {
            class: "large",
            title: "Accuracy over contexts",
            name: file("contexts"),
            drawn: curves(&OVER_CONTEXTS, &chosen, inks, &told("accuracy over contexts")),
            note: format!(
                "Mean over the contexts so far; band: 95 % interval over seeds; across: trained on all contexts \
                 at once.{}",
                left_out(board, chosen.len())
            ),
        });
    }
    let probed: Vec<&Row> = chosen.iter().copied().filter(|row| !row.dormant.is_empty()).collect();
    let mut on_the_way = chosen;
    let of_curves = left_out(board, on_the_way.len());
    on_the_way.retain(|row| !row.way.is_empty());
    if !on_the_way.is_empty() {
        all.push(Figure {
            class: "large",
            title: "The first context, on the way",
            name: file("way"),
            drawn: curves(&ON_THE_WAY, &on_the_way, inks, &told("accuracy on the way")),
            note: format!(
                "Evaluated while the run trains; of evaluations too close to be drawn the lowest. A drop that is \
                 regained is a stability gap (De Lange et al. 2023). Band: 95 % interval over seeds.{of_curves}"
            ),
        });
    }
    let stability: Vec<Point<'_>> = best(board, MOST_POINTS)
        .into_iter()
        .filter_map(|row| {
            let (old, new) = (row.old?, row.new?);
            let label = &row.label;
            Some(Point { label, x: new.mean, y: old.mean, x_ends: new.ci95, y_ends: old.ci95 })
        })
        .collect();
    if !stability.is_empty() {
        let count = stability.len();
        let (x, y) =
            ("plasticity: new contexts when learned, %", "stability: old contexts at the end, %");
        let scatter = Scatter { x, y, is_cost: false, points: stability };
        all.push(Figure {
            class: "large",
            title: "Stability against plasticity",
            name: file("stability"),
            drawn: scatter.draw(inks, &told("stability against plasticity")),
            note: format!(
                "Old: all contexts but the last. New: all but the first. Lines: 95 % intervals.{}",
                left_out(board, count)
            ),
        });
    }
    let costs: [(&str, &str, &str, Cost); 2] = [
        ("Accuracy against bytes", "bytes kept between contexts", "bytes", |row| {
            Some(row.bytes_kept)
        }),
        ("Accuracy against work", "multiply-accumulates of a run", "macs", |row| row.macs),
    ];
    for (title, x, name, cost) in costs {
        all.extend(against(board, inks, title, x, cost).map(|(drawn, note)| Figure {
            class: "",
            title,
            name: file(name),
            drawn,
            note,
        }));
    }
    let forgetting = "forgetting_chaudhry";
    let mut dotted = best(board, MOST_DOTS);
    let cut = left_out(board, dotted.len());
    dotted.retain(|row| row.metrics.contains_key(forgetting));
    if !dotted.is_empty() {
        let name = "forgetting, points";
        all.push(Figure {
            class: "",
            title: "Forgetting",
            name: file("forgetting"),
            drawn: dots(&dotted, forgetting, name, inks, &told("forgetting")),
            note: format!(
                "Best accuracy before the last context minus that at the end, mean over the contexts but the last \
                 (Chaudhry et al. 2018).{cut}"
            ),
        });
    }
    if !probed.is_empty() {
        all.push(Figure {
            class: "",
            title: "Dormant units",
            name: file("dormant"),
            drawn: curves(&DORMANT, &probed, inks, &told("dormant units")),
            note: format!(
                "The share of hidden units that are not 0 for less than 1 % of the test rows: they no longer learn \
                 (Dohare et al. 2024). Band: 95 % interval over seeds.{of_curves}"
            ),
        });
    }
    all.extend(grid(board, inks, cells, file("matrices")));
    all.iter().map(Figure::html).collect()
}

type Cost = fn(&Row) -> Option<u64>;

fn against(
    board: &Board,
    inks: &Inks,
    title: &str,
    x: &str,
    cost: Cost,
) -> Option<((String, String), String)> {
    let of = |row: &'_ &Row| cost(row).is_some() && row.last().is_some();
    let mut rows = best(board, MOST_POINTS);
    rows.retain(|row| of(row));
    let points: Vec<Point<'_>> = rows
        .iter()
        .filter_map(|row| {
            let (cost, last) = (cost(row)? as f64, row.last()?);
            Some(Point {
                label: &row.label,
                x: cost,
                y: last.mean,
                x_ends: None,
                y_ends: last.ci95,
            })
        })
        .collect();
    let scatter = Scatter { x, y: "final accuracy, %", is_cost: true, points };
    (!rows.is_empty()).then(|| {
        let note = format!("Dashed: the best at most so much.{}", left_out(board, rows.len()));
        (scatter.draw(inks, &format!("{title}, {}", board.title)), note)
    })
}

/// Matrices, as many as fit `cells`.
fn grid<'t>(board: &Board, inks: &Inks, cells: usize, name: String) -> Option<Figure<'t>> {
    let side = board.settings.contexts.clamp(1, MOST_SIDE);
    let rows = best(board, (cells / (side * side)).max(1));
    let (svg, csv) = matrices(&rows, inks);
    (board.settings.contexts > 1).then(|| Figure {
        class: "whole",
        title: "Accuracy matrices",
        name,
        drawn: (format!("<div class=\"matrices\">{svg}</div>"), csv),
        note: format!(
            "Row: after a context, column: on a context, mean over seeds, %; the stronger the colour, the higher.{}{}",
            if board.settings.contexts > MOST_SIDE {
                format!(" {MOST_SIDE} of {} contexts are shown.", board.settings.contexts)
            } else {
                String::new()
            },
            left_out(board, rows.len())
        ),
    })
}

/// The best rows and the baselines, so many in all, in the order of the board.
fn best(board: &Board, most: usize) -> Vec<&Row> {
    let baselines = board.rows.iter().filter(|row| row.is_baseline).count().min(most / 4);
    let mut left = (baselines, most - baselines);
    let keep = |row: &&Row| {
        let left = if row.is_baseline { &mut left.0 } else { &mut left.1 };
        let is_kept = *left > 0;
        *left = left.saturating_sub(1);
        is_kept
    };
    board.rows.iter().filter(keep).collect()
}

fn left_out(board: &Board, shown: usize) -> String {
    match board.rows.len() > shown && shown > 0 {
        true => format!(" {shown} of {} rows.", board.rows.len()),
        false => String::new(),
    }
}

/// A title as part of the name of a file.
fn slug(title: &str) -> String {
    let kept = title
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { ' ' });
    let text: String = kept.take(60).collect();
    text.split_whitespace().collect::<Vec<_>>().join("-")
}
