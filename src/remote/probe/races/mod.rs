//! Whether what a store claims holds among several at once. One kind of race at a time, over many keys
//! side by side, and nothing beside it.
//!
//! A store that compares without a lock gets away with it most of the time. Of two at once `SeaweedFS`
//! 4.48 let both through once in some twenty times where parts are put together, and lost a write to
//! a deletion of many once in fifty. So there are as many races as leave a chance of one in a thousand
//! that it gets through unseen where one pair in twenty is enough: 135 pairs, since 0.95^135 is 0.001.
//! A race in which not everybody had their answer shows nothing, and what nothing shows is none.

mod deletions;
mod side_by_side;
mod writes;

use futures_util::future::FutureExt as _;

use side_by_side::Race;

use super::prober::Prober;
use super::questions::Claims;
use super::trials::Trials;
use crate::remote::{Capabilities, Conditions, RemoteError};

/// At how many keys pairs of writers race, twice: to create one, and to replace it.
const WRITTEN_KEYS: usize = 68;

/// At how many keys five completions race, twice: 140 pairs in all.
const COMPLETED_KEYS: usize = 7;

/// And where old versions cannot be deleted, so that each race leaves two behind for good.
const WRITTEN_KEYS_LOCKED: usize = 8;
const COMPLETED_KEYS_LOCKED: usize = 2;

/// One kind of race, about one claim.
struct Trial {
    /// What the store claims, as far as the races before leave anything of it.
    claimed: fn(&Claims, &Capabilities) -> Conditions,
    hold: for<'a> fn(&'a Prober<'a>, &'a dyn Trials, Claims) -> Race<'a>,
    entry: fn(&mut Capabilities) -> &mut Conditions,
}

/// In this order, one kind at a time.
const TRIALS: [Trial; 4] = [
    Trial {
        claimed: |claims, _| claims.put,
        hold: |it, remote, claims| {
            let keys = if claims.versions_can_go { WRITTEN_KEYS } else { WRITTEN_KEYS_LOCKED };
            it.keeps_writers_apart(remote, keys).boxed()
        },
        entry: |found| &mut found.conditional_put,
    },
    Trial {
        // Where old versions stay for good, hundreds of them would.
        claimed: |claims, _| {
            let is_tried = claims.versions_can_go && claims.deletes_parts;
            if is_tried { claims.delete } else { Conditions::None }
        },
        hold: |it, remote, _| it.deletions_keep_apart(remote).boxed(),
        entry: |found| &mut found.conditional_delete,
    },
    Trial {
        claimed: |claims, found| {
            let has_one = found.conditional_delete != Conditions::None;
            if has_one { claims.delete_many } else { Conditions::None }
        },
        hold: |it, remote, _| it.batches_keep_apart(remote).boxed(),
        entry: |found| &mut found.conditional_delete_many,
    },
    Trial {
        claimed: |claims, _| claims.complete,
        hold: |it, remote, claims| {
            let keys = if claims.versions_can_go { COMPLETED_KEYS } else { COMPLETED_KEYS_LOCKED };
            it.has_one_completion(remote, keys).boxed()
        },
        entry: |found| &mut found.conditional_complete,
    },
];

impl Prober<'_> {
    /// Lets each claim stand the races that are about it; what does not is none.
    pub(super) async fn let_race(&mut self, claims: Claims) -> Result<(), RemoteError> {
        for Trial { claimed, hold, entry } in TRIALS {
            let claimed = claimed(&claims, &self.found);
            if claimed != Conditions::None {
                let remote = self.trying(claimed, self.found.checksum);
                if hold(self, &*remote, claims).await? {
                    *entry(&mut self.found) = claimed;
                }
            }
        }
        let is_trusted = [self.found.conditional_put, self.found.conditional_complete]
            .iter()
            .any(|it| *it != Conditions::None);
        if is_trusted && !claims.versions_can_go {
            self.found.probable = true;
            self.note(
                "that the store keeps to conditions of writes is probable, and no more: only a few \
                 races were held, because old versions stay for good here",
            );
        }
        if claims.delete != Conditions::None && !claims.deletes_parts {
            self.note(
                "the store refuses to delete a file that was sent in parts on the condition that it is \
                 still the same, although it is: deletions go without one",
            );
        }
        Ok(())
    }
}
