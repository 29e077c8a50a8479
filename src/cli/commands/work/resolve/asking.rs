//! What shall become of each conflict: by option, or by asking, again where it moved meanwhile.

use std::collections::HashMap;

use super::choice::{self, Answer, look};
use super::theirs::Theirs;
use crate::cli::arguments::ResolveArguments;
use crate::cli::report;
use crate::cli::screen::text::{count, escape};
use crate::cli::session::{Context, RealWorld};
use crate::error::Error;
use crate::plan::{Conflict, Moved, Resolution, moved};

/// The choices so far, and what was fetched to be looked at.
pub(super) struct Asking<'a> {
    context: &'a Context,
    world: &'a RealWorld,
    /// What an option says of all.
    for_all: Option<Resolution>,
    /// The conflicts as they were shown, and what shall become of them.
    pub(super) choices: Vec<(Conflict, Resolution)>,
    theirs: Vec<Theirs>,
    /// A person wants no more questions.
    ended: bool,
}

impl<'a> Asking<'a> {
    /// Begins without a choice.
    pub(super) fn new(
        context: &'a Context,
        world: &'a RealWorld,
        arguments: &ResolveArguments,
    ) -> Self {
        let for_all = for_all(arguments);
        Self { context, world, for_all, choices: Vec::new(), theirs: Vec::new(), ended: false }
    }

    /// Finds out what shall become of each of `conflicts`.
    pub(super) async fn choose(&mut self, conflicts: Vec<Conflict>) -> Result<(), Error> {
        if self.for_all.is_none() && !self.context.screen.can_ask() {
            return Err(nobody_to_ask(&conflicts));
        }
        let total = conflicts.len();
        for (index, conflict) in conflicts.into_iter().enumerate() {
            let resolution = match self.for_all {
                Some(Resolution::Newest) => newest(self.context, self.world, &conflict).await,
                Some(resolution) => resolution,
                None => {
                    let asked = self.ask(&conflict, (index + 1, total)).await?;
                    let Some(resolution) = asked else {
                        // The rest stays open, what was answered is done.
                        self.ended = true;
                        break;
                    };
                    resolution
                }
            };
            self.choices.push((conflict, resolution));
        }
        Ok(())
    }

    /// Takes out the choices whose conflicts are others `now`, says so, and returns those that a
    /// person can be asked about again.
    pub(super) fn take_moved(&mut self, now: &[Conflict]) -> Vec<Conflict> {
        let (mut kept, mut again) = (Vec::new(), Vec::new());
        let asks = self.for_all.is_none() && !self.ended;
        let now: HashMap<_, _> = now.iter().map(|conflict| (&conflict.path, conflict)).collect();
        for (shown, resolution) in std::mem::take(&mut self.choices) {
            if resolution == Resolution::Skip {
                continue;
            }
            let Some(found) = now.get(&shown.path) else {
                let path = escape(shown.path.as_str());
                self.context.screen.remark(&format!("{path}: no conflict any more"));
                continue;
            };
            let Some(difference) = moved(&shown, found) else {
                kept.push((shown, resolution));
                continue;
            };
            let message = format!("{} {}", shown.path, words(difference));
            if asks {
                self.context.screen.warning(&message);
                again.push((*found).clone());
            } else {
                self.context.screen.warning(&format!("{message}; it stays open"));
            }
        }
        self.choices = kept;
        again
    }

    /// Says where theirs lies of each conflict that is still open.
    fn tell_of_theirs(&mut self) {
        for theirs in self.theirs.drain(..) {
            if let Some(place) = theirs.waits(&self.world.repository.control) {
                let path = escape(theirs.path().as_str());
                let place = escape(&place.display().to_string());
                let why = "stays until the conflict is settled";
                self.context.screen.beside(&format!("theirs of {path} {why}: {place}"));
            }
        }
    }

    /// Asks about one conflict until there is an answer; `None` ends the questions.
    async fn ask(
        &mut self,
        conflict: &Conflict,
        position: (usize, usize),
    ) -> Result<Option<Resolution>, Error> {
        let screen = &self.context.screen;
        let sides = look(&*self.world.remote, conflict).await;
        let mut answer = choice::ask(screen, conflict, &sides, position).await;
        while let Ok(Answer::Fetch) = answer {
            let known = self.theirs.iter().position(|theirs| theirs.is_of(conflict));
            let index = known.unwrap_or_else(|| {
                self.theirs.push(Theirs::new(conflict));
                self.theirs.len() - 1
            });
            let fetching = self.theirs[index].fetch(self.context, self.world, conflict);
            if let Err(error) = fetching.await {
                screen.error(&error.to_string(), &error.causes(), error.hint().as_deref());
            }
            answer = choice::ask_again(screen, conflict, &sides).await;
        }
        match answer? {
            Answer::Settle(resolution) => Ok(Some(resolution)),
            Answer::End | Answer::Fetch => Ok(None),
        }
    }
}

impl Drop for Asking<'_> {
    /// However it ends: what was fetched is named, and stays.
    fn drop(&mut self) {
        self.tell_of_theirs();
    }
}

/// Says on which side a conflict moved since it was shown.
fn words(moved: Moved) -> &'static str {
    match moved {
        Moved::Here => "changed here after it was shown",
        Moved::InBucket => "changed in the bucket after it was shown",
        Moved::Both => "changed after it was shown",
    }
}

fn nobody_to_ask(conflicts: &[Conflict]) -> Error {
    let to_rename = report::to_rename(conflicts);
    let how = if to_rename == conflicts.len() as u64 {
        report::RENAME_HINT
    } else {
        "say how: --ours, --theirs, --both or --newest; `lsync resolve --list` shows them"
    };
    let open = count(conflicts.len() as u64, "conflict is", "conflicts are");
    Error::usage(format!("{open} open, and there is no terminal to ask on"), how)
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
    let sides = look(&*world.remote, conflict).await;
    let resolution = sides.newest();
    if resolution == Resolution::Skip {
        let path = escape(conflict.path.as_str());
        context.screen.remark(&format!("{path}: {}", choice::why_open(&sides)));
    }
    resolution
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
