//! The rules of the house, as tests: which crate may use which, and what pure crates must not do.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for what it lacks")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Which of our crates each of our crates may use. A new edge is an architecture decision.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("scim", &[]),
    ("domain", &["scim"]),
    ("access", &["domain", "scim"]),
    ("eventlog", &["domain"]),
    ("engine", &["domain", "eventlog"]),
    ("audit", &["domain", "access", "eventlog", "engine", "scim"]),
    ("server", &["scim", "domain", "access", "eventlog", "engine", "audit"]),
    ("idpsim", &["scim"]),
    ("cli", &["scim", "domain", "access", "eventlog", "engine", "audit", "server", "idpsim"]),
    ("testkit", &["scim", "domain", "access", "eventlog", "engine", "audit", "server", "idpsim"]),
    ("benches", &["scim", "domain", "eventlog", "engine", "audit", "server"]),
];

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every edge between our crates that is not allowed, development dependencies left out.
///
/// # Errors
/// When `cargo metadata` does not run.
pub fn forbidden_edges() -> Result<Vec<String>, String> {
    let metadata = metadata()?;
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    let packages = metadata["packages"].as_array().ok_or("no packages")?;
    let ours: BTreeSet<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    let mut forbidden = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(may) = allowed.get(name) else {
            forbidden.push(format!("{name} is not in the list of crates"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let used = dependency["name"].as_str().unwrap_or_default();
            let is_dev = dependency["kind"].as_str() == Some("dev");
            if ours.contains(used) && !is_dev && !may.contains(&used) {
                forbidden.push(format!("{name} must not use {used}"));
            }
        }
    }
    Ok(forbidden)
}

fn metadata() -> Result<Value, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .map_err(|error| format!("cargo metadata does not run: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

/// Every line of a crate's source, its unit tests left out, that says one of these words, as
/// `file:line: word`.
pub fn lines_with(krate: &str, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let folder = root().join("crates").join(krate).join("src");
    for file in files(&folder) {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in words.iter().filter(|word| code.contains(**word)) {
                let name = file.strip_prefix(&folder).unwrap_or(&file).display().to_string();
                found.push(format!("{krate}/{name}:{}: {word}", number + 1));
            }
        }
    }
    found
}

/// Every Rust source below a folder, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            all.push(path);
        }
    }
    all.sort();
    all
}
