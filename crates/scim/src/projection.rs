//! Which attributes an answer has (RFC 7644 §3.9, RFC 7643 §7).

use crate::error::Invalid;
use crate::limits;
use crate::mode::Mode;
use crate::path::{AttrPath, resolve};
use crate::schema::{Attribute, ResourceType, Returned};

/// Which attributes an answer has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Projection {
    /// Those that are returned by default.
    #[default]
    Default,
    /// These, and those that are always returned.
    Only(Vec<AttrPath>),
    /// Those that are returned by default but for these.
    Except(Vec<AttrPath>),
    /// Those that are returned by default, and these, which are returned on request only: a client that writes them sees them in
    /// the answer (RFC 7643 §7).
    Written(Vec<AttrPath>),
}

/// How much of an attribute or an extension is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shown {
    Nothing,
    /// What its parts say.
    Parts,
    /// Everything that is returned by default or on request.
    Whole,
}

impl Projection {
    /// Reads the parameters of a URL: names separated by commas, in any case; unknown ones are ignored.
    ///
    /// # Errors
    /// 400 `invalidValue` if both are given, or more than [`limits::PROJECTION_NAMES`] names.
    pub fn parse(
        attributes: Option<&str>,
        excluded_attributes: Option<&str>,
        rtype: &ResourceType,
    ) -> Result<Self, Invalid> {
        let split = |list: &str| list.split(',').map(|name| name.trim().to_owned()).collect();
        Self::from_names(attributes.map(split), excluded_attributes.map(split), rtype)
    }

    /// The same from lists, as a search request has them. Lists of nothing but empty names count as absent.
    ///
    /// # Errors
    /// As [`Projection::parse`].
    pub fn from_names(
        attributes: Option<Vec<String>>,
        excluded_attributes: Option<Vec<String>>,
        rtype: &ResourceType,
    ) -> Result<Self, Invalid> {
        let said = |names: Option<Vec<String>>| {
            names.filter(|names| names.iter().any(|name| !name.is_empty()))
        };
        let (names, make): (_, fn(Vec<AttrPath>) -> Self) =
            match (said(attributes), said(excluded_attributes)) {
                (None, None) => return Ok(Self::Default),
                (Some(names), None) => (names, Self::Only),
                (None, Some(names)) => (names, Self::Except),
                (Some(_), Some(_)) => {
                    return Err(Invalid::value(
                        "`attributes` and `excludedAttributes` exclude each other",
                    ));
                }
            };
        if names.len() > limits::PROJECTION_NAMES {
            return Err(Invalid::value(format!(
                "more than {} attribute names",
                limits::PROJECTION_NAMES
            )));
        }
        let known = names.iter().filter_map(|name| resolve(name, rtype, Mode::Strict.into()));
        Ok(make(known.map(AttrPath::from).collect()))
    }

    /// The same for the answer to a write: what is returned on request only is shown if the client `said` it in the request
    /// (RFC 7643 §7), unless the request chooses its attributes.
    #[must_use]
    pub fn answering(self, rtype: &ResourceType, said: impl Fn(&AttrPath) -> bool) -> Self {
        if self != Self::Default {
            return self;
        }
        let said: Vec<AttrPath> = on_request(rtype).filter(said).collect();
        if said.is_empty() { self } else { Self::Written(said) }
    }

    /// Whether a top-level attribute, or a sub-attribute of it, may be shown. For an extension the name is its URN and the
    /// sub-attribute one of its attributes. Names are in the schema's spelling.
    #[must_use]
    pub fn keeps(&self, name: &str, sub: Option<&str>) -> bool {
        if matches!(name, "id" | "schemas") {
            return true;
        }
        let whole = |path: &AttrPath| {
            path.schema().is_none() && path.name() == name && path.sub().is_none()
        };
        let part = |path: &AttrPath| match (path.schema(), sub) {
            (None, None) => path.name() == name,
            (None, Some(sub)) => path.name() == name && path.sub() == Some(sub),
            (Some(urn), None) => urn == name,
            (Some(urn), Some(sub)) => urn == name && path.name() == sub,
        };
        let hides = |path: &AttrPath| match (path.schema(), sub) {
            (None, Some(sub)) => path.name() == name && path.sub() == Some(sub),
            (Some(urn), Some(sub)) => urn == name && path.name() == sub && path.sub().is_none(),
            (_, None) => false,
        };
        match self {
            Self::Default | Self::Written(_) => true,
            Self::Only(paths) => paths.iter().any(|path| whole(path) || part(path)),
            Self::Except(paths) => !paths.iter().any(|path| whole(path) || hides(path)),
        }
    }

