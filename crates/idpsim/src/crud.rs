//! What Okta's published CRUD test looks at: it drives Okta itself, and after each act it reads
//! the server.

use serde_json::{Value, json};

use crate::okta::Okta;
use crate::person::Person;
use crate::walk::{LifeError, StepDone, Walk};

/// Assigns somebody, changes their profile, deactivates, reactivates and unassigns them, and reads
/// the server after each: the user is as Okta has them, and never gone. Ends at the first thing
/// that the test would not accept.
///
/// What the walk creates it deletes at the end, which Okta does not, so that it can be walked again.
pub async fn crud_test(okta: &Okta) -> Result<Vec<StepDone>, LifeError> {
    let mut walk = Walk::default();
    let mut person = somebody();

    walk.step("assign: look up, then create");
    let found = walk.call(okta.find_user(&person.user_name).await)?;
    walk.check(found.is_none(), "no hit; delete what an earlier walk left", &json!(found))?;
    let id = walk.call(okta.create_user(&person).await)?;
    reads(&mut walk, okta, &id, &person, true).await?;

    walk.step("change the profile");
    person.given_name = "Ilse-Marie".to_owned();
    person.family_name = "Crud".to_owned();
    person.email = "ilse.marie@crud.acme.com".to_owned();
    walk.call(okta.push_profile(&id, &person).await)?;
    reads(&mut walk, okta, &id, &person, true).await?;

    walk.step("deactivate");
    walk.call(okta.set_active(&id, false).await)?;
    reads(&mut walk, okta, &id, &person, false).await?;

    walk.step("reactivate");
    walk.call(okta.set_active(&id, true).await)?;
    walk.call(okta.push_profile(&id, &person).await)?;
    reads(&mut walk, okta, &id, &person, true).await?;

    walk.step("change the user name");
    person.user_name = "ilse-marie@crud.acme.com".to_owned();
    walk.call(okta.push_profile(&id, &person).await)?;
    reads(&mut walk, okta, &id, &person, true).await?;

    walk.step("unassign: deactivated, and once more");
    walk.call(okta.set_active(&id, false).await)?;
    walk.call(okta.set_active(&id, false).await)?;
    reads(&mut walk, okta, &id, &person, false).await?;

    walk.step("leave no trace");
    walk.call(okta.delete_user(&id).await)?;
    Ok(walk.end())
}

/// The user by id and by name: there, once, and as Okta has them.
async fn reads(
    walk: &mut Walk,
    okta: &Okta,
    id: &str,
    person: &Person,
    active: bool,
) -> Result<(), LifeError> {
    let read = walk.call(okta.get_user(id).await)?;
    let found = walk.call(okta.find_user(&person.user_name).await)?;
    let found = found.unwrap_or(Value::Null);
    walk.check(found == read, "the same user by name as by id", &found)?;
    for (pointer, wanted) in [
        ("/id", json!(id)),
        ("/userName", json!(person.user_name)),
        ("/name/givenName", json!(person.given_name)),
        ("/name/familyName", json!(person.family_name)),
        ("/emails/0/value", json!(person.email)),
        ("/active", json!(active)),
    ] {
        walk.same(&read, pointer, &wanted)?;
    }
    Ok(())
}

fn somebody() -> Person {
    Person::plain("00u1crud2of3an4user5", "ilse@crud.acme.com", ("Ilse", "Krud"), "x9m2kq7v4c1z")
}
