//! Whether policies make sense to a schema.

use cedar_policy::{Policy, PolicyId, PolicySet, ValidationMode, Validator};
use domain::directory::Schemas;
use miette::Diagnostic;

use crate::fault::Fault;
use crate::limits::{FAULTS, POLICIES, POLICY_BYTES};
use crate::nesting::{Language, too_deep};
use crate::types::Types;

/// Checks the schema that a tenant declares, and its policies (name and text) against it. Each text is one policy of
/// Cedar's, no template. What is answered is what Cedar warns of.
///
/// Names of users and groups are not looked at here: [`bind`](crate::bind) turns them into ids.
///
/// # Errors
/// Everything that Cedar finds wrong, each with line and column.
pub fn validate<'a>(
    schemas: &Schemas,
    declared: &str,
    policies: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<Fault>, Vec<Fault>> {
    let types = Types::of(schemas, declared)?;
    let policies: Vec<(&str, &str)> = policies.into_iter().collect();
    let mut faults = Vec::new();
    if policies.len() > POLICIES {
        let message = format!("there would be more than {POLICIES} policies");
        faults.push(Fault { policy: None, message, help: None, place: None });
    }
    let mut set = PolicySet::new();
    for (name, text) in &policies {
        match parse(name, text) {
            Ok(policy) => {
                if let Err(said) = set.add(policy) {
                    faults.push(Fault::cedar(Some(name), text, &said));
                }
            }
            Err(told) => faults.extend(told),
        }
    }
    let told = |id: &PolicyId, said: &(dyn Diagnostic + '_)| {
        let name: &str = id.as_ref();
        let text = policies.iter().find(|(other, _)| *other == name).map_or("", |(_, text)| text);
        without_name(Fault::cedar(Some(name), text, said))
    };
    let result = Validator::new(types.schema().clone()).validate(&set, ValidationMode::Strict);
    for said in result.validation_errors() {
        faults.push(told(said.policy_id(), said));
    }
    faults.sort_by(|one, other| (&one.policy, one.place).cmp(&(&other.policy, other.place)));
    faults.truncate(FAULTS);
    if !faults.is_empty() {
        return Err(faults);
    }
    let warnings = result.validation_warnings().map(|said| told(said.policy_id(), said));
    Ok(warnings.take(FAULTS).collect())
}

/// Reads one policy.
///
/// # Errors
/// What Cedar cannot read, with its place.
pub(crate) fn parse(name: &str, text: &str) -> Result<Policy, Vec<Fault>> {
    if text.len() > POLICY_BYTES {
        let message = format!("it is longer than {POLICY_BYTES} bytes");
        return Err(vec![Fault {
            policy: Some(name.to_owned()),
            message,
            help: None,
            place: None,
        }]);
    }
    if let Some(fault) = too_deep(Language::Policy, Some(name), text) {
        return Err(vec![fault]);
    }
    let told = |said: cedar_policy::ParseErrors| {
        said.iter().map(|said| Fault::cedar(Some(name), text, said)).collect::<Vec<_>>()
    };
    Policy::parse(Some(PolicyId::new(name)), text).map_err(told)
}

/// Cedar's message without the policy's name, which stands before it already.
fn without_name(mut fault: Fault) -> Fault {
    let prefix = format!("for policy `{}`, ", fault.policy.as_deref().unwrap_or_default());
    fault.message = fault.message.replacen(&prefix, "", 1);
    fault.help = fault.help.map(|help| help.replacen(&prefix, "", 1));
    fault
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = "entity Table { owner: User };\n\
        action select, insert appliesTo { principal: [User], resource: [Table], context: { mfa: Bool } };";

    fn faults(text: &str) -> Vec<String> {
        let checked = validate(&Schemas::default(), SCHEMA, [("sales", text)]);
        checked.err().into_iter().flatten().map(|fault| fault.to_string()).collect()
    }

    #[test]
    fn policies_that_make_sense_are_taken() {
        for text in [
            r#"permit (principal in Group::"Sales", action == Action::"select", resource);"#,
            r#"forbid (principal, action, resource) unless { context.mfa };"#,
            r#"permit (principal, action, resource) when { resource.owner == principal };"#,
            r#"permit (principal in Role::"Analyst", action, resource is Table)
               when { principal has department && principal.department == "Sales" };"#,
            r#"permit (principal, action, resource)
               when { principal has emails && principal.emails.contains("jane@acme.com") };"#,
        ] {
            assert_eq!(faults(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_makes_none_is_told_in_cedars_words_with_its_place() {
        for (text, place, words) in [
            (
                "permit (principal, action, resource)",
                "line 1, column 37",
                "unexpected end of input",
            ),
            (
                "permit (principal, action, resource);\npermit (principal, action, resource);",
                "line 2, column 1",
                "unexpected token `permit`",
            ),
            (
                "permit (principal,\n  action == Action::\"selct\", resource);",
                "line 2, column 13",
                "unrecognized action `Action::\"selct\"`",
            ),
            (
                "permit (principal, action, resource)\nwhen { resource.size > 3 };",
                "line 2, column 8",
                "attribute `size`",
            ),
            (
                "permit (principal, action, resource) when { principal.department == \"x\" };",
                "line 1, column 45",
                "optional attribute",
            ),
            (
                "permit (principal == ?principal, action, resource);",
                "line 1, column 22",
                "template",
            ),
        ] {
            let told = faults(text);
            assert!(
                told.iter().any(|t| t.contains(place) && t.contains(words)),
                "{text}: {told:#?}"
            );
        }
    }
}