    /// Whether any part of an attribute, such as `members`, may be shown: if not, it need not be loaded (R-7644-3.9-06).
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.keeps(name, None)
    }

    /// How much of an extension is shown, before its attributes are asked.
    pub(crate) fn of_extension(&self, urn: &str) -> Shown {
        let is_named = |path: &AttrPath| path.schema().is_none() && path.name() == urn;
        match self {
            Self::Default | Self::Written(_) => Shown::Whole,
            Self::Only(paths) if paths.iter().any(is_named) => Shown::Whole,
            Self::Only(_) => Shown::Parts,
            Self::Except(paths) if paths.iter().any(is_named) => Shown::Nothing,
            Self::Except(_) => Shown::Parts,
        }
    }

    /// How much of an attribute is shown (RFC 7643 §7, "returned").
    pub(crate) fn of(&self, schema: Option<&str>, attribute: &Attribute) -> Shown {
        match attribute.returned {
            Returned::Never => return Shown::Nothing,
            Returned::Always => return Shown::Whole,
            Returned::Default | Returned::Request => {}
        }
        let names = |path: &AttrPath| path.schema() == schema && path.name() == &*attribute.name;
        let in_extension = schema.map_or(Shown::Nothing, |urn| self.of_extension(urn));
        match self {
            Self::Default if attribute.returned == Returned::Request => Shown::Nothing,
            Self::Written(said)
                if attribute.returned == Returned::Request && !said.iter().any(names) =>
            {
                Shown::Nothing
            }
            Self::Default | Self::Written(_) => Shown::Whole,
            Self::Only(paths) => {
                if in_extension == Shown::Whole
                    || paths.iter().any(|path| names(path) && path.sub().is_none())
                {
                    Shown::Whole
                } else if paths.iter().any(names) || always_shows(attribute) {
                    Shown::Parts
                } else {
                    Shown::Nothing
                }
            }
            Self::Except(paths) => {
                let is_out = (schema.is_some() && in_extension == Shown::Nothing)
                    || attribute.returned == Returned::Request
                    || paths.iter().any(|path| names(path) && path.sub().is_none());
                match (is_out, always_shows(attribute)) {
                    (true, false) => Shown::Nothing,
                    (true, true) | (false, _) => Shown::Parts,
                }
            }
        }
    }

    /// Whether a sub-attribute is shown, given how much of its attribute is.
    pub(crate) fn of_sub(
        &self,
        schema: Option<&str>,
        attribute: &Attribute,
        sub: &Attribute,
        shown: Shown,
    ) -> bool {
        let is_named = |path: &AttrPath| {
            path.schema() == schema
                && path.name() == &*attribute.name
                && path.sub() == Some(&*sub.name)
        };
        match (sub.returned, shown) {
            (Returned::Never, _) | (_, Shown::Nothing) => false,
            (Returned::Always, _) => true,
            (returned, _) => match self {
                Self::Default => returned != Returned::Request,
                Self::Written(said) => returned != Returned::Request || said.iter().any(is_named),
                Self::Only(paths) => {
                    (shown == Shown::Whole && returned != Returned::Request)
                        || paths.iter().any(is_named)
                }
                Self::Except(paths) => {
                    let whole = |path: &AttrPath| {
                        path.schema() == schema
                            && path.name() == &*attribute.name
                            && path.sub().is_none()
                    };
                    returned != Returned::Request
                        && !paths.iter().any(|path| is_named(path) || whole(path))
                }
            },
        }
    }
}

/// Every attribute and sub-attribute of a type that is returned on request only.
fn on_request(rtype: &ResourceType) -> impl Iterator<Item = AttrPath> {
    let core = rtype.schema.attributes.iter().map(|attribute| (None, attribute));
    let extensions = rtype.extensions.iter().flat_map(|(schema, _)| {
        schema.attributes.iter().map(|attribute| (Some(schema.id.clone()), attribute))
    });
    core.chain(extensions).flat_map(|(schema, attribute)| {
        let subs = attribute.sub_attributes.iter().map(|sub| (sub.returned, Some(sub.clone())));
        [(attribute.returned, None)]
            .into_iter()
            .chain(subs)
            .filter(|(returned, _)| *returned == Returned::Request)
            .map(move |(_, sub)| AttrPath::new(schema.clone(), attribute.clone(), sub))
            .collect::<Vec<_>>()
    })
}

fn always_shows(attribute: &Attribute) -> bool {
    attribute.sub_attributes.iter().any(|sub| sub.returned == Returned::Always)
}
