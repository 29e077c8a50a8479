//! What the commands share: where they start, the working copy, and the way to its bucket.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::arguments::OutputOptions;
use super::interrupt::Interrupt;
use super::operands;
use super::screen::Screen;
use super::screen::progress::Progress;
use crate::clock::SystemClock;
use crate::disk::RealDisk;
use crate::error::Error;
use crate::monitor::{Monitor, Stop};
use crate::plan::Selection;
use crate::remote::{self, BucketUrl, Capabilities, Remote, RemoteSettings};
use crate::repository::{RemoteConfig, Repository};
use crate::sync::{Locked, Opened, World};
use crate::tree::RepoPath;

/// Everything that a run of the real program touches.
pub(super) type RealWorld = World<RealDisk, SystemClock>;

/// A run of it, under the lock.
pub(super) type RealLocked<'a> = Locked<'a, RealDisk, SystemClock>;

/// A run of it that changes nothing.
pub(super) type RealOpened<'a> = Opened<'a, RealDisk, SystemClock>;

/// What every command gets.
#[derive(Clone)]
pub(super) struct Context {
    /// The directory that operands are relative to: absolute, and without links.
    pub(super) start: PathBuf,
    /// Where it prints.
    pub(super) screen: Arc<Screen>,
    /// Who asked to stop.
    pub(super) interrupt: Interrupt,
    /// How it talks.
    pub(super) output: OutputOptions,
}

impl Context {
    /// Finds the directory to start in: the current one, or what `-C` says.
    ///
    /// Without a current directory it is what `elsewhere` says, for what needs none.
    pub(super) fn start(
        repo: Option<&Path>,
        elsewhere: impl FnOnce() -> Option<PathBuf>,
    ) -> Result<PathBuf, Error> {
        let current = || {
            std::env::current_dir().map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => Error::Failed {
                    message: "the current directory was removed".to_owned(),
                    hint: "`cd` to a folder that exists, or name one: `lsync -C /FOLDER …`"
                        .to_owned(),
                },
                _ => anyhow::Error::new(error).context("cannot find the current directory").into(),
            })
        };
        match repo {
            None => current().or_else(|error| elsewhere().ok_or(error)),
            // As a shell's `cd -P` would: what `..` means behind a link is up to the system.
            Some(folder) => {
                let whole =
                    if folder.is_absolute() { folder.into() } else { current()?.join(folder) };
                let found = whole.canonicalize();
                Ok(found.with_context(|| format!("cannot change to {}", folder.display()))?)
            }
        }
    }

    /// Finds the working copy.
    pub(super) fn discover(&self) -> Result<Repository<RealDisk>, Error> {
        Ok(Repository::discover(&RealDisk, &self.start)?.0)
    }

    /// Places operands in a working copy; `None` means everything.
    pub(super) fn place(
        &self,
        paths: &[PathBuf],
        repository: &Repository<RealDisk>,
    ) -> Result<Option<Vec<RepoPath>>, Error> {
        let placed = operands::place(paths, &self.start, &repository.root_path)?;
        Ok(placed.filter(|paths| !paths.is_empty()))
    }

    /// Puts together what a run touches.
    pub(super) fn world(
        &self,
        repository: Repository<RealDisk>,
        remote: Arc<dyn Remote>,
        working: &Working,
    ) -> RealWorld {
        let monitor = Arc::clone(&working.progress) as Arc<dyn Monitor>;
        let remote_id = repository.config.remote.id();
        let prefix_bytes = prefix_bytes(&remote_id.url, &self.start);
        World {
            disk: RealDisk,
            repository,
            remote,
            remote_id,
            prefix_bytes,
            clock: SystemClock,
            monitor,
            stop: self.stop(),
            parallel: true,
        }
    }

    /// Waits for something that must come to its end; the first signal is only acknowledged.
    pub(super) async fn to_the_end<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        tokio::select! {
            biased;
            output = &mut future => return output,
            () = self.interrupt.asked(1) => {
                self.screen.remark("interrupted, finishing what is under way; again to end at once");
            }
        }
        future.await
    }

    /// Returns what the library looks at between two steps.
    pub(super) fn stop(&self) -> Stop {
        self.interrupt.stop()
    }

    /// Waits for something that changes nothing; the first signal ends it (`None`).
    pub(super) async fn unless_interrupted<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.interrupt.asked(1) => {
                self.screen.remark("interrupted, nothing was changed");
                None
            }
            output = future => Some(output),
        }
    }
}

