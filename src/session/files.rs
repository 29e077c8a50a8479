//! [`Files`]: the working copy as a run looks at it.

use std::ffi::OsStr;
use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::trouble::Trouble;
use super::world::World;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{self, Hashed, Want};
use crate::local::replace::Staging;
use crate::repository::checkpoints::{Checkpoints, Way};
use crate::tree::{Kind, RepoPath, Stat};

/// How long a file may keep changing before it is left for the next run.
const RESTLESS_NANOSECONDS_MAX: i64 = 5_000_000_000;

/// The first pause for the clock of a file system to tick; a kernel's is 1 to 10 ms.
const TICK_MILLISECONDS_FIRST: u64 = 4;

/// The working copy, and where a run keeps what is not done yet.
pub struct Files<D: Disk, C> {
    /// The file system.
    pub disk: D,
    /// The open root of the working copy.
    pub root: D::Folder,
    /// Where files are staged; absent in runs that change nothing.
    pub staging: Option<Staging<D>>,
    /// What is known of large transfers that were broken off; absent in runs that change nothing.
    pub checkpoints: Option<Checkpoints<D>>,
    clock: C,
    root_device: u64,
    clock_reading: AtomicI64,
}

impl<D: Disk, C: Clock> Files<D, C> {
    /// Opens the working copy; `staging` and `checkpoints` are absent in runs that change nothing.
    ///
    /// # Errors
    /// Where the root cannot be looked at.
    pub(super) fn open(
        world: &World<D, C>,
        (staging, checkpoints): (Option<Staging<D>>, Option<Checkpoints<D>>),
    ) -> io::Result<Self> {
        let root_device = world.disk.stat_folder(&world.repository.root)?.device;
        Ok(Self {
            disk: world.disk.clone(),
            root: world.repository.root.clone(),
            staging,
            checkpoints,
            clock: world.clock.clone(),
            root_device,
            clock_reading: AtomicI64::new(i64::MIN),
        })
    }

    /// Returns where files are staged; only runs that change nothing have no such place.
    pub fn staging(&self) -> Result<&Staging<D>, Trouble> {
        self.staging.as_ref().ok_or_else(Trouble::lacks("a place to stage files"))
    }

    /// Returns the checkpoints of large transfers, which every run that changes something has.
    pub fn checkpoints(&self) -> Result<&Checkpoints<D>, Trouble> {
        self.checkpoints.as_ref().ok_or_else(Trouble::lacks("a place for notes"))
    }

    /// Removes the checkpoint of a transfer that has come to its end.
    pub fn forget_checkpoint(&self, way: Way, path: &RepoPath) {
        if let Some(checkpoints) = &self.checkpoints {
            checkpoints.forget(way, path.as_str());
        }
    }

    /// Opens the folder that `path` lies in; no link is followed.
    pub fn open_parent(&self, path: &RepoPath) -> io::Result<D::Folder> {
        self.disk.open_beneath(&self.root, path.parent_str())
    }

    /// Tells whether `folder`, which has been held open, is still the one that `path` lies in: a person may
    /// have renamed it.
    pub fn is_parent(&self, folder: &D::Folder, path: &RepoPath) -> bool {
        let identity = |folder: &D::Folder| {
            self.disk.stat_folder(folder).map(|stat| (stat.device, stat.inode))
        };
        let now = self.open_parent(path).and_then(|now| identity(&now));
        now.is_ok_and(|now| identity(folder).is_ok_and(|held| held == now))
    }

