//! Administration and audit, route by route. A new route does not compile until it is described here.

use serde_json::{Value, json};

use super::operation::{Operation, Tag};
use crate::admin::{Released, Route};

/// A method of a route.
pub(super) fn operation(route: &Route, method: &str) -> Value {
    let operation =
        match (route, method) {
            (Route::Operators, "POST") => creates(
                "addOperator",
                "Add an operator; their key is told this once",
                "NewOperator",
                "AddedOperator",
                json!({ "name": "ann", "role": "auditor" }),
            ),
            (Route::Operators, _) => {
                reads("listOperators", "Who may administer the instance, and how much", "OperatorList")
            }
            (Route::Operator(_), "PATCH") => {
                let summary = "Call an operator otherwise, or let them do something else";
                writes("changeOperator", summary)
                    .body("OperatorChange", json!({ "role": "operator" }))
            }
            (Route::Operator(_), "DELETE") => {
                let summary = "Remove an operator: their keys open nothing any more";
                writes("removeOperator", summary)
            }
            (Route::Operator(_), _) => {
                reads("showOperator", "An operator, by name or id", "ListedOperator")
            }
            (Route::OperatorKeys(_), _) => creates(
                "issueOperatorKey",
                "Issue a key to an operator, or one in place of all others; it is told this once",
                "NewOperatorKey",
                "IssuedOperatorKey",
                json!({ "rotate": true }),
            ),
            (Route::OperatorKey(..), _) => {
                let summary = "Revoke an operator's key: it opens nothing any more";
                writes("revokeOperatorKey", summary)
            }
            (Route::Tenants, "POST") => creates(
                "openTenant",
                "Open a tenant; its key is told this once",
                "NewTenant",
                "OpenedTenant",
                json!({ "slug": "globex" }),
            ),
            (Route::Tenants, _) => {
                reads("listTenants", "All tenants", "TenantList").takes(&["heads"])
            }
            (Route::Tenant(_), "PATCH") => {
                let summary =
                    "Say what a tenant is called and where its alerts go; what is not named stays";
                writes("describeTenant", summary).body(
                    "TenantDescription",
                    json!({ "title": "Acme Ltd", "alertAddresses": ["alerts@acme.example"] }),
                )
            }
            (Route::Suspension(_), _) => {
                let summary = "Let no identity provider in: each is answered 503 until it is resumed, and may send again then";
                writes("suspendTenant", summary)
                    .body("Suspension", json!({ "reason": "moving to another identity provider" }))
            }
            (Route::Resumption(_), _) => {
                writes("resumeTenant", "Let identity providers in again")
            }
            (Route::Closure(_), _) => {
                let summary = "End a tenant for good: its keys open nothing any more, its history can be read";
                writes("closeTenant", summary)
                    .body("Closure", json!({ "slug": "acme", "reason": "end of contract" }))
            }
            (Route::Tenant(_), _) => {
                reads("getTenant", "Where a tenant's log ends, and how much it holds", "Tenant")
            }
            (Route::Users(_), "GET") => reads(
                "listTenantUsers",
                "The users, oldest first, whoever manages them; narrowed by name, manager and state",
                "UserCensus",
            )
            .takes(&["censusName", "censusManager", "censusState", "skip", "censusCount"]),
            (Route::Groups(_), "GET") => reads(
                "listTenantGroups",
                "The groups, oldest first, whoever manages them; narrowed by name and manager",
                "GroupCensus",
            )
            .takes(&["censusName", "censusManager", "skip", "censusCount"]),
            (Route::Users(_), _) => creates(
                "addUser",
                "Add a user who is managed here; no identity provider sees them until one links them",
                "LocalUser",
                "Made",
                json!({ "userName": "sam@acme.com" }),
            ),
            (Route::Groups(_), _) => creates(
                "addGroup",
                "Add a group that is managed here; no identity provider sees it",
                "LocalGroup",
                "Made",
                json!({ "displayName": "Night shift" }),
            ),
            (Route::User(..), "PUT") => writes("rewriteUser", "Replace a user who is managed here")
                .body("LocalUser", json!({ "userName": "sam@acme.com" })),
            (Route::Group(..), "PUT") => {
                writes("rewriteGroup", "Replace a group that is managed here")
                    .body("LocalGroup", json!({ "displayName": "Night shift" }))
            }
            (Route::User(..), "PATCH") => {
                writes("changeUser", "Change a user who is managed here in parts")
                    .body("LocalPatch", patch_example("title", "Boss"))
            }
            (Route::Group(..), "PATCH") => {
                writes("changeGroup", "Change a group that is managed here in parts")
                    .body("LocalPatch", patch_example("displayName", "Day shift"))
            }
            (Route::User(..), "DELETE") => {
                writes("removeUser", "Delete a user who is managed here")
            }
            (Route::Group(..), "DELETE") => {
                writes("removeGroup", "Delete a group that is managed here")
            }
            (Route::JustInTime(_), _) => writes_and_answers(
                "arrive",
                "Let a person come to be who signs on and was not pushed yet; who is there stays as they are",
                "Arrived",
            )
            .body("Arrival", json!({ "email": "joe@acme.com", "givenName": "Joe" })),
            (Route::Release(_, Released::User, _), _) => writes_and_answers(
                "releaseUser",
                "Let the connector manage a user no more, so that another one may link them",
                "Released",
            ),
            (Route::Release(_, Released::Group, _), _) => writes_and_answers(
                "releaseGroup",
                "Let the connector manage a group no more, so that another one may link it",
                "Released",
            ),
            (Route::Release(_, Released::Connector, _), _) => writes_and_answers(
                "releaseConnector",
                "Let a connector manage nothing any more, in several commits: repeat it until nothing is left",
                "Released",
            ),
            (Route::User(..), _) => {
                reads("showUser", "A user, by a name of the moment or an id", "ShownUser")
            }
            (Route::Group(..), _) => {
                reads("showGroup", "A group, by a name of the moment or an id", "ShownGroup")
                    .takes(&["shownAfter", "shownCount"])
            }
            (Route::Role(..), "GET") => {
                reads("showRole", "A role, with those who have it", "ShownRole")
                    .takes(&["shownAfter", "shownCount"])
            }
            (Route::Credential(..), "GET") => {
                reads("showCredential", "A key, never its secret", "ShownCredential")
            }
            (Route::Diff(_), _) => differences(),
            (Route::Roster(_), _) => {
                reads("listRoster", "Every user, by name, address and roles", "Roster")
                    .takes(&["rosterFormat"])
                    .also(200, "text/csv", "A heading, then a row for each user (RFC 4180); cells that a spreadsheet would run begin with an apostrophe.")
            }
            (Route::Roles(_), "POST") => writes("defineRole", "Define a role, describe it anew, or open one again that was retired")
                .body(
                    "NewRole",
                    json!({ "name": "Auditor", "description": "Sees everything, changes nothing" }),
                ),
            (Route::Roles(_), _) => reads("listDefinedRoles", "The roles", "DefinedRoleList"),
            (Route::Role(..), _) => writes("retireRole", "Retire a role"),
            (Route::UserRole(..), "PUT") => writes(
                "grantRole",
                "Give a user a role here, beside what the identity provider says",
            ),
            (Route::UserRole(..), _) => {
                writes("revokeRole", "Take back a role that was given here")
            }
            (Route::Rules(_), "POST") => {
                let summary =
                    "Give a role to whoever is in a group, directly or through groups inside it";
                writes("addRule", summary)
                    .body("NewRule", json!({ "group": "Sales", "role": "Analyst" }))
                    .refuses(&[413])
            }
            (Route::Rules(_), _) => {
                reads("listRules", "The rules from groups to roles", "RuleList")
            }
            (Route::Rule(..), _) => {
                writes("removeRule", "Give a role through a rule no more")
            }
            (Route::Erasure(..), _) => writes_and_answers(
                "eraseUser",
                "Destroy a person's values, in every moment of the past as well",
                "Erasure",
            )
            .body("NewErasure", json!({ "reason": "request 4711" }))
            .refuses(&[409, 413]),
            (Route::Lock(..), "PUT") => writes(
                "lockUser",
                "Let a user do nothing, whatever their identity provider says",
            )
            .body("NewLock", json!({ "reason": "a laptop was stolen" })),
            (Route::Lock(..), _) => {
                writes("unlockUser", "Let a user act again, if their identity provider says so")
            }
            (Route::Explain(_), _) => reads(
                "explain",
                "Why a user has a role or is in a group, and why not: back to the commits that made it so",
                "Explanation",
            )
            .takes(&["explainUser", "explainRole", "explainGroup"]),
            (Route::Check(_), _) => asks(
                "checkAccess",
                "Whether users may do something, which policies decide, and the commits behind each membership and role",
                "AccessAnswer",
            )
            .takes(&["asOf"])
            .body("AccessQuestion", json!({
                "user": "jane@acme.com", "action": "select", "resource": "Table::\"sales\"",
            })),
            (Route::Applicable(_), _) => reads(
                "listApplicablePolicies",
                "Which policies can apply to a user, and through what",
                "ApplicablePolicies",
            )
            .takes(&["explainUser"]),
            (Route::AccessDiff(_), _) => asks(
                "diffAccess",
                "What a user may do since a moment that they might not before, and the other way round",
                "AccessDiff",
            )
            .body("AccessBetween", json!({ "user": "jane@acme.com", "from": "2026-03-01" })),
            (Route::Credentials(_), "POST") => {
                let summary = "Issue a key to a connector or a user; it is told this once";
                creates(
                    "issueCredential",
                    summary,
                    "NewCredential",
                    "IssuedCredential",
                    json!({ "connector": "okta", "scopes": ["read", "users:write"] }),
                )
            }
            (Route::Credentials(_), _) => {
                reads("listCredentials", "The keys, never their secrets", "CredentialList")
            }
            (Route::Credential(..), _) => {
                writes("revokeCredential", "Revoke a key: it opens nothing any more")
            }
            (Route::Rotation(..), _) => {
                let summary = "Issue a credential in place of another, which is good for so long \
                               still; it is told this once";
                creates(
                    "rotateCredential",
                    summary,
                    "Rotation",
                    "IssuedCredential",
                    json!({ "overlapSeconds": 86400 }),
                )
            }
            (Route::Connectors(_), "POST") => creates(
                "addConnector",
                "Add a connector; its key is told this once",
                "NewConnector",
                "AddedConnector",
                json!({ "name": "entra", "preset": "entra" }),
            ),
            (Route::Connectors(_), _) => reads("listConnectors", "The connectors", "ConnectorList"),
            (Route::Connector(..), "PATCH") => writes(
                "changeConnector",
                "Read a connector's client in another way; what is not named stays",
            )
            .body("ConnectorChange", json!({ "mode": "lenient" })),
            (Route::Connector(..), "DELETE") => writes(
                "removeConnector",
                "Remove a connector, with its keys, once nothing comes from it any more",
            ),
            (Route::Connector(..), _) => reads(
                "getConnector",
                "A connector, and what its client sent that the RFCs do not have",
                "ShownConnector",
            ),
            (Route::Ignored(..), _) => reads(
                "listIgnored",
                "Who and what a connector's lists leave out: users, then groups",
                "Ignored",
            )
            .takes(&["skip", "shownCount"]),
            (Route::Schemas(_), "POST") => {
                writes("addSchema", "Let resources of a type carry one more extension").body(
                    "NewSchema",
                    json!({ "schema": {
                        "id": "urn:example:params:scim:schemas:extension:badge:2.0:User",
                        "name": "Badge",
                        "attributes": [{ "name": "number", "type": "integer" }],
                    } }),
                )
            }
            (Route::Schemas(_), _) => {
                reads("listAddedSchemas", "The schemas that the tenant added", "AddedSchemaList")
            }
            (Route::Policies(_), _) => reads("listPolicies", "The policies, with whom each names", "PolicyList")
                .takes(&["naming", "dangling"]),
            (Route::Policy(..), "PUT") => {
                writes_and_answers("writePolicy", "Write a policy, or write it anew", "WrittenPolicy")
                    .takes(&["If-Match"])
                    .body("PolicyText", json!({
                        "text": "permit (principal in Group::\"Sales\", action == Action::\"select\", resource);",
                    }))
                    .refuses(&[412])
            }
            (Route::Policy(..), "DELETE") => {
                writes("deletePolicy", "Delete a policy").takes(&["If-Match"]).refuses(&[412])
            }
            (Route::Policy(..), _) => reads("getPolicy", "A policy", "Policy"),
            (Route::PolicySchema(_), "PUT") => writes_and_answers(
                "writePolicySchema",
                "Declare what policies can speak about",
                "WrittenPolicy",
            )
            .takes(&["If-Match"])
            .body("PolicyText", json!({
                "text": "entity Table; action select appliesTo { principal: [User], resource: [Table] };",
            }))
            .refuses(&[412]),
            (Route::PolicySchema(_), _) => {
                reads("getPolicySchema", "What policies can speak about", "PolicySchema")
            }
            (Route::Commits(_), _) => {
                reads("listCommits", "Who did what, when, through which door", "CommitList")
                    .takes(&QUESTION)
                    .takes(&["from", "to", "order", "commitCount", "format"])
                    .also(200, "application/x-ndjson", "Each line is a commit in JSON.")
                    .also(200, "text/csv", "A heading, then a row for each event (RFC 4180); cells that a spreadsheet would run begin with an apostrophe.")
            }
            (Route::Feed(_), _) => feed(),
            (Route::Problems(_), _) => lists(
                "listProblems",
                "What was refused, carried out in part, or is to be looked after, newest first",
                "ProblemList",
            )
            .takes(&["problemKind", "problemUser", "problemGroup", "problemRole", "problemPolicy"])
            .takes(&["problemConnector", "problemBefore", "problemAfter", "problemCount"]),
        };
    operation.finish()
}

