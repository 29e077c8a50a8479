//! [`Error`] sums up the modules' errors: what a person reads, the hint, and the exit code.

mod hints;
#[cfg(test)]
mod tests;

use hints::remote_hint;

use crate::plan::{Cause, Excess, GlobError, Loss, Plan, SafetyStop};
use crate::remote::{BucketUrlError, RemoteError, RemoteErrorKind};
use crate::repository::trash::TrashError;
use crate::repository::{ConfigError, DatabaseError, RepositoryError};
use crate::sync::{OpenError, SyncError};
use crate::transfer::{FetchError, Report};

/// What a command tells the shell. The numbers are part of the interface (docs/reference.md, "Exit
/// codes").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Done; both sides agree (push, pull: their side).
    Done = 0,
    /// Any other error.
    Failed = 1,
    /// Wrong usage.
    Usage = 2,
    /// Paths failed, changed meanwhile, or cannot be handled.
    Incomplete = 3,
    /// Conflicts are open.
    Conflicts = 4,
    /// Too many deletions.
    SafetyStop = 5,
    /// Not a repository.
    NoRepository = 10,
    /// Locked by another lsync.
    Locked = 11,
    /// No or refused credentials.
    Credentials = 12,
    /// The store cannot be reached.
    Unreachable = 13,
    /// Interrupted; the state is safe.
    Interrupted = 130,
}

impl Exit {
    /// From the one that beats all others to the one that all others beat.
    const PRECEDENCE: [Self; 11] = [
        Self::Interrupted,
        Self::Unreachable,
        Self::Credentials,
        Self::Locked,
        Self::NoRepository,
        Self::SafetyStop,
        // Wrong usage is found before anything is done, so that it meets no other.
        Self::Usage,
        Self::Failed,
        Self::Conflicts,
        Self::Incomplete,
        Self::Done,
    ];

    /// Returns the one that counts where several apply.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        let first = Self::PRECEDENCE.into_iter().find(|exit| *exit == self || *exit == other);
        first.unwrap_or(self)
    }

    /// Returns what a run that came to its end means to the shell.
    pub fn of_report(report: &Report) -> Self {
        let left = report.failed + report.changed_meanwhile + report.incomplete;
        [
            (report.interrupted, Self::Interrupted),
            (report.conflicts > 0, Self::Conflicts),
            (report.may_not_write(), Self::Credentials),
            (left + report.beyond_limit > 0, Self::Incomplete),
        ]
        .into_iter()
        .filter_map(|(applies, exit)| applies.then_some(exit))
        .chain(report.fatal.iter().map(|error| remote_exit(error.kind)))
        .fold(Self::Done, Self::worst)
    }

    /// Returns what a plan that is only shown means to the shell: work to do is no failure.
    pub fn of_plan(plan: &Plan) -> Self {
        if !plan.conflicts.is_empty() {
            Self::Conflicts
        } else if plan.notices.iter().any(|notice| notice.incomplete) {
            Self::Incomplete
        } else {
            Self::Done
        }
    }

    /// Returns the number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// Everything that can end a command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was typed makes no sense.
    #[error("{message}")]
    Usage {
        /// What, where.
        message: String,
        /// What to type instead.
        hint: Option<String>,
    },
    /// An `--include` or `--exclude` that cannot be read.
    #[error(transparent)]
    Glob(#[from] GlobError),
    /// Too many deletions.
    #[error(transparent)]
    SafetyStop(#[from] SafetyStop),
    /// What was typed names no bucket.
    #[error(transparent)]
    Bucket(#[from] BucketUrlError),
    /// The working copy.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The settings of the working copy.
    #[error("cannot use .lsync/config.yaml")]
    Config(#[from] ConfigError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The trash.
    #[error(transparent)]
    Trash(#[from] TrashError),
    /// The store.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// One object fetched to a name of its own.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A run.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// The terminal, the current directory: what only the command line touches.
    #[error(transparent)]
    CommandLine(#[from] anyhow::Error),
    /// The bucket is known to refuse what the plan would do.
    #[error(
        "the bucket was read-only when lsync last looked at it, and {paths} {} to be written",
        if *paths == 1 { "path has" } else { "paths have" }
    )]
    ReadOnly {
        /// Uploads and deletions in the plan.
        paths: u64,
        /// The bucket, as `lsync init` takes it.
        bucket: String,
    },
    /// What is to be downloaded does not fit on the disk.
    #[error("{message}")]
    NoRoom {
        /// What, where, and how much.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// What the command found does not let it go on.
    #[error("{message}")]
    Failed {
        /// What, where.
        message: String,
        /// What to do about it.
        hint: String,
    },
}

impl Error {
    /// Makes an error of usage.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// Returns what the shell is told.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } | Self::Glob(_) | Self::Bucket(_) => Exit::Usage,
            Self::SafetyStop(_) => Exit::SafetyStop,
            Self::Repository(error) => repository_exit(error),
            Self::Remote(error) | Self::Fetch(FetchError::Remote(error)) => remote_exit(error.kind),
            Self::Fetch(_) | Self::ReadOnly { .. } | Self::NoRoom { .. } => Exit::Incomplete,
            Self::Trash(error) => trash_exit(error),
            Self::Config(_) | Self::Database(_) | Self::CommandLine(_) | Self::Failed { .. } => {
                Exit::Failed
            }
            Self::Sync(error) => sync_exit(error),
        }
    }

    /// Returns what to type next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } => hint.clone(),
            Self::ReadOnly { bucket, .. } => Some(format!(
                "`lsync pull` fetches; if you may write now, run `lsync init {bucket}` to look again"
            )),
            Self::NoRoom { hint, .. } | Self::Failed { hint, .. } => Some(hint.clone()),
            Self::Glob(_) => Some("quote globs: --include '*.txt'".to_owned()),
            Self::SafetyStop(stop) => Some(safety_hint(stop, false)),
            Self::Bucket(error) => Some(error.hint()),
            Self::Repository(error) => error.hint(),
            Self::Config(error) => error.hint.clone(),
            Self::Database(error) => error.hint(),
            Self::Trash(error) => trash_hint(error),
            Self::CommandLine(_) | Self::Fetch(FetchError::Failed { .. }) => None,
            Self::Remote(error) | Self::Fetch(FetchError::Remote(error)) => {
                remote_hint(error.kind).map(str::to_owned)
            }
            Self::Fetch(FetchError::NameTaken(_)) => Some("move it away first".to_owned()),
            Self::Sync(error) => sync_hint(error),
        }
    }

    /// Returns what a library said of it, for who asks for every detail.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Remote(error)
            | Self::Fetch(FetchError::Remote(error))
            | Self::Sync(SyncError::Remote(error)) => error.detail.as_deref(),
            _ => None,
        }
    }

    /// Returns what lies behind the error, from the nearest cause to the first.
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        causes
    }
}

