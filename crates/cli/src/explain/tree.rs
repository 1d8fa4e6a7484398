//! An explanation as a tree of lines.

use ::audit::explain::{AskedGroup, AskedRole, Explanation, Held, Person, State, Way};
use ::audit::{Entry, Named, Told};
use serde_json::Value;

use crate::audit::show::actor;
use crate::terminal::{Tone, plain, say, toned};

/// A line, and the lines that explain it.
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) below: Vec<Line>,
}

impl Line {
    pub(crate) fn new(text: impl Into<String>) -> Line {
        Line { text: text.into(), below: Vec::new() }
    }

    pub(crate) fn with(text: impl Into<String>, below: Vec<Line>) -> Line {
        Line { text: text.into(), below }
    }
}

/// Prints an explanation: the answer first, then what it rests on.
pub(super) fn show(explanation: &Explanation) {
    let answer = if explanation.answer { toned("yes", Tone::Good) } else { toned("no", Tone::Bad) };
    say(format!(
        "{answer}: {}, as of position {}, {}",
        plain(&claim(explanation)),
        explanation.head.position,
        explanation.head.at
    ));
    let mut lines = whether_there(&explanation.user);
    lines.extend(explanation.roles.iter().map(held));
    lines.extend(ways(&explanation.ways));
    lines.extend(explanation.role.iter().flat_map(role));
    lines.extend(explanation.group.iter().flat_map(group));
    lines.extend(not(explanation));
    draw(&lines, "");
}

pub(crate) fn draw(lines: &[Line], indent: &str) {
    for (index, line) in lines.iter().enumerate() {
        let is_last = index + 1 == lines.len();
        let (branch, under) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        say(format!("{indent}{branch}{}", plain(&line.text)));
        draw(&line.below, &format!("{indent}{under}"));
    }
}

/// What the answer says yes or no to.
fn claim(explanation: &Explanation) -> String {
    let who = who(&explanation.user);
    match (&explanation.role, &explanation.group, explanation.roles.len()) {
        (Some(role), ..) if explanation.answer => format!("{who} has the role {}", role.name),
        (Some(role), ..) => format!("{who} does not have the role {}", role.name),
        (_, Some(group), _) if explanation.answer => {
            format!("{who} is in the group {}", group.name)
        }
        (_, Some(group), _) => format!("{who} is not in the group {}", group.name),
        (None, None, 0) => format!("{who} has no role"),
        (None, None, 1) => format!("{who} has 1 role"),
        (None, None, several) => format!("{who} has {several} roles"),
    }
}

fn who(user: &Person) -> String {
    user.name.clone().unwrap_or_else(|| format!("the erased user {}", user.id))
}

/// That the user was not there, or might do nothing.
fn whether_there(user: &Person) -> Vec<Line> {
    let who = who(user);
    let mut lines = Vec::new();
    if user.state == State::NotYet {
        lines.push(Line::with(
            format!("{who} did not exist yet"),
            steps("created", user.created.iter()),
        ));
    }
    if user.state == State::Deleted {
        let mut below = steps("deleted", user.deleted.iter());
        below.extend(steps("erased", user.erased.iter()));
        lines.push(Line::with(format!("{who} does not exist any more"), below));
    }
    if let Some(deactivated) = &user.deactivated {
        let created = deactivated.events.iter().any(|told| kind(&told.event) == "UserCreated");
        let word = if created { "created inactive" } else { "deactivated" };
        lines.push(Line::with(
            format!("{who} is inactive and may do nothing, whichever roles they have"),
            vec![step(word, deactivated)],
        ));
    }
    if let Some(locked) = &user.locked {
        lines.push(Line::with(
            format!("{who} is locked and may do nothing, whatever their identity provider says"),
            vec![step("locked", locked)],
        ));
    }
    lines
}

pub(crate) fn held(held: &Held) -> Line {
    let mut below = Vec::new();
    if let Some(retired) = &held.retired {
        below.push(Line::with(
            "the role is retired: who has it keeps it",
            vec![step("retired", retired)],
        ));
    }
    for given in &held.sources {
        let mut chain = vec![step("assigned", &given.assigned)];
        if let Some(because) = &given.rule {
            chain.push(step("rule added", &because.added));
            chain.extend(ways(&because.ways));
        }
        below.push(Line::with(format!("through {}", through(&given.through)), chain));
    }
    Line::with(format!("role {}", name(&held.role)), below)
}

