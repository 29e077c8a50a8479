//! `lsync sync`, `push` and `pull`: one flow with a direction.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::time::Instant;

use crate::cli::arguments::{
    PlanOptions, PullArguments, PushArguments, SpeedOptions, SyncArguments,
};
use crate::cli::cautions;
use crate::cli::commands::work::consent::{self, Consent};
use crate::cli::commands::work::resolve::remove_settled;
use crate::cli::report;
use crate::cli::session::{self, Context, RealWorld, Working};
use crate::cli::text::count;
use crate::disk::{DescriptorBudget, Disk as _, RealDisk};
use crate::error::{Error, Exit};
use crate::local::IgnoreRules;
use crate::plan::{Direction, FileLimit, FirstNames, Plan};
use crate::remote::{Capabilities, Conditions};
use crate::repository::{Config, DeleteLimit, Repository};
use crate::sync::{self, Request, Tuning};
use crate::transfer::Report;
use crate::tree::{Kind, RepoPath};

/// Transfers at once at most where nothing says otherwise; how many there are, the run finds out.
const JOBS_DEFAULT: NonZeroUsize = NonZeroUsize::new(256).expect("256 is not 0");

/// What a person asked for.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch on the command line")]
pub(in crate::cli) struct Wish {
    /// The command as typed.
    pub(in crate::cli) word: &'static str,
    /// Sync, push or pull.
    pub(in crate::cli) direction: Direction,
    pub(in crate::cli) plan: PlanOptions,
    speed: SpeedOptions,
    force: bool,
    pub(in crate::cli) mirror: bool,
    pub(in crate::cli) yes: bool,
    backup: bool,
    no_list: bool,
}

impl Wish {
    /// Wishes for everything, and for nothing special.
    pub(in crate::cli) fn new(word: &'static str, direction: Direction) -> Self {
        let (plan, speed) = (PlanOptions::default(), SpeedOptions::default());
        let (force, mirror, yes, no_list) = (false, false, false, false);
        Self { word, direction, plan, speed, force, mirror, yes, backup: true, no_list }
    }

    /// Wishes for so much speed.
    pub(in crate::cli) fn with_speed(self, speed: SpeedOptions) -> Self {
        Self { speed, ..self }
    }

    /// `lsync sync`.
    pub(in crate::cli) fn sync(arguments: &SyncArguments) -> Self {
        let plan = arguments.plan.clone();
        Self { plan, speed: arguments.speed, ..Self::new("sync", Direction::Sync) }
    }

    /// `lsync push`.
    pub(in crate::cli) fn push(arguments: &PushArguments) -> Self {
        Self {
            plan: arguments.plan.clone(),
            speed: arguments.speed,
            force: arguments.force,
            mirror: arguments.mirror,
            yes: arguments.yes,
            backup: !arguments.no_backup,
            no_list: arguments.no_list,
            ..Self::new("push", Direction::Push)
        }
    }

    /// `lsync pull`.
    pub(in crate::cli) fn pull(arguments: &PullArguments) -> Self {
        Self {
            plan: arguments.plan.clone(),
            speed: arguments.speed,
            force: arguments.force,
            mirror: arguments.mirror,
            yes: arguments.yes,
            ..Self::new("pull", Direction::Pull)
        }
    }

    /// Refuses what makes no sense, before anything is looked at.
    fn check(&self) -> Result<(), Error> {
        if self.force && self.plan.paths.is_empty() {
            let word = self.word;
            return Err(Error::usage(
                "--force needs to be told what to force",
                format!("`lsync {word} --force PATH`, or `.` for all: `lsync {word} --force .`"),
            ));
        }
        if self.no_list && (self.force || self.mirror) {
            return Err(Error::usage(
                "--no-list (LSYNC_NO_LIST) looks at nothing in the bucket that could be forced over",
                "leave out --no-list, and take LSYNC_NO_LIST out of the environment",
            ));
        }
        Ok(())
    }

