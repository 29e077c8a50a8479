//! The guard: a run that would delete suspiciously much stops before anything happens.

mod disclosed;
mod first_names;

pub use disclosed::Disclosed;
pub use first_names::FirstNames;

use std::str::FromStr;

use super::{Action, ActionKind, Plan};

/// A side may always lose this many files.
pub(in crate::plan) const FREE: u64 = 20;

/// Beyond [`FREE`], the share of all tracked files that a side may lose, in percent.
const DELETIONS_PERCENT: u64 = 25;

/// However many files there are, a side has at most this many deleted without a word, and at most so
/// many replaced where they are more than half of all.
const MANY: u64 = 1_000;

/// How many deletions or replacements a person allows: `N` or `P%` of all tracked files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileLimit {
    /// At most so many on each side.
    Count(u64),
    /// At most this share of all tracked files on each side.
    Percent(u64),
}

impl FileLimit {
    fn is_exceeded(self, files: u64, tracked: u64) -> bool {
        match self {
            Self::Count(count) => files > count,
            // Files that the database never knew can be among the deletions of a mirror.
            Self::Percent(100) => false,
            Self::Percent(percent) => files * 100 > tracked * percent,
        }
    }
}

/// A text is neither a number nor a percentage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a number nor a percentage such as 25%")]
pub struct FileLimitError(String);

impl FromStr for FileLimit {
    type Err = FileLimitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || FileLimitError(text.to_owned());
        match text.strip_suffix('%') {
            Some(percent) => {
                let percent = percent.trim().parse().map_err(|_| error())?;
                if percent > 100 { Err(error()) } else { Ok(Self::Percent(percent)) }
            }
            None => text.trim().parse().map(Self::Count).map_err(|_| error()),
        }
    }
}

/// What a side would lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Files go.
    Deleted,
    /// Versions that both sides agreed on give way to others.
    Replaced,
    /// What rules have kept back goes to the bucket, for everybody to see.
    Disclosed,
}

/// Where what would be lost lies, and why it would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Some of it is gone, or another version, on the other side.
    Some,
    /// Nothing of what both sides agreed on is left on the other side.
    AllGone,
    /// The other side holds nothing at all.
    Emptied,
}

/// One thing that a plan has too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excess {
    /// Which side would lose.
    pub in_bucket: bool,
    /// What.
    pub loss: Loss,
    /// How many files.
    pub files: u64,
    /// Why.
    pub cause: Cause,
}

/// A plan that would delete or replace too much; nothing has happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", words(excesses, *tracked))]
pub struct SafetyStop {
    /// What there is too much of: at least one thing.
    pub excesses: Vec<Excess>,
    /// How many files the database knows.
    pub tracked: u64,
}

fn words(excesses: &[Excess], tracked: u64) -> String {
    let excess = |excess: &Excess| {
        let loss = match excess.loss {
            Loss::Deleted => "deleted",
            Loss::Replaced => "replaced",
            Loss::Disclosed => {
                return format!(
                    "{} files that were ignored here would be sent to the bucket",
                    excess.files
                );
            }
        };
        let place = if excess.in_bucket { "in the bucket" } else { "here" };
        let cause = match (excess.cause, excess.in_bucket) {
            (Cause::Some, _) => "",
            (Cause::AllGone, true) => ": none of them is here any more",
            (Cause::AllGone, false) => ": none of them is in the bucket any more",
            (Cause::Emptied, true) => ": this folder is empty",
            (Cause::Emptied, false) => ": the bucket is empty",
        };
        format!("{} of {tracked} files would be {loss} {place}{cause}", excess.files)
    };
    excesses.iter().map(excess).collect::<Vec<_>>().join("; ")
}

/// Judges plans.
#[derive(Debug, Clone, Copy, Default)]
pub struct Guard {
    /// How many deletions the person allows; `None` is the default rule.
    pub max_delete: Option<FileLimit>,
    /// How many replacements, and files that were ignored, the person allows; `None` is the default rule.
    pub max_change: Option<FileLimit>,
    /// The run has operands, so that losing all of them is what was asked for.
    pub has_operands: bool,
}

impl Guard {
    /// Stops a plan that would delete or replace more on one side than the guard allows.
    ///
    /// By default a side may lose no more than the larger of 20 and 25 % of all tracked files, no more
    /// than 1,000, and, in a run without operands, not all of at least two. Of the versions that both
    /// sides agreed on it may have replaced all up to 20, some up to 1,000, and above that up to half.
    /// Of what rules have kept back here, 20 files may go to the bucket because others changed the rules.
    pub fn check(&self, plan: &Plan) -> Result<(), SafetyStop> {
        let tracked = plan.tracked;
        let mut excesses = Vec::new();
        for in_bucket in [false, true] {
            let files = deletions(plan, in_bucket);
            if self.deletes_too_much(files, tracked) {
                let cause = if files < tracked {
                    Cause::Some
                } else if holds_something(plan, !in_bucket) {
                    Cause::AllGone
                } else {
                    Cause::Emptied
                };
                excesses.push(Excess { in_bucket, loss: Loss::Deleted, files, cause });
            }
            let files = plan.replacements(in_bucket);
            if self.replaces_too_much(files, tracked) {
                let cause = Cause::Some;
                excesses.push(Excess { in_bucket, loss: Loss::Replaced, files, cause });
            }
        }
        let files = plan.disclosed.files();
        if self.discloses_too_much(files, tracked) {
            let (loss, cause) = (Loss::Disclosed, Cause::Some);
            excesses.push(Excess { in_bucket: true, loss, files, cause });
        }
        if excesses.is_empty() { Ok(()) } else { Err(SafetyStop { excesses, tracked }) }
    }

