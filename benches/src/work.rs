//! What is asked for, again and again: each kind of work, what it sends, and what must come back.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use anyhow::{Context, ensure};
use uuid::Uuid;

use crate::http::Answer;
use crate::okta::{self, To};
use crate::people::{self, NEWCOMERS, Size};

/// One kind of request, or several.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Work {
    /// `GET /Users/{id}`.
    Get,
    /// A filter that finds one user by this attribute, or nobody.
    Filter(By, Hit),
    /// A page of 100 from any index on.
    List,
    /// The next page of 100 of a walk by cursor.
    Walk,
    /// `POST /Users`.
    Create,
    /// `PATCH /Users/{id}`: may act, may not.
    Activate,
    /// `PUT /Users/{id}`, with another title each time.
    Replace,
    /// `PATCH /Groups/{id}`: so many members join, and then leave again.
    Members(Size, u32),
    /// A filter that no index answers and that finds nobody.
    Scan,
    /// What an identity provider does in a day, as shares of a hundred.
    Mix(&'static [(Work, u32)]),
}

/// Which attribute a filter compares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum By {
    UserName,
    ExternalId,
}

/// Whether it finds anybody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hit {
    One,
    None,
}

/// From this number on, there is nobody.
const NOBODY: u32 = 90_000_000;

/// 70 of a hundred are reads.
pub(crate) const OKTA: Work = Work::Mix(&[
    (Work::Filter(By::UserName, Hit::None), 20),
    (Work::Filter(By::UserName, Hit::One), 20),
    (Work::Get, 25),
    (Work::List, 5),
    (Work::Create, 12),
    (Work::Replace, 8),
    (Work::Activate, 5),
    (Work::Members(Size::Ten, 1), 5),
]);

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Work::Get => f.write_str("GET by id"),
            Work::Filter(by, hit) => {
                let by = match by {
                    By::UserName => "userName",
                    By::ExternalId => "externalId",
                };
                let hit = match hit {
                    Hit::One => "hit",
                    Hit::None => "miss",
                };
                write!(f, "{by} eq, {hit}")
            }
            Work::List => f.write_str("page of 100, any startIndex"),
            Work::Walk => f.write_str("page of 100, by cursor"),
            Work::Create => f.write_str("create"),
            Work::Activate => f.write_str("PATCH active"),
            Work::Replace => f.write_str("PUT"),
            Work::Members(_, 1) => f.write_str("add or remove a member"),
            Work::Members(_, many) => write!(f, "add or remove {many} members"),
            Work::Scan => f.write_str("title co \"zzz\""),
            Work::Mix(_) => f.write_str("the Okta mix"),
        }
    }
}

/// What a server holds and what was done to it: which numbers are used already, who may act.
pub(crate) struct Subject {
    pub(crate) to: To,
    /// Users that were there before.
    users: u32,
    ids: Ids,
    state: RefCell<State>,
}

/// How users and groups are addressed.
enum Ids {
    /// By the ids that their numbers lead to.
    ByNumber,
    /// By those that a server gave.
    Given { users: Vec<String>, groups: Vec<String> },
}

struct State {
    newcomers: u32,
    editions: u32,
    inactive: Vec<bool>,
    seed: u64,
    written: u64,
}

impl Subject {
    /// A population of so many users.
    pub(crate) fn new(to: To, users: u32) -> Rc<Subject> {
        Subject::over(to, users, Ids::ByNumber)
    }

    /// The same behind ids that the server gave, in the order of the numbers.
    pub(crate) fn with_ids(to: To, users: Vec<String>, groups: Vec<String>) -> Rc<Subject> {
        let many = u32::try_from(users.len()).unwrap_or(u32::MAX);
        Subject::over(to, many, Ids::Given { users, groups })
    }

    fn over(to: To, users: u32, ids: Ids) -> Rc<Subject> {
        let inactive = vec![false; users as usize];
        let state = State { newcomers: 0, editions: 0, inactive, seed: 1, written: 0 };
        Rc::new(Subject { to, users, ids, state: RefCell::new(state) })
    }

    /// Those who are created from now on have other numbers than this and what is below.
    pub(crate) fn begin_at(&self, newcomers: u32) {
        self.state.borrow_mut().newcomers = newcomers;
    }

    /// Users that were created since.
    pub(crate) fn created(&self) -> u32 {
        self.state.borrow().newcomers
    }

