//! `rollbook credential`: what identity providers and users show, issued, listed, rotated and revoked.

use std::io::Read;
use std::path::PathBuf;

use ::audit::{ListedCredential, credentials};
use anyhow::Context;
use clap::{Args, Subcommand};
use domain::credential::Scopes;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::from::{At, From};
use crate::instance;
use crate::manage::{report, text};
use crate::output::Output;
use crate::remote::ServedTenant;
use crate::terminal::{print, say};

/// Issue, list, rotate and revoke the credentials of a tenant.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook credential list
  rollbook credential list --data ./data --json
  rollbook credential issue okta
  rollbook credential issue okta --expires 2027-01-01 --scope read --scope users:write
  rollbook credential issue okta --basic svc-okta
  rollbook credential issue okta --jwk public.jwk.json --scope write
  rollbook credential issue --user jane@acme.com
  rollbook credential rotate 0198f3a0-0000-7000-8000-000000000001 --overlap 24h
  rollbook credential revoke 0198f3a0-0000-7000-8000-000000000001

A secret is shown once, when it is issued. Rotating issues one in place of another, which stays good for
the overlap, so that the identity provider can be given the new one meanwhile; with an overlap of 0 it ends at
once.")]
pub(crate) struct Credential {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    tenant: ServedTenant,
}

#[derive(Subcommand)]
enum Verb {
    /// List the credentials, now or as they were; never their secrets
    List {
        /// The moment: a position, a time, or a day (its beginning, in UTC); now, when not given
        #[arg(long, value_name = "MOMENT")]
        at: Option<At>,
        #[command(flatten)]
        from: From,
    },
    /// Issue a key; prints it, once
    Issue {
        /// The connector it is for
        #[arg(required_unless_present = "user", conflicts_with = "user")]
        connector: Option<String>,
        /// The user it is for, by userName or id: it opens /Me
        #[arg(long, value_name = "USER")]
        user: Option<String>,
        /// When it ends by itself, as 2027-01-01T00:00:00Z or a day; never, when not given
        #[arg(long, value_name = "TIME")]
        expires: Option<domain::time::Timestamp>,
        /// What it opens: read, write, discovery, users:read, users:write, groups:read, groups:write, roles:read;
        /// may be repeated; everything, when not given
        #[arg(long, value_name = "SCOPE", conflicts_with = "user", value_parser = scopes)]
        scope: Vec<Scopes>,
        /// Not a key but a user name for Basic, with a random password
        #[arg(long, value_name = "NAME", conflicts_with_all = ["user", "jwk"])]
        basic: Option<String>,
        /// Read the password for --basic from standard input instead
        #[arg(long, requires = "basic")]
        password_stdin: bool,
        /// Not a key but a public key that the client signs with: a file with a JWK
        #[arg(long, value_name = "FILE", conflicts_with = "user")]
        jwk: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Issue a credential in place of another; prints it, once
    Rotate {
        /// The old one's id, as `list` shows it
        id: String,
        /// For how long the old one is good still, as 0, 30m, 24h or 7d; with 0 it ends at once
        #[arg(long, value_name = "TIME", value_parser = seconds)]
        overlap: u64,
        /// When the new one ends by itself; never, when not given
        #[arg(long, value_name = "TIME")]
        expires: Option<domain::time::Timestamp>,
        /// Read the new password from standard input, where the old one is a password
        #[arg(long)]
        password_stdin: bool,
        /// The new public key, where the old one is one: a file with a JWK
        #[arg(long, value_name = "FILE")]
        jwk: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a credential: it opens nothing from then on
    Revoke {
        /// Its id, as `list` shows it
        id: String,
    },
}

fn scopes(text: &str) -> Result<Scopes, domain::credential::NotScopes> {
    text.parse()
}

/// Seconds out of a number with a unit: `s`, `m`, `h` or `d`.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no duration: write it like `0`, `30m`, `24h` or `7d`");
    let (number, unit) = match text.char_indices().next_back() {
        Some((at, 's')) => (text.get(..at), 1),
        Some((at, 'm')) => (text.get(..at), 60),
        Some((at, 'h')) => (text.get(..at), 3_600),
        Some((at, 'd')) => (text.get(..at), 86_400),
        // Without a unit only nothing is clear.
        _ if text == "0" => (Some("0"), 1),
        _ => (None, 1),
    };
    let number: u64 = number.and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
    number.checked_mul(unit).ok_or_else(wrong)
}

impl Credential {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let Credential { verb, tenant } = self;
        match verb {
            Verb::List { at, from } => list(at.as_ref(), &from).await?,
            Verb::Issue { connector, user, expires, scope, basic, password_stdin, jwk, json } => {
                let scopes: Vec<String> = scope.iter().map(ToString::to_string).collect();
                let mut body = json!({ "connector": connector, "user": user, "expires": expires });
                if let (Value::Object(body), false) = (&mut body, scopes.is_empty()) {
                    body.insert("scopes".to_owned(), json!(scopes));
                }
                if let Value::Object(body) = &mut body {
                    if let Some(user) = basic {
                        let mut basic = Map::from_iter([("user".to_owned(), json!(user))]);
                        basic.extend(password(password_stdin)?);
                        body.insert("basic".to_owned(), basic.into());
                    }
                    body.extend(key_of(jwk)?);
                }
                shown(&ask(&tenant, Method::POST, &[], Some(body)).await?, json);
            }
            Verb::Rotate { id, overlap, expires, password_stdin, jwk, json } => {
                let mut body = json!({ "overlapSeconds": overlap, "expires": expires });
                if let Value::Object(body) = &mut body {
                    body.extend(password(password_stdin)?);
                    body.extend(key_of(jwk)?);
                }
                shown(&ask(&tenant, Method::POST, &[&id, "rotate"], Some(body)).await?, json);
            }
            Verb::Revoke { id } => {
                report(&ask(&tenant, Method::DELETE, &[&id], None).await?, "revoked");
            }
        }
        Ok(())
    }
}

