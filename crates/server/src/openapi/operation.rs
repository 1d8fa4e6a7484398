//! One operation of the document: a method of a path, with what it takes and every status that it answers.

use serde_json::{Map, Value, json};

use super::schema_ref;

/// Who may ask.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Scim,
    Admin,
    Management,
    Operations,
}

impl Tag {
    fn name(self) -> &'static str {
        match self {
            Tag::Scim => "scim",
            Tag::Admin => "admin",
            Tag::Management => "management",
            Tag::Operations => "operations",
        }
    }

    fn security(self) -> Value {
        match self {
            Tag::Scim => json!([{ "apiKey": [] }, { "apiKeyBasic": [] }]),
            Tag::Admin => json!([{ "operatorKey": [] }]),
            Tag::Management => json!([{ "partnerKey": [] }, { "apiKey": [] }]),
            Tag::Operations => json!([]),
        }
    }

    /// The headers of an answer: whoever needs a key has their requests numbered.
    fn headers(self, names: &[&str]) -> Map<String, Value> {
        match self {
            Tag::Scim | Tag::Admin | Tag::Management => header_refs(names),
            Tag::Operations => Map::new(),
        }
    }

    /// The media types of bodies, the usual one first.
    fn media(self) -> &'static [&'static str] {
        match self {
            Tag::Scim => &["application/scim+json", "application/json"],
            Tag::Admin | Tag::Management | Tag::Operations => &["application/json"],
        }
    }
}

/// A method of a path.
pub(super) struct Operation {
    tag: Tag,
    id: String,
    summary: String,
    security: Value,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: Map<String, Value>,
    head: bool,
}

impl Operation {
    /// One that needs the key of its tag; what everyone is told who has none is in it.
    pub(super) fn new(tag: Tag, id: impl Into<String>, summary: impl Into<String>) -> Operation {
        let operation = Operation {
            tag,
            id: id.into(),
            summary: summary.into(),
            security: tag.security(),
            parameters: Vec::new(),
            body: None,
            answers: Map::new(),
            head: false,
        };
        match tag {
            Tag::Scim => operation.refuses(&[400, 401, 404, 406, 429, 500]),
            Tag::Admin => operation.refuses(&[400, 401, 404, 429, 500]),
            Tag::Management => operation.refuses(&[400, 401, 403, 404, 429, 500]),
            Tag::Operations => operation,
        }
    }

    /// The same as `HEAD`: no answer has a body.
    pub(super) fn without_bodies(mut self) -> Operation {
        self.head = true;
        let (id, answers) = (&mut self.id, &mut self.answers);
        *id = id.replacen("get", "head", 1).replacen("list", "head", 1);
        for (status, answer) in answers.iter_mut() {
            let refused = status.parse().ok().and_then(refusal).map(|refusal| refusal.description);
            let described = answer.get("description").cloned();
            let description = described.or_else(|| refused.map(Value::from)).unwrap_or_default();
            *answer = json!({ "description": description });
        }
        self
    }

    /// Open to everyone.
    pub(super) fn public(self) -> Operation {
        self.secured(json!([]))
    }

    /// With keys of its own.
    pub(super) fn secured(mut self, security: Value) -> Operation {
        self.security = security;
        self
    }

    /// With query or header parameters, by their names in the document.
    pub(super) fn takes(mut self, names: &[&str]) -> Operation {
        let known = |name: &&str| json!({ "$ref": format!("#/components/parameters/{name}") });
        self.parameters.extend(names.iter().map(known));
        self
    }

    /// With a body, by its schema's name, and an example of it.
    pub(super) fn body(mut self, schema: &str, example: Value) -> Operation {
        let content = content(self.tag.media(), schema, Some(&example));
        self.body = Some(json!({ "required": true, "content": content }));
        self.refuses(&[408, 413])
    }

    /// With a body of SCIM's own media types.
    pub(super) fn scim_body(self, schema: &str, example: Value) -> Operation {
        self.body(schema, example).refuses(&[415])
    }

