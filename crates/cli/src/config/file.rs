//! The configuration file: read, and refused with the place of what is wrong.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

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
    /// By key: where its value stands, as `file:line:column: key`.
    pub(crate) places: BTreeMap<&'static str, String>,
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
        let placed = |fault: Fault| format!("{}:{}", path.display(), fault.told(&text));
        let set = values(&text, folder).map_err(|fault| anyhow::anyhow!(placed(fault)))?;
        let (mut values, mut places) = (BTreeMap::new(), BTreeMap::new());
        for (name, Set { texts, at }) in set {
            values.insert(name, texts);
            places.insert(name, placed(Fault { at, what: format!("`{name}`") }));
        }
        Ok(File { path: Some(path.to_owned()), values, places })
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

/// What a key is set to.
struct Set {
    /// As flags would have it.
    texts: Vec<String>,
    /// The byte at which the value begins.
    at: usize,
}

fn values(text: &str, folder: &Path) -> Result<BTreeMap<&'static str, Set>, Fault> {
    let entries = DeTable::parse(text).map_err(|error| Fault {
        at: error.span().map_or(0, |span| span.start),
        what: format!("this is no TOML: {}", error.message()),
    })?;
    let mut values = BTreeMap::new();
    // In the order of the file: the first fault is told first.
    let mut entries: Vec<_> = entries.into_inner().into_iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    for (name, value) in entries {
        let fault = |at: usize, what: String| Fault { at, what };
        let Some(key) = KEYS.iter().find(|key| key.name == name.get_ref()) else {
            return Err(fault(name.span().start, unknown(name.get_ref())));
        };
        let texts = texts(key, &value, folder).map_err(|wrong| {
            let span = wrong.span();
            let written = text.get(span.clone()).unwrap_or_default();
            fault(span.start, format!("`{}`: expected {}, not {written}", key.name, key.expected()))
        })?;
        values.insert(key.name, Set { texts, at: value.span().start });
    }
    Ok(values)
}

/// A value as flags would have it.
///
/// # Errors
/// What is none for this key: the value, or the item of it.
fn texts<'a, 'i>(
    key: &Key,
    value: &'a Spanned<DeValue<'i>>,
    folder: &Path,
) -> Result<Vec<String>, &'a Spanned<DeValue<'i>>> {
    let one = |value: &'a Spanned<DeValue<'i>>, fits: &dyn Fn(&str) -> bool| {
        let text = value.get_ref().as_str().filter(|text| fits(text));
        text.map(str::to_owned).ok_or(value)
    };
    match &key.form {
        Form::Text(fits) => Ok(vec![one(value, fits)?]),
        Form::OneOf(all) => Ok(vec![one(value, &|text| all.contains(&text))?]),
        Form::Path => {
            let path = folder.join(one(value, &|text| !text.is_empty())?);
            Ok(vec![path.to_str().ok_or(value)?.to_owned()])
        }
        Form::Number(least) => {
            let number = value.get_ref().as_integer().ok_or(value)?;
            let number = u32::from_str_radix(number.as_str(), number.radix()).ok();
            let number = number.filter(|number| number >= least).ok_or(value)?;
            Ok(vec![number.to_string()])
        }
        Form::List(fits) => {
            let items = value.get_ref().as_array().ok_or(value)?;
            items.iter().map(|item| one(item, fits)).collect()
        }
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
            (
                "trusted-proxy = [\n  \"10.0.0.1\",\n  \"proxy\",\n]",
                "3:3: `trusted-proxy`: expected a list of addresses or networks, as in [\"127.0.0.1\", \"10.0.0.0/8\"], not \"proxy\"",
            ),
            ("trusted-proxy = [\"10.0.0.1\", 10]", "1:30: `trusted-proxy`: expected a list"),
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
    fn every_preset_is_offered_and_the_readme_names_it() {
        let told = fault("preset = \"x\"");
        let readme = include_str!("../../../../README.md");
        let (_, sentence) = readme.split_once("a connector has a preset: ").unwrap();
        let (sentence, _) = sentence.split_once(".\n").unwrap();
        for preset in domain::preset::PRESETS {
            assert!(told.contains(&format!("\"{preset}\"")), "{preset}: {told}");
            assert!(sentence.contains(&format!("`{preset}`")), "{preset}: {sentence}");
        }
    }

    #[test]
    fn paths_count_from_the_folder_of_the_file() {
        let read = |text| values(text, Path::new("/etc/rollbook")).ok().unwrap();
        assert_eq!(read("data = \"d\"")["data"].texts, ["/etc/rollbook/d"]);
        assert_eq!(read("data = \"/d\"")["data"].texts, ["/d"]);
    }
}
