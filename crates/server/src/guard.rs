//! What keeps clients from taking more than their share, and from guessing; and what it counted.
//!
//! Guesses are counted by where they come from, so that nobody can lock out whoever they guess at: a right key from another
//! address is not slowed, nor one that was shown from the same address before.

mod meter;

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::id::CredentialId;

use crate::limits::{
    GUESS_SECONDS, GUESSES, GUESSES_TENANTS, KNOWN_SOURCES, MEASURED, RATE_BURST_SECONDS,
    RATE_LIMIT,
};
use crate::refused::Refused;
use meter::{Allowance, Meters, Spent};

/// What keeps clients from taking more than their share.
#[derive(Debug)]
pub struct Guard {
    /// Who is connected.
    pub(crate) connections: Arc<Connections>,
    rates: Option<Meters<Asker>>,
    guesses: Option<Guesses>,
    begun: Instant,
    limited: AtomicU64,
    slowed: AtomicU64,
}

/// Whose requests are counted.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Asker {
    Credential(CredentialId),
    /// Who has shown none.
    Source(Source),
}

/// Where a client comes from. Whoever has one address of IPv6 has the 64 bits behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Source(u128);

#[derive(Debug)]
struct Guesses {
    of_tenant: Meters<(Source, u64)>,
    of_source: Meters<Source>,
    /// Slugs as numbers that nobody else can foresee.
    slugs: RandomState,
    known: Mutex<HashMap<CredentialId, [Option<Source>; KNOWN_SOURCES]>>,
}

impl Default for Guard {
    fn default() -> Self {
        Guard::new(Some(RATE_LIMIT), Some(GUESSES))
    }
}

impl Source {
    fn of(address: IpAddr) -> Source {
        match address.to_canonical() {
            IpAddr::V4(address) => Source(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Source(address.to_bits() >> 64 << 64),
        }
    }
}

impl Guard {
    /// One that lets everything pass: for tests that ask more, and guess more, than anybody may.
    pub fn open() -> Guard {
        Guard::new(None, None)
    }

