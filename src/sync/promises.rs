//! A store that broke a promise is not trusted with it again.

use crate::clock::Clock;
use crate::disk::Disk;
use crate::remote::Capabilities;
use crate::repository::Repository;
use crate::session::{Locked, World};

/// Takes the conditions out of the config that a store was found not to keep to, and says so.
pub(super) fn withdraw_broken<D: Disk, C: Clock>(run: &Locked<'_, D, C>) {
    let world = run.world;
    let Some(evidence) = world.remote.broken_promise() else { return };
    let follows = if withdraw(world).is_some() {
        "from now on lsync compares before and after each write, and keeps copies (written to \
         .lsync/config.yaml)"
    } else {
        "run `lsync init` again: .lsync/config.yaml, which says otherwise, cannot be written"
    };
    world.monitor.warning(&format!("{evidence}; {follows}"));
}

/// Changes that alone in the config as it is now: somebody may have written to it during the run.
fn withdraw<D: Disk, C: Clock>(world: &World<D, C>) -> Option<()> {
    let mut repository = Repository::open(&world.disk, &world.repository.root_path).ok()?;
    let found = repository.config.store_as::<Capabilities>().ok().flatten()?;
    repository.config.set_store(&found.without_promises()).ok()?;
    repository.save_config(&world.disk).ok()
}
