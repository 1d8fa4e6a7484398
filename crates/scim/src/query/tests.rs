use super::*;
use crate::error::ScimType;
use crate::mode::Mode;
use crate::schema::Catalogue;
use crate::value::tests::object;

fn user_type() -> &'static ResourceType {
    Catalogue::builtin().resource_type("User").unwrap()
}

fn read(pairs: &[(&str, &str)]) -> Result<ListQuery, Invalid> {
    ListQuery::from_pairs(pairs.iter().copied(), user_type(), Mode::Strict)
}

fn refused(pairs: &[(&str, &str)], kind: ScimType) {
    assert_eq!(read(pairs).unwrap_err().kind, kind, "{pairs:?}");
}

#[test]
fn r_7644_3_4_2_4_01_pages() {
    let page = |start: &str, count: &str| {
        let query = read(&[("startIndex", start), ("count", count)]).unwrap();
        (query.start_index, query.count)
    };
    assert_eq!(page("1", "25"), (1, Some(25)));
    assert_eq!(page("0", "0"), (1, Some(0)));
    assert_eq!(page("-5", "-5"), (1, Some(0)));
    assert_eq!(page("+101", "007"), (101, Some(7)));
    assert_eq!(
        page("99999999999999999999", "99999999999999999999"),
        (i64::MAX as u64, Some(i64::MAX as u64))
    );
    assert_eq!(read(&[]).unwrap(), ListQuery::default());
    for bad in ["", "x", "1.5", "-", "1e3", "0x1"] {
        refused(&[("startIndex", bad)], ScimType::InvalidValue);
        refused(&[("count", bad)], ScimType::InvalidValue);
    }
}

#[test]
fn l_09_names_in_any_case_and_unknown_ones() {
    let pairs = [("STARTINDEX", "7"), ("Filter", "title pr"), ("asOf", "x"), ("foo", "")];
    let query = ListQuery::from_pairs(pairs, user_type(), Mode::Lenient).unwrap();
    assert_eq!((query.start_index, query.filter.is_some()), (7, true));
    assert_eq!(query.quirks, [Quirk::UntidyUrl]);
    // By the letter they are names that nobody knows (R-7644-3.4.2-03).
    assert_eq!(read(&pairs).unwrap(), ListQuery::default());
    refused(&[("filter", "")], ScimType::InvalidFilter);
    refused(&[("filter", "x")], ScimType::InvalidFilter);
}

#[test]
fn a_9865_2_01_cursors() {
    assert_eq!(read(&[("cursor", ""), ("count", "5")]).unwrap().cursor.as_deref(), Some(""));
    refused(&[("cursor", ""), ("startIndex", "1")], ScimType::InvalidValue);
}

#[test]
fn a_9865_2_04_pages_of_one_walk_ask_for_the_same() {
    let identity = |pairs: &[(&str, &str)]| read(pairs).unwrap().identity();
    let asked = [("filter", "title pr and userName eq \"B\""), ("sortBy", "title")];
    let same = [
        ("filter", "(TITLE PR)  and  (username EQ \"B\")"),
        ("sortBy", "TITLE"),
        ("startIndex", "101"),
        ("count", "7"),
    ];
    assert_eq!(identity(&asked), identity(&same));
    for other in [
        &[("filter", "title pr"), ("sortBy", "title")][..],
        &[("filter", "title pr and userName eq \"b\""), ("sortBy", "title")],
        &[asked[0], ("sortBy", "userName")],
        &[asked[0], asked[1], ("sortOrder", "descending")],
        &[asked[0], asked[1], ("attributes", "title")],
        &[asked[0], asked[1], ("excludedAttributes", "title")],
        &[asked[0]],
        &[],
    ] {
        assert_ne!(identity(&asked), identity(other), "{other:?}");
    }
}

#[test]
fn r_7644_3_4_3_01_search_requests() {
    let search = |members: &str| {
        let body = format!(
            r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]{members}}}"#
        );
        ListQuery::from_search(&Value::Complex(object(&body)), user_type(), Mode::Strict)
    };
    let query = search(
        r#","ATTRIBUTES":["userName","name.givenName","nothing"],"filter":"title pr","sortBy":"userName","sortOrder":"descending","startIndex":3,"count":10"#,
    )
    .unwrap();
    let expected = read(&[
        ("attributes", "userName, name.givenName,nothing"),
        ("filter", "title pr"),
        ("sortBy", "userName"),
        ("sortOrder", "descending"),
        ("startIndex", "3"),
        ("count", "10"),
    ]);
    assert_eq!(query, expected.unwrap());
    for bad in [r#","count":"5""#, r#","filter":5"#, r#","attributes":[5]"#, r#","startIndex":1.5"#]
    {
        assert_eq!(search(bad).unwrap_err().kind, ScimType::InvalidValue, "{bad}");
    }
    for bad in ["{}", r#"{"schemas":["urn:x"]}"#, "[]"] {
        let body = Value::parse(bad.as_bytes()).unwrap();
        assert_eq!(
            ListQuery::from_search(&body, user_type(), Mode::Lenient).unwrap_err().kind,
            ScimType::InvalidSyntax
        );
    }
}

/// The ids of these users in order.
fn sorted(by: &str, order: &str) -> String {
    let users = [
        r#"{"id":"1","userName":"bob","emails":[{"value":"z@x"},{"value":"a@x","primary":true}],"meta":{"created":"2026-01-01T00:00:00.000Z"}}"#,
        r#"{"id":"2","userName":"Alice","emails":[{"value":"m@x"}],"meta":{"created":"2026-01-01T01:00:00+02:00"}}"#,
        r#"{"id":"3","userName":"Ömer","active":true,"meta":{"created":"2025-01-01T00:00:00.000Z"}}"#,
        r#"{"id":"4","userName":"carol","active":false}"#,
    ]
    .map(object);
    let sort = read(&[("sortBy", by), ("sortOrder", order)]).unwrap().sort.unwrap();
    let mut keyed: Vec<_> = users
        .iter()
        .map(|user| (sort.key(user), user.get("id").unwrap().as_str().unwrap()))
        .collect();
    keyed.sort_by(|(a, id), (b, other)| sort.order(a, b).then(id.cmp(other)));
    keyed.into_iter().map(|(_, id)| id).collect()
}

#[test]
fn r_7644_3_4_2_3_01_sorting() {
    assert_eq!(sorted("userName", ""), "2143");
    assert_eq!(sorted("USERNAME", "Descending"), "3412");
    assert_eq!(sorted("emails.value", "ascending"), "1234");
    assert_eq!(sorted("emails", "descending"), "3421");
    assert_eq!(sorted("meta.created", "ascending"), "3214");
    assert_eq!(sorted("meta.created", "descending"), "4123");
    assert_eq!(sorted("active", "ascending"), "4312");
    assert_eq!(sorted("urn:ietf:params:scim:schemas:core:2.0:User:title", "ascending"), "1234");
    refused(&[("sortBy", "nothing")], ScimType::InvalidValue);
    refused(&[("sortBy", "name")], ScimType::InvalidValue);
    refused(&[("sortBy", "userName"), ("sortOrder", "up")], ScimType::InvalidValue);
    assert_eq!(read(&[("sortBy", "")]).unwrap().sort, None);
}
