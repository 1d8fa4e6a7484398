use super::*;
use crate::value::tests::object;

const BASE: &str = "https://h/scim/acme/v2/";

fn parsed(bytes: &[u8]) -> Object {
    object(std::str::from_utf8(bytes).unwrap())
}

fn offer() -> Offer {
    Offer {
        documentation_uri: Some("https://docs.example.com/scim".to_owned()),
        bulk: Some(BulkOffer { max_operations: 1000, max_payload_bytes: 1_048_576 }),
        max_results: 1000,
        sort: true,
        etag: true,
        pagination: PaginationOffer {
            cursor_timeout_s: Some(3600),
            default_page_size: 100,
            max_page_size: 1000,
        },
        roles: None,
        authentication_schemes: vec![AuthenticationScheme {
            kind: "oauthbearertoken".to_owned(),
            name: "OAuth Bearer Token".to_owned(),
            description: "RFC 6750 bearer token".to_owned(),
            spec_uri: Some("https://www.rfc-editor.org/info/rfc6750".to_owned()),
            primary: true,
        }],
    }
}

#[test]
fn r_7643_5_01_the_configuration() {
    let document = String::from_utf8(service_provider_config(BASE, &offer())).unwrap();
    let expected = concat!(
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],"#,
        r#""documentationUri":"https://docs.example.com/scim","#,
        r#""patch":{"supported":true},"bulk":{"supported":true,"maxOperations":1000,"maxPayloadSize":1048576},"#,
        r#""filter":{"supported":true,"maxResults":1000},"changePassword":{"supported":false},"#,
        r#""sort":{"supported":true},"etag":{"supported":true},"#,
        r#""pagination":{"cursor":true,"index":true,"defaultPaginationMethod":"index","defaultPageSize":100,"maxPageSize":1000,"cursorTimeout":3600},"#,
        r#""authenticationSchemes":[{"type":"oauthbearertoken","name":"OAuth Bearer Token","description":"RFC 6750 bearer token","specUri":"https://www.rfc-editor.org/info/rfc6750","primary":true}],"#,
        r#""meta":{"resourceType":"ServiceProviderConfig","location":"https://h/scim/acme/v2/ServiceProviderConfig"}}"#,
    );
    assert_eq!(document, expected);
    let without = Offer {
        bulk: None,
        pagination: PaginationOffer { cursor_timeout_s: None, ..offer().pagination },
        ..offer()
    };
    let document = parsed(&service_provider_config(BASE, &without));
    assert_eq!(
        document.get("bulk").unwrap().as_complex().unwrap().get("supported"),
        Some(&Value::Bool(false))
    );
    assert!(
        document.get("pagination").unwrap().as_complex().unwrap().get("cursorTimeout").is_none()
    );
}

#[test]
fn the_configuration_fits_its_own_schema() {
    let schema = Catalogue::builtin()
        .schema("urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig")
        .unwrap();
    for (name, value) in &parsed(&service_provider_config(BASE, &offer())) {
        if matches!(&**name, "schemas" | "meta") {
            continue;
        }
        let attribute =
            schema.attribute(name).unwrap_or_else(|| panic!("{name} is not in the schema"));
        let one = value.as_list().map_or(Some(value), <[Value]>::first).and_then(Value::as_complex);
        for (sub, _) in one.into_iter().flatten() {
            assert!(attribute.sub(sub).is_some(), "{name}.{sub} is not in the schema");
        }
    }
}

#[test]
fn r_7643_6_02_resource_types() {
    let catalogue = Catalogue::builtin();
    let user = String::from_utf8(resource_type(BASE, catalogue, "User").unwrap()).unwrap();
    let expected = concat!(
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],"id":"User","name":"User","endpoint":"/Users","description":"User accounts","#,
        r#""schema":"urn:ietf:params:scim:schemas:core:2.0:User","schemaExtensions":[{"schema":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","required":false}],"#,
        r#""meta":{"resourceType":"ResourceType","location":"https://h/scim/acme/v2/ResourceTypes/User"}}"#,
    );
    assert_eq!(user, expected);
    assert!(resource_type(BASE, catalogue, "Nothing").is_none());
    let all = parsed(&resource_types(BASE, catalogue));
    assert_eq!(all.get("totalResults"), Some(&Value::Integer(2)));
}

#[test]
fn r_7643_7_08_schemas() {
    let catalogue = Catalogue::builtin();
    let group = parsed(
        &schema(BASE, catalogue, "URN:ietf:params:scim:schemas:core:2.0:GROUP", &[]).unwrap(),
    );
    let meta = group.get("meta").unwrap().as_complex().unwrap();
    assert_eq!(
        meta.get("location").unwrap().as_str(),
        Some("https://h/scim/acme/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group")
    );
    assert!(schema(BASE, catalogue, "urn:x", &[]).is_none());
    let all = String::from_utf8(schemas(BASE, catalogue, &[])).unwrap();
    assert!(!all.contains("null"), "R-7643-7-09: absent keys are left out");
    assert!(!all.contains(r#""password""#), "R-7643-4.1.1-02: there are no passwords");
    assert!(
        !all.contains("\"id\":\"urn:ietf:params:scim:api:"),
        "R-7644-3.1-01: messages are no schemas"
    );
    assert_eq!(parsed(all.as_bytes()).get("totalResults"), Some(&Value::Integer(6)));
}

/// The schema of schemas describes every schema, itself included.
#[test]
fn r_7643_7_08_own_schemas_say_what_they_are_and_known_values_are_told() {
    let own = r#"{"id":"urn:x","attributes":[{"name":"a","type":"complex","subAttributes":[{"name":"b"}]}]}"#;
    let catalogue = Catalogue::compile(&[own], "[]").unwrap();
    let values = vec!["one".to_owned(), "two".to_owned()];
    let known = [Known { schema: "urn:x", attribute: "a", sub: "b", values }];
    let text = String::from_utf8(schema(BASE, &catalogue, "urn:x", &known).unwrap()).unwrap();
    assert!(
        text.contains(r#""schemas":["urn:ietf:params:scim:schemas:core:2.0:Schema"]"#),
        "{text}"
    );
    assert!(text.contains(r#"{"name":"b","canonicalValues":["one","two"]}"#), "{text}");
}

#[test]
fn r_7644_4_03_schemas_fit_their_own_schema() {
    fn fits(object: &Object, attributes: &[std::sync::Arc<crate::Attribute>], place: &str) {
        for (name, value) in object {
            let attribute = attributes.iter().find(|attribute| attribute.name == *name);
            let attribute =
                attribute.unwrap_or_else(|| panic!("{place}.{name} is not in the schema"));
            assert_eq!(value.as_list().is_some(), attribute.multi_valued, "{place}.{name}");
            for item in value.as_list().unwrap_or_default() {
                // Only two levels are described, and the schema of schemas is the one that has them all.
                if let (Some(item), false) =
                    (item.as_complex(), attribute.sub_attributes.is_empty())
                {
                    fits(item, &attribute.sub_attributes, &format!("{place}.{name}"));
                }
            }
        }
    }
    let catalogue = Catalogue::builtin();
    let described = catalogue.schema("urn:ietf:params:scim:schemas:core:2.0:Schema").unwrap();
    for schema in catalogue.schemas().filter(|schema| schema.id != described.id) {
        let mut document = schema.document.clone();
        document.remove("schemas");
        document.remove("meta");
        fits(&document, &described.attributes, &schema.id);
    }
}
