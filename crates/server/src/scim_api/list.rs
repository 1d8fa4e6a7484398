//! Lists of users and groups over HTTP, written once for both.

use std::sync::Arc;

use axum::http::StatusCode;
use domain::directory::{Group, User};
use domain::find::{self, Listed, Viewer};
use domain::id::ConnectorId;
use domain::limits::{PAGE_BYTES, PAGE_DEFAULT, PAGE_MAX};
use domain::snapshot::Snapshot;
use scim::{ListQuery, ResourceType, Value};

use super::Asked;
use super::address::Kind;
use super::resource::resource_type;
use crate::answer::Answer;
use crate::refused::Refused;

/// A page of a list: from the parameters of the URL, or from the body of a search.
pub(super) async fn list(
    asked: &Asked<'_>,
    kind: Kind,
    search: Option<&[u8]>,
) -> Result<Answer, Refused> {
    let options = asked.caller.options();
    let query = match search {
        Some(body) => {
            ListQuery::from_search(&Value::parse(body)?, resource_type(asked, kind), options)?
        }
        None => {
            ListQuery::from_pairs(asked.parameters.pairs(), resource_type(asked, kind), options)?
        }
    };
    let snapshot = asked.snapshot().await?;
    match kind {
        Kind::User => listed::<User>(asked, kind, snapshot, query).await,
        Kind::Group => listed::<Group>(asked, kind, snapshot, query).await,
    }
}

async fn listed<R: Listed>(
    asked: &Asked<'_>,
    kind: Kind,
    snapshot: Arc<Snapshot>,
    query: ListQuery,
) -> Result<Answer, Refused> {
    let (position, connector) = (snapshot.head.position, asked.caller.connector);
    // Groups may have many members: a page of them is quick only when one is looked up.
    let is_quick = query.sort.is_none()
        && match &query.filter {
            Some(filter) => find::is_indexed::<R>(filter),
            None => kind == Kind::User,
        };
    let body = if is_quick {
        page::<R>(&snapshot, resource_type(asked, kind), &query, connector, &asked.base)
    } else {
        // Looking at every resource takes a while; others are answered meanwhile.
        let base = asked.base.clone();
        let rtype = resource_type(asked, kind).clone();
        let look = move || page::<R>(&snapshot, &rtype, &query, connector, &base);
        tokio::task::spawn_blocking(look).await.map_err(Refused::broken_off)?
    };
    Ok(Answer::new(StatusCode::OK, Some(body)).at(position))
}

/// One page of a list, as a `ListResponse`.
fn page<R: Listed>(
    snapshot: &Snapshot,
    rtype: &ResourceType,
    query: &ListQuery,
    connector: ConnectorId,
    base: &str,
) -> Vec<u8> {
    let viewer = Viewer { directory: &snapshot.directory, connector: Some(connector), base };
    let start = usize::try_from(query.start_index).unwrap_or(usize::MAX).max(1);
    let count = query
        .count
        .map_or(PAGE_DEFAULT, |count| usize::try_from(count).unwrap_or(usize::MAX).min(PAGE_MAX));
    let (filter, sort) = (query.filter.as_ref(), query.sort.as_ref());
    let found = find::list::<R>(viewer, filter, sort, start, count);
    // A page may hold fewer than were asked for (R-7644-3.4.2.4-02): memory is shared by all.
    let mut bytes = 0;
    let items = found.page.into_iter().map_while(|one| {
        if bytes > PAGE_BYTES {
            return None;
        }
        let mut item = Vec::with_capacity(1024);
        scim::write_resource(&mut item, &one.view(viewer), rtype, &query.projection);
        bytes += item.len();
        Some(item)
    });
    let mut out = Vec::new();
    scim::write_list(&mut out, found.total as u64, start as u64, items);
    out
}
