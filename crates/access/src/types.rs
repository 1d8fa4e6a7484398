//! What policies can speak about: users, groups and roles, which rollbook brings, and the actions and resources that a
//! tenant declares for its applications, in one Cedar schema.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use cedar_policy::{EntityId, EntityTypeName, EntityUid, Schema, SchemaFragment};
use domain::directory::Schemas;
use scim::{Attribute, Kind, Mutability, Returned};

use crate::fault::Fault;
use crate::limits::SCHEMA_BYTES;
use crate::nesting::{Language, too_deep};
use crate::text::Kind as Principal;

/// Attributes of users that policies see otherwise: as what a user is in, or not at all.
const NOT_SEEN: [&str; 4] = ["groups", "roles", "password", "active"];

/// The types of a tenant's policies.
#[derive(Clone, Debug)]
pub struct Types {
    schema: Schema,
}

impl Types {
    /// Joins what a tenant declares, in Cedar's schema language, with the principals that rollbook brings: `User` with the
    /// attributes of its SCIM schemas, `Group` and `Role`.
    ///
    /// # Errors
    /// What Cedar finds wrong, with its place.
    pub fn of(schemas: &Schemas, declared: &str) -> Result<Types, Vec<Fault>> {
        if declared.len() > SCHEMA_BYTES {
            let message = format!("it is longer than {SCHEMA_BYTES} bytes");
            return Err(vec![Fault { policy: None, message, help: None, place: None }]);
        }
        if let Some(fault) = too_deep(Language::Schema, None, declared) {
            return Err(vec![fault]);
        }
        let brought = fragment(&principals(schemas))?;
        let all = [brought, fragment(declared)?];
        let schema = Schema::from_schema_fragments(all)
            .map_err(|said| vec![Fault::cedar(None, declared, &said)])?;
        Ok(Types { schema })
    }

    /// The joined schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The joined schema.
    pub(crate) fn into_schema(self) -> Schema {
        self.schema
    }
}

fn fragment(text: &str) -> Result<SchemaFragment, Vec<Fault>> {
    match SchemaFragment::from_cedarschema_str(text) {
        Ok((fragment, _)) => Ok(fragment),
        Err(said) => Err(vec![Fault::cedar(None, text, &said)]),
    }
}

/// The types that rollbook brings.
#[derive(Clone, Debug)]
pub(crate) struct Kinds {
    user: EntityTypeName,
    group: EntityTypeName,
    role: EntityTypeName,
}

impl Kinds {
    /// Finds them in a joined schema, where they are.
    pub(crate) fn of(schema: &Schema) -> Result<Kinds, Vec<Fault>> {
        let find = |name: &str| {
            schema.entity_types().find(|kind| kind.to_string() == name).cloned().ok_or_else(|| {
                let message = format!("it has no entity type `{name}`");
                vec![Fault { policy: None, message, help: None, place: None }]
            })
        };
        Ok(Kinds { user: find("User")?, group: find("Group")?, role: find("Role")? })
    }

    /// Whether this is the type of users.
    pub(crate) fn is_user(&self, kind: &EntityTypeName) -> bool {
        self.user == *kind
    }

    /// The entity of a user, group or role.
    pub(crate) fn uid(&self, kind: Principal, id: &str) -> EntityUid {
        let name = match kind {
            Principal::User => &self.user,
            Principal::Group => &self.group,
            Principal::Role => &self.role,
        };
        EntityUid::from_type_name_and_id(name.clone(), EntityId::new(id))
    }
}

/// What a resource is called that no policy names.
pub(crate) fn other(kind: &EntityTypeName) -> String {
    format!("{kind}::\"*\"")
}

/// What rollbook brings, in Cedar's schema language: what a tenant's own schema is joined with.
pub fn principals(schemas: &Schemas) -> String {
    let mut text = "entity Role;\nentity Group in [Group];\nentity User in [Group, Role] = {\n  \
                    \"userName\": String,\n  \"active\": Bool,\n"
        .to_owned();
    for seen in attributes(schemas) {
        let _ = writeln!(text, "  \"{}\"?: {},", seen.attribute.name, seen.form);
    }
    text.push_str("};\n");
    text
}

