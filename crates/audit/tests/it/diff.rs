//! A difference is whole: what was there at one moment and the differences make what is there at another.

use std::collections::{BTreeMap, BTreeSet};

use audit::diff::{Became, Change, Diff, DiffPage, Difference, Scope, Summary, What, diff};
use audit::facts::{Facts, Item, Key, facts, holder, member, same};
use domain::directory::Directory;
use domain::event::Member;
use domain::id::TenantId;
use domain::position::Position;
use domain::snapshot::Snapshot;
use engine::Engine;
use serde_json::{Value, json};

const ALL: DiffPage = DiffPage { skip: 0, count: usize::MAX, all: true };

/// Everything in a directory, by what a difference calls it.
type World = BTreeMap<(String, String), BTreeMap<String, Value>>;

/// Seen to catch: a membership or a role that ended and is left out; the commit of the earlier moment taken for one after it;
/// a cause that is left out; a field of users that is no fact; a member that is not told of its groups.
#[test]
fn what_was_and_the_differences_make_what_is() {
    let mut seen = Summary::default();
    for seed in 0..8 {
        let seen = std::cell::RefCell::new(&mut seen);
        let looked = testkit::simulate::run_and_look(seed, 30, |engine, tenant| {
            let history = history(engine, tenant);
            let worlds: Vec<World> = history.iter().map(|then| world(&then.directory)).collect();
            let last = history.len() - 1;
            for step in 0..8 {
                // Moments near each other and far from each other, and the same one twice.
                let a = (seed as usize * 31 + step * 17) % history.len();
                let b = [a, last, (a + 3).min(last), (a + 40).min(last)][step % 4];
                let summary = check(engine, tenant, (&history, &worlds), a, b)
                    .map_err(|wrong| format!("{} to {}: {wrong}", a + 1, b + 1))?;
                add(&mut seen.borrow_mut(), summary);
            }
            Ok(())
        });
        looked.unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
    }
    // It is no wonder that all is well if nothing happens.
    let Summary { appeared, disappeared, changed, changed_back, came_and_went, .. } = seen;
    assert!(appeared > 100 && changed > 100, "{seen:?}");
    assert!(disappeared > 20 && changed_back > 0 && came_and_went > 20, "{seen:?}");
}

fn add(sum: &mut Summary, one: Summary) {
    sum.appeared += one.appeared;
    sum.disappeared += one.disappeared;
    sum.changed += one.changed;
    sum.changed_back += one.changed_back;
    sum.came_and_went += one.came_and_went;
}

/// The tenant after each of its commits.
fn history(engine: &Engine, tenant: TenantId) -> Vec<Snapshot> {
    let mut snapshot = Snapshot::default();
    let mut all = Vec::new();
    for number in 1.. {
        let Some(recorded) = engine.commit(tenant, Position::new(number).unwrap()).unwrap() else {
            return all;
        };
        snapshot.advance(&recorded.commit, recorded.hash).unwrap();
        all.push(snapshot.clone());
    }
    all
}

fn check(
    engine: &Engine,
    tenant: TenantId,
    (history, worlds): (&[Snapshot], &[World]),
    a: usize,
    b: usize,
) -> Result<Summary, String> {
    let (from, to) = (&history[a], &history[b]);
    let told = diff(engine, tenant, from, to, &Scope::Tenant, ALL).map_err(|e| e.to_string())?;
    check_whole(from, to, &told)?;
    check_causes(worlds, a, b, &told)?;
    check_scopes(engine, tenant, from, to, &told)?;
    check_pages(engine, tenant, from, to)?;
    Ok(told.summary)
}

