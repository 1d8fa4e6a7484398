//! From text to a filter that fits the schema.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::scan::{Json, Scan};
use super::{Filter, Literal, Op};
use crate::error::{Invalid, quoted};
use crate::limits;
use crate::mode::Options;
use crate::moment::Moment;
use crate::path::{AttrPath, is_dotted, resolve_among};
use crate::quirk::Quirk;
use crate::schema::{Attribute, Kind, Mutability, ResourceType, Returned, Uniqueness};
use crate::value::Name;

/// What names mean at a place of the filter.
#[derive(Clone, Copy)]
enum Scope<'a> {
    /// Attributes of a resource of this type; of these other types too, where this one lacks them.
    Resource(&'a ResourceType, &'a [ResourceType]),
    /// Sub-attributes of one element of this attribute.
    Element(&'a Arc<Attribute>),
}

pub(super) fn whole(
    text: &str,
    rtype: &ResourceType,
    others: &[ResourceType],
    options: Options,
) -> Result<(Filter, Vec<Quirk>), Invalid> {
    if text.len() > limits::FILTER_BYTES {
        return Err(Invalid::filter(format!(
            "the filter is longer than {} bytes",
            limits::FILTER_BYTES
        )));
    }
    let mut quirks = BTreeSet::new();
    let mut parser = Parser { scan: Scan::new(text, 0), options, terms: 0, quirks: &mut quirks };
    parser.scan.spaces();
    if parser.scan.is_end() {
        return Err(Invalid::filter("the filter is empty"));
    }
    let filter = parser.any(Scope::Resource(rtype, others), limits::FILTER_DEPTH_LEVELS)?;
    parser.scan.spaces();
    if !parser.scan.is_end() {
        let there = parser.scan.shown();
        return Err(parser.scan.fault(format_args!("`and`, `or` or the end is due, not {there}")));
    }
    Ok((filter, quirks.into_iter().collect()))
}

impl Filter {
    /// Reads a filter in brackets, from the opening one at `at` on. Returns the place after the closing one.
    pub(crate) fn parse_element(
        text: &str,
        at: usize,
        attribute: &Arc<Attribute>,
        options: Options,
        quirks: &mut BTreeSet<Quirk>,
    ) -> Result<(Self, usize), Invalid> {
        let mut parser = Parser { scan: Scan::new(text, at), options, terms: 0, quirks };
        parser.scan.eat('[');
        let filter = parser.any(Scope::Element(attribute), limits::FILTER_DEPTH_LEVELS)?;
        parser.scan.spaces();
        if parser.scan.is_end() {
            return Err(Invalid::path(format!("{} lacks its closing bracket", quoted(text))));
        }
        parser.close(']')?;
        Ok((filter, parser.scan.at()))
    }
}

struct Parser<'t, 'q> {
    scan: Scan<'t>,
    options: Options,
    terms: usize,
    quirks: &'q mut BTreeSet<Quirk>,
}

impl Parser<'_, '_> {
    fn any(&mut self, scope: Scope<'_>, depth: usize) -> Result<Filter, Invalid> {
        let first = self.all(scope, depth)?;
        let mut terms = vec![first];
        while self.keyword("or")? {
            terms.push(self.all(scope, depth)?);
        }
        Ok(one_or(terms, Filter::Or))
    }

    fn all(&mut self, scope: Scope<'_>, depth: usize) -> Result<Filter, Invalid> {
        let first = self.term(scope, depth)?;
        let mut terms = vec![first];
        while self.keyword("and")? {
            terms.push(self.term(scope, depth)?);
        }
        Ok(one_or(terms, Filter::And))
    }

    /// Steps over `and` or `or` and the spaces around it, if it's there.
    fn keyword(&mut self, keyword: &str) -> Result<bool, Invalid> {
        let before = self.scan;
        let spaced = self.scan.spaces();
        let word = self.scan;
        if !self.scan.letters().eq_ignore_ascii_case(keyword) {
            self.scan = before;
            return Ok(false);
        }
        let spaced_after = self.scan.spaces();
        // What is missing at the very end is told by whoever looks for it. The lenient reading takes `)and(` too.
        let is_closed = spaced_after
            || self.scan.is_end()
            || (self.options.is_lenient() && self.scan.peek() == Some('('));
        if !is_closed || !(spaced || self.options.is_lenient()) {
            return Err(word.fault(format_args!("`{keyword}` without spaces around it")));
        }
        if !(spaced && (spaced_after || self.scan.is_end())) {
            self.quirks.insert(Quirk::FilterSpacing);
        }
        Ok(true)
    }

    fn term(&mut self, scope: Scope<'_>, depth: usize) -> Result<Filter, Invalid> {
        self.scan.spaces();
        if self.scan.peek() == Some('(') {
            return self.group(scope, depth);
        }
        let start = self.scan;
        let word = self.scan.word();
        if word.eq_ignore_ascii_case("not") {
            self.scan.spaces();
            if self.scan.peek() != Some('(') {
                return Err(self.scan.fault("`not` without an opening parenthesis after it"));
            }
            return self.group(scope, depth).map(|inner| Filter::Not(Box::new(inner)));
        }
        if word.is_empty() {
            return Err(start.fault(format_args!("an attribute is due, not {}", start.shown())));
        }
        let path = self.path(start, word, scope)?;
        if self.scan.peek() == Some('[') {
            return self.element(start, path, scope, depth);
        }
        self.comparison(start, path)
    }

