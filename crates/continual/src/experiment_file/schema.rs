//! Every key that the file of an experiment may have, with its default and range.

/// A table of the file and its keys.
#[derive(Debug)]
pub struct Table {
    /// Its name; empty for what stands before the first table.
    pub name: &'static str,
    /// What a key of it is called in messages.
    pub kind: &'static str,
    /// Its keys, in the order of the documentation.
    pub keys: &'static [Key],
}

/// A key.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What holds where it is missing.
    pub default: &'static str,
    /// What is allowed.
    pub range: &'static str,
    /// What it decides.
    pub purpose: &'static str,
}

const fn key(
    name: &'static str,
    default: &'static str,
    range: &'static str,
    purpose: &'static str,
) -> Key {
    Key { name, default, range, purpose }
}

pub(crate) const TOP: Table = Table {
    name: "",
    kind: "top-level key",
    keys: &[
        key(
            "scenario",
            "all three",
            "`task`, `domain`, `class`, or a list of them",
            "what is told at test time: the columns of the table",
        ),
        key(
            "seeds",
            "5",
            "a list; `\"2..6\"`, both ends; or a count from 2 on; at most 1000",
            "one run per seed, all of them one population",
        ),
        key(
            "preset",
            "`paper` on digits, else `vdv`",
            "`paper`, `vdv`, `avalanche`, `mammoth`",
            "whose conventions and strengths the strategies follow",
        ),
        key(
            "device",
            "`cpu`",
            "`cpu`, `gpu`, `gpu:NAME`, `auto`",
            "where all of it runs: on the CPU, the fastest GPU, one of `continual devices`, or a GPU of hardware if there \
             is one; results agree within a tolerance",
        ),
        key(
            "strategy",
            "the curated strategies",
            "a list of names and tables",
            "what is compared: the rows of the table; see below",
        ),
    ],
};

pub(crate) const DATA: Table = Table {
    name: "data",
    kind: "key of [data]",
    keys: &[
        key("dataset", "`digits`", "`digits`, `mnist`, `fashion-mnist`", "the images"),
        key(
            "folder",
            "`$CONTINUAL_DATA`, then the user's cache folder",
            "a path, relative to the file",
            "where the files of `mnist` and `fashion-mnist` are",
        ),
        key("protocol", "`split`", "`split`, `permuted`, `rotated`", "how contexts are made"),
        key(
            "contexts",
            "by protocol",
            "1 to 10000; of `split` a divisor of the classes",
            "number of contexts",
        ),
        key(
            "stream",
            "`sharp`",
            "`sharp`, `fuzzy`, `random`, `one-pass`",
            "how it goes from one context to the next; all but `sharp` tell no boundaries",
        ),
        key(
            "fuzziness",
            "500, or a quarter of a context's steps",
            "0 to `training.steps` / 2",
            "`fuzzy`: steps from the middle of a boundary to either end",
        ),
        key(
            "padding",
            "by protocol",
            "0 to 64; 0 unless `permuted`",
            "zero pixels at each side of an image before it is permuted",
        ),
        key(
            "part",
            "`final`",
            "`final`, `validation`",
            "evaluate on the test images, or on validation images kept out of training",
        ),
    ],
};

pub(crate) const NETWORK: Table = Table {
    name: "network",
    kind: "key of [network]",
    keys: &[
        key(
            "hidden",
            "by protocol",
            "at most 16 numbers from 1 to 16384; `[]` for none",
            "units of each hidden layer of the MLP",
        ),
        key("dropout", "0", "at least 0, below 1", "probability that a hidden unit is dropped"),
        key(
            "init",
            "`fan-in`",
            "`fan-in`, `xavier-uniform`, `xavier-normal`, `kaiming-uniform`, `kaiming-normal`, \
             `orthogonal`",
            "how the weights start; biases are 0 but with `fan-in`, which is PyTorch's default",
        ),
        key(
            "weights",
            "drawn",
            "a path, relative to the file",
            "a safetensors file that every network starts with: `w1`, `b1`, .. of type F32; outputs of another number \
             are drawn",
        ),
        key(
            "head",
            "`full`",
            "`full`, `growing`",
            "outputs of all classes from the first step on, or of those that came so far",
        ),
    ],
};

pub(crate) const TRAINING: Table = Table {
    name: "training",
    kind: "key of [training]",
    keys: &[
        key("steps", "by protocol", "at least 1", "steps per context"),
        key("batch", "by protocol", "1 to 16384", "rows of the stream per step"),
        key(
            "reset_optimizer",
            "`false`",
            "`true`, `false`",
            "whether the optimizer starts afresh in every context",
        ),
        key(
            "mix",
            "`by-context`; `{ fixed = 0.5 }` without boundaries",
            "`by-context`, `by-rows`, `sum`, `{ fixed = X }` with X from 0 to 1",
            "how rows of the stream and of a memory are weighed, unless the strategy has a rule of its \
             own: 1/t and the rest in the t-th context, every row alike, both 1, or X and the rest",
        ),
        key(
            "update_every",
            "100",
            "at least 1",
            "steps between two consolidations where `data.stream` tells no boundaries",
        ),
        key(
            "evaluate_every",
            "1",
            "1 to 10000",
            "evaluated after every so many contexts, and the last",
        ),
        key(
            "anytime_every",
            "never",
            "at least 1",
            "evaluated on the way too, after every so many steps",
        ),
        key(
            "plasticity",
            "`false`",
            "`true`, `false`",
            "also how much networks can still learn, after every context",
        ),
        key("threads", "all", "1 to 1024", "results do not depend on it"),
    ],
};

