//! How many files the process may have open: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use server::limits::OTHER_FILES;

use crate::terminal::note;

/// Raises the limit of open files to what this many connections need, as far as the system lets it, and answers for how many
/// there is room.
pub(crate) fn room_for(connections: u32) -> usize {
    let wanted = u64::from(connections) + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    // None: there is no limit.
    let Some(current) = limit.current.filter(|current| *current < wanted) else {
        return usize::try_from(connections).unwrap_or(usize::MAX);
    };
    let raised = limit.maximum.map_or(wanted, |maximum| wanted.min(maximum));
    let changed = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), ..limit });
    let files = if changed.is_ok() { raised } else { current };
    // Of few files the log still needs its share.
    let room = files.saturating_sub(OTHER_FILES).max(files / 2);
    if room < u64::from(connections) {
        note(format!(
            "warning: the limit of open files, {files}, leaves room for {room} connections instead of {connections}: \
             raise it (ulimit -n, LimitNOFILE)"
        ));
    }
    usize::try_from(room).unwrap_or(usize::MAX)
}
