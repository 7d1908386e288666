//! What the doc comments of a strategy say.

use std::error::Error;
use std::path::Path;

/// Where each strategy is documented: its name, the file under `crates/`, the item. Several rows: one behind
/// the other.
const ITEMS: &[(&str, &str, &str)] = &[
    ("none", "cl-core/src/strategy.rs", "struct Naive"),
    ("ewc", "cl-regularize/src/ewc.rs", "struct Ewc"),
    ("ewc-online", "cl-regularize/src/online_ewc.rs", "struct OnlineEwc"),
    ("ewc-kfac", "cl-regularize/src/kfac.rs", "struct KfacEwc"),
    ("si", "cl-regularize/src/si.rs", "struct Si"),
    ("mas", "cl-regularize/src/mas.rs", "struct Mas"),
    ("l2", "cl-regularize/src/l2.rs", "struct L2"),
    ("l2-init", "cl-regularize/src/l2_init.rs", "struct L2Init"),
    ("owm", "cl-regularize/src/owm.rs", "enum Owm"),
    ("lwf", "cl-regularize/src/lwf.rs", "struct Lwf"),
    ("fromp", "cl-regularize/src/fromp.rs", "struct Fromp"),
    ("fromp-l2", "cl-regularize/src/fromp.rs", "struct Fromp"),
    ("xdg", "cl-gating/src/xdg.rs", "struct Xdg"),
    ("lxdg", "cl-gating/src/lxdg/method.rs", "struct Lxdg"),
    ("hat", "cl-gating/src/hat.rs", "struct Hat"),
    ("packnet", "cl-gating/src/packnet.rs", "struct PackNet"),
    ("separate", "cl-gating/src/separate.rs", "struct Separate"),
    ("er", "cl-replay/src/experience.rs", "struct ExperienceReplay"),
    ("er-reservoir", "cl-replay/src/reservoir.rs", "struct ReservoirReplay"),
    ("agem", "cl-replay/src/agem.rs", "struct Agem"),
    ("gem", "cl-replay/src/gem.rs", "struct Gem"),
    ("der", "cl-replay/src/der.rs", "struct Der"),
    ("derpp", "cl-replay/src/derpp.rs", "struct DerPlusPlus"),
    ("er-ace", "cl-replay/src/er_ace.rs", "struct ErAce"),
    ("mir", "cl-replay/src/mir.rs", "struct Mir"),
    ("gdumb", "cl-replay/src/gdumb.rs", "struct Gdumb"),
    ("dgr", "cl-replay/src/generative/dgr.rs", "struct Dgr"),
    ("dgr-distill", "cl-replay/src/generative/dgr.rs", "struct Dgr"),
    ("dgr-gan", "cl-replay/src/generative/dgr.rs", "struct Dgr"),
    ("dgr-gan", "cl-replay/src/generative/gan.rs", "struct GanGenerator"),
    ("rtf", "cl-replay/src/generative/rtf.rs", "struct ReplayThroughFeedback"),
    ("bir", "cl-replay/src/generative/rtf.rs", "struct ReplayThroughFeedback"),
    ("icarl", "cl-templates/src/icarl.rs", "struct Icarl"),
    ("icarl", "cl-templates/src/icarl_task_free.rs", "struct TaskFreeIcarl"),
    ("icarl-ssl", "cl-templates/src/icarl_ssl.rs", "struct IcarlSsl"),
    ("ncm", "cl-templates/src/ncm.rs", "struct Ncm"),
    ("slda", "cl-templates/src/slda.rs", "struct Slda"),
    ("fecam", "cl-templates/src/fecam.rs", "struct Fecam"),
    ("ranpac", "cl-templates/src/ranpac.rs", "struct Ranpac"),
    (
        "generative-classifier",
        "cl-templates/src/generative_classifier.rs",
        "struct GenerativeClassifier",
    ),
    ("ncm-pixels", "cl-templates/src/ncm.rs", "struct Ncm"),
    ("cumulative", "continual/src/methods/baselines.rs", "const CUMULATIVE"),
    ("joint", "continual/src/methods/baselines.rs", "const JOINT"),
];

/// The doc comments of a strategy and the files that have them.
pub(super) struct Documented {
    pub(super) files: Vec<&'static str>,
    /// Markdown.
    pub(super) text: String,
}

/// The doc comments of a strategy; `root` is the repository.
pub(super) fn documented(root: &Path, name: &str) -> Result<Documented, Box<dyn Error>> {
    let (mut files, mut texts) = (Vec::new(), Vec::new());
    for (_, file, item) in ITEMS.iter().filter(|(known, ..)| *known == name) {
        let path = root.join("crates").join(file);
        let source = std::fs::read_to_string(&path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let text = comment(&source, item).ok_or_else(|| format!("{file}: `{item}` has no docs"))?;
        files.push(*file);
        texts.push(text);
    }
    match files.is_empty() {
        true => Err(format!("{name}: examples/guide/src/methods/code.rs names no item").into()),
        false => Ok(Documented { files, text: texts.join("\n\n") }),
    }
}

/// The `///` lines above an item, without their marks and without links that only rustdoc can follow.
fn comment(source: &str, item: &str) -> Option<String> {
    let is_item = |line: &&str| {
        let declared = line.strip_prefix("pub ").or_else(|| line.strip_prefix("pub(crate) "));
        let rest = declared.and_then(|it| it.strip_prefix(item));
        rest.is_some_and(|rest| rest.starts_with([' ', ':', '<', '(', ';']))
    };
    let before: Vec<&str> = source.lines().take_while(|line| !is_item(line)).collect();
    if before.len() == source.lines().count() {
        return None;
    }
    let above = before.iter().rev().skip_while(|line| line.starts_with("#["));
    let mut lines: Vec<&str> = above.map_while(|line| line.strip_prefix("///")).collect();
    lines.reverse();
    let lines = lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line));
    let text = lines.collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then(|| without_links(&text))
}

/// Links of rustdoc as their text; addresses on the web stay.
fn without_links(text: &str) -> String {
    let (mut told, mut rest) = (String::new(), text);
    while let Some(start) = rest.find('[') {
        told += &rest[..start];
        let is_escaped = told.ends_with('\\');
        let inner = &rest[start + 1..];
        let shown = inner.split_once(']').filter(|_| !is_escaped);
        let replaced = shown.and_then(|(shown, after)| {
            let target = after.strip_prefix('(').and_then(|it| it.split_once(')'));
            match target {
                Some((target, after)) => (!target.contains("://")).then_some((shown, after)),
                None => (shown.starts_with('`') && shown.ends_with('`')).then_some((shown, after)),
            }
        });
        let (shown, after) = replaced.unwrap_or(("[", inner));
        told += shown;
        rest = after;
    }
    told + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comment_above_an_item_is_found_and_its_links_are_text() {
        let source = "/// Of `Ewc2`.\npub struct Ewc2;\n\n\
                      /// One: [`Fisher`] in [0, 1], `[rows]`.\n///\n\
                      /// Two, [eq. 3](cl_core::Step) of [here](https://example.org).\n\
                      #[derive(Debug)]\npub struct Ewc {\n";
        let expected = "One: `Fisher` in [0, 1], `[rows]`.\n\n\
                        Two, eq. 3 of [here](https://example.org).";
        assert_eq!(comment(source, "struct Ewc").as_deref(), Some(expected));
        assert_eq!(comment(source, "struct Ewc3"), None);
    }
}
