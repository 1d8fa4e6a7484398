//! The frame: what the store keeps as one value. Whole commits one after the other, or a part of a
//! commit too long for one frame; numbered 1, 2, 3, … and chained, so that a lost, moved or changed
//! frame is noticed whatever the store says.
//!
//! ```text
//! frame   = format kind coding count part parts number length before self payload
//! format  = 1 byte, 1                 kind   = 1 byte, 0 whole commits, 1 part of a commit
//! coding  = 1 byte, 0 raw, 1 zstd     count  = 1 byte, whole commits in the frame
//! part    = 2 bytes, from 0           parts  = 2 bytes, 1 for whole commits
//! number  = 8 bytes                   length = 4 bytes, of the payload before coding
//! before  = 16 bytes, the checksum of the frame before, zero for the first
//! self    = 16 bytes, the first of SHA-256 over all the rest
//! payload = whole commits, each with its length in 4 bytes before it / bytes of one commit
//! ```
//! Numbers are big-endian.

use sha2::{Digest, Sha256};

use crate::broken::Broken;
use crate::compress::{compress, decompress};
use crate::limits::{COMMIT_BYTES, FRAME_BYTES, FRAME_COMMITS};

/// The first 16 bytes of a SHA-256.
pub(crate) type Checksum = [u8; 16];

const FORMAT: u8 = 1;
const WHOLE: u8 = 0;
const PART: u8 = 1;
const RAW: u8 = 0;
const ZSTD: u8 = 1;
/// Bytes of the header before the two checksums.
const FIELDS: usize = 20;
/// Bytes of the header.
const HEADER: usize = FIELDS + 2 * size_of::<Checksum>();
/// Bytes of payload that fit a frame even when they cannot be compressed.
const ROOM: usize = FRAME_BYTES - HEADER;
/// Bytes before each whole commit: its length.
const LENGTH: usize = 4;

/// The end of a chain of frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tip {
    /// How many frames there are, which is the number of the last one.
    pub(crate) frames: u64,
    /// The last one's checksum.
    pub(crate) checksum: Checksum,
}

/// A frame that was checked and unpacked.
pub(crate) struct Frame {
    pub(crate) before: Checksum,
    pub(crate) checksum: Checksum,
    pub(crate) content: Content,
}

/// What a frame holds.
pub(crate) enum Content {
    /// Commits, whole.
    Whole(Vec<Vec<u8>>),
    /// Part `part` of `parts` of one commit, from 0.
    Part { part: u16, parts: u16, bytes: Vec<u8> },
}

/// Packs commits into frames after `tip`. Answers the frames, and for each commit the number of the
/// frame that it begins in.
pub(crate) fn pack<'a>(
    tip: Tip,
    commits: impl Iterator<Item = &'a [u8]>,
) -> (Vec<Vec<u8>>, Vec<u64>, Tip) {
    let mut packer = Packer { tip, frames: Vec::new(), pending: Vec::new(), count: 0 };
    let mut begins = Vec::new();
    for commit in commits {
        begins.push(packer.add(commit));
    }
    packer.finish_whole();
    (packer.frames, begins, packer.tip)
}

struct Packer {
    tip: Tip,
    frames: Vec<Vec<u8>>,
    pending: Vec<u8>,
    count: u8,
}

impl Packer {
    fn add(&mut self, commit: &[u8]) -> u64 {
        let length = LENGTH + commit.len();
        let full = self.pending.len() + length > ROOM || usize::from(self.count) == FRAME_COMMITS;
        if full {
            self.finish_whole();
        }
        let number = self.tip.frames + 1;
        if length <= ROOM {
            self.pending.extend((commit.len() as u32).to_be_bytes());
            self.pending.extend(commit);
            self.count += 1;
        } else {
            let parts = commit.len().div_ceil(ROOM) as u16;
            for (part, bytes) in (0..).zip(commit.chunks(ROOM)) {
                self.frame(PART, 0, part, parts, bytes);
            }
        }
        number
    }

    fn finish_whole(&mut self) {
        if self.count > 0 {
            let pending = std::mem::take(&mut self.pending);
            let count = std::mem::take(&mut self.count);
            self.frame(WHOLE, count, 0, 1, &pending);
        }
    }