fn check_whole(from: &Snapshot, to: &Snapshot, told: &Diff) -> Result<(), String> {
    let (mut world, after) = (world(&from.directory), world(&to.directory));
    let mut things = BTreeSet::new();
    for difference in &told.differences {
        let thing = thing(difference);
        if !things.insert(thing.clone()) {
            return Err(format!("{thing:?} is told twice"));
        }
        let there = (world.contains_key(&thing), after.contains_key(&thing));
        let expected = match difference.became {
            Became::Appeared => (false, true),
            Became::Disappeared => (true, false),
            Became::Changed | Became::ChangedBack => (true, true),
            Became::CameAndWent | Became::Erased => (false, false),
        };
        if there != expected {
            return Err(format!("{thing:?} {:?}, but it was there: {there:?}", difference.became));
        }
        let nothing =
            matches!(difference.became, Became::ChangedBack | Became::CameAndWent | Became::Erased);
        if nothing != difference.changes.is_empty() {
            return Err(format!("{thing:?} {:?} with {:?}", difference.became, difference.changes));
        }
        if difference.became == Became::Appeared {
            world.insert(thing.clone(), BTreeMap::new());
        }
        let mut facts = BTreeSet::new();
        for change in &difference.changes {
            let key = label(change);
            if !facts.insert(key.clone()) {
                return Err(format!("{thing:?}: {key} is told twice"));
            }
            let there = world.get_mut(&thing).ok_or("a change of a thing that is not there")?;
            let before = match &change.after {
                Some(value) => there.insert(key.clone(), value.clone()),
                None => there.remove(&key),
            };
            if !same(before.as_ref(), change.before.as_ref())
                || same(before.as_ref(), change.after.as_ref())
            {
                return Err(format!("{thing:?}: {key} was {before:?}, told is {change:?}"));
            }
        }
        if difference.became == Became::Disappeared
            && let Some(left) = world.remove(&thing)
            && !left.is_empty()
        {
            return Err(format!("{thing:?} is gone, and {left:?} of it is not told"));
        }
    }
    for thing in world.keys().chain(after.keys()) {
        let (Some(one), Some(other)) = (world.get(thing), after.get(thing)) else {
            return Err(format!("{thing:?} appeared or disappeared, and is not told"));
        };
        for key in one.keys().chain(other.keys()) {
            if !same(one.get(key), other.get(key)) {
                let (one, other) = (one.get(key), other.get(key));
                return Err(format!("{thing:?}: {key} would be {one:?} and is {other:?}"));
            }
        }
    }
    check_against_the_directories(from, to, told)
}

/// What is told of as changed is all that the directories' own encoding says: no field is forgotten.
fn check_against_the_directories(
    from: &Snapshot,
    to: &Snapshot,
    told: &Diff,
) -> Result<(), String> {
    let differ: BTreeSet<String> = told
        .differences
        .iter()
        .filter(|difference| !difference.changes.is_empty())
        .filter_map(|difference| difference.thing.id.clone())
        .collect();
    let (from, to) = (encoded(&from.directory), encoded(&to.directory));
    for id in from.keys().chain(to.keys()) {
        let (before, after) = (from.get(id), to.get(id));
        if (before != after) != differ.contains(id) {
            return Err(format!(
                "{id} was {before:?} and is {after:?}, told: {}",
                differ.contains(id)
            ));
        }
    }
    Ok(())
}

/// Users, groups, roles, connectors and credentials as they are stored, but for when they last changed.
fn encoded(directory: &Directory) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    let mut add = |id: String, mut value: Value| {
        value.as_object_mut().unwrap().remove("modified");
        if let Some(roles) = value.get_mut("roles").and_then(Value::as_array_mut) {
            roles.sort_by_key(Value::to_string);
        }
        all.insert(id, value);
    };
    directory.users.iter().for_each(|user| add(user.id.to_string(), json!(user)));
    directory.groups.iter().for_each(|group| add(group.id.to_string(), json!(group)));
    directory.roles.iter().for_each(|role| add(role.id.to_string(), json!(role)));
    directory.rules.iter().for_each(|rule| add(rule.id.to_string(), json!(rule)));
    directory.connectors.iter().for_each(|one| add(one.id.to_string(), json!(one)));
    directory.credentials.iter().for_each(|one| add(one.id.to_string(), json!(one)));
    directory.policies.iter().for_each(|one| add(one.id.to_string(), json!(one)));
    let schema = directory.policy_schema.iter();
    schema.for_each(|one| add("policies".to_owned(), json!({ "text": one.text })));
    all
}