    /// Returns which way, and whether the force was not typed.
    fn direction(
        &self,
        repository: &Repository<RealDisk>,
        paths: Option<&[RepoPath]>,
    ) -> (Direction, bool) {
        match self.direction {
            Direction::Push if self.mirror => (Direction::MirrorPush, false),
            Direction::Push if self.force => (Direction::ForcedPush, false),
            Direction::Pull if self.mirror => (Direction::MirrorPull, false),
            Direction::Pull if self.force => (Direction::ForcedPull, false),
            // What the bucket holds nobody has looked at, so that nothing can be forced over it.
            Direction::Push if self.no_list => (Direction::Push, false),
            Direction::Push => match paths {
                Some([path]) if self.plan.paths.len() == 1 && is_plain_file(repository, path) => {
                    (Direction::ForcedPush, true)
                }
                _ => (Direction::Push, false),
            },
            other => (other, false),
        }
    }
}

/// Tells whether a path is a regular file here that no rule ignores.
fn is_plain_file(repository: &Repository<RealDisk>, path: &RepoPath) -> bool {
    let (disk, root) = (RealDisk, &repository.root);
    let stat = disk
        .open_beneath(root, path.parent_str())
        .and_then(|folder| disk.lstat(&folder, path.name().as_ref()));
    stat.is_ok_and(|stat| stat.kind == Kind::File)
        && IgnoreRules::new(&disk, root).check(path, false).is_ok_and(|rule| rule.is_none())
}

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
        dry_run: options.dry_run,
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

/// Transfers at once that a usual run begins with: fewer are worth a word.
const JOBS_USUAL: NonZeroUsize = NonZeroUsize::new(32).expect("32 is not 0");

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

/// Below so many bytes a second a unit was forgotten, more likely than not.
const BANDWIDTH_UNTOLD_MIN: u64 = 1 << 10;

/// Says so where a limit is so low that a unit must have been meant.
pub(in crate::cli) fn warn_of_speed(context: &Context, speed: SpeedOptions) {
    if let Some(bytes) = speed.bytes_per_second().filter(|bytes| *bytes < BANDWIDTH_UNTOLD_MIN) {
        let bytes = count(bytes, "byte", "bytes");
        context
            .screen
            .warning(&format!("--bwlimit: {bytes} a second; `10M` means 10 MiB a second"));
    }
}

/// Runs the command.
pub(in crate::cli) async fn run(context: &Context, wish: &Wish) -> Result<Exit, Error> {
    wish.check()?;
    warn_of_speed(context, wish.speed);
    let repository = context.discover()?;
    let paths = context.place(&wish.plan.paths, &repository)?;
    let (direction, implicit_force) = wish.direction(&repository, paths.as_deref());
    tell_of_jobs(context, &repository.config, wish.speed);
    let mut request = request(&repository, paths, &wish.plan, wish.speed)?;
    (request.direction, request.implicit_force) = (direction, implicit_force);
    request.backup &= wish.backup;
    request.unlisted = wish.no_list;
    let lock = (!request.dry_run).then(|| repository.lock(&RealDisk, wish.word)).transpose()?;
    let remote = session::connect(&repository).await?;
    if wish.no_list {
        refuse_unlisted(remote.capabilities())?;
    }
    let working = Working::begin(context, if wish.mirror { "mirror" } else { "forced" });
    let world = context.world(repository, remote, &working);
    let started = Instant::now();
    let Some(plan) = context.unless_interrupted(sync::plan(&world, &request)).await else {
        return Ok(Exit::Interrupted);
    };
    let plan = plan?;
    working.pause();
    let first_names = cautions::first_push(&world, &plan)?;
    if request.dry_run {
        report::plan(context, wish.word, &plan, started.elapsed());
        let (read_only, url) = store(&world);
        report::warn_of_read_only(context, read_only, url, &plan);
        if let Err(stop) = sync::guard(&plan, &request) {
            report::warn_of_stop(context, "without --dry-run this stops", &stop);
        }
        if let Some(lacking) = sync::lacking_room(&world, &plan) {
            cautions::warn_of_room(context, wish.word, &lacking);
        }
        cautions::tell_of_disclosed(context, &plan);
        cautions::tell_of_first_push(context, &first_names);
        return Ok(Exit::of_plan(&plan));
    }
    cautions::expect_room(wish.word, &world, &plan)?;
    cautions::tell_of_disclosed(context, &plan);
    let run = Carry { command: wish.word, world: &world, request: &request, working: &working };
    let (plan, lock) = match Box::pin(consent::to(context, wish, &run, (plan, lock))).await? {
        Consent::Given(plan, lock) => (plan, lock),
        Consent::Refused(exit) => return Ok(exit),
    };
    if let Some(exit) = may_send(context, wish, &request, (&plan, &first_names)).await? {
        return Ok(exit);
    }
    let result = run.out(context, plan, started).await;
    drop(lock);
    result
}

