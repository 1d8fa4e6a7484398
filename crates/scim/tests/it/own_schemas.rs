//! Schemas that aren't built in: every kind of attribute and every characteristic, by the public face only.

use scim::{
    Catalogue, Filter, Invalid, Mode, Object, Packed, Patch, Projection, ResourceType, ScimType,
    Value, admit, validate, write_resource,
};

const BASE: &str = r#"{"id":"urn:x:Thing","name":"Thing","attributes":[
    {"name":"label","type":"string","required":true,"caseExact":true},
    {"name":"size","type":"integer"},
    {"name":"ratio","type":"decimal"},
    {"name":"bought","type":"dateTime"},
    {"name":"serial","type":"string","mutability":"immutable"},
    {"name":"tags","type":"string","multiValued":true},
    {"name":"secret","type":"string","mutability":"writeOnly","returned":"never"},
    {"name":"notes","type":"string","returned":"request"},
    {"name":"state","type":"string","mutability":"readOnly","returned":"always"},
    {"name":"parts","type":"complex","multiValued":true,"subAttributes":[
        {"name":"code","type":"string","required":true},
        {"name":"count","type":"integer","returned":"always"}]}]}"#;
const MORE: &str = r#"{"id":"urn:x:Thing:more:2.0","attributes":[{"name":"owner","required":true},{"name":"size","type":"string"}]}"#;

fn thing(is_required: bool) -> ResourceType {
    let types = format!(
        r#"[{{"name":"Thing","endpoint":"/Things","schema":"urn:x:Thing","schemaExtensions":[{{"schema":"urn:x:Thing:more:2.0","required":{is_required}}}]}}]"#
    );
    let catalogue = Catalogue::compile(&[BASE, MORE], &types).unwrap();
    catalogue.resource_type("Thing").unwrap().clone()
}

fn parsed(text: &str) -> Value {
    Value::parse(text.as_bytes()).unwrap()
}

fn created(members: &str, rtype: &ResourceType) -> Result<Object, Invalid> {
    let body =
        format!(r#"{{"schemas":["urn:x:Thing","urn:x:Thing:more:2.0"],"label":"L"{members}}}"#);
    admit(&parsed(&body), rtype, Mode::Strict).map(|admitted| admitted.object)
}

fn text(object: &Object) -> String {
    String::from_utf8(Value::Complex(object.clone()).to_json()).unwrap()
}

fn patched(start: &str, operation: &str) -> Result<String, ScimType> {
    let rtype = thing(false);
    let body = format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operation}]}}"#
    );
    let mut object = parsed(start).as_complex().unwrap().clone();
    let patch = Patch::parse(&parsed(&body), &rtype, Mode::Strict).map_err(|fault| fault.kind)?;
    patch.apply(&mut object, &rtype, Mode::Strict).map_err(|fault| fault.kind)?;
    Ok(text(&object))
}

