//! What a request to one tenant does in others (behaviour C-09): one commit in each, with the same request id.
//!
//! Both tenants must want it: the connector names the other in `grantedTenants`, and a connector over there is `grantedTo` it. What
//! happens there is done through that one, so its permissions hold and that tenant's history explains itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use audit::{About, ProblemKind};
use domain::command::{Change, Command, Elsewhere, Expected, Said};
use domain::directory::{Connector, Directory, User};
use domain::event::ConnectorSettings;
use domain::id::{CredentialId, TenantId, UserId};
use domain::origin::{Actor, Source};
use domain::snapshot::Snapshot;
use engine::Receipt;
use scim::{Object, PatchOp, UserNameKey, Value};

use super::Asked;
use crate::app::App;
use crate::journal::{self, Left};
use crate::refused::Refused;
use crate::wish;

/// Whether a request says all of a user's roles, or some more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Nothing of roles.
    Nothing,
    /// Some more.
    More,
    /// All of them: what it does not name is taken back.
    All,
}

impl Extent {
    pub(super) fn of(change: &Change, settings: Option<&ConnectorSettings>) -> Extent {
        let text = settings.and_then(|settings| settings.roles_attribute.as_deref());
        match change {
            Change::Create(_)
            | Change::Replace { .. }
            | Change::Delete { .. }
            | Change::Withdraw => Extent::All,
            // The text is there as a whole, whatever of the user is changed.
            Change::Patch { .. } if text.is_some() => Extent::All,
            Change::Patch { patch, .. } => {
                let roles = patch.operations.iter().filter(|operation| {
                    let path = &operation.path.attr;
                    path.schema().is_none() && path.name() == "roles"
                });
                roles.fold(Extent::Nothing, |extent, operation| match (extent, operation.op) {
                    (Extent::Nothing | Extent::More, PatchOp::Add) => Extent::More,
                    (_, PatchOp::Replace | PatchOp::Remove) | (Extent::All, PatchOp::Add) => {
                        Extent::All
                    }
                })
            }
        }
    }
}

/// What is said of one other tenant.
#[derive(Default)]
struct Words {
    roles: BTreeSet<String>,
    platform: Option<String>,
}

/// Does in other tenants what the request says of them, and reports what it may not do there.
pub(super) async fn reach(
    asked: &Asked<'_>,
    user: UserId,
    extent: Extent,
    receipt: &Receipt,
) -> Vec<String> {
    let mut named: BTreeMap<&str, Words> = BTreeMap::new();
    for Elsewhere { site, said } in &receipt.elsewhere {
        let words = named.entry(site.as_str()).or_default();
        match said {
            Said::Role(role) => drop(words.roles.insert(role.clone())),
            Said::Platform(platform) => words.platform = Some(platform.clone()),
        }
    }
    let granted = asked.caller.settings().map(|it| it.granted_tenants.as_slice());
    let granted = granted.unwrap_or_default();
    let mut left_out = Vec::new();
    for site in named.keys().filter(|site| !granted.iter().any(|slug| slug == *site)) {
        left_out.push(not_granted(site));
    }
    for slug in granted {
        let words = named.get(slug.as_str());
        let Some(there) = There::find(asked, slug) else {
            left_out.extend(words.map(|_| not_granted(slug)));
            continue;
        };
        let nothing = Words::default();
        let words = words.unwrap_or(&nothing);
        if let Err(why) = there.follow(asked, user, extent, words, receipt).await {
            left_out.push(format!("`{slug}` was left as it is: {}", why.detail));
        }
    }
    left_out
}

/// The same whether there is no such tenant, or one that says no.
fn not_granted(site: &str) -> String {
    format!(
        "what is for `{site}` was left out: it is no role here, and this connector is granted no tenant of that name"
    )
}

/// A tenant that the connector may reach, and the connector there through which it does.
struct There<'a> {
    app: &'a App,
    tenant: TenantId,
    snapshot: Arc<Snapshot>,
    connector: Connector,
    credential: CredentialId,
}

