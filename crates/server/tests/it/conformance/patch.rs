//! Modifying with PATCH (RFC 7644 §3.5.2), by a connector that reads strictly.

use serde_json::{Value, json};
use testkit::app::{Client, TestApp};

use super::*;

/// What a PATCH of a new user left of it, without what the server says of it.
struct Tried {
    before: Reply,
    after: Reply,
}

/// A user who has everything that the table speaks of.
fn full() -> Value {
    json!({
        "title": "T", "name": { "givenName": "G", "familyName": "F" },
        "emails": [{ "value": "w@x.test", "type": "work", "primary": true },
            { "value": "h@x.test", "type": "home" }],
        ENTERPRISE: { "department": "D", "division": "V" },
    })
}

/// Does this to a new user.
async fn tried(idp: &Client, start: Value, operations: &Value) -> Tried {
    let name = format!("u{}", idp.get("/Users?count=0").await.expect(200).body["totalResults"]);
    let before = idp.post("/Users", user(&name, start)).await.expect(201);
    let after = idp.patch(&at(&before), patch(operations.clone())).await;
    Tried { before, after }
}

/// A row of the table: this leaves a full user so, but for what is the same. `null`: it is gone.
async fn leaves(idp: &Client, operation: Value, changed: Value) {
    let Tried { before, after } = tried(idp, full(), &json!([operation])).await;
    let after = after.expect(200);
    let mut expected = before.body.clone();
    for (name, value) in changed.as_object().unwrap() {
        if value.is_null() {
            expected.as_object_mut().unwrap().remove(name);
        } else {
            expected[name] = value.clone();
        }
    }
    // What is shown of whoever has no `displayName` follows the name.
    let parts = ["givenName", "familyName"].map(|part| expected["name"][part].as_str());
    let derived = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let derived = (!derived.is_empty()).then(|| json!(derived));
    let fields = expected.as_object_mut().unwrap();
    fields.remove("displayName");
    fields.extend(derived.map(|name| ("displayName".to_owned(), name)));
    expected["meta"] = after.body["meta"].clone();
    assert_eq!(after.body, expected, "{operation}");
    let is_same = changed.as_object().unwrap().is_empty();
    let versions = before.header("etag") == after.header("etag");
    assert_eq!(versions, is_same, "{operation}: {after}");
    assert_eq!(idp.get(&at(&before)).await.expect(200).body, after.body);
}

/// A row of the table: this is refused and does nothing.
async fn fails(idp: &Client, operation: Value, kind: &str) {
    let Tried { before, after } = tried(idp, full(), &json!([operation])).await;
    bad(after, kind);
    assert_eq!(idp.get(&at(&before)).await.expect(200).body, before.body, "{operation}");
}

fn add(path: &str, value: Value) -> Value {
    json!({ "op": "add", "path": path, "value": value })
}

fn replace(path: &str, value: Value) -> Value {
    json!({ "op": "replace", "path": path, "value": value })
}

fn remove(path: &str) -> Value {
    json!({ "op": "remove", "path": path })
}

