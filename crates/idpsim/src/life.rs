//! Okta's whole life of one user and one group, each answer checked: the conformance of a server
//! with Okta as a function.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::body::{ERROR, merged_user};
use crate::list::{number, resources};
use crate::okta::{GroupMember, Okta};
use crate::person::{Manager, Person};
use crate::walk::Walk;
pub use crate::walk::{LifeError, StepDone};
use crate::wire::ClientError;

/// How many member batches go out side by side.
const BATCHES: usize = 20;

const GROUP_NAME: &str = "Life of a Group";
const NEW_GROUP_NAME: &str = "Life of a Group (EMEA)";

/// Lives the life of a user and a group from the first test of the credentials to the deletion,
/// and ends at the first answer that Okta could not live with. `bad` is the same server with a
/// key that is not valid.
///
/// Every name it creates it deletes at the end, so a walk that succeeded can be walked again.
pub async fn life_of_a_user(okta: &Okta, bad: &Okta) -> Result<Vec<StepDone>, LifeError> {
    let mut life = Life { okta, walk: Walk::default(), mara: mara() };
    life.credentials(bad).await?;
    let id = life.creation().await?;
    life.profile(&id).await?;
    life.deactivation(&id).await?;
    let crowd = life.crowd().await?;
    let group = life.group(&id, &crowd).await?;
    life.reactivation(&id).await?;
    life.import(&id, &crowd).await?;
    life.end_of_the_group(&group, &id).await?;
    life.end_of_the_user(&id, &crowd).await?;
    Ok(life.walk.end())
}

struct Life<'a> {
    okta: &'a Okta,
    walk: Walk,
    mara: Person,
}

