//! What was typed, as the library takes it.

use std::num::NonZeroUsize;

use crate::cli::arguments::{PlanOptions, SpeedOptions};
use crate::cli::screen::text::count;
use crate::cli::session::{self, Context};
use crate::disk::{DescriptorBudget, RealDisk};
use crate::error::Error;
use crate::plan::{Direction, FileLimit};
use crate::repository::{Config, DeleteLimit, Repository};
use crate::sync::{Request, Tuning};
use crate::tree::RepoPath;

/// Transfers at once at most where nothing says otherwise; how many there are, the run finds out.
const JOBS_DEFAULT: NonZeroUsize = NonZeroUsize::new(256).expect("256 is not 0");

/// Transfers at once that a usual run begins with: fewer are worth a word.
const JOBS_USUAL: NonZeroUsize = NonZeroUsize::new(32).expect("32 is not 0");

/// Below so many bytes a second a unit was forgotten, more likely than not.
const BANDWIDTH_UNTOLD_MIN: u64 = 1 << 10;

/// Turns what was typed into what the library takes.
pub(in crate::cli) fn request(
    repository: &Repository<RealDisk>,
    paths: Option<Vec<RepoPath>>,
    options: &PlanOptions,
    speed: SpeedOptions,
) -> Result<Request, Error> {
    let config = &repository.config;
    Ok(Request {
        direction: Direction::Sync,
        implicit_force: false,
        selection: session::selection(paths, &options.include, &options.exclude)?,
        unlisted: false,
        no_delete: options.no_delete,
        max_delete: options.max_delete.or_else(|| config.max_delete.map(limit)),
        max_change: options.max_change.or_else(|| config.max_change.map(limit)),
        tuning: Tuning {
            part_bytes: speed.part_size,
            bytes_per_second: speed.bytes_per_second(),
            ..Tuning::of(jobs_wanted(config, speed).min(jobs_possible()))
        },
        limit: options.limit,
        backup: config.backup,
        resolving: false,
    })
}

fn limit(limit: DeleteLimit) -> FileLimit {
    match limit {
        DeleteLimit::Count(count) => FileLimit::Count(count),
        DeleteLimit::Percent(percent) => FileLimit::Percent(percent.into()),
    }
}

fn jobs_wanted(config: &Config, speed: SpeedOptions) -> NonZeroUsize {
    speed.jobs.or(config.jobs).unwrap_or(JOBS_DEFAULT)
}

/// Returns how many transfers at once have descriptors enough.
fn jobs_possible() -> NonZeroUsize {
    NonZeroUsize::new(DescriptorBudget::get().transfers).unwrap_or(NonZeroUsize::MIN)
}

/// Says with `--verbose` where there are fewer transfers at once than wanted, and why.
pub(in crate::cli) fn tell_of_jobs(context: &Context, config: &Config, speed: SpeedOptions) {
    let wanted = speed.jobs.or(config.jobs).unwrap_or(JOBS_USUAL);
    if context.screen.verbose() && wanted > jobs_possible() {
        let transfers = count(jobs_possible().get() as u64, "transfer", "transfers");
        let limit = DescriptorBudget::get().limit;
        let text = format!("at most {transfers} at once: a process may open {limit} files here");
        context.screen.remark(&format!("{text} (`ulimit -Hn`)"));
    }
}

/// Says so where a limit is so low that a unit must have been meant.
pub(in crate::cli) fn warn_of_speed(context: &Context, speed: SpeedOptions) {
    if let Some(bytes) = speed.bytes_per_second().filter(|bytes| *bytes < BANDWIDTH_UNTOLD_MIN) {
        let bytes = count(bytes, "byte", "bytes");
        context
            .screen
            .warning(&format!("--bwlimit: {bytes} a second; `10M` means 10 MiB a second"));
    }
}

/// Refuses `--force` without a word of what to force.
pub(in crate::cli) fn expect_operands(command: &str, plan: &PlanOptions) -> Result<(), Error> {
    if !plan.paths.is_empty() {
        return Ok(());
    }
    Err(Error::usage(
        "--force needs to be told what to force",
        format!("`lsync {command} --force PATH`, or `.` for all: `lsync {command} --force .`"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Exit;

    #[test]
    fn force_without_operands_is_wrong_usage_and_names_the_dot() {
        let error = expect_operands("push", &PlanOptions::default()).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.hint().unwrap().contains("lsync push --force ."));
    }
}
