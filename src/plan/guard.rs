//! The guard: a run that would delete suspiciously much stops before anything happens.

use std::str::FromStr;

use super::{ActionKind, Plan};

/// A side may always lose this many files.
const DELETIONS_FREE: u64 = 20;

/// Beyond [`DELETIONS_FREE`], the share of all tracked files that a side may lose, in percent.
const DELETIONS_PERCENT: u64 = 25;

/// However many files there are, a side loses at most this many without a word.
const DELETIONS_MAX: u64 = 1_000;

/// How many deletions a person allows: `N` or `P%` of all tracked files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxDelete {
    /// At most so many on each side.
    Count(u64),
    /// At most this share of all tracked files on each side.
    Percent(u64),
}

/// A text is neither a number nor a percentage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a number nor a percentage such as 25%")]
pub struct MaxDeleteError(String);

impl FromStr for MaxDelete {
    type Err = MaxDeleteError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || MaxDeleteError(text.to_owned());
        match text.strip_suffix('%') {
            Some(percent) => {
                let percent = percent.trim().parse().map_err(|_| error())?;
                if percent > 100 { Err(error()) } else { Ok(Self::Percent(percent)) }
            }
            None => text.trim().parse().map(Self::Count).map_err(|_| error()),
        }
    }
}

/// A plan that would delete too much; nothing has happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{deletions} of {tracked} files would be deleted {}",
    if *in_bucket { "in the bucket" } else { "here" }
)]
pub struct SafetyStop {
    /// Which side.
    pub in_bucket: bool,
    /// How many files it would lose.
    pub deletions: u64,
    /// How many the database knows.
    pub tracked: u64,
}

impl SafetyStop {
    /// Returns the smallest percentage that would let the plan pass.
    pub fn percent_needed(&self) -> u64 {
        (self.deletions * 100).div_ceil(self.tracked.max(1)).min(100)
    }
}

/// Judges plans.
#[derive(Debug, Clone, Copy, Default)]
pub struct Guard {
    /// What the person allows; `None` is the default rule.
    pub max_delete: Option<MaxDelete>,
    /// The run has operands, so that losing all of them is what was asked for.
    pub has_operands: bool,
}

impl Guard {
    /// Stops a plan that would delete more on one side than the guard allows.
    ///
    /// By default that is more than the larger of 20 and 25 % of all tracked files, more than
    /// 1,000, or, in a run without operands, all of at least two.
    pub fn check(&self, plan: &Plan) -> Result<(), SafetyStop> {
        let here = plan.count(ActionKind::DeleteLocal) + plan.replaced_files;
        for (in_bucket, deletions) in [(false, here), (true, plan.count(ActionKind::DeleteRemote))]
        {
            if self.is_too_much(deletions, plan.tracked) {
                return Err(SafetyStop { in_bucket, deletions, tracked: plan.tracked });
            }
        }
        Ok(())
    }

    fn is_too_much(&self, deletions: u64, tracked: u64) -> bool {
        match self.max_delete {
            Some(MaxDelete::Count(count)) => deletions > count,
            // Files that the database never knew can be among the deletions of a mirror.
            Some(MaxDelete::Percent(100)) => false,
            Some(MaxDelete::Percent(percent)) => deletions * 100 > tracked * percent,
            None => {
                let share = DELETIONS_FREE.max(tracked * DELETIONS_PERCENT / 100);
                let loses_all = !self.has_operands && tracked >= 2 && deletions >= tracked;
                deletions > share || deletions > DELETIONS_MAX || loses_all
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops(
        max_delete: Option<MaxDelete>,
        has_operands: bool,
        deletions: u64,
        tracked: u64,
    ) -> bool {
        Guard { max_delete, has_operands }.is_too_much(deletions, tracked)
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
        assert!(stops(Some(MaxDelete::Count(0)), false, 1, 1_000));
        assert!(!stops(Some(MaxDelete::Count(5_000)), false, 5_000, 5_000));
        assert!(stops(Some(MaxDelete::Percent(10)), false, 11, 100));
        assert!(!stops(Some(MaxDelete::Percent(10)), false, 10, 100));
        assert!(!stops(Some(MaxDelete::Percent(100)), false, 70, 60));
    }

    #[test]
    fn numbers_and_percentages_are_read_and_nonsense_is_refused() {
        assert_eq!("25%".parse(), Ok(MaxDelete::Percent(25)));
        assert_eq!("100%".parse(), Ok(MaxDelete::Percent(100)));
        assert_eq!("7".parse(), Ok(MaxDelete::Count(7)));
        for text in ["", "%", "-1", "101%", "ten", "1.5"] {
            assert!(text.parse::<MaxDelete>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_percentage_in_the_hint_lets_the_plan_pass() {
        let stop = SafetyStop { in_bucket: true, deletions: 26, tracked: 100 };
        assert!(!stops(Some(MaxDelete::Percent(stop.percent_needed())), false, 26, 100));
    }
}