/// Also R-7644-3.5.2.1-04, R-7644-3.5.2-08.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_2_1_03_without_a_path_and_single_values() {
    let app = TestApp::start().await;
    let idp = app.connector("strict").await;
    let mail = json!({ "value": "n@x.test" });
    let with = |more: &[&Value]| Value::Array(more.iter().map(|one| (*one).clone()).collect());
    let (work, home) = (&full()["emails"][0], &full()["emails"][1]);
    // No path.
    for op in ["add", "replace"] {
        let value = json!({ "title": "U", "name": { "givenName": "H" }, "nickName": "N",
            ENTERPRISE: { "department": "E" } });
        let changed = json!({ "title": "U", "name": { "givenName": "H", "familyName": "F" },
            "nickName": "N", ENTERPRISE: { "department": "E", "division": "V" } });
        leaves(&idp, json!({ "op": op, "value": value }), changed).await;
        for odd in [json!("title"), json!(["title"]), json!(5)] {
            fails(&idp, json!({ "op": op, "value": odd }), "invalidValue").await;
        }
    }
    let emails = json!({ "emails": [mail] });
    let appended = json!({ "emails": with(&[work, home, &mail]) });
    leaves(&idp, json!({ "op": "add", "value": emails }), appended).await;
    leaves(&idp, json!({ "op": "replace", "value": emails }), emails.clone()).await;
    fails(&idp, json!({ "op": "remove" }), "noTarget").await;
    fails(&idp, json!({ "op": "remove", "value": { "title": "T" } }), "noTarget").await;
    // `title`, `name`, `name.givenName`.
    for op in [add, replace] {
        leaves(&idp, op("title", json!("U")), json!({ "title": "U" })).await;
        leaves(&idp, op("nickName", json!("N")), json!({ "nickName": "N" })).await;
        let merged = json!({ "name": { "givenName": "H", "familyName": "F", "middleName": "M" } });
        let value = json!({ "givenName": "H", "middleName": "M" });
        leaves(&idp, op("name", value), merged).await;
        let given = json!({ "name": { "givenName": "H", "familyName": "F" } });
        leaves(&idp, op("name.givenName", json!("H")), given).await;
    }
    leaves(&idp, remove("title"), json!({ "title": null })).await;
    leaves(&idp, remove("nickName"), json!({})).await;
    leaves(&idp, remove("name"), json!({ "name": null })).await;
    leaves(&idp, remove("name.givenName"), json!({ "name": { "familyName": "F" } })).await;
    let start = json!({ "name": { "givenName": "G" } });
    let last = tried(&idp, start, &json!([remove("name.givenName")])).await;
    assert_eq!(last.after.expect(200).body.get("name"), None);
}

