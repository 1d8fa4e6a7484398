//! The list of statements: what it looks like as text, and which number a name begins with.

use std::collections::BTreeMap;

/// What one statement is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its number, as in `R-7644-3.5.2-04`.
    pub id: String,
    /// `MUST`, `MUST NOT`, `SHOULD`, `SHOULD NOT` or `MAY`.
    pub level: String,
    /// Whether the RFC leaves it open, and the rule is our own.
    pub is_ours: bool,
    /// What it says, in one line.
    pub text: String,
    /// Why it is deliberately not met.
    pub not_met: Option<String>,
}

/// Statements about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// What it says.
    pub statements: Vec<Statement>,
}

/// All statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statements {
    /// By section, in the order of the file.
    pub sections: Vec<Section>,
    // The number of each snake-case form.
    by_snake: BTreeMap<String, String>,
}

const LEVELS: [&str; 5] = ["MUST", "MUST-NOT", "SHOULD", "SHOULD-NOT", "MAY"];
const REASON: &str = "not met:";

impl Statements {
    /// Reads the file's text.
    ///
    /// # Errors
    /// Which line is not well formed, or which number is there twice.
    pub fn parse(text: &str) -> Result<Statements, String> {
        let mut sections: Vec<Section> = Vec::new();
        let mut by_snake = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let fault = |what: &str| format!("statements, line {}: {what}", number + 1);
            if let Some(title) = line.strip_prefix("## ") {
                sections.push(Section { title: title.to_owned(), statements: Vec::new() });
            } else if line.starts_with('#') || line.trim().is_empty() {
                // A remark.
            } else {
                let section = sections.last_mut().ok_or_else(|| fault("no section yet"))?;
                if line.starts_with(' ') {
                    let reason = line.trim().strip_prefix(REASON).map(str::trim);
                    let reason = reason.filter(|reason| !reason.is_empty());
                    let reason = reason.ok_or_else(|| fault("a reason begins with `not met:`"))?;
                    let statement = section.statements.last_mut();
                    let statement = statement.ok_or_else(|| fault("a reason for nothing"))?;
                    if statement.not_met.replace(reason.to_owned()).is_some() {
                        return Err(fault("a second reason"));
                    }
                } else {
                    let statement = Statement::parse(line).map_err(|why| fault(&why))?;
                    let (snake, id) = (snake(&statement.id), statement.id.clone());
                    if let Some(other) = by_snake.insert(snake, id) {
                        return Err(fault(&format!("`{other}` is there already")));
                    }
                    section.statements.push(statement);
                }
            }
        }
        Ok(Statements { sections, by_snake })
    }

    /// Every statement, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Statement> {
        self.sections.iter().flat_map(|section| &section.statements)
    }

    /// Whether there is a statement with this number.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.by_snake.get(&snake(id)).is_some_and(|known| known == id)
    }

    /// The number that a test's name begins with: the longest that there is. None: the name begins
    /// with none.
    ///
    /// # Errors
    /// The name begins as a number does, but there is no such number.
    pub fn number_of(&self, name: &str) -> Result<Option<&str>, String> {
        let ends = name.match_indices('_').map(|(at, _)| at).chain([name.len()]);
        let found = ends.filter_map(|end| self.by_snake.get(name.get(..end)?)).next_back();
        match found {
            Some(id) => Ok(Some(id)),
            None if looks_numbered(name) => {
                Err(format!("`{name}` begins with a number that is not in the list"))
            }
            None => Ok(None),
        }
    }
}

impl Statement {
    /// Whether it is a row of what the two products do: those are proved over HTTP on the running binary.
    #[must_use]
    pub fn is_of_a_product(&self) -> bool {
        ["C-", "P-"].iter().any(|family| self.id.starts_with(family))
            && !self.id.starts_with("C-ROLE-")
    }

    fn parse(line: &str) -> Result<Statement, String> {
        let mut words = line.splitn(3, ' ');
        let (Some(id), Some(level), Some(text)) = (words.next(), words.next(), words.next()) else {
            return Err("a number, a level and a text are due".to_owned());
        };
        if !is_number(id) {
            return Err(format!("`{id}` is no number"));
        }
        let (level, is_ours) =
            level.strip_suffix('*').map_or((level, false), |level| (level, true));
        if !LEVELS.contains(&level) {
            return Err(format!("`{level}` is no level"));
        }
        Ok(Statement {
            id: id.to_owned(),
            level: level.replace('-', " "),
            is_ours,
            text: text.trim().to_owned(),
            not_met: None,
        })
    }
}

/// Whether this is a number of one of the families in the list.
pub(super) fn is_number(text: &str) -> bool {
    let ends_in_two_digits = text
        .rsplit_once('-')
        .is_some_and(|(_, end)| end.len() == 2 && end.bytes().all(|b| b.is_ascii_digit()));
    let families = ["R-", "A-", "L-", "I-", "C-", "P-"];
    ends_in_two_digits && families.iter().any(|family| text.starts_with(family))
}

/// A number as the beginning of a test's name.
fn snake(id: &str) -> String {
    id.to_ascii_lowercase().replace(['-', '.'], "_")
}

/// Whether a test's name begins as a number does, there being such a number or not.
fn looks_numbered(name: &str) -> bool {
    let digits = |prefix: &str, count: usize| {
        let rest = name.strip_prefix(prefix).unwrap_or_default();
        let run = rest.bytes().take_while(u8::is_ascii_digit).count();
        run == count && matches!(rest.as_bytes().get(run), None | Some(b'_'))
    };
    digits("r_", 4)
        || digits("a_", 4)
        || digits("l_", 2)
        || digits("i_", 2)
        || digits("c_", 2)
        || digits("p_", 2)
        || name.starts_with("c_role_")
}