    /// With an answer that has a body, by its schema's name, and headers that it always has.
    pub(super) fn answers(
        mut self,
        status: u16,
        description: &str,
        schema: &str,
        headers: &[&str],
    ) -> Operation {
        let answer = json!({
            "description": description,
            "headers": self.tag.headers(headers),
            "content": content(self.tag.media(), schema, None),
        });
        self.answers.insert(status.to_string(), answer);
        self
    }

    /// With the same answer as server-sent events, for as long as the reader stays.
    pub(super) fn streams(mut self, description: &str) -> Operation {
        let content = self.answers.get_mut("200").and_then(|answer| answer.get_mut("content"));
        if let Some(Value::Object(content)) = content {
            let text = json!({ "type": "string", "description": description });
            content.insert("text/event-stream".to_owned(), json!({ "schema": text }));
        }
        self
    }

    /// With another media type of an answer, whose body is text.
    pub(super) fn also(mut self, status: u16, media: &str, description: &str) -> Operation {
        let body = json!({ "schema": { "type": "string", "description": description } });
        let answer = self.answers.get_mut(&status.to_string());
        if let Some(Value::Object(contents)) = answer.and_then(|answer| answer.get_mut("content")) {
            contents.insert(media.to_owned(), body);
        }
        self
    }

    /// With an answer that has no body.
    pub(super) fn answers_nothing(
        mut self,
        status: u16,
        description: &str,
        headers: &[&str],
    ) -> Operation {
        let answer = json!({ "description": description, "headers": self.tag.headers(headers) });
        self.answers.insert(status.to_string(), answer);
        self
    }

    /// With where to go on from an answer, by the `id` in its body.
    pub(super) fn leads_to(mut self, status: u16, operations: &[&str]) -> Operation {
        let link = |operation: &&str| {
            let parameters =
                json!({ "id": "$response.body#/id", "tenant": "$request.path.tenant" });
            ((*operation).to_owned(), json!({ "operationId": operation, "parameters": parameters }))
        };
        let links: Map<String, Value> = operations.iter().map(link).collect();
        if let Some(Value::Object(answer)) = self.answers.get_mut(&status.to_string()) {
            answer.insert("links".to_owned(), links.into());
        }
        self
    }

    /// With these statuses as refusals.
    pub(super) fn refuses(mut self, statuses: &[u16]) -> Operation {
        for refusal in statuses.iter().filter_map(|status| refusal(*status)) {
            let answer = json!({ "$ref": format!("#/components/responses/{}", refusal.name) });
            self.answers.insert(refusal.status.to_string(), answer);
        }
        self
    }

    pub(super) fn finish(self) -> Value {
        let mut operation = Map::new();
        operation.insert("operationId".to_owned(), self.id.into());
        operation.insert("tags".to_owned(), json!([self.tag.name()]));
        operation.insert("summary".to_owned(), self.summary.into());
        operation.insert("security".to_owned(), self.security);
        if !self.parameters.is_empty() {
            operation.insert("parameters".to_owned(), self.parameters.into());
        }
        if let Some(body) = self.body {
            operation.insert("requestBody".to_owned(), body);
        }
        operation.insert("responses".to_owned(), self.answers.into());
        operation.into()
    }
}

fn content(media: &[&str], schema: &str, example: Option<&Value>) -> Map<String, Value> {
    let of = |name: &&str| {
        let mut content = Map::from_iter([("schema".to_owned(), schema_ref(schema))]);
        if let Some(example) = example {
            content.insert("example".to_owned(), example.clone());
        }
        ((*name).to_owned(), content.into())
    };
    media.iter().map(of).collect()
}

fn header_refs(names: &[&str]) -> Map<String, Value> {
    let of = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    names
        .iter()
        .copied()
        .chain(["Rollbook-Request"])
        .map(|name| (name.to_owned(), of(name)))
        .collect()
}

/// A status that says no.
struct Refusal {
    status: u16,
    name: &'static str,
    description: &'static str,
    headers: &'static [&'static str],
}

