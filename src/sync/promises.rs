//! A store that broke a promise is not trusted with it again.

use super::World;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::remote::{Capabilities, Remote};

/// Takes the conditions out of the config that a store was found not to keep to, and says so.
pub(super) fn withdraw_broken<D: Disk, R: Remote, C: Clock>(world: &World<D, R, C>) {
    let Some(evidence) = world.remote.broken_promise() else { return };
    let repository = &world.repository;
    let mut config = repository.config.clone();
    let found = config.store_as::<Capabilities>().ok().flatten();
    let written = found.is_some_and(|found| {
        let kept = config.set_store(&found.without_promises());
        kept.is_ok() && repository.write_config(&world.disk, &config).is_ok()
    });
    let follows = if written {
        "from now on lsync compares before and after each write, and keeps copies (written to \
         .lsync/config.yaml)"
    } else {
        "run `lsync init` again: .lsync/config.yaml, which says otherwise, cannot be written"
    };
    world.monitor.warning(&format!("{evidence}; {follows}"));
}
