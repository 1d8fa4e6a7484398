//! Finding resources: what an index finds is what a look at each would find, and nobody looks for
//! longer than somebody waits.

use std::cell::Cell;

use domain::command::{Change, Command, Expected};
use domain::directory::{Directory, Group, User};
use domain::find::{self, Cost, Listed, Row, Stopped, Viewer, Whole};
use domain::id::{GroupId, UserId};
use domain::limits::ROWS_BETWEEN_LOOKS;
use scim::{Filter, Mode, ResourceType};
use uuid::Uuid;

use crate::decide::{
    ENTRA, Given, OKTA, connector, create, create_group, given, members, patch, put,
};

fn user(n: u128) -> UserId {
    UserId::new(Uuid::from_u128(1_000 + n))
}

fn group(n: u128) -> GroupId {
    GroupId::new(Uuid::from_u128(5_000 + n))
}

fn body(n: u128) -> String {
    let mails = match n % 4 {
        0 => String::new(),
        1 => format!(r#","emails":[{{"type":"work","value":"M{}@x.test"}}]"#, n / 2),
        _ => format!(
            r#","emails":[{{"type":"home","value":"m{n}@x.test"}},{{"type":"work","value":"m{}@X.test"}}]"#,
            n / 3
        ),
    };
    format!(
        r#""userName":"u{n}","displayName":"Straße {}","externalId":"{}e\u0301","active":{}{mails}"#,
        n % 7,
        n % 11,
        n % 5 != 3
    )
}

/// Forty people who came, changed and went, and some groups.
fn company() -> Given {
    let mut company = given();
    for n in 0..40 {
        let from = if n % 2 == 0 { OKTA } else { ENTRA };
        company = company.and(connector(from), create(user(n), &body(n)));
    }
    for n in 0..6 {
        let ids: Vec<UserId> = (0..40).filter(|m| m % (n + 2) == 0).map(user).collect();
        let ids: Vec<&dyn ToString> = ids.iter().map(|id| id as &dyn ToString).collect();
        let rest = format!(r#""displayName":"STRASSE {n}","members":{}"#, members(&ids));
        company = company.and(connector(OKTA), create_group(group(n), &rest));
    }
    for n in [3, 9, 12, 30] {
        company = company.and(
            connector(OKTA),
            Command::User(user(n), Change::Delete { expected: Expected::Any }),
        );
    }
    for n in [4, 5, 6, 8, 13, 28] {
        let other = body(n + 100).replace(&format!("u{}", n + 100), &format!("u{n}"));
        company = company.and(connector(OKTA), put(user(n), &other));
    }
    for n in [2, 18, 33, 35] {
        let clear = patch(user(n), r#"{"op":"remove","path":"active"}"#);
        company = company.and(connector(OKTA), clear);
    }
    company
}

fn viewer(directory: &Directory) -> Viewer<'_> {
    Viewer { directory, connector: Some(OKTA), base: "https://x.test" }
}

fn parse<R: Listed>(text: &str) -> Filter {
    let (user, group) = (ResourceType::user(), ResourceType::group());
    let (this, other) = if R::NAME == "User" { (user, group) } else { (group, user) };
    Filter::parse_among(text, this, std::slice::from_ref(other), Mode::Lenient).unwrap()
}

/// What the filter finds, and by looking at how many.
fn found<R: Listed>(directory: &Directory, filter: &Filter) -> (Vec<Row>, usize) {
    let looked = Cell::new(0);
    let go_on = |rows| {
        looked.set(looked.get() + rows);
        true
    };
    let found = find::matching::<R>(viewer(directory), Some(filter), None, &go_on).unwrap();
    (find::in_order(found, None), looked.get())
}

/// Checks the filter against a look at each, and answers how many were looked at.
#[track_caller]
fn check<R: Listed>(directory: &Directory, text: &str) -> usize {
    let filter = parse::<R>(text);
    let naive: Vec<Row> = R::from(directory, 0)
        .filter(|one| filter.matches(&one.view(viewer(directory))))
        .map(Listed::row)
        .collect();
    let (rows, looked) = found::<R>(directory, &filter);
    assert_eq!(rows, naive, "{}: {text}", R::NAME);
    if let Some(whole) = Whole::of::<R>(viewer(directory), Some(&filter)) {
        assert_eq!(whole.total::<R>(directory), naive.len(), "{text}");
        for skip in 0..naive.len() + 2 {
            let page: Vec<Row> = naive.iter().skip(skip).take(7).copied().collect();
            assert_eq!(whole.page::<R>(directory, skip, 7), page, "{text} from {skip}");
        }
    }
    looked
}

/// Also R-7644-3.4.2.2-06, L-14, R-7644-3.4.2.2-08, R-7644-3.4.2.2-10.
///
/// Seen to fail when words are not prepared, and when an `or` takes what the index finds for some
/// of its terms.
#[test]
fn r_7644_3_4_2_2_15_an_index_finds_what_a_look_at_each_finds() {
    let company = company();
    let directory = &company.snapshot.directory;
    let terms = [
        format!(r#"id eq "{}""#, user(7)),
        format!(r#"id eq "{}""#, user(3)),
        format!(r#"members.value eq "{}""#, user(6)),
        r#"userName eq "U8""#.into(),
        r#"externalId eq "4e\u0301""#.into(),
        r#"externalId eq "4é""#.into(),
        r#"externalId eq "4E\u0301""#.into(),
        r#"displayName eq "STRASSE 2""#.into(),
        r#"emails.value eq "m4@x.test""#.into(),
        r#"emails eq "M12@X.TEST""#.into(),
        r#"emails[type eq "work" and value eq "m4@x.test"]"#.into(),
        r#"emails[type eq "work"].value eq "m3@x.test""#.into(),
        r#"emails[value eq "m4@x.test" or value eq "m10@x.test"]"#.into(),
        r#"emails[value eq "m4@x.test" or type eq "work"]"#.into(),
        r#"emails[not (value eq "m4@x.test")]"#.into(),
        r#"emails[value ne "m4@x.test"]"#.into(),
        "active eq false".into(),
        "active eq true".into(),
        "not (active eq false)".into(),
        "active ne true".into(),
        "active pr".into(),
        r#"meta.resourceType eq "User""#.into(),
        r#"meta.resourceType eq "group""#.into(),
        r#"meta.resourceType ne "Group""#.into(),
        "userName eq null".into(),
        r#"userName ne "u8""#.into(),
        "members pr".into(),
        r#"emails[value pr]"#.into(),
        r#"urn:ietf:params:scim:schemas:core:2.0:User:emails.value eq "m4@x.test""#.into(),
    ];
    for a in &terms {
        check::<User>(directory, a);
        check::<Group>(directory, a);
        for b in &terms {
            for joined in
                [format!("{a} and {b}"), format!("{a} or {b}"), format!("not ({a}) and {b}")]
            {
                check::<User>(directory, &joined);
                check::<Group>(directory, &joined);
            }
        }
    }
}

#[test]
fn l_17_what_is_indexed_looks_at_next_to_nobody() {
    let company = company();
    let directory = &company.snapshot.directory;
    let at_most = |most: usize, text: &str| {
        let looked = check::<User>(directory, text);
        assert!(looked <= most, "{text} looked at {looked}");
    };
    at_most(1, &format!(r#"id eq "{}""#, user(7)));
    at_most(1, r#"userName eq "u8""#);
    at_most(0, r#"userName eq "3b6a3d4e-0f6e-4d4e-9a4e-7f1f4e4f4e4f""#);
    at_most(4, r#"emails.value eq "m4@x.test""#);
    at_most(4, r#"emails[type eq "work"].value eq "m4@x.test""#);
    at_most(6, r#"displayName eq "straße 2""#);
    at_most(4, r#"externalId eq "4e\u0301""#);
    at_most(10, "active eq false");
    // The smallest index counts, wherever its term stands; an `or` needs one for each term.
    at_most(1, r#"active eq false and displayName eq "straße 2" and userName eq "u8""#);
    at_most(1, r#"userName eq "u8" and active eq false and title pr"#);
    at_most(5, r#"userName eq "u8" or emails.value eq "m4@x.test""#);
    // What a type lacks finds none of it, and so does another type's name.
    at_most(0, r#"members.value eq "x""#);
    at_most(0, r#"meta.resourceType eq "Group" and title pr"#);
    let all = directory.users.len();
    assert_eq!(check::<User>(directory, r#"userName eq "u8" or title pr"#), all);
    assert_eq!(check::<User>(directory, r#"userName co "u8""#), all);
}

#[test]
fn nobody_looks_for_longer_than_somebody_waits() {
    let mut crowd = given();
    for n in 0..600 {
        crowd = crowd.and(connector(OKTA), create(user(n), &format!(r#""userName":"u{n}""#)));
    }
    let looked = Cell::new(0);
    let go_on = |rows| {
        looked.set(looked.get() + rows);
        looked.get() < 2 * ROWS_BETWEEN_LOOKS
    };
    let filter = parse::<User>("title pr");
    let viewer = viewer(&crowd.snapshot.directory);
    let found = find::matching::<User>(viewer, Some(&filter), None, &go_on);
    assert_eq!(found.unwrap_err(), Stopped);
    assert_eq!(looked.get(), 2 * ROWS_BETWEEN_LOOKS);
}

/// Each term counts for each resource, and one on members for each member, also where an index finds
/// the group.
#[test]
fn r_7644_7_7_01_what_a_list_costs_is_known_before_it_is_looked_for() {
    let company = company();
    let directory = &company.snapshot.directory;
    let (users, groups) = (directory.users.len() as u64, directory.groups.len() as u64);
    let members = |group: &domain::directory::Group| group.memberships().len() as u64;
    let all: u64 = directory.groups.iter().map(members).sum();
    let first = directory.groups.get(group(0)).map(members).unwrap();
    assert!(first > 5 && all > first);
    let of_users = |text: &str| find::cost::<User>(viewer(directory), &parse::<User>(text), 10);
    let of_groups = |text: &str| find::cost::<Group>(viewer(directory), &parse::<Group>(text), 10);
    let cost = |is_indexed, comparisons| Cost { is_indexed, comparisons };
    assert_eq!(of_users("title pr and nickName pr"), cost(false, 2 * users));
    assert_eq!(of_users(r#"userName eq "u8" and title pr"#), cost(true, 2));
    assert_eq!(of_groups("externalId pr"), cost(false, groups));
    let long = |terms: u64| terms * 8 * all;
    assert_eq!(of_groups("members pr"), cost(false, groups + long(1)));
    let two = r#"not (members[display co "x" and type pr]) or externalId pr"#;
    assert_eq!(of_groups(two), cost(false, 3 * groups + long(2)));
    let one = r#"displayName eq "strasse 0" and members.display co "x""#;
    assert_eq!(of_groups(one), cost(true, 2 + 8 * first));
    // What finds more than it may is as good as no index.
    let many = vec!["active eq false"; 100].join(" or ");
    assert_eq!(
        find::cost::<User>(viewer(directory), &parse::<User>(&many), 3),
        cost(false, 100 * users)
    );
}
