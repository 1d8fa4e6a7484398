//! How deep a text goes. Cedar reads, checks and evaluates what is nested by calling itself, until there is no stack left: and
//! then the whole program ends. So a text that goes too deep is refused before Cedar sees it.

use crate::fault::{Fault, Place};
use crate::limits::{BRANCHES, NESTING, STATEMENTS};
use crate::text::{Shape, tokens};

/// What a text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Language {
    /// A policy.
    Policy,
    /// A schema: its types may stand in `<` and `>`.
    Schema,
}

/// What goes too deep in a text, where it first does.
pub(crate) fn too_deep(language: Language, name: Option<&str>, text: &str) -> Option<Fault> {
    let (mut depth, mut branches, mut statements) = (0_usize, 0_usize, 0_usize);
    for token in tokens(text) {
        let word = text.get(token.span.clone()).unwrap_or_default();
        match (token.shape, word) {
            (Shape::Other, "(" | "[" | "{") => depth += 1,
            (Shape::Other, ")" | "]" | "}") => depth = depth.saturating_sub(1),
            (Shape::Other, "<") if language == Language::Schema => depth += 1,
            (Shape::Other, ">") if language == Language::Schema => depth = depth.saturating_sub(1),
            (Shape::Other, ";") => statements += 1,
            (Shape::Word, "if") => branches += 1,
            (Shape::Word | Shape::Path | Shape::Quoted | Shape::Other, _) => {}
        }
        let message = if depth > NESTING {
            format!("it is nested more than {NESTING} brackets deep: write it flatter")
        } else if language == Language::Policy && branches > BRANCHES {
            format!("it has more than {BRANCHES} `if`s: write several policies")
        } else if language == Language::Schema && statements > STATEMENTS {
            format!(
                "it has more than {STATEMENTS} statements: declare several types at once, as in `entity A, B;`"
            )
        } else {
            continue;
        };
        let place = Some(Place::of(text, token.span.start));
        return Some(Fault { policy: name.map(str::to_owned), message, help: None, place });
    }
    None
}

#[cfg(test)]
mod tests {
    use domain::directory::Schemas;

    use super::*;
    use crate::types::Types;
    use crate::validate::validate;

    const SCHEMA: &str =
        "entity Table; action select appliesTo { principal: [User], resource: [Table] };";

    fn check(schema: &str, condition: &str) -> String {
        let text = format!("permit (principal, action, resource) when {{ {condition} }};");
        let checked = validate(&Schemas::default(), schema, [("p", text.as_str())]);
        checked.err().into_iter().flatten().map(|fault| fault.to_string()).collect()
    }

    /// As deep as is allowed everything is read, in a thread's usual stack and without optimization; one deeper, nothing is.
    /// Seen to end the whole test with an overflow where nothing is refused.
    #[test]
    fn what_goes_too_deep_is_refused_with_its_place() {
        let nested = |n: usize| format!("{}true{}", "(".repeat(n), ")".repeat(n));
        assert_eq!(check(SCHEMA, &nested(NESTING - 1)), "");
        for deep in [NESTING, 5_000] {
            let told = check(SCHEMA, &nested(deep));
            assert!(told.contains("line 1, column 64: it is nested more than"), "{told}");
        }
        for (open, close) in [("[", "]"), ("{a:", "}"), ("[{a:", "}]")] {
            let told = check(SCHEMA, &format!("{}1{}", open.repeat(2_000), close.repeat(2_000)));
            assert!(told.contains("nested more than"), "{told}");
        }
        let branches = |n: usize| format!("{}true", "if true then true else ".repeat(n));
        assert_eq!(check(SCHEMA, &branches(BRANCHES)), "");
        assert!(check(SCHEMA, &branches(700)).contains("more than"));
        // What stands in strings and comments is not deep.
        assert_eq!(check(SCHEMA, &format!("\"{0}\" == \"\" // {0}\n", "(".repeat(50))), "");
    }

    #[test]
    fn a_schema_that_goes_too_deep_is_refused_with_its_place() {
        let read = |text: &str| match Types::of(&Schemas::default(), text) {
            Ok(_) => String::new(),
            Err(faults) => faults.iter().map(ToString::to_string).collect(),
        };
        let set =
            |n: usize| format!("entity T {{ a: {}Long{} }};", "Set<".repeat(n), ">".repeat(n));
        assert_eq!(read(&set(NESTING - 1)), "");
        assert!(read(&set(5_000)).contains("the schema, line 1, column "));
        let record = format!("entity T {}Long{};", "{ a: ".repeat(5_000), "}".repeat(5_000));
        assert!(read(&record).contains("nested more than"));
        let chain = |n: usize| {
            let links = (1..n).map(|n| format!("entity A{n} in [A{}];\n", n - 1));
            format!("entity A0;\n{}", links.collect::<String>())
        };
        assert_eq!(read(&chain(STATEMENTS)), "");
        assert!(read(&chain(STATEMENTS + 1)).contains("line 513, column "));
    }
}