const REFUSALS: [Refusal; 13] = [
    Refusal {
        status: 400,
        name: "BadRequest",
        description: "The request cannot be understood or does not fit; `scimType` says how.",
        headers: &[],
    },
    Refusal {
        status: 401,
        name: "Unauthorized",
        description: "No key was sent, or one that opens nothing here.",
        headers: &["WWW-Authenticate"],
    },
    Refusal {
        status: 403,
        name: "Forbidden",
        description: "This cannot be asked here.",
        headers: &[],
    },
    Refusal {
        status: 404,
        name: "NotFound",
        description: "There is no such thing, or it is another tenant's.",
        headers: &[],
    },
    Refusal {
        status: 406,
        name: "NotAcceptable",
        description: "`Accept` names neither `application/scim+json` nor `application/json`.",
        headers: &[],
    },
    Refusal {
        status: 408,
        name: "RequestTimeout",
        description: "The body came too slowly.",
        headers: &[],
    },
    Refusal {
        status: 409,
        name: "Conflict",
        description: "A value that must be unique is taken, or what was read so far is not what this log holds.",
        headers: &[],
    },
    Refusal {
        status: 412,
        name: "PreconditionFailed",
        description: "The resource has another version than `If-Match` names.",
        headers: &[],
    },
    Refusal {
        status: 413,
        name: "PayloadTooLarge",
        description: "The body is larger than the limit that the answer names.",
        headers: &[],
    },
    Refusal {
        status: 415,
        name: "UnsupportedMediaType",
        description: "The body is not JSON in UTF-8 by its media type.",
        headers: &[],
    },
    Refusal {
        status: 429,
        name: "TooManyRequests",
        description: "Too many requests with this credential or from this address, or too many credentials from it that were wrong (RFC 6585 §4).",
        headers: &["Retry-After"],
    },
    Refusal {
        status: 500,
        name: "InternalServerError",
        description: "The server failed; its log says why.",
        headers: &[],
    },
    Refusal {
        status: 503,
        name: "ServiceUnavailable",
        description: "Not now: too many wait, or the position that was asked for is not reached yet.",
        headers: &["Retry-After"],
    },
];

fn refusal(status: u16) -> Option<&'static Refusal> {
    REFUSALS.iter().find(|refusal| refusal.status == status)
}

/// Every refusal, by its name.
pub(super) fn refusals() -> Map<String, Value> {
    let of = |refusal: &Refusal| {
        let answer = json!({
            "description": refusal.description,
            "headers": header_refs(refusal.headers),
            "content": content(&["application/scim+json"], "Error", None),
        });
        (refusal.name.to_owned(), answer)
    };
    REFUSALS.iter().map(of).collect()
}

/// Every header of an answer, by its name.
pub(super) fn headers() -> Map<String, Value> {
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    let always = |name: &str, description: &str, schema: Value| {
        (name.to_owned(), json!({ "description": description, "required": true, "schema": schema }))
    };
    let position = json!({ "type": "integer", "minimum": 1 });
    let mut headers = Map::from_iter([
        always("ETag", "The version of the resource (RFC 7644 §3.14).", text(r#"^W/"[0-9]+"$"#)),
        always("Location", "The address of the resource.", text("^https?://")),
        always(
            "Rollbook-Request",
            "The request's id: the audit log and the refusal journal know it by this.",
            text("^[0-9a-f-]{36}$"),
        ),
        always("WWW-Authenticate", "How to say who one is (RFC 6750 §3).", text("realm=")),
        always("Retry-After", "After how many seconds to try again.", json!({ "type": "integer" })),
        always(
            "Rollbook-Position",
            "The position in the tenant's log up to which the answer saw, or at which the write stands.",
            position,
        ),
    ]);
    // A write that changes nothing makes no commit.
    let commit = json!({
        "description": "The hash of the write's commit; not there if nothing was changed.",
        "schema": text("^[0-9a-f]{64}$"),
    });
    headers.insert("Rollbook-Commit".to_owned(), commit);
    headers
}