pub(crate) const OPTIMIZER: Table = Table {
    name: "optimizer",
    kind: "key of [optimizer]",
    keys: &[
        key("name", "`adam`", "`adam`, `adamw`, `sgd`", "the rule"),
        key("lr", "by protocol", "above 0", "learning rate"),
        key("beta1", "0.9", "at least 0, below 1", "`adam`, `adamw`: decay of the first moment"),
        key("beta2", "0.999", "at least 0, below 1", "`adam`, `adamw`: decay of the second moment"),
        key("eps", "1e-8", "above 0", "`adam`, `adamw`: keeps the divisor from 0"),
        key(
            "weight_decay",
            "0.01 of `adamw`, 0 of `sgd`",
            "at least 0",
            "`adamw`: decay of the parameters themselves; `sgd`: L2 penalty in the gradient",
        ),
        key("momentum", "0", "at least 0, below 1", "`sgd`: what stays of the last step"),
        key("nesterov", "`false`", "`true`, `false`", "`sgd`: look-ahead; needs a momentum"),
    ],
};

pub(crate) const SCHEDULE: Table = Table {
    name: "schedule",
    kind: "key of [schedule]",
    keys: &[
        key(
            "name",
            "`constant`",
            "`constant`, `cosine`",
            "the learning rate over the steps of a context, anew in each; `joint` stretches it over \
             all its steps",
        ),
        key("warmup", "0", "0 to `schedule.steps`", "`cosine`: steps of linear rise from 0"),
        key(
            "steps",
            "`training.steps`",
            "at least 1",
            "`cosine`: when the floor is reached, counted from the first step",
        ),
        key("floor", "0", "0 to 1", "`cosine`: the last fraction of the learning rate"),
    ],
};

/// Every table but those of the strategies: there the keys are the hyper-parameters of the
/// [`registry`](crate::registry).
pub const TABLES: [&Table; 6] = [&TOP, &DATA, &NETWORK, &TRAINING, &OPTIMIZER, &SCHEDULE];

/// The table that has a key of this name.
pub(crate) fn home(key: &str) -> Option<&'static Table> {
    TABLES.into_iter().find(|table| table.keys.iter().any(|known| known.name == key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Place, STRATEGIES};

    const EXAMPLE: &str = include_str!("../../../../examples/experiment.toml");
    const DOCUMENT: &str = include_str!("../../../../docs/EXPERIMENTS.md");

    /// The keys of a file's tables, also of lines that are commented out: (table, key).
    fn keys(text: &str) -> Vec<(String, String)> {
        let mut table = String::new();
        let mut all = Vec::new();
        for line in text.lines() {
            let line = line.trim_start_matches("# ").trim();
            if let Some(name) = line.strip_prefix('[') {
                let name = name.trim_start_matches('[').split(']').next().unwrap_or_default();
                // A list that goes on over several lines is no table.
                if name.chars().all(|letter| letter.is_ascii_lowercase()) {
                    table = name.to_owned();
                    all.push((String::new(), table.clone()));
                }
            } else if let Some((key, _)) = line.split_once(" = ") {
                all.push((table.clone(), key.to_owned()));
            }
        }
        all
    }

    #[test]
    fn the_example_has_every_key_and_every_hyper_parameter() {
        let keys = keys(EXAMPLE);
        for table in TABLES {
            for key in table.keys {
                let wanted = (table.name.to_owned(), key.name.to_owned());
                assert!(keys.contains(&wanted), "examples/experiment.toml lacks {wanted:?}");
            }
        }
        let hypers = STRATEGIES.iter().flat_map(|entry| entry.hypers);
        for hyper in hypers {
            let named = keys.iter().any(|(table, key)| {
                table == "strategy" && key.split('.').next_back() == Some(hyper.name)
            });
            assert!(named, "examples/experiment.toml lacks {}", hyper.name);
        }
    }

    /// The tables of the document as the lists of keys and of strategies have them.
    fn documented() -> Vec<String> {
        let mut all = Vec::new();
        for table in TABLES {
            let mut text = "| key | default | range | what |\n|---|---|---|---|\n".to_owned();
            for Key { name, default, range, purpose } in table.keys {
                text += &format!("| `{name}` | {default} | {range} | {purpose} |\n");
            }
            all.push(text);
        }
        let mut text = "| strategy | key | default | range | sweep | what |\n\
                        |---|---|---|---|---|---|\n"
            .to_owned();
        for entry in STRATEGIES {
            for hyper in entry.hypers {
                let others = hyper.presets.iter();
                let others =
                    others.map(|(preset, value)| format!("; `{preset}` {}", hyper.tell(*value)));
                let default = hyper.tell(hyper.paper) + &others.collect::<String>();
                let sweep = match hyper.place {
                    Place::Slot => "one population",
                    Place::Structure => "one each",
                };
                text += &format!(
                    "| `{}` | `{}` | {default} | {} | {sweep} | {} |\n",
                    entry.name, hyper.name, hyper.range, hyper.purpose
                );
            }
        }
        all.push(text);
        all
    }

    #[test]
    fn the_document_has_the_tables_of_the_schema() {
        let lacking: Vec<String> =
            documented().into_iter().filter(|table| !DOCUMENT.contains(table)).collect();
        assert!(lacking.is_empty(), "docs/EXPERIMENTS.md lacks\n{}", lacking.join("\n"));
    }
}
