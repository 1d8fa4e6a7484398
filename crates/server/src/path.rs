//! Paths, taken apart.

use percent_encoding::percent_decode_str;

/// The parts of a path, decoded; doubled slashes and one at the end do not matter (L-09). None: it
/// is not UTF-8.
pub(crate) fn parts(path: &str) -> Option<Vec<String>> {
    let decode = |part: &str| percent_decode_str(part).decode_utf8().ok().map(String::from);
    path.split('/').filter(|part| !part.is_empty()).map(decode).collect()
}
