//! Who sees what: operators everything, a connector what some connector manages. What is managed here is not told to identity
//! providers until one of them links it.

use crate::directory::{Directory, Group, User};
use crate::event::Member;
use crate::id::ConnectorId;

impl User {
    /// Whether `viewer` sees this user; none: an operator.
    pub fn is_shown_to(&self, viewer: Option<ConnectorId>) -> bool {
        viewer.is_none() || self.managed_by.is_some()
    }
}

impl Group {
    /// Whether `viewer` sees this group; none: an operator.
    pub fn is_shown_to(&self, viewer: Option<ConnectorId>) -> bool {
        viewer.is_none() || self.managed_by.is_some()
    }
}

impl Directory {
    /// Whether `viewer` sees a member of a group; none: an operator. Nobody sees who is not there.
    pub fn shows_member(&self, member: Member, viewer: Option<ConnectorId>) -> bool {
        match member {
            Member::User(id) => {
                self.user_known(viewer, id).is_some_and(|user| user.is_shown_to(viewer))
            }
            Member::Group(id) => {
                self.group_known(viewer, id).is_some_and(|group| group.is_shown_to(viewer))
            }
        }
    }

    /// Whether a group's name is one that is built in: everybody who may act is in such a group, and nobody manages it.
    pub fn is_built_in(name: &str) -> bool {
        scim::fold(name) == PUBLIC
    }
}

/// The group that everybody who may act is in. It is kept nowhere: whoever asks about groups asks [`User::may_act`] for it.
pub const PUBLIC: &str = "public";
