//! What a connector's kind of client needs, by the client's name.
//!
//! Where a client's documented behaviour and the RFCs part, the preset decides. An operator may change each setting
//! afterwards.

use scim::{Mode, Options};

use crate::event::ConnectorSettings;

/// The names of all presets.
pub const PRESETS: &[&str] = &[
    "okta",
    "entra",
    "onelogin",
    "jumpcloud",
    "google",
    "generic",
    "strict",
    "interop",
    "management",
];

/// The settings of a preset; none if there is no such one.
pub fn preset(name: &str) -> Option<ConnectorSettings> {
    // Entra's null update and OneLogin's templates write `""` where they mean nothing (L-13).
    let (mode, empty_unassigns) = match name {
        "okta" | "jumpcloud" | "google" | "generic" => (Mode::Lenient, false),
        "entra" | "onelogin" => (Mode::Lenient, true),
        // An administrator's own scripts: whatever they get wrong, they are told.
        "strict" | "management" => (Mode::Strict, false),
        "interop" => (Mode::Interop, false),
        _ => return None,
    };
    let management_api = name == "management";
    Some(ConnectorSettings {
        empty_unassigns,
        management_api,
        ..ConnectorSettings::new(name, mode)
    })
}

impl ConnectorSettings {
    /// How requests are read with these settings.
    pub fn options(&self) -> Options {
        Options { mode: self.mode, empty_unassigns: self.empty_unassigns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_has_its_name_and_there_is_no_other() {
        for name in PRESETS {
            assert_eq!(preset(name).unwrap().preset, *name);
        }
        assert_eq!(preset("Okta"), None);
    }
}