impl Life<'_> {
    async fn credentials(&mut self, bad: &Okta) -> Result<(), LifeError> {
        let Life { okta, walk, .. } = self;
        walk.step("test the credentials");
        let list = walk.call(okta.test_credentials().await)?;
        for name in ["/totalResults", "/startIndex", "/itemsPerPage"] {
            let number = list.pointer(name).unwrap_or(&Value::Null);
            walk.check(number.is_u64(), &format!("`{name}` to be an integer"), number)?;
        }
        walk.call(okta.probe_groups().await)?;

        walk.step("test credentials that are wrong");
        let refused = walk.call(bad.get("/Users?startIndex=1&count=2").await)?;
        walk.check(refused.status == 401, "status 401", &json!(refused.status))?;
        walk.same(&refused.body, "/schemas/0", &json!(ERROR))?;
        walk.same(&refused.body, "/status", &json!("401"))?;
        walk.filled(&refused.body, "/detail")?;
        let challenge = json!(refused.www_authenticate);
        walk.check(challenge.is_string(), "a `WWW-Authenticate` header", &challenge)
    }

    async fn creation(&mut self) -> Result<String, LifeError> {
        let Life { okta, walk, mara } = self;
        walk.step("look for a user who is not there");
        let found = walk.call(okta.find_user(&mara.user_name).await)?;
        walk.check(found.is_none(), "no hit; delete what an earlier walk left", &json!(found))?;

        walk.step("create the user with a role");
        let answer = walk.call(okta.post_user(mara).await)?;
        let created = walk.call(answer.expect_status(&[201]))?;
        let id = walk.call(created.id())?;
        let media = json!(created.content_type);
        let is_scim = media.as_str().is_some_and(|m| m.starts_with("application/scim+json"));
        walk.check(is_scim, "`Content-Type: application/scim+json`", &media)?;
        let location = json!(created.location);
        walk.check(location.is_string(), "a `Location` header", &location)?;
        walk.same(&created.body, "/meta/location", &location)?;
        walk.same(&created.body, "/userName", &json!(mara.user_name))?;
        walk.same(&created.body, "/externalId", &json!(mara.okta_id))?;
        walk.same(&created.body, "/active", &json!(true))?;
        walk.same(&created.body, "/name/familyName", &json!(mara.family_name))?;
        has_role(walk, &created.body, "Analyst")?;
        let password = created.body.get("password");
        walk.check(password.is_none(), "no `password` in the answer", &json!(password))?;

        walk.step("create the same user again");
        let again = walk.call(okta.post_user(mara).await)?;
        walk.check(again.status == 409, "status 409", &json!(again.status))?;
        walk.same(&again.body, "/scimType", &json!("uniqueness"))?;

        walk.step("read the user back");
        let read = walk.call(okta.get_user(&id).await)?;
        walk.check(read == created.body, "what the create answered", &read)?;

        walk.step("look for the user in another case");
        let found = walk.call(okta.find_user(&mara.user_name.to_uppercase()).await)?;
        walk.same(&json!(found), "/id", &json!(id))?;
        Ok(id)
    }

    async fn profile(&mut self, id: &str) -> Result<(), LifeError> {
        let Life { okta, walk, mara } = self;
        walk.step("push the profile: GET, then PUT of it all");
        mara.title = "Director".to_owned();
        mara.family_name = "Lindqvist-Okonkwo".to_owned();
        mara.roles = vec!["Business User".to_owned()];
        let current = walk.call(okta.get_user(id).await)?;
        let mut whole = merged_user(&current, mara);
        if let Some(name) = whole.get_mut("name").and_then(Value::as_object_mut) {
            name.insert("middleName".to_owned(), json!(""));
        }
        let put = walk.call(okta.put_user(id, &whole).await)?;
        walk.same(&put, "/id", &json!(id))?;
        walk.same(&put, "/title", &json!("Director"))?;
        walk.same(&put, "/name/familyName", &json!("Lindqvist-Okonkwo"))?;
        walk.same(&put, "/externalId", &json!(mara.okta_id))?;
        walk.same(&put, "/active", &json!(true))?;
        has_role(walk, &put, "Business User")?;
        has_no_role(walk, &put, "Analyst")?;

        walk.step("push the profile again without a change");
        let again = walk.call(okta.push_profile(id, mara).await)?;
        let modified = put.pointer("/meta/lastModified").unwrap_or(&Value::Null);
        walk.same(&again, "/meta/lastModified", modified)?;

        walk.step("change the password");
        let changed = walk.call(okta.set_password(id, "Tr0ub4dor-and-three").await)?;
        let password = changed.get("password");
        walk.check(password.is_none(), "no `password` in the answer", &json!(password))
    }

    async fn deactivation(&mut self, id: &str) -> Result<(), LifeError> {
        let Life { okta, walk, mara } = self;
        walk.step("deactivate");
        walk.call(okta.set_active(id, false).await)?;
        let read = walk.call(okta.get_user(id).await)?;
        walk.same(&read, "/active", &json!(false))?;

        walk.step("deactivate once more");
        walk.call(okta.set_active(id, false).await)?;
        let again = walk.call(okta.get_user(id).await)?;
        walk.check(again == read, "no change", &again)?;

        walk.step("find the inactive user");
        let found = walk.call(okta.find_user(&mara.user_name).await)?;
        walk.same(&json!(found), "/id", &json!(id))?;
        walk.same(&json!(found), "/active", &json!(false))
    }

    /// Twenty colleagues for the group.
    async fn crowd(&mut self) -> Result<Vec<GroupMember>, LifeError> {
        let Life { okta, walk, .. } = self;
        walk.step("create twenty colleagues");
        let mut crowd = Vec::with_capacity(BATCHES);
        for number in 1..=BATCHES {
            let colleague = colleague(number);
            let id = walk.call(okta.create_user(&colleague).await)?;
            crowd.push(GroupMember::new(&id, &colleague.user_name));
        }
        Ok(crowd)
    }

    async fn group(&mut self, id: &str, crowd: &[GroupMember]) -> Result<String, LifeError> {
        let Life { okta, walk, mara } = self;
        let member = GroupMember::new(id, &mara.user_name);
        let both = [member.clone(), GroupMember::new(first_id(crowd), "display")];

        walk.step("look for a group that is not there");
        let found = walk.call(okta.find_group(GROUP_NAME).await)?;
        walk.check(found.is_none(), "no hit; delete what an earlier walk left", &json!(found))?;

        walk.step("push the group: create it empty");
        let group = walk.call(okta.create_group(GROUP_NAME, &[]).await)?;
        let found = walk.call(okta.find_group(GROUP_NAME).await)?;
        walk.same(&json!(found), "/id", &json!(group))?;
        holds(walk, okta, &group, &[]).await?;

        walk.step("add a member");
        let one = std::slice::from_ref(&member);
        walk.call(okta.update_members(&group, GROUP_NAME, one, &[]).await)?;
        let read = holds(walk, okta, &group, one).await?;
        walk.same(&read, "/members/0/type", &json!("User"))?;
        walk.filled(&read, "/members/0/$ref")?;
        walk.filled(&read, "/members/0/display")?;
        let user = walk.call(okta.get_user(id).await)?;
        walk.same(&user, "/groups/0/value", &json!(group))?;

        walk.step("add the same member again");
        walk.call(okta.update_members(&group, GROUP_NAME, one, &[]).await)?;
        let again = holds(walk, okta, &group, one).await?;
        walk.check(again == read, "no change", &again)?;

        walk.step("push a profile with `groups` empty: the membership stays");
        mara.title = "Managing Director".to_owned();
        walk.call(okta.push_profile(id, mara).await)?;
        holds(walk, okta, &group, one).await?;

        walk.step("remove one member and add another in one request");
        let other = both.get(1..).unwrap_or_default();
        walk.call(okta.update_members(&group, GROUP_NAME, other, one).await)?;
        holds(walk, okta, &group, other).await?;

        walk.step("remove a member who is not there");
        walk.call(okta.update_members(&group, GROUP_NAME, &[], one).await)?;
        holds(walk, okta, &group, other).await?;

        walk.step("full push: replace all members");
        walk.call(okta.replace_members(&group, &both).await)?;
        holds(walk, okta, &group, &both).await?;

        walk.step("rename the group, its id in the value: the members stay");
        walk.call(okta.rename_group(&group, NEW_GROUP_NAME).await)?;
        let renamed = holds(walk, okta, &group, &both).await?;
        walk.same(&renamed, "/displayName", &json!(NEW_GROUP_NAME))?;

        walk.step("full push of nobody");
        walk.call(okta.replace_members(&group, &[]).await)?;
        holds(walk, okta, &group, &[]).await?;

        walk.step("twenty member batches at the same time: nobody is lost");
        walk.call(all_at_once(okta, &group, crowd).await)?;
        holds(walk, okta, &group, crowd).await?;
        walk.call(okta.update_members(&group, NEW_GROUP_NAME, one, &[]).await)?;
        Ok(group)
    }

    async fn reactivation(&mut self, id: &str) -> Result<(), LifeError> {
        let Life { okta, walk, mara } = self;
        walk.step("reactivate");
        walk.call(okta.set_active(id, true).await)?;
        let read = walk.call(okta.get_user(id).await)?;
        walk.same(&read, "/active", &json!(true))?;
        walk.same(&read, "/externalId", &json!(mara.okta_id))?;
        has_role(walk, &read, "Business User")
    }

    async fn import(&mut self, id: &str, crowd: &[GroupMember]) -> Result<(), LifeError> {
        let Life { okta, walk, .. } = self;
        walk.step("import the users by pages of two");
        let mut seen = BTreeSet::new();
        let mut start = 1;
        loop {
            let page = walk.call(okta.page("/Users", start, 2).await)?;
            let page = walk.call(page.expect_status(&[200]))?;
            let hits = walk.call(resources(&page))?;
            walk.same(&page.body, "/startIndex", &json!(start))?;
            walk.same(&page.body, "/itemsPerPage", &json!(hits.len()))?;
            for hit in hits {
                let new = seen.insert(hit.get("id").cloned().unwrap_or_default().to_string());
                walk.check(new, "nobody twice", hit)?;
            }
            start += hits.len();
            if hits.is_empty() || start > walk.call(number(&page, "totalResults"))? {
                break;
            }
        }
        let ours = crowd.iter().map(|member| member.value.as_str()).chain([id]);
        for id in ours {
            walk.check(seen.contains(&json!(id).to_string()), "everybody once", &json!(id))?;
        }

        walk.step("import the groups by pages of one");
        let groups = walk.call(okta.import_groups(1).await)?;
        let ours = groups.iter().filter(|group| named(group, NEW_GROUP_NAME)).count();
        walk.check(ours == 1, "the group once", &json!(ours))
    }

    async fn end_of_the_group(&mut self, group: &str, id: &str) -> Result<(), LifeError> {
        let Life { okta, walk, .. } = self;
        walk.step("delete the group: the users stay");
        walk.call(okta.delete_group(group).await)?;
        let gone = walk.call(okta.get(&format!("/Groups/{group}")).await)?;
        walk.check(gone.status == 404, "status 404", &json!(gone.status))?;
        let user = walk.call(okta.get_user(id).await)?;
        let groups = user.get("groups").unwrap_or(&Value::Null);
        let none = groups.as_array().is_none_or(Vec::is_empty);
        walk.check(none, "a user without groups", groups)
    }

    async fn end_of_the_user(&mut self, id: &str, crowd: &[GroupMember]) -> Result<(), LifeError> {
        let Life { okta, walk, mara } = self;
        walk.step("delete the user");
        walk.call(okta.delete_user(id).await)?;
        let gone = walk.call(okta.get(&format!("/Users/{id}")).await)?;
        walk.check(gone.status == 404, "status 404", &json!(gone.status))?;
        walk.same(&gone.body, "/schemas/0", &json!(ERROR))?;
        walk.same(&gone.body, "/status", &json!("404"))?;
        let found = walk.call(okta.find_user(&mara.user_name).await)?;
        walk.check(found.is_none(), "no hit", &json!(found))?;

        walk.step("create the same user name: another id");
        let other = walk.call(okta.create_user(mara).await)?;
        walk.check(other != id, "an id that was never used", &json!(other))?;

        walk.step("leave no trace");
        walk.call(okta.delete_user(&other).await)?;
        for member in crowd {
            walk.call(okta.delete_user(&member.value).await)?;
        }
        Ok(())
    }
}

