//! Where a request came from, when proxies stand before the server.
//!
//! What a client writes into `X-Forwarded-For` is its own word. Only proxies that the operator named
//! are believed, and only as far as they reach: the source is the last address that none of them is.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use axum::http::HeaderMap;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Addresses that begin alike: `10.0.0.0/8`, or one address alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    // As IPv6, in which each IPv4 address has its place.
    first: u128,
    mask: u128,
}

/// Text that names no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address and no network: write it like `10.0.0.1` or `10.0.0.0/8`")]
pub struct NotANetwork(String);

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let wrong = || NotANetwork(text.to_owned());
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let length: u32 = match length {
            Some(length) => length.trim().parse().map_err(|_| wrong())?,
            None => whole,
        };
        if length > whole {
            return Err(wrong());
        }
        // All of IPv6 has no bit to compare: shifted out as a whole.
        let mask = u128::MAX.checked_shl(whole - length).unwrap_or(0);
        Ok(Network { first: bits(address) & mask, mask })
    }
}

impl Network {
    fn holds(self, address: IpAddr) -> bool {
        bits(address) & self.mask == self.first
    }
}

fn bits(address: IpAddr) -> u128 {
    let address: Ipv6Addr = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    address.to_bits()
}

/// The address that a request came from, given whose connection it came over.
pub(crate) fn source(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.holds(address));
    let said = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = said.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut source = peer.to_canonical();
    for hop in hops.iter().rev() {
        if !is_trusted(source) {
            break;
        }
        match hop.parse::<IpAddr>() {
            Ok(address) => source = address.to_canonical(),
            // A proxy that hides who asked, or nonsense: what stands before it proves nothing.
            Err(_) => break,
        }
    }
    source
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_proxies_are_believed() {
        let check = |peer: &str, forwarded: &[&str], trusted: &[&str], expected: &str| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(FORWARDED_FOR, value.parse().unwrap());
            }
            let trusted: Vec<Network> = trusted.iter().map(|n| n.parse().unwrap()).collect();
            let found = source(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(
                found,
                expected.parse::<IpAddr>().unwrap(),
                "{peer} {forwarded:?} {trusted:?}"
            );
        };
        check("10.0.0.1", &["203.0.113.9"], &[], "10.0.0.1");
        check("10.0.0.1", &["203.0.113.9"], &["10.0.0.0/8"], "203.0.113.9");
        check("198.51.100.7", &["203.0.113.9"], &["10.0.0.0/8"], "198.51.100.7");
        // The client's own words come first and are not believed.
        check("10.0.0.1", &["6.6.6.6, 203.0.113.9"], &["10.0.0.1"], "203.0.113.9");
        check("10.0.0.1", &["6.6.6.6, 203.0.113.9", "10.0.0.2"], &["10.0.0.0/8"], "203.0.113.9");
        check("10.0.0.1", &["unknown"], &["10.0.0.0/8"], "10.0.0.1");
        check("::1", &["2001:db8::7"], &["::1"], "2001:db8::7");
        check("::ffff:10.0.0.1", &["203.0.113.9"], &["10.0.0.0/8"], "203.0.113.9");
        check("10.0.0.1", &["203.0.113.9"], &["0.0.0.0/0"], "203.0.113.9");
        check("2001:db8::1", &["203.0.113.9"], &["0.0.0.0/0"], "2001:db8::1");
    }

    #[test]
    fn networks_are_read_or_refused() {
        for wrong in ["", "proxy", "10.0.0.0/33", "10.0.0.0/x", "::1/129"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
