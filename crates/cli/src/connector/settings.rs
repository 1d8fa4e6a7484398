//! The settings of a connector as they are typed.

use clap::Args;
use clap::builder::PossibleValuesParser;
use domain::preset::PRESETS;
use serde_json::{Map, Value, json};

/// How a client is read, what it may do, and what comes of it. What is not given stays.
#[derive(Args)]
pub(super) struct Settings {
    /// The kind of identity provider: it decides how its requests are read and answered
    #[arg(long, value_name = "PRESET", value_parser = PossibleValuesParser::new(PRESETS))]
    preset: Option<String>,
    /// How literally requests are read
    #[arg(long, value_name = "MODE", value_parser = ["strict", "lenient", "interop"])]
    mode: Option<String>,
    /// Whether `""` written to an optional attribute unassigns it
    #[arg(long, value_name = "BOOL")]
    empty_unassigns: Option<bool>,
    /// What a PATCH is answered with: `standard` has no body for groups, `resource` always has one
    #[arg(long, value_name = "FORM", value_parser = ["standard", "resource"])]
    patch_answer: Option<String>,
    /// How the tenant's roles are published at /Roles: not, as the IETF draft has it, or as Okta reads it
    #[arg(long, value_name = "FORM", value_parser = ["none", "draft", "okta"])]
    catalogue: Option<String>,
    /// A write that names members whom nobody knows is refused, or carried out without them and reported
    #[arg(long, value_name = "WHAT", value_parser = ["refuse", "report"])]
    unknown_members: Option<String>,
    /// What the client may do, separated by commas; `none` is nothing
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        value_parser = ["createUsers", "updateUsers", "deactivateUsers", "pushGroups", "none"]
    )]
    permissions: Option<Vec<String>>,
    /// What becomes of a user's memberships when the client deactivates them
    #[arg(long, value_name = "WHAT", value_parser = ["keep-groups", "leave-groups"])]
    on_deactivate: Option<String>,
    /// What becomes of the memberships that a deactivation ended when the client reactivates the user
    #[arg(long, value_name = "WHAT", value_parser = ["nothing", "restore-groups"])]
    on_reactivate: Option<String>,
    /// What the client's DELETE of a user does
    #[arg(long, value_name = "WHAT", value_parser = ["delete", "deactivate", "refuse"])]
    on_delete: Option<String>,
    /// What the client's PUT without `active` means: it stays as it is, or becomes true
    #[arg(long, value_name = "WHAT", value_parser = ["keep", "activate"])]
    put_without_active: Option<String>,
    /// Whether the client only adds attributes to users who come from elsewhere
    #[arg(long, value_name = "BOOL")]
    attribute_only: Option<bool>,
    /// Whether its keys open the user and role management API
    #[arg(long, value_name = "BOOL")]
    management_api: Option<bool>,
    /// The attribute in which the client writes roles as one text, as in `urn:…:User:roles`; `none` is none
    #[arg(long, value_name = "PATH")]
    roles_attribute: Option<String>,
    /// The attribute whose text has a part for each tenant, as in `urn:…:User:platform`; `none` is none
    #[arg(long, value_name = "PATH")]
    platform_attribute: Option<String>,
    /// The other tenants that the client's roles may name, by slug, separated by commas; `none` is none
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    granted_tenants: Option<Vec<String>>,
    /// The connector of another tenant that may give roles here, as in `acme/okta`; `none` is none
    #[arg(long, value_name = "SLUG/NAME")]
    granted_to: Option<String>,
    /// Which users who are managed here the client takes over when it pushes them
    #[arg(long, value_name = "HOW", value_parser = ["userName", "userNameOrEmail", "never"])]
    linking: Option<String>,
    /// Which attribute feeds which: `TARGET=SOURCE`, with `|before-at` behind it for what stands before the `@`; may be given
    /// several times, `none` for no mapping
    #[arg(long, value_name = "TARGET=SOURCE")]
    mapping: Option<Vec<Rule>>,
    /// Whom and what to bring in, all others being ignored: `user=PATTERN`, `domain=PATTERN` of a mail address,
    /// `group=PATTERN`, with `*` for any text; may be given several times, `none` for everybody and everything
    #[arg(long, value_name = "WHAT=PATTERN")]
    include: Option<Vec<Pattern>>,
    /// Whom and what to ignore, in the same words
    #[arg(long, value_name = "WHAT=PATTERN")]
    exclude: Option<Vec<Pattern>>,
}