pub(crate) fn ways(ways: &[Way]) -> Vec<Line> {
    let line = |way: &Way| {
        let links: Vec<Line> = way
            .iter()
            .map(|link| {
                let text = format!("{} is in {}", name(&link.member), name(&link.group));
                Line::with(text, steps("added", link.since.iter()))
            })
            .collect();
        let path: Vec<String> = way.iter().map(|link| name(&link.group)).collect();
        Line::with(format!("in the group through {}", path.join(" → ")), links)
    };
    ways.iter().map(line).collect()
}

fn role(role: &AskedRole) -> Vec<Line> {
    match role.state {
        State::Present | State::Deleted => Vec::new(),
        State::Retired => {
            let text = format!("the role {} is retired and not assigned any more", role.name);
            vec![Line::with(text, steps("retired", role.retired.iter()))]
        }
        State::NotYet => {
            let text = format!("there was no role {} yet", role.name);
            vec![Line::with(text, steps("defined", role.defined.iter()))]
        }
        State::Unknown => {
            let hint = role.similar.as_ref();
            let hint = hint.map(|name| format!(": do you mean {name}?")).unwrap_or_default();
            vec![Line::new(format!("there is no role {}{hint}", role.name))]
        }
    }
}

fn group(group: &AskedGroup) -> Vec<Line> {
    match group.state {
        State::Present | State::Retired => Vec::new(),
        State::Deleted => {
            let text = format!("the group {} does not exist any more", group.name);
            vec![Line::with(text, steps("deleted", group.deleted.iter()))]
        }
        State::NotYet => {
            let text = format!("there was no group {} yet", group.name);
            vec![Line::with(text, steps("created", group.created.iter()))]
        }
        State::Unknown => vec![Line::new(format!("there is no group {}", group.name))],
    }
}

/// What was, what would be, and what was refused.
fn not(explanation: &Explanation) -> Vec<Line> {
    let mut lines = Vec::new();
    for period in &explanation.past {
        let text = format!("it was so through {}", through(&period.through));
        lines.push(Line::with(
            text,
            vec![step("since", &period.from), step("until", &period.until)],
        ));
    }
    let is_asked = explanation.role.is_some() || explanation.group.is_some();
    if is_asked && !explanation.answer && explanation.past.is_empty() {
        lines.push(Line::new("nothing ever gave it to them"));
    }
    for offer in &explanation.rules {
        let mut below = vec![step("rule added", &offer.added)];
        below.extend(offer.left.as_ref().map(|left| step("left the group", left)));
        let group = name(&offer.group);
        let text = format!("the rule {} would give it: they are not in {group}", name(&offer.rule));
        lines.push(Line::with(text, below));
    }
    for problem in &explanation.problems {
        let word = if problem.status < 400 { "carried out in part" } else { "refused" };
        lines.push(Line::with(
            format!("a request was {word}, {}: {}", problem.at, problem.detail),
            vec![Line::new(format!(
                "{} {}, status {}, request {}",
                problem.method, problem.path, problem.status, problem.request
            ))],
        ));
    }
    lines
}

fn steps<'a>(word: &str, entries: impl Iterator<Item = &'a Entry>) -> Vec<Line> {
    entries.map(|entry| step(word, entry)).collect()
}

/// A commit in one line: where and when, by whom, from where, in which request; with what else counts in it below.
pub(crate) fn step(word: &str, entry: &Entry) -> Line {
    let mut text =
        format!("{word} at position {}, {}, by {}", entry.position, entry.at, actor(entry));
    if let Some(source) = entry.source {
        text.push_str(&format!(", from {source}"));
    }
    if let Some(agent) = &entry.agent {
        text.push_str(&format!(" ({agent})"));
    }
    let proof = format!("request {}, hash {}", entry.request, entry.hash.short());
    // Beside the role, what made it come or go.
    let cause = |told: &Told| match kind(&told.event) {
        "RoleAssigned" | "RoleRevoked" => None,
        kind => {
            let names = [&told.user_name, &told.role_name, &told.member_name, &told.group_name];
            let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
            Some(Line::new(format!("with it {kind} {}", names.join(" · "))))
        }
    };
    let causes = match entry.events.as_slice() {
        [_] => Vec::new(),
        several => several.iter().filter_map(cause).collect(),
    };
    Line::with(format!("{text}, {}", toned(&proof, Tone::Faint)), causes)
}

pub(crate) fn name(named: &Named) -> String {
    named.name.clone().or_else(|| named.id.clone()).unwrap_or_else(|| named.kind.clone())
}

fn through(named: &Named) -> String {
    match named.kind.as_str() {
        "local" => "a grant made here".to_owned(),
        kind => format!("the {kind} {}", name(named)),
    }
}

fn kind(event: &Value) -> &str {
    event.get("type").and_then(Value::as_str).unwrap_or_default()
}