    /// Writes that were acknowledged.
    pub(crate) fn written(&self) -> u64 {
        self.state.borrow().written
    }

    pub(crate) fn user_id(&self, number: u32) -> String {
        match &self.ids {
            Ids::ByNumber => hyphenated(people::user(number)),
            Ids::Given { users, .. } => users.get(number as usize).cloned().unwrap_or_default(),
        }
    }

    fn group_id(&self, number: u32) -> String {
        match &self.ids {
            Ids::ByNumber => hyphenated(people::group(number)),
            Ids::Given { groups, .. } => {
                let one = groups.get(number as usize % groups.len().max(1));
                one.cloned().unwrap_or_default()
            }
        }
    }

    fn random(&self, below: u32) -> u32 {
        let mut state = self.state.borrow_mut();
        state.seed += 1;
        let below = u64::from(below.max(1));
        u32::try_from(people::mix(state.seed) % below).unwrap_or(0)
    }

    /// One of these kinds of work, each as often as its share says.
    fn share(&self, shares: &[(Work, u32)]) -> Work {
        let mut left = self.random(shares.iter().map(|(_, share)| share).sum());
        for (work, share) in shares {
            if left < *share {
                return work.clone();
            }
            left -= share;
        }
        Work::Get
    }

    /// Anybody who was there before.
    fn somebody(&self) -> u32 {
        self.random(self.users)
    }
}

fn hyphenated(id: Uuid) -> String {
    id.as_hyphenated().to_string()
}

/// One connection's part in the work.
pub(crate) struct Hand {
    subject: Rc<Subject>,
    /// Which of the connections it is.
    number: u32,
    /// What was asked last.
    asked: Work,
    cursor: Option<String>,
    /// Who was added and is still to be taken out again, by size of the group.
    joined: Vec<(Work, u32)>,
}

impl Hand {
    pub(crate) fn new(subject: Rc<Subject>, number: u32) -> Hand {
        Hand { subject, number, asked: Work::Get, cursor: None, joined: Vec::new() }
    }

    /// Writes the next request.
    pub(crate) fn ask(&mut self, work: &Work, out: &mut Vec<u8>) {
        let work =
            if let Work::Mix(shares) = work { self.subject.share(shares) } else { work.clone() };
        self.one(&work, out);
        self.asked = work;
    }

    fn one(&mut self, work: &Work, out: &mut Vec<u8>) {
        let subject = self.subject.clone();
        let to = &subject.to;
        match work {
            Work::Get | Work::Mix(_) => {
                let id = subject.user_id(subject.somebody());
                to.get(out, format_args!("/Users/{id}"));
            }
            Work::Filter(by, hit) => {
                let number = match hit {
                    Hit::One => subject.somebody(),
                    Hit::None => NOBODY + subject.random(NOBODY / 10),
                };
                let (attribute, value) = match by {
                    By::UserName => ("userName", people::user_name(number).replace('@', "%40")),
                    By::ExternalId => ("externalId", people::external_id(number)),
                };
                to.get(
                    out,
                    format_args!(
                        "/Users?filter={attribute}%20eq%20%22{value}%22&startIndex=1&count=100"
                    ),
                );
            }
            Work::List => {
                let start = subject.random(subject.users.saturating_sub(99)) + 1;
                to.get(out, format_args!("/Users?startIndex={start}&count=100"));
            }
            Work::Walk => {
                let cursor = self.cursor.as_deref().unwrap_or_default();
                to.get(out, format_args!("/Users?cursor={cursor}&count=100"));
            }
            Work::Create => {
                let number = {
                    let mut state = subject.state.borrow_mut();
                    state.newcomers += 1;
                    NEWCOMERS + state.newcomers
                };
                okta::create(to, out, number);
            }
            Work::Activate => {
                // Those who join groups are others: the last four tenths.
                let number = subject.random(subject.users / 10 * 6);
                let active = {
                    let mut state = subject.state.borrow_mut();
                    state.inactive.get_mut(number as usize).is_some_and(|inactive| {
                        *inactive = !*inactive;
                        !*inactive
                    })
                };
                let id = subject.user_id(number);
                to.send(out, "PATCH", format_args!("/Users/{id}"), &okta::activate(active));
            }
            Work::Replace => {
                // They stay active, as the body says: to change that is another kind of work.
                let active = subject.users / 10 * 6;
                let number = active + subject.random(subject.users - active);
                let edition = {
                    let mut state = subject.state.borrow_mut();
                    state.editions += 1;
                    500_000 + state.editions
                };
                let id = subject.user_id(number);
                let body = people::body(number, edition);
                let body = body.replacen('{', &format!("{{\"id\":\"{id}\","), 1);
                to.send(out, "PUT", format_args!("/Users/{id}"), &body);
            }
            Work::Members(size, many) => self.members(*size, *many, out),
            Work::Scan => {
                to.get(out, format_args!("/Users?filter=title%20co%20%22zzz%22&count=100"));
            }
        }
    }

