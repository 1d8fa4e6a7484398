use super::*;

const URN: &str = "urn:example:hr:1.0:User";

fn read_document(document: &str) -> Result<Catalogue, BadSchema> {
    let document = Value::parse(document.as_bytes()).unwrap();
    Catalogue::builtin().with_extension(&document, "User", false)
}

/// A schema with these attributes.
fn with(attributes: &str) -> Result<Catalogue, BadSchema> {
    read_document(&format!(r#"{{"id":"{URN}","attributes":[{attributes}]}}"#))
}

fn refused(result: Result<Catalogue, BadSchema>, detail: &str) {
    let fault = result.unwrap_err().to_string();
    assert!(fault.contains(detail), "`{fault}` lacks `{detail}`");
}

#[test]
fn the_urn_is_one_of_its_own() {
    let of = |id: &str| read_document(&format!(r#"{{"id":"{id}","attributes":[{{"name":"a"}}]}}"#));
    for id in [
        URN,
        "URN:Example:a",
        "urn:ietf:params:scim:schemas:extension:acme:2.0:User",
        "urn:okta:scim:schemas:core:1.0:Entitlement",
    ] {
        assert!(of(id).is_ok(), "{id}");
    }
    for id in [
        "",
        "hr",
        "urn:",
        "urn:x",
        "urn:x:y",
        "urn:example:",
        "urn:example:a b",
        "urn:example:a::b",
        "http://x/y",
        "urn:-x:y",
        "urn:example:é",
    ] {
        refused(of(id), "is no URN of an extension: use one of your own");
    }
    for id in [
        "urn:ietf:params:scim:schemas:core:2.0:Device",
        "URN:ietf:params:scim:SCHEMAS:core:2.0:User",
        "urn:ietf:params:scim:api:messages:2.0:PatchOp",
    ] {
        refused(of(id), "is for the RFCs to give");
    }
    refused(of("urn:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:User"), "is there already");
    refused(of(&format!("urn:example:{}", "x".repeat(200))), "longer than 200 bytes");
    refused(
        of("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:Department"),
        "reads as the attribute `department`",
    );
    let first = of("urn:example:a").unwrap();
    let second = Value::parse(br#"{"id":"urn:example:a:a","attributes":[{"name":"b"}]}"#).unwrap();
    refused(first.with_extension(&second, "User", false), "reads as the attribute `a`");
    refused(read_document("[]"), "no object");
    refused(read_document(r#"{"attributes":[{"name":"a"}]}"#), "`id` is missing");
    let device = Value::parse(br#"{"id":"urn:example:a","attributes":[{"name":"b"}]}"#).unwrap();
    refused(
        Catalogue::builtin().with_extension(&device, "Device", false),
        "no resource type `Device`, only `User`, `Group`",
    );
}

/// Also R-7643-2.1-02.
#[test]
fn r_7643_2_3_8_01_attributes_are_well_formed() {
    refused(read_document(&format!(r#"{{"id":"{URN}"}}"#)), "list at least one in `attributes`");
    refused(with(""), "list at least one in `attributes`");
    refused(
        read_document(&format!(r#"{{"id":"{URN}","attributes":{{}}}}"#)),
        "where an array is due",
    );
    refused(with("5"), "no object");
    refused(with(r#"{"type":"string"}"#), "has no `name`");
    for name in ["", "1x", "a.b", "a b", "é", "a:b"] {
        refused(with(&format!(r#"{{"name":"{name}"}}"#)), "no attribute name");
    }
    refused(with(r#"{"name":"$ref"}"#), "only a sub-attribute");
    refused(with(r#"{"name":"a"},{"name":"A"}"#), "`A` is there twice");
    refused(with(&format!(r#"{{"name":"{}"}}"#, "a".repeat(101))), "longer than 100 bytes");
    for (key, value) in [
        ("type", "text"),
        ("mutability", "ReadWrite"),
        ("returned", "often"),
        ("uniqueness", "tenant"),
    ] {
        refused(
            with(&format!(r#"{{"name":"a","{key}":"{value}"}}"#)),
            &format!("`a` has the unknown {key} `{value}`"),
        );
        refused(
            with(&format!(r#"{{"name":"a","{key}":5}}"#)),
            &format!("`a`: `{key}` is a number"),
        );
    }
    for key in ["multiValued", "required", "caseExact"] {
        refused(with(&format!(r#"{{"name":"a","{key}":"true"}}"#)), "where true or false is due");
    }
    for key in ["canonicalValues", "referenceTypes"] {
        refused(with(&format!(r#"{{"name":"a","{key}":"x"}}"#)), "where an array is due");
        refused(with(&format!(r#"{{"name":"a","{key}":[5]}}"#)), "no short text");
    }
    refused(with(r#"{"name":"a","type":"complex"}"#), "list at least one in `subAttributes`");
    refused(with(r#"{"name":"a","subAttributes":[{"name":"b"}]}"#), "only the type `complex`");
    refused(
        with(
            r#"{"name":"a","type":"complex","subAttributes":[{"name":"b","type":"complex","subAttributes":[{"name":"c"}]}]}"#,
        ),
        "complex inside the complex attribute `a`",
    );
    assert!(with(r#"{"name":"a","type":"complex","subAttributes":[{"name":"$ref","type":"reference","referenceTypes":["User"]}]}"#).is_ok());
    assert!(with(r#"{"name":"a-b_c$9"}"#).is_ok());
}

#[test]
fn a_schema_is_bounded() {
    let many = |count: usize| {
        (0..count).map(|n| format!(r#"{{"name":"a{n}"}}"#)).collect::<Vec<_>>().join(",")
    };
    assert!(with(&many(200)).is_ok());
    refused(with(&many(201)), "`attributes` has 201 entries, more than 200");
    let complex =
        |count| format!(r#"{{"name":"c","type":"complex","subAttributes":[{}]}}"#, many(count));
    assert!(with(&complex(100)).is_ok());
    refused(with(&complex(101)), "`subAttributes` has 101 entries, more than 100");
    let long = "d".repeat(2_001);
    refused(with(&format!(r#"{{"name":"a","description":"{long}"}}"#)), "longer than 2000 bytes");
}

#[test]
fn p_al2_02_no_secrets_and_nothing_across_tenants() {
    refused(with(r#"{"name":"pin","mutability":"writeOnly"}"#), "`pin` is written and never read");
    refused(with(r#"{"name":"pin","returned":"never"}"#), "which are not kept here");
    refused(
        with(
            r#"{"name":"c","type":"complex","subAttributes":[{"name":"pin","returned":"never"}]}"#,
        ),
        "`c.pin` is written and never read",
    );
    refused(with(r#"{"name":"PassWord"}"#), "named like a secret");
    refused(with(r#"{"name":"a","uniqueness":"global"}"#), "use `server`");
    refused(with(r#"{"name":"a","required":true,"mutability":"readOnly"}"#), "nobody could ever");
    for kind in ["string", "integer", "reference"] {
        assert!(with(&format!(r#"{{"name":"a","type":"{kind}","uniqueness":"server"}}"#)).is_ok());
    }
    for rest in [
        r#""type":"boolean""#,
        r#""type":"decimal""#,
        r#""type":"dateTime""#,
        r#""type":"binary""#,
        r#""type":"string","multiValued":true"#,
        r#""type":"complex","subAttributes":[{"name":"b"}]"#,
    ] {
        refused(with(&format!(r#"{{"name":"a",{rest},"uniqueness":"server"}}"#)), "use `none`");
    }
    refused(
        with(
            r#"{"name":"c","type":"complex","subAttributes":[{"name":"b","uniqueness":"server"}]}"#,
        ),
        "`c.b` can't have the uniqueness `server`",
    );
}

/// Also R-7643-7-09, R-7643-7-08.
#[test]
fn r_7643_2_2_01_what_is_served_has_every_default_and_nothing_else() {
    let catalogue = read_document(
        r#"{"id":"urn:example:hr:1.0:User","odd":1,"attributes":[{"name":"badge","odd":null},
            {"name":"kin","type":"complex","multiValued":true,"subAttributes":[{"name":"link","type":"reference","referenceTypes":["User"]}]}],
            "meta":{"location":"x"}}"#,
    )
    .unwrap();
    let schema = catalogue.schema(URN).unwrap();
    let text = String::from_utf8(Value::Complex(schema.document.clone()).to_json()).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Schema"],"id":"urn:example:hr:1.0:User","#,
            r#""attributes":[{"name":"badge","type":"string","multiValued":false,"required":false,"caseExact":false,"#,
            r#""mutability":"readWrite","returned":"default","uniqueness":"none"},"#,
            r#"{"name":"kin","type":"complex","multiValued":true,"required":false,"mutability":"readWrite","#,
            r#""returned":"default","uniqueness":"none","subAttributes":[{"name":"link","type":"reference","multiValued":false,"#,
            r#""required":false,"caseExact":true,"mutability":"readWrite","returned":"default","uniqueness":"none","#,
            r#""referenceTypes":["User"]}]}]}"#
        )
    );
    // What is served is what is enforced: it reads back as the same schema.
    let again = Catalogue::builtin().with_extension(
        &Value::Complex(schema.document.clone()),
        "User",
        false,
    );
    assert_eq!(again.unwrap(), catalogue);
}