impl<'a> There<'a> {
    fn find(asked: &Asked<'a>, slug: &str) -> Option<There<'a>> {
        let own = &asked.caller.snapshot.directory;
        let name = &own.connectors.get(asked.caller.connector)?.name;
        let grant = format!("{}/{name}", own.tenant.as_ref()?.slug);
        let world = asked.app.engine.world();
        let (tenant, snapshot) = world.with_slug(slug)?;
        let mut connectors = snapshot.directory.connectors.iter();
        let connector = connectors.find(|connector| {
            let settings = &connector.settings;
            settings.enabled && settings.granted_to.as_deref() == Some(&*grant)
        })?;
        Some(There {
            app: asked.app,
            tenant: tenant.id,
            snapshot: snapshot.clone(),
            connector: connector.clone(),
            credential: asked.caller.credential,
        })
    }

    /// The same person: whom this connector made or knows already, else whoever has the same name.
    fn same(&self, id: UserId, user: Option<&User>) -> Option<&User> {
        let users = &self.snapshot.directory.users;
        let word = id.to_string();
        let known = users
            .with_external_id(&word)
            .find(|there| there.external_id(Some(self.connector.id)) == Some(&*word));
        let key = || UserNameKey::of(&user?.user_name).ok();
        known.or_else(|| users.named(&key()?))
    }

    async fn follow(
        &self,
        asked: &Asked<'_>,
        id: UserId,
        extent: Extent,
        words: &Words,
        receipt: &Receipt,
    ) -> Result<(), Refused> {
        let user = receipt.snapshot.directory.users.get(id);
        let change = match (self.same(id, user), user) {
            (None, None) => None,
            (None, Some(user)) => self.create(asked, id, user, words)?,
            (Some(there), user) => self.change(id, there, user, extent, words)?,
        };
        let Some((target, change)) = change else { return Ok(()) };
        let actor = Actor::Connector { id: self.connector.id, credential: self.credential };
        let origin = asked.visit.origin(actor);
        let done =
            self.app.engine.submit(self.tenant, origin, Command::User(target, change)).await?;
        journal::look_after(self.app, self.tenant, actor, asked.visit, asked.line, &done);
        if !done.notices.is_empty() {
            let what = journal::summary(&done.notices);
            let about = About { user: Some(target), ..About::default() };
            let left = Left { kind: ProblemKind::Partial, status: 200, detail: what, about };
            journal::left(self.app, self.tenant, actor, asked.visit, asked.line, left);
        }
        Ok(())
    }

    /// A person who is not there yet comes to be with the first role.
    fn create(
        &self,
        asked: &Asked<'_>,
        id: UserId,
        user: &User,
        words: &Words,
    ) -> Result<Option<(UserId, Change)>, Refused> {
        if words.roles.is_empty() {
            return Ok(None);
        }
        let known = user.attributes.unpack();
        let mut wanted = Object::default();
        for name in ["name", "displayName", "emails"] {
            if let Some(value) = known.get(name) {
                wanted.set(name, value.clone());
            }
        }
        wanted.set("userName", user.user_name.to_string());
        wanted.set("externalId", id.to_string());
        wanted.set("active", user.active);
        wanted.set("roles", roles(words));
        if let Some((urn, name, platform)) = self.platform(words) {
            let mut extension = Object::default();
            extension.set(name, platform);
            wanted.set(urn, extension);
        }
        let admitted = wish::user(wanted, self.directory(), self.connector.settings.options())?;
        Ok(Some((UserId::new(asked.app.id()), Change::Create(admitted))))
    }

    /// Roles as they are said; and whom this connector manages there goes the way of the one here.
    fn change(
        &self,
        id: UserId,
        there: &User,
        user: Option<&User>,
        extent: Extent,
        words: &Words,
    ) -> Result<Option<(UserId, Change)>, Refused> {
        let (own, word) = (Some(self.connector.id), id.to_string());
        if user.is_none() && there.managed_by == own {
            return Ok(Some((there.id, Change::Delete { expected: Expected::Any })));
        }
        let mut operations = Vec::new();
        let mut say = |op: &str, path: &str, value: Option<Value>| {
            operations.push(wish::operation(op, path, value));
        };
        let gives =
            there.roles.iter().any(|role| role.source == Source::Connector(self.connector.id));
        match (extent, words.roles.is_empty()) {
            (Extent::All, false) => say("replace", "roles", Some(Value::List(roles(words)))),
            (Extent::More, false) => say("add", "roles", Some(Value::List(roles(words)))),
            (Extent::All, true) if gives => say("remove", "roles", None),
            (Extent::All | Extent::More, true) | (Extent::Nothing, _) => {}
        }
        let active = user.is_some_and(|user| user.active);
        if there.managed_by == own && there.active != active {
            say("replace", "active", Some(Value::Bool(active)));
        }
        if user.is_some() && !words.roles.is_empty() && there.external_id(own) != Some(&*word) {
            say("replace", "externalId", Some(Value::String(word)));
        }
        if let Some((urn, name, platform)) = self.platform(words) {
            say("replace", &format!("{urn}:{name}"), Some(Value::String(platform)));
        }
        if operations.is_empty() {
            return Ok(None);
        }
        let options = self.connector.settings.options();
        let patch = wish::patch(operations, self.directory(), options)?;
        Ok(Some((there.id, Change::Patch { patch, expected: Expected::Any })))
    }

    /// Where the platform is kept, if the connector there says so.
    fn platform(&self, words: &Words) -> Option<(String, String, String)> {
        let path = self.connector.settings.platform_attribute.as_deref()?;
        let (urn, name) = path.rsplit_once(':')?;
        Some((urn.to_owned(), name.to_owned(), words.platform.clone()?))
    }

    fn directory(&self) -> &Directory {
        &self.snapshot.directory
    }
}

fn roles(words: &Words) -> Vec<Value> {
    words.roles.iter().map(|name| wish::role(name)).collect()
}