/// Each change was so before its first commit, and is so since its last one.
fn check_causes(worlds: &[World], a: usize, b: usize, told: &Diff) -> Result<(), String> {
    let between = |position: &Position| {
        let number = position.get() as usize;
        number > a + 1 && number <= b + 1
    };
    for difference in &told.differences {
        let thing = thing(difference);
        let commits: Vec<Position> =
            difference.commits.iter().map(|commit| commit.position).collect();
        if commits.is_empty() || !commits.is_sorted() || !commits.iter().all(between) {
            return Err(format!("{thing:?} is said to be touched by {commits:?}"));
        }
        for change in &difference.changes {
            let key = label(change);
            let at =
                |index: usize| worlds[index].get(&thing).and_then(|facts| facts.get(&key)).cloned();
            let (Some(first), Some(last)) = (change.commits.first(), change.commits.last()) else {
                return Err(format!("{thing:?}: nothing caused {change:?}"));
            };
            if !change.commits.iter().all(|position| commits.contains(position)) {
                return Err(format!("{thing:?}: other commits than {commits:?} caused {change:?}"));
            }
            let (before, after) = (at(first.get() as usize - 2), at(last.get() as usize - 1));
            if !same(before.as_ref(), change.before.as_ref())
                || !same(after.as_ref(), change.after.as_ref())
            {
                return Err(format!(
                    "{thing:?}: {change:?} was not caused by those, {before:?} {after:?}"
                ));
            }
        }
    }
    Ok(())
}

/// Who asks about one thing is told the same of it as who asks about the tenant; and a membership from both its ends.
fn check_scopes(
    engine: &Engine,
    tenant: TenantId,
    from: &Snapshot,
    to: &Snapshot,
    told: &Diff,
) -> Result<(), String> {
    let mut own = BTreeMap::new();
    let mut other = BTreeMap::new();
    for difference in &told.differences {
        let (kind, id) = thing(difference);
        for change in &difference.changes {
            let entry = (change.before.clone(), change.after.clone());
            own.insert((id.clone(), label(change)), entry.clone());
            let about = || change.about.as_ref().and_then(|about| about.id.clone()).unwrap();
            match change.what {
                What::Member => drop(other.insert((about(), format!("Group {id}")), entry)),
                What::Role => drop(other.insert((about(), format!("Holder {id}")), entry)),
                What::Attribute | What::ExternalId => {}
                What::Group | What::Holder => return Err(format!("{kind} {id}: {change:?} twice")),
            }
        }
    }
    let mut expected = own;
    expected.extend(other);
    let mut found = BTreeMap::new();
    let mut ask = |scope: Scope| {
        let told = diff(engine, tenant, from, to, &scope, ALL).map_err(|e| e.to_string())?;
        for difference in told.differences {
            for change in &difference.changes {
                let key = (difference.thing.id.clone().unwrap(), label(change));
                found.insert(key, (change.before.clone(), change.after.clone()));
            }
        }
        Ok::<_, String>(())
    };
    let both = [&from.directory, &to.directory];
    for directory in both {
        directory.users.iter().try_for_each(|user| ask(Scope::User(user.id.to_string())))?;
        directory.groups.iter().try_for_each(|group| ask(Scope::Group(group.id.to_string())))?;
        directory.roles.iter().try_for_each(|role| ask(Scope::Role(role.name.clone())))?;
    }
    let scoped: BTreeSet<String> = both
        .iter()
        .flat_map(|directory| {
            let users = directory.users.iter().map(|user| user.id.to_string());
            let groups = directory.groups.iter().map(|group| group.id.to_string());
            let roles = directory.roles.iter().map(|role| role.id.to_string());
            let rules = directory.rules.iter().map(|rule| rule.id.to_string());
            users.chain(groups).chain(roles).chain(rules)
        })
        .collect();
    expected.retain(|(id, _), _| scoped.contains(id));
    if found != expected {
        let missing: Vec<_> = expected.iter().filter(|(key, _)| !found.contains_key(key)).collect();
        let more: Vec<_> = found.iter().filter(|(key, _)| !expected.contains_key(key)).collect();
        return Err(format!("asked one by one, {missing:?} is missing and {more:?} is too much"));
    }
    Ok(())
}