    fn group(&mut self, scope: Scope<'_>, depth: usize) -> Result<Filter, Invalid> {
        let below = self.below(depth)?;
        self.scan.eat('(');
        let inner = self.any(scope, below)?;
        self.scan.spaces();
        self.close(')')?;
        Ok(inner)
    }

    fn below(&self, depth: usize) -> Result<usize, Invalid> {
        let most = limits::FILTER_DEPTH_LEVELS;
        depth
            .checked_sub(1)
            .ok_or_else(|| self.scan.fault(format_args!("nested deeper than {most} levels")))
    }

    fn close(&mut self, bracket: char) -> Result<(), Invalid> {
        if self.scan.eat(bracket) {
            return Ok(());
        }
        let there = self.scan.shown();
        Err(self.scan.fault(format_args!("`and`, `or` or `{bracket}` is due, not {there}")))
    }

    fn element(
        &mut self,
        start: Scan<'_>,
        path: AttrPath,
        scope: Scope<'_>,
        depth: usize,
    ) -> Result<Filter, Invalid> {
        if matches!(scope, Scope::Element(_)) {
            return Err(self.scan.fault("brackets inside brackets"));
        }
        if path.sub().is_some() || !(path.attribute().multi_valued || path.attribute().is_complex())
        {
            return Err(start.fault(format_args!("`{path}` has no elements to choose from")));
        }
        let below = self.below(depth)?;
        self.scan.eat('[');
        let attribute = path.attribute().clone();
        let filter = self.any(Scope::Element(&attribute), below)?;
        self.scan.spaces();
        self.close(']')?;
        if !self.options.is_lenient() || self.scan.peek() != Some('.') {
            return Ok(Filter::Element { path, filter: Box::new(filter) });
        }
        // L-14: `emails[type eq "work"].value eq "x"` is one element that meets both.
        self.quirks.insert(Quirk::ElementSub);
        self.scan.eat('.');
        let start = self.scan;
        let word = self.scan.word();
        let sub = self.path(start, word, Scope::Element(&attribute))?;
        let last = self.comparison(start, sub)?;
        let filter = match filter {
            Filter::And(mut terms) => {
                terms.push(last);
                Filter::And(terms)
            }
            other @ (Filter::Or(_)
            | Filter::Not(_)
            | Filter::Present(_)
            | Filter::Compare { .. }
            | Filter::Element { .. }) => Filter::And(vec![other, last]),
        };
        Ok(Filter::Element { path, filter: Box::new(filter) })
    }

    /// `attribute pr`, or `attribute op literal`.
    fn comparison(&mut self, start: Scan<'_>, path: AttrPath) -> Result<Filter, Invalid> {
        self.terms += 1;
        if self.terms > limits::FILTER_TERMS {
            return Err(Invalid::filter(format!(
                "the filter has more than {} terms",
                limits::FILTER_TERMS
            )));
        }
        self.scan.spaces();
        let at = self.scan;
        let word = self.scan.word();
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        if word.is_empty() {
            return Err(
                at.fault(format_args!("an operator is due after `{path}`, not {}", at.shown()))
            );
        }
        let Some(op) = Op::of(word) else {
            return Err(at.fault(format_args!("unknown operator {}", quoted(word))));
        };
        if !self.scan.spaces() && !self.scan.is_end() {
            if !self.options.is_lenient() {
                return Err(self.scan.fault(format_args!("a space is due after `{word}`")));
            }
            self.quirks.insert(Quirk::FilterSpacing);
        }
        let at = self.scan;
        let json = self.scan.literal()?;
        let path = if matches!(json, Json::Null) { path } else { implied_value(start, path)? };
        let value = self.fitting(at, &path, op, json)?;
        Ok(Filter::Compare { path, op, value })
    }

    fn path(&mut self, start: Scan<'_>, word: &str, scope: Scope<'_>) -> Result<AttrPath, Invalid> {
        let unknown = || start.fault(format_args!("unknown attribute {}", quoted(word)));
        let path = match scope {
            Scope::Resource(rtype, others) => {
                let alias = || alias(word, rtype, self.options);
                let known = resolve_among(word, rtype, others, self.options);
                if self.options.is_lenient() {
                    let of_all = || std::iter::once(rtype).chain(others);
                    let is_short = known.is_none() && alias().is_some();
                    let is_dotted = !is_short
                        && of_all().all(|rtype| rtype.find(word).is_none())
                        && of_all().any(|rtype| is_dotted(word, rtype));
                    self.quirks.extend(is_short.then_some(Quirk::NameAlias));
                    self.quirks.extend(is_dotted.then_some(Quirk::DottedUrn));
                }
                known.or_else(alias).ok_or_else(unknown)?
            }
            Scope::Element(attribute) => {
                let sub = attribute.sub(word).cloned().or_else(|| itself(attribute, word));
                AttrPath::new(None, sub.ok_or_else(unknown)?, None)
            }
        };
        // A filter on what is never returned would be an oracle for it.
        if path.leaf().returned == Returned::Never || path.attribute().returned == Returned::Never {
            return Err(start.fault(format_args!("`{path}` may not be asked for")));
        }
        Ok(path)
    }

