//! Ranges of addresses that requests came from.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// One address, or a range of them in CIDR notation, as in `10.0.0.0/8` or `2001:db8::/32` (RFC 4632, RFC 4291 §2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    first: IpAddr,
    last: IpAddr,
}

/// Text that is no address and no range of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address: write it like `192.0.2.7`, `10.0.0.0/8` or `2001:db8::/32`")]
pub struct NotANetwork(String);

impl Network {
    /// Whether `address` is in it. An IPv4 address that is written as one of IPv6 is the same address.
    pub fn has(&self, address: IpAddr) -> bool {
        self.range().contains(&address.to_canonical())
    }

    pub(super) fn range(&self) -> RangeInclusive<IpAddr> {
        self.first..=self.last
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    /// Bits of the address beyond the prefix do not count: `10.1.2.3/8` is `10.0.0.0/8`.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let wrong = || NotANetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address = address.parse::<IpAddr>().map_err(|_| wrong())?;
        let (first, last): (IpAddr, IpAddr) = match address {
            IpAddr::V4(address) => {
                let free = 32_u32.checked_sub(prefix.unwrap_or(32)).ok_or_else(wrong)?;
                let mask = u32::MAX.checked_shr(32 - free).unwrap_or(0);
                let bits = address.to_bits();
                (Ipv4Addr::from_bits(bits & !mask).into(), Ipv4Addr::from_bits(bits | mask).into())
            }
            IpAddr::V6(address) => {
                let free = 128_u32.checked_sub(prefix.unwrap_or(128)).ok_or_else(wrong)?;
                let mask = u128::MAX.checked_shr(128 - free).unwrap_or(0);
                let bits = address.to_bits();
                (Ipv6Addr::from_bits(bits & !mask).into(), Ipv6Addr::from_bits(bits | mask).into())
            }
        };
        // The mapped form of an IPv4 range is that range.
        let mapped = Self { first: first.to_canonical(), last: last.to_canonical() };
        let is_one_kind = mapped.first.is_ipv4() == mapped.last.is_ipv4();
        Ok(if is_one_kind { mapped } else { Self { first, last } })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            return self.first.fmt(f);
        }
        write!(f, "{}-{}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(network: &str, inside: &[&str], outside: &[&str]) {
        let network: Network = network.parse().unwrap();
        for address in inside {
            assert!(network.has(address.parse().unwrap()), "{network:?} has no {address}");
        }
        for address in outside {
            assert!(!network.has(address.parse().unwrap()), "{network:?} has {address}");
        }
    }

    #[test]
    fn a_range_has_its_addresses_and_no_others() {
        check("192.0.2.7", &["192.0.2.7", "::ffff:192.0.2.7"], &["192.0.2.8", "::1"]);
        check("10.1.2.3/8", &["10.0.0.0", "10.255.255.255"], &["9.255.255.255", "11.0.0.0"]);
        check("10.0.0.8/31", &["10.0.0.8", "10.0.0.9"], &["10.0.0.7", "10.0.0.10"]);
        check("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::1"]);
        check("2001:db8::/32", &["2001:db8:ffff::1"], &["2001:db9::", "192.0.2.7"]);
        check("::1", &["::1"], &["::2"]);
        check("::/0", &["::1", "ffff::"], &[]);
        check("::ffff:10.0.0.0/104", &["10.9.9.9"], &["11.0.0.0"]);
        for wrong in
            ["", "localhost", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0/8", "10.0.0.0/-1"]
        {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
