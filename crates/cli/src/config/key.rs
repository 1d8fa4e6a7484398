//! What can be configured: each key once, with its meaning.

use std::net::SocketAddr;
use std::str::FromStr;

use anyhow::bail;
use domain::preset::PRESETS;
use server::Network;
use tracing_subscriber::filter::Targets;

use crate::spans::collector;

/// One thing that `rollbook serve` can be told, in the file, by the environment or by a flag of the same name.
pub(crate) struct Key {
    /// Its name in the file; the flag is `--name`.
    pub(crate) name: &'static str,
    /// What it means.
    pub(crate) meaning: &'static str,
    /// What a value looks like, in words that go after `expected`; see [`Key::expected`].
    words: &'static str,
    /// A value as the file has it.
    pub(crate) example: &'static str,
    /// Whether nothing is set unless someone sets it.
    pub(crate) is_optional: bool,
    /// What a value may be.
    pub(crate) form: Form,
}

/// What a value may be.
pub(crate) enum Form {
    /// Text that this accepts.
    Text(fn(&str) -> bool),
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A file or folder; one that is not absolute counts from the folder of the configuration.
    Path,
    /// A whole number, from this on.
    Number(u32),
    /// A list of texts that this accepts.
    List(fn(&str) -> bool),
}

impl Key {
    /// What a value looks like, with every word that it may be.
    pub(crate) fn expected(&self) -> String {
        match &self.form {
            Form::OneOf(all) => {
                let all: Vec<String> = all.iter().map(|one| format!("\"{one}\"")).collect();
                format!("{} {}", self.words, all.join(", "))
            }
            Form::Text(_) | Form::Path | Form::Number(_) | Form::List(_) => self.words.to_owned(),
        }
    }
}

/// Every key, in the order in which people read them.
pub(crate) const KEYS: &[Key] = &[
    Key {
        name: "data",
        meaning: "The data folder; it is created if it is not there.",
        words: "a folder, as in \"/var/lib/rollbook\"",
        example: "\"./data\"",
        is_optional: false,
        form: Form::Path,
    },
    Key {
        name: "master-key-file",
        meaning: "A file that holds the master key; without it, `master.key` in the data folder, made at the first start.",
        words: "a file, as in \"/etc/rollbook/master.key\"",
        example: "\"/etc/rollbook/master.key\"",
        is_optional: true,
        form: Form::Path,
    },
    Key {
        name: "listen",
        meaning: "The address and port to listen on; port 0 takes a free one.",
        words: "an address and a port, as in \"127.0.0.1:8080\" or \"[::]:8080\"",
        example: "\"127.0.0.1:8080\"",
        is_optional: false,
        form: Form::Text(|text| text.parse::<SocketAddr>().is_ok()),
    },
    Key {
        name: "tls-cert",
        meaning: "The certificate to speak TLS with, and those that vouch for it, as PEM; looked at again when it changes.",
        words: "a file, as in \"/etc/rollbook/server.pem\"",
        example: "\"/etc/rollbook/server.pem\"",
        is_optional: true,
        form: Form::Path,
    },
    Key {
        name: "tls-key",
        meaning: "The certificate's key, as PEM.",
        words: "a file, as in \"/etc/rollbook/server.key\"",
        example: "\"/etc/rollbook/server.key\"",
        is_optional: true,
        form: Form::Path,
    },
    Key {
        name: "max-connections",
        meaning: "How many connections there may be at once; the limit of open files may allow fewer.",
        words: "a number from 1 on, as in 12000",
        example: "12000",
        is_optional: false,
        form: Form::Number(1),
    },
    Key {
        name: "rate-limit",
        meaning: "How many requests a second each credential may send, and each address that shows none; 0: as many as they like.",
        words: "a number, as in 10000",
        example: "10000",
        is_optional: false,
        form: Form::Number(0),
    },
    Key {
        name: "guess-limit",
        meaning: "How many wrong credentials an address may show a tenant before it is slowed; 0: as many as it likes, for tests only.",
        words: "a number, as in 30",
        example: "30",
        is_optional: false,
        form: Form::Number(0),
    },
    Key {
        name: "public-url",
        meaning: "The URL that clients use, when a proxy stands before; without it, what they send as Host.",
        words: "an http or https URL, as in \"https://id.example.com\"",
        example: "\"https://id.example.com\"",
        is_optional: true,
        form: Form::Text(|text| public_url(text).is_ok()),
    },
    Key {
        name: "trusted-proxy",
        meaning: "The proxies whose X-Forwarded-For is believed.",
        words: "a list of addresses or networks, as in [\"127.0.0.1\", \"10.0.0.0/8\"]",
        example: "[\"127.0.0.1\"]",
        is_optional: true,
        form: Form::List(|text| text.parse::<Network>().is_ok()),
    },
    Key {
        name: "tenant",
        meaning: "The tenant to open if it is not there yet.",
        words: "a slug of lower-case letters, digits and hyphens, as in \"acme\"",
        example: "\"acme\"",
        is_optional: true,
        form: Form::Text(|text| domain::check_slug(text).is_ok()),
    },
    Key {
        name: "preset",
        meaning: "The kind of identity provider that the new tenant's connector is for.",
        words: "one of",
        example: "\"okta\"",
        is_optional: false,
        form: Form::OneOf(PRESETS),
    },
    Key {
        name: "log-format",
        meaning: "The form of the server's own log, on standard error.",
        words: "one of",
        example: "\"text\"",
        is_optional: false,
        form: Form::OneOf(&["text", "json"]),
    },
    Key {
        name: "log",
        meaning: "How much the server's own log says: a level, or a level for each part.",
        words: "levels, as in \"info\" or \"info,server=debug\"",
        example: "\"info\"",
        is_optional: false,
        form: Form::Text(|text| Targets::from_str(text).is_ok()),
    },
    Key {
        name: "otlp-endpoint",
        meaning: "The collector that each request is told to as a span, over OTLP; without it OTEL_EXPORTER_OTLP_ENDPOINT, if it is set.",
        words: "the http URL of a collector, as in \"http://127.0.0.1:4318\"",
        example: "\"http://127.0.0.1:4318\"",
        is_optional: true,
        form: Form::Text(|text| collector(text).is_ok()),
    },
];

/// What people would look for in the file and must not find there, with where it goes.
pub(crate) const SECRETS: &[(&str, &str)] = &[
    ("master-key", "ROLLBOOK_MASTER_KEY, or the key `master-key-file`"),
    ("operator-key", "ROLLBOOK_OPERATOR_KEY"),
    ("scim-key", "ROLLBOOK_SCIM_KEY"),
];

/// The URL that clients use, without a slash at its end.
pub(crate) fn public_url(text: &str) -> anyhow::Result<String> {
    let url = text.trim_end_matches('/');
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match host {
        Some(host)
            if !host.is_empty()
                && !host.contains(|c: char| "?#".contains(c) || c.is_whitespace()) =>
        {
            Ok(url.to_owned())
        }
        Some(_) | None => bail!("expected an http or https URL, as in https://id.example.com"),
    }
}
