//! What a person must look after although nothing was refused: policies that name somebody who can act no more.

use access::listed::names_it;
use audit::{About, ProblemKind};
use domain::directory::Policy;
use domain::event::{Ended, Subject};
use domain::id::TenantId;
use domain::origin::Actor;
use engine::Receipt;

use super::{Left, Line, cut, left};
use crate::app::App;
use crate::caller::Visit;
use crate::limits::{PROBLEM_NAME_CHARS, PROBLEM_NOTICES, PROBLEM_POLICIES};

/// Notes each user, group or role that a request has ended and that policies name. Costs nothing where nothing ended, and a look
/// at the texts of the policies where something did.
pub(crate) fn look_after(
    app: &App,
    tenant: TenantId,
    actor: Actor,
    visit: &Visit,
    line: Line<'_>,
    receipt: &Receipt,
) {
    let directory = &receipt.snapshot.directory;
    if directory.policies.is_empty() {
        return;
    }
    for ended in &receipt.ended {
        let naming =
            directory.policies.iter().filter(|one| names_it(one, ended.subject, directory));
        // A policy's own name may be that of somebody who was just erased: then its id stands for it.
        let called = |policy: &Policy| match app.engine.journal() {
            journal if journal.keeps_out(tenant, policy.name.as_bytes()) => policy.id.to_string(),
            _ => policy.name.clone(),
        };
        let policies: Vec<String> = naming.map(called).collect();
        if policies.is_empty() {
            continue;
        }
        let erased = matches!(ended.subject, Subject::User(id) if directory.users.is_erased(id));
        // Of who was erased the journal says nothing, not even the path that named them.
        let line = if erased { Line { path: "", ..line } } else { line };
        let (who, about) = if erased { nobody() } else { somebody(ended) };
        let detail = format!(
            "{who} was {}, and {}: see whether {} still right, and change or delete {}",
            if erased { "erased" } else { ended.how },
            told(&policies),
            if policies.len() == 1 { "it is" } else { "they are" },
            if policies.len() == 1 { "it" } else { "them" },
        );
        let about =
            About { policies: policies.into_iter().take(PROBLEM_POLICIES).collect(), ..about };
        let entry = Left { kind: ProblemKind::Attention, status: 200, detail, about };
        left(app, tenant, actor, visit, line, entry);
    }
}

fn told(policies: &[String]) -> String {
    let names: Vec<String> =
        policies.iter().take(PROBLEM_NOTICES).map(|name| format!("`{name}`")).collect();
    let names = names.join(", ");
    match policies.len() {
        1 => format!("the policy {names} names it"),
        several if several > PROBLEM_NOTICES => {
            format!("{several} policies name it, {names} and others")
        }
        several => format!("{several} policies name it, {names}"),
    }
}

fn nobody() -> (String, About) {
    ("somebody".to_owned(), About::default())
}

fn somebody(ended: &Ended) -> (String, About) {
    let name = ended.name.as_ref().map(|name| cut(name, PROBLEM_NAME_CHARS));
    let (kind, id, about) = match ended.subject {
        Subject::User(id) => {
            let user_name = name.clone();
            ("user", id.to_string(), About { user: Some(id), user_name, ..About::default() })
        }
        Subject::Group(id) => {
            let group_name = name.clone();
            ("group", id.to_string(), About { group: Some(id), group_name, ..About::default() })
        }
        Subject::Role(id) => {
            let role_name = name.clone();
            ("role", id.to_string(), About { role: Some(id), role_name, ..About::default() })
        }
        Subject::Tenant(_)
        | Subject::Policy(_)
        | Subject::Connector(_)
        | Subject::Credential(_)
        | Subject::Operator(_) => return nobody(),
    };
    (format!("the {kind} `{}`", name.unwrap_or(id)), about)
}
