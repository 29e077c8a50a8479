//! `lsync clean`: takes away what broken-off work left in the bucket.

use crate::cli::arguments::CleanArguments;
use crate::cli::screen::prompt;
use crate::cli::screen::text::{count, escape};
use crate::cli::session::{self, Context};
use crate::clock::{Clock as _, SystemClock, rfc3339};
use crate::disk::RealDisk;
use crate::error::{Error, Exit};
use crate::remote::{PendingUpload, Remote, RemoteError, RemoteErrorKind};
use crate::repository::Repository;
use crate::repository::checkpoints::{Checkpoints, Transfer};
use crate::tree::RepoPath;

/// An upload that is younger may still be under way, on whatever machine. The store's clock and ours
/// differ by minutes at most: with more it refuses every request (`RequestTimeTooSkewed`).
const AGE_NANOSECONDS_MIN: i64 = 24 * 60 * 60 * 1_000_000_000;

/// Runs the command.
pub(in crate::cli) async fn run(
    context: &Context,
    arguments: &CleanArguments,
) -> Result<Exit, Error> {
    if !arguments.uploads {
        return Err(Error::usage(
            "`lsync clean` needs to be told what to take away",
            "`lsync clean --uploads` for uploads that were begun and never finished",
        ));
    }
    let repository = context.discover()?;
    let remote = session::connect(&repository).await?;
    let listed = context.unless_interrupted(remote.pending_uploads()).await;
    let Some(listed) = listed else { return Ok(Exit::Interrupted) };
    let mut abandoned = abandoned(listed?, &own_uploads(&repository)?);
    if abandoned.is_empty() {
        context.screen.result("no upload was broken off more than a day ago");
        return Ok(Exit::Done);
    }
    for (upload, _) in &abandoned {
        let begun = rfc3339(upload.begun);
        context.screen.result(&format!("begun {begun}  {}", escape(&upload.key)));
    }
    if !arguments.yes {
        let agreed = agreed(context, abandoned.len() as u64);
        match context.unless_interrupted(agreed).await.transpose()? {
            None => return Ok(Exit::Interrupted),
            Some(false) => return Ok(Exit::SafetyStop),
            Some(true) => (),
        }
    }
    // Not before the question: a sync here need not wait for an answer. What it goes on with since
    // stays.
    let _lock = repository.lock(&RealDisk, "clean")?;
    let own = own_uploads(&repository)?;
    abandoned.retain(|(upload, _)| !own.contains(&upload.upload.0));
    let aborted = abort_all(context, &*remote, &abandoned).await?;
    let total = abandoned.len() as u64;
    context.screen.result(&format!("{} thrown away", count(aborted, "upload", "uploads")));
    Ok(if aborted == total { Exit::Done } else { Exit::Incomplete })
}

/// Returns the uploads that the next sync here will go on with.
fn own_uploads(repository: &Repository<RealDisk>) -> Result<Vec<String>, Error> {
    let checkpoints = Checkpoints::open(&RealDisk, &repository.control)
        .map_err(|error| anyhow::Error::new(error).context("cannot read .lsync/transfers"))?;
    let own =
        checkpoints.abandoned().into_iter().filter_map(|checkpoint| match checkpoint.transfer {
            Transfer::Up { upload, .. } => Some(upload),
            Transfer::Down { .. } => None,
        });
    Ok(own.collect())
}

/// Picks the uploads that are older than a day, whose key is a path, and that are not our own.
fn abandoned(listed: Vec<PendingUpload>, own: &[String]) -> Vec<(PendingUpload, RepoPath)> {
    let now = SystemClock.now();
    let is_old = |upload: &PendingUpload| {
        upload.begun > 0 && now.saturating_sub(upload.begun) > AGE_NANOSECONDS_MIN
    };
    let pick = |upload: PendingUpload| {
        let path = RepoPath::parse(&upload.key).ok()?;
        (is_old(&upload) && !own.contains(&upload.upload.0)).then_some((upload, path))
    };
    listed.into_iter().filter_map(pick).collect()
}

async fn agreed(context: &Context, uploads: u64) -> Result<bool, Error> {
    if !context.screen.can_ask() {
        return Err(Error::usage(
            "`lsync clean` asks before it begins, and there is no terminal to ask on",
            "add --yes",
        ));
    }
    let uploads = count(uploads, "upload", "uploads");
    let question = format!("Throw away what was sent of {uploads}?");
    Ok(prompt::confirm(&question).await?)
}

/// Throws uploads away, one after the other; one that fails is reported.
async fn abort_all(
    context: &Context,
    remote: &dyn Remote,
    abandoned: &[(PendingUpload, RepoPath)],
) -> Result<u64, RemoteError> {
    let mut aborted = 0;
    for (upload, path) in abandoned {
        match remote.abort_upload(path, &upload.upload).await {
            Ok(()) => aborted += 1,
            Err(error) if error.ends_the_run() || error.kind == RemoteErrorKind::Denied => {
                return Err(error);
            }
            Err(error) => context.screen.error(&error.to_string(), &[], None),
        }
    }
    Ok(aborted)
}
