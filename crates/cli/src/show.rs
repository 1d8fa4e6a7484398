//! `rollbook show`

use ::audit::show::{
    CalledBy, HeldRole, Holder, InGroup, Key, Kind, Page, Shown, ShownMember, Thing, Through,
    WrittenBy, show,
};
use ::audit::{Named, Problem, csv_line};
use clap::{Args, ValueEnum};
use domain::position::Position;
use domain::time::Timestamp;
use reqwest::Method;
use serde_json::{Map, Value};

use crate::from::{At, From};
use crate::instance;
use crate::output::Format;
use crate::problems;
use crate::remote::Remote;
use crate::terminal::{Tone, note, plain, print, say, toned};

/// Members or holders that a table shows when it is not said how many.
const COUNT: usize = 100;
/// Members or holders that are asked for at once.
const AT_ONCE: usize = 1_000;

/// Show a user, group, role, connector, credential or the tenant, now or as it was.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook show user jane@acme.com
  rollbook show user jane@acme.com --at 2026-03-01
  rollbook show group Sales --at 613 --count 20
  rollbook show role Admin --data ./data --json
  rollbook show tenant --at 2026-03-01T12:00:00Z

A name is looked up as of the moment: whoever had it then. Who was gone then, or yet to come, is an error that says since
when and by whom, with exit status 1.")]
pub(crate) struct Show {
    /// What it is
    #[arg(value_enum)]
    kind: Which,
    /// Its name at that moment, or its id
    #[arg(required_if_eq_any([
        ("kind", "user"), ("kind", "group"), ("kind", "role"), ("kind", "connector"), ("kind", "credential"),
    ]))]
    who: Option<String>,
    /// The moment: a position, a time, or a day (its beginning, in UTC); now, when not given
    #[arg(long, value_name = "MOMENT")]
    at: Option<At>,
    /// How many members of a group or holders of a role at most; in a table 100, else all, when not given
    #[arg(long)]
    count: Option<usize>,
    #[command(flatten)]
    from: From,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// A user
    User,
    /// A group, with its members
    Group,
    /// A role, with those who have it
    Role,
    /// A connector
    Connector,
    /// An API key, without its secret
    Credential,
    /// The tenant itself
    Tenant,
}

impl Which {
    fn kind(self) -> Kind {
        match self {
            Which::User => Kind::User,
            Which::Group => Kind::Group,
            Which::Role => Kind::Role,
            Which::Connector => Kind::Connector,
            Which::Credential => Kind::Credential,
            Which::Tenant => Kind::Tenant,
        }
    }

    /// The collection that it is in, in addresses.
    fn plural(self) -> Option<&'static str> {
        match self {
            Which::User => Some("users"),
            Which::Group => Some("groups"),
            Which::Role => Some("roles"),
            Which::Connector => Some("connectors"),
            Which::Credential => Some("credentials"),
            Which::Tenant => None,
        }
    }
}

