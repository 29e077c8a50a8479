//! How many descriptors this process may have open, and what they are for.
//!
//! Folders, files and connections share one limit (`ulimit -n`). [`raise_descriptor_limit`] makes it as
//! large as the system allows; what is left of it is divided here, so that a run holds a bounded
//! number of each whatever the tree looks like.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What any run has open: the three streams, the event loop, the lock, the database and its journal, the
/// list of the trash, folders named from outside, and a few for the moment (credentials, names of hosts).
const ALWAYS_OPEN: u64 = 22;

/// More open folders than this make no run faster.
const FOLDERS_MAX: u64 = 4_096;

/// The lowest limit under which a run still has one of everything.
const FOLDERS_MIN: u64 = 6;

/// Files that wait, open, for the sync of their group.
const WAITING_FILES_MAX: u64 = 16;

/// What macOS takes where it says that there is no limit (`OPEN_MAX`).
const LIMIT_WITHOUT_LIMIT: u64 = 10_240;

/// The shares of the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DescriptorBudget {
    /// How many descriptors the process may have.
    pub limit: u64,
    /// Folders that are open at once.
    pub folders: usize,
    /// Files that are transferred at once; each has a file, a checkpoint and a connection.
    pub transfers: usize,
    /// Requests at once that need no file.
    pub requests: usize,
    /// Files that wait, open, for the sync of their group.
    pub waiting_files: usize,
}

impl DescriptorBudget {
    /// Returns the shares of this process. The limit is read once, when somebody first asks.
    pub fn get() -> Self {
        static BUDGET: OnceLock<DescriptorBudget> = OnceLock::new();
        *BUDGET.get_or_init(|| Self::of(limit()))
    }

    fn of(limit: u64) -> Self {
        let rest = limit.saturating_sub(ALWAYS_OPEN);
        let share = |parts: u64, least: u64, most: u64| {
            usize::try_from((rest / parts).clamp(least, most)).unwrap_or(usize::MAX)
        };
        Self {
            limit,
            folders: share(3, FOLDERS_MIN, FOLDERS_MAX),
            transfers: share(7, 1, u64::MAX),
            requests: share(3, 2, u64::MAX),
            waiting_files: share(8, 0, WAITING_FILES_MAX),
        }
    }
}

/// Raises the limit of this process as far as the system allows, which needs no privilege.
///
/// A limit that cannot be raised is no error: there are fewer descriptors then.
pub fn raise_descriptor_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(current) = current else { return };
    let wanted = maximum.unwrap_or(LIMIT_WITHOUT_LIMIT);
    for wanted in [wanted, wanted.min(LIMIT_WITHOUT_LIMIT)] {
        if wanted <= current
            || setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).is_ok()
        {
            return;
        }
    }
}

fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_together_stay_below_the_limit() {
        for limit in (40..300).chain([1_024, 4_096, 20_000, 1 << 20]) {
            let budget = DescriptorBudget::of(limit);
            let transfers = budget.folders + 3 * budget.transfers + budget.waiting_files;
            assert!(transfers as u64 + ALWAYS_OPEN <= limit, "{budget:?}");
            let requests = budget.folders + budget.requests;
            assert!(requests as u64 + ALWAYS_OPEN <= limit, "{budget:?}");
        }
    }

    #[test]
    fn a_usual_limit_leaves_the_usual_number_of_transfers() {
        assert!(DescriptorBudget::of(256).transfers >= 32);
        assert!(DescriptorBudget::of(64).transfers >= 4);
    }

    #[test]
    fn no_limit_is_a_large_one() {
        let budget = DescriptorBudget::of(u64::MAX);
        assert_eq!(budget.folders as u64, FOLDERS_MAX);
        assert_eq!(budget.waiting_files as u64, WAITING_FILES_MAX);
    }
}