    /// So many requests a second for each credential, and for each address that shows none; so many wrong credentials from an
    /// address for each tenant, and [`GUESSES_TENANTS`] times as many for all. None, or 0: as many as they like.
    pub fn new(requests_per_second: Option<u32>, guesses: Option<u32>) -> Guard {
        let rate = requests_per_second.filter(|rate| *rate > 0).map(|rate| {
            let every = Duration::from_secs(1) / rate;
            Meters::new(Allowance { burst: u64::from(rate) * RATE_BURST_SECONDS, every }, MEASURED)
        });
        let allowed = |guesses: u32, tenants: u32| Allowance {
            burst: u64::from(guesses) * u64::from(tenants),
            every: Duration::from_secs(GUESS_SECONDS) / tenants,
        };
        let guesses = guesses.filter(|guesses| *guesses > 0).map(|guesses| Guesses {
            of_tenant: Meters::new(allowed(guesses, 1), MEASURED),
            of_source: Meters::new(allowed(guesses, GUESSES_TENANTS), MEASURED),
            slugs: RandomState::new(),
            known: Mutex::default(),
        });
        Guard {
            connections: Arc::default(),
            rates: rate,
            guesses,
            begun: Instant::now(),
            limited: AtomicU64::new(0),
            slowed: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// One more request with this credential.
    ///
    /// # Errors
    /// 429 when there were too many (R-6585-4-01).
    pub(crate) fn asks(&self, credential: CredentialId) -> Result<(), Refused> {
        self.measure(Asker::Credential(credential), "with this credential")
    }

    /// One more request from this address with none.
    ///
    /// # Errors
    /// 429 when there were too many.
    pub(crate) fn asks_from(&self, source: Option<IpAddr>) -> Result<(), Refused> {
        match source {
            Some(source) => self.measure(Asker::Source(Source::of(source)), "from this address"),
            None => Ok(()),
        }
    }

    fn measure(&self, asker: Asker, whose: &str) -> Result<(), Refused> {
        let Some(rates) = &self.rates else { return Ok(()) };
        rates.spend(asker, self.now()).map_err(|spent| {
            self.limited.fetch_add(1, Ordering::Relaxed);
            let detail = format!("too many requests {whose}: send them more slowly");
            Refused::too_many(detail, spent.after, spent.is_news)
        })
    }

    /// That a credential that turned out to be right may be heard: from where too much was guessed, only one that was right
    /// from there before.
    ///
    /// # Errors
    /// 429 else.
    pub(crate) fn hears(
        &self,
        source: Option<IpAddr>,
        slug: &str,
        credential: CredentialId,
    ) -> Result<(), Refused> {
        let (Some(guesses), Some(source)) = (&self.guesses, source) else { return Ok(()) };
        let source = Source::of(source);
        if guesses.knows(source, credential) {
            return Ok(());
        }
        guesses.look(source, slug, self.now()).map_err(|spent| self.slow(spent))?;
        guesses.remember(source, credential);
        Ok(())
    }

    /// That what needs time to be looked at may be: one of these, if it is right.
    ///
    /// # Errors
    /// 429 where too much was guessed.
    pub(crate) fn looks(
        &self,
        source: Option<IpAddr>,
        slug: &str,
        candidates: impl IntoIterator<Item = CredentialId>,
    ) -> Result<(), Refused> {
        let (Some(guesses), Some(source)) = (&self.guesses, source) else { return Ok(()) };
        let source = Source::of(source);
        if candidates.into_iter().any(|credential| guesses.knows(source, credential)) {
            return Ok(());
        }
        guesses.look(source, slug, self.now()).map_err(|spent| self.slow(spent))
    }

    /// What to answer to credentials that were wrong: that they were, or that it was once too often.
    pub(crate) fn wrong(&self, source: Option<IpAddr>, slug: &str, why: Refused) -> Refused {
        let (Some(guesses), Some(source)) = (&self.guesses, source) else { return why };
        match guesses.spend(Source::of(source), slug, self.now()) {
            Ok(()) => why,
            Err(spent) => self.slow(spent),
        }
    }

    fn slow(&self, spent: Spent) -> Refused {
        self.slowed.fetch_add(1, Ordering::Relaxed);
        let detail = "too many credentials from this address were wrong: check the API key, and try again later";
        Refused::too_many(detail, spent.after, spent.is_news)
    }

    /// Requests that were too many, and guesses that were, since the start.
    pub(crate) fn limited(&self) -> [(&'static str, u64); 2] {
        [
            ("rate", self.limited.load(Ordering::Relaxed)),
            ("guesses", self.slowed.load(Ordering::Relaxed)),
        ]
    }
}

impl Guesses {
    fn at(&self, source: Source, slug: &str) -> (Source, u64) {
        (source, self.slugs.hash_one(slug))
    }

    fn look(&self, source: Source, slug: &str, now: u64) -> Result<(), Spent> {
        self.of_tenant.look(&self.at(source, slug), now)?;
        self.of_source.look(&source, now)
    }

    fn spend(&self, source: Source, slug: &str, now: u64) -> Result<(), Spent> {
        self.of_tenant.spend(self.at(source, slug), now)?;
        self.of_source.spend(source, now)
    }

    fn knows(&self, source: Source, credential: CredentialId) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&credential).is_some_and(|sources| sources.contains(&Some(source)))
    }

    fn remember(&self, source: Source, credential: CredentialId) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MEASURED && !known.contains_key(&credential) {
            // All of them come back with their next request.
            known.clear();
        }
        let sources = known.entry(credential).or_default();
        sources.rotate_right(1);
        if let Some(first) = sources.first_mut() {
            *first = Some(source);
        }
    }
}

/// Who is connected, and who was turned away or ended, since the start.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: AtomicU64,
    allowed: AtomicU64,
    ended: Mutex<BTreeMap<&'static str, u64>>,
}

/// A connection that is open; it is not any more when this is dropped.
#[derive(Debug)]
pub(crate) struct Open(Arc<Connections>);

impl Connections {
    /// One more is open.
    pub(crate) fn open(self: &Arc<Self>) -> Open {
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(self.clone())
    }

    /// So many may be.
    pub(crate) fn allow(&self, connections: usize) {
        self.allowed.store(connections as u64, Ordering::Relaxed);
    }

    /// One was turned away or ended, because of this.
    pub(crate) fn count(&self, why: &'static str) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        *ended.entry(why).or_default() += 1;
    }

    /// How many are open, and how many may be.
    pub(crate) fn told(&self) -> (u64, u64) {
        (self.open.load(Ordering::Relaxed), self.allowed.load(Ordering::Relaxed))
    }

