//! `lsync resolve`: settles conflicts.

mod asking;
mod choice;
mod theirs;

use std::time::Instant;

use asking::Asking;
pub(in crate::cli) use choice::Sides;
use choice::look;
pub(in crate::cli) use theirs::remove_settled;

use crate::cli::arguments::{PlanOptions, ResolveArguments};
use crate::cli::commands::work::carry::{self, Carry};
use crate::cli::commands::work::request::{request, warn_of_speed};
use crate::cli::report;
use crate::cli::screen::json;
use crate::cli::screen::render::floods::{self, Tally, Turn};
use crate::cli::screen::text::{count, number};
use crate::cli::session::{self, Context, RealLocked, Working};
use crate::clock::{Clock as _, SystemClock};
use crate::disk::{RealDisk, login_name};
use crate::error::{Error, Exit};
use crate::local::IgnoreRules;
use crate::plan::{self, Conflict, Plan, Resolution};

/// The longest name of a user in the name of a copy, in characters.
const USER_CHARACTERS_MAX: usize = 32;

/// Runs the command: asks first, then locks, looks again, and acts on the versions that were shown.
pub(in crate::cli) async fn run(
    context: &Context,
    arguments: &ResolveArguments,
) -> Result<Exit, Error> {
    let repository = context.discover()?;
    let paths = context.place(&arguments.paths, &repository)?;
    warn_of_speed(context, arguments.speed);
    let options = PlanOptions::default();
    let mut request = request(&repository, paths, &options, arguments.speed)?;
    request.backup &= !arguments.no_backup;
    request.resolving = true;
    let remote = session::connect(&repository).await?;
    let working = Working::begin(context, "resolved");
    let world = context.world(repository, remote, &working);
    let Some((_, shown)) = carry::look(context, &world, &request).await? else {
        return Ok(Exit::Interrupted);
    };
    let conflicts = shown.conflicts;
    working.pause();
    if conflicts.is_empty() {
        tell_none(context);
        return Ok(Exit::Done);
    }
    if arguments.list {
        list(context, &*world.remote, &conflicts).await;
        return Ok(Exit::Conflicts);
    }
    let mut asking = Asking::new(context, &world, arguments);
    let run = Carry { command: "resolve", world: &world, request: &request, working: &working };
    match ask(context, &mut asking, run, conflicts).await? {
        Some(asked) => settle(context, asking, run, asked).await,
        None => Ok(Exit::Interrupted),
    }
}

/// What the two sides hold once everything is answered; nobody else changes anything here.
struct Asked<'a> {
    locked: RealLocked<'a>,
    now: Plan,
    started: Instant,
}

/// Asks, then locks and looks again; and asks again about what has moved meanwhile. `None` when
/// interrupted.
async fn ask<'a>(
    context: &Context,
    asking: &mut Asking<'_>,
    run: Carry<'a>,
    mut conflicts: Vec<Conflict>,
) -> Result<Option<Asked<'a>>, Error> {
    loop {
        let Some(chosen) = context.unless_interrupted(asking.choose(conflicts)).await else {
            return Ok(None);
        };
        chosen?;
        let started = Instant::now();
        let locked = run.begin()?;
        let Some(now) = run.plan(context, &locked).await? else { return Ok(None) };
        conflicts = asking.take_moved(&now.conflicts);
        if conflicts.is_empty() {
            return Ok(Some(Asked { locked, now, started }));
        }
        // Nobody waits for the lock because a person thinks.
        drop(locked);
    }
}

/// Does what was chosen.
async fn settle<'a>(
    context: &Context,
    mut asking: Asking<'_>,
    run: Carry<'a>,
    Asked { locked, now, started }: Asked<'a>,
) -> Result<Exit, Error> {
    // Only conflicts: what else a sync would do is not what was asked for.
    let Plan { conflicts, tracked, mounts, .. } = now;
    let bare = Plan { conflicts, tracked, mounts, ..Plan::default() };
    let (label, rules) = (label(), IgnoreRules::new(&RealDisk, &run.world.repository.root));
    let choices = std::mem::take(&mut asking.choices);
    let choices = without_ignored_copies(context, rules, choices, &label);
    let settled = plan::settle(bare, &choices, &label);
    report::actions(context, &settled);
    Ok(Exit::of_report(&run.report(context, (locked, settled), started).await?))
}

/// Why a conflict that should be kept twice stays open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NoCopy {
    /// A rule ignores the copy.
    Ignored,
    /// Rules that the copy needs cannot be read.
    Unreadable,
    /// No name for the copy fits.
    NoName,
}

