//! The attributes that every resource has without any schema saying so (RFC 7643 §3.1).

use std::sync::{Arc, LazyLock};

use super::{Attribute, Kind, Mutability, Returned, Uniqueness};
use crate::value::Name;

static COMMON: LazyLock<[Arc<Attribute>; 4]> = LazyLock::new(|| {
    let meta = [
        common("resourceType", Kind::String),
        common("created", Kind::DateTime),
        common("lastModified", Kind::DateTime),
        common("location", Kind::Reference),
        common("version", Kind::String),
    ];
    [
        Arc::new(Attribute {
            multi_valued: true,
            required: true,
            mutability: Mutability::ReadWrite,
            returned: Returned::Always,
            ..common("schemas", Kind::String)
        }),
        Arc::new(Attribute {
            returned: Returned::Always,
            uniqueness: Uniqueness::Server,
            ..common("id", Kind::String)
        }),
        Arc::new(Attribute {
            mutability: Mutability::ReadWrite,
            ..common("externalId", Kind::String)
        }),
        Arc::new(Attribute {
            sub_attributes: meta.into_iter().map(Arc::new).collect(),
            ..common("meta", Kind::Complex)
        }),
    ]
});

fn common(name: &'static str, kind: Kind) -> Attribute {
    Attribute {
        name: Name::known(name),
        kind,
        multi_valued: false,
        required: false,
        case_exact: true,
        mutability: Mutability::ReadOnly,
        returned: Returned::Default,
        uniqueness: Uniqueness::None,
        canonical_values: Vec::new(),
        reference_types: Vec::new(),
        sub_attributes: Vec::new(),
        description: String::new(),
    }
}

pub(super) fn attributes() -> &'static [Arc<Attribute>] {
    COMMON.as_slice()
}

pub(super) fn attribute(name: &str) -> Option<&'static Arc<Attribute>> {
    COMMON.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}
