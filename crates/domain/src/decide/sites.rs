//! Words for several tenants at once: `acme:Admin, globex:Analyst` (behaviour C-07, C-09).
//!
//! What concerns the tenant itself is decided with the rest of the request; what concerns others is handed back, and whoever
//! carried the request out sees whether the connector is granted them.

use scim::{AttrPath, Invalid, Mode, Object, Value};

use crate::command::{Elsewhere, Said};
use crate::directory::Directory;
use crate::event::ConnectorSettings;
use crate::rejection::Rejection;

/// The parts of a text: divided by commas or semicolons, blanks around them left out.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ';']).map(str::trim).filter(|part| !part.is_empty())
}

/// Whose a part is: none, the tenant's own. The first colon divides site host and word.
fn divided<'t>(directory: &Directory, part: &'t str) -> (Option<&'t str>, &'t str) {
    let Some((site, word)) = part.split_once(':') else { return (None, part) };
    let (site, word) = (site.trim(), word.trim());
    let is_own = directory.tenant.as_ref().is_some_and(|own| own.slug == site);
    ((!is_own).then_some(site), word)
}

/// A role as a client names it: the tenant's own role by its name, or what is for another tenant. A role that has exactly this
/// name is meant before anything else.
pub(super) fn role(directory: &Directory, name: String) -> Result<String, Elsewhere> {
    if directory.roles.named(&name).is_some() {
        return Ok(name);
    }
    match divided(directory, &name) {
        (None, word) => Ok(word.to_owned()),
        (Some(site), word) => {
            Err(Elsewhere { site: site.to_owned(), said: Said::Role(word.to_owned()) })
        }
    }
}

/// The roles that a connector's text names. None: there is no such attribute, or nothing in it.
pub(super) fn roles(
    directory: &Directory,
    settings: Option<&ConnectorSettings>,
    attributes: &Object,
) -> Option<Vec<String>> {
    let text = text(directory, settings?.roles_attribute.as_deref()?, attributes)?;
    Some(parts(text).map(str::to_owned).collect())
}

/// What a connector's text says of the platforms of other tenants.
pub(super) fn platforms(
    directory: &Directory,
    settings: Option<&ConnectorSettings>,
    attributes: &Object,
) -> Vec<Elsewhere> {
    let path = settings.and_then(|settings| settings.platform_attribute.as_deref());
    let text = path.and_then(|path| text(directory, path, attributes)).unwrap_or_default();
    let elsewhere = |part| match divided(directory, part) {
        (Some(site), word) => {
            Some(Elsewhere { site: site.to_owned(), said: Said::Platform(word.to_owned()) })
        }
        (None, _) => None,
    };
    parts(text).filter_map(elsewhere).collect()
}

fn text<'o>(directory: &Directory, path: &str, attributes: &'o Object) -> Option<&'o str> {
    let path = AttrPath::parse(path, directory.schemas.catalogue().user(), Mode::Strict).ok()?;
    let inside = match path.schema() {
        None => attributes,
        Some(urn) => attributes.get(urn)?.as_complex()?,
    };
    inside.get(path.name()).and_then(Value::as_str)
}

/// That the attributes that settings name are there.
pub(super) fn check(directory: &Directory, settings: &ConnectorSettings) -> Result<(), Rejection> {
    let user = directory.schemas.catalogue().user();
    for path in [&settings.roles_attribute, &settings.platform_attribute].into_iter().flatten() {
        let found = AttrPath::parse(path, user, Mode::Strict);
        if found.is_err() || path.eq_ignore_ascii_case("roles") {
            let detail = format!(
                "no schema of this tenant has an attribute `{path}` of users: add the schema first, and give the path with its URN"
            );
            return Err(Invalid::value(detail).into());
        }
    }
    Ok(())
}
