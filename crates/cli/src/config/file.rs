//! The configuration file: read, and refused with the place of what is wrong.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use toml::{Spanned, Value};

use super::key::{Form, KEYS, Key, SECRETS};

/// Where a configuration is looked for when nobody says.
const USUAL: &str = "rollbook.toml";

/// A configuration file that makes sense.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct File {
    /// Where it is; none: there is none.
    pub(crate) path: Option<PathBuf>,
    /// By key: the values as a flag would have them, one each time that it is given.
    pub(crate) values: BTreeMap<&'static str, Vec<String>>,
}

impl File {
    /// Reads the file that was named, or `rollbook.toml` here if there is one.
    ///
    /// # Errors
    /// The file, the line and what was expected there.
    pub(crate) fn find(named: Option<&Path>) -> anyhow::Result<File> {
        let path = match named {
            Some(path) => path,
            None if Path::new(USUAL).is_file() => Path::new(USUAL),
            None => return Ok(File::default()),
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("the configuration {} cannot be read", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let values = values(&text, folder)
            .map_err(|fault| anyhow::anyhow!("{}:{}", path.display(), fault.told(&text)))?;
        Ok(File { path: Some(path.to_owned()), values })
    }
}

/// What is wrong, and where.
struct Fault {
    /// The byte in the text.
    at: usize,
    what: String,
}

impl Fault {
    /// `line:column: what`.
    fn told(&self, text: &str) -> String {
        let before = text.get(..self.at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{line}:{column}: {}", self.what)
    }
}

fn values(text: &str, folder: &Path) -> Result<BTreeMap<&'static str, Vec<String>>, Fault> {
    type Entries = BTreeMap<Spanned<String>, Spanned<Value>>;
    let entries: Entries = toml::from_str(text).map_err(|error| Fault {
        at: error.span().map_or(0, |span| span.start),
        what: format!("this is no TOML: {}", error.message()),
    })?;
    let mut values = BTreeMap::new();
    // In the order of the file: the first fault is told first.
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    for (name, value) in entries {
        let fault = |at: usize, what: String| Fault { at, what };
        let Some(key) = KEYS.iter().find(|key| key.name == name.get_ref()) else {
            return Err(fault(name.span().start, unknown(name.get_ref())));
        };
        let at = value.span().start;
        let expected = || {
            let what =
                format!("`{}`: expected {}, not {}", key.name, key.expected, value.get_ref());
            fault(at, what)
        };
        values.insert(key.name, texts(key, value.get_ref(), folder).ok_or_else(expected)?);
    }
    Ok(values)
}

/// A value as flags would have it; none: it is none for this key.
fn texts(key: &Key, value: &Value, folder: &Path) -> Option<Vec<String>> {
    match (&key.form, value) {
        (Form::Text(fits), Value::String(text)) if fits(text) => Some(vec![text.clone()]),
        (Form::Path, Value::String(text)) if !text.is_empty() => {
            Some(vec![folder.join(text).to_str()?.to_owned()])
        }
        (Form::List(fits), Value::Array(items)) => {
            let text = |item: &Value| item.as_str().filter(|text| fits(text)).map(str::to_owned);
            items.iter().map(text).collect()
        }
        (Form::Text(_) | Form::Path | Form::List(_), _) => None,
    }
}

/// What to do about a key that is none.
fn unknown(name: &str) -> String {
    let same = |a: &str| a.replace('_', "-").eq_ignore_ascii_case(&name.replace('_', "-"));
    if let Some((_, remedy)) = SECRETS.iter().find(|(secret, _)| same(secret)) {
        return format!("`{name}`: a secret does not stand in this file; use {remedy}");
    }
    if let Some(key) = KEYS.iter().find(|key| same(key.name)) {
        return format!("there is no key `{name}`: expected `{}`", key.name);
    }
    let names: Vec<String> = KEYS.iter().map(|key| format!("`{}`", key.name)).collect();
    format!("there is no key `{name}`: expected one of {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        values(text, Path::new("")).err().map(|fault| fault.told(text)).unwrap()
    }

    #[test]
    fn a_fault_is_told_with_its_place_and_what_was_expected() {
        for (text, expected) in [
            ("data = \"d\"\nlisten = 8080\n", "2:10: `listen`: expected an address and a port"),
            ("listen = \"localhost\"", "1:10: `listen`: expected an address and a port"),
            ("\n\nlisten_on = \"x\"", "3:1: there is no key `listen_on`: expected one of `data`"),
            ("public_url = \"x\"", "1:1: there is no key `public_url`: expected `public-url`"),
            (
                "scim_key = \"x\"",
                "1:1: `scim_key`: a secret does not stand in this file; use ROLLBOOK_SCIM_KEY",
            ),
            ("trusted-proxy = \"10.0.0.1\"", "1:17: `trusted-proxy`: expected a list"),
            ("trusted-proxy = [\"10.0.0.1\", \"proxy\"]", "1:17: `trusted-proxy`: expected a list"),
            ("[server]\nlisten = \"127.0.0.1:1\"", "1:2: there is no key `server`"),
            ("data = \"a\"\ndata = \"b\"", "2:1: this is no TOML: duplicate key"),
            ("é = 1", "1:1: this is no TOML"),
            ("tenant = \"acme", "1:15: this is no TOML"),
            ("preset = \"Okta\"", "1:10: `preset`: expected one of \"okta\""),
            ("log = \"a=b=c\"", "1:7: `log`: expected levels"),
            ("tenant = \"Acme Inc\"", "1:10: `tenant`: expected a slug"),
            (
                "public-url = \"id.example.com\"",
                "1:14: `public-url`: expected an http or https URL",
            ),
        ] {
            let told = fault(text);
            assert!(told.starts_with(expected), "{text}: {told}");
        }
    }

    #[test]
    fn paths_count_from_the_folder_of_the_file() {
        let read = |text| values(text, Path::new("/etc/rollbook")).ok().unwrap();
        assert_eq!(read("data = \"d\"")["data"], ["/etc/rollbook/d"]);
        assert_eq!(read("data = \"/d\"")["data"], ["/d"]);
    }
}
