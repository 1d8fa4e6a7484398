//! Numbers below a limit, each in another's place: nothing meets and nothing is lost.

use super::Oracle;

/// Rounds of the mixing. Four are enough for a keyed one; a few more cost nothing here.
const ROUNDS: u8 = 6;

/// Another number below `limit`: different ones for different ones, the same for the same.
pub(super) fn permute(oracle: Oracle<'_>, label: &str, number: u64, limit: u64) -> u64 {
    if limit < 2 || number >= limit {
        return number;
    }
    // The smallest field of an even number of bits that holds the limit; what falls outside goes
    // round again, and so comes back inside.
    let bits = (u64::BITS - (limit - 1).leading_zeros()).max(2);
    let half = bits.div_ceil(2);
    let mask = (1_u64 << half) - 1;
    let mut mixed = number;
    loop {
        let (mut left, mut right) = (mixed >> half & mask, mixed & mask);
        for round in 0..ROUNDS {
            let mut seen = limit.to_be_bytes().to_vec();
            seen.push(round);
            seen.extend(right.to_be_bytes());
            (left, right) = (right, left ^ (first_u64(oracle(label, &seen)) & mask));
        }
        mixed = left << half | right;
        if mixed < limit {
            return mixed;
        }
    }
}

/// The first eight bytes as a number.
pub(super) fn first_u64(bytes: [u8; 32]) -> u64 {
    bytes.iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte))
}
