//! A copy of one tenant under another name: the log is written anew, commit by commit, with the same
//! positions, times and ids.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use domain::commit::Commit;
use domain::credential::Proof;
use domain::directory::Directory;
use domain::disguise::{Disguise, Scope};
use domain::event::{Event, Holder};
use domain::id::{CredentialId, OperatorId, TenantId};
use domain::position::Hash;
use domain::time::Timestamp;
use engine::{Fold, World};
use eventlog::MasterKey;
use server::{Purpose, Secret};

use super::survey::{Key, Survey};
use crate::compare::{Ignore, differences};
use crate::terminal::say;

/// What a credential of the source shows in the copy instead of its first characters.
const NO_HINT: &str = "none…";

/// Differences that are told when a copy is not what it should be.
const SHOWN: usize = 5;

/// How the copy of a tenant differs from it.
#[derive(Args)]
pub(crate) struct Staging {
    /// The name of the copy: the tenant's log is written anew under it, with keys of its own
    #[arg(long = "as", value_name = "SLUG", requires = "tenant")]
    pub(crate) slug: Option<String>,
    /// Put invented values in place of all personal ones
    #[arg(long, requires = "slug")]
    anonymise: bool,
    /// With --anonymise: invent names and attributes of groups, too
    #[arg(long, requires = "anonymise")]
    group_names: bool,
    /// Let the source's API keys open the copy
    #[arg(long, requires = "slug")]
    keep_credentials: bool,
    /// The secret that inventions and new keys follow from, made if it is not there: with the same
    /// one, copies have the same values and the same keys. A random one when not given
    #[arg(long, value_name = "FILE", requires = "slug")]
    seed_file: Option<PathBuf>,
}

/// How one tenant's commits become another's.
pub(crate) struct Rewriting<'a> {
    from: TenantId,
    to: TenantId,
    slug: &'a str,
    seed: MasterKey,
    survey: &'a Survey,
    /// The disguise, if there is one.
    scope: Option<Scope>,
    /// Keys that open the copy, by the credential that they take the place of; none: the source's do.
    keys: Option<BTreeMap<CredentialId, Secret>>,
}

impl Staging {
    /// Whether anything is written anew, and how.
    pub(crate) fn rewriting<'a>(
        &'a self,
        survey: Option<&'a Survey>,
        now: Timestamp,
    ) -> anyhow::Result<Option<Rewriting<'a>>> {
        let (Some(slug), Some(survey)) = (&self.slug, survey) else { return Ok(None) };
        let Some((from, old)) = &survey.only else { return Ok(None) };
        ensure!(slug != old, "`{slug}` is the tenant's own name: give the copy another");
        domain::check_slug(slug)?;
        let seed = match &self.seed_file {
            Some(file) => seed(file)?,
            None => MasterKey::new(*random()?.as_bytes()),
        };
        let id = oracle(&seed, "tenant", &[from.uuid().as_bytes(), slug.as_bytes()].concat());
        // As old as the tenant, and nobody else's.
        let (time, _) = from.uuid().as_u64_pair();
        let mut tail = [0; 10];
        tail.iter_mut().zip(id).for_each(|(to, from)| *to = from);
        let to = uuid::Builder::from_unix_timestamp_millis(time >> 16, &tail).into_uuid();
        let to = TenantId::new(to);
        let scope = self.anonymise.then_some(if self.group_names {
            Scope::PersonsAndGroups
        } else {
            Scope::Persons
        });
        let keys = match self.keep_credentials {
            true => None,
            false => Some(new_keys(&survey.seen.keys, &seed, now)?),
        };
        Ok(Some(Rewriting { from: *from, to, slug, seed, survey, scope, keys }))
    }
}

/// What nobody can prove: a copy with keys of its own is not opened by the source's passwords and signatures.
fn no_proof(proof: Proof) -> Proof {
    match proof {
        Proof::Password { user, hash: _ } => Proof::Password { user, hash: String::new() },
        Proof::PublicKey { kid, algorithm, jwk: _ } => {
            let jwk = String::new();
            Proof::PublicKey { kid, algorithm, jwk }
        }
    }
}

