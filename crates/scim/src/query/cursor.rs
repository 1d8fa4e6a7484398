//! Where a walk through a list by cursor goes on (RFC 9865).

use crate::error::{Invalid, ScimType};

/// Where a walk through a list goes on, and what it was begun with. The server that gives it to a client seals its bytes, so that
/// a client can neither read nor make one; it keeps nothing itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// The state of the directory that the walk looks at from its first page to its last, as a number that means it for ever.
    pub state: u64,
    /// How many rows the pages before held.
    pub passed: u64,
    /// Rows on a page.
    pub count: u64,
    /// A fingerprint of everything else that was asked for: endpoint, filter, sort, attributes.
    pub query: [u8; 16],
    /// Until when it is good, in milliseconds since 1970.
    pub expires_ms: i64,
}

impl Cursor {
    /// The length of the encoding, in bytes.
    pub const BYTES: usize = 1 + 8 + 8 + 8 + 16 + 8;
    /// The first byte: another layout gets another number.
    const LAYOUT: u8 = 1;

    /// The cursor as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::BYTES);
        bytes.push(Self::LAYOUT);
        bytes.extend_from_slice(&self.state.to_be_bytes());
        bytes.extend_from_slice(&self.passed.to_be_bytes());
        bytes.extend_from_slice(&self.count.to_be_bytes());
        bytes.extend_from_slice(&self.query);
        bytes.extend_from_slice(&self.expires_ms.to_be_bytes());
        bytes
    }

    /// Reads what [`Cursor::to_bytes`] wrote.
    ///
    /// # Errors
    /// 400 `invalidCursor` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Invalid> {
        Self::read(bytes).ok_or_else(Self::foreign)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (layout, rest) = bytes.split_first_chunk::<1>()?;
        let (state, rest) = rest.split_first_chunk::<8>()?;
        let (passed, rest) = rest.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first_chunk::<8>()?;
        let (query, rest) = rest.split_first_chunk::<16>()?;
        let (expires_ms, rest) = rest.split_first_chunk::<8>()?;
        (*layout == [Self::LAYOUT] && rest.is_empty()).then(|| Self {
            state: u64::from_be_bytes(*state),
            passed: u64::from_be_bytes(*passed),
            count: u64::from_be_bytes(*count),
            query: *query,
            expires_ms: i64::from_be_bytes(*expires_ms),
        })
    }

    /// The one answer to a cursor that is damaged, forged, or somebody else's: whose it is and whether it exists is not told
    /// (RFC 9865 §5).
    #[must_use]
    pub fn foreign() -> Invalid {
        let detail =
            "this is no cursor that was given to you here: begin anew with an empty `cursor`";
        Invalid::new(ScimType::InvalidCursor, detail)
    }

    /// Whether the cursor goes on with this request: its `query` has this fingerprint, it asks for `count` rows if it says how
    /// many, and it is not later than `now_ms`, in milliseconds since 1970.
    ///
    /// # Errors
    /// 400 `expiredCursor`, `invalidCursor` or `invalidCount` (RFC 9865 §2.1).
    pub fn check(&self, query: [u8; 16], count: Option<u64>, now_ms: i64) -> Result<(), Invalid> {
        let fault = |kind, detail: &str| Err(Invalid::new(kind, detail));
        if now_ms >= self.expires_ms {
            let detail = "the cursor is too old: begin anew with an empty `cursor`";
            return fault(ScimType::ExpiredCursor, detail);
        }
        if query != self.query {
            let detail = "the cursor is of another query: send the endpoint, filter, sort and attributes of its first page, or \
                          begin anew with an empty `cursor`";
            return fault(ScimType::InvalidCursor, detail);
        }
        if count.is_some_and(|count| count != self.count) {
            let detail =
                format!("the cursor is of pages of {}: leave `count` as it was", self.count);
            return fault(ScimType::InvalidCount, &detail);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CURSOR: Cursor =
        Cursor { state: 7, passed: 200, count: 100, query: [3; 16], expires_ms: 1_000 };

    #[test]
    fn a_9865_2_04_a_cursor_goes_with_one_query_and_one_count() {
        let check = |query, count, now| CURSOR.check(query, count, now).map_err(|e| e.kind);
        assert_eq!(check([3; 16], Some(100), 999), Ok(()));
        assert_eq!(check([3; 16], None, 999), Ok(()));
        assert_eq!(check([4; 16], Some(100), 999), Err(ScimType::InvalidCursor));
        assert_eq!(check([3; 16], Some(99), 999), Err(ScimType::InvalidCount));
        assert_eq!(check([3; 16], Some(100), 1_000), Err(ScimType::ExpiredCursor));
    }

    #[test]
    fn the_layout_never_changes() {
        let bytes = CURSOR.to_bytes();
        assert_eq!(bytes.len(), Cursor::BYTES);
        assert_eq!(bytes[..17], [1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 200]);
        assert_eq!(bytes[41..], [0, 0, 0, 0, 0, 0, 3, 232]);
    }

    proptest! {
        #[test]
        fn bytes_are_read_back_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut bytes = bytes;
            if let Ok(cursor) = Cursor::from_bytes(&bytes) {
                prop_assert_eq!(cursor.to_bytes(), bytes.clone());
            }
            bytes.resize(Cursor::BYTES, 0);
            bytes[0] = 1;
            prop_assert_eq!(Cursor::from_bytes(&bytes).unwrap().to_bytes(), bytes);
        }
    }
}
