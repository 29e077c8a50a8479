//! What a person has to agree to before a plan is carried out: one question, with what it is about.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::cli::commands::work::sync::{Carry, Wish};
use crate::cli::prompt;
use crate::cli::render;
use crate::cli::report;
use crate::cli::session::Context;
use crate::disk::RealDisk;
use crate::error::{Error, Exit};
use crate::plan::{Direction, Plan};
use crate::repository::Lock;
use crate::sync::{self, Request};

/// What came of a question.
pub(in crate::cli) enum Consent {
    /// The plan may be carried out, under this lock.
    Given(Plan, Option<Lock<RealDisk>>),
    /// It may not.
    Refused(Exit),
}

/// Asks what has to be asked; without a terminal, stops instead.
///
/// A question that stands open keeps nobody from working: the lock is given up for it, and the plan
/// made anew. Where that is another plan, it is asked about again.
pub(in crate::cli) async fn to(
    context: &Context,
    wish: &Wish,
    run: &Carry<'_>,
    (mut plan, mut lock): (Plan, Option<Lock<RealDisk>>),
) -> Result<Consent, Error> {
    let mut agreed = None;
    let show = |plan: &Plan| {
        if wish.mirror && plan.visible() > 0 {
            report::plan_lines(context, plan);
        }
    };
    show(&plan);
    while let Some(question) = question(context, wish, run.request, &plan)? {
        let shown = identity(&plan);
        if agreed == Some(shown) {
            break;
        }
        if agreed.is_some() {
            context.screen.remark("something has changed meanwhile");
            show(&plan);
        }
        drop(lock.take());
        let answer = prompt::confirm(&question);
        match context.unless_interrupted(answer).await {
            None => return Ok(Consent::Refused(Exit::Interrupted)),
            Some(answer) => {
                if !answer? {
                    return Ok(Consent::Refused(Exit::SafetyStop));
                }
                agreed = Some(shown);
            }
        }
        lock = Some(run.world.repository.lock(&RealDisk, wish.word)?);
        let again = context.unless_interrupted(sync::plan(run.world, run.request)).await;
        let Some(again) = again else { return Ok(Consent::Refused(Exit::Interrupted)) };
        plan = again?;
        run.working.pause();
    }
    Ok(Consent::Given(plan, lock))
}

/// Returns the question that a plan needs an answer to; `None` where it needs none.
///
/// # Errors
/// Where there is no terminal to ask on, and no option that answers.
fn question(
    context: &Context,
    wish: &Wish,
    request: &Request,
    plan: &Plan,
) -> Result<Option<String>, Error> {
    let can_ask = context.screen.can_ask();
    let stop = sync::guard(plan, request).err();
    let is_mirror = wish.mirror && plan.visible() > 0 && !wish.yes;
    // In a script an explicit limit says as much as a yes, and more.
    if is_mirror && !can_ask && wish.plan.max_delete.is_none() {
        return Err(unanswered(wish.word, plan));
    }
    match stop {
        Some(stop) if !can_ask => Err(stop.into()),
        Some(stop) if is_mirror => {
            // Where the stop is about all of the plan, it has the totals.
            let stopped: u64 = stop.excesses.iter().map(|excess| excess.files).sum();
            let rest = (stopped != plan.visible()).then(|| render::plan_summary(plan) + "; ");
            let rest = rest.unwrap_or_default();
            Ok(Some(format!("{rest}{stop}. {}", mirror_question(wish))))
        }
        Some(stop) => Ok(Some(format!("{stop}. Go on?"))),
        None if is_mirror && can_ask => {
            Ok(Some(format!("{}. {}", render::plan_summary(plan), mirror_question(wish))))
        }
        None => Ok(None),
    }
}

fn mirror_question(wish: &Wish) -> &'static str {
    match wish.direction {
        Direction::Pull | Direction::ForcedPull | Direction::MirrorPull | Direction::Sync => {
            "Make this working copy exactly what the bucket holds?"
        }
        Direction::Push | Direction::ForcedPush | Direction::MirrorPush => {
            "Make the bucket exactly what is here?"
        }
    }
}

fn unanswered(word: &str, plan: &Plan) -> Error {
    let totals = render::plan_summary(plan);
    Error::usage(
        format!(
            "`lsync {word} --mirror` asks before it begins, and there is no terminal to ask on"
        ),
        format!(
            "{totals}: look at it with `lsync {word} --mirror --dry-run`, then add --yes, or \
             --max-delete N to allow no more than N deletions"
        ),
    )
}

/// Returns what tells one plan from another: what is done, to which paths, and to which versions.
fn identity(plan: &Plan) -> u64 {
    let mut hasher = DefaultHasher::new();
    for action in &plan.actions {
        let local = action.local.map(|stat| (stat.size, stat.mtime, stat.ctime, stat.inode));
        let remote = action.remote.as_ref().map(|version| version.token.text());
        (action.word(), action.path.as_str(), local, remote).hash(&mut hasher);
    }
    hasher.finish()
}
