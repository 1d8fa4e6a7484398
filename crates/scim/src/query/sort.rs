//! The order of a list (RFC 7644 §3.4.2.3).

use std::cmp::Ordering;

use crate::attributes::Attributes;
use crate::error::{Invalid, quoted};
use crate::matching::Key;
use crate::mode::Options;
use crate::node::Node;
use crate::path::{AttrPath, resolve_among};
use crate::schema::{Kind, ResourceType, Returned};

/// In which order a list is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sort {
    /// By which attribute.
    pub by: AttrPath,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// What a resource is sorted by, taken out once. Without a value it comes last when ascending, first when descending.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SortKey(Option<Key>);

impl Sort {
    /// Reads `sortBy` and `sortOrder`; an empty `sortBy` is none.
    ///
    /// # Errors
    /// 400 `invalidValue` for an attribute that no type has or that has no order, and for an unknown order.
    pub(super) fn parse(
        by: &str,
        order: Option<&str>,
        rtype: &ResourceType,
        others: &[ResourceType],
        options: Options,
    ) -> Result<Option<Self>, Invalid> {
        let descending = match order {
            None | Some("") => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(other) => {
                return Err(Invalid::value(format!(
                    "`sortOrder` is {}, not `ascending` or `descending`",
                    quoted(other)
                )));
            }
        };
        if by.is_empty() {
            return Ok(None);
        }
        let path = resolve_among(by, rtype, others, options).ok_or_else(|| {
            Invalid::value(format!("`sortBy` names {}, which is no attribute", quoted(by)))
        })?;
        let by = match (path.kind(), path.attribute().sub("value")) {
            (Kind::Complex, Some(value)) => path.with_sub(Some(value.clone())),
            (Kind::Complex, None) => {
                return Err(Invalid::value(format!(
                    "`sortBy` names `{path}`, which needs a sub-attribute"
                )));
            }
            (_, _) => path,
        };
        if by.leaf().returned == Returned::Never || by.attribute().returned == Returned::Never {
            return Err(Invalid::value(format!("`{by}` may not be sorted by")));
        }
        Ok(Some(Self { by, descending }))
    }

    /// What a resource is sorted by: of several values the primary one's, else the first one's.
    #[must_use]
    pub fn key<A: Attributes + ?Sized>(&self, resource: &A) -> SortKey {
        let top = resource.attribute(self.by.top());
        let node =
            top.as_ref().and_then(|top| top.node()).and_then(|node| match self.by.schema() {
                Some(_) => node.as_complex().and_then(|extension| extension.get(self.by.name())),
                None => Some(node),
            });
        let chosen = match node {
            Some(Node::List(list)) => {
                list.iter().find(|item| is_primary(*item)).or_else(|| list.iter().next())
            }
            other => other,
        };
        let leaf = match (self.by.sub(), chosen) {
            (Some(sub), Some(node)) => node.as_complex().and_then(|object| object.get(sub)),
            (_, other) => other,
        };
        SortKey(leaf.and_then(|leaf| self.by.matching().key(leaf)))
    }

    /// How two resources are ordered by their keys. Ties are the caller's to break, by id.
    #[must_use]
    pub fn order(&self, a: &SortKey, b: &SortKey) -> Ordering {
        let ascending = match (&a.0, &b.0) {
            (Some(a), Some(b)) => a.cmp(b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        if self.descending { ascending.reverse() } else { ascending }
    }
}

fn is_primary(node: Node<'_>) -> bool {
    node.as_complex().and_then(|element| element.get("primary")).and_then(Node::as_bool)
        == Some(true)
}