/// One PATCH for each, all in flight together.
async fn all_at_once(okta: &Okta, group: &str, crowd: &[GroupMember]) -> Result<(), ClientError> {
    let mut batches = JoinSet::new();
    for member in crowd {
        let (okta, group, member) = (okta.clone(), group.to_owned(), member.clone());
        batches.spawn(async move { okta.patch_members(&group, &[member], &[]).await });
    }
    while let Some(joined) = batches.join_next().await {
        joined.map_err(|source| ClientError::Interrupted { source })??;
    }
    Ok(())
}

/// The group, which must have exactly these members.
async fn holds(
    walk: &mut Walk,
    okta: &Okta,
    group: &str,
    wanted: &[GroupMember],
) -> Result<Value, LifeError> {
    let read = walk.call(okta.get_group(group).await)?;
    let members = read.get("members").and_then(Value::as_array);
    let mut values: Vec<&str> = members
        .into_iter()
        .flatten()
        .filter_map(|member| member.get("value").and_then(Value::as_str))
        .collect();
    let mut ids: Vec<&str> = wanted.iter().map(|member| member.value.as_str()).collect();
    values.sort_unstable();
    ids.sort_unstable();
    walk.check(values == ids, &format!("the members {ids:?}"), &json!(values))?;
    Ok(read)
}

