use proptest::prelude::*;

use super::*;
use crate::error::ScimType;
use crate::mode::Mode;
use crate::packed::Packed;
use crate::schema::Catalogue;
use crate::value::Object;
use crate::value::tests::object;

const ENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn user_type() -> &'static ResourceType {
    Catalogue::builtin().resource_type("User").unwrap()
}

fn parse(text: &str, mode: Mode) -> Result<Filter, Invalid> {
    Filter::parse(text, user_type(), mode)
}

fn bjensen() -> Object {
    let text = format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","{ENT}"],"id":"2819c223","externalId":"A1",
        "userName":"BJensen","name":{{"familyName":"O'Malley","givenName":"Barbara"}},"title":"Vice President",
        "userType":"Employee","active":true,"nickName":"","displayName":"STRASSE",
        "emails":[{{"value":"a@a","type":"work","primary":true}},{{"value":"Bj@B.org","type":"home"}}],
        "phoneNumbers":[{{"value":"tel:+1-555"}}],"ims":[],
        "groups":[{{"value":"g1","$ref":"https://h/v2/Groups/g1","display":"Staff"}}],
        "x509Certificates":[{{"value":"AQI="}}],
        "{ENT}":{{"department":"Tour","manager":{{"value":"m1","displayName":"Boss"}}}},
        "meta":{{"resourceType":"User","created":"2025-12-31T23:00:00.000Z","lastModified":"2026-01-01T00:00:00.000Z","version":"W/\"3\""}}}}"#
    );
    object(&text)
}

/// Whether the filter finds the one user, however the user is stored.
fn check(text: &str, expected: bool) {
    for mode in [Mode::Strict, Mode::Lenient] {
        let filter = parse(text, mode).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        let user = bjensen();
        assert_eq!(filter.matches(&user), expected, "{text}");
        assert_eq!(filter.matches(&Packed::pack(&user).view()), expected, "{text}, packed");
        assert_eq!(parse(&filter.to_string(), mode).unwrap(), filter, "{text} prints as {filter}");
    }
}

fn refused_in(text: &str, mode: Mode, detail: &str) {
    let fault = parse(text, mode).unwrap_err();
    assert_eq!(fault.kind, ScimType::InvalidFilter, "{text}");
    assert!(fault.detail.contains(detail), "{text}: `{}` lacks `{detail}`", fault.detail);
}

fn refused(text: &str, detail: &str) {
    refused_in(text, Mode::Strict, detail);
    refused_in(text, Mode::Lenient, detail);
}

/// What the lenient reading makes of a text that the strict one refuses.
fn lenient(text: &str, expected: &str) {
    refused_in(text, Mode::Strict, "");
    assert_eq!(parse(text, Mode::Lenient).unwrap().to_string(), expected);
}