/// An attribute of users as policies see it.
pub(crate) struct Seen<'a> {
    pub(crate) attribute: &'a Arc<Attribute>,
    /// The extension that it is in; none: the core schema.
    pub(crate) extension: Option<&'a str>,
    /// Its type in Cedar's schema language.
    pub(crate) form: String,
}

/// The attributes of users that policies see under their own names, but for `userName` and `active`. Where two schemas
/// have one of the same name, it is the older schema's: a schema that is added changes no policy's meaning.
pub(crate) fn attributes(schemas: &Schemas) -> Vec<Seen<'_>> {
    let users = schemas.catalogue().user();
    let core = users.schema.attributes.iter().map(|attribute| (None, attribute));
    let more = users.extensions.iter().flat_map(|(schema, _)| {
        schema.attributes.iter().map(|attribute| (Some(&*schema.id), attribute))
    });
    let mut taken: BTreeSet<String> = BTreeSet::from(["username".to_owned()]);
    let mut seen = Vec::new();
    for (extension, attribute) in core.chain(more) {
        let name = attribute.name.to_ascii_lowercase();
        if NOT_SEEN.contains(&&*name) || !is_seen(attribute) || !taken.insert(name) {
            continue;
        }
        if let Some(form) = form(attribute) {
            seen.push(Seen { attribute, extension, form });
        }
    }
    seen
}

fn is_seen(attribute: &Attribute) -> bool {
    attribute.returned != Returned::Never && attribute.mutability != Mutability::WriteOnly
}

/// A value's type: several are a set, of their `value`s where they are objects; none: policies cannot see it.
fn form(attribute: &Attribute) -> Option<String> {
    let one = match (attribute.kind, attribute.multi_valued) {
        (Kind::Complex, true) => simple(attribute.sub("value")?.kind)?.to_owned(),
        (Kind::Complex, false) => record(attribute)?,
        (kind, _) => simple(kind)?.to_owned(),
    };
    Some(if attribute.multi_valued { format!("Set<{one}>") } else { one })
}

/// The sub-attributes of an object that policies see.
pub(crate) fn parts(attribute: &Attribute) -> impl Iterator<Item = &Attribute> {
    let all = attribute.sub_attributes.iter().map(|sub| &**sub);
    all.filter(|sub| {
        is_seen(sub)
            && sub.mutability != Mutability::ReadOnly
            && !sub.multi_valued
            && simple(sub.kind).is_some()
            && !sub.name.starts_with('$')
    })
}

fn record(attribute: &Attribute) -> Option<String> {
    let mut text = String::new();
    for part in parts(attribute) {
        let _ = write!(text, "\"{}\"?: {}, ", part.name, simple(part.kind)?);
    }
    (!text.is_empty()).then(|| format!("{{ {text}}}"))
}

fn simple(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::String | Kind::Binary | Kind::Reference => Some("String"),
        Kind::Boolean => Some("Bool"),
        Kind::Integer => Some("Long"),
        Kind::Decimal => Some("decimal"),
        Kind::DateTime => Some("datetime"),
        Kind::Complex => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_the_attributes_of_their_schemas() {
        let text = principals(&Schemas::default());
        for line in [
            "\"userName\": String",
            "\"title\"?: String",
            "\"name\"?: { \"formatted\"?: String, \"familyName\"?: String,",
            "\"emails\"?: Set<String>",
            "\"department\"?: String",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
        for never in ["password", "\"groups\"", "\"roles\"", "\"userName\"?"] {
            assert!(!text.contains(never), "{never} in\n{text}");
        }
        Types::of(&Schemas::default(), "").unwrap();
    }

    #[test]
    fn a_schema_that_does_not_fit_is_told_with_its_place() {
        for (declared, line, word) in [
            ("entity Table;\nentity Tab le;", Some(2), "unexpected token"),
            (
                "entity Table;\naction select appliesTo { principal: [User], resource: [Tabel] };",
                Some(2),
                "Tabel",
            ),
            ("entity User;", None, "User"),
        ] {
            let faults = Types::of(&Schemas::default(), declared).unwrap_err();
            let fault = faults.first().unwrap();
            assert!(fault.to_string().contains(word), "{fault}");
            if line.is_some() {
                assert_eq!(fault.place.map(|place| place.line), line, "{fault}");
            }
        }
    }
}
