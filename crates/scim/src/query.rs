//! What a list is asked for (RFC 7644 §3.4.2, §3.4.3).

mod cursor;
mod sort;

pub use cursor::Cursor;
pub use sort::{Sort, SortKey};

use crate::error::{Invalid, quoted};
use crate::filter::Filter;
use crate::mode::Options;
use crate::projection::Projection;
use crate::quirk::Quirk;
use crate::schema::ResourceType;
use crate::value::{Object, Value};

const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// What a list is asked for.
#[derive(Clone, PartialEq, Debug)]
pub struct ListQuery {
    /// Which resources; all, if there is none.
    pub filter: Option<Filter>,
    /// The first resource of the page, counted from 1.
    pub start_index: u64,
    /// The most resources that the client wants; as many as the server likes, if it doesn't say.
    pub count: Option<u64>,
    /// Where cursor paging is: the first page, or a token. None for index paging (RFC 9865).
    pub cursor: Option<String>,
    /// In which order.
    pub sort: Option<Sort>,
    /// Which attributes of each.
    pub projection: Projection,
    /// What was tolerated.
    pub quirks: Vec<Quirk>,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            filter: None,
            start_index: 1,
            count: None,
            cursor: None,
            sort: None,
            projection: Projection::Default,
            quirks: Vec::new(),
        }
    }
}

/// The parameters as they were sent, before they are understood.
#[derive(Default)]
struct Raw {
    filter: Option<String>,
    start_index: Option<Number>,
    count: Option<Number>,
    cursor: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    attributes: Option<Vec<String>>,
    excluded_attributes: Option<Vec<String>>,
    is_untidy: bool,
}

/// A whole number, held to what a page can use.
type Number = i64;

impl ListQuery {
    /// The parameters in their own spelling (RFC 7644 §3.4.2, RFC 9865 §2).
    pub const PARAMETERS: [&str; 8] = [
        "filter",
        "startIndex",
        "count",
        "cursor",
        "sortBy",
        "sortOrder",
        "attributes",
        "excludedAttributes",
    ];

    /// Reads the parameters of a URL, already decoded. Of a name given twice the last counts; unknown ones are ignored, and so are
    /// names in another case but in [`Mode::Lenient`](crate::Mode::Lenient) (L-09).
    ///
    /// # Errors
    /// 400 `invalidFilter` for the filter; 400 `invalidValue` for a number, a sort or attribute names that can't be used.
    pub fn from_pairs<'p>(
        pairs: impl IntoIterator<Item = (&'p str, &'p str)>,
        rtype: &ResourceType,
        options: impl Into<Options>,
    ) -> Result<Self, Invalid> {
        Self::from_pairs_among(pairs, rtype, &[], options)
    }

    /// The same for one type of a query over several (RFC 7644 §3.4.2.1).
    ///
    /// # Errors
    /// As [`ListQuery::from_pairs`].
    pub fn from_pairs_among<'p>(
        pairs: impl IntoIterator<Item = (&'p str, &'p str)>,
        rtype: &ResourceType,
        others: &[ResourceType],
        options: impl Into<Options>,
    ) -> Result<Self, Invalid> {
        let options = options.into();
        let mut raw = Raw::default();
        for (name, value) in pairs {
            let is_meant = |known: &&str| known.eq_ignore_ascii_case(name);
            let Some(known) = Self::PARAMETERS.into_iter().find(is_meant) else { continue };
            if known != name {
                if !options.is_lenient() {
                    continue;
                }
                raw.is_untidy = true;
            }
            let text = || Some(value.to_owned());
            let names = || Some(value.split(',').map(|name| name.trim().to_owned()).collect());
            match known {
                "filter" => raw.filter = text(),
                "startIndex" => raw.start_index = Some(number("startIndex", value)?),
                "count" => raw.count = Some(number("count", value)?),
                "cursor" => raw.cursor = text(),
                "sortBy" => raw.sort_by = text(),
                "sortOrder" => raw.sort_order = text(),
                "attributes" => raw.attributes = names(),
                "excludedAttributes" => raw.excluded_attributes = names(),
                _ => {}
            }
        }
        raw.understood(rtype, others, options)
    }

    /// Reads the body of a search request.
    ///
    /// # Errors
    /// 400 `invalidSyntax` if it's no SearchRequest message; otherwise as [`ListQuery::from_pairs`].
    pub fn from_search(
        body: &Value,
        rtype: &ResourceType,
        options: impl Into<Options>,
    ) -> Result<Self, Invalid> {
        Self::from_search_among(body, rtype, &[], options)
    }

    /// The same for one type of a search over several.
    ///
    /// # Errors
    /// As [`ListQuery::from_search`].
    pub fn from_search_among(
        body: &Value,
        rtype: &ResourceType,
        others: &[ResourceType],
        options: impl Into<Options>,
    ) -> Result<Self, Invalid> {
        let Some(body) = body.as_complex() else {
            return Err(Invalid::syntax(format!(
                "the body is {} where an object is due",
                body.kind()
            )));
        };
        let names_message = |urns: &[Value]| {
            urns.iter()
                .any(|urn| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(SEARCH_REQUEST)))
        };
        if !body.get_any_case("schemas").and_then(Value::as_list).is_some_and(names_message) {
            return Err(Invalid::syntax(format!("`schemas` does not name `{SEARCH_REQUEST}`")));
        }
        let raw = Raw {
            filter: text_of(body, "filter")?,
            start_index: number_of(body, "startIndex")?,
            count: number_of(body, "count")?,
            cursor: text_of(body, "cursor")?,
            sort_by: text_of(body, "sortBy")?,
            sort_order: text_of(body, "sortOrder")?,
            attributes: names_of(body, "attributes")?,
            excluded_attributes: names_of(body, "excludedAttributes")?,
            is_untidy: false,
        };
        raw.understood(rtype, others, options.into())
    }
}