impl Rewriting<'_> {
    /// The tenant that the copy's commits are of.
    pub(crate) fn to(&self) -> TenantId {
        self.to
    }

    /// A commit of the source as the copy has it. `directory` is the copy's so far.
    pub(crate) fn commit(&self, commit: Commit, directory: Option<&Directory>) -> Commit {
        let Commit { tenant, position, at, prev, origin, events } = commit;
        let tenant = if tenant == self.from { self.to } else { tenant };
        let oracle = |label: &str, bytes: &[u8]| oracle(&self.seed, label, bytes);
        let scope = self.scope.unwrap_or(Scope::Persons);
        let disguise = Disguise::new(&oracle, &self.survey.seen.ids, scope);
        let builtin = domain::directory::Schemas::default();
        let schemas = directory.map_or(&builtin, |directory| &directory.schemas);
        let events = events.into_iter().map(|event| {
            let event = self.renamed(event);
            match self.scope {
                Some(_) => disguise.event(event, schemas.catalogue()),
                None => event,
            }
        });
        let events = events.collect();
        let origin = if self.scope.is_some() { disguise.origin(origin) } else { origin };
        Commit { tenant, position, at, prev, origin, events }
    }

    /// The event with the copy's name and keys.
    fn renamed(&self, event: Event) -> Event {
        if let Event::TenantOpened { tenant, .. } = &event
            && *tenant == self.from
        {
            return Event::TenantOpened { tenant: self.to, slug: self.slug.to_owned() };
        }
        let event = of_copy(event, self.to);
        match (event, &self.keys) {
            (Event::CredentialIssued { credential, holder, expires, terms, .. }, Some(keys)) => {
                let (hash, hint) = match keys.get(&credential) {
                    Some(secret) => (secret.hash(), secret.hint()),
                    // Nobody knows what this would be the hash of.
                    None => {
                        let id = credential.uuid();
                        (Hash::new(oracle(&self.seed, "no key", id.as_bytes())), NO_HINT.to_owned())
                    }
                };
                Event::CredentialIssued { credential, holder, hash, hint, expires, terms }
            }
            (
                Event::CredentialRegistered { credential, holder, proof, expires, terms },
                Some(_),
            ) => {
                let proof = no_proof(proof);
                Event::CredentialRegistered { credential, holder, proof, expires, terms }
            }
            (event, _) => event,
        }
    }

    /// What the copy has of its own.
    fn own(&self) -> Vec<Ignore> {
        let mut own = vec![Ignore::Tenant];
        own.extend(self.keys.as_ref().map(|_| Ignore::Keys));
        match self.scope {
            Some(Scope::Persons) => own.push(Ignore::Persons),
            Some(Scope::PersonsAndGroups) => own.extend([Ignore::Persons, Ignore::Groups]),
            None => {}
        }
        own
    }

    /// That the copy's directory is the source's, but for what is the copy's own.
    ///
    /// # Errors
    /// When anything else differs: it says what.
    pub(crate) fn prove(&self, source: &Fold, copy: &Fold) -> anyhow::Result<()> {
        let directory = |fold: &Fold, id| fold.get(id).map(|snapshot| snapshot.directory.clone());
        let source = directory(source, self.from).unwrap_or_default();
        let copy = directory(copy, self.to).unwrap_or_default();
        let found = differences(&source, &copy, &self.own())?;
        let told: Vec<_> =
            found.iter().take(SHOWN).map(|one| one.told("the source", "the copy")).collect();
        ensure!(
            found.is_empty(),
            "the directories of `{}` and its source differ in {}, which is a bug: {}",
            self.slug,
            found.len(),
            told.join("; ")
        );
        Ok(())
    }

    /// Says what was proved, and shows the keys that open the copy. They are shown this once.
    pub(crate) fn show(&self, world: &World) {
        let own: Vec<&str> = self.own().iter().map(|own| own.told()).collect();
        say(format!(
            "\nproved: the directory of `{}` is the source's, but for {}",
            self.slug,
            own.join(", ")
        ));
        let Some(keys) = &self.keys else { return };
        let directory = |id| world.get(id).map(|snapshot| &snapshot.directory);
        let (copy, system) = (directory(self.to), directory(TenantId::SYSTEM));
        say("");
        for key in &self.survey.seen.keys {
            let Some(secret) = keys.get(&key.id) else { continue };
            match key.holder {
                Holder::Connector(id) => {
                    let connector = copy.and_then(|copy| copy.connectors.get(id));
                    let name = connector.map_or("", |connector| &connector.name);
                    say(format!(
                        "  API key        {}:{}  (connector {name})",
                        self.slug,
                        secret.expose()
                    ));
                }
                Holder::Operator(id) => {
                    let operator = system.and_then(|system| system.operators.get(id));
                    let name = operator.map_or("", |operator| &operator.name);
                    say(format!("  operator key   {}  (operator {name})", secret.expose()));
                }
                Holder::User(_) => {}
            }
        }
        say(
            "\nThe keys are shown this once: keep them now. Those of the source do not open the copy.",
        );
    }
}