/// A PATCH of one attribute.
fn patch_example(path: &str, value: &str) -> Value {
    json!({ "Operations": [{ "op": "replace", "path": path, "value": value }] })
}

fn feed() -> Operation {
    let summary = "The commits from a position on, for whoever follows the log";
    reads("followFeed", summary, "FeedPage")
        .takes(&["after", "afterHash", "feedCount", "wait"])
        .takes(&QUESTION)
        .takes(&["form", "recipient", "hash", "feedFormat", "Last-Event-ID"])
        .streams(
            "If `Accept` names it (or `format=sse` is given): an event `commit` for each entry, its \
             `id` the position; with `form=sealed` an event `commits` for each run, as a page. An \
             event `position` says how far the log was looked through without a match.",
        )
        .refuses(&[409, 503])
}

/// The parameters that say which commits are asked for, as `audit::FILTERS` has them.
const QUESTION: [&str; 14] = [
    "subject",
    "user",
    "group",
    "aboutRole",
    "policy",
    "actor",
    "connector",
    "credential",
    "event",
    "attribute",
    "request",
    "address",
    "involving",
    "access",
];

/// What needs no key.
pub(super) fn public(path: &str) -> Value {
    let operation = |id, summary| Operation::new(Tag::Operations, id, summary);
    match path {
        "/healthz" => {
            operation("isAlive", "The process answers").answers(200, "It does.", "Health", &[])
        }
        "/readyz" => operation("isReady", "The process can read and write")
            .answers(200, "It can, whatever is under way behind that.", "Health", &[])
            .answers(503, "It can only read, and why; or it is starting.", "Health", &[]),
        _ => operation("getOpenApi", "This document").answers(200, "It.", "OpenApi", &[]),
    }
    .finish()
}