impl ListQuery {
    /// What is asked for, whichever page of it, in one spelling: two pages of one walk have the same text.
    #[must_use]
    pub fn identity(&self) -> String {
        let mut text = String::new();
        let mut line = |word: &str, value: &dyn std::fmt::Display| {
            text.push_str(&format!("{word} {value}\n"));
        };
        if let Some(filter) = &self.filter {
            line("filter", filter);
        }
        if let Some(sort) = &self.sort {
            line(if sort.descending { "descending" } else { "ascending" }, &sort.by);
        }
        let (word, paths) = match &self.projection {
            Projection::Default => ("all", &[][..]),
            Projection::Only(paths) => ("only", paths.as_slice()),
            Projection::Except(paths) => ("except", paths.as_slice()),
            Projection::Written(paths) => ("written", paths.as_slice()),
        };
        line(word, &paths.len());
        paths.iter().for_each(|path| line("attribute", path));
        text
    }
}

impl Raw {
    fn understood(
        self,
        rtype: &ResourceType,
        others: &[ResourceType],
        options: Options,
    ) -> Result<ListQuery, Invalid> {
        if self.cursor.is_some() && self.start_index.is_some() {
            return Err(Invalid::value("`cursor` and `startIndex` exclude each other"));
        }
        let mut quirks = Vec::new();
        let filter = match &self.filter {
            Some(text) => {
                let (filter, noted) = Filter::read(text, rtype, others, options)?;
                quirks = noted;
                Some(filter)
            }
            None => None,
        };
        if self.is_untidy {
            quirks.push(Quirk::UntidyUrl);
        }
        let sort = match &self.sort_by {
            Some(by) => Sort::parse(by, self.sort_order.as_deref(), rtype, others, options)?,
            None => None,
        };
        Ok(ListQuery {
            filter,
            // Below 1 is 1, below 0 is 0 (RFC 7644 §3.4.2.4).
            start_index: u64::try_from(self.start_index.unwrap_or(1).max(1)).unwrap_or(1),
            count: self.count.map(|count| u64::try_from(count).unwrap_or(0)),
            cursor: self.cursor,
            sort,
            projection: Projection::from_names(self.attributes, self.excluded_attributes, rtype)?,
            quirks,
        })
    }
}

/// Reads a whole number; one that doesn't fit 64 bits is as good as the greatest.
fn number(name: &str, text: &str) -> Result<Number, Invalid> {
    let digits = text.trim().strip_prefix(['-', '+']).unwrap_or_else(|| text.trim());
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Invalid::value(format!(
            "`{name}` is {}, which is no whole number",
            quoted(text)
        )));
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX);
    Ok(if text.trim().starts_with('-') { -size } else { size })
}

fn number_of(body: &Object, name: &str) -> Result<Option<Number>, Invalid> {
    match body.get_any_case(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Integer(number)) => Ok(Some(*number)),
        Some(other) => {
            Err(Invalid::value(format!("`{name}` is {} where a whole number is due", other.kind())))
        }
    }
}

fn text_of(body: &Object, name: &str) -> Result<Option<String>, Invalid> {
    match body.get_any_case(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => {
            Err(Invalid::value(format!("`{name}` is {} where a string is due", other.kind())))
        }
    }
}

fn names_of(body: &Object, name: &str) -> Result<Option<Vec<String>>, Invalid> {
    let misfit = |other: &Value| {
        Invalid::value(format!("`{name}` holds {} where a string is due", other.kind()))
    };
    match body.get_any_case(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(names)) => {
            Ok(Some(names.split(',').map(|name| name.trim().to_owned()).collect()))
        }
        Some(Value::List(items)) => {
            let names = items
                .iter()
                .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| misfit(item)));
            names.collect::<Result<Vec<_>, _>>().map(Some)
        }
        Some(other) => Err(misfit(other)),
    }
}

#[cfg(test)]
mod tests;