/// Also R-7644-3.5.2.2-01, R-7644-3.5.2.3-01, R-7644-3.5.2.3-03, R-7644-3.5.2.1-03.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_2_3_02_lists_their_elements_and_extensions() {
    let app = TestApp::start().await;
    let idp = app.connector("strict").await;
    let (work, home) = (full()["emails"][0].clone(), full()["emails"][1].clone());
    let new = json!({ "value": "n@x.test" });
    // `emails`.
    for value in [json!([new]), new.clone()] {
        leaves(&idp, add("emails", value), json!({ "emails": [work, home, new] })).await;
    }
    leaves(&idp, replace("emails", json!([new])), json!({ "emails": [new] })).await;
    for gone in [replace("emails", json!([])), replace("emails", json!(null)), remove("emails")] {
        leaves(&idp, gone, json!({ "emails": null })).await;
    }
    // Of what has no value, replace is add.
    let photos = json!([{ "value": "https://x.test/p" }]);
    leaves(&idp, replace("photos", photos.clone()), json!({ "photos": photos })).await;
    // `emails.type`.
    fails(&idp, add("emails.type", json!("other")), "invalidPath").await;
    let typed = |of: &Value, value: Value| {
        let mut one = of.clone();
        one["type"] = value;
        one
    };
    let all = json!({ "emails": [typed(&work, json!("other")), typed(&home, json!("other"))] });
    leaves(&idp, replace("emails.type", json!("other")), all).await;
    fails(&idp, replace("photos.type", json!("photo")), "noTarget").await;
    let bare =
        json!({ "emails": [{ "value": "w@x.test", "primary": true }, { "value": "h@x.test" }] });
    leaves(&idp, remove("emails.type"), bare).await;
    // `emails[…]`.
    let merged =
        json!({ "emails": [work, { "value": "h@x.test", "type": "home", "display": "H" }] });
    let home_is = "emails[type eq \"home\"]";
    leaves(&idp, add(home_is, json!({ "display": "H" })), merged.clone()).await;
    leaves(&idp, replace(home_is, new.clone()), json!({ "emails": [work, new] })).await;
    leaves(&idp, remove(home_is), json!({ "emails": [work] })).await;
    let none = "emails[type eq \"other\"]";
    fails(&idp, add(none, json!({ "display": "H" })), "noTarget").await;
    fails(&idp, replace(none, new.clone()), "noTarget").await;
    leaves(&idp, remove(none), json!({})).await;
    // `emails[…].display`.
    let display = &format!("{home_is}.display");
    leaves(&idp, add(display, json!("H")), merged.clone()).await;
    leaves(&idp, replace(display, json!("H")), merged).await;
    for op in [add, replace] {
        fails(&idp, op("emails[type eq \"other\"].value", json!("o@x.test")), "noTarget").await;
        // Every match, not the first only.
        let both = json!({ "emails": [
            { "value": "w@x.test", "type": "work", "primary": true, "display": "B" },
            { "value": "h@x.test", "type": "home", "display": "B" }] });
        leaves(&idp, op("emails[value ew \"@x.test\"].display", json!("B")), both).await;
    }
    leaves(&idp, remove("emails[type eq \"other\"].value"), json!({})).await;
    let unset = json!({ "emails": [work, { "value": "h@x.test" }] });
    leaves(&idp, remove("emails[type eq \"home\"].type"), unset).await;
    let start = json!({ "emails": [{ "value": "a@x.test" }] });
    let last = tried(&idp, start, &json!([remove("emails[value sw \"a\"].value")])).await;
    let last = last.after.expect(200);
    assert_eq!(last.body.get("emails"), None);
    assert_eq!(found(&idp, &format!("emails pr and id eq \"{}\"", last.id())).await, [""; 0]);
    // An extension's attribute, and the extension.
    let (department, division) =
        (format!("{ENTERPRISE}:department"), format!("{ENTERPRISE}:division"));
    for op in [add, replace] {
        let set = json!({ ENTERPRISE: { "department": "E", "division": "V" } });
        leaves(&idp, op(&department, json!("E")), set.clone()).await;
        leaves(&idp, op(ENTERPRISE, json!({ "department": "E" })), set).await;
        let start = json!({});
        let first = tried(&idp, start, &json!([op(&department, json!("E"))])).await;
        assert_eq!(first.after.expect(200).body["schemas"], json!([CORE, ENTERPRISE]));
    }
    leaves(&idp, remove(&department), json!({ ENTERPRISE: { "division": "V" } })).await;
    let emptied = tried(&idp, full(), &json!([remove(&department), remove(&division)])).await;
    let emptied = emptied.after.expect(200).body;
    assert_eq!((&emptied["schemas"], emptied.get(ENTERPRISE)), (&json!([CORE]), None));
    leaves(&idp, remove(ENTERPRISE), json!({ ENTERPRISE: null, "schemas": [CORE] })).await;
}

