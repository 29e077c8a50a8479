//! What every transfer needs at hand.

use std::ffi::OsStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{self, Hashed, Want};
use crate::local::replace::Staging;
use crate::monitor::{Monitor, Stop};
use crate::remote::Remote;
use crate::repository::notes::{Notes, Way};
use crate::repository::{RemoteId, Repository};
use crate::session::limits::buffers::Buffers;
use crate::session::limits::range_window::RangeWindow;
use crate::session::limits::room::Room;
use crate::session::limits::tuning::Tuning;
use crate::session::store::Store;
use crate::tree::{Kind, RepoPath, Stat};

use super::durable::Holding;
use super::trouble::Trouble;

/// Bytes of whole files that all transfers together may hold in memory.
pub(super) const BUDGET_BYTES: u64 = 64 * 1024 * 1024;

/// How long a file may keep changing before it is left for the next run.
const RESTLESS_NANOSECONDS_MAX: i64 = 5_000_000_000;

/// The first pause for the clock of a file system to tick; a kernel's is 1 to 10 ms.
const TICK_MILLISECONDS_FIRST: u64 = 4;

/// Everything that a run touches.
pub struct World<D: Disk, C: Clock> {
    /// The file system.
    pub disk: D,
    /// The working copy.
    pub repository: Repository<D>,
    /// The bucket.
    pub remote: Arc<dyn Remote>,
    /// Which remote the database's rows are about.
    pub remote_id: RemoteId,
    /// Bytes that the remote's prefix takes from the longest key.
    pub prefix_bytes: usize,
    /// Time.
    pub clock: C,
    /// Who is told.
    pub monitor: Arc<dyn Monitor>,
    /// Whether somebody asked to end.
    pub stop: Stop,
    /// Work may run on several threads; off in a simulation.
    pub parallel: bool,
}

/// What every transfer needs at hand: the two seams, time, and who is told.
pub struct Context<D: Disk, C> {
    /// The file system.
    pub disk: D,
    /// The open root of the working copy.
    pub root: D::Folder,
    /// The bucket, asked with patience and within the limits of the run.
    pub store: Store<C>,
    /// Time.
    pub clock: C,
    /// Who is told.
    pub monitor: Arc<dyn Monitor>,
    /// Whether somebody asked to end.
    pub stop: Stop,
    /// Where files are staged; absent in runs that change nothing.
    pub staging: Option<Staging<D>>,
    /// What is known of large transfers that were broken off; absent in runs that change nothing.
    pub notes: Option<Notes<D>>,
    /// How hard to try.
    pub tuning: Tuning,
    /// How many ranges come at once.
    pub(super) range_window: RangeWindow,
    /// What parts are read into on their way out.
    pub(super) buffers: Buffers,
    /// Files that stay open until they are durable.
    pub(super) holding: Holding,
    /// What did not fit.
    pub(super) room: Room,
    /// Transfers may run on several threads; off in a simulation.
    pub parallel: bool,
    /// Listings are not fetched in several ranges at once (any more).
    pub(super) lists_whole: AtomicBool,
    /// The run was asked not to list the bucket.
    pub unlisted: bool,
    budget: Semaphore,
    root_device: u64,
    clock_reading: AtomicI64,
}

impl<D: Disk, C: Clock> World<D, C> {
    /// Opens the staging folder, swept of all that no transfer of these notes can go on with.
    pub(super) fn swept_staging(&self, notes: &Notes<D>) -> std::io::Result<Staging<D>> {
        let token = format!("{:016x}", fastrand::u64(..));
        let staging = Staging::open(&self.disk, &self.repository.root, &token)?;
        let staging = staging.keeping(notes.partial_names());
        staging.sweep().map(|()| staging)
    }
}

impl<D: Disk, C: Clock> Context<D, C> {
    /// Puts the context of a run together, with the staging folder swept of all that no later
    /// transfer can go on with; a dry run has none.
    pub fn open(world: &World<D, C>, dry_run: bool, tuning: Tuning) -> std::io::Result<Self> {
        if dry_run {
            return Self::new(world, (None, None), tuning);
        }
        let notes = Notes::open(&world.disk, &world.repository.control)?;
        let staging = world.swept_staging(&notes)?;
        Self::new(world, (Some(staging), Some(notes)), tuning)
    }

