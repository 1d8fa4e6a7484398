use super::*;
use crate::attributes::Attr;
use crate::error::ScimType;
use crate::packed::Packed;
use crate::schema::Catalogue;
use crate::value::tests::object;
use crate::value::{Object, Value};

const ENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const HEAD: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","#;

fn user_type() -> &'static ResourceType {
    Catalogue::builtin().resource_type("User").unwrap()
}

fn user() -> Object {
    object(&format!(
        r#"{{"{ENT}":{{"manager":{{"value":"m","displayName":"M"}},"department":"d"}},"title":"","active":false,"emails":[{{"value":"a@b","type":"work"}},{{"type":"home"}}],
        "name":{{"familyName":"J","givenName":"B"}},"ims":[],"photos":[{{}}],"userName":"bj","externalId":"A","id":"1","meta":{{"version":"W/\"1\"","resourceType":"User"}},
        "roles":[{{"value":"x","primary":true}}],"unknown":5}}"#
    ))
}

fn projected(attributes: Option<&str>, excluded: Option<&str>) -> String {
    let projection = Projection::parse(attributes, excluded, user_type()).unwrap();
    let mut plain = Vec::new();
    write_resource(&mut plain, &user(), user_type(), &projection);
    let mut packed = Vec::new();
    write_resource(&mut packed, &Packed::pack(&user()).view(), user_type(), &projection);
    assert_eq!(plain, packed);
    let text = String::from_utf8(plain).unwrap();
    assert!(Value::parse(text.as_bytes()).is_ok(), "{text}");
    text.replace(HEAD, "{").replace(ENT, "ENT").replace(r#""ENT"],"#, "").replace(r#""ENT"]}"#, "}")
}

#[test]
fn r_7643_2_5_02_the_whole_resource() {
    assert_eq!(
        projected(None, None),
        concat!(
            r#"{"id":"1","externalId":"A","userName":"bj","name":{"familyName":"J","givenName":"B"},"title":"","active":false,"#,
            r#""emails":[{"value":"a@b","type":"work"},{"type":"home"}],"roles":[{"value":"x","primary":true}],"#,
            r#""ENT":{"department":"d","manager":{"value":"m","displayName":"M"}},"meta":{"version":"W/\"1\"","resourceType":"User"}}"#
        )
    );
}

#[test]
fn r_7643_3_3_01_schemas_name_the_extensions_that_are_assigned() {
    let schemas = |text: &str| {
        let mut out = Vec::new();
        write_resource(&mut out, &object(text), user_type(), &Projection::Default);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(schemas("{}"), r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]}"#);
    assert_eq!(
        schemas(&format!(r#"{{"{ENT}":{{}}}}"#)),
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]}"#
    );
    assert_eq!(
        schemas(&format!(r#"{{"{ENT}":{{"manager":{{}}}}}}"#)),
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]}"#
    );
}

#[test]
fn r_7644_3_9_02_attributes() {
    let only = |names: &str| projected(Some(names), None);
    assert_eq!(only("userName"), r#"{"id":"1","userName":"bj"}"#);
    assert_eq!(
        only("USERNAME, emails.Value,meta.version"),
        r#"{"id":"1","userName":"bj","emails":[{"value":"a@b"}],"meta":{"version":"W/\"1\""}}"#
    );
    assert_eq!(only(&format!("{ENT}:department")), r#"{"id":"1","ENT":{"department":"d"}}"#);
    assert_eq!(
        only(&format!("{ENT}:manager.value")),
        r#"{"id":"1","ENT":{"manager":{"value":"m"}}}"#
    );
    assert_eq!(
        only(ENT),
        r#"{"id":"1","ENT":{"department":"d","manager":{"value":"m","displayName":"M"}}}"#
    );
    assert_eq!(
        only("urn:ietf:params:scim:schemas:core:2.0:User:title"),
        r#"{"id":"1","title":""}"#
    );
    assert_eq!(only("nothing,password"), r#"{"id":"1"}"#);
    assert_eq!(
        only("name.givenName,name"),
        r#"{"id":"1","name":{"familyName":"J","givenName":"B"}}"#
    );
    assert_eq!(only(",,,"), projected(None, None));
}

#[test]
fn r_7644_3_9_03_excluded_attributes() {
    let without = |names: &str| projected(None, Some(names));
    let rest = format!("externalId,name,title,active,emails,roles,meta,{ENT}");
    assert_eq!(without(&format!("id,schemas,{rest}")), r#"{"id":"1","userName":"bj"}"#);
    assert_eq!(
        without(&format!(
            "externalId,name.familyName,title,active,emails.type,roles,meta,{ENT}:manager"
        )),
        r#"{"id":"1","userName":"bj","name":{"givenName":"B"},"emails":[{"value":"a@b"}],"ENT":{"department":"d"}}"#
    );
}

#[test]
fn r_7644_3_9_05_both_exclude_each_other() {
    let fault = Projection::parse(Some("userName"), Some("title"), user_type()).unwrap_err();
    assert_eq!(fault.kind, ScimType::InvalidValue);
}

#[test]
fn r_7644_3_9_06_members_need_not_be_loaded() {
    let group = Catalogue::builtin().resource_type("Group").unwrap();
    let wants = |attributes, excluded| {
        Projection::parse(attributes, excluded, group).unwrap().wants("members")
    };
    assert!(wants(None, None));
    assert!(!wants(None, Some("members")));
    assert!(wants(None, Some("members.display")));
    assert!(!wants(Some("displayName"), None));
    assert!(wants(Some("Members.value"), None));
    let projection =
        Projection::parse(Some(&format!("{ENT}:department,emails.value")), None, user_type())
            .unwrap();
    assert!(
        projection.keeps(ENT, Some("department"))
            && projection.keeps(ENT, None)
            && projection.keeps("id", None)
    );
    assert!(projection.keeps("emails", Some("value")) && projection.keeps("emails", None));
    assert!(
        !projection.keeps(ENT, Some("manager"))
            && !projection.keeps("emails", Some("type"))
            && !projection.keeps("title", None)
    );
}

/// Whoever has a hundred thousand members is not asked for them unless they are shown.
#[test]
fn r_7644_3_9_06_excluded_members_are_not_asked_for() {
    struct Asked(std::cell::RefCell<Vec<String>>);
    impl Attributes for Asked {
        fn attribute(&self, name: &str) -> Option<Attr<'_>> {
            self.0.borrow_mut().push(name.to_owned());
            None
        }
        fn each(&self, _f: &mut dyn FnMut(&str, Attr<'_>)) {
            panic!("all of it is asked for");
        }
    }
    let group = Catalogue::builtin().resource_type("Group").unwrap();
    for (attributes, excluded, is_asked) in [
        (None, None, true),
        (Some("members.value"), None, true),
        (None, Some("members.display"), true),
        (None, Some("MEMBERS"), false),
        (Some("displayName"), None, false),
    ] {
        let asked = Asked(std::cell::RefCell::default());
        let projection = Projection::parse(attributes, excluded, group).unwrap();
        write_resource(&mut Vec::new(), &asked, group, &projection);
        let names = asked.0.into_inner();
        assert_eq!(names.iter().any(|name| name == "members"), is_asked, "{projection:?}");
        assert!(names.iter().any(|name| name == "id"), "{names:?}");
    }
}

#[test]
fn derived_attributes_are_rendered_like_stored_ones() {
    struct Derived;
    impl Attributes for Derived {
        fn attribute(&self, name: &str) -> Option<Attr<'_>> {
            (name == "groups").then(|| {
                Attr::Owned(Value::List(vec![Value::Complex(Object::from_iter([("value", "g")]))]))
            })
        }
        fn each(&self, _f: &mut dyn FnMut(&str, Attr<'_>)) {}
    }
    let mut out = Vec::new();
    write_resource(&mut out, &Derived, user_type(), &Projection::Default);
    assert!(String::from_utf8(out).unwrap().ends_with(r#","groups":[{"value":"g"}]}"#));
}

#[test]
fn r_7644_3_4_2_02_lists() {
    let mut out = Vec::new();
    write_list(&mut out, 250, 26, ["{}", "{\"a\":1}"]);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":250,"startIndex":26,"Resources":[{},{"a":1}],"itemsPerPage":2}"#
    );
    let mut out = Vec::new();
    write_list_with(&mut out, 0, 1, std::iter::empty::<fn(&mut Vec<u8>)>());
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"startIndex":1,"Resources":[],"itemsPerPage":0}"#
    );
}