/// Work that takes long: shows its progress until it is dropped.
pub(super) struct Working {
    progress: Arc<Progress>,
    ticking: tokio::task::JoinHandle<()>,
}

impl Working {
    /// Begins to show progress; `label` as in [`Progress::new`].
    pub(super) fn begin(context: &Context, label: &'static str) -> Self {
        let screen = Arc::clone(&context.screen);
        let progress = Progress::new(screen, context.output.progress, label);
        let ticking = tokio::spawn(Arc::clone(&progress).tick());
        Self { progress, ticking }
    }

    /// Takes the bar away until the next phase begins.
    pub(super) fn pause(&self) {
        self.progress.finish();
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.ticking.abort();
        self.progress.finish();
    }
}

/// Returns how many bytes of every key are the prefix's.
fn prefix_bytes(url: &str, start: &Path) -> usize {
    if let Ok(BucketUrl::S3 { prefix, .. }) = BucketUrl::parse(url, start)
        && !prefix.is_empty()
    {
        prefix.len() + 1
    } else {
        0
    }
}

/// Makes the selection of a run.
pub(super) fn selection(
    paths: Option<Vec<RepoPath>>,
    include: &[String],
    exclude: &[String],
) -> Result<Selection, Error> {
    Ok(Selection::new(paths.unwrap_or_default(), include, exclude)?)
}

/// Returns what the probe found when the working copy was made.
pub(super) fn capabilities(repository: &Repository<RealDisk>) -> Result<Capabilities, Error> {
    let config = &repository.config;
    config.store_as::<Capabilities>()?.ok_or_else(|| {
        let message = "the config does not say what the store can do".to_owned();
        let hint = format!("run `lsync init {}` again", config.remote.url);
        Error::Failed { message, hint }
    })
}

/// Opens the way to the bucket of a working copy.
pub(super) async fn connect(repository: &Repository<RealDisk>) -> Result<Arc<dyn Remote>, Error> {
    let remote = with_environment(&repository.config.remote);
    let settings = settings(&remote, &repository.root_path)?;
    let connected = remote::connect(&settings, capabilities(repository)?).await?;
    if connected.region().is_none() || connected.endpoint() == remote.endpoint.as_deref() {
        return Ok(connected);
    }
    Err(Error::Failed {
        message: format!(
            "{} was found on AWS, and the environment names another server, {}",
            remote.url,
            connected.endpoint().unwrap_or("AWS")
        ),
        hint: "unset AWS_ENDPOINT_URL (and endpoint_url of the profile), or make a working copy \
               of the other bucket elsewhere"
            .to_owned(),
    })
}

/// Returns where the bucket is; `start` is what a relative folder would be relative to.
pub(super) fn settings(remote: &RemoteConfig, start: &Path) -> Result<RemoteSettings, Error> {
    Ok(RemoteSettings {
        url: BucketUrl::parse(&remote.url, start)?,
        region: remote.region.clone(),
        endpoint: remote.endpoint.clone(),
        profile: remote.profile.clone(),
        path_style: remote.path_style,
    })
}

/// Who asks may change from shell to shell, so variables beat the config here. The bucket and its
/// server may not: the database belongs to them.
fn with_environment(remote: &RemoteConfig) -> RemoteConfig {
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    RemoteConfig {
        profile: variable("LSYNC_PROFILE").or_else(|| remote.profile.clone()),
        region: variable("LSYNC_REGION").or_else(|| remote.region.clone()),
        ..remote.clone()
    }
}