    /// Puts a context together.
    pub(super) fn new(
        world: &World<D, C>,
        (staging, notes): (Option<Staging<D>>, Option<Notes<D>>),
        tuning: Tuning,
    ) -> std::io::Result<Self> {
        let remote = Arc::clone(&world.remote);
        let root_device = world.disk.stat_folder(&world.repository.root)?.device;
        Ok(Self {
            disk: world.disk.clone(),
            root: world.repository.root.clone(),
            clock: world.clock.clone(),
            monitor: Arc::clone(&world.monitor),
            stop: world.stop.clone(),
            staging,
            notes,
            tuning,
            store: Store::new(remote, (world.clock.clone(), world.stop.clone()), &tuning),
            range_window: RangeWindow::new(tuning.lanes(), world.remote.is_near()),
            buffers: Buffers::default(),
            holding: Holding::default(),
            room: Room::default(),
            parallel: world.parallel,
            lists_whole: AtomicBool::new(false),
            unlisted: false,
            budget: Semaphore::new(usize::try_from(BUDGET_BYTES).unwrap_or(usize::MAX)),
            root_device,
            clock_reading: AtomicI64::new(i64::MIN),
        })
    }

    /// Waits until `bytes` more file bytes may be held in memory; a single file may hold them all.
    pub(super) async fn reserve(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        let permits = u32::try_from(bytes.min(BUDGET_BYTES)).unwrap_or(u32::MAX);
        self.budget.acquire_many(permits).await.ok()
    }

    /// Returns where files are staged; only runs that change nothing have no such place.
    pub(super) fn staging(&self) -> Result<&Staging<D>, Trouble> {
        self.staging.as_ref().ok_or_else(Trouble::lacks("a place to stage files"))
    }

    /// Returns the notes of large transfers, which every run that changes something has.
    pub(super) fn notes(&self) -> Result<&Notes<D>, Trouble> {
        self.notes.as_ref().ok_or_else(Trouble::lacks("a place for notes"))
    }

    /// Removes the note of a transfer that has come to its end.
    pub(super) fn forget_note(&self, way: Way, path: &RepoPath) {
        if let Some(notes) = &self.notes {
            notes.forget(way, path.as_str());
        }
    }

    /// Opens the folder that `path` lies in; no link is followed.
    pub(super) fn open_parent(&self, path: &RepoPath) -> std::io::Result<D::Folder> {
        self.disk.open_beneath(&self.root, path.parent_str())
    }

    /// Looks at a path; `None` where nothing is, or its folder is gone.
    pub(super) fn look(&self, path: &RepoPath) -> std::io::Result<Option<Stat>> {
        let looked = self
            .open_parent(path)
            .and_then(|folder| self.disk.lstat(&folder, OsStr::new(path.name())));
        match looked {
            Ok(stat) => Ok(Some(stat)),
            Err(error) => match error.kind() {
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Ok(None),
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
    pub(super) async fn wait_for_tick(&self, path: &RepoPath, stat: &Stat) -> Result<(), Trouble> {
        let Some(folder) = self.clock_folder(path, stat)? else { return Ok(()) };
        match self.watch_clock(&folder, stat).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Trouble::changed("it keeps changing")),
            Err(error) => Err(Trouble::disk_at("cannot read the clock of the disk", &error)),
        }
    }

    /// Returns the folder by which the clock of the file's file system is read; `None` where what was
    /// read before is enough, or nothing is recorded.
    pub(super) fn clock_folder(
        &self,
        path: &RepoPath,
        stat: &Stat,
    ) -> Result<Option<D::Folder>, Trouble> {
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
    pub(super) async fn watch_clock(
        &self,
        folder: &D::Folder,
        stat: &Stat,
    ) -> std::io::Result<bool> {
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

    /// Forgets what was read of the clock: of what has been renamed since it says nothing, because
    /// somebody may have set the clock back.
    pub(super) fn forget_clock_reading(&self) {
        self.clock_reading.store(i64::MIN, Ordering::Relaxed);
    }

    /// Reads a file that must look as `expected`, once its tick has passed, for its digests.
    pub(super) async fn hash(
        &self,
        path: &RepoPath,
        expected: &Stat,
        want: &Want,
    ) -> Result<Hashed, Trouble> {
        self.wait_for_tick(path, expected).await?;
        let folder = self.open_parent(path).map_err(|error| Trouble::io(path, &error))?;
        self.hash_in(&folder, path, expected, want)
    }

    /// As [`Context::hash`], in a folder that is open, and at once.
    pub(super) fn hash_in(
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
