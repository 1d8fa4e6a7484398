use super::*;
use crate::error::ScimType;
use crate::mode::Mode::{Interop, Lenient, Strict};
use crate::schema::Catalogue;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn rtype(name: &str) -> &'static ResourceType {
    Catalogue::builtin().resource_type(name).unwrap()
}

fn admitted(kind: &str, body: &str, options: impl Into<Options>) -> Result<Admitted, Invalid> {
    let body = body
        .replace("USER", USER)
        .replace("ENT", ENT)
        .replace("GRP", "urn:ietf:params:scim:schemas:core:2.0:Group");
    admit(&Value::parse(body.as_bytes()).unwrap(), rtype(kind), options)
}

/// Puts the members into a whole user, and returns what is left of them.
fn user(members: &str, options: impl Into<Options>) -> Result<String, Invalid> {
    let body = format!(r#"{{"schemas":["USER","ENT"],"userName":"bj",{members}}}"#);
    admitted("User", &body, options).map(|admitted| {
        let mut object = admitted.object;
        object.remove("userName");
        String::from_utf8(Value::Complex(object).to_json()).unwrap().replace(ENT, "ENT")
    })
}

fn check(members: &str, expected: &str) {
    for mode in [Strict, Lenient] {
        assert_eq!(user(members, mode).unwrap(), expected, "{members} {mode:?}");
    }
}

fn lenient(members: &str, expected: &str) {
    assert_eq!(user(members, Strict).unwrap_err().kind, ScimType::InvalidValue, "{members}");
    assert_eq!(user(members, Lenient).unwrap(), expected, "{members}");
}

fn refused(members: &str, detail: &str) {
    for mode in [Strict, Lenient] {
        let fault = user(members, mode).unwrap_err();
        assert_eq!(fault.kind, ScimType::InvalidValue, "{members}");
        assert!(fault.detail.contains(detail), "{members}: `{}` lacks `{detail}`", fault.detail);
    }
}

#[test]
fn r_7643_2_1_01_names_get_the_spelling_of_the_schema() {
    check(
        r#""NICKNAME":"B","Name":{"GIVENNAME":"x"}"#,
        r#"{"nickName":"B","name":{"givenName":"x"}}"#,
    );
    check(
        r#""URN:ietf:params:scim:schemas:extension:Enterprise:2.0:user":{"Department":"d"}"#,
        r#"{"ENT":{"department":"d"}}"#,
    );
}

#[test]
fn r_7643_2_3_01_values_fit_their_type() {
    refused(r#""active":"yes""#, "where true or false is due");
    refused(r#""active":1"#, "`active` is a number where true or false is due");
    refused(r#""title":5"#, "`title` is a number where a string is due");
    refused(r#""title":{"value":"x"}"#, "where a string is due");
    refused(r#""title":["a","b"]"#, "where one value is due");
    refused(r#""name":"Barbara""#, "where an object is due");
    refused(r#""emails":[5]"#, "where an object is due");
    refused(r#""emails":[["a@b"]]"#, "where an object is due");
    refused(r#""emails":[{"value":true}]"#, "`emails.value` is a boolean");
    refused(r#""x509Certificates":[{"value":"*"}]"#, "which is no base64");
    refused(r#""ENT":"x""#, "where an object is due");
    let one = "MAswAgIAMAADAwABAg==";
    check(
        &format!(
            r#""x509Certificates":[{{"value":"{one}"}},{{"value":"{}"}}]"#,
            one.trim_end_matches('=')
        ),
        &format!(r#"{{"x509Certificates":[{{"value":"{one}"}}]}}"#),
    );
}

#[test]
fn r_7643_2_4_01_at_most_one_primary() {
    refused(
        r#""emails":[{"value":"a","primary":true},{"value":"b","primary":true}]"#,
        "more than one primary",
    );
    check(
        r#""emails":[{"value":"a","primary":true},{"value":"b","primary":false}]"#,
        r#"{"emails":[{"value":"a","primary":true},{"value":"b","primary":false}]}"#,
    );
}

#[test]
fn r_7643_2_4_02_no_element_twice() {
    check(
        r#""emails":[{"value":"A@b","type":"work"},{"value":"a@B","type":"WORK","display":"x"},{"value":"a@b","type":"home"}]"#,
        r#"{"emails":[{"value":"A@b","type":"work"},{"value":"a@b","type":"home"}]}"#,
    );
    check(
        r#""addresses":[{"type":"work","locality":"a"},{"type":"work","locality":"b"}]"#,
        r#"{"addresses":[{"type":"work","locality":"a"},{"type":"work","locality":"b"}]}"#,
    );
}

#[test]
fn r_7643_2_5_01_null_and_empty_are_absent() {
    check(
        r#""nickName":null,"emails":[],"name":{},"photos":[null,{}],"title":"","ENT":null"#,
        r#"{"title":""}"#,
    );
    let body = r#"{"schemas":["USER"],"userName":"a","active":null,"emails":[],"ENT":{"manager":null},"name":{"givenName":null}}"#;
    let cleared = admitted("User", body, Lenient).unwrap().cleared;
    assert_eq!(cleared, ["active", "emails", &format!("{ENT}:manager"), "name"].map(Name::from));
}

#[test]
fn r_7643_3_01_schemas_are_checked() {
    let refused = |schemas: &str, mode, kind| {
        let body = format!(r#"{{{schemas}"userName":"a"}}"#);
        assert_eq!(admitted("User", &body, mode).unwrap_err().kind, kind, "{schemas}");
    };
    for mode in [Strict, Lenient] {
        for schemas in [
            "",
            r#""schemas":[],"#,
            r#""schemas":"USER","#,
            r#""schemas":[5],"#,
            r#""schemas":null,"#,
        ] {
            refused(schemas, mode, ScimType::InvalidSyntax);
        }
    }
    for schemas in
        [r#""schemas":["USER","urn:x"],"#, r#""schemas":["ENT"],"#, r#""schemas":["USER","USER"],"#]
    {
        refused(schemas, Strict, ScimType::InvalidValue);
    }
    refused(r#""schemas":["USER"],"ENT":{"department":"d"},"#, Strict, ScimType::InvalidValue);
}

#[test]
fn l_10_unknown_names_are_dropped() {
    let body = r#"{"schemas":["USER","urn:x","urn:ietf:params:scim:schemas:extension:enterprise:2.0User"],"userName":"a","department":null,
        "adreses":[1],"emails":[{"value":"b","x":1}],"ENT":{"department":"d","y":2},"urn:x":{"z":1}}"#;
    let done = admitted("User", body, Lenient).unwrap();
    assert_eq!(
        done.ignored,
        [
            "urn:x",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0User",
            "department",
            "adreses",
            "emails.x",
            &format!("{ENT}:y"),
            "urn:x"
        ]
    );
    assert_eq!(done.quirks, [Quirk::Unknown, Quirk::ForeignSchema]);
    assert!(done.object.get(ENT).is_some());
    // R-7644-3.3-06: unknown attributes are no fault in strict mode either.
    check(r#""adreses":[1],"title":"x""#, r#"{"title":"x"}"#);
}

#[test]
fn r_7644_3_3_02_read_only_attributes_are_ignored() {
    check(
        r#""id":"1","meta":{"version":5},"groups":"whatever","title":"x","ENT":{"manager":{"value":"m","displayName":"M"}}"#,
        r#"{"title":"x","ENT":{"manager":{"value":"m"}}}"#,
    );
    check(r#""externalId":"A1""#, r#"{"externalId":"A1"}"#);
}

#[test]
fn r_7644_3_3_05_required_attributes() {
    for mode in [Strict, Lenient] {
        for body in [
            r#"{"schemas":["USER"]}"#,
            r#"{"schemas":["USER"],"userName":null}"#,
            r#"{"schemas":["USER"],"userName":""}"#,
        ] {
            assert_eq!(admitted("User", body, mode).unwrap_err().kind, ScimType::InvalidValue);
        }
        for body in [r#"{"schemas":["GRP"]}"#, r#"{"schemas":["GRP"],"displayName":""}"#] {
            assert_eq!(
                admitted("Group", body, mode).unwrap_err(),
                Invalid::value("`displayName` is required")
            );
        }
        assert!(admitted("User", r#"{"schemas":["USER"],"userName":"two words"}"#, mode).is_err());
    }
}

/// Also R-7643-4.1.1-04, R-7643-4.1.2-04.
#[test]
fn r_7643_4_1_2_03_countries_languages_and_certificates_by_mode() {
    lenient(r#""addresses":[{"country":"USA"}]"#, r#"{"addresses":[{"country":"USA"}]}"#);
    lenient(r#""profileUrl":"two words""#, r#"{"profileUrl":"two words"}"#);
    check(
        r#""addresses":[{"country":"US"}],"profileUrl":"../me","locale":"en_US","timezone":"Europe/Berlin","preferredLanguage":"da, en-gb;q=0.8""#,
        r#"{"addresses":[{"country":"US"}],"profileUrl":"../me","locale":"en_US","timezone":"Europe/Berlin","preferredLanguage":"da, en-gb;q=0.8"}"#,
    );
    check(r#""locale":"","timezone":"""#, r#"{"locale":"","timezone":""}"#);
    for should in [r#""locale":"RJ…""#, r#""timezone":"PST""#, r#""preferredLanguage":"two words""#]
    {
        lenient(should, &format!("{{{should}}}"));
        assert_eq!(user(should, Interop).unwrap(), format!("{{{should}}}"));
    }
    for must in [r#""addresses":[{"country":"USA"}]"#, r#""x509Certificates":[{"value":"AQI="}]"#] {
        lenient(must, &format!("{{{must}}}"));
        assert_eq!(user(must, Interop).unwrap_err().kind, ScimType::InvalidValue);
    }
    // In an extension the same names mean whatever the extension says.
    check(r#""ENT":{"department":"USA"}"#, r#"{"ENT":{"department":"USA"}}"#);
}

#[test]
fn l_02_booleans_as_text() {
    lenient(
        r#""active":"False","roles":[{"primary":"True","value":"x"}]"#,
        r#"{"active":false,"roles":[{"primary":true,"value":"x"}]}"#,
    );
}

#[test]
fn l_05_members_are_their_value() {
    let group = |members: &str, mode| {
        let body = format!(r#"{{"schemas":["GRP"],"displayName":"g","members":{members}}}"#);
        admitted("Group", &body, mode).map(|done| {
            done.object.get("members").map(|list| String::from_utf8(list.to_json()).unwrap())
        })
    };
    let all = Some(r#"[{"value":"u1"},{"value":"u2"}]"#.to_owned());
    for mode in [Strict, Lenient] {
        let members = r#"[{"value":"u1","$ref":null,"display":null,"type":"User"},{"$ref":"https://h/v2/Users/u2"},{"value":"u1","display":"x","odd":1}]"#;
        assert_eq!(group(members, mode).unwrap(), all);
        assert_eq!(group("[]", mode).unwrap(), None);
        assert_eq!(group("null", mode).unwrap(), None);
        assert!(group(r#"[{"display":"x"}]"#, mode).is_err());
    }
    assert_eq!(group(r#"["u1","u2"]"#, Lenient).unwrap(), all);
    assert!(group(r#"["u1"]"#, Strict).is_err());
    assert!(group(r#"[{"value":""}]"#, Lenient).is_err());
    let many = format!("[{}]", vec!["\"u\""; 100_001].join(","));
    assert!(group(&many, Lenient).is_err());
}

#[test]
fn l_06_a_manager_in_its_shapes() {
    let set = r#"{"ENT":{"manager":{"value":"m"}}}"#;
    check(r#""ENT":{"manager":{"value":"m"}}"#, set);
    check(r#""ENT":{"manager":{"$ref":"../Users/m"}}"#, set);
    check(r#""ENT":{"manager":{"value":"m","$ref":"../Users/other"}}"#, set);
    lenient(r#""ENT":{"manager":"m"}"#, set);
    lenient(r#""ENT":{"manager":[{"$ref":"x","value":"m"}]}"#, set);
    lenient(r#""ENT":{"manager":["m"]}"#, set);
    lenient(r#""ENT":{"manager":""}"#, "{}");
    check(r#""ENT":{"manager":null}"#, "{}");
    lenient(r#""ENT":{"manager":{"value":""}}"#, "{}");
}

#[test]
fn l_08_lists_and_single_values() {
    lenient(
        r#""emails":{"value":"a@b","primary":true}"#,
        r#"{"emails":[{"value":"a@b","primary":true}]}"#,
    );
    lenient(r#""title":["x"]"#, r#"{"title":"x"}"#);
    lenient(r#""active":[false]"#, r#"{"active":false}"#);
}

#[test]
fn l_13_empty_text() {
    check(r#""name":{"middleName":""},"title":"""#, r#"{"name":{"middleName":""},"title":""}"#);
    let options = Options { mode: Lenient, empty_unassigns: true };
    assert_eq!(
        user(
            r#""name":{"middleName":""},"title":"","emails":[{"value":"","type":"work"}]"#,
            options
        )
        .unwrap(),
        r#"{"emails":[{"type":"work"}]}"#
    );
}

#[test]
fn l_22_passwords_are_ignored() {
    for mode in [Strict, Lenient] {
        let done =
            admitted("User", r#"{"schemas":["USER"],"userName":"a","password":"1mz050nq"}"#, mode)
                .unwrap();
        assert_eq!((done.object.len(), done.ignored.len()), (1, 0));
        // To ignore it is by the letter too (R-7644-3.3-06), so in strict mode there's nothing to tell.
        assert_eq!(done.quirks, if mode == Lenient { &[Quirk::Password][..] } else { &[] });
    }
}

#[test]
fn c_07_roles_as_text() {
    let roles = r#"{"roles":[{"value":"Admin"},{"value":"Business User"}]}"#;
    lenient(r#""roles":"Admin, Business User ,""#, roles);
    lenient(r#""roles":"Admin;Business User;Admin""#, roles);
    lenient(r#""roles":["Admin","Business User"]"#, roles);
    check(
        r#""roles":[{"value":"Admin"},{"value":"admin"}]"#,
        r#"{"roles":[{"value":"Admin"},{"value":"admin"}]}"#,
    );
}

#[test]
fn entra_roles() {
    check(
        r#""roles":[{"primary":true,"type":"WindowsAzureActiveDirectoryRole","value":"Admin"}]"#,
        r#"{"roles":[{"primary":true,"type":"WindowsAzureActiveDirectoryRole","value":"Admin"}]}"#,
    );
    assert_eq!(
        user(r#""roles":[{"value":"Admin","displayName":"The admin","primary":false}]"#, Lenient)
            .unwrap(),
        r#"{"roles":[{"value":"Admin","display":"The admin","primary":false}]}"#
    );
    assert_eq!(
        user(r#""roles":[{"value":"{\"id\":\"7\",\"value\":\"Admin\",\"displayName\":\"The admin\"}"}]"#, Lenient).unwrap(),
        r#"{"roles":[{"value":"Admin","display":"The admin"}]}"#
    );
}

#[test]
fn what_is_no_object_is_no_resource() {
    for body in ["[]", "null", "\"x\"", "5"] {
        assert_eq!(admitted("User", body, Lenient).unwrap_err().kind, ScimType::InvalidSyntax);
    }
}

#[test]
fn the_bodies_of_okta_and_jumpcloud() {
    let okta = r#"{"schemas":["USER"],"userName":"ada@x.test","name":{"givenName":"Ada","familyName":"L","middleName":""},
        "emails":[{"primary":true,"value":"ada@x.test","type":"work"}],"displayName":"Ada L","locale":"en-US",
        "externalId":"00ujl29u0le5T6Aj10h7","groups":[],"password":"1mz050nq","active":true}"#;
    for mode in [Strict, Lenient] {
        assert_eq!(admitted("User", okta, mode).unwrap().object.len(), 7);
    }
    let jumpcloud = r#"{"schemas":["ENT","USER"],"userName":"j","externalId":"62d6a1f0e1a7b2c3d4e5f601","emails":null,"addresses":[],
        "phoneNumbers":[{"value":"tel:+1-555-555-5555","type":"work"}],"photos":[{"value":"https://x/y"}],"active":true}"#;
    for mode in [Strict, Lenient] {
        assert_eq!(admitted("User", jumpcloud, mode).unwrap().object.len(), 5);
    }
    let entra = r#"{"schemas":["GRP","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId":"8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159","displayName":"d","meta":{"resourceType":"Group"}}"#;
    assert_eq!(admitted("Group", entra, Lenient).unwrap().object.len(), 2);
    assert!(admitted("Group", entra, Strict).is_err());
}
