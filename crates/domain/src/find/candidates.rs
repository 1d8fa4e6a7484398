//! What an index finds for a filter, before anything is looked at.

use scim::{AttrPath, Filter, Literal, Op, ResourceType};

use super::{Listed, Viewer};
use crate::directory::{Directory, Ignored};

/// Every resource that can match and is seen, found through indexes, perhaps twice, in no order; none when
/// there is no index for the filter. Of more than `most` only so many, or twice as many.
///
/// Of the terms of an `and` the one that finds the fewest counts; an `or` needs one for each term.
pub(super) fn candidates<'a, R: Listed>(
    viewer: Viewer<'a>,
    filter: &Filter,
    most: usize,
) -> Option<Vec<&'a R>> {
    let directory = viewer.directory;
    let rtype = directory.schemas.catalogue().resource_type(R::NAME);
    let found = Question { directory, rtype, ignored: None }.of::<R>(filter, None, most)?;
    if !directory.is_partial(viewer.connector) {
        return Some(found);
    }
    let mut all: Vec<&R> = found.into_iter().filter(|one| one.is_shown(viewer)).collect();
    if let Some(ignored) = viewer.ignored_by() {
        all.extend(
            Question { directory, rtype, ignored: Some(ignored) }.of::<R>(filter, None, most)?,
        );
    }
    Some(all)
}

#[derive(Clone, Copy)]
struct Question<'a> {
    directory: &'a Directory,
    rtype: Option<&'a ResourceType>,
    /// Whether what one connector alone sees is searched, not what is there for all.
    ignored: Option<&'a Ignored>,
}

impl<'a> Question<'a> {
    /// `within` is the attribute whose brackets the filter stands in.
    fn of<R: Listed>(
        self,
        filter: &Filter,
        within: Option<&AttrPath>,
        most: usize,
    ) -> Option<Vec<&'a R>> {
        match filter {
            Filter::Compare { op: Op::Ne, .. } | Filter::Compare { value: Literal::Null, .. } => {
                None
            }
            Filter::Compare { path, op, value } => self.compare(path, within, *op, value, most),
            Filter::Present(path) => (within.is_none() && self.lacks(path)).then(Vec::new),
            Filter::And(terms) => {
                let mut best: Option<Vec<&R>> = None;
                for term in terms {
                    // What was cut off at this length is no better than what there is.
                    let most = best.as_ref().map_or(most, Vec::len);
                    let Some(found) = self.of(term, within, most) else { continue };
                    if best.as_ref().is_none_or(|best| found.len() < best.len()) {
                        best = Some(found);
                    }
                }
                best
            }
            Filter::Or(terms) => {
                let mut all = Vec::new();
                for term in terms {
                    all.extend(self.of::<R>(term, within, most - all.len())?);
                    // It is too many already, whatever the others find.
                    if all.len() >= most {
                        break;
                    }
                }
                Some(all)
            }
            Filter::Element { path, .. } if self.lacks(path) => Some(Vec::new()),
            Filter::Element { path, filter } => self.of(filter, Some(path), most),
            Filter::Not(_) => None,
        }
    }

    fn compare<R: Listed>(
        self,
        path: &AttrPath,
        within: Option<&AttrPath>,
        op: Op,
        value: &Literal,
        most: usize,
    ) -> Option<Vec<&'a R>> {
        let (attribute, sub) = match within {
            Some(outer) => (outer, Some(path.name())),
            None if self.lacks(path) => return Some(Vec::new()),
            None => (path, path.sub()),
        };
        if op != Op::Eq || attribute.schema().is_some() {
            return None;
        }
        if (attribute.name(), sub) == ("meta", Some("resourceType")) {
            let is_other = !value.as_str()?.eq_ignore_ascii_case(R::NAME);
            return is_other.then(Vec::new);
        }
        let found = R::having(self.directory, self.ignored, attribute.name(), sub, value)?;
        Some(found.take(most).collect())
    }

    /// Whether the type has no such attribute, which happens in a query over several types: it
    /// counts as one without a value there (R-7644-3.4.2.1-01).
    fn lacks(self, path: &AttrPath) -> bool {
        self.rtype.is_some_and(|rtype| rtype.find(&path.to_string()).is_none())
    }
}