impl Show {
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        if self.kind == Which::Tenant && self.who.is_some() {
            self.from.place.tenant = self.who.take();
        }
        let format = self.from.output.format();
        let people = matches!(format, None | Some(Format::Table));
        let count = self.count.unwrap_or(if people { COUNT } else { usize::MAX });
        let shown = match self.from.remote()? {
            Some(remote) => self.remote(&remote, count).await?,
            None => self.local(count)?,
        };
        match format {
            None | Some(Format::Table) => self.table(&shown),
            Some(Format::Json) => say(serde_json::to_string_pretty(&shown)?),
            Some(Format::Ndjson) => say(serde_json::to_string(&shown)?),
            Some(Format::Csv) => csv(&Sheet::of(&shown)),
        }
        Ok(())
    }

    fn local(&self, count: usize) -> anyhow::Result<Shown> {
        let engine = self.from.open()?;
        let world = engine.world();
        let (tenant, now) = instance::tenant(&world, self.from.tenant())?;
        let then = match &self.at {
            Some(at) => engine.as_of(tenant.id, at.when)?,
            None => now.clone(),
        };
        let who = self.who.as_deref().unwrap_or_default();
        let page = Page { after: None, count, problems: self.at.is_none() };
        Ok(show(&engine, tenant.id, &then, self.kind.kind(), who, &page)?)
    }

    async fn remote(&self, remote: &Remote, count: usize) -> anyhow::Result<Shown> {
        let slug = remote.tenant(self.from.tenant()).await?;
        let mut path = vec!["tenants", slug.as_str()];
        path.extend(self.kind.plural());
        path.extend(self.who.as_deref());
        let mut at = self.at.as_ref().map(|at| at.text.clone());
        let mut whole: Option<Shown> = None;
        let mut after = None;
        loop {
            let there = whole.as_ref().map_or(0, |shown| listed(&shown.thing));
            let mut query = vec![("count", count.saturating_sub(there).min(AT_ONCE).to_string())];
            query.extend(at.clone().map(|at| ("asOf", at)));
            query.extend(after.map(|after| ("after", after)));
            let page = remote.ask(Method::GET, &path, &query, None).await?;
            let page: Shown = serde_json::from_value(page)?;
            // The pages after the first are of its moment, whatever happens meanwhile.
            at = Some(page.head.position.to_string());
            after = next(&page.thing).map(str::to_owned);
            match &mut whole {
                Some(whole) => join(&mut whole.thing, page.thing),
                None => whole = Some(page),
            }
            if let Some(whole) = &whole
                && (after.is_none() || listed(&whole.thing) >= count)
            {
                return Ok(whole.clone());
            }
        }
    }

    fn table(&self, shown: &Shown) {
        let sheet = Sheet::of(shown);
        let Sheet { kind, name, id, fields, sections, more } = &sheet;
        say(format!("{kind} {}  {}", plain(name), toned(id, Tone::Faint)));
        let width = fields.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
        for (label, value) in fields {
            say(format!("  {label:width$}  {}", plain(value)));
        }
        for Section { title, heading, rows } in sections {
            if !rows.is_empty() {
                say(format!("\n{title}"));
                self.from.output.table(heading, rows);
            }
        }
        if *more > 0 {
            note(format!("… and {more} more: --count shows as many as it says, --json all"));
        }
    }
}

/// How many members or holders are told.
fn listed(thing: &Thing) -> usize {
    match thing {
        Thing::Group(group) => group.members.len(),
        Thing::Role(role) => role.holders.len(),
        Thing::User(_) | Thing::Connector(_) | Thing::Credential(_) | Thing::Tenant(_) => 0,
    }
}

/// Where the next page begins.
fn next(thing: &Thing) -> Option<&str> {
    match thing {
        Thing::Group(group) => group.next.as_deref(),
        Thing::Role(role) => role.next.as_deref(),
        Thing::User(_) | Thing::Connector(_) | Thing::Credential(_) | Thing::Tenant(_) => None,
    }
}

/// One page more.
fn join(whole: &mut Thing, page: Thing) {
    match (whole, page) {
        (Thing::Group(whole), Thing::Group(page)) => {
            whole.members.extend(page.members);
            whole.next = page.next;
        }
        (Thing::Role(whole), Thing::Role(page)) => {
            whole.holders.extend(page.holders);
            whole.next = page.next;
        }
        _ => {}
    }
}