    /// Why some were turned away or ended, and how often.
    pub(crate) fn ended(&self) -> BTreeMap<&'static str, u64> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use domain::id::CredentialId;

    use super::*;

    fn at(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    fn credential(n: u8) -> CredentialId {
        format!("00000000-0000-0000-0000-0000000000{n:02}").parse().unwrap()
    }

    fn guess(guard: &Guard, source: &str, slug: &str) -> u16 {
        guard.wrong(at(source), slug, Refused::bad_credentials()).status.as_u16()
    }

    /// Seen to catch a guard that counts by tenant, and locks everybody out; and one that counts each address of IPv6 alone.
    #[test]
    fn who_guesses_is_slowed_and_nobody_else_is() {
        let guard = Guard::default();
        let known = credential(1);
        let hears = |source, credential| guard.hears(at(source), "acme", credential).is_ok();
        assert!(hears("203.0.113.9", known));
        for _ in 0..GUESSES {
            assert_eq!(guess(&guard, "203.0.113.9", "acme"), 401);
        }
        assert_eq!(guess(&guard, "203.0.113.9", "acme"), 429);
        assert_eq!(guess(&guard, "::ffff:203.0.113.9", "acme"), 429);
        // A right one might be a guess as well, if it was not right from here before.
        assert!(!hears("203.0.113.9", credential(2)));
        assert!(hears("203.0.113.9", known));
        assert!(hears("203.0.113.10", credential(2)));
        assert!(guard.hears(at("203.0.113.9"), "globex", credential(2)).is_ok());
        assert!(guard.looks(at("203.0.113.9"), "acme", [credential(3)]).is_err());
        assert!(guard.looks(at("203.0.113.9"), "acme", [credential(3), known]).is_ok());
        // Behind an address of IPv6 there are many more.
        for n in 0..GUESSES {
            assert_eq!(guess(&guard, &format!("2001:db8:0:1::{n:x}"), "acme"), 401);
        }
        assert_eq!(guess(&guard, "2001:db8:0:1:ffff::1", "acme"), 429);
        assert_eq!(guess(&guard, "2001:db8:0:2::1", "acme"), 401);
        assert_eq!(guard.limited().map(|(_, times)| times), [0, 5]);
    }

    #[test]
    fn who_goes_from_tenant_to_tenant_is_slowed_too() {
        let guard = Guard::default();
        let tried = |guard: &Guard| {
            (0..).take_while(|n| guess(guard, "203.0.113.9", &format!("t{n}")) == 401).count()
        };
        assert_eq!(tried(&guard), (GUESSES * GUESSES_TENANTS) as usize);
        assert_eq!(guess(&guard, "203.0.113.10", "t1"), 401);
    }

    #[test]
    fn a_few_addresses_of_a_credential_are_known() {
        let guard = Guard::default();
        let guesses = guard.guesses.as_ref().unwrap();
        for n in 0..=KNOWN_SOURCES {
            guesses.remember(Source(n as u128), credential(1));
        }
        assert!(!guesses.knows(Source(0), credential(1)));
        assert!((1..=KNOWN_SOURCES).all(|n| guesses.knows(Source(n as u128), credential(1))));
    }

    #[test]
    fn requests_are_counted_for_each_credential_and_each_address() {
        let guard = Guard::new(Some(2), None);
        let asks = |n| guard.asks(credential(n)).is_ok();
        let burst = 2 * RATE_BURST_SECONDS;
        assert!((0..burst).all(|_| asks(1)));
        assert!(!asks(1));
        assert!(asks(2));
        assert!((0..burst).all(|_| guard.asks_from(at("203.0.113.9")).is_ok()));
        assert!(guard.asks_from(at("203.0.113.9")).is_err());
        assert!(Guard::open().asks(credential(1)).is_ok());
    }

    #[test]
    fn an_operator_says_how_many_guesses_are_too_many() {
        let few = Guard::new(None, Some(3));
        let tried =
            |guard: &Guard| (0..200).filter(|_| guess(guard, "203.0.113.9", "acme") == 401).count();
        assert_eq!(tried(&few), 3);
        for never in [Guard::new(None, Some(0)), Guard::open()] {
            assert_eq!(tried(&never), 200);
            assert!(never.hears(at("203.0.113.9"), "acme", credential(1)).is_ok());
        }
    }
}
