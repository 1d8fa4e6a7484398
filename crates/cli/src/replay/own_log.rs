//! The instance's own log in a copy of one tenant: operators and that tenant, nobody else.

use domain::commit::Commit;
use domain::event::Event;
use domain::id::TenantId;

/// What a commit of the instance's own log says when only one tenant is copied; none: nothing.
/// Its place and link are another's then.
pub(crate) fn only_about(mut commit: Commit, only: TenantId) -> Option<Commit> {
    let others =
        |event: &Event| matches!(event, Event::TenantOpened { tenant, .. } if *tenant != only);
    commit.events.retain(|event| !others(event));
    (!commit.events.is_empty()).then_some(commit)
}