/// A password out of standard input, if it is there: not out of the command line, which others on the machine see.
fn password(from_stdin: bool) -> anyhow::Result<Option<(String, Value)>> {
    if !from_stdin {
        return Ok(None);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("the password could not be read")?;
    let text = text.trim_end_matches(['\r', '\n']);
    Ok(Some(("password".to_owned(), json!(text))))
}

fn key_of(file: Option<PathBuf>) -> anyhow::Result<Option<(String, Value)>> {
    let Some(file) = file else { return Ok(None) };
    let text =
        std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let key: Value = serde_json::from_slice(&text)
        .with_context(|| format!("{} holds no JSON: a JWK is expected", file.display()))?;
    Ok(Some(("jwk".to_owned(), key)))
}

/// One request about the tenant's credentials.
async fn ask(
    tenant: &ServedTenant,
    method: Method,
    rest: &[&str],
    body: Option<Value>,
) -> anyhow::Result<Value> {
    let (remote, slug) = tenant.found().await?;
    let path: Vec<&str> =
        ["tenants", &slug, "credentials"].into_iter().chain(rest.iter().copied()).collect();
    remote.ask(method, &path, &[], body.as_ref()).await
}

/// What an answer to who issues a credential tells, by name.
const TOLD: [(&str, &str); 8] = [
    ("id", "id"),
    ("API key", "apiKey"),
    ("user", "user"),
    ("password", "password"),
    ("key id", "kid"),
    ("client id", "clientId"),
    ("issuer", "issuer"),
    ("token endpoint", "tokenEndpoint"),
];

/// Shows what was issued: this is the only time.
fn shown(issued: &Value, is_json: bool) {
    if is_json {
        print(format!("{issued:#}\n"));
        return;
    }
    let is_there = |key: &str| issued.get(key).is_some_and(|value| !value.is_null());
    for (name, key) in TOLD.into_iter().filter(|(_, key)| is_there(key)) {
        say(format!("  {name:<16}{}", text(issued, key)));
    }
    for (key, what) in [("apiKey", "key"), ("password", "password")] {
        if is_there(key) {
            say(format!("\nThe {what} is shown this once: keep it now."));
        }
    }
}

async fn list(at: Option<&At>, from: &From) -> anyhow::Result<()> {
    let listed = match from.remote()? {
        Some(_) => {
            from.listed("credentials", at, |directory| credentials(directory, |_| None)).await?
        }
        None => {
            let engine = from.open()?;
            let world = engine.world();
            let (tenant, now) = instance::tenant(&world, from.tenant())?;
            match at {
                // When it was used is counted beside the log: it is known of now alone.
                Some(at) => credentials(&engine.as_of(tenant.id, at.when)?.directory, |_| None),
                None => {
                    let used = server::last_used(&engine, tenant.id);
                    credentials(&now.directory, |one| used.get(&one.id).copied())
                }
            }
        }
    };
    table(from.output, &listed)
}

fn table(output: Output, listed: &[ListedCredential]) -> anyhow::Result<()> {
    let heading = [
        "ID",
        "KIND",
        "KEY",
        "CONNECTOR",
        "USER",
        "SCOPES",
        "ISSUED",
        "LAST USED",
        "EXPIRES",
        "REVOKED",
    ];
    output.list(listed, "there is no credential", &heading, |one: &ListedCredential| {
        let time = |time: Option<domain::time::Timestamp>| {
            time.map(|time| time.to_string()).unwrap_or_default()
        };
        vec![vec![
            one.id.to_string(),
            one.kind.as_str().to_owned(),
            one.hint.clone(),
            one.connector.clone().unwrap_or_default(),
            one.user.clone().unwrap_or_default(),
            one.scopes.as_ref().map_or("all".to_owned(), ToString::to_string),
            one.issued.to_string(),
            time(one.last_used),
            time(one.expires),
            time(one.revoked),
        ]]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_are_read_with_a_unit() {
        for (text, expected) in
            [("0", 0), ("90s", 90), ("30m", 1_800), ("24h", 86_400), ("7d", 604_800)]
        {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in
            ["", "24", "-1h", "1.5h", "h", "1w", "99999999999999999999d", "9999999999999999d"]
        {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
