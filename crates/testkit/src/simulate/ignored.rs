//! Who is left out: lists of patterns that some of the names fit, so that users and groups leave and come back all the time. And
//! what feeds what: mappings that make one name of two.

use domain::event::ConnectorSettings;
use domain::mapping::{MappingRule, Take};
use domain::selection::Selection;
use rand::RngExt;
use rand::seq::IndexedRandom;

const USERS: [&str; 4] = ["a*", "*@x.test", "strasse", "nobody*"];
const GROUPS: [&str; 3] = ["sales", "o*", "nothing"];

/// These settings with other lists; more often than not, with none.
pub(super) fn with_lists(settings: ConnectorSettings, rng: &mut impl RngExt) -> ConnectorSettings {
    let none = Selection::default;
    let settings = match rng.random_range(0..4) {
        0 => ConnectorSettings { mapping: mapping(rng), ..settings },
        1 => ConnectorSettings { mapping: Vec::new(), ..settings },
        _ => settings,
    };
    match rng.random_range(0..6) {
        0 | 1 => ConnectorSettings { include: none(), exclude: selection(rng), ..settings },
        2 => ConnectorSettings { include: selection(rng), exclude: none(), ..settings },
        3 => settings,
        _ => ConnectorSettings { include: none(), exclude: none(), ..settings },
    }
}

fn mapping(rng: &mut impl RngExt) -> Vec<MappingRule> {
    let rules = [
        ("userName", "userName", Take::BeforeAt),
        ("displayName", "userName", Take::Whole),
        ("name.givenName", "title", Take::Whole),
    ];
    let rule = |(to, from, take): (&str, &str, Take)| MappingRule {
        to: to.to_owned(),
        from: from.to_owned(),
        take,
    };
    rules.into_iter().filter(|_| rng.random_bool(0.5)).map(rule).collect()
}

fn selection(rng: &mut impl RngExt) -> Selection {
    let mut some = |from: &[&str]| -> Vec<String> {
        (rng.random_bool(0.7))
            .then(|| from.choose(rng).map(|&one| one.to_owned()))
            .flatten()
            .into_iter()
            .collect()
    };
    Selection { user_names: some(&USERS), email_domains: Vec::new(), groups: some(&GROUPS) }
}