fn repository_exit(error: &RepositoryError) -> Exit {
    match error {
        RepositoryError::NotARepository { .. } => Exit::NoRepository,
        RepositoryError::Locked { .. } => Exit::Locked,
        RepositoryError::Inside { .. }
        | RepositoryError::Occupied { .. }
        | RepositoryError::Exists { .. }
        | RepositoryError::OddStart { .. } => Exit::Usage,
        RepositoryError::Config { .. } | RepositoryError::Io { .. } => Exit::Failed,
    }
}

fn trash_exit(error: &TrashError) -> Exit {
    match error {
        TrashError::NotFound { .. } => Exit::Usage,
        TrashError::Io { .. } | TrashError::Full { .. } => Exit::Failed,
    }
}

fn trash_hint(error: &TrashError) -> Option<String> {
    match error {
        TrashError::NotFound { .. } => Some("`lsync trash list` shows what it holds".to_owned()),
        TrashError::Io { .. } | TrashError::Full { .. } => None,
    }
}

fn sync_exit(error: &SyncError) -> Exit {
    match error {
        SyncError::NothingMatches(_) | SyncError::EmptyFolder(_) => Exit::Usage,
        SyncError::Interrupted => Exit::Interrupted,
        SyncError::Remote(error) => remote_exit(error.kind),
        SyncError::Open(OpenError::Trash(error)) => trash_exit(error),
        SyncError::Scan(_)
        | SyncError::Database(_)
        | SyncError::OutOfOrder(_)
        | SyncError::ListingLies(_)
        | SyncError::TooManyUnusual { .. }
        | SyncError::Mounts(_)
        | SyncError::Open(OpenError::Database(_) | OpenError::Staging(_))
        | SyncError::Clock(_) => Exit::Failed,
    }
}

