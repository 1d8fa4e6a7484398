//! What every identity provider does to a server, each in its own words.

use serde_json::Value;

use crate::okta::GroupMember;
use crate::person::Person;
use crate::wire::ClientError;

/// An account at the server, with who it belongs to and the account of their manager.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// The server's id of it.
    pub id: &'a str,
    /// Whose it is.
    pub person: &'a Person,
    /// The server's id of their manager's account, where there is one.
    pub manager: Option<&'a str>,
}

/// An identity provider. Each method is one thing that it does, with all the requests it does it
/// with, and checks of each answer what that client checks.
pub trait Provisioner: Sync {
    /// What it is called.
    const NAME: &'static str;

    /// Whether it names a manager by the server's id, so that the manager has to be there first.
    const REFERS_TO_MANAGERS: bool;

    /// Requests sent so far.
    fn requests(&self) -> u64;

    /// An administrator sets the connection up and tests it.
    fn set_up(&self) -> impl Future<Output = Result<(), ClientError>> + Send;

    /// The account of this person by the attribute that accounts are matched by, active or not.
    fn look_up(
        &self,
        person: &Person,
    ) -> impl Future<Output = Result<Option<Value>, ClientError>> + Send;

    /// A new account. Gives its id.
    fn enrol(
        &self,
        person: &Person,
        manager: Option<&str>,
    ) -> impl Future<Output = Result<String, ClientError>> + Send;

    /// The profile, the roles and the manager of an account become these.
    fn update(&self, held: Held<'_>) -> impl Future<Output = Result<(), ClientError>> + Send;

    /// Switches an account on or off.
    fn switch(
        &self,
        id: &str,
        active: bool,
    ) -> impl Future<Output = Result<(), ClientError>> + Send;

    /// Deletes an account for good and sees that it is gone.
    fn remove(&self, held: Held<'_>) -> impl Future<Output = Result<(), ClientError>> + Send;

    /// The group of this name.
    fn look_up_group(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Option<Value>, ClientError>> + Send;

    /// A new, empty group. Gives its id.
    fn found(&self, name: &str) -> impl Future<Output = Result<String, ClientError>> + Send;

    /// Some join a group and others leave it.
    fn join_and_leave(
        &self,
        group: (&str, &str),
        joins: &[GroupMember],
        leaves: &[GroupMember],
    ) -> impl Future<Output = Result<(), ClientError>> + Send;

    /// These and no others are in the group.
    fn fill(
        &self,
        group: (&str, &str),
        members: &[GroupMember],
    ) -> impl Future<Output = Result<(), ClientError>> + Send;

    /// A group gets another name.
    fn rename(&self, id: &str, name: &str) -> impl Future<Output = Result<(), ClientError>> + Send;

    /// Deletes a group and sees that it is gone.
    fn dissolve(&self, id: &str) -> impl Future<Output = Result<(), ClientError>> + Send;

    /// Reads everything there is, if this client ever does.
    fn read_all(&self) -> impl Future<Output = Result<(), ClientError>> + Send;
}
