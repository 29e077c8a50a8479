//! `lsync resolve`: settles conflicts.

mod choice;
mod theirs;

use std::time::Instant;

pub(super) use choice::Sides;
use choice::{Answer, look};
use theirs::Theirs;

use super::arguments::{PlanOptions, ResolveArguments};
use super::json;
use super::report;
use super::session::{self, Context, RealWorld, Working};
use super::sync::{Carry, request, warn_of_speed};
use super::text::{count, escape};
use crate::clock::{Clock as _, SystemClock};
use crate::disk::RealDisk;
use crate::error::{Error, Exit};
use crate::local::IgnoreRules;
use crate::plan::{self, Conflict, Plan, Resolution};
use crate::sync::{self, Request};

/// The longest name of a user in the name of a copy, in characters.
const USER_CHARACTERS_MAX: usize = 32;

/// Runs the command: asks first, then locks, looks again, and acts on the versions that were shown.
pub(super) async fn run(context: &Context, arguments: &ResolveArguments) -> Result<Exit, Error> {
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
    let looking = Request { dry_run: true, ..request.clone() };
    let Some(shown) = context.unless_interrupted(sync::plan(&world, &looking)).await else {
        return Ok(Exit::Interrupted);
    };
    let conflicts = shown?.conflicts;
    working.pause();
    if conflicts.is_empty() {
        tell_none(context);
        return Ok(Exit::Done);
    }
    if arguments.list {
        list(context, &world.remote, &conflicts).await;
        return Ok(Exit::Conflicts);
    }
    let choosing = choose(context, arguments, &world, conflicts);
    let Some(choices) = context.unless_interrupted(choosing).await else {
        return Ok(Exit::Interrupted);
    };
    let choices = choices?;
    let started = Instant::now();
    let lock = world.repository.lock(&RealDisk, "resolve")?;
    let Some(now) = context.unless_interrupted(sync::plan(&world, &request)).await else {
        return Ok(Exit::Interrupted);
    };
    // Only conflicts: what else a sync would do is not what was asked for.
    let now = now?;
    let bare = Plan { conflicts: now.conflicts, tracked: now.tracked, ..Plan::default() };
    let (label, rules) = (label(), IgnoreRules::new(&RealDisk, &world.repository.root));
    let choices = without_ignored_copies(context, rules, choices, &label);
    let settled = plan::settle(bare, &choices, &label);
    working.pause();
    report::actions(context, &settled);
    let run = Carry { command: "resolve", world: &world, request: &request, working: &working };
    let result = run.out(context, settled, started).await;
    drop(lock);
    result
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
    for (conflict, resolution) in both {
        let Some(copy) = plan::copy_path(&conflict.path, label) else { continue };
        let why = match rules.check(&copy, false) {
            Ok(None) => continue,
            Ok(Some(rule)) => format!("the rule {:?} in {}", rule.pattern, rule.place),
            Err(error) => format!("rules that cannot be read: {error}"),
        };
        let (path, name) = (&conflict.path, copy.name());
        context.screen.warning(&format!("{path} stays open: its copy {name} is ignored by {why}"));
        context.screen.hint("change the rule, or choose --ours or --theirs");
        *resolution = Resolution::Skip;
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

async fn list(context: &Context, remote: &crate::remote::AnyRemote, conflicts: &[Conflict]) {
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

/// Finds out what shall become of each conflict: by option, or by asking.
async fn choose(
    context: &Context,
    arguments: &ResolveArguments,
    world: &RealWorld,
    conflicts: Vec<Conflict>,
) -> Result<Vec<(Conflict, Resolution)>, Error> {
    let for_all = for_all(arguments);
    if for_all.is_none() && !context.screen.can_ask() {
        let to_rename = report::to_rename(&conflicts);
        let how = if to_rename == conflicts.len() as u64 {
            report::RENAME_HINT
        } else {
            "say how: --ours, --theirs, --both or --newest; `lsync resolve --list` shows them"
        };
        let open = count(conflicts.len() as u64, "conflict is", "conflicts are");
        return Err(Error::usage(format!("{open} open, and nobody is there to be asked"), how));
    }
    let total = conflicts.len();
    let mut choices = Vec::with_capacity(total);
    for (index, conflict) in conflicts.into_iter().enumerate() {
        let resolution = match for_all {
            Some(Resolution::Newest) => newest(context, world, &conflict).await,
            Some(resolution) => resolution,
            None => match ask(context, world, &conflict, (index + 1, total)).await? {
                Some(resolution) => resolution,
                // The rest stays open, what was answered is done.
                None => break,
            },
        };
        choices.push((conflict, resolution));
    }
    Ok(choices)
}

/// Finds out which side is newer, and says so where that decides nothing.
async fn newest(context: &Context, world: &RealWorld, conflict: &Conflict) -> Resolution {
    if conflict.needs_renaming() {
        return Resolution::Skip;
    }
    if conflict.contested.is_some() {
        let path = escape(conflict.path.as_str());
        let why = "left open, a folder has no time of its own; choose --ours, --theirs or --both";
        context.screen.remark(&format!("{path}: {why}"));
        return Resolution::Skip;
    }
    let sides = look(&world.remote, conflict).await;
    let resolution = sides.newest();
    if resolution == Resolution::Skip {
        let path = escape(conflict.path.as_str());
        context.screen.remark(&format!("{path}: {}", choice::why_open(&sides)));
    }
    resolution
}

/// Asks about one conflict until there is an answer; `None` ends the questions.
async fn ask(
    context: &Context,
    world: &RealWorld,
    conflict: &Conflict,
    position: (usize, usize),
) -> Result<Option<Resolution>, Error> {
    let sides = look(&world.remote, conflict).await;
    let mut theirs = Theirs::new(world);
    let mut answer = choice::ask(&context.screen, conflict, &sides, position).await;
    while let Ok(Answer::Fetch) = answer {
        if let Err(error) = theirs.fetch(context, conflict).await {
            context.screen.error(&error.to_string(), &error.causes(), error.hint().as_deref());
        }
        answer = choice::ask_again(&context.screen, conflict, &sides).await;
    }
    match answer? {
        Answer::Settle(resolution) => Ok(Some(resolution)),
        Answer::End | Answer::Fetch => Ok(None),
    }
}

fn for_all(arguments: &ResolveArguments) -> Option<Resolution> {
    [
        (arguments.ours, Resolution::Ours),
        (arguments.theirs, Resolution::Theirs),
        (arguments.both, Resolution::Both),
        (arguments.newest, Resolution::Newest),
    ]
    .into_iter()
    .find_map(|(typed, resolution)| typed.then_some(resolution))
}

/// Makes what tells the copy of `--both` apart: `USER-UTC-xxxx`.
fn label() -> String {
    let user = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    label_of(&user.unwrap_or_default(), SystemClock.now(), fastrand::u16(..))
}

fn label_of(user: &str, now: i64, random: u16) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let user: String = user.chars().filter(plain).take(USER_CHARACTERS_MAX).collect();
    let user = if user.is_empty() { "somebody" } else { &user };
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
        assert_eq!(label_of("a/../b\n", now, 1), "a..b-20261119T100211Z-0001");
        assert!(label_of("", now, 1).starts_with("somebody-"));
    }
}