    /// The literal, if it and the operator go with the attribute (RFC 7643 §2.3).
    fn fitting(
        &mut self,
        at: Scan<'_>,
        path: &AttrPath,
        op: Op,
        json: Json,
    ) -> Result<Literal, Invalid> {
        let kind = path.kind();
        let is_equality = matches!(op, Op::Eq | Op::Ne);
        let is_part = matches!(op, Op::Co | Op::Sw | Op::Ew);
        let allowed = match (kind, &json) {
            (_, Json::Null) | (Kind::Boolean | Kind::Binary, _) => is_equality,
            (Kind::Integer | Kind::Decimal | Kind::DateTime, _) => !is_part,
            (Kind::String | Kind::Reference | Kind::Complex, _) => true,
        };
        if !allowed {
            let what =
                if matches!(json, Json::Null) { "null".to_owned() } else { format!("`{path}`") };
            return Err(at.fault(format_args!("`{}` does not go with {what}", op.as_str())));
        }
        let misfit = |due: &str| Err(at.fault(format_args!("`{path}` is compared with {due}")));
        Ok(match (kind, json) {
            (_, Json::Null) => Literal::Null,
            (Kind::Boolean, Json::Bool(flag)) => Literal::Bool(flag),
            (Kind::Boolean, Json::String(text)) if self.options.is_lenient() => {
                match flag_of(&text) {
                    Some(flag) => {
                        self.quirks.insert(Quirk::BooleanText);
                        Literal::Bool(flag)
                    }
                    None => return misfit("true or false"),
                }
            }
            (Kind::Boolean, _) => return misfit("true or false"),
            (Kind::Integer | Kind::Decimal, Json::Integer(number)) => Literal::Integer(number),
            (Kind::Integer | Kind::Decimal, Json::Decimal(number)) => Literal::Decimal(number),
            (Kind::Integer | Kind::Decimal, _) => return misfit("a number"),
            (Kind::DateTime, Json::String(text)) => match Moment::parse(&text) {
                Some(at) => Literal::Moment { text: text.into(), at },
                None => {
                    return misfit(
                        "a date and time in double quotes, such as \"2026-01-31T09:30:00Z\"",
                    );
                }
            },
            (Kind::DateTime, _) => return misfit("a date and time in double quotes"),
            (Kind::String | Kind::Reference | Kind::Binary, Json::String(text)) => {
                let matching = path.matching();
                let prepared =
                    if is_part { matching.prepare_part(&text) } else { matching.prepare(&text) };
                Literal::String { prepared: prepared.into(), text: text.into() }
            }
            (Kind::String | Kind::Reference | Kind::Binary | Kind::Complex, _) => {
                return misfit("text in double quotes");
            }
        })
    }
}

/// `"True"` and `"False"` in any case (L-02).
pub(crate) fn flag_of(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

fn one_or(mut terms: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    match (terms.len(), terms.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            terms.extend(last);
            many(terms)
        }
    }
}

/// A complex attribute that has a `value` means that when it's compared (RFC 7644 §3.4.2.2: `emails co "example.com"`).
fn implied_value(start: Scan<'_>, path: AttrPath) -> Result<AttrPath, Invalid> {
    if path.kind() != Kind::Complex {
        return Ok(path);
    }
    match path.attribute().sub("value") {
        Some(value) => Ok(path.with_sub(Some(value.clone()))),
        None => Err(start.fault(format_args!("`{path}` needs a sub-attribute"))),
    }
}

/// A bracket filter on values that are no objects calls the value itself `value` (RFC 7644 §3.5.2.2).
fn itself(attribute: &Arc<Attribute>, word: &str) -> Option<Arc<Attribute>> {
    if attribute.is_complex() || !word.eq_ignore_ascii_case("value") {
        return None;
    }
    Some(Arc::new(Attribute {
        name: Name::known("value"),
        multi_valued: false,
        required: false,
        mutability: Mutability::ReadWrite,
        uniqueness: Uniqueness::None,
        description: String::new(),
        ..Attribute::clone(attribute)
    }))
}

/// Names that some clients ask for without saying where they are.
const ALIASES: [(&str, &str); 4] = [
    ("givenName", "name.givenName"),
    ("firstName", "name.givenName"),
    ("familyName", "name.familyName"),
    ("lastName", "name.familyName"),
];

fn alias(word: &str, rtype: &ResourceType, options: Options) -> Option<AttrPath> {
    if !options.is_lenient() {
        return None;
    }
    let (_, meant) = ALIASES.into_iter().find(|(alias, _)| alias.eq_ignore_ascii_case(word))?;
    rtype.find(meant).map(AttrPath::from)
}
