//! What a client did that the RFCs don't have, and that was understood all the same.

/// A tolerated deviation. Collected, so that an operator can see what a connector's client really sends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Quirk {
    /// `op` in another case.
    OpCase,
    /// A boolean as text.
    BooleanText,
    /// A path-less value whose keys are paths.
    PathKeys,
    /// A remove with a value: just those elements.
    RemoveValue,
    /// A member that isn't an object with `value`.
    BareMember,
    /// A manager that isn't an object with `value`, or an empty one to clear it.
    BareManager,
    /// One object where an array is due, or an array of one where a value is due.
    ListShape,
    /// A schema URI or an attribute that nobody knows, dropped.
    Unknown,
    /// A PATCH without `schemas`, or without operations.
    PatchEnvelope,
    /// A readOnly attribute in a path-less PATCH value, ignored.
    ReadOnlyIgnored,
    /// `""` for "unassigned".
    EmptyText,
    /// A password, ignored because there are none here.
    Password,
    /// An extension's URN and its attribute joined by a dot.
    DottedUrn,
    /// Roles as one text, separated by commas or semicolons.
    RoleText,
    /// A role as a JSON document inside a string, or with `displayName` for `display`.
    RoleDocument,
}

impl Quirk {
    /// The rule that allows it: an `L-` number, a behaviour number, or the client it's known from.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpCase => "L-01",
            Self::BooleanText => "L-02",
            Self::PathKeys => "L-03",
            Self::RemoveValue => "L-04",
            Self::BareMember => "L-05",
            Self::BareManager => "L-06",
            Self::ListShape => "L-08",
            Self::Unknown => "L-10",
            Self::PatchEnvelope => "L-11",
            Self::ReadOnlyIgnored => "L-12",
            Self::EmptyText => "L-13",
            Self::Password => "L-22",
            Self::DottedUrn => "entra-dotted-urn",
            Self::RoleText => "C-07",
            Self::RoleDocument => "entra-role",
        }
    }
}
