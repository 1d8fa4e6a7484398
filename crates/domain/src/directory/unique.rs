//! The values that no two resources of a type may share because a schema that the tenant added says so (RFC 7643 §7, `uniqueness`
//! `server`), and who has them.

use std::sync::Arc;

use imbl::OrdSet;
use scim::{Attribute, Catalogue, Object, Uniqueness, Value, ValueKey, View};

use super::Directory;
use crate::event::{Event, Member};
use crate::id::UserId;

/// An attribute whose values are unique.
#[derive(Clone, PartialEq, Debug)]
struct Watched {
    of_users: bool,
    urn: String,
    attribute: Arc<Attribute>,
}

/// The unique values of a tenant's own attributes. Empty, and nothing is looked at, while no schema asks for it.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Unique {
    // INVARIANT (watched): what the catalogue says. Made anew with each schema.
    watched: Vec<Watched>,
    // INVARIANT (values): exactly the assigned values of what is watched, by the place in `watched`. Checked by `agrees`.
    values: OrdSet<(usize, ValueKey, Member)>,
}

/// A value that another resource has already.
pub(crate) struct Conflict {
    /// The path of the attribute.
    pub(crate) attribute: String,
    /// The value as the client wrote it.
    pub(crate) value: String,
}

impl Unique {
    fn watch(catalogue: &Catalogue) -> Vec<Watched> {
        let mut watched = Vec::new();
        for (rtype, of_users) in [(catalogue.user(), true), (catalogue.group(), false)] {
            for (schema, _) in &rtype.extensions {
                let unique =
                    schema.attributes.iter().filter(|one| one.uniqueness == Uniqueness::Server);
                watched.extend(unique.map(|attribute| Watched {
                    of_users,
                    urn: schema.id.to_string(),
                    attribute: attribute.clone(),
                }));
            }
        }
        watched
    }

    /// The resource whose values an event may change.
    fn subject(&self, event: &Event) -> Option<Member> {
        if self.watched.is_empty() {
            None
        } else if let Event::UserCreated { user, .. }
        | Event::UserAttributesChanged { user, .. }
        | Event::UserIgnored { user, .. }
        | Event::UserNoticed { user, .. }
        | Event::UserDeleted { user } = event
        {
            Some(Member::User(*user))
        } else if let Event::GroupCreated { group, .. }
        | Event::GroupAttributesChanged { group, .. }
        | Event::GroupIgnored { group, .. }
        | Event::GroupNoticed { group, .. }
        | Event::GroupDeleted { group } = event
        {
            Some(Member::Group(*group))
        } else {
            None
        }
    }

    /// The watched values of a resource. An empty text says nothing, so many may have it.
    fn values_of(&self, of_users: bool, attributes: View<'_>) -> Vec<(usize, ValueKey)> {
        let value = |(at, watched): (usize, &Watched)| {
            let extension = attributes.get(&watched.urn)?.as_complex()?;
            let node = extension.get(&watched.attribute.name)?;
            let key = watched.attribute.key(node).filter(|_| node.as_str() != Some(""))?;
            Some((at, key))
        };
        let watched = self.watched.iter().enumerate();
        watched.filter(|(_, watched)| watched.of_users == of_users).filter_map(value).collect()
    }
}

impl Directory {
    /// Applies one event, and keeps the index of unique values beside it.
    pub(super) fn keeping_unique<E>(
        &mut self,
        event: &Event,
        apply: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let subject = self.unique.subject(event);
        for entry in subject.map(|member| self.unique_of(member)).unwrap_or_default() {
            self.unique.values.remove(&entry);
        }
        apply(self)?;
        for entry in subject.map(|member| self.unique_of(member)).unwrap_or_default() {
            self.unique.values.insert(entry);
        }
        if let Event::SchemaAdded { .. } = event {
            self.index_unique();
        }
        Ok(())
    }

    /// Makes the index of unique values anew.
    pub(crate) fn index_unique(&mut self) {
        let watched = Unique::watch(self.schemas.catalogue());
        self.unique = Unique { watched, values: OrdSet::new() };
        if self.unique.watched.is_empty() {
            return;
        }
        let users = self.users.iter().map(|user| Member::User(user.id));
        let groups = self.groups.iter().map(|group| Member::Group(group.id));
        let members: Vec<Member> = users.chain(groups).collect();
        for member in members {
            for entry in self.unique_of(member) {
                self.unique.values.insert(entry);
            }
        }
    }

    fn unique_of(&self, member: Member) -> Vec<(usize, ValueKey, Member)> {
        let found = match member {
            Member::User(id) => {
                self.users.get(id).map(|user| self.unique.values_of(true, user.attributes.view()))
            }
            Member::Group(id) => self
                .groups
                .get(id)
                .map(|group| self.unique.values_of(false, group.attributes.view())),
        };
        found.unwrap_or_default().into_iter().map(|(at, key)| (at, key, member)).collect()
    }

    /// The first of these attributes whose value another resource of the type has; `itself` is the resource that is to have them.
    pub(crate) fn taken(&self, itself: Member, attributes: &Object) -> Option<Conflict> {
        if self.unique.watched.is_empty() {
            return None;
        }
        let packed = scim::Packed::pack(attributes);
        let of_users = matches!(itself, Member::User(_));
        let wanted = self.unique.values_of(of_users, packed.view());
        let (at, _) = wanted.into_iter().find(|(at, key)| {
            let from = (*at, key.clone(), Member::User(UserId::LEAST));
            let mut there = self.unique.values.range(from..);
            there
                .by_ref()
                .take_while(|(place, known, _)| (place, known) == (at, key))
                .any(|(_, _, member)| *member != itself)
        })?;
        let watched = self.unique.watched.get(at)?;
        let extension = attributes.get(&watched.urn).and_then(Value::as_complex);
        let value = extension.and_then(|extension| extension.get(&watched.attribute.name))?;
        let text = value.as_str().map(str::to_owned);
        Some(Conflict {
            attribute: format!("{}:{}", watched.urn, watched.attribute.name),
            value: text.unwrap_or_else(|| String::from_utf8_lossy(&value.to_json()).into_owned()),
        })
    }

    /// The values of a resource that no other may share, wherever it is.
    pub(crate) fn unique_values(&self, member: Member) -> Vec<(usize, ValueKey)> {
        if self.unique.watched.is_empty() {
            return Vec::new();
        }
        let user = |id| self.users.get(id).or_else(|| self.ignored.user(id));
        let group = |id| self.groups.get(id).or_else(|| self.ignored.group(id));
        let values = match member {
            Member::User(id) => user(id).map(|u| self.unique.values_of(true, u.attributes.view())),
            Member::Group(id) => {
                group(id).map(|g| self.unique.values_of(false, g.attributes.view()))
            }
        };
        values.unwrap_or_default()
    }

    /// Whether the index says what the resources say, and no value is there twice.
    pub(super) fn unique_agrees(&self) -> Result<(), String> {
        let mut rebuilt = self.clone();
        rebuilt.index_unique();
        if rebuilt.unique != self.unique {
            return Err("the index of unique values disagrees with the resources".to_owned());
        }
        let values = || self.unique.values.iter();
        match values().zip(values().skip(1)).find(|(a, b)| (a.0, &a.1) == (b.0, &b.1)) {
            Some(((_, _, one), (_, _, other))) => {
                Err(format!("{one:?} and {other:?} share a value that is unique"))
            }
            None => Ok(()),
        }
    }
}
