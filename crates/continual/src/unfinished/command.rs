//! What was asked for as a command line.

use super::Asked;
use crate::Request;

impl Asked {
    /// The command that asks for it again, as a shell reads it; results go where they go without `--out`.
    #[must_use]
    pub fn command(&self) -> String {
        let mut words = vec!["continual".to_owned()];
        match self {
            Self::Request(request) => {
                words.push("bench".to_owned());
                words.extend(options(request));
            }
            Self::File(file) => {
                let (name, _, given) = file.told();
                words.extend(["run".to_owned(), name.to_owned()]);
                words.extend(
                    given.into_iter().flat_map(|(name, value)| [format!("--{name}"), value]),
                );
            }
            Self::Budget { request, bytes } => {
                let bytes: Vec<String> = bytes.iter().map(ToString::to_string).collect();
                words.extend(["budget".to_owned(), "--bytes".to_owned(), bytes.join(",")]);
                words.extend(options(request));
            }
        }
        words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }

    /// The name and the text of the file that the command reads.
    #[must_use]
    pub fn file(&self) -> Option<(String, String)> {
        match self {
            Self::File(file) => {
                let (name, text, _) = file.told();
                Some((name.to_owned(), text.to_owned()))
            }
            Self::Request(_) | Self::Budget { .. } => None,
        }
    }

    /// Whether it was only a look.
    #[must_use]
    pub fn is_quick(&self) -> bool {
        matches!(self, Self::Request(request) | Self::Budget { request, .. } if request.quick)
    }
}

/// What was said, in the order of the fields.
fn options(request: &Request) -> Vec<String> {
    let text = |name: &'static str, value: Option<String>| (name, value);
    let path =
        |value: &Option<std::path::PathBuf>| value.as_ref().map(|it| it.display().to_string());
    let Request {
        dataset,
        scenario,
        strategy,
        protocol,
        contexts,
        stream,
        fuzziness,
        update_every,
        evaluate_every,
        anytime_every,
        plasticity,
        seeds,
        steps,
        batch,
        hidden,
        weights,
        features,
        optimizer,
        lr,
        set,
        preset,
        data,
        threads,
        device,
        lanes,
        quick,
    } = request;
    let given = [
        text("dataset", dataset.clone()),
        text("scenario", scenario.clone()),
        text("strategy", strategy.clone()),
        text("protocol", protocol.clone()),
        text("contexts", contexts.map(|it| it.to_string())),
        text("stream", stream.clone()),
        text("fuzziness", fuzziness.map(|it| it.to_string())),
        text("update-every", update_every.map(|it| it.to_string())),
        text("evaluate-every", evaluate_every.map(|it| it.to_string())),
        text("anytime-every", anytime_every.map(|it| it.to_string())),
        text("seeds", seeds.map(|it| it.to_string())),
        text("steps", steps.map(|it| it.to_string())),
        text("batch", batch.map(|it| it.to_string())),
        text("hidden", hidden.clone()),
        text("weights", path(weights)),
        text("features", features.clone()),
        text("optimizer", optimizer.clone()),
        text("lr", lr.map(|it| it.to_string())),
        text("preset", preset.clone()),
        text("data", path(data)),
        text("threads", threads.map(|it| it.to_string())),
        text("device", device.clone()),
        text("lanes", lanes.map(|it| it.to_string())),
    ];
    let given = given.into_iter().chain(set.iter().map(|it| ("set", Some(it.clone()))));
    let given = given.filter_map(|(name, value)| Some([format!("--{name}"), value?]));
    let flags = [("--plasticity", *plasticity), ("--quick", *quick)];
    let flags = flags.into_iter().filter(|(_, said)| *said).map(|(name, _)| name.to_owned());
    given.flatten().chain(flags).collect()
}

/// A word that a shell reads as one.
fn quoted(word: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_./,=:+@%".contains(it);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ExperimentFile;

    #[test]
    fn a_command_says_what_was_said_and_nothing_else() {
        let request = Request {
            strategy: Some("none,xdg+ewc".to_owned()),
            seeds: Some(3),
            set: vec!["ewc.lambda=1,1e2".to_owned()],
            data: Some("/my data/o'neil".into()),
            quick: true,
            ..Request::default()
        };
        assert_eq!(
            Asked::Request(request.clone()).command(),
            "continual bench --strategy none,xdg+ewc --seeds 3 --data '/my data/o'\\''neil' --set \
             ewc.lambda=1,1e2 --quick"
        );
        let request = Request { data: None, ..request };
        let budget = Asked::Budget { request, bytes: vec![1000, 5] };
        assert!(budget.command().starts_with("continual budget --bytes 1000,5 --strategy none"));
        let file = Asked::File(ExperimentFile::parse("seeds = 2", "mine.toml").threads(2));
        assert_eq!(file.command(), "continual run mine.toml --threads 2");
        assert_eq!(file.file().unwrap().1, "seeds = 2");
    }
}
