//! Paths, taken apart.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The parts of a path, decoded; doubled slashes and one at the end do not matter (L-09). None: it
/// is not UTF-8.
pub(crate) fn parts(path: &str) -> Option<Vec<Cow<'_, str>>> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts.map(|part| percent_decode_str(part).decode_utf8().ok()).collect()
}