impl NoCopy {
    fn hint(self) -> &'static str {
        match self {
            Self::Ignored => "change the rule, or choose --ours or --theirs",
            Self::Unreadable => "make them readable, or choose --ours or --theirs",
            Self::NoName => "choose --ours or --theirs",
        }
    }

    /// Says why, of many.
    fn words(self) -> &'static str {
        match self {
            Self::Ignored => "their copies are ignored by a rule",
            Self::Unreadable => "rules that their copies need cannot be read",
            Self::NoName => "their paths are too long for another name beside them",
        }
    }
}

/// Leaves open what would be kept twice with a copy that a rule ignores: it would stay here alone.
fn without_ignored_copies(
    context: &Context,
    mut rules: IgnoreRules<RealDisk>,
    mut choices: Vec<(Conflict, Resolution)>,
    label: &str,
) -> Vec<(Conflict, Resolution)> {
    let both = choices.iter_mut().filter(|(conflict, resolution)| {
        let is_edited_twice = conflict.local.is_some() && conflict.remote.is_some();
        *resolution == Resolution::Both && (is_edited_twice || conflict.contested.is_some())
    });
    let screen = &context.screen;
    let mut warned = Tally::new(screen.verbose());
    for (conflict, resolution) in both {
        let (path, copy) = (&conflict.path, plan::copy_path(&conflict.path, label));
        let (kind, why) = match copy.as_ref().map(|copy| rules.check(copy, false)) {
            Some(Ok(None)) => continue,
            Some(Ok(Some(rule))) => (
                NoCopy::Ignored,
                format!("its copy is ignored by the rule {:?} in {}", rule.pattern, rule.place),
            ),
            Some(Err(error)) => {
                (NoCopy::Unreadable, format!("rules that its copy needs cannot be read: {error}"))
            }
            None => {
                (NoCopy::NoName, "its path is so long that no other name fits beside it".to_owned())
            }
        };
        *resolution = Resolution::Skip;
        let turn = warned.count(kind, floods::NAMED_MAX);
        if turn != Turn::Counted {
            screen.warning(&format!("{path} stays open: {why}"));
        }
        if turn == Turn::Whole {
            screen.hint(kind.hint());
        }
    }
    for (kind, count) in warned.take_unnamed() {
        let (count, why, all) = (number(count), kind.words(), floods::ALL);
        screen.warning(&format!("{count} more stay open: {why}; {all}"));
    }
    choices
}

fn tell_none(context: &Context) {
    if context.screen.json() {
        let counts = json::Counts::default();
        context.screen.summary(&json::summary("resolve", 0, "no conflicts", counts));
    } else if !context.screen.quiet() {
        context.screen.result("no conflicts");
    }
}

async fn list(context: &Context, remote: &dyn crate::remote::Remote, conflicts: &[Conflict]) {
    let screen = &context.screen;
    if screen.json() {
        for conflict in conflicts {
            let sides = look(remote, conflict).await;
            screen.result(&json::conflict_with_sides(conflict, &sides));
        }
        let open = conflicts.len() as u64;
        let exit = Exit::Conflicts.code();
        let counts = json::Counts { dry_run: true, conflicts: open, exit, ..Default::default() };
        let text = count(open, "conflict", "conflicts");
        return screen.summary(&json::summary("resolve", 0, &text, counts));
    }
    for conflict in conflicts {
        let sides = look(remote, conflict).await;
        screen.result(&choice::describe(screen.style(), conflict, &sides));
    }
    screen.result(&count(conflicts.len() as u64, "conflict", "conflicts"));
    let to_rename = report::to_rename(conflicts);
    if conflicts.len() as u64 > to_rename {
        screen.hint("`lsync resolve` asks what to do with each");
    }
    if to_rename > 0 {
        screen.hint(report::RENAME_HINT);
    }
}

/// Makes what tells the copy of `--both` apart: `USER-UTC-xxxx`.
fn label() -> String {
    let variables = ["USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    // A container or a job of cron has neither.
    let names = variables.chain(std::iter::once_with(login_name).flatten());
    let user = names.map(|name| plain(&name)).find(|name| !name.is_empty());
    label_of(&user.unwrap_or_default(), SystemClock.now(), fastrand::u16(..))
}

/// Keeps of a name what every store and disk takes.
fn plain(name: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    name.chars().filter(is_plain).take(USER_CHARACTERS_MAX).collect()
}

fn label_of(user: &str, now: i64, random: u16) -> String {
    let user = if user.is_empty() { "somebody" } else { user };
    let time = chrono::DateTime::from_timestamp_nanos(now).format("%Y%m%dT%H%M%SZ");
    format!("{user}-{time}-{random:04x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_named_after_who_when_and_a_number() {
        let now = 1_795_082_531_000_000_000;
        assert_eq!(label_of("ann", now, 0xab), "ann-20261119T100211Z-00ab");
        assert_eq!(label_of(&plain("a/../b\n"), now, 1), "a..b-20261119T100211Z-0001");
        assert!(label_of("", now, 1).starts_with("somebody-"));
    }
}
