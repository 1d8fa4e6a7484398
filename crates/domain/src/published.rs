//! The roles of a tenant as SCIM resources, for connectors that publish them
//! (draft-ietf-scim-roles-entitlements-01, or Okta's own form).
//!
//! Read-only: roles are defined here, and given through users.

use std::sync::LazyLock;

use scim::{Attr, Attributes, Catalogue, Name, Node, Object, Value};

use crate::directory::{Directory, Role, Schemas};
use crate::event::RoleCatalogue;
use crate::find::Viewer;
use crate::view::path_part;

static DRAFT: LazyLock<Catalogue> = LazyLock::new(|| {
    built(
        &[
            include_str!("../../../schemas/scim/role.json"),
            include_str!("../../../schemas/scim/entitlement.json"),
        ],
        include_str!("../../../schemas/scim/role-types.json"),
    )
});

static OKTA: LazyLock<Catalogue> = LazyLock::new(|| {
    built(
        &[include_str!("../../../schemas/scim/okta-role.json")],
        include_str!("../../../schemas/scim/okta-role-types.json"),
    )
});

fn built(schemas: &[&str], types: &str) -> Catalogue {
    #[expect(
        clippy::expect_used,
        reason = "the documents are part of the program, and a test reads them"
    )]
    Catalogue::compile(schemas, types).expect("the role schemas are well-formed")
}

/// What a connector that publishes roles so has beside users and groups; none if it does not.
pub fn role_types(catalogue: RoleCatalogue) -> Option<&'static Catalogue> {
    match catalogue {
        RoleCatalogue::None => None,
        RoleCatalogue::Draft => Some(&DRAFT),
        RoleCatalogue::Okta => Some(&OKTA),
    }
}

impl Schemas {
    /// All schemas and resource types that a connector sees which publishes roles so.
    pub fn published(&self, catalogue: RoleCatalogue) -> Catalogue {
        match role_types(catalogue) {
            None => self.catalogue().clone(),
            Some(roles) => self.catalogue().joined(roles),
        }
    }
}

/// A role, seen by a connector.
#[derive(Clone, Copy)]
pub struct RoleView<'a> {
    role: &'a Role,
    viewer: Viewer<'a>,
}

impl<'a> RoleView<'a> {
    pub(crate) fn new(role: &'a Role, viewer: Viewer<'a>) -> Self {
        Self { role, viewer }
    }

    /// What clients call the role: Okta sends the id back as a user's `roles.value`.
    pub fn id(&self) -> String {
        match form(self.viewer) {
            RoleCatalogue::Okta => self.role.name.clone(),
            RoleCatalogue::Draft | RoleCatalogue::None => self.role.id.to_string(),
        }
    }

    fn directory(&self) -> &'a Directory {
        self.viewer.directory
    }

    fn meta(&self) -> Value {
        let Role { created, modified, .. } = self.role;
        // Okta's id is the role's name, which may have spaces: an address has none.
        let id = self.id();
        let location = format!("{}/Roles/{}", self.viewer.base, path_part(&id));
        let entries = [
            ("resourceType", "Role".to_owned()),
            ("created", created.at.to_string()),
            ("lastModified", modified.at.to_string()),
            ("location", location),
            ("version", format!("W/\"{}\"", modified.position)),
        ];
        let entries =
            entries.into_iter().map(|(name, text)| (Name::from(name), Value::String(text)));
        Value::Complex(entries.collect::<Object>())
    }
}

/// How whoever looks sees roles.
pub(crate) fn form(viewer: Viewer<'_>) -> RoleCatalogue {
    let connector = viewer.connector.and_then(|id| viewer.directory.connectors.get(id));
    connector.map_or(RoleCatalogue::Draft, |connector| connector.settings.catalogue)
}

const ATTRIBUTES: &[&str] = &[
    "id",
    "meta",
    "value",
    "display",
    "displayName",
    "type",
    "supported",
    "limitedAssignmentsPermitted",
    "totalAssignmentsUsed",
];

impl Attributes for RoleView<'_> {
    fn attribute(&self, name: &str) -> Option<Attr<'_>> {
        let role = self.role;
        let is_okta = form(self.viewer) == RoleCatalogue::Okta;
        let text = |text: &'_ str| Attr::Owned(Value::String(text.to_owned()));
        let flag = |flag| Attr::Owned(Value::Bool(flag));
        match name {
            "id" => Some(text(&self.id())),
            "meta" => Some(Attr::Owned(self.meta())),
            "schemas" => {
                let rtype = role_types(form(self.viewer))?.resource_type("Role")?;
                let urn = Value::String(rtype.schema.id.to_string());
                Some(Attr::Owned(Value::List(vec![urn])))
            }
            "displayName" if is_okta => Some(Attr::Node(Node::String(&role.name))),
            "type" if is_okta => Some(text("Role")),
            _ if is_okta => None,
            "value" | "display" => Some(Attr::Node(Node::String(&role.name))),
            "supported" => Some(flag(!role.retired)),
            "limitedAssignmentsPermitted" => Some(flag(false)),
            "totalAssignmentsUsed" => {
                let used = self.directory().users.holders(role.id);
                Some(Attr::Owned(Value::Integer(i64::try_from(used).unwrap_or(i64::MAX))))
            }
            _ => None,
        }
    }

    fn each(&self, f: &mut dyn FnMut(&str, Attr<'_>)) {
        for name in ATTRIBUTES {
            if let Some(value) = self.attribute(name) {
                f(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_are_well_formed() {
        for (form, types) in [(RoleCatalogue::Draft, 4), (RoleCatalogue::Okta, 3)] {
            let all = Schemas::default().published(form);
            assert_eq!(all.resource_types().len(), types);
        }
    }
}
