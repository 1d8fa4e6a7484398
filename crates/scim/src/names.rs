//! The dictionary of attribute names: what a name is called in the event log.
//!
//! Append-only. A number, once released, means its name for ever, because packed objects in the log hold the numbers. The
//! first 240 take one byte, so the names that occur in every resource come first.

/// Every name that the built-in schemas know, by number.
pub(crate) const NAMES: &[&str] = &[
    // 2026-11: the first release.
    "userName",
    "externalId",
    "displayName",
    "active",
    "name",
    "emails",
    "value",
    "type",
    "primary",
    "display",
    "$ref",
    "formatted",
    "familyName",
    "givenName",
    "middleName",
    "honorificPrefix",
    "honorificSuffix",
    "nickName",
    "profileUrl",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
    "streetAddress",
    "locality",
    "region",
    "postalCode",
    "country",
    "groups",
    "entitlements",
    "roles",
    "x509Certificates",
    "members",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    "employeeNumber",
    "costCenter",
    "organization",
    "division",
    "department",
    "manager",
    "id",
    "schemas",
    "meta",
    "resourceType",
    "created",
    "lastModified",
    "location",
    "version",
    "password",
    "urn:ietf:params:scim:schemas:core:2.0:User",
    "urn:ietf:params:scim:schemas:core:2.0:Group",
    "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig",
    "urn:ietf:params:scim:schemas:core:2.0:ResourceType",
    "urn:ietf:params:scim:schemas:core:2.0:Schema",
    "description",
    "endpoint",
    "schema",
    "schemaExtensions",
    "required",
    "attributes",
    "subAttributes",
    "multiValued",
    "canonicalValues",
    "caseExact",
    "mutability",
    "returned",
    "uniqueness",
    "referenceTypes",
    "documentationUri",
    "patch",
    "supported",
    "bulk",
    "maxOperations",
    "maxPayloadSize",
    "filter",
    "maxResults",
    "changePassword",
    "sort",
    "etag",
    "authenticationSchemes",
    "specUri",
    "pagination",
    "cursor",
    "index",
    "defaultPaginationMethod",
    "defaultPageSize",
    "maxPageSize",
    "cursorTimeout",
];

/// One past the highest number that fits the encoding: 240 one-byte numbers and fifteen pages of 256.
pub(crate) const MAX_NAMES: usize = ONE_BYTE as usize + 15 * 256;
/// Numbers below this are one byte.
pub(crate) const ONE_BYTE: u8 = 240;

const _: () = assert!(NAMES.len() <= MAX_NAMES);

/// The name with this number, if it has been given out.
pub(crate) fn by_number(number: usize) -> Option<&'static str> {
    NAMES.get(number).copied()
}

/// A name's number, in exactly this spelling.
pub(crate) fn number_of(name: &str) -> Option<u16> {
    let shelf = SHELVES.get(shelf_of(name))?;
    shelf.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// The dictionary's own copy of a name, so that known names need no allocation.
pub(crate) fn interned(name: &str) -> Option<&'static str> {
    number_of(name).and_then(|number| by_number(usize::from(number)))
}

/// How many shelves the names are on.
const SHELF_COUNT: usize = 256;

/// Which shelf a name is on: its length and a few of its letters tell the built-in ones apart well. Names are looked up for
/// every attribute that a filter or an answer touches, so this is not left to a search.
fn shelf_of(name: &str) -> usize {
    let bytes = name.as_bytes();
    let at = |place: usize| usize::from(bytes.get(place).copied().unwrap_or_default());
    let last = usize::from(bytes.last().copied().unwrap_or_default());
    (bytes.len() * 7
        + at(0) * 31
        + at(bytes.len() / 2) * 17
        + at(bytes.len().saturating_sub(3)) * 5
        + last)
        % SHELF_COUNT
}

/// Names with their numbers.
type Shelf = Vec<(&'static str, u16)>;

/// All names, shelf by shelf.
static SHELVES: std::sync::LazyLock<Box<[Shelf]>> = std::sync::LazyLock::new(|| {
    let mut shelves = vec![Vec::new(); SHELF_COUNT];
    for (name, number) in NAMES.iter().copied().zip(0u16..) {
        if let Some(shelf) = shelves.get_mut(shelf_of(name)) {
            shelf.push((name, number));
        }
    }
    shelves.into_boxed_slice()
});

#[cfg(test)]
mod tests {
    use super::*;

    /// FNV-1a over the names, each closed by a line feed.
    fn fingerprint(names: &[&str]) -> u64 {
        let bytes = names.iter().flat_map(|name| name.bytes().chain([b'\n']));
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    #[test]
    fn released_numbers_never_change() {
        // One line per release, never edited: how many names it had, and their fingerprint.
        let released = [(93, 0x4bf0_f356_c2ea_9a31)];
        for (count, expected) in released {
            assert_eq!(
                fingerprint(&NAMES[..count]),
                expected,
                "the first {count} names: {:#x}",
                fingerprint(&NAMES[..count])
            );
        }
        assert_eq!(
            released.last().unwrap().0,
            NAMES.len(),
            "new names need a line of their own above"
        );
    }

    #[test]
    fn no_shelf_is_long() {
        assert!(SHELVES.iter().all(|shelf| shelf.len() <= 4), "{SHELVES:?}");
    }

    #[test]
    fn every_name_has_one_number() {
        for (number, name) in NAMES.iter().enumerate() {
            assert_eq!(number_of(name).map(usize::from), Some(number), "{name}");
        }
        assert_eq!(number_of("username"), None);
    }
}
