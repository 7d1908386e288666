//! The workspace as cargo sees it, and how verbs call cargo.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// What `cargo metadata --no-deps` says about the workspace.
pub(crate) struct Workspace {
    /// The folder of the top-level `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds; `CARGO_TARGET_DIR` is already taken into account.
    pub(crate) target: PathBuf,
    /// The packages of the workspace, by name.
    pub(crate) packages: Vec<Package>,
}

/// One package of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Path of its `Cargo.toml`, relative to the root.
    pub(crate) manifest: PathBuf,
    /// Its dependencies inside the workspace.
    pub(crate) dependencies: Vec<Dependency>,
}

/// A dependency of one workspace package on another.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// True where only tests, examples and benches see it.
    pub(crate) dev: bool,
}

impl Workspace {
    /// Asks cargo about the workspace around the current folder.
    pub(crate) fn load() -> Result<Self> {
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("cannot start `cargo metadata`")?;
        if !output.status.success() {
            bail!("`cargo metadata`: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let metadata = serde_json::from_slice(&output.stdout)
            .context("`cargo metadata` printed something other than JSON")?;
        Self::from_metadata(&metadata)
    }

    fn from_metadata(metadata: &Value) -> Result<Self> {
        let root = PathBuf::from(text(metadata, "workspace_root")?);
        let mut packages = Vec::new();
        for package in list(metadata, "packages")? {
            let manifest = PathBuf::from(text(package, "manifest_path")?);
            let mut dependencies = Vec::new();
            for dependency in list(package, "dependencies")? {
                if dependency["path"].is_string() {
                    let name = text(dependency, "name")?.to_owned();
                    let dev = dependency["kind"] == "dev";
                    dependencies.push(Dependency { name, dev });
                }
            }
            let name = text(package, "name")?.to_owned();
            let manifest = manifest.strip_prefix(&root).unwrap_or(&manifest).to_owned();
            packages.push(Package { name, manifest, dependencies });
        }
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { root, target: PathBuf::from(text(metadata, "target_directory")?), packages })
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key].as_str().with_context(|| format!("cargo metadata: no text under `{key}`"))
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value[key].as_array().with_context(|| format!("cargo metadata: no list under `{key}`"))
}

/// The cargo that runs this program, so that one toolchain builds everything.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The exit code by which a verb passes on how a program ended (1 where a signal ended it).
pub(crate) fn passed_on(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(1))
}

/// `path` with forward slashes, as findings and documents write it.
pub(crate) fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// One line about a name that is none of `known`: the nearest where one is near, and all of them.
pub(crate) fn unknown<'a>(
    kind: &str,
    given: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> String {
    let near = known
        .clone()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .min()
        .filter(|(distance, name)| *distance <= name.len().div_ceil(2))
        .map_or_else(String::new, |(_, name)| format!("did you mean `{name}`? "));
    let all = known.collect::<Vec<_>>().join(", ");
    format!("no {kind} is called `{given}`; {near}there are: {all}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn metadata_gives_relative_manifests_and_only_dependencies_inside_the_workspace() {
        let workspace = Workspace::from_metadata(&json!({
            "workspace_root": "/w", "target_directory": "/elsewhere",
            "packages": [{
                "name": "b", "manifest_path": "/w/crates/b/Cargo.toml",
                "dependencies": [
                    {"name": "a", "kind": null, "path": "/w/crates/a"},
                    {"name": "c", "kind": "dev", "path": "/w/crates/c"},
                    {"name": "serde", "kind": null},
                ],
            }],
        }))
        .unwrap();
        let [package] = &workspace.packages[..] else { panic!("one package") };
        let dependencies: Vec<(&str, bool)> =
            package.dependencies.iter().map(|d| (d.name.as_str(), d.dev)).collect();
        assert_eq!(package.manifest, Path::new("crates/b/Cargo.toml"));
        assert_eq!(dependencies, [("a", false), ("c", true)]);
        assert_eq!(workspace.target, Path::new("/elsewhere"));
    }

    #[test]
    fn a_far_name_gets_the_list_without_a_suggestion() {
        let line = unknown("verb", "frobnicate", ["test", "tidy"].into_iter());
        assert_eq!(line, "no verb is called `frobnicate`; there are: test, tidy");
    }
}