#[test]
fn r_7643_2_3_01_every_type_is_checked() {
    let rtype = thing(false);
    let check = |members: &str, expected: &str| {
        let label = r#"{"label":"L","#;
        assert_eq!(
            text(&created(members, &rtype).unwrap()).replace(label, "{"),
            expected,
            "{members}"
        );
    };
    check(r#","size":-3,"ratio":0.5"#, r#"{"size":-3,"ratio":0.5}"#);
    check(r#","ratio":2"#, r#"{"ratio":2}"#);
    check(r#","bought":"2026-01-01T01:00:00+01:00""#, r#"{"bought":"2026-01-01T00:00:00.000Z"}"#);
    check(r#","tags":["a","B","A"],"state":"mine""#, r#"{"tags":["a","B"]}"#);
    check(r#","parts":[{"code":"c","count":1}]"#, r#"{"parts":[{"code":"c","count":1}]}"#);
    for bad in [
        r#","size":1.0"#,
        r#","size":1e2"#,
        r#","size":9223372036854775808"#,
        r#","size":"1""#,
        r#","ratio":"1""#,
        r#","bought":"2026-01-01""#,
        r#","bought":5"#,
        r#","tags":"a""#,
        r#","tags":[1]"#,
        r#","parts":[{"count":1}]"#,
        r#","urn:x:Thing:more:2.0":{"size":"1"}"#,
    ] {
        assert_eq!(created(bad, &rtype).unwrap_err().kind, ScimType::InvalidValue, "{bad}");
    }
}

#[test]
fn r_7643_6_01_a_required_extension() {
    let rtype = thing(true);
    assert_eq!(created("", &rtype).unwrap_err().kind, ScimType::InvalidValue);
    assert!(created(r#","urn:x:Thing:more:2.0":{"owner":"o"}"#, &rtype).is_ok());
    assert!(validate(&Object::from_iter([("label", "x")]), &rtype).is_err());
    let remove = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"urn:x:Thing:more:2.0"}]}"#;
    assert_eq!(
        Patch::parse(&parsed(remove), &rtype, Mode::Lenient).unwrap_err().kind,
        ScimType::Mutability
    );
}

#[test]
fn r_7643_7_03_immutable_values_are_written_once() {
    let start = r#"{"label":"L","serial":"S1"}"#;
    for op in ["add", "replace"] {
        let set = |value: &str| format!(r#"{{"op":"{op}","path":"serial","value":{value}}}"#);
        assert_eq!(patched(start, &set(r#""s1""#)).unwrap(), start);
        assert_eq!(patched(start, &set(r#""S2""#)), Err(ScimType::Mutability));
        assert_eq!(patched(start, &set("null")), Err(ScimType::Mutability));
        assert_eq!(
            patched(r#"{"label":"L"}"#, &set(r#""S2""#)).unwrap(),
            r#"{"label":"L","serial":"S2"}"#
        );
    }
    assert_eq!(patched(start, r#"{"op":"remove","path":"serial"}"#), Err(ScimType::Mutability));
    assert_eq!(
        patched(start, r#"{"op":"add","path":"state","value":"x"}"#),
        Err(ScimType::Mutability)
    );
}

/// Seen to take a building away with its extension.
#[test]
fn r_7643_7_03_what_is_written_once_stays_when_its_extension_goes() {
    let badge = r#"{"id":"urn:example:badge:1.0:User","attributes":[{"name":"colour"},
        {"name":"desk","type":"complex","subAttributes":[{"name":"building","mutability":"immutable"},{"name":"floor"}]}]}"#;
    let catalogue = Catalogue::builtin().with_extension(&parsed(badge), "User", false).unwrap();
    let patched = |desk: &str, operation: &str| {
        let user =
            format!(r#"{{"userName":"a","urn:example:badge:1.0:User":{{"desk":{{{desk}}}}}}}"#);
        let mut user = parsed(&user).as_complex().unwrap().clone();
        let body = format!(
            r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operation}]}}"#
        );
        let patch = Patch::parse(&parsed(&body), catalogue.user(), Mode::Lenient).unwrap();
        patch.apply(&mut user, catalogue.user(), Mode::Lenient).map_err(|fault| fault.kind)?;
        Ok(user.get("urn:example:badge:1.0:User").is_some())
    };
    for operation in [
        r#"{"op":"remove","path":"urn:example:badge:1.0:User"}"#,
        r#"{"op":"replace","path":"urn:example:badge:1.0:User","value":null}"#,
        r#"{"op":"replace","value":{"urn:example:badge:1.0:User":null}}"#,
        r#"{"op":"replace","path":"schemas","value":["urn:ietf:params:scim:schemas:core:2.0:User"]}"#,
    ] {
        let fixed = r#""building":"East","floor":"1""#;
        assert_eq!(patched(fixed, operation), Err(ScimType::Mutability), "{operation}");
        assert_eq!(patched(r#""floor":"1""#, operation), Ok(false), "{operation}");
    }
}

#[test]
fn r_7644_3_5_2_2_03_simple_lists_are_patched_by_value() {
    let start = r#"{"label":"L","tags":["a","b"]}"#;
    for (operation, expected) in [
        (
            r#"{"op":"add","path":"tags","value":["B","c"]}"#,
            r#"{"label":"L","tags":["a","b","c"]}"#,
        ),
        (r#"{"op":"add","path":"tags","value":"c"}"#, r#"{"label":"L","tags":["a","b","c"]}"#),
        (r#"{"op":"remove","path":"tags[value eq \"A\"]"}"#, r#"{"label":"L","tags":["b"]}"#),
        (r#"{"op":"remove","path":"tags[value pr]"}"#, r#"{"label":"L"}"#),
        (
            r#"{"op":"replace","path":"tags[value eq \"a\"]","value":"z"}"#,
            r#"{"label":"L","tags":["z","b"]}"#,
        ),
    ] {
        assert_eq!(patched(start, operation).unwrap(), expected, "{operation}");
    }
}

#[test]
fn table_2_3_what_is_returned() {
    let rtype = thing(false);
    let object = parsed(
        r#"{"id":"1","label":"L","secret":"x","notes":"n","state":"s","parts":[{"code":"c","count":1}],"urn:x:Thing:more:2.0":{"owner":"o","size":"s"}}"#,
    );
    let packed = Packed::pack(object.as_complex().unwrap());
    let check = |attributes: Option<&str>, excluded: Option<&str>, expected: &str| {
        let mut out = Vec::new();
        write_resource(
            &mut out,
            &packed,
            &rtype,
            &Projection::parse(attributes, excluded, &rtype).unwrap(),
        );
        let head = r#"{"schemas":["urn:x:Thing","urn:x:Thing:more:2.0"],"id":"1","#;
        assert_eq!(String::from_utf8(out).unwrap().replace(head, "{"), expected);
    };
    let more = r#""urn:x:Thing:more:2.0":{"owner":"o","size":"s"}"#;
    check(
        None,
        None,
        &format!(r#"{{"label":"L","state":"s","parts":[{{"code":"c","count":1}}],{more}}}"#),
    );
    check(Some("label,secret"), None, r#"{"label":"L","state":"s","parts":[{"count":1}]}"#);
    check(Some("notes"), None, r#"{"notes":"n","state":"s","parts":[{"count":1}]}"#);
    check(Some("parts.code"), None, r#"{"state":"s","parts":[{"code":"c","count":1}]}"#);
    check(
        None,
        Some("state,parts,label"),
        &format!(r#"{{"state":"s","parts":[{{"count":1}}],{more}}}"#),
    );
    check(
        None,
        Some("urn:x:Thing:more:2.0,parts.code,label"),
        r#"{"state":"s","parts":[{"count":1}]}"#,
    );
}

#[test]
fn r_7644_3_4_2_2_17_what_is_never_returned_is_never_compared() {
    let rtype = thing(false);
    let kind = |text: &str| {
        Filter::parse(text, &rtype, Mode::Lenient).map(|_| ()).map_err(|fault| fault.kind)
    };
    assert_eq!(kind("secret eq \"x\""), Err(ScimType::InvalidFilter));
    assert_eq!(kind("secret pr"), Err(ScimType::InvalidFilter));
    assert_eq!(kind("size gt 1.5 and ratio lt 2 and bought pr"), Ok(()));
    assert_eq!(kind("size co 1"), Err(ScimType::InvalidFilter));
    // The longest URN wins, and a name that two schemas have means the core one's.
    assert_eq!(kind("urn:x:Thing:more:2.0:size eq \"s\""), Ok(()));
    assert_eq!(kind("size eq \"s\""), Err(ScimType::InvalidFilter));
}

/// Also R-7644-3.5.2-10. Lists inside an extension are lists like others. Seen to fail with `validate` looking at core lists only.
#[test]
fn r_7643_2_4_01_one_primary_inside_an_extension_too() {
    let document = r#"{"id":"urn:example:badge:2.0:User","attributes":[{"name":"doors","type":"complex","multiValued":true,
        "subAttributes":[{"name":"value"},{"name":"primary","type":"boolean"}]}]}"#;
    let catalogue = Catalogue::builtin().with_extension(&parsed(document), "User", false).unwrap();
    let user = catalogue.user();
    let start = r#"{"userName":"jane","urn:example:badge:2.0:User":{"doors":[{"value":"a","primary":true},{"value":"b"}]}}"#;
    let after = |operation: &str| {
        let body = format!(
            r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operation}]}}"#
        );
        let mut object = parsed(start).as_complex().unwrap().clone();
        let patch = Patch::parse(&parsed(&body), user, Mode::Strict)?;
        patch.apply(&mut object, user, Mode::Strict).map(|_| text(&object))
    };
    let moved = after(
        r#"{"op":"add","path":"urn:example:badge:2.0:User:doors[value eq \"b\"].primary","value":true}"#,
    );
    assert!(
        moved.unwrap().contains(r#"{"value":"a","primary":false},{"value":"b","primary":true}"#)
    );
    let both =
        after(r#"{"op":"replace","path":"urn:example:badge:2.0:User:doors.primary","value":true}"#);
    assert_eq!(both.unwrap_err().kind, ScimType::InvalidValue);
    let two = parsed(&start.replace(r#"{"value":"b"}"#, r#"{"value":"b","primary":true}"#));
    assert!(validate(two.as_complex().unwrap(), user).is_err());
}