/// Counts, for Prometheus.
pub(super) fn metrics() -> Value {
    json!({
        "operationId": "getMetrics",
        "tags": ["operations"],
        "summary": "Counts and positions in Prometheus' text form",
        "security": [{ "operatorKey": [] }],
        "responses": {
            "200": { "description": "They.", "content": { "text/plain": { "schema": { "type": "string" } } } },
            "401": { "$ref": "#/components/responses/Unauthorized" },
            "429": { "$ref": "#/components/responses/TooManyRequests" },
            "500": { "$ref": "#/components/responses/InternalServerError" },
        },
    })
}

/// What looks at the instance or at its journal.
fn lists(id: &str, summary: &str, schema: &str) -> Operation {
    Operation::new(Tag::Admin, id, summary).answers(200, "This.", schema, &[])
}

/// What looks at two moments of a tenant.
fn differences() -> Operation {
    let summary = "What changed between two moments, and through which commits";
    Operation::new(Tag::Admin, "diff", summary)
        .answers(200, "This.", "Diff", &["Rollbook-Position"])
        .takes(&["diffFrom", "diffTo", "diffUser", "diffGroup", "diffRole", "diffAll"])
        .takes(&["skip", "diffCount"])
        .refuses(&[503])
}

/// What looks at a snapshot of a tenant.
fn reads(id: &str, summary: &str, schema: &str) -> Operation {
    Operation::new(Tag::Admin, id, summary)
        .answers(200, "This.", schema, &["Rollbook-Position"])
        .takes(&["asOf"])
        .refuses(&[503])
}

/// What asks a question that is too long for an address.
fn asks(id: &str, summary: &str, schema: &str) -> Operation {
    Operation::new(Tag::Admin, id, summary)
        .answers(200, "This.", schema, &["Rollbook-Position"])
        .refuses(&[503])
}

/// What changes something and says where that stands.
fn writes(id: &str, summary: &str) -> Operation {
    Operation::new(Tag::Admin, id, summary)
        .answers(
            200,
            "Done, or there was nothing to do.",
            "Done",
            &["Rollbook-Position", "Rollbook-Commit"],
        )
        .refuses(&[409, 503])
}

/// What changes something and says more than where that stands.
fn writes_and_answers(id: &str, summary: &str, output: &str) -> Operation {
    Operation::new(Tag::Admin, id, summary)
        .answers(
            200,
            "Done, or there was nothing to do.",
            output,
            &["Rollbook-Position", "Rollbook-Commit"],
        )
        .refuses(&[409, 503])
}

/// What makes something that is told this once.
fn creates(id: &str, summary: &str, input: &str, output: &str, example: Value) -> Operation {
    Operation::new(Tag::Admin, id, summary)
        .body(input, example)
        .answers(201, "It is there. The key is told this once.", output, &[])
        .refuses(&[409, 503])
}