/// Also R-7644-3.5.2-02, R-7644-3.5.2-03, R-7644-3.5.2-04.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_2_01_the_message() {
    let app = TestApp::start().await;
    let idp = app.connector("strict").await;
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201);
    let title = json!([replace("title", json!("T"))]);
    for body in [
        json!({ "Operations": title }),
        json!({ "schemas": [], "Operations": title }),
        json!({ "schemas": [CORE], "Operations": title }),
        json!({ "schemas": PATCH, "Operations": title }),
        json!({ "schemas": [PATCH] }),
        json!({ "schemas": [PATCH], "Operations": [] }),
        json!({ "schemas": [PATCH], "Operations": {} }),
        json!({ "schemas": [PATCH], "Operations": ["replace"] }),
        patch(json!([{ "path": "title", "value": "T" }])),
        patch(json!([{ "op": "move", "path": "title", "value": "T" }])),
        patch(json!([{ "op": ["add"], "path": "title", "value": "T" }])),
        json!(title),
    ] {
        bad(idp.patch(&at(&ada), body).await, "invalidSyntax");
    }
    // Each on what the one before it left.
    let chain = json!([
        add("title", json!("A")),
        replace("title", json!("B")),
        remove("title"),
        add("emails", json!([{ "value": "a@x.test", "type": "work" }])),
        replace("emails[value eq \"a@x.test\"].type", json!("home")),
        add("emails[type eq \"home\"].display", json!("D")),
    ]);
    let after = idp.patch(&at(&ada), patch(chain)).await.expect(200);
    let emails = json!([{ "value": "a@x.test", "type": "home", "display": "D" }]);
    assert_eq!((&after.body["emails"], after.body.get("title")), (&emails, None));
    // One that fails undoes those before it, and there is one error.
    for (last, kind) in [
        (replace("id", json!("x")), "mutability"),
        (replace("active", json!("perhaps")), "invalidValue"),
        (remove("emails[0]"), "invalidPath"),
        (replace("emails[type eq \"none\"].value", json!("x")), "noTarget"),
    ] {
        let operations = json!([add("title", json!("A")), remove("emails"), last]);
        bad(idp.patch(&at(&ada), patch(operations)).await, kind);
        assert_eq!(idp.get(&at(&ada)).await.expect(200).body, after.body);
    }
    idp.post("/Users", user("bob", json!({}))).await.expect(201);
    let taken = json!([add("title", json!("A")), replace("userName", json!("BOB"))]);
    refused(idp.patch(&at(&ada), patch(taken)).await, 409, "uniqueness");
    assert_eq!(idp.get(&at(&ada)).await.expect(200).body, after.body);
}

