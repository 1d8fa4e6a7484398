//! One user as of a moment, read from the commits about them alone, is the user that the whole tenant of that moment shows.

use domain::directory::Directory;
use domain::find::{Listed, Viewer};
use domain::id::{ConnectorId, UserId};
use domain::position::Position;
use engine::When;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scim::{Projection, write_resource};
use testkit::fixture::{self, Fixture};

/// What each viewer sees of a user; none: nothing.
fn shown(
    directory: &Directory,
    viewers: &[Option<ConnectorId>],
    user: UserId,
) -> Vec<Option<String>> {
    let of = |connector: &Option<ConnectorId>| {
        let there = directory.user_known(*connector, user)?;
        let viewer = Viewer { directory, connector: *connector, base: "https://x.test" };
        let mut text = Vec::new();
        let rtype = directory.schemas.catalogue().user();
        write_resource(&mut text, &there.view(viewer), rtype, &Projection::Default);
        Some(String::from_utf8(text).unwrap())
    };
    viewers.iter().map(of).collect()
}

/// Seen to catch: groups of groups left out of the circle, a manager left out of it, and commits about groups' names not read.
#[test]
fn one_user_as_of_a_moment_is_the_one_that_the_whole_tenant_shows() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut looked = 0;
    for name in fixture::names() {
        let Fixture { engine, .. } = Fixture::replay(&name);
        let world = engine.world();
        for (tenant, now) in world.iter().filter(|(_, now)| now.directory.tenant.is_some()) {
            let last = now.head.position.unwrap().get();
            let mut viewers = vec![None];
            viewers.extend(now.directory.connectors.iter().map(|connector| Some(connector.id)));
            for _ in 0..20 {
                let at = Position::new(rng.random_range(1..=last)).unwrap();
                let whole = engine.as_of(tenant, When::Position(at)).unwrap();
                let mut users: Vec<UserId> =
                    whole.directory.users.iter().map(|user| user.id).collect();
                users.extend(now.directory.users.iter().map(|user| user.id));
                for _ in 0..6 {
                    let Some(user) = users.choose(&mut rng) else { continue };
                    let alone = engine.user_alone_as_of(tenant, at, *user).unwrap();
                    let Some(alone) = alone else { continue };
                    looked += 1;
                    assert_eq!(
                        shown(&alone.directory, &viewers, *user),
                        shown(&whole.directory, &viewers, *user),
                        "{name}: user {user} at position {at}"
                    );
                    assert_eq!(alone.head, whole.head, "{name}: position {at}");
                }
            }
        }
    }
    assert!(looked > 500, "only {looked} were looked at");
}
