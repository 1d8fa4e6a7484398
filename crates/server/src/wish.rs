//! Requests that the server makes itself, in the protocol's words: what another door asks for is checked like any client's.

use domain::directory::Directory;
use scim::{Admitted, Invalid, Object, Options, Patch, Value};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A user with these attributes.
pub(crate) fn user(
    mut attributes: Object,
    directory: &Directory,
    options: Options,
) -> Result<Admitted, Invalid> {
    attributes.set("schemas", vec![Value::String(USER.to_owned())]);
    scim::admit(&Value::Complex(attributes), directory.schemas.catalogue().user(), options)
}

/// These changes of a user.
pub(crate) fn patch(
    operations: Vec<Value>,
    directory: &Directory,
    options: Options,
) -> Result<Patch, Invalid> {
    let mut body = Object::default();
    body.set("schemas", vec![Value::String(PATCH.to_owned())]);
    body.set("Operations", operations);
    Patch::parse(&Value::Complex(body), directory.schemas.catalogue().user(), options)
}

/// One thing to do to one attribute.
pub(crate) fn operation(op: &str, path: &str, value: Option<Value>) -> Value {
    let mut operation = Object::default();
    operation.set("op", op.to_owned());
    operation.set("path", path.to_owned());
    if let Some(value) = value {
        operation.set("value", value);
    }
    Value::Complex(operation)
}

/// A role by its name.
pub(crate) fn role(name: &str) -> Value {
    let mut role = Object::default();
    role.set("value", name.to_owned());
    Value::Complex(role)
}

/// Someone's primary mail address.
pub(crate) fn email(address: &str) -> Value {
    let mut email = Object::default();
    email.set("value", address.to_owned());
    email.set("type", "work".to_owned());
    email.set("primary", true);
    Value::Complex(email)
}