    fn deletes_too_much(&self, deletions: u64, tracked: u64) -> bool {
        self.max_delete.map_or_else(
            || {
                let share = FREE.max(tracked * DELETIONS_PERCENT / 100);
                let loses_all = !self.has_operands && tracked >= 2 && deletions >= tracked;
                deletions > share || deletions > MANY || loses_all
            },
            |limit| limit.is_exceeded(deletions, tracked),
        )
    }

    fn replaces_too_much(&self, replacements: u64, tracked: u64) -> bool {
        self.max_change.map_or_else(
            || {
                let all = replacements > FREE && replacements >= tracked;
                all || (replacements > MANY && replacements * 2 > tracked)
            },
            |limit| limit.is_exceeded(replacements, tracked),
        )
    }

    fn discloses_too_much(&self, files: u64, tracked: u64) -> bool {
        self.max_change.map_or(files > FREE, |limit| limit.is_exceeded(files, tracked))
    }
}

/// Counts what a side would lose by deletions.
fn deletions(plan: &Plan, in_bucket: bool) -> u64 {
    if in_bucket { plan.deleted_in_bucket() } else { plan.deleted_here() }
}

/// Tells whether a plan saw anything on a side.
fn holds_something(plan: &Plan, in_bucket: bool) -> bool {
    if plan.agreed > 0 {
        return true;
    }
    if in_bucket {
        let is_there =
            |action: &Action| action.remote.is_some() && action.kind != ActionKind::DeleteRemote;
        plan.behind > 0
            || plan.actions.iter().any(is_there)
            || plan.conflicts.iter().any(|conflict| conflict.remote.is_some())
    } else {
        let is_here =
            |action: &Action| action.local.is_some() && action.kind != ActionKind::DeleteLocal;
        plan.ahead > 0
            || plan.actions.iter().any(is_here)
            || plan.conflicts.iter().any(|conflict| conflict.local.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops(
        max_delete: Option<FileLimit>,
        has_operands: bool,
        deletions: u64,
        tracked: u64,
    ) -> bool {
        Guard { max_delete, has_operands, max_change: None }.deletes_too_much(deletions, tracked)
    }

    fn stops_changes(max_change: Option<FileLimit>, replacements: u64, tracked: u64) -> bool {
        Guard { max_change, ..Guard::default() }.replaces_too_much(replacements, tracked)
    }

    #[test]
    fn replacements_stop_at_their_two_limits_and_not_before() {
        for (replacements, tracked, stopped) in [
            (0, 0, false),
            (10, 10, false),
            (20, 20, false),
            (21, 21, true),
            (21, 22, false),
            (999, 1_000, false),
            (1_000, 1_000, true),
            (1_000, 1_001, false),
            (1_001, 2_001, true),
            (1_001, 2_002, false),
            (50_000, 100_000, false),
            (50_001, 100_000, true),
        ] {
            let found = stops_changes(None, replacements, tracked);
            assert_eq!(found, stopped, "{replacements} of {tracked}");
        }
        assert!(stops_changes(Some(FileLimit::Count(5)), 6, 1_000));
        assert!(!stops_changes(Some(FileLimit::Count(6)), 6, 6));
        assert!(stops_changes(Some(FileLimit::Percent(10)), 101, 1_000));
        assert!(!stops_changes(Some(FileLimit::Percent(100)), 1_000, 1_000));
    }

    #[test]
    fn the_default_rule_stops_at_its_three_limits_and_not_before() {
        for (deletions, tracked, stopped) in [
            (0, 0, false),
            (0, 2, false),
            (1, 1, false),
            (2, 2, true),
            (1, 2, false),
            (20, 60, false),
            (21, 60, true),
            (25, 100, false),
            (26, 100, true),
            (1_000, 100_000, false),
            (1_001, 100_000, true),
        ] {
            assert_eq!(stops(None, false, deletions, tracked), stopped, "{deletions} of {tracked}");
        }
    }

    #[test]
    fn with_operands_all_of_a_few_may_go() {
        assert!(!stops(None, true, 2, 2));
        assert!(stops(None, true, 21, 21));
    }

    #[test]
    fn a_typed_limit_replaces_the_default_rule() {
        assert!(stops(Some(FileLimit::Count(0)), false, 1, 1_000));
        assert!(!stops(Some(FileLimit::Count(5_000)), false, 5_000, 5_000));
        assert!(stops(Some(FileLimit::Percent(10)), false, 11, 100));
        assert!(!stops(Some(FileLimit::Percent(10)), false, 10, 100));
        assert!(!stops(Some(FileLimit::Percent(100)), false, 70, 60));
    }

    #[test]
    fn numbers_and_percentages_are_read_and_nonsense_is_refused() {
        assert_eq!("25%".parse(), Ok(FileLimit::Percent(25)));
        assert_eq!("100%".parse(), Ok(FileLimit::Percent(100)));
        assert_eq!("7".parse(), Ok(FileLimit::Count(7)));
        for text in ["", "%", "-1", "101%", "ten", "1.5"] {
            assert!(text.parse::<FileLimit>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_stop_says_what_a_side_would_lose_and_why() {
        let excess = |in_bucket, loss, cause| Excess { in_bucket, loss, files: 26, cause };
        let say = |excesses: &[Excess]| {
            SafetyStop { excesses: excesses.to_vec(), tracked: 26 }.to_string()
        };
        assert_eq!(
            say(&[excess(false, Loss::Deleted, Cause::Emptied)]),
            "26 of 26 files would be deleted here: the bucket is empty"
        );
        assert_eq!(
            say(&[
                excess(true, Loss::Deleted, Cause::Some),
                excess(true, Loss::Replaced, Cause::Some)
            ]),
            "26 of 26 files would be deleted in the bucket; 26 of 26 files would be replaced in the \
             bucket"
        );
    }
}