/// One rule of a mapping.
#[derive(Clone)]
enum Rule {
    None,
    Feeds(Value),
}

impl std::str::FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Rule::None);
        }
        let (rule, take) = match text.split_once('|') {
            Some((rule, take)) => (rule, take),
            None => (text, "whole"),
        };
        let known = ["whole", "before-at"].contains(&take);
        match rule.split_once('=').filter(|_| known) {
            Some((to, from)) => Ok(Rule::Feeds(json!({ "to": to, "from": from, "take": take }))),
            None => Err("say `TARGET=SOURCE`, `TARGET=SOURCE|before-at` or `none`, as in \
                 `userName=emails[primary eq true].value|before-at`"
                .to_owned()),
        }
    }
}

fn mapping(rules: Vec<Rule>) -> Value {
    let feeds = |rule: Rule| match rule {
        Rule::Feeds(rule) => Some(rule),
        Rule::None => None,
    };
    rules.into_iter().filter_map(feeds).collect()
}

/// One pattern of a list.
#[derive(Clone)]
enum Pattern {
    None,
    In(&'static str, String),
}

impl std::str::FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Pattern::None);
        }
        let list = |what: &str| match what {
            "user" => Some("userNames"),
            "domain" => Some("emailDomains"),
            "group" => Some("groups"),
            _ => None,
        };
        let found = text.split_once('=').and_then(|(what, pattern)| Some((list(what)?, pattern)));
        let (list, pattern) = found.ok_or_else(|| {
            "say `user=PATTERN`, `domain=PATTERN`, `group=PATTERN` or `none`, as in `domain=acme.example`".to_owned()
        })?;
        Ok(Pattern::In(list, pattern.to_owned()))
    }
}

fn selection(patterns: Vec<Pattern>) -> Value {
    let mut lists: Map<String, Value> = Map::new();
    for pattern in patterns {
        if let Pattern::In(list, pattern) = pattern
            && let Value::Array(all) = lists.entry(list).or_insert_with(|| json!([]))
        {
            all.push(pattern.into());
        }
    }
    Value::Object(lists)
}

impl Settings {
    /// As the admin API takes them.
    pub(super) fn into_body(self) -> Map<String, Value> {
        let permissions = self.permissions.map(|mut list| {
            list.retain(|permission| permission != "none");
            json!(list)
        });
        let granted_tenants = self.granted_tenants.map(|mut list| {
            list.retain(|slug| slug != "none");
            json!(list)
        });
        let or_none = |text: Option<String>| {
            text.map(|text| if text == "none" { Value::Null } else { Value::String(text) })
        };
        let all = [
            ("preset", self.preset.map(Value::String)),
            ("mode", self.mode.map(Value::String)),
            ("emptyUnassigns", self.empty_unassigns.map(Value::Bool)),
            ("patchAnswer", self.patch_answer.map(Value::String)),
            ("catalogue", self.catalogue.map(Value::String)),
            ("unknownMembers", self.unknown_members.map(Value::String)),
            ("permissions", permissions),
            ("onDeactivate", self.on_deactivate.map(Value::String)),
            ("onReactivate", self.on_reactivate.map(Value::String)),
            ("onDelete", self.on_delete.map(Value::String)),
            ("putWithoutActive", self.put_without_active.map(Value::String)),
            ("attributeOnly", self.attribute_only.map(Value::Bool)),
            ("managementApi", self.management_api.map(Value::Bool)),
            ("rolesAttribute", or_none(self.roles_attribute)),
            ("platformAttribute", or_none(self.platform_attribute)),
            ("grantedTenants", granted_tenants),
            ("grantedTo", or_none(self.granted_to)),
            ("linking", self.linking.map(Value::String)),
            ("mapping", self.mapping.map(mapping)),
            ("include", self.include.map(selection)),
            ("exclude", self.exclude.map(selection)),
        ];
        let given = all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        given.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seen to catch a setting that the guide's table does not have.
    #[test]
    fn the_guide_has_every_setting() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/connectors.md");
        let page = std::fs::read_to_string(page).unwrap();
        let rows: String = page.lines().filter(|line| line.starts_with("| `--")).collect();
        let command = Settings::augment_args(clap::Command::new("set"));
        let flags: Vec<&str> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
        assert!(flags.len() > 15, "{flags:?}");
        for flag in flags {
            assert!(rows.contains(&format!("`--{flag}`")), "--{flag} is in no row");
        }
    }
}
