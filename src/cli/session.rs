//! What the commands share: where they start, the working copy, and the way to its bucket.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::arguments::OutputOptions;
use super::interrupt::Interrupt;
use super::operands;
use super::progress::Progress;
use super::screen::Screen;
use crate::clock::SystemClock;
use crate::disk::RealDisk;
use crate::error::Error;
use crate::monitor::{Monitor, Stop};
use crate::plan::Selection;
use crate::remote::{AnyRemote, BucketUrl, Capabilities};
use crate::repository::{RemoteConfig, Repository};
use crate::sync::World;
use crate::tree::RepoPath;

/// Everything that a run of the real program touches.
pub(super) type RealWorld<R = AnyRemote> = World<RealDisk, R, SystemClock>;

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
    pub(super) fn start(repo: Option<&Path>) -> Result<PathBuf, Error> {
        let current = std::env::current_dir().context("cannot find the current directory")?;
        match repo {
            None => Ok(current),
            // As a shell's `cd -P` would: what `..` means behind a link is up to the system.
            Some(folder) => Ok(current
                .join(folder)
                .canonicalize()
                .with_context(|| format!("cannot change to {}", folder.display()))?),
        }
    }

    /// Finds the working copy.
    pub(super) fn discover(&self) -> Result<Repository<RealDisk>, Error> {
        Ok(Repository::discover(&RealDisk::new(), &self.start)?.0)
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
    pub(super) fn world<R>(
        &self,
        repository: Repository<RealDisk>,
        remote: R,
        progress: &Arc<Progress>,
    ) -> RealWorld<R> {
        let monitor = Arc::clone(progress) as Arc<dyn Monitor>;
        World {
            disk: RealDisk::new(),
            repository,
            remote: Arc::new(remote),
            clock: SystemClock,
            monitor,
            stop: self.stop(),
            parallel: true,
        }
    }

    /// Returns what the library looks at between two steps.
    pub(super) fn stop(&self) -> Stop {
        self.interrupt.stop()
    }

    /// Makes the monitor of a run.
    pub(super) fn progress(&self) -> Arc<Progress> {
        Progress::new(Arc::clone(&self.screen), self.output.progress)
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

/// Opens the way to the bucket of a working copy, as the probe found it.
pub(super) async fn connect(repository: &Repository<RealDisk>) -> Result<AnyRemote, Error> {
    let config = &repository.config;
    let capabilities = config.store::<Capabilities>()?.ok_or_else(|| {
        Error::usage(
            "the config does not say what the store can do",
            format!("run `lsync init {}` again", config.remote.url),
        )
    })?;
    open(&with_environment(&config.remote), capabilities, &repository.root_path).await
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

async fn open(
    remote: &RemoteConfig,
    capabilities: Capabilities,
    root: &Path,
) -> Result<AnyRemote, Error> {
    let url = BucketUrl::parse(&remote.url, root)?;
    let _ = (url, capabilities);
    Err(anyhow::anyhow!("no store can be reached yet").into())
}