/// Also R-7644-3.5.2-06, R-7644-3.5.2-07, R-7644-3.5.2-09.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_2_05_paths_and_values_that_are_refused() {
    let app = TestApp::start().await;
    let idp = app.connector("strict").await;
    for path in [
        "emails[0]",
        "emails.0",
        "shoeSize",
        "name.nothing",
        "emails[type eq \"work\"",
        "two words",
        ".title",
        "urn:x:y:title",
    ] {
        fails(&idp, replace(path, json!("x")), "invalidPath").await;
    }
    for filter in ["emails[type regex \"x\"]", "emails[type eq 5]", "emails[primary gt true]"] {
        fails(&idp, remove(filter), "invalidFilter").await;
    }
    for path in ["id", "meta.created", "groups", "meta"] {
        for op in [add(path, json!("x")), replace(path, json!("x")), remove(path)] {
            fails(&idp, op, "mutability").await;
        }
    }
    for (path, value) in [
        ("title", json!(5)),
        ("active", json!("yes")),
        ("active", json!("true")),
        ("name", json!("x")),
        ("emails", json!("a@x.test")),
        ("name.givenName", json!({})),
    ] {
        for op in [add, replace] {
            fails(&idp, op(path, value.clone()), "invalidValue").await;
        }
    }
    for op in ["add", "replace"] {
        fails(&idp, json!({ "op": op, "path": "title" }), "invalidValue").await;
        fails(&idp, json!({ "op": op }), "invalidValue").await;
    }
    // Required attributes, at that operation: a later one does not help.
    fails(&idp, remove("userName"), "mutability").await;
    let later = json!([remove("userName"), add("userName", json!("new"))]);
    bad(tried(&idp, full(), &later).await.after, "mutability");
    fails(&idp, replace("userName", json!(null)), "invalidValue").await;
    let bob = idp.post("/Users", user("bob", json!({}))).await.expect(201);
    let team = idp.post("/Groups", group("Team", &[&bob.id()])).await.expect(201);
    let member = format!("members[value eq \"{}\"].value", bob.id());
    bad(
        idp.patch(&at_group(&team), patch(json!([replace(&member, json!("x"))]))).await,
        "mutability",
    );
    bad(idp.patch(&at_group(&team), patch(json!([remove("displayName")]))).await, "mutability");
    assert_eq!(idp.get(&at_group(&team)).await.expect(200).body, team.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_2_10_one_primary_at_a_time() {
    let app = TestApp::start().await;
    let idp = app.connector("strict").await;
    let home = json!([{ "value": "w@x.test", "type": "work", "primary": false },
        { "value": "h@x.test", "type": "home", "primary": true }]);
    for op in [add, replace] {
        let primary = op("emails[type eq \"home\"].primary", json!(true));
        leaves(&idp, primary, json!({ "emails": home })).await;
    }
    let new = json!({ "value": "n@x.test", "primary": true });
    let demoted = json!([{ "value": "w@x.test", "type": "work", "primary": false },
        full()["emails"][1], new]);
    leaves(&idp, add("emails", json!([new])), json!({ "emails": demoted })).await;
    // With the primary one gone, nobody takes its place.
    let left = json!({ "emails": [full()["emails"][1]] });
    leaves(&idp, remove("emails[primary eq true]"), left).await;
}

/// Also R-7644-3.5.2-12.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_2_11_schemas_follow_the_extensions() {
    let app = TestApp::start().await;
    let idp = app.connector("strict").await;
    let gone = json!({ ENTERPRISE: null, "schemas": [CORE] });
    leaves(&idp, remove(&format!("schemas[value eq \"{ENTERPRISE}\"]")), gone.clone()).await;
    leaves(&idp, replace("schemas", json!([CORE])), gone).await;
    for base in [
        remove(&format!("schemas[value eq \"{CORE}\"]")),
        remove("schemas"),
        replace("schemas", json!([ENTERPRISE])),
    ] {
        fails(&idp, base, "mutability").await;
    }
    // Dropped, then written anew: only what was written is there.
    let again = json!([
        remove(&format!("schemas[value eq \"{ENTERPRISE}\"]")),
        add(&format!("{ENTERPRISE}:costCenter"), json!("C"))
    ]);
    let again = tried(&idp, full(), &again).await.after.expect(200).body;
    assert_eq!(again[ENTERPRISE], json!({ "costCenter": "C" }));
    assert_eq!(again["schemas"], json!([CORE, ENTERPRISE]));
    // In any case, with URN or without.
    let upper = CORE.to_uppercase();
    for path in [format!("{upper}:Title"), format!("{CORE}:title"), "TITLE".to_owned()] {
        leaves(&idp, replace(&path, json!("U")), json!({ "title": "U" })).await;
    }
    let department = json!({ ENTERPRISE: { "department": "E", "division": "V" } });
    let path = format!("{}:DEPARTMENT", ENTERPRISE.to_uppercase());
    leaves(&idp, replace(&path, json!("E")), department).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_2_13_what_a_patch_answers() {
    let app = TestApp::start().await;
    let idp = app.connector("strict").await;
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201);
    let team = idp.post("/Groups", group("Team", &[&ada.id()])).await.expect(201);
    let body = || one("replace", "displayName", json!("N"));
    let answer = idp.patch(&at(&ada), body()).await.expect(200);
    let now = idp.get(&at(&ada)).await.expect(200);
    assert_eq!((&answer.body, answer.header("etag")), (&now.body, now.header("etag")));
    assert_ne!(now.header("etag"), ada.header("etag"));
    let answer = idp.patch(&at_group(&team), body()).await.expect(204);
    assert_eq!(answer.body, Value::Null);
    let now = idp.get(&at_group(&team)).await.expect(200);
    assert_eq!(answer.header("etag"), now.header("etag"));
    assert_ne!(now.header("etag"), team.header("etag"));
    for (query, expected) in [
        ("attributes=displayName", json!(["displayName", "id", "schemas"])),
        ("excludedAttributes=members,meta", json!(["displayName", "id", "schemas"])),
    ] {
        let answer = idp.patch(&format!("{}?{query}", at_group(&team)), body()).await.expect(200);
        assert_eq!(json!(keys(&answer.body)), expected);
        assert_eq!(answer.header("etag"), now.header("etag"));
    }
}