#[test]
fn the_examples_of_rfc_7644() {
    check("userName eq \"bjensen\"", true);
    check("name.familyName co \"O'Malley\"", true);
    check("userName sw \"J\"", false);
    check("urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"B\"", true);
    check("title pr", true);
    check("meta.lastModified gt \"2011-05-13T04:42:34Z\"", true);
    check("meta.lastModified ge \"2011-05-13T04:42:34Z\"", true);
    check("meta.lastModified lt \"2011-05-13T04:42:34Z\"", false);
    check("meta.lastModified le \"2011-05-13T04:42:34Z\"", false);
    check("title pr and userType eq \"Employee\"", true);
    check("title pr or userType eq \"Intern\"", true);
    check("schemas eq \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"", true);
    check(
        "userType eq \"Employee\" and (emails co \"example.com\" or emails.value co \"example.org\")",
        false,
    );
    check(
        "userType ne \"Employee\" and not (emails co \"example.com\" or emails.value co \"example.org\")",
        false,
    );
    check("userType eq \"Employee\" and (emails.type eq \"work\")", true);
    check(
        "userType eq \"Employee\" and emails[type eq \"work\" and value co \"@example.com\"]",
        false,
    );
    check(
        "emails[type eq \"work\" and value co \"@a\"] or ims[type eq \"xmpp\" and value co \"@foo.com\"]",
        true,
    );
}

#[test]
fn r_7644_3_4_2_2_01_words_ignore_case() {
    check("UserName EQ \"BJENSEN\"", true);
    check("NOT (TITLE PR) OR Name.GivenName Sw \"bar\" AND active Eq true", true);
}

#[test]
fn r_7644_3_4_2_2_02_precedence() {
    check("title pr or title pr and ims pr", true);
    check("(title pr or title pr) and ims pr", false);
    check("not (ims pr) and title pr", true);
    check("not(ims pr)", true);
    let filter = parse("a.x pr", Mode::Strict);
    assert!(filter.is_err());
    let text = "title pr or (title pr or ims pr) and (title pr and (ims pr or not (title pr)))";
    assert_eq!(parse(text, Mode::Strict).unwrap().to_string(), text);
}

#[test]
fn r_7644_3_4_2_2_03_urns() {
    check(&format!("{ENT}:department eq \"tour\""), true);
    check(&format!("{}:Manager.Value eq \"m1\"", ENT.to_uppercase()), true);
    check("urn:ietf:params:scim:schemas:core:2.0:User:name.givenName sw \"B\"", true);
    check(&format!("{ENT} pr"), true);
    check("department eq \"Tour\"", true);
    check("manager eq \"m1\"", true);
    check("id eq \"2819c223\" and manager eq \"m2\"", false);
}

#[test]
fn r_7644_3_4_2_2_04_bad_syntax_names_the_spot() {
    refused("", "empty");
    refused("   ", "empty");
    refused("userName regex \"x\"", "unknown operator `regex` at column 10");
    refused("userName eq \"x\" title pr", "not `title` at column 17");
    refused("userName", "an operator is due after `userName`, not the end at column 9");
    refused("userName eq", "a value is missing at column 12");
    refused("userName eq \"x", "closing quote at column 13");
    refused("(userName pr", "`)` is due, not the end at column 13");
    refused("userName pr)", "not `)` at column 12");
    refused("emails[type pr", "`]` is due, not the end");
    refused("emails[type pr) or title pr", "not `)`");
    refused("not title pr", "parenthesis after it at column 5");
    refused("and", "unknown attribute `and`");
    refused("userName pr and", "an attribute is due, not the end");
    refused("\"x\" eq userName", "an attribute is due, not `\"`");
    refused("userName eq \"\\x\"", "escape");
    refused("userName eq \"\\ud800\"", "escape");
    refused("name.givenName.x pr", "unknown attribute");
    refused("title eq \"x\"\t", "the end is due");
    refused("ünknown pr and", "unknown attribute `ünknown` at column 1");
}

#[test]
fn r_7644_3_4_2_2_05_operators_and_literals_fit_the_type() {
    for op in ["gt", "ge", "lt", "le", "co", "sw", "ew"] {
        refused(&format!("active {op} true"), "does not go with `active`");
        refused(
            &format!("x509Certificates {op} \"AQI\""),
            "does not go with `x509Certificates.value`",
        );
    }
    for op in ["co", "sw", "ew"] {
        refused(&format!("meta.created {op} \"2026-01-01T00:00:00Z\""), "does not go with");
    }
    refused_in("active eq \"true\"", Mode::Strict, "true or false");
    refused("active eq \"yes\"", "true or false");
    refused("active eq 1", "true or false");
    refused("userName eq true", "text in double quotes");
    refused("userName eq 5", "text in double quotes");
    refused("meta.created gt \"yesterday\"", "a date and time");
    refused("meta.created gt 5", "a date and time");
    check("active eq true", true);
    check("active ne true", false);
    check("x509Certificates.value eq \"AQI\"", true);
}

#[test]
fn l_02_booleans_as_strings() {
    lenient("active eq \"True\"", "active eq true");
    lenient("emails[primary eq \"FALSE\"]", "emails[primary eq false]");
}

#[test]
fn r_7644_3_4_2_2_06_strings_compare_prepared() {
    check("userName eq \"BJENSEN\"", true);
    check("displayName eq \"straße\"", true);
    check("displayName co \"aß\"", true);
    check("externalId eq \"a1\"", false);
    check("externalId eq \"A1\"", true);
    check("id eq \"2819C223\"", false);
    check("userName gt \"bjensem\"", true);
    check("userName le \"BJENSEN\"", true);
    check("userName ew \"SEN\"", true);
    check("meta.version eq \"W/\\\"3\\\"\"", true);
}

#[test]
fn r_7644_3_4_2_2_07_date_times_compare_as_instants() {
    check("meta.lastModified ge \"2026-01-01T01:00:00+01:00\"", true);
    check("meta.lastModified eq \"2026-01-01T01:00:00+01:00\"", true);
    check("meta.lastModified gt \"2026-01-01T00:00:00\"", false);
    check("meta.created lt \"2026-01-01T00:00:00+01:00\"", false);
    check(
        "(ActiVe eq true) and meta.lastmodified ge \"0001-01-03T00:00:00.0000000Z\" and meta.lastModified le \"2027-01-01T00:00:00Z\"",
        true,
    );
}

#[test]
fn r_7644_3_4_2_2_08_any_value_of_several() {
    check("emails.value eq \"bj@b.org\"", true);
    check("emails.value ne \"a@a\"", true);
    check("phoneNumbers.value ne \"tel:+1-555\"", false);
    check("ims.value ne \"x\"", true);
    check("not (emails.value eq \"a@a\")", false);
}

#[test]
fn r_7644_3_4_2_2_09_complex_attributes() {
    check("emails co \"b.ORG\"", true);
    check("name pr", true);
    refused("name eq \"x\"", "`name` needs a sub-attribute");
    refused("addresses eq \"x\"", "needs a sub-attribute");
    refused(&format!("{ENT} eq \"x\""), "needs a sub-attribute");
}

#[test]
fn r_7644_3_4_2_2_10_brackets_take_one_element() {
    check("emails[type eq \"work\" and value co \"@b\"]", false);
    check("emails.type eq \"work\" and emails.value co \"@b\"", true);
    check("emails[type eq \"home\" and not (primary eq true)]", true);
    check("emails[ type eq \"home\" ]", true);
    check("schemas[value ew \"enterprise:2.0:User\"]", true);
    check(&format!("{ENT}:manager[value eq \"m1\"]"), true);
    check("groups[value eq \"g1\"]", true);
    refused("userName[value eq \"x\"]", "no elements");
    refused("emails.value[value eq \"x\"]", "no elements");
    refused("emails[emails[type pr]]", "unknown attribute `emails`");
    refused("emails[value[type pr]]", "brackets inside brackets");
}

#[test]
fn r_7644_3_4_2_2_11_presence() {
    check("nickName pr", false);
    check("ims pr", false);
    check("active pr", true);
    check("emails pr", true);
    check("emails[primary pr]", true);
    check("addresses pr", false);
    check(&format!("{ENT}:costCenter pr"), false);
}

#[test]
fn r_7644_3_4_2_2_12_null() {
    check("profileUrl eq null", true);
    check("profileUrl ne null", false);
    check("nickName eq null", false);
    check("ims eq null", true);
    check("emails ne null", true);
    check("name eq null", false);
    refused("title gt null", "does not go with null");
    refused("title co null", "does not go with null");
}

#[test]
fn r_7644_3_4_2_2_13_unassigned_attributes() {
    for op in ["eq", "co", "sw", "ew", "gt", "ge", "lt", "le"] {
        check(&format!("profileUrl {op} \"\""), false);
        check(&format!("locale {op} \"en\""), false);
    }
    check("locale ne \"en\"", true);
}

#[test]
fn r_7644_3_4_2_2_15_common_attributes() {
    check("meta.resourceType eq \"User\"", true);
    check("meta.resourceType eq \"user\"", false);
    check("schemas eq \"urn:x\"", false);
    check("groups.$ref eq \"Groups/g1\"", true);
    check("groups.$ref sw \"https://h/\"", true);
}

#[test]
fn r_7644_3_4_2_2_16_unknown_attributes() {
    refused("members pr", "unknown attribute `members`");
    refused("urn:x:y:userName pr", "unknown attribute");
    refused("title pr and emails[nothing pr]", "unknown attribute `nothing` at column 21");
}

#[test]
fn r_7644_3_4_2_2_17_passwords_are_no_oracle() {
    refused("password eq \"x\"", "unknown attribute");
}

#[test]
fn r_7644_3_4_2_2_18_limits() {
    refused(&format!("title eq \"{}\"", "x".repeat(9000)), "longer than 8192 bytes");
    refused(&format!("{}title pr{}", "(".repeat(33), ")".repeat(33)), "deeper than 32");
    refused(&format!("{}title pr", "not (".repeat(1000)), "deeper than 32");
    check(&format!("{}title pr{}", "(".repeat(32), ")".repeat(32)), true);
    refused(&vec!["title pr"; 201].join(" and "), "more than 200 terms");
    check(&vec!["title pr"; 200].join(" and "), true);
}

#[test]
fn l_14_a_value_path_may_go_on() {
    lenient(
        "emails[type eq \"home\"].value eq \"bj@b.org\"",
        "emails[type eq \"home\" and value eq \"bj@b.org\"]",
    );
    lenient(
        "emails[type eq \"a\" or type eq \"b\"].value pr",
        "emails[(type eq \"a\" or type eq \"b\") and value pr]",
    );
    let filter = parse("emails[type eq \"work\"].value eq \"bj@b.org\"", Mode::Lenient).unwrap();
    assert!(!filter.matches(&bjensen()));
}

#[test]
fn l_15_spaces() {
    check("  userName   eq    \"bjensen\"  ", true);
    check("(  title pr  )  and  (title pr)", true);
    lenient("userName eq\"bjensen\"", "userName eq \"bjensen\"");
    lenient("(title pr)and(title pr)", "title pr and title pr");
}

#[test]
fn l_16_literals_are_in_double_quotes() {
    refused("userName eq bjensen", "double quotes");
    refused("userName eq 'bjensen'", "double quotes");
    refused("meta.lastModified gt 2011-05-13T04:42:34Z", "is no number");
    refused("active eq True", "`True` is no value");
}

#[test]
fn p_14_names_without_their_place() {
    lenient("givenName eq \"barbara\"", "name.givenName eq \"barbara\"");
    lenient("firstName eq \"x\"", "name.givenName eq \"x\"");
}

#[test]
fn r_7644_3_4_2_1_01_what_another_type_has_counts_as_no_value() {
    let types = Catalogue::builtin().resource_types();
    let parse = |text| Filter::parse_among(text, user_type(), types, Mode::Strict);
    assert!(!parse("members pr").unwrap().matches(&bjensen()));
    assert!(parse("members.value ne \"x\"").unwrap().matches(&bjensen()));
    assert!(parse("nothing pr").is_err());
}

#[test]
fn what_must_be_equal_is_told() {
    let told = |text: &str, path: &str| {
        parse(text, Mode::Lenient).unwrap().must_equal(path).map(str::to_owned)
    };
    assert_eq!(told("userName eq \"x\"", "userName").as_deref(), Some("x"));
    assert_eq!(told("title pr and userName eq \"x\"", "userName").as_deref(), Some("x"));
    assert_eq!(
        told("emails[type eq \"work\"].value eq \"x\"", "emails.value").as_deref(),
        Some("x")
    );
    assert_eq!(told("emails eq \"x\"", "emails.value").as_deref(), Some("x"));
    assert_eq!(told("userName eq \"x\" or title pr", "userName"), None);
    assert_eq!(told("not (userName eq \"x\")", "userName"), None);
    assert_eq!(told("userName ne \"x\"", "userName"), None);
}

/// Any filter that the schema allows, as text.
fn any_filter() -> impl Strategy<Value = String> {
    let text =
        "[a-zA-Zü\"\\\\ \\[\\]()]{0,6}".prop_map(|text| serde_json::to_string(&text).unwrap());
    let string_op =
        prop::sample::select(vec!["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]);
    let path = prop::sample::select(vec![
        "userName",
        "name.givenName",
        "emails",
        "emails.type",
        "groups.$ref",
        "department",
        "meta.version",
    ]);
    let compare =
        (path, string_op, text.clone()).prop_map(|(path, op, text)| format!("{path} {op} {text}"));
    let other = prop::sample::select(vec![
        "active eq false",
        "title pr",
        "meta.created ge \"2026-01-01T00:00:00+01:00\"",
        "ims ne null",
    ])
    .prop_map(str::to_owned);
    let element = (text, prop::bool::ANY).prop_map(|(text, not)| {
        format!(
            "emails[{}(type eq {text} or value sw {text}) and primary pr]",
            if not { "not " } else { "" }
        )
    });
    prop_oneof![4 => compare, 1 => other, 1 => element].prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|terms| format!("({})", terms.join(" and "))),
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|terms| format!("({})", terms.join(" or "))),
            inner.prop_map(|term| format!("not ({term})")),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(text in any_filter()) {
        let filter = parse(&text, Mode::Strict).unwrap();
        prop_assert_eq!(&parse(&filter.to_string(), Mode::Strict).unwrap(), &filter);
        let user = bjensen();
        prop_assert_eq!(filter.matches(&user), filter.matches(&Packed::pack(&user)));
        prop_assert_eq!(Filter::Not(Box::new(filter.clone())).matches(&user), !filter.matches(&user));
    }

    #[test]
    fn no_text_makes_reading_panic(text in "(emails\\[|title |not ?\\(|and |eq |pr |\"|\\\\|[\\[\\].()a-z0-9é-]){0,16}\\PC{0,3}") {
        for mode in [Mode::Strict, Mode::Lenient] {
            if let Ok(filter) = parse(&text, mode) {
                prop_assert_eq!(parse(&filter.to_string(), mode).unwrap(), filter);
            }
        }
    }
}
