//! What a person has to agree to before a plan is carried out: one question, with what it is about.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::cli::arguments::PlanOptions;
use crate::cli::commands::work::carry::Carry;
use crate::cli::report;
use crate::cli::screen::prompt;
use crate::cli::screen::render;
use crate::cli::session::{Context, RealLocked};
use crate::error::{Error, Exit};
use crate::plan::{Direction, Plan};
use crate::sync;

/// Whom to ask, about what.
pub(in crate::cli) struct Asking<'a> {
    pub(in crate::cli) context: &'a Context,
    pub(in crate::cli) run: Carry<'a>,
    /// The options as they were typed.
    pub(in crate::cli) plan: &'a PlanOptions,
    /// Whoever typed them said yes.
    pub(in crate::cli) yes: bool,
}

impl<'a> Asking<'a> {
    /// Asks what has to be asked; without a terminal, stops instead.
    ///
    /// A question that stands open keeps nobody from working: the run ends for it, and another one
    /// plans anew. Where that is another plan, it is asked about again. Returns what may be carried out,
    /// and by which run; or how the command ends.
    pub(in crate::cli) async fn ask(
        self,
        mut locked: RealLocked<'a>,
        mut plan: Plan,
    ) -> Result<Result<(RealLocked<'a>, Plan), Exit>, Error> {
        let Self { context, run, .. } = self;
        let mut agreed = None;
        self.show(&plan);
        while let Some(question) = self.question(&plan)? {
            let shown = identity(&plan);
            if agreed == Some(shown) {
                break;
            }
            if agreed.is_some() {
                context.screen.remark("something has changed meanwhile");
                self.show(&plan);
            }
            drop(locked);
            let answer = prompt::confirm(&question);
            match context.unless_interrupted(answer).await {
                None => return Ok(Err(Exit::Interrupted)),
                Some(answer) => {
                    if !answer? {
                        return Ok(Err(Exit::SafetyStop));
                    }
                    agreed = Some(shown);
                }
            }
            locked = run.begin()?;
            let Some(again) = run.plan(context, &locked).await? else {
                return Ok(Err(Exit::Interrupted));
            };
            plan = again;
        }
        Ok(Ok((locked, plan)))
    }

    /// Shows what a mirror does.
    fn show(&self, plan: &Plan) {
        if self.is_mirror(plan) {
            report::plan_lines(self.context, plan);
        }
    }

    fn is_mirror(&self, plan: &Plan) -> bool {
        self.run.request.direction.is_mirror() && plan.visible() > 0
    }

    /// Returns the question that a plan needs an answer to; `None` where it needs none.
    ///
    /// # Errors
    /// Where there is no terminal to ask on, and no option that answers.
    fn question(&self, plan: &Plan) -> Result<Option<String>, Error> {
        let can_ask = self.context.screen.can_ask();
        let stop = sync::guard(plan, self.run.request).err();
        let is_mirror = self.is_mirror(plan) && !self.yes;
        // In a script an explicit limit says as much as a yes, and more.
        if is_mirror && !can_ask && self.plan.max_delete.is_none() {
            return Err(unanswered(self.run.command, plan));
        }
        let mirror = mirror_question(self.run.request.direction);
        match stop {
            Some(stop) if !can_ask => Err(stop.into()),
            Some(stop) if is_mirror => {
                // Where the stop is about all of the plan, it has the totals.
                let stopped: u64 = stop.excesses.iter().map(|excess| excess.files).sum();
                let rest = (stopped != plan.visible()).then(|| render::plan_summary(plan) + "; ");
                Ok(Some(format!("{}{stop}. {mirror}", rest.unwrap_or_default())))
            }
            Some(stop) => Ok(Some(format!("{stop}. Go on?"))),
            None if is_mirror && can_ask => {
                Ok(Some(format!("{}. {mirror}", render::plan_summary(plan))))
            }
            None => Ok(None),
        }
    }
}

fn mirror_question(direction: Direction) -> &'static str {
    if direction.writes_local() {
        "Make this working copy exactly what the bucket holds?"
    } else {
        "Make the bucket exactly what is here?"
    }
}

fn unanswered(command: &str, plan: &Plan) -> Error {
    let totals = render::plan_summary(plan);
    Error::usage(
        format!(
            "`lsync {command} --mirror` asks before it begins, and there is no terminal to ask on"
        ),
        format!(
            "{totals}: look at it with `lsync {command} --mirror --dry-run`, then add --yes, or \
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
