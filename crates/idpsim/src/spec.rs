//! The twelve requests of the test that Okta publishes for SCIM servers, with what it asserts.

use serde_json::{Value, json};

use crate::body::{ERROR, LIST, USER};
use crate::limits::GROUPS_WITHIN_MS;
use crate::list::{id_of, names_schema};
use crate::okta::Okta;
use crate::person::Person;
use crate::walk::{LifeError, StepDone, Walk};
use crate::wire::{Answer, escaped};

const USER_NAME: &str = "Rune.Spec-Test@spec.acme.com";
const UNKNOWN_ID: &str = "00919288221112222";
const UNKNOWN_NAME: &str = "nobody.at.all@spec.acme.com";

/// Runs Okta's published test and ends at the first thing it would not accept.
///
/// Its first request wants a user to be there; into an empty server one is put. What the walk
/// creates it deletes, which is not among Okta's twelve requests, so that it can be walked again.
pub async fn spec_test(okta: &Okta) -> Result<Vec<StepDone>, LifeError> {
    let spec = okta.as_spec_test();
    let mut walk = Walk::default();
    let first = somebody(&mut walk, okta).await?;
    reads(&mut walk, &spec).await?;
    let id = writes(&mut walk, &spec).await?;
    doors(&mut walk, &spec).await?;
    walk.step("leave no trace");
    for id in first.into_iter().chain([id]) {
        walk.call(okta.delete_user(&id).await)?;
    }
    Ok(walk.end())
}

/// The id of the user that was put into an empty server.
async fn somebody(walk: &mut Walk, okta: &Okta) -> Result<Option<String>, LifeError> {
    walk.step("0: have a user");
    let list = walk.call(okta.test_credentials().await)?;
    if list.get("totalResults") != Some(&json!(0)) {
        return Ok(None);
    }
    let names = ("First", "Somebody");
    let first = "first.somebody@spec.acme.com";
    let person = Person::plain("00u1spec2test3first4", first, names, "b7r2xq0n5t8w");
    walk.call(okta.create_user(&person).await).map(Some)
}

/// Requests 1 to 5.
async fn reads(walk: &mut Walk, spec: &Okta) -> Result<(), LifeError> {
    walk.step("1: the first page of one user");
    let list = answered(walk, spec.get("/Users?count=1&startIndex=1").await, 200)?;
    is_list(walk, &list)?;
    for number in ["/itemsPerPage", "/startIndex", "/totalResults"] {
        let saw = list.body.pointer(number).unwrap_or(&Value::Null);
        walk.check(saw.is_u64(), &format!("`{number}` to be an integer"), saw)?;
    }
    let user = list.body.pointer("/Resources/0").cloned().unwrap_or_default();
    is_whole_user(walk, &user)?;
    let id = id_of(&user);

    walk.step("2: the user of this id");
    let read = answered(walk, spec.get(&format!("/Users/{id}")).await, 200)?;
    is_whole_user(walk, &read.body)?;
    walk.same(&read.body, "/id", &json!(id))?;

    walk.step("3: a filter for an unknown user name");
    let none = answered(walk, spec.get(&filter(UNKNOWN_NAME)).await, 200)?;
    is_list(walk, &none)?;
    walk.same(&none.body, "/totalResults", &json!(0))?;

    walk.step("4: a user of an unknown id");
    let unknown = answered(walk, spec.get(&format!("/Users/{UNKNOWN_NAME}")).await, 404)?;
    is_error(walk, &unknown)?;

    walk.step("5: a filter for the user that will be created");
    let none = answered(walk, spec.get(&filter(USER_NAME)).await, 200)?;
    is_list(walk, &none)?;
    walk.same(&none.body, "/totalResults", &json!(0))
}

/// Requests 6 to 9.
async fn writes(walk: &mut Walk, spec: &Okta) -> Result<String, LifeError> {
    let user = json!({
        "schemas": [USER],
        "userName": USER_NAME,
        "name": {"givenName": "Rune", "familyName": "Spec-Test"},
        "emails": [{"primary": true, "value": USER_NAME, "type": "work"}],
        "displayName": "Rune Spec-Test",
        "active": true,
    });
    walk.step("6: create a user");
    let created = answered(walk, spec.post("/Users", &user).await, 201)?;
    let id = walk.call(created.id())?;
    walk.same(&created.body, "/active", &json!(true))?;
    is_as_sent(walk, &created.body, &user)?;
    let is_user = names_schema(&created.body, USER);
    walk.check(is_user, "the User schema in `schemas`", &created.body)?;

    walk.step("7: read the user");
    let read = answered(walk, spec.get(&format!("/Users/{id}")).await, 200)?;
    is_as_sent(walk, &read.body, &user)?;

    walk.step("8: create the same user");
    answered(walk, spec.post("/Users", &user).await, 409)?;

    walk.step("9: a filter in another case");
    let path = filter(&USER_NAME.to_lowercase());
    let found = answered(walk, spec.get(&path).await, 200)?;
    walk.same(&found.body, "/Resources/0/id", &json!(id))?;
    Ok(id)
}

/// Requests 10 to 12.
async fn doors(walk: &mut Walk, spec: &Okta) -> Result<(), LifeError> {
    walk.step("10: the groups, quickly");
    let groups = answered(walk, spec.get("/Groups").await, 200)?;
    let took = groups.took.as_millis();
    let quick = took < GROUPS_WITHIN_MS;
    walk.check(quick, "an answer within 600 ms", &json!(format!("{took} ms")))?;

    walk.step("11: an authorization that is none");
    let stranger = spec.with_authorization("non-token");
    let refused = stranger.get("/Users?startIndex=1&count=100").await;
    let refused = answered(walk, refused, 401)?;
    is_error(walk, &refused)?;
    walk.same(&refused.body, "/status", &json!("401"))?;

    walk.step("12: a user of a made-up id");
    let unknown = answered(walk, spec.get(&format!("/Users/{UNKNOWN_ID}")).await, 404)?;
    is_error(walk, &unknown)
}

fn answered(
    walk: &mut Walk,
    answer: Result<Answer, crate::wire::ClientError>,
    status: u16,
) -> Result<Answer, LifeError> {
    let answer = walk.call(answer)?;
    walk.call(answer.expect_status(&[status]))
}

fn filter(user_name: &str) -> String {
    format!("/Users?filter={}", escaped(&format!("userName eq {}", json!(user_name))))
}

fn is_list(walk: &mut Walk, list: &Answer) -> Result<(), LifeError> {
    let holds = names_schema(&list.body, LIST);
    walk.check(holds, "the ListResponse schema in `schemas`", &list.body)
}

fn is_error(walk: &mut Walk, refused: &Answer) -> Result<(), LifeError> {
    let holds = names_schema(&refused.body, ERROR);
    walk.check(holds, "the Error schema in `schemas`", &refused.body)?;
    walk.filled(&refused.body, "/detail")
}

fn is_whole_user(walk: &mut Walk, user: &Value) -> Result<(), LifeError> {
    for text in ["/id", "/userName", "/name/familyName", "/name/givenName", "/emails/0/value"] {
        walk.filled(user, text)?;
    }
    let active = user.get("active").unwrap_or(&Value::Null);
    walk.check(active.is_boolean(), "`active` to be true or false", active)
}

fn is_as_sent(walk: &mut Walk, answer: &Value, sent: &Value) -> Result<(), LifeError> {
    for pointer in ["/userName", "/name/givenName", "/name/familyName"] {
        let wanted = sent.pointer(pointer).unwrap_or(&Value::Null);
        walk.same(answer, pointer, wanted)?;
    }
    Ok(())
}