    /// Looks at a path; `None` where nothing is, or its folder is gone.
    pub fn look(&self, path: &RepoPath) -> io::Result<Option<Stat>> {
        let looked = self
            .open_parent(path)
            .and_then(|folder| self.disk.lstat(&folder, OsStr::new(path.name())));
        match looked {
            Ok(stat) => Ok(Some(stat)),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Tells whether a regular file is at `path`.
    pub fn is_file(&self, path: &RepoPath) -> bool {
        self.look(path).is_ok_and(|stat| stat.is_some_and(|stat| stat.kind == Kind::File))
    }

    /// Waits until the clock of the file's file system has passed its ctime, so that no later edit
    /// can hide behind an equal signature.
    ///
    /// Runs that record nothing need not wait. A file that is still racy after 5 s has changed.
    pub async fn wait_for_tick(&self, path: &RepoPath, stat: &Stat) -> Result<(), Trouble> {
        let Some(folder) = self.clock_folder(path, stat)? else { return Ok(()) };
        match self.watch_clock(&folder, stat).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Trouble::changed("it keeps changing")),
            Err(error) => Err(Trouble::disk_at("cannot read the clock of the disk", &error)),
        }
    }

    /// Returns the folder by which the clock of the file's file system is read; `None` where what was
    /// read before is enough, or nothing is recorded.
    pub fn clock_folder(&self, path: &RepoPath, stat: &Stat) -> Result<Option<D::Folder>, Trouble> {
        let Some(staging) = &self.staging else { return Ok(None) };
        // Whatever happens to the path meanwhile, the root's clock is at hand.
        if stat.device == self.root_device {
            // The last reading spares nearly every file its own; another file system has another clock.
            let has_passed = stat.ctime < self.clock_reading.load(Ordering::Relaxed);
            return Ok((!has_passed).then(|| staging.main().temporary.clone()));
        }
        let parent = staging.open_parent(path, false)?;
        let workspace = staging.for_parent(&parent).map_err(|error| Trouble::io(path, &error))?;
        Ok(Some(workspace.temporary))
    }

    /// Reads the clock until the file's ctime has passed; false where it does not within 5 s.
    pub async fn watch_clock(&self, folder: &D::Folder, stat: &Stat) -> io::Result<bool> {
        let begun = self.clock.now();
        let mut pause = TICK_MILLISECONDS_FIRST;
        loop {
            let now = content::now(&self.disk, folder)?;
            if stat.device == self.root_device {
                self.clock_reading.fetch_max(now, Ordering::Relaxed);
            }
            if !content::is_racy(stat, now) {
                return Ok(true);
            }
            if self.clock.now().saturating_sub(begun) > RESTLESS_NANOSECONDS_MAX {
                return Ok(false);
            }
            self.clock.sleep(Duration::from_millis(pause)).await;
            pause = (pause * 2).min(1_000);
        }
    }

    /// Forgets what was looked up while the plan was made: questions may have been answered since.
    pub fn look_anew(&self) {
        self.forget_clock_reading();
        if let Some(staging) = &self.staging {
            staging.forget_places();
        }
    }

    /// Forgets what was read of the clock: of what has been renamed since it says nothing, because
    /// somebody may have set the clock back.
    pub fn forget_clock_reading(&self) {
        self.clock_reading.store(i64::MIN, Ordering::Relaxed);
    }

    /// Reads a file that must look as `expected`, once its tick has passed, for its digests.
    pub async fn hash(
        &self,
        path: &RepoPath,
        expected: &Stat,
        want: &Want,
    ) -> Result<Hashed, Trouble> {
        self.wait_for_tick(path, expected).await?;
        let folder = self.open_parent(path).map_err(|error| Trouble::io(path, &error))?;
        self.hash_in(&folder, path, expected, want)
    }

    /// As [`Files::hash`], in a folder that is open, and at once.
    pub fn hash_in(
        &self,
        folder: &D::Folder,
        path: &RepoPath,
        expected: &Stat,
        want: &Want,
    ) -> Result<Hashed, Trouble> {
        let hashed = content::hash_file(&self.disk, folder, OsStr::new(path.name()), want)?;
        if expected.is_untouched(&hashed.stat) {
            Ok(hashed)
        } else {
            Err(Trouble::changed("it was changed here"))
        }
    }
}