/// Also R-7644-3.5.2.2-02, R-7644-3.5.2.1-01, R-7644-3.5.2.3-04.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_2_1_02_what_is_there_already_and_who_is_not() {
    let app = TestApp::start().await;
    let idp = app.connector("strict").await;
    let (work, home) = (full()["emails"][0].clone(), full()["emails"][1].clone());
    for same in [
        json!([home]),
        json!([{ "value": "h@x.test" }]),
        json!([{ "type": "HOME", "value": "H@X.test" }]),
        json!([work, home]),
    ] {
        leaves(&idp, add("emails", same), json!({})).await;
    }
    let other = json!({ "value": "h@x.test", "type": "other" });
    leaves(&idp, add("emails", json!([other])), json!({ "emails": [work, home, other] })).await;
    leaves(&idp, add("title", json!("T")), json!({})).await;
    leaves(&idp, json!({ "op": "replace", "value": full() }), json!({})).await;
    let there_and_back = json!([
        remove("title"),
        add("title", json!("T")),
        remove("emails[type eq \"home\"]"),
        add("emails", json!([home]))
    ]);
    let Tried { before, after } = tried(&idp, full(), &there_and_back).await;
    assert_eq!(after.expect(200).body, before.body);
    // Members are compared by their value only, and who is none is not removed.
    let ids = [before.id(), idp.post("/Users", user("bob", json!({}))).await.expect(201).id()];
    let team = idp.post("/Groups", group("Team", &[&ids[0]])).await.expect(201);
    let (position, never) = (head(&app), "00000000-0000-0000-0000-00000000ffff");
    wait(&app, 1_000);
    for operation in [
        add("members", json!([{ "value": ids[0], "display": "other", "type": "Group" }])),
        remove(&format!("members[value eq \"{}\"]", ids[1])),
        remove(&format!("members[value eq \"{never}\"]")),
        remove("members[value eq \"no id at all\"]"),
    ] {
        let answer = idp.patch(&at_group(&team), patch(json!([operation]))).await.expect(204);
        assert_eq!(answer.header("etag"), team.header("etag"), "{operation}");
    }
    assert_eq!(idp.get(&at_group(&team)).await.expect(200).body, team.body);
    assert_eq!(head(&app), position, "what changes nothing is not written");
}

/// A thousand members at once, a thousand operations at once; what is in the log is what changed.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_2_14_many_members_and_many_operations() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let jobs: Vec<Value> = (0..1_000)
        .map(|n| {
            let data = user(&format!("u{n}"), json!({}));
            json!({ "method": "POST", "path": "/Users", "bulkId": n.to_string(), "data": data })
        })
        .collect();
    let bulk = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
    let made =
        idp.post("/Bulk", json!({ "schemas": [bulk], "Operations": jobs })).await.expect(200);
    let ids: Vec<String> = made.body["Operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
        .collect();
    let team = at_group(&idp.post("/Groups", group("Team", &[])).await.expect(201));
    let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    idp.patch(&team, patch(json!([add("members", json!(members))]))).await.expect(204);
    let there = idp.get(&team).await.expect(200);
    assert_eq!(there.body["members"].as_array().unwrap().len(), 1_000);
    let operations: Vec<Value> =
        ids.iter().skip(1).map(|id| remove(&format!("members[value eq \"{id}\"]"))).collect();
    idp.patch(&team, patch(json!(operations))).await.expect(204);
    let there = idp.get(&team).await.expect(200);
    assert_eq!(there.body["members"].as_array().unwrap().len(), 1);
    // One more: its event names one member, whoever else is there.
    idp.patch(&team, patch(json!([add("members", json!(members))]))).await.expect(204);
    idp.patch(&team, patch(json!([remove(&format!("members[value eq \"{}\"]", ids[7]))])))
        .await
        .expect(204);
    let newest = "/tenants/acme/audit/commits?order=newest&count=1";
    let last = app.operator().get(newest).await.expect(200).body["commits"][0].to_string();
    assert!(last.contains(&ids[7]) && !last.contains(&ids[8]), "{last}");
}