fn sync_hint(error: &SyncError) -> Option<String> {
    match error {
        SyncError::NothingMatches(_) => {
            Some("nothing was done; `lsync status` shows what there is".to_owned())
        }
        SyncError::EmptyFolder(_) => {
            Some("nothing was done; only files travel, and their folders with them".to_owned())
        }
        SyncError::Remote(error) => remote_hint(error.kind).map(str::to_owned),
        SyncError::Open(OpenError::Trash(error)) => trash_hint(error),
        SyncError::Database(error) | SyncError::Open(OpenError::Database(error)) => error.hint(),
        SyncError::Mounts(error) => error.hint().map(str::to_owned),
        SyncError::OutOfOrder(_) => {
            Some("run the same command again; if it stays, report it".to_owned())
        }
        SyncError::ListingLies(_) => Some(
            "nothing was changed, here or there; tell whoever runs the store, and fetch single files \
             by `lsync pull FILE`"
                .to_owned(),
        ),
        SyncError::TooManyUnusual { .. } => {
            Some("nothing was changed; sync one folder after the other: `lsync sync FOLDER`".to_owned())
        }
        SyncError::Clock(_) => Some(
            "nothing was changed; if the disk is full, make room on it, then run the same command again"
                .to_owned(),
        ),
        SyncError::Interrupted | SyncError::Scan(_) | SyncError::Open(OpenError::Staging(_)) => None,
    }
}

/// Returns what an error of the store means to the shell.
pub fn remote_exit(kind: RemoteErrorKind) -> Exit {
    use RemoteErrorKind as Kind;
    match kind {
        Kind::NoCredentials | Kind::Expired | Kind::Denied | Kind::WrongKey => Exit::Credentials,
        Kind::Unreachable
        | Kind::NotTls
        | Kind::Untrusted
        | Kind::ProxyUnreachable
        | Kind::ProxyDenied
        | Kind::Interrupted
        | Kind::Throttled
        | Kind::Failed => Exit::Unreachable,
        Kind::BadEndpoint | Kind::BadSetting | Kind::BadProxy | Kind::BadCertificates => {
            Exit::Usage
        }
        Kind::NotFound
        | Kind::NoBucket
        | Kind::BucketGone
        | Kind::Changed
        | Kind::Busy
        | Kind::ClockSkewed
        | Kind::WrongRegion
        | Kind::Unsupported
        | Kind::Archived
        | Kind::Lying
        | Kind::OutOfOrder
        | Kind::NoEtag
        | Kind::Overwrote
        | Kind::Corrupt
        | Kind::Full
        | Kind::Invalid => Exit::Failed,
    }
}

/// Returns what to do about a stop: what keeps files first; `shown`: the plan has been shown already.
pub fn safety_hint(stop: &SafetyStop, shown: bool) -> String {
    let deleted = stop.excesses.iter().filter(|excess| excess.loss == Loss::Deleted);
    // What brings the files back comes before what lets them go.
    let back = deleted.min_by_key(|excess| excess.cause == Cause::Some).map(way_back);
    let look = (!shown).then_some("--dry-run shows what would be done");
    let is_some = stop.excesses.iter().any(|excess| excess.cause == Cause::Some);
    let mut parts: Vec<_> = back.into_iter().map(str::to_owned).collect();
    parts.extend(look.filter(|_| is_some).map(str::to_owned));
    parts.push(higher_limit(stop));
    parts.join("; ")
}

/// Returns what brings back what is gone on the other side.
fn way_back(excess: &Excess) -> &'static str {
    match (excess.in_bucket, excess.cause) {
        (false, Cause::AllGone | Cause::Emptied) => {
            "nothing was deleted; `lsync push --force .` fills the bucket again with what is here"
        }
        (true, Cause::AllGone | Cause::Emptied) => {
            "nothing was deleted; `lsync pull --force .` fetches them again"
        }
        (false, Cause::Some) => {
            "nothing was deleted; `lsync push --force PATH…` brings what is here back into the bucket"
        }
        (true, Cause::Some) => "nothing was deleted; `lsync pull --force PATH…` fetches them again",
    }
}

/// Names limits that let the plan pass.
fn higher_limit(stop: &SafetyStop) -> String {
    let most = |loss| {
        let of_kind = stop.excesses.iter().filter(|excess| excess.loss == loss);
        of_kind.map(|excess| excess.files).max()
    };
    let changed = most(Loss::Replaced).max(most(Loss::Disclosed));
    let limits = [("--max-delete", most(Loss::Deleted)), ("--max-change", changed)];
    let options: Vec<String> = limits
        .into_iter()
        .filter_map(|(option, files)| Some(format!("{option} {}", files?)))
        .collect();
    format!("if it is right, add {} (or 100%)", options.join(" and "))
}