    /// Each connection has people of its own, and takes out again whom it added.
    fn members(&mut self, size: Size, many: u32, out: &mut Vec<u8>) {
        let subject = self.subject.clone();
        let (last, step) = (subject.users.saturating_sub(1), self.number * many);
        let people: Vec<(String, String)> = (step..step + many)
            .map(|back| last.saturating_sub(back))
            .map(|number| (subject.user_id(number), people::user_name(number)))
            .collect();
        let work = Work::Members(size, many);
        let joined = self.joined.iter().position(|(joined, _)| *joined == work);
        let (group, body) = match joined {
            Some(at) => (self.joined.swap_remove(at).1, okta::remove(&people)),
            None => {
                let group = size.group(subject.random(size.groups()));
                self.joined.push((work, group));
                (group, okta::add(&people))
            }
        };
        let id = subject.group_id(group);
        subject.to.send(out, "PATCH", format_args!("/Groups/{id}"), &body);
    }

    /// Takes out again whom this connection added last; nothing where nobody is left.
    pub(crate) fn tidy(&mut self, out: &mut Vec<u8>) -> bool {
        let Some((work, _)) = self.joined.last().cloned() else { return false };
        self.one(&work, out);
        self.asked = work;
        true
    }

    /// Looks at what came back.
    pub(crate) fn read(&mut self, answer: &Answer<'_>) -> anyhow::Result<()> {
        let expected: &[u16] = match self.asked {
            Work::Create => &[201],
            Work::Activate | Work::Members(..) => &[200, 204],
            Work::Get
            | Work::Filter(..)
            | Work::List
            | Work::Walk
            | Work::Replace
            | Work::Scan
            | Work::Mix(_) => &[200],
        };
        ensure!(
            expected.contains(&answer.status),
            "{}: an answer was {} instead of {expected:?}: {}",
            self.asked,
            answer.status,
            answer.quoted()
        );
        match &self.asked {
            Work::Filter(_, Hit::One) => holds(answer, "\"totalResults\":1"),
            Work::Filter(_, Hit::None) | Work::Scan => holds(answer, "\"totalResults\":0"),
            Work::Walk => {
                self.cursor = next_cursor(answer.body);
                Ok(())
            }
            Work::Create | Work::Activate | Work::Replace | Work::Members(..) => {
                self.subject.state.borrow_mut().written += 1;
                Ok(())
            }
            Work::Get | Work::List | Work::Mix(_) => Ok(()),
        }
    }
}

fn holds(answer: &Answer<'_>, text: &str) -> anyhow::Result<()> {
    let spaced = text.replace(':', ": ");
    let mut windows = answer.body.windows(text.len());
    let found = windows.any(|bytes| bytes == text.as_bytes())
        || answer.body.windows(spaced.len()).any(|bytes| bytes == spaced.as_bytes());
    ensure!(found, "an answer did not say {text}: {}", answer.quoted());
    Ok(())
}

/// Where a walk goes on; none at its end.
fn next_cursor(body: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"\"nextCursor\":\"";
    let at = body.windows(NAME.len()).position(|bytes| bytes == NAME)?;
    let rest = body.get(at + NAME.len()..)?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    String::from_utf8(rest.get(..end)?.to_vec()).ok()
}

/// The id in a resource.
pub(crate) fn id_of(body: &[u8]) -> anyhow::Result<String> {
    let resource: serde_json::Value =
        serde_json::from_slice(body).context("a resource came that is no JSON")?;
    let id = resource.get("id").and_then(serde_json::Value::as_str);
    id.map(str::to_owned).context("a resource came without an id")
}