/// Asks on a terminal about files that are seldom meant for a team; returns how it ends where they are not
/// to be sent.
async fn may_send(
    context: &Context,
    wish: &Wish,
    request: &Request,
    (plan, first_names): (&Plan, &FirstNames),
) -> Result<Option<Exit>, Error> {
    // What the guard stops at has been asked about.
    let is_asked = wish.yes || sync::guard(plan, request).is_err();
    let ask = async {
        let may = is_asked || cautions::may_disclose(context, &plan.disclosed).await?;
        Ok::<_, Error>(may && cautions::may_push(context, first_names, !wish.yes).await?)
    };
    match context.unless_interrupted(ask).await.transpose()? {
        None => Ok(Some(Exit::Interrupted)),
        Some(false) => Ok(Some(Exit::SafetyStop)),
        Some(true) => Ok(None),
    }
}

/// Refuses to push unseen where the store would overwrite what others wrote.
fn refuse_unlisted(found: &Capabilities) -> Result<(), Error> {
    if found.conditional_put != Conditions::None {
        return Ok(());
    }
    Err(Error::usage(
        "--no-list needs a store that compares before it writes, and this one does not",
        "`lsync push` without it lists the bucket first",
    ))
}

/// Returns whether the bucket takes no writes, as far as is known, and its URL.
fn store(world: &RealWorld) -> (bool, &str) {
    (world.remote.capabilities().read_only, &world.remote_id.url)
}

/// Everything that it takes to carry a plan out.
pub(in crate::cli) struct Carry<'a> {
    /// The command as typed.
    pub(in crate::cli) command: &'static str,
    pub(in crate::cli) world: &'a RealWorld,
    pub(in crate::cli) request: &'a Request,
    pub(in crate::cli) working: &'a Working,
}

impl Carry<'_> {
    /// Carries a plan out, tells what came of it, and returns the exit code.
    pub(in crate::cli) async fn out(
        self,
        context: &Context,
        plan: Plan,
        started: Instant,
    ) -> Result<Exit, Error> {
        Ok(Exit::of_report(&self.report(context, plan, started).await?))
    }

    /// Carries a plan out, and tells what came of it.
    pub(in crate::cli) async fn report(
        self,
        context: &Context,
        plan: Plan,
        started: Instant,
    ) -> Result<Report, Error> {
        let (read_only, url) = store(self.world);
        report::refuse_read_only(read_only, url, &plan)?;
        // What has waited for an answer is looked at again.
        cautions::expect_room(self.command, self.world, &plan)?;
        let (conflicts, notices) = (plan.conflicts.clone(), plan.notices.clone());
        let carrying = sync::carry_out(self.world, self.request, plan);
        let report = context.to_the_end(carrying).await;
        self.working.pause();
        report::left_open(context, &conflicts, &notices);
        let report = report?;
        report::summary(context, self.command, (&report, &conflicts), started.elapsed());
        let all_done = report.is_complete() && report.conflicts == conflicts.len() as u64;
        if all_done && !self.request.unlisted {
            let open: HashSet<_> = conflicts.iter().map(|conflict| &conflict.path).collect();
            let control = &self.world.repository.control;
            remove_settled(context, control, |path| {
                self.request.selection.selects(path) && !open.contains(path)
            });
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn force_without_operands_is_wrong_usage_and_names_the_dot() {
        let wish = Wish { force: true, ..Wish::new("push", Direction::Push) };
        let error = wish.check().unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.hint().unwrap().contains("lsync push --force ."));
    }
}
