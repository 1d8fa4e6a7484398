//! The faults, each with the law that it breaks.

/// One fault: what it breaks, and how it gets into the code.
pub(crate) struct Fault {
    pub(crate) law: &'static str,
    pub(crate) file: &'static str,
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
}

pub(crate) const FAULTS: [Fault; 32] = [
    Fault {
        law: "no read sees what is not durable: publish before append",
        file: "crates/engine/src/writer.rs",
        from: "        log = match log.append(&turn.sealed) {",
        to: "        { let mut world = (**shared.world.load()).clone(); for (tenant, snapshot) in turn.tips.clone() { world.set(tenant, snapshot); } shared.world.store(Arc::new(world)); }\n        log = match log.append(&turn.sealed) {",
    },
    Fault {
        law: "no answer leaves before the append: answer first",
        file: "crates/engine/src/writer.rs",
        from: "        answers.push((reply, answer));",
        to: "        drop(reply.send(answer.clone())); answers.push((oneshot::channel().0, answer));",
    },
    Fault {
        law: "no two users share a name key: no check on rename",
        file: "crates/domain/src/decide/user.rs",
        from: "        is_free(is_ignored)?;",
        to: "",
    },
    Fault {
        law: "every index says what its map says: forget the old name on rename",
        file: "crates/domain/src/directory/users.rs",
        from: "        self.by_name.remove(&old);",
        to: "",
    },
    Fault {
        law: "every reference leads somewhere: memberships outlive their user",
        file: "crates/domain/src/decide/user.rs",
        from: "    for (group, source) in directory.memberships_of(member) {",
        to: "    for (group, source) in directory.memberships_of(member).into_iter().take(0) {",
    },
    Fault {
        law: "who has a role through a rule is in its group: only direct members follow",
        file: "crates/domain/src/decide/rule.rs",
        from: "        next.extend(parents(group).into_iter().filter(|parent| seen.insert(*parent)));",
        to: "        drop(parents(group));",
    },
    Fault {
        law: "every acknowledged commit is in the log: decide on the published world, not the tip",
        file: "crates/engine/src/writer.rs",
        from: "match self.tips.get(&tenant) {",
        to: "match None::<&Arc<Snapshot>> {",
    },
    Fault {
        law: "what one tenant does is invisible to others: decide on another tenant's tip",
        file: "crates/engine/src/writer.rs",
        from: "match self.tips.get(&tenant) {",
        to: "match self.tips.values().next() {",
    },
    Fault {
        law: "time never decreases: use the clock as it comes",
        file: "crates/engine/src/writer.rs",
        from: "(shared.clock)().max(tip.head.time)",
        to: "(shared.clock)()",
    },
    Fault {
        law: "checkpoint + rest = the whole: the trail's times are not in it",
        file: "crates/domain/src/trail.rs",
        from: "    times: Vector<Timestamp>,",
        to: "    #[serde(skip)]\n    times: Vector<Timestamp>,",
    },
    Fault {
        law: "the live world equals a cold replay: a deactivation is decided but not applied cold",
        file: "crates/engine/src/writer.rs",
        from: "        next.advance(&commit, sealed.hash)?;",
        to: "        let mut told = commit.clone(); told.events.pop(); next.advance(&told, sealed.hash)?;",
    },
    Fault {
        law: "who is erased cannot be read: the key is not dropped",
        file: "crates/eventlog/src/turn.rs",
        from: "        for user in dropped_keys {",
        to: "        for user in dropped_keys.iter().take(0) {",
    },
    Fault {
        law: "the erasure of one is invisible to others: the keys of the whole tenant are dropped",
        file: "crates/eventlog/src/turn.rs",
        from: "            records.insert((*tenant, *user), keys::tombstone());",
        to: "            records.insert((*tenant, *user), keys::tombstone()); for (other, _) in reader.store().keys(*tenant)? { records.insert((*tenant, other), keys::tombstone()); }",
    },
    Fault {
        law: "who is erased has no name: former names are kept",
        file: "crates/domain/src/directory/users.rs",
        from: "        for name in self.former_of.remove(&id).into_iter().flatten() {",
        to: "        for name in self.former_of.get(&id).cloned().into_iter().flatten().take(0) {",
    },
    Fault {
        law: "what a schema requires is there: create by the schemas of a moment ago",
        file: "crates/domain/src/decide/user.rs",
        from: "    scim::validate(&admitted.object, directory.schemas.catalogue().user())?;",
        to: "",
    },
    Fault {
        law: "what a schema requires is there: those who are left out are not asked",
        file: "crates/domain/src/decide/administration.rs",
        from: " || directory.ignored.users().next().is_some(),",
        to: ",",
    },
    Fault {
        law: "no two users share a unique value: no check on change",
        file: "crates/domain/src/decide/user.rs",
        from: "        free_values(directory, member, &wanted.attributes)?;",
        to: "",
    },
    Fault {
        law: "no two holders share a secret: no check on issue",
        file: "crates/domain/src/decide/credential.rs",
        from: "    match directory.credentials.with_hash(hash) {",
        to: "    match directory.credentials.with_hash(hash).filter(|_| false) {",
    },
    Fault {
        law: "a suspended tenant takes nothing from identity providers: it does",
        file: "crates/domain/src/decide/standing.rs",
        from: "        TenantState::Suspended { .. } if actor.connector().is_some() => Err(Rejection::Suspended),\n",
        to: "",
    },
    Fault {
        law: "a closed tenant takes erasures alone: it takes all",
        file: "crates/domain/src/decide/standing.rs",
        from: "        TenantState::Closed { .. } => Err(Rejection::Closed),",
        to: "        TenantState::Closed { .. } => Ok(()),",
    },
    Fault {
        law: "once an owner has a lasting key, one always has: another role is given to the last",
        file: "crates/domain/src/decide/operator.rs",
        from: "    if role != OperatorRole::Owner {\n        keeps_an_owner(directory, operator, None)?;\n    }\n",
        to: "",
    },
    Fault {
        law: "a connector that is off writes nothing: it does",
        file: "crates/domain/src/decide/workflow.rs",
        from: "if !connector.settings.enabled && !withdraws =>",
        to: "if !connector.settings.enabled && !withdraws && false =>",
    },
    Fault {
        law: "a connector writes what it may: no check on change",
        file: "crates/domain/src/decide/workflow.rs",
        from: "            check(connector, decision.events.iter().map(needed))?;\n",
        to: "",
    },
    Fault {
        law: "a connector writes what it may: whom it takes over, it deactivates",
        file: "crates/domain/src/decide/workflow.rs",
        from: "                check(connector, decision.events.iter().map(needed).filter(switches))?;\n",
        to: "                let _ = switches;\n",
    },
    Fault {
        law: "whoever manages somebody is there: a connector is removed with all that it manages",
        file: "crates/domain/src/decide/connector.rs",
        from: "    if let Some(by) = stands_on(directory, connector) {",
        to: "    if let Some(by) = stands_on(directory, connector).filter(|_| false) {",
    },
    Fault {
        law: "what a connector manages is not changed here: it is",
        file: "crates/domain/src/decide/mod.rs",
        from: "        Some(by) if actor.connector().is_none() => {",
        to: "        Some(by) if actor.connector().is_none() && false => {",
    },
    Fault {
        law: "a lock lasts until it is taken away here: reactivation unlocks",
        file: "crates/domain/src/directory/users.rs",
        from: "|user| user.active = active)",
        to: "|user| { user.active = active; if active { user.lock = None; } })",
    },
    Fault {
        law: "who is left out is in nothing that all see: they stay in their groups",
        file: "crates/domain/src/decide/ignored.rs",
        from: "    memberships(directory, member, (connector, noticed), &mut events, &mut again);\n",
        to: "",
    },
    Fault {
        law: "no two users share a name key: who is let in takes a name that is taken",
        file: "crates/domain/src/decide/ignored.rs",
        from: "        let is_taken = UserNameKey::of(&user.user_name)\n            .is_ok_and(|key| directory.users.named(&key).is_some())\n            || directory.taken",
        to: "        let is_taken = directory.taken",
    },
    Fault {
        law: "a policy was checked against what is there: against what was",
        file: "crates/domain/src/decide/policy.rs",
        from: "    if directory.policy_ground() == ground {",
        to: "    if directory.policy_ground() == ground || true {",
    },
    Fault {
        law: "a name means one policy: in its own case alone",
        file: "crates/domain/src/directory/policies.rs",
        from: ".find(|policy| scim::fold(&policy.name) == name)",
        to: ".find(|policy| policy.name == name)",
    },
    Fault {
        law: "what a connector reads and writes back changes nothing: it is shown what its mapping made",
        file: "crates/domain/src/view.rs",
        from: ".filter(|written| written.has(name))",
        to: ".filter(|written| written.has(name) && false)",
    },
];
