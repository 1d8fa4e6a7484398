//! One touched thing at both moments.

use std::collections::BTreeSet;

use domain::directory::Directory;
use domain::event::Member;
use domain::snapshot::Snapshot;
use serde_json::Value;

use super::touched::Touches;
use super::{Became, Change, What};
use crate::ask::AskError;
use crate::entry::Named;
use crate::facts::{Facts, Item, Key, facts, holder, member, same};

/// What became of a thing, and each fact that differs.
pub(super) fn compare(
    from: &Snapshot,
    to: &Snapshot,
    item: &Item,
    touches: &Touches,
) -> Result<(Became, Vec<Change>), AskError> {
    let (from, to) = (&from.directory, &to.directory);
    let (before, after) = (facts(from, item)?, facts(to, item)?);
    let there = (before.is_some(), after.is_some());
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    // What the things hold themselves is small and compared as a whole, so that nothing is missed; members and holders,
    // who may be as many as there are users, are compared where they were touched.
    let keys: BTreeSet<&Key> = before.keys().chain(after.keys()).chain(touches.keys()).collect();
    let mut changes = Vec::new();
    for key in keys {
        let (before, after) = (value(from, item, key, &before), value(to, item, key, &after));
        if !same(before.as_ref(), after.as_ref()) {
            let commits = touches.causes(key);
            let (what, path, about) = said(from, to, key);
            changes.push(Change { what, path, about, before, after, commits });
        }
    }
    let became = match there {
        (false, true) => Became::Appeared,
        (true, false) => Became::Disappeared,
        (true, true) if changes.is_empty() => Became::ChangedBack,
        (true, true) => Became::Changed,
        (false, false) if touches.made => Became::CameAndWent,
        // Whoever was gone already: what can be done to them is to erase them.
        (false, false) => Became::Erased,
    };
    Ok((became, changes))
}

fn value(directory: &Directory, item: &Item, key: &Key, facts: &Facts) -> Option<Value> {
    match (key, item) {
        (Key::Member(who), Item::Group(group)) => member(directory, *group, *who),
        (Key::InGroup(group), Item::User(user)) => member(directory, *group, Member::User(*user)),
        (Key::InGroup(group), Item::Group(inner)) => {
            member(directory, *group, Member::Group(*inner))
        }
        (Key::Holder(user), Item::Role(role)) => holder(directory, *user, *role),
        _ => facts.get(key).cloned(),
    }
}

/// What a fact is about, in words: by the names of the later moment, else of the earlier one.
fn said(from: &Directory, to: &Directory, key: &Key) -> (What, String, Option<Named>) {
    let (what, item) = match key {
        Key::Attribute(path) => return (What::Attribute, path.clone(), None),
        Key::ExternalId(connector) => {
            let about = connector.map(|id| Named::connector(id, to));
            return (What::ExternalId, "externalId".to_owned(), about);
        }
        Key::Role(role) => (What::Role, Item::Role(*role)),
        Key::Member(Member::User(user)) => (What::Member, Item::User(*user)),
        Key::Member(Member::Group(group)) => (What::Member, Item::Group(*group)),
        Key::InGroup(group) => (What::Group, Item::Group(*group)),
        Key::Holder(user) => (What::Holder, Item::User(*user)),
    };
    let about = name(from, to, &item, None);
    let path = about.name.clone().or_else(|| about.id.clone()).unwrap_or_default();
    (what, path, Some(about))
}

/// A thing by its name at the later moment, else at the earlier one, else the last in between.
pub(super) fn name(
    from: &Directory,
    to: &Directory,
    item: &Item,
    between: Option<&String>,
) -> Named {
    let mut named = item.named(to);
    if named.name.is_none() {
        named.name = item.named(from).name.or_else(|| between.cloned());
    }
    named
}
