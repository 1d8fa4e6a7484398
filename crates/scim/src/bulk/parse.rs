//! From a BulkRequest message to a job.

use std::collections::BTreeMap;

use super::references::{self, BULK_ID};
use super::{Job, JobError, Method, Needs, Operation, Target, Wish, plan};
use crate::error::{Invalid, quoted};
use crate::limits;
use crate::mode::Options;
use crate::schema::{Catalogue, ResourceType};
use crate::value::{Object, Value};

const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// The most of a method that is shown in the answer, in characters.
const METHOD_CHARS: usize = 16;

pub(super) fn job(body: Value, catalogue: &Catalogue, options: Options) -> Result<Job, JobError> {
    let Value::Complex(mut body) = body else {
        let detail = format!("the body is {} where an object is due", body.kind());
        return Err(Invalid::syntax(detail).into());
    };
    envelope(&body)?;
    let fail_on_errors = fail_on_errors(&body)?;
    let listed = match take(&mut body, "Operations") {
        Some(Value::List(listed)) if !listed.is_empty() => listed,
        None | Some(Value::Null | Value::List(_)) => {
            return Err(Invalid::syntax("`Operations` is missing, or empty").into());
        }
        Some(other) => {
            let detail = format!("`Operations` is {} where an array is due", other.kind());
            return Err(Invalid::syntax(detail).into());
        }
    };
    if listed.len() > limits::BULK_OPERATIONS {
        let (operations, limit) = (listed.len(), limits::BULK_OPERATIONS);
        return Err(JobError::TooMany { operations, limit });
    }
    let mut operations: Vec<Operation> =
        listed.into_iter().map(|item| operation(item, catalogue)).collect();
    let made_by = made_by(&operations)?;
    for at in 0..operations.len() {
        let Some(operation) = operations.get_mut(at) else { continue };
        if let Ok(wish) = &mut operation.wish
            && let Err(fault) = connect(wish, &made_by, catalogue, options)
        {
            operation.wish = Err(fault);
        }
    }
    Ok(Job { fail_on_errors, operations, made_by })
}

fn envelope(body: &Object) -> Result<(), Invalid> {
    let listed = body.get_any_case("schemas").and_then(Value::as_list).unwrap_or_default();
    let is_named =
        |urn: &Value| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(BULK_REQUEST));
    if listed.iter().any(is_named) {
        return Ok(());
    }
    Err(Invalid::syntax(format!("`schemas` does not name `{BULK_REQUEST}`")))
}

fn fail_on_errors(body: &Object) -> Result<Option<u64>, Invalid> {
    match body.get_any_case("failOnErrors") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Integer(most)) if *most >= 1 => Ok(u64::try_from(*most).ok()),
        Some(_) => Err(Invalid::value("`failOnErrors` is no whole number of at least 1")),
    }
}

/// Takes a member out, its name in any case.
fn take(object: &mut Object, name: &str) -> Option<Value> {
    let spelled =
        object.iter().map(|(known, _)| known).find(|known| known.eq_ignore_ascii_case(name));
    let spelled = spelled?.clone();
    object.take(&spelled)
}

fn operation(item: Value, catalogue: &Catalogue) -> Operation {
    let Value::Complex(mut item) = item else {
        let detail = format!("the operation is {} where an object is due", item.kind());
        return Operation { method: None, bulk_id: None, wish: Err(Invalid::syntax(detail)) };
    };
    let method = text(&mut item, "method");
    let bulk_id = text(&mut item, "bulkId");
    let written = |text: &Result<Option<String>, Invalid>| text.clone().ok().flatten();
    let shown = written(&method).map(|method| method.chars().take(METHOD_CHARS).collect());
    let named = written(&bulk_id);
    let wish = match (method, bulk_id) {
        (Ok(method), Ok(bulk_id)) => wish(item, method, bulk_id.as_deref(), catalogue),
        (Err(fault), _) | (_, Err(fault)) => Err(fault),
    };
    Operation { method: shown, bulk_id: named, wish }
}

/// A member that is text, or nothing if it's absent or empty.
fn text(item: &mut Object, name: &str) -> Result<Option<String>, Invalid> {
    match take(item, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(other) => {
            Err(Invalid::syntax(format!("`{name}` is {} where a string is due", other.kind())))
        }
    }
}

