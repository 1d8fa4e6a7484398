//! A walk over a server in named steps, each of which is checked before the next one begins.

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use crate::wire::ClientError;

/// A step that was done, with everything it checked as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepDone {
    /// What was done.
    pub step: &'static str,
    /// How many things were looked at.
    pub checks: usize,
}

/// The step at which a walk ended, and why.
#[derive(Debug, Error)]
pub enum LifeError {
    /// A request failed.
    #[error("step `{step}` could not be done")]
    Failed {
        /// The step.
        step: &'static str,
        /// The request and its answer.
        #[source]
        source: ClientError,
    },
    /// An answer is not what Okta needs.
    #[error("step `{step}` expected {expected} and saw {saw}")]
    Unexpected {
        /// The step.
        step: &'static str,
        /// What had to be.
        expected: String,
        /// What was.
        saw: String,
    },
}

/// The steps so far. A step counts as done when the next one begins.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    done: Vec<StepDone>,
    step: &'static str,
    checks: usize,
}

impl Walk {
    /// Begins the next step.
    pub(crate) fn step(&mut self, step: &'static str) {
        if !self.step.is_empty() {
            self.done.push(StepDone { step: self.step, checks: self.checks });
        }
        self.step = step;
        self.checks = 0;
    }

    /// Ends the last step and gives them all.
    pub(crate) fn end(mut self) -> Vec<StepDone> {
        self.step("");
        self.done
    }

    /// A request of this step.
    pub(crate) fn call<T>(&mut self, called: Result<T, ClientError>) -> Result<T, LifeError> {
        self.checks += 1;
        called.map_err(|source| LifeError::Failed { step: self.step, source })
    }

    /// Something that must hold, and what was seen in case it does not.
    pub(crate) fn check(
        &mut self,
        holds: bool,
        expected: &str,
        saw: &Value,
    ) -> Result<(), LifeError> {
        self.checks += 1;
        if holds {
            return Ok(());
        }
        let expected = expected.to_owned();
        Err(LifeError::Unexpected { step: self.step, expected, saw: saw.to_string() })
    }

    /// A value of an answer that must be this one.
    pub(crate) fn same(
        &mut self,
        answer: &Value,
        pointer: &str,
        wanted: &Value,
    ) -> Result<(), LifeError> {
        let saw = answer.pointer(pointer).unwrap_or(&Value::Null);
        self.check(saw == wanted, &format!("`{pointer}` to be {wanted}"), saw)
    }

    /// A value of an answer that must be text, and not empty.
    pub(crate) fn filled(&mut self, answer: &Value, pointer: &str) -> Result<(), LifeError> {
        let saw = answer.pointer(pointer).unwrap_or(&Value::Null);
        let filled = saw.as_str().is_some_and(|text| !text.is_empty());
        self.check(filled, &format!("`{pointer}` to be text"), saw)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_walk_tells_its_steps_and_what_each_looked_at() {
        let mut walk = Walk::default();
        walk.step("first");
        walk.same(&json!({"id": "7"}), "/id", &json!("7")).unwrap();
        walk.filled(&json!({"id": "7"}), "/id").unwrap();
        walk.step("second");
        let done = walk.end();
        let told: Vec<_> = done.iter().map(|done| (done.step, done.checks)).collect();
        assert_eq!(told, [("first", 2), ("second", 0)]);
    }

    #[test]
    fn a_wrong_answer_names_the_step_and_what_was_expected_and_seen() {
        let mut walk = Walk::default();
        walk.step("read the user");
        for (error, text) in [
            (walk.same(&json!({}), "/active", &json!(true)), "`/active` to be true and saw null"),
            (walk.filled(&json!({"id": ""}), "/id"), "`/id` to be text and saw \"\""),
        ] {
            let message = error.unwrap_err().to_string();
            assert_eq!(message, format!("step `read the user` expected {text}"));
        }
    }
}
