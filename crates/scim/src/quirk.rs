//! What a client did that the RFCs don't have, and that was understood all the same.

macro_rules! quirks {
    ($($name:ident $rule:literal $refused:literal $what:literal,)*) => {
        /// A tolerated deviation. Collected, so that an operator can see what a connector's client really sends.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Quirk {
            $(#[doc = $what] $name,)*
        }

        impl Quirk {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The rule that allows it: the number that this project's list of
            /// client behaviours gives it, or a word for it. No two are alike.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $rule,)* }
            }

            /// What the client did, in words.
            #[must_use]
            pub fn describe(self) -> &'static str {
                match self { $(Self::$name => $what,)* }
            }

            /// Whether a strict connector would have refused the request for it; otherwise it would have been read by the letter.
            #[must_use]
            pub fn strict_refuses(self) -> bool {
                match self { $(Self::$name => $refused,)* }
            }
        }
    };
}

quirks! {
    OpCase "L-01" true "`op` in another case",
    BooleanText "L-02" true "a boolean as text",
    PathKeys "L-03" true "a path-less value whose keys are paths",
    RemoveValue "L-04" true "a remove with a value: just those elements",
    BareMember "L-05" true "an element, such as a member, without an object around its value",
    BareManager "L-06" true "a manager without an object around its id, or an empty one to clear it",
    NoMatch "L-07" true "a PATCH path whose filter chose no element: it was made, or was clear already",
    ListShape "L-08" true "one object where an array is due, or an array of one where a value is due",
    MediaType "L-09" false "a body without `Content-Type`",
    UntidyUrl "L-09-url" false "a slash too many in the path, or a parameter's name in another case",
    Unknown "L-10" false "an attribute that nobody knows, dropped",
    ForeignSchema "L-10-schemas" true "`schemas` with a URI that nobody knows, or without one whose attributes are there",
    UnknownPath "L-10-patch" true "a PATCH of an attribute that nobody knows, dropped",
    PatchEnvelope "L-11" true "a PATCH without `schemas`, without operations, or with an empty path",
    ReadOnlyIgnored "L-12" true "a readOnly attribute in a path-less PATCH value, ignored",
    EmptyText "L-13" false "`\"\"` for \"unassigned\"",
    ElementSub "L-14" true "a sub-attribute after the closing bracket in a filter",
    FilterSpacing "L-15" true "a filter without the spaces between its words",
    Password "L-22" false "a password, ignored because there are none here",
    OddValue "odd-value" true "a text that has not the form of its attribute, such as a country that is no code",
    DottedUrn "entra-dotted-urn" true "an extension's URN and its attribute joined by a dot",
    NameAlias "name-alias" true "`givenName` and the like in a filter, without `name.` before them",
    RoleText "role-text" true "roles as one text, separated by commas or semicolons",
    RoleDocument "entra-role" false "a role as a JSON document inside a string, or with `displayName` for `display`",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own() {
        let mut names: Vec<_> = Quirk::ALL.iter().map(|quirk| quirk.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Quirk::ALL.len());
    }
}
