//! The frames that commits were read from last.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::limits::RECENT_BYTES;
use crate::log::Stored;

/// Frames as they were unpacked, the one used last at the end. A frame never changes, so none grows old; its
/// commits are sealed, so an erased person's values are not in them.
#[derive(Default)]
pub(crate) struct Recent {
    frames: VecDeque<(u64, Arc<[Stored]>)>,
    // INVARIANT (bytes): of all commits in `frames`; at most RECENT_BYTES.
    bytes: usize,
}

impl Recent {
    /// The commits that begin in a frame, if they are kept.
    pub(crate) fn get(&mut self, frame: u64) -> Option<Arc<[Stored]>> {
        let index = self.frames.iter().rposition(|(there, _)| *there == frame)?;
        let kept = self.frames.remove(index)?;
        let commits = kept.1.clone();
        self.frames.push_back(kept);
        Some(commits)
    }

    /// Keeps a frame's commits; those used longest ago make room. What is too large to be kept is not.
    pub(crate) fn keep(&mut self, frame: u64, commits: &Arc<[Stored]>) {
        let more = bytes(commits);
        if more > RECENT_BYTES || self.frames.iter().any(|(there, _)| *there == frame) {
            return;
        }
        self.bytes += more;
        self.frames.push_back((frame, commits.clone()));
        while self.bytes > RECENT_BYTES
            && let Some((_, gone)) = self.frames.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(bytes(&gone));
        }
    }
}

/// Bytes that commits take.
fn bytes(commits: &[Stored]) -> usize {
    commits.iter().map(|stored| size_of::<Stored>() + stored.bytes.len()).sum()
}

#[cfg(test)]
mod tests {
    use domain::id::TenantId;
    use domain::position::Position;

    use super::*;

    fn frame(length: usize) -> Arc<[Stored]> {
        let bytes = vec![0; length];
        [Stored { tenant: TenantId::SYSTEM, position: Position::FIRST, bytes }].into()
    }

    #[test]
    fn what_was_used_last_is_kept_within_the_limit() {
        let mut recent = Recent::default();
        let third = frame(RECENT_BYTES / 3);
        recent.keep(1, &third);
        recent.keep(2, &third);
        recent.keep(2, &third);
        assert!(recent.get(1).is_some());
        recent.keep(3, &third);
        assert!(recent.get(2).is_none(), "it was used longest ago");
        assert!(recent.get(1).is_some() && recent.get(3).is_some());
        recent.keep(4, &frame(RECENT_BYTES));
        assert!(recent.get(4).is_none() && recent.get(1).is_some(), "it is too large");
        (5..100).for_each(|number| recent.keep(number, &third));
        assert_eq!(recent.frames.len(), 2);
        assert_eq!(recent.bytes, 2 * bytes(&third));
    }
}
