//! Who is in a population: everything about a user or a group follows from its number, so that who
//! fills a log and who asks a server about it need not tell each other anything.

use std::fmt::Write;

use uuid::{Builder, Uuid};

/// When the first of them came to be, in milliseconds since 1970: 2025-01-01.
pub(crate) const BEGAN_MILLIS: u64 = 1_735_689_600_000;
/// From this number on, users are those that a measurement creates.
pub(crate) const NEWCOMERS: u32 = 50_000_000;

/// How large the groups of a population are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub(crate) enum Size {
    /// Ten members; there are 200 such groups.
    Ten,
    /// 10,000 members, in a small population a tenth of all.
    Many,
    /// 100,000 members, in a small population six tenths of all.
    Most,
}

impl Size {
    pub(crate) const ALL: [Size; 3] = [Size::Ten, Size::Many, Size::Most];

    /// How many groups of this size there are.
    pub(crate) fn groups(self) -> u32 {
        match self {
            Size::Ten => 200,
            Size::Many | Size::Most => 1,
        }
    }

    /// How many members each has.
    pub(crate) fn members(self, users: u32) -> u32 {
        let is_large = users >= 200_000;
        match self {
            Size::Ten => 10,
            Size::Many if is_large => 10_000,
            Size::Most if is_large => 100_000,
            Size::Many => users / 10,
            Size::Most => users / 10 * 6,
        }
    }

    /// The number of one of its groups.
    pub(crate) fn group(self, which: u32) -> u32 {
        match self {
            Size::Ten => which % self.groups(),
            Size::Many => 200,
            Size::Most => 201,
        }
    }
}

/// Who is in a group to begin with. They are among the first six tenths of all users; the others
/// are in none.
pub(crate) fn members(size: Size, which: u32, users: u32) -> impl Iterator<Item = u32> {
    let first = if size == Size::Ten { which * 10 % (users / 10 * 6) } else { 0 };
    first..first + size.members(users)
}

/// The id of a user.
pub(crate) fn user(number: u32) -> Uuid {
    id(1, number)
}

/// The id of a group.
pub(crate) fn group(number: u32) -> Uuid {
    id(2, number)
}

/// The id of the request behind a commit.
pub(crate) fn request(number: u32) -> Uuid {
    id(3, number)
}

/// As the server makes them: in the order of time, with an end that looks random.
fn id(kind: u64, number: u32) -> Uuid {
    let number = u64::from(number);
    let random = mix(kind << 48 | number).to_be_bytes();
    let more = mix(number).to_be_bytes();
    let bytes: [u8; 10] =
        std::array::from_fn(|at| random.iter().chain(&more).nth(at).copied().unwrap_or(0));
    Builder::from_unix_timestamp_millis(BEGAN_MILLIS + number * 1_000, &bytes).into_uuid()
}

/// A number that looks like no other (`SplitMix64`).
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// `userName`.
pub(crate) fn user_name(number: u32) -> String {
    format!("ada.{number:08}@acme-corp.example")
}

/// `externalId`.
pub(crate) fn external_id(number: u32) -> String {
    format!("00ujl29u0l{number:08}h7")
}

/// A group's `displayName`.
pub(crate) fn group_name(number: u32) -> String {
    format!("Team {number:05}")
}

/// A title, different each time and always as long.
pub(crate) fn title(edition: u32) -> String {
    format!("Account Executive {:06}", edition % 1_000_000)
}

/// A user as Okta creates one with the enterprise extension mapped: a password, and `groups`, as
/// always empty. All are equally long, and a server answers about 1 KB for each.
pub(crate) fn body(number: u32, edition: u32) -> String {
    let mut text = String::with_capacity(1_024);
    let (name, external, title) = (user_name(number), external_id(number), title(edition));
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "{{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\",\
         \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"],\
         \"userName\":\"{name}\",\
         \"name\":{{\"givenName\":\"Ada\",\"familyName\":\"Lovelace {number:08}\"}},\
         \"emails\":[{{\"primary\":true,\"value\":\"{name}\",\"type\":\"work\"}}],\
         \"phoneNumbers\":[{{\"primary\":true,\"value\":\"+1-617-{number:08}\",\"type\":\"work\"}}],\
         \"displayName\":\"Ada Lovelace {number:08}\",\"title\":\"{title}\",\
         \"locale\":\"en-US\",\"timezone\":\"America/New_York\",\"externalId\":\"{external}\",\
         \"groups\":[],\"password\":\"1mz{number:08}nq\",\"active\":true,\
         \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":{{\
         \"employeeNumber\":\"E{number:08}\",\"department\":\"Sales\",\
         \"costCenter\":\"CC-417\",\
         \"manager\":{{\"value\":\"E00000001\",\"displayName\":\"Charles Babbage\"}}}}}}"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_and_equally_long() {
        for number in [0, 1, 99_999_999] {
            let body = body(number, number);
            let user: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(user["userName"], user_name(number));
            assert_eq!(user["groups"], serde_json::json!([]));
            assert_eq!(body.len(), super::body(0, 0).len());
        }
    }

    #[test]
    fn ids_are_in_the_order_of_time_and_of_the_version_that_servers_make() {
        for number in [0, 1, 999_999] {
            assert!(user(number) < user(number + 1));
            assert_eq!(user(number).get_version_num(), 7);
            assert_ne!(user(number), group(number));
        }
    }

    #[test]
    fn members_are_among_the_first_six_tenths() {
        for users in [1_000, 10_000, 100_000, 1_000_000] {
            for size in Size::ALL {
                for which in [0, size.groups() - 1] {
                    let all: Vec<u32> = members(size, which, users).collect();
                    assert_eq!(all.len() as u32, size.members(users));
                    assert!(all.iter().all(|member| *member < users / 10 * 6 + 10), "{users}");
                }
            }
        }
    }
}