fn wish(
    mut item: Object,
    method: Option<String>,
    bulk_id: Option<&str>,
    catalogue: &Catalogue,
) -> Result<Wish, Invalid> {
    let method = method.ok_or_else(|| Invalid::syntax("`method` is missing"))?;
    let known = Method::ALL.into_iter().find(|known| known.as_str() == method);
    let method = known.ok_or_else(|| {
        Invalid::syntax(format!(
            "`method` is {}, not `POST`, `PUT`, `PATCH` or `DELETE`",
            quoted(&method)
        ))
    })?;
    if method == Method::Post && bulk_id.is_none() {
        return Err(Invalid::syntax("`bulkId` is missing: each POST needs one"));
    }
    let path = text(&mut item, "path")?.ok_or_else(|| Invalid::syntax("`path` is missing"))?;
    let version = text(&mut item, "version")?;
    let (rtype, target) = address(&path, method, catalogue)?;
    let data = take(&mut item, "data").filter(|data| *data != Value::Null);
    let data = data.filter(|_| method != Method::Delete);
    if data.is_none() && method != Method::Delete {
        return Err(Invalid::syntax(format!("`data` is missing: a {} needs it", method.as_str())));
    }
    Ok(Wish {
        method,
        resource_type: rtype.name.clone(),
        target,
        data,
        version,
        needs: Needs::default(),
        touch: plan::Touch::default(),
    })
}

/// What a path names: a resource type for POST, a resource for everything else (RFC 7644 §3.7).
fn address<'c>(
    path: &str,
    method: Method,
    catalogue: &'c Catalogue,
) -> Result<(&'c ResourceType, Option<Target>), Invalid> {
    let parts: Option<Vec<String>> =
        path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
    let parts = parts.ok_or_else(|| {
        Invalid::syntax(format!("the path {} is not UTF-8 when percent-decoded", quoted(path)))
    })?;
    let typed = |name: &str| {
        let is_meant = |rtype: &&ResourceType| rtype.endpoint.trim_start_matches('/') == name;
        catalogue.resource_types().iter().find(is_meant).ok_or_else(|| {
            Invalid::syntax(format!(
                "the path {} names no resource type: in a job there are only resources, as in `/Users`",
                quoted(path)
            ))
        })
    };
    match (method, parts.as_slice()) {
        (Method::Post, [name]) => typed(name).map(|rtype| (rtype, None)),
        (Method::Post, _) => Err(Invalid::syntax(format!(
            "the path {} is none to POST to: name a resource type, as in `/Users`",
            quoted(path)
        ))),
        (Method::Put | Method::Patch | Method::Delete, [name, id]) if id != ".search" => {
            let rtype = typed(name)?;
            Ok((
                rtype,
                Some(match id.strip_prefix(BULK_ID) {
                    Some(bulk_id) => Target::Made(bulk_id.to_owned()),
                    None => Target::Id(id.clone()),
                }),
            ))
        }
        (Method::Put | Method::Patch | Method::Delete, _) => Err(Invalid::syntax(format!(
            "the path {} names no resource: give its type and id, as in `/Users/42`",
            quoted(path)
        ))),
    }
}

/// A part of a path, its `%xx` decoded; nothing if that makes no UTF-8.
fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let pair = tail.get(..2).filter(|_| *first == b'%');
        let pair = pair.filter(|pair| pair.iter().all(u8::is_ascii_hexdigit));
        let code = pair.and_then(|pair| std::str::from_utf8(pair).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// Which operation creates what, by `bulkId`. An operation that can't be read counts: who refers to it meant it.
fn made_by(operations: &[Operation]) -> Result<BTreeMap<String, usize>, Invalid> {
    let mut all = BTreeMap::new();
    for (at, operation) in operations.iter().enumerate() {
        let Some(bulk_id) = &operation.bulk_id else { continue };
        if all.insert(bulk_id.clone(), at).is_some() {
            return Err(Invalid::value(format!(
                "the `bulkId` {} is used twice: give each operation its own",
                quoted(bulk_id)
            )));
        }
    }
    let creates = |at: &usize| {
        operations.get(*at).is_some_and(|operation| match &operation.wish {
            Ok(wish) => wish.method == Method::Post,
            Err(_) => true,
        })
    };
    all.retain(|_, at| creates(at));
    Ok(all)
}

/// Finds out which operations this one refers to, and what else of it may depend on their order.
fn connect(
    wish: &mut Wish,
    made_by: &BTreeMap<String, usize>,
    catalogue: &Catalogue,
    options: Options,
) -> Result<(), Invalid> {
    let Some(rtype) = catalogue.resource_type(&wish.resource_type) else { return Ok(()) };
    let place = |bulk_id: &str| {
        made_by.get(bulk_id).copied().ok_or_else(|| {
            let bulk_id = quoted(bulk_id);
            Invalid::value(format!("no POST of this job has the `bulkId` {bulk_id}"))
        })
    };
    if let Some(Target::Made(bulk_id)) = &wish.target {
        wish.needs.hard.insert(place(bulk_id)?);
    }
    if let Some(data) = &mut wish.data {
        for (bulk_id, is_soft) in references::all(data, wish.method, rtype, options) {
            let place = place(&bulk_id)?;
            if is_soft { &mut wish.needs.soft } else { &mut wish.needs.hard }.insert(place);
        }
    }
    wish.touch = plan::Touch::of(wish, rtype);
    Ok(())
}
