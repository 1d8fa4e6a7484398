//! Query strings: names in any case, `+` for a space (L-09, L-15).

use std::borrow::Cow;

use domain::position::Position;
use engine::When;
use percent_encoding::percent_decode_str;
use scim::Invalid;

use crate::refused::Refused;

/// The parameters of a query, decoded, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(crate) fn parse(query: &str) -> Result<Parameters, Refused> {
        let decode = |text: &str| {
            let spaced: Cow<'_, str> =
                if text.contains('+') { text.replace('+', " ").into() } else { text.into() };
            percent_decode_str(&spaced).decode_utf8().map(|text| text.into_owned()).map_err(|_| {
                Refused::from(Invalid::value("the query is not UTF-8 when percent-decoded"))
            })
        };
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        });
        pairs.collect::<Result<_, Refused>>().map(Parameters)
    }

    /// The first value of a parameter, its name in any case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The moment that `asOf` names: a position or a time.
    pub(crate) fn as_of(&self) -> Result<Option<When>, Refused> {
        let mut named = self.pairs().filter(|(name, _)| name.eq_ignore_ascii_case("asOf"));
        let Some((_, text)) = named.next() else { return Ok(None) };
        if named.next().is_some() {
            return Err(Invalid::value("`asOf` is there twice: name one moment").into());
        }
        let when = text
            .parse()
            .map_err(|error: engine::NotAMoment| Invalid::value(format!("`asOf`: {error}")))?;
        Ok(Some(when))
    }

    /// The position that a read must not be behind.
    pub(crate) fn min_position(&self) -> Result<Option<Position>, Refused> {
        self.parsed("min-position", "a position, as `Rollbook-Position` said it")
    }

    /// A parameter of a type of its own.
    pub(crate) fn parsed<T: std::str::FromStr>(
        &self,
        name: &str,
        form: &str,
    ) -> Result<Option<T>, Refused> {
        let Some(text) = self.get(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            Invalid::value(format!("`{text}` is no value for `{name}`: give {form}")).into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pluses_are_spaces_and_escaped_pluses_are_pluses() {
        let parameters = Parameters::parse("Filter=a+eq+%22b%2Bc%22&count=2&&x").unwrap();
        assert_eq!(parameters.get("filter"), Some("a eq \"b+c\""));
        assert_eq!(parameters.get("COUNT"), Some("2"));
        assert_eq!(parameters.get("x"), Some(""));
        assert!(Parameters::parse("filter=%ff").is_err());
    }
}