fn has_role(walk: &mut Walk, user: &Value, role: &str) -> Result<(), LifeError> {
    let roles = user.get("roles").unwrap_or(&Value::Null);
    walk.check(lists_role(roles, role), &format!("the role `{role}`"), roles)
}

fn has_no_role(walk: &mut Walk, user: &Value, role: &str) -> Result<(), LifeError> {
    let roles = user.get("roles").unwrap_or(&Value::Null);
    walk.check(!lists_role(roles, role), &format!("no role `{role}`"), roles)
}

fn lists_role(roles: &Value, role: &str) -> bool {
    let roles = roles.as_array();
    roles.is_some_and(|roles| roles.iter().any(|held| held.get("value") == Some(&json!(role))))
}

fn named(group: &Value, name: &str) -> bool {
    group.get("displayName").and_then(Value::as_str) == Some(name)
}

fn first_id(crowd: &[GroupMember]) -> &str {
    crowd.first().map(|member| member.value.as_str()).unwrap_or_default()
}

/// The user whose life it is.
fn mara() -> Person {
    Person {
        okta_id: "00u1life2of3a4user5X".to_owned(),
        user_name: "mara.lindqvist@life.acme.com".to_owned(),
        given_name: "Mara".to_owned(),
        family_name: "Lindqvist".to_owned(),
        email: "mara.lindqvist@life.acme.com".to_owned(),
        title: "Account Executive".to_owned(),
        department: "Sales EMEA".to_owned(),
        manager: Some(Manager {
            employee_number: "E90000".to_owned(),
            name: "Beaufort Inès".to_owned(),
        }),
        phone: "+44-20-7946-0123".to_owned(),
        locale: "en-GB".to_owned(),
        employee_number: "E90001".to_owned(),
        office: "London".to_owned(),
        roles: vec!["Analyst".to_owned()],
        groups: Vec::new(),
        first_password: "k3q9vw2m7x1p".to_owned(),
    }
}

/// One of the colleagues.
fn colleague(number: usize) -> Person {
    let user_name = format!("colleague{number}@life.acme.com");
    Person {
        okta_id: format!("00u1life2of3a4coll{number:02}"),
        email: user_name.clone(),
        user_name,
        given_name: "Colleague".to_owned(),
        family_name: format!("Number {number}"),
        employee_number: format!("E9{number:04}"),
        roles: Vec::new(),
        ..mara()
    }
}
