//! Policies that were read are kept, for whoever asks next: as long as neither they nor the schemas change, every moment is
//! asked with the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::id::{PolicyId, TenantId};
use domain::position::Position;

use crate::compiled::Compiled;
use crate::fault::Fault;
use crate::limits::KEPT;

/// What policies of a moment are known by: texts change only with these.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Edition {
    /// Whose they are.
    pub tenant: TenantId,
    /// When the schema that the tenant declares was written; none: it declares none.
    pub schema: Option<Position>,
    /// When the schemas of its users last changed; none: they are the built-in ones.
    pub users: Option<Position>,
    /// Each policy, with when its text was written.
    pub policies: Vec<(PolicyId, Position)>,
}

/// The last policies that were asked, of all tenants together.
#[derive(Debug, Default)]
pub struct Kept(Mutex<Editions>);

#[derive(Debug, Default)]
struct Editions {
    all: BTreeMap<Edition, (u64, Arc<Compiled>)>,
    turn: u64,
}

impl Kept {
    /// The policies of an edition, read now if nobody asked for them lately.
    ///
    /// # Errors
    /// What is wrong with the schema.
    pub fn get(
        &self,
        edition: Edition,
        read: impl FnOnce() -> Result<Compiled, Vec<Fault>>,
    ) -> Result<Arc<Compiled>, Vec<Fault>> {
        if let Some(there) = self.touched(&edition) {
            return Ok(there);
        }
        // Two that come at once both read: better than that one waits for a tenant that is not its own.
        let new = Arc::new(read()?);
        let mut editions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = editions.turn;
        editions.all.insert(edition, (turn, new.clone()));
        while editions.all.len() > KEPT {
            let oldest = editions.all.iter().min_by_key(|(_, (turn, _))| *turn);
            let Some(oldest) = oldest.map(|(edition, _)| edition.clone()) else { break };
            editions.all.remove(&oldest);
        }
        Ok(new)
    }

    fn touched(&self, edition: &Edition) -> Option<Arc<Compiled>> {
        let mut editions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        editions.turn += 1;
        let turn = editions.turn;
        let (touched, there) = editions.all.get_mut(edition)?;
        *touched = turn;
        Some(there.clone())
    }
}

#[cfg(test)]
mod tests {
    use domain::directory::Schemas;

    use super::*;

    #[test]
    fn what_nobody_asked_for_longest_goes_first() {
        let kept = Kept::default();
        let edition = |n: u64| Edition {
            tenant: TenantId::LEAST,
            schema: Position::new(n),
            users: None,
            policies: Vec::new(),
        };
        let mut reads = 0;
        let mut get = |n| {
            kept.get(edition(n), || {
                reads += 1;
                Compiled::of(&Schemas::default(), "", [])
            })
            .unwrap();
            reads
        };
        let most = KEPT as u64;
        for n in 1..=most {
            get(n);
        }
        assert_eq!(get(1), KEPT);
        assert_eq!(get(most + 1), KEPT + 1);
        assert_eq!(get(1), KEPT + 1);
        assert_eq!(get(2), KEPT + 2);
    }
}
