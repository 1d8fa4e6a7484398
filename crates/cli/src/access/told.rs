//! Answers about access, for people.

use ::audit::access::{AccessDiff, Can, Changed, Checked, Decided, Ground, Grounds, Listed};
use ::audit::{Entry, Moment};

use crate::audit::show::sentence;
use crate::explain::tree::{Line, draw, held, name, step, ways};
use crate::terminal::{Tone, note, plain, say, toned};

pub(super) const HEADING: [&str; 6] =
    ["USER", "ACTION", "RESOURCE", "DECISION", "REASON", "POLICIES"];

/// A check as a row.
pub(super) fn row(check: &Checked) -> Vec<Vec<String>> {
    vec![vec![
        check.user.name.clone(),
        check.action.clone(),
        check.resource.clone(),
        word(check.decision).to_owned(),
        check.reason.clone().unwrap_or_default(),
        names(&check.policies),
    ]]
}

/// A check and what it rests on.
pub(super) fn check(head: &Moment, check: &Checked) {
    let (word, may) = match check.decision {
        Decided::Allow => (toned("allow", Tone::Good), "may"),
        Decided::Deny => (toned("deny", Tone::Bad), "may not"),
    };
    let (who, action, resource) = (&check.user.name, &check.action, &check.resource);
    let claim = plain(&format!("{who} {may} {action} {resource}"));
    say(format!("{word}: {claim}, as of position {}, {}", head.position, head.at));
    draw(&lines(check), "");
}

/// What an answer rests on.
fn lines(check: &Checked) -> Vec<Line> {
    let mut lines: Vec<Line> = check.policies.iter().map(grounds).collect();
    if let Some(reason) = check.reason.as_deref().and_then(|reason| said(reason, check)) {
        let (word, since) = (reason, check.since.iter());
        lines.push(Line::with(word, since.map(|entry| step("since", entry)).collect()));
    }
    for broken in &check.errors {
        let text = format!("the policy {} could not be asked: {}", broken.policy, broken.error);
        lines.push(Line::new(text));
    }
    lines
}

/// Why not, in a sentence; none: the policies say it.
fn said(reason: &str, check: &Checked) -> Option<String> {
    let who = &check.user.name;
    Some(match reason {
        "forbidden" => return None,
        "no-such-user" => format!("there is no user {who}"),
        "inactive" => format!("{who} is inactive and may do nothing"),
        "locked" => format!("{who} is locked and may do nothing"),
        "no-privileges" => format!("{who} has no role and may do nothing"),
        "no-such-action" => "there was no such action for it then".to_owned(),
        _ => "no policy allows it".to_owned(),
    })
}

fn grounds(grounds: &Grounds) -> Line {
    let mut below: Vec<Line> = grounds.written.iter().map(|entry| step("written", entry)).collect();
    below.extend(grounds.through.iter().map(ground));
    let verb = if grounds.effect == "permit" { "allowed" } else { "forbidden" };
    Line::with(format!("{verb} by the policy {}", name(&grounds.policy)), below)
}

fn ground(ground: &Ground) -> Line {
    let what = name(&ground.what);
    match (&ground.role, ground.what.kind.as_str()) {
        (Some(role), _) => held(role),
        (None, "group") if ground.ways.is_empty() => {
            Line::new(format!("group {what}, which everybody is in"))
        }
        (None, "group") => Line::with(format!("group {what}"), ways(&ground.ways)),
        (None, "role") => Line::new(format!("role {what}, which everybody has")),
        (None, _) => Line::new(format!("it names {what}")),
    }
}

/// That whoever is asked about may do nothing, whatever can apply to them.
pub(super) fn barred(listed: &Listed) {
    if let Some(reason) = &listed.reason {
        let why = match reason.as_str() {
            "no-privileges" => "has no role",
            "locked" => "is locked",
            _ => "is inactive",
        };
        note(format!("{} {why} and may do nothing", listed.user.name));
    }
}

/// A policy that can apply as a row.
pub(super) fn can(can: &Can) -> Vec<Vec<String>> {
    let through: Vec<String> = can.grounds.through.iter().map(ground_in_words).collect();
    let written = can.grounds.written.as_ref();
    vec![vec![
        name(&can.grounds.policy),
        can.grounds.effect.clone(),
        can.actions.join(", "),
        if can.conditional { "conditions hold" } else { "" }.to_owned(),
        if through.is_empty() { "everybody".to_owned() } else { through.join(", ") },
        written.map(|entry| entry.at.to_string()).unwrap_or_default(),
        written.map(|entry| entry.position.to_string()).unwrap_or_default(),
    ]]
}

/// As in `group Sales (through Sales EMEA)`, `role Analyst`.
fn ground_in_words(ground: &Ground) -> String {
    let what = format!("{} {}", ground.what.kind, name(&ground.what));
    let first = ground.ways.first().filter(|way| way.len() > 1).and_then(|way| way.first());
    match first {
        Some(link) => format!("{what} (through {})", name(&link.group)),
        None => what,
    }
}

/// What is answered otherwise, as a row.
pub(super) fn changed(changed: &Changed) -> Vec<Vec<String>> {
    let (before, after) = (&changed.before, &changed.after);
    let policies = if after.policies.is_empty() { &before.policies } else { &after.policies };
    vec![vec![
        changed.action.clone(),
        changed.resource.clone(),
        word(before.decision).to_owned(),
        word(after.decision).to_owned(),
        after.reason.clone().or_else(|| before.reason.clone()).unwrap_or_default(),
        names(policies),
    ]]
}

/// What somebody may do that they might not, and the other way round, and what they rest on.
pub(super) fn differences(told: &AccessDiff) {
    let who = plain(&told.user.name);
    let (from, to) = (&told.from, &told.to);
    let many = match told.changes.len() {
        0 => "nothing is answered otherwise".to_owned(),
        1 => "1 answer is another".to_owned(),
        several => format!("{several} answers are others"),
    };
    say(format!(
        "{who}: of {} compared {many}, from position {}, {}, to {}, {}",
        told.compared, from.position, from.at, to.position, to.at
    ));
    for changed in &told.changes {
        let (sign, may) = match changed.after.decision {
            Decided::Allow => (toned("+", Tone::Good), "may now"),
            Decided::Deny => (toned("-", Tone::Bad), "may no longer"),
        };
        let claim = format!("{may} {} {}", changed.action, changed.resource);
        say(format!("{sign} {}", plain(&claim)));
        draw(
            &lines(if changed.after.decision == Decided::Allow {
                &changed.after
            } else {
                &changed.before
            }),
            "  ",
        );
        if changed.after.decision == Decided::Deny {
            draw(&lines(&changed.after), "  ");
        }
    }
    let commit = |entry: &Entry| {
        let events = entry.events.iter().map(|told| Line::new(sentence(told)));
        Line::with(step("committed", entry).text, events.collect())
    };
    let commits: Vec<Line> = told.commits.iter().map(commit).collect();
    if !commits.is_empty() {
        draw(&[Line::with("what happened in between", commits)], "");
    }
}

fn names(policies: &[Grounds]) -> String {
    policies.iter().map(|grounds| name(&grounds.policy)).collect::<Vec<_>>().join(", ")
}

fn word(decision: Decided) -> &'static str {
    match decision {
        Decided::Allow => "allow",
        Decided::Deny => "deny",
    }
}