/// What is shown, as people read it.
struct Sheet {
    kind: &'static str,
    name: String,
    id: String,
    fields: Vec<(&'static str, String)>,
    sections: Vec<Section>,
    /// Members or holders that are not in the sections.
    more: usize,
}

struct Section {
    title: &'static str,
    heading: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Sheet {
    fn of(shown: &Shown) -> Sheet {
        let mut sheet = match &shown.thing {
            Thing::User(user) => {
                let mut fields = vec![("active", yes(user.active))];
                if user.active_unassigned {
                    fields.push(("attribute active", "unassigned".to_owned()));
                }
                if let Some(locked) = &user.locked {
                    fields.push(("locked", at(locked.since, locked.position)));
                    fields.push(("because", locked.reason.clone().unwrap_or_default()));
                    fields.push(("active once unlocked", yes(locked.active)));
                }
                if let Some(erased) = &user.erased {
                    fields.push(("erased", erased.to_string()));
                }
                if user.no_privileges {
                    fields.push(("roles", "No Privileges".to_owned()));
                }
                fields.push(("managed by", managed(user.managed_by.as_ref())));
                fields.extend(dates(&user.dates));
                Sheet {
                    kind: "user",
                    name: user.user_name.clone(),
                    id: user.id.to_string(),
                    fields,
                    sections: vec![
                        roles(&user.roles),
                        groups("groups", &user.groups),
                        external_ids(&user.external_ids),
                        written(&user.written),
                        attributes(&user.attributes),
                        keys(&user.keys),
                        problems(&user.problems),
                    ],
                    more: 0,
                }
            }
            Thing::Group(group) => {
                let mut fields = vec![
                    ("members", group.member_count.to_string()),
                    ("managed by", managed(group.managed_by.as_ref())),
                ];
                fields.extend(dates(&group.dates));
                Sheet {
                    kind: "group",
                    name: group.display_name.clone(),
                    id: group.id.to_string(),
                    fields,
                    sections: vec![
                        groups("is in", &group.groups),
                        external_ids(&group.external_ids),
                        attributes(&group.attributes),
                        members(&group.members),
                        problems(&group.problems),
                    ],
                    more: group
                        .next
                        .as_ref()
                        .map_or(0, |_| group.member_count.saturating_sub(group.members.len())),
                }
            }
            Thing::Role(role) => {
                let mut fields = vec![
                    ("description", role.description.clone()),
                    ("retired", yes(role.retired)),
                    ("holders", role.holder_count.to_string()),
                ];
                fields.extend(dates(&role.dates));
                Sheet {
                    kind: "role",
                    name: role.name.clone(),
                    id: role.id.to_string(),
                    fields,
                    sections: vec![holders(&role.holders)],
                    more: role
                        .next
                        .as_ref()
                        .map_or(0, |_| role.holder_count.saturating_sub(role.holders.len())),
                }
            }
            Thing::Connector(connector) => {
                let created = at(connector.created, connector.created_position);
                let settings = ::audit::sorted_json(&connector.settings).unwrap_or_default();
                Sheet {
                    kind: "connector",
                    name: connector.name.clone(),
                    id: connector.id.to_string(),
                    fields: vec![("created", created)],
                    sections: vec![
                        Section {
                            title: "settings",
                            heading: &["SETTING", "VALUE"],
                            rows: flat(settings.as_object()),
                        },
                        keys(&connector.keys),
                    ],
                    more: 0,
                }
            }
            Thing::Credential(credential) => {
                let Key {
                    id,
                    hint,
                    issued,
                    expires,
                    revoked,
                    kind,
                    scopes,
                    replaces,
                    last_used: _,
                } = &credential.key;
                let opens = scopes.as_ref().map_or("all".to_owned(), ToString::to_string);
                Sheet {
                    kind: "credential",
                    name: hint.clone(),
                    id: id.to_string(),
                    fields: vec![
                        ("holder", credential.holder.to_string()),
                        ("issued", at(issued.at, issued.position)),
                        ("expires", expires.map_or("never".to_owned(), |end| end.to_string())),
                        ("revoked", revoked.map_or("no".to_owned(), |s| at(s.at, s.position))),
                        ("kind", kind.as_str().to_owned()),
                        ("scopes", opens),
                        ("replaces", replaces.map_or("none".to_owned(), |id| id.to_string())),
                    ],
                    sections: Vec::new(),
                    more: 0,
                }
            }
            Thing::Tenant(tenant) => {
                let connector = |one: &::audit::show::ConnectorSummary| {
                    vec![one.name.clone(), one.settings.preset.clone(), one.id.to_string()]
                };
                let holders = tenant.holders.iter();
                Sheet {
                    kind: "tenant",
                    name: tenant.slug.clone(),
                    id: tenant.id.to_string(),
                    fields: vec![
                        ("title", tenant.title.clone()),
                        ("state", state(tenant)),
                        ("opened", tenant.opened.to_string()),
                        ("users", tenant.users.to_string()),
                        ("groups", tenant.groups.to_string()),
                        ("policies", tenant.policies.to_string()),
                        ("credentials", tenant.credentials.to_string()),
                    ]
                    .into_iter()
                    .chain(alerts(tenant))
                    .filter(|(label, value)| *label != "title" || !value.is_empty())
                    .collect(),
                    sections: vec![
                        Section {
                            title: "roles",
                            heading: &["ROLE", "HOLDERS"],
                            rows: holders
                                .map(|(n, many)| vec![n.clone(), many.to_string()])
                                .collect(),
                        },
                        Section {
                            title: "connectors",
                            heading: &["CONNECTOR", "PRESET", "ID"],
                            rows: tenant.connectors.iter().map(connector).collect(),
                        },
                        Section {
                            title: "schemas",
                            heading: &["URN"],
                            rows: tenant.schemas.iter().map(|urn| vec![urn.clone()]).collect(),
                        },
                    ],
                    more: 0,
                }
            }
        };
        let head = &shown.head;
        sheet.fields.push((
            "shown",
            format!("as of position {}, {}, {}", head.position, head.at, head.hash.short()),
        ));
        sheet
    }
}

fn csv(sheet: &Sheet) {
    let line = |section: &str, cells: &[String]| {
        let mut row = vec![section.to_owned()];
        row.extend(cells.iter().cloned());
        row.resize(4, String::new());
        print(csv_line(row));
    };
    print(csv_line(["SECTION", "NAME", "VALUE", "MORE"]));
    line(sheet.kind, &["name".to_owned(), sheet.name.clone()]);
    line(sheet.kind, &["id".to_owned(), sheet.id.clone()]);
    for (label, value) in &sheet.fields {
        line(sheet.kind, &[(*label).to_owned(), value.clone()]);
    }
    for section in &sheet.sections {
        section.rows.iter().for_each(|row| line(section.title, row));
    }
}

fn yes(flag: bool) -> String {
    if flag { "yes" } else { "no" }.to_owned()
}

fn managed(by: Option<&Named>) -> String {
    by.map_or_else(|| "an operator, here".to_owned(), Named::to_string)
}

fn at(time: Timestamp, position: Position) -> String {
    format!("{time}, position {position}")
}

fn dates(dates: &::audit::show::Dates) -> [(&'static str, String); 2] {
    [
        ("created", at(dates.created, dates.created_position)),
        ("changed", at(dates.changed, dates.version)),
    ]
}

fn names(all: &[Named]) -> String {
    all.iter().map(Named::to_string).collect::<Vec<_>>().join(", ")
}

fn sources(all: &[Through]) -> String {
    all.iter().map(|one| one.source.to_string()).collect::<Vec<_>>().join(", ")
}

fn roles(all: &[HeldRole]) -> Section {
    let rows = all.iter().map(|role| vec![role.name.clone(), sources(&role.through)]).collect();
    Section { title: "roles", heading: &["ROLE", "THROUGH"], rows }
}

fn groups(title: &'static str, all: &[InGroup]) -> Section {
    let row = |group: &InGroup| {
        let how = group
            .via
            .as_ref()
            .map_or_else(|| "directly".to_owned(), |via| format!("through {via}"));
        vec![group.name.clone(), how, names(&group.through)]
    };
    Section { title, heading: &["GROUP", "HOW", "THROUGH"], rows: all.iter().map(row).collect() }
}

fn external_ids(all: &[CalledBy]) -> Section {
    let row = |one: &CalledBy| {
        let whose = one.connector.as_ref().map_or_else(|| "operator".to_owned(), Named::to_string);
        vec![whose, one.value.clone()]
    };
    let rows = all.iter().map(row).collect();
    Section { title: "external ids", heading: &["WHOSE", "EXTERNAL ID"], rows }
}

fn written(all: &[WrittenBy]) -> Section {
    let rows = all.iter().flat_map(|one| {
        let row = |mut cells: Vec<String>| {
            cells.insert(0, one.connector.to_string());
            cells
        };
        flat(Some(&one.values)).into_iter().map(row)
    });
    Section { title: "as written", heading: &["BY", "ATTRIBUTE", "VALUE"], rows: rows.collect() }
}

fn attributes(all: &Map<String, Value>) -> Section {
    Section { title: "attributes", heading: &["ATTRIBUTE", "VALUE"], rows: flat(Some(all)) }
}

fn keys(all: &[Key]) -> Section {
    let row = |key: &Key| {
        let mut when = format!("issued {}", key.issued.at);
        if let Some(end) = key.expires {
            when.push_str(&format!(", expires {end}"));
        }
        if let Some(revoked) = key.revoked {
            when.push_str(&format!(", revoked {}", revoked.at));
        }
        vec![key.hint.clone(), when, key.id.to_string()]
    };
    let rows = all.iter().map(row).collect();
    Section { title: "keys", heading: &["KEY", "WHEN", "ID"], rows }
}

fn problems(all: &[Problem]) -> Section {
    let rows = all.iter().map(problems::row).collect();
    Section { title: "problems", heading: &problems::HEADING, rows }
}

fn members(all: &[ShownMember]) -> Section {
    let row = |one: &ShownMember| {
        let name = one.member.name.clone().or_else(|| one.member.id.clone()).unwrap_or_default();
        vec![name, one.member.kind.clone(), names(&one.through)]
    };
    let rows = all.iter().map(row).collect();
    Section { title: "members", heading: &["MEMBER", "KIND", "THROUGH"], rows }
}

fn holders(all: &[Holder]) -> Section {
    let row = |one: &Holder| {
        let active = if one.active { "active" } else { "inactive" };
        vec![one.user_name.clone(), active.to_owned(), sources(&one.through)]
    };
    let rows = all.iter().map(row).collect();
    Section { title: "holders", heading: &["USER", "ACTIVE", "THROUGH"], rows }
}

/// An object's values by path; lists as JSON.
fn flat(object: Option<&Map<String, Value>>) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for (name, value) in object.into_iter().flatten() {
        match value {
            Value::Object(inside) => {
                let separator = if name.contains(':') { ':' } else { '.' };
                for (sub, value) in inside {
                    rows.push(vec![format!("{name}{separator}{sub}"), cell(value)]);
                }
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => {
                rows.push(vec![name.clone(), cell(value)]);
            }
        }
    }
    rows
}

/// A value in few words: text as it is, the elements of a list one after the other, else JSON.
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if !items.is_empty() => {
            items.iter().map(element).collect::<Vec<_>>().join(", ")
        }
        Value::Object(_) => element(value),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => value.to_string(),
    }
}

/// A thing by its kind and name; an element of a list by its `value`, with its `type` where it says one; else JSON.
pub(crate) fn element(item: &Value) -> String {
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    if let Some(kind) = text("kind") {
        let name = text("name").or_else(|| text("id"));
        return name.map_or_else(|| kind.to_owned(), |name| format!("{kind} {name}"));
    }
    match (text("value"), text("type")) {
        (Some(value), Some(kind)) => format!("{value} ({kind})"),
        (Some(value), None) => value.to_owned(),
        (None, _) => item.as_str().map_or_else(|| item.to_string(), str::to_owned),
    }
}

/// How a tenant stands, and what made it so.
fn state(tenant: &::audit::show::ShownTenant) -> String {
    match &tenant.since {
        Some(cause) if cause.reason.is_empty() => format!("{} {}", tenant.state, cause.brief),
        Some(cause) => format!("{} {}: {}", tenant.state, cause.brief, cause.reason),
        None => tenant.state.clone(),
    }
}

/// Where its alerts go, if it was ever said.
fn alerts(tenant: &::audit::show::ShownTenant) -> Option<(&'static str, String)> {
    let word = if tenant.alerts { "to" } else { "off; to" };
    let addresses = tenant.alert_addresses.join(", ");
    (!addresses.is_empty()).then(|| ("alerts", format!("{word} {addresses}")))
}