    fn frame(&mut self, kind: u8, count: u8, part: u16, parts: u16, raw: &[u8]) {
        let number = self.tip.frames + 1;
        let small = compress(raw);
        let (coding, payload) = match &small {
            Some(small) => (ZSTD, small.as_slice()),
            None => (RAW, raw),
        };
        let mut fields = Vec::with_capacity(HEADER + payload.len());
        fields.extend([FORMAT, kind, coding, count]);
        fields.extend(part.to_be_bytes());
        fields.extend(parts.to_be_bytes());
        fields.extend(number.to_be_bytes());
        fields.extend((raw.len() as u32).to_be_bytes());
        let checksum = checksum(&fields, &self.tip.checksum, payload);
        fields.extend(self.tip.checksum);
        fields.extend(checksum);
        fields.extend(payload);
        self.frames.push(fields);
        self.tip = Tip { frames: number, checksum };
    }
}

/// Checks and unpacks the frame that stands at `number`.
pub(crate) fn unpack(number: u64, bytes: &[u8]) -> Result<Frame, Broken> {
    try_unpack(number, bytes).map_err(|reason| Broken::frame(number, reason))
}

fn try_unpack(number: u64, bytes: &[u8]) -> Result<Frame, String> {
    let short = || "it is cut short".to_owned();
    let (fields, rest) = bytes.split_first_chunk::<FIELDS>().ok_or_else(short)?;
    let (before, rest) = rest.split_first_chunk::<16>().ok_or_else(short)?;
    let (own, payload) = rest.split_first_chunk::<16>().ok_or_else(short)?;
    let [format, kind, coding, count, rest @ ..] = fields;
    if *format != FORMAT {
        return Err(format!(
            "its format {format} is unknown; it is damaged or from a newer release"
        ));
    }
    if checksum(fields, before, payload) != *own {
        return Err("its checksum is wrong".to_owned());
    }
    // What the checksum covers was written by us; the rest is about frames in the wrong place.
    let [p0, p1, n0, n1, number_and_length @ ..] = rest;
    let (part, parts) = (u16::from_be_bytes([*p0, *p1]), u16::from_be_bytes([*n0, *n1]));
    let (stands, length) = number_and_length.split_first_chunk::<8>().ok_or_else(short)?;
    let stands = u64::from_be_bytes(*stands);
    if stands != number {
        return Err(format!("frame {stands} stands in its place"));
    }
    let length = u32::from_be_bytes(*length.first_chunk::<4>().ok_or_else(short)?) as usize;
    if length > ROOM {
        return Err("it claims to be longer than a frame can be".to_owned());
    }
    let raw = match *coding {
        RAW => payload.to_vec(),
        ZSTD => decompress(payload, length).ok_or("it does not decompress")?,
        other => return Err(format!("its coding {other} is unknown")),
    };
    if raw.len() != length {
        return Err("it is not as long as it says".to_owned());
    }
    let content = match *kind {
        WHOLE => Content::Whole(split(&raw, *count).ok_or_else(short)?),
        PART => Content::Part { part, parts, bytes: raw },
        other => return Err(format!("its kind {other} is unknown")),
    };
    Ok(Frame { before: *before, checksum: *own, content })
}

/// Takes commits with their lengths apart; none when they do not fill the bytes exactly.
fn split(mut raw: &[u8], count: u8) -> Option<Vec<Vec<u8>>> {
    let mut commits = Vec::with_capacity(count.into());
    for _ in 0..count {
        let (length, rest) = raw.split_first_chunk::<LENGTH>()?;
        let (commit, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        commits.push(commit.to_vec());
        raw = rest;
    }
    raw.is_empty().then_some(commits)
}

fn checksum(fields: &[u8], before: &Checksum, payload: &[u8]) -> Checksum {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(fields)
        .chain_update(before)
        .chain_update(payload)
        .finalize()
        .into();
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = digest;
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

// A part's number fits its two bytes.
const _: () = assert!(COMMIT_BYTES / ROOM < u16::MAX as usize);
// A frame's count fits its one byte.
const _: () = assert!(FRAME_COMMITS <= u8::MAX as usize);