/// A new secret for the last key of each connector, and of one operator.
fn new_keys(
    keys: &[Key],
    seed: &MasterKey,
    now: Timestamp,
) -> anyhow::Result<BTreeMap<CredentialId, Secret>> {
    let valid = || keys.iter().filter(|key| key.expires.is_none_or(|end| now < end));
    let operator: Option<OperatorId> = valid().find_map(|key| match key.holder {
        Holder::Operator(id) => Some(id),
        Holder::Connector(_) | Holder::User(_) => None,
    });
    let mut last = BTreeMap::new();
    for key in valid() {
        let purpose = match key.holder {
            Holder::Connector(_) => Purpose::ApiKey,
            Holder::Operator(id) if Some(id) == operator => Purpose::OperatorKey,
            Holder::Operator(_) | Holder::User(_) => continue,
        };
        last.insert(key.holder, (key.id, purpose));
    }
    let secret = |(id, purpose): (CredentialId, Purpose)| {
        let bytes = oracle(seed, "key", id.uuid().as_bytes());
        Ok((id, Secret::derived(purpose, &bytes)))
    };
    last.into_values().map(secret).collect()
}

/// 32 bytes that follow from the seed. Hashed twice: what is shown of one tells nothing of another.
fn oracle(seed: &MasterKey, label: &str, bytes: &[u8]) -> [u8; 32] {
    *seed.derive(label, seed.derive(label, bytes).as_slice())
}

/// 32 random bytes.
fn random() -> anyhow::Result<Hash> {
    let secret = Secret::random(Purpose::Passphrase);
    Ok(secret.context("the operating system gave no randomness")?.hash())
}

/// The seed in this file, which is made if it is not there.
fn seed(file: &Path) -> anyhow::Result<MasterKey> {
    let unusable = || format!("the seed in {} cannot be used", file.display());
    if !file.exists() {
        let mut made = std::fs::OpenOptions::new();
        let mut made =
            made.write(true).create_new(true).mode(0o600).open(file).with_context(unusable)?;
        writeln!(made, "{}", random()?).with_context(unusable)?;
    }
    MasterKey::from_file(file).with_context(unusable)
}

/// What is said of the tenant itself, said of its copy.
fn of_copy(mut event: Event, copy: TenantId) -> Event {
    if let Event::TenantSuspended { tenant, .. }
    | Event::TenantResumed { tenant }
    | Event::TenantClosed { tenant, .. }
    | Event::CommitsLost { tenant, .. }
    | Event::TenantDescribed { tenant, .. } = &mut event
    {
        *tenant = copy;
    }
    event
}