/// Page by page, what is told is the same.
fn check_pages(
    engine: &Engine,
    tenant: TenantId,
    from: &Snapshot,
    to: &Snapshot,
) -> Result<(), String> {
    let ask = |page| diff(engine, tenant, from, to, &Scope::Tenant, page).unwrap();
    let whole = ask(DiffPage { all: false, ..ALL });
    let mut pages = Vec::new();
    let mut next = Some(0);
    while let Some(skip) = next {
        let page = ask(DiffPage { skip, count: 7, all: false });
        if page.summary != whole.summary || page.differences.len() > 7 {
            return Err(format!("the page after {skip} sums up otherwise"));
        }
        pages.extend(page.differences);
        next = page.next;
    }
    if pages != whole.differences || pages.len() != whole.summary.differ() {
        return Err("the pages are not the whole".to_owned());
    }
    Ok(())
}

fn thing(difference: &Difference) -> (String, String) {
    (difference.thing.kind.clone(), difference.thing.id.clone().unwrap())
}

/// What a change is about, by ids.
fn label(change: &Change) -> String {
    match &change.about {
        None => format!("{:?} {}", change.what, change.path),
        Some(about) => format!("{:?} {}", change.what, about.id.as_deref().unwrap()),
    }
}

fn key_label(key: &Key) -> String {
    match key {
        Key::Attribute(path) => format!("Attribute {path}"),
        Key::ExternalId(Some(connector)) => format!("ExternalId {connector}"),
        Key::ExternalId(None) => "ExternalId externalId".to_owned(),
        Key::Role(role) => format!("Role {role}"),
        Key::Member(Member::User(user)) => format!("Member {user}"),
        Key::Member(Member::Group(group)) => format!("Member {group}"),
        Key::InGroup(group) => format!("Group {group}"),
        Key::Holder(user) => format!("Holder {user}"),
    }
}

fn world(directory: &Directory) -> World {
    let mut items: Vec<Item> = Vec::new();
    items.extend(directory.users.iter().map(|user| Item::User(user.id)));
    items.extend(directory.groups.iter().map(|group| Item::Group(group.id)));
    items.extend(directory.roles.iter().map(|role| Item::Role(role.id)));
    items.extend(directory.rules.iter().map(|rule| Item::Rule(rule.id)));
    items.extend(directory.connectors.iter().map(|one| Item::Connector(one.id)));
    items.extend(directory.credentials.iter().map(|one| Item::Credential(one.id)));
    items.extend(directory.policy_schema.iter().map(|_| Item::PolicySchema));
    items.extend(directory.tenant.iter().map(|tenant| Item::Tenant(tenant.id)));
    items.extend(directory.policies.iter().map(|one| Item::Policy(one.id)));
    items.extend(directory.schemas.custom().map(|schema| Item::Schema(schema.urn.clone())));
    let mut world = World::new();
    for item in items {
        let mut all: Facts = facts(directory, &item).unwrap().unwrap();
        if let Item::Group(id) = item {
            let group = directory.groups.get(id).unwrap();
            all.extend(
                group.members().map(|one| (Key::Member(one), member(directory, id, one).unwrap())),
            );
        }
        let named = item.named(directory);
        let facts = all.into_iter().map(|(key, value)| (key_label(&key), value)).collect();
        world.insert((named.kind, named.id.unwrap()), facts);
    }
    world
}

/// A role is told alike with the user and with the role.
#[test]
fn a_holder_is_told_as_the_user_is() {
    testkit::simulate::run_and_look(1, 10, |engine, tenant| {
        let now = engine.now(tenant).unwrap();
        for user in now.directory.users.iter() {
            let all = facts(&now.directory, &Item::User(user.id)).unwrap().unwrap();
            for role in now.directory.roles.iter() {
                let told = all.get(&Key::Role(role.id));
                assert_eq!(told, holder(&now.directory, user.id, role.id).as_ref());
            }
        }
        Ok(())
    })
    .unwrap();
}
