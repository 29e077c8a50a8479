//! Looks ahead of a scan, where the disk is slow.
//!
//! A disk that has to be asked, because nothing is in memory or it lies behind a network, takes from
//! 40 µs to milliseconds for each look, and the scan would wait for one after the other. Threads of
//! their own look at the names to come, so that the kernel knows the answer when the scan asks. What
//! they see counts for nothing (git does the same with `core.preloadIndex`), and a disk that answers
//! from memory is left to the scan alone: it takes 1 µs there, and would be asked twice.

use std::ffi::{OsStr, OsString};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::disk::{DescriptorBudget, Disk, Names};
use crate::tree::Kind;

/// How many look ahead.
const THREADS: usize = 16;

/// How many jobs wait for a thread.
const JOBS_WAITING: usize = 2 * THREADS;

/// Files that one job looks at; a folder is a job by itself.
const FILES_A_JOB: usize = 32;

/// Files of a folder that are looked at before the scan is there, which then asks for the others.
const FILES_A_FOLDER: usize = 1_024;

/// Folders of more bytes are read by the scan alone: some 16,000 names, of which it holds those of one
/// folder at a time.
const FOLDER_BYTES_MAX: u64 = 1 << 20;

/// One look in so many is timed.
const TIMED_ONE_IN: u32 = 8;

/// Looks that take longer were not answered from memory.
const SLOW_NANOSECONDS: i64 = 15_000;

/// So much of [`SLOW_STEP`] makes a disk slow: one slow look alone is a thread that had to wait.
const SLOW_ENOUGH: u32 = 6;

/// What a slow look adds; a quick one takes 1 away.
const SLOW_STEP: u32 = 2;

/// For so many names a slow disk is taken to be slow; then looks are timed again.
const NAMES_AT_ONCE: u32 = 4_096;

/// Tells the time in nanoseconds.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What is to be looked at, in one folder.
struct Job<D: Disk> {
    folder: D::Folder,
    names: Vec<(OsString, Option<Kind>)>,
}

/// Looks ahead of one scan.
pub(super) struct Ahead<D: Disk> {
    disk: D,
    now: Now,
    looks: u32,
    slow: u32,
    /// Names to come for which the disk is taken to be slow.
    left: u32,
    jobs: Option<SyncSender<Job<D>>>,
    /// The scan has ended: what still waits is not looked at.
    ended: Arc<AtomicBool>,
}

impl<D: Disk> Ahead<D> {
    /// Waits for the disk to turn out slow; no thread is started before.
    pub(super) fn new(disk: &D, now: Now) -> Self {
        Self {
            disk: disk.clone(),
            now,
            looks: 0,
            slow: 0,
            left: 0,
            jobs: None,
            ended: Arc::default(),
        }
    }

    /// Makes a look of the scan itself, and learns from the time it takes.
    pub(super) fn timed<T>(&mut self, look: impl FnOnce() -> T) -> T {
        self.looks = self.looks.wrapping_add(1);
        if self.left > 0 || !self.looks.is_multiple_of(TIMED_ONE_IN) {
            return look();
        }
        let begun = (self.now)();
        let seen = look();
        if (self.now)().saturating_sub(begun) < SLOW_NANOSECONDS {
            self.slow = self.slow.saturating_sub(1);
        } else {
            self.slow += SLOW_STEP;
        }
        if self.slow >= SLOW_ENOUGH {
            (self.slow, self.left) = (0, NAMES_AT_ONCE);
        }
        seen
    }

    /// Takes note that the scan comes to the next one of the `names` of `folder`, and has some of those
    /// behind it looked at, the first `given` of which are already. Folders are looked into where
    /// `enters` says so.
    pub(super) fn go_on(
        &mut self,
        folder: &D::Folder,
        (names, given): (&Names, &mut usize),
        enters: impl Fn(&OsStr) -> bool,
    ) {
        *given = given.saturating_sub(1);
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        while *given < names.len() {
            let (count, names) = next(names, *given, &enters);
            // Where all are busy, they are far enough ahead.
            let job = Job { folder: folder.clone(), names };
            if !job.names.is_empty() && self.jobs().try_send(job).is_err() {
                return;
            }
            *given += count;
        }
    }

    /// Has the kinds looked up that a folder did not tell: those of the first names, as far as there is
    /// room for jobs.
    pub(super) fn look_up(&mut self, folder: &D::Folder, names: &Names) {
        if self.left == 0 {
            return;
        }
        let mut unknown = names.iter().filter(|(_, kind)| kind.is_none());
        loop {
            let names: Vec<_> = (unknown.by_ref().take(FILES_A_JOB))
                .map(|(name, kind)| (name.to_owned(), kind))
                .collect();
            let job = Job { folder: folder.clone(), names };
            if job.names.is_empty() || self.jobs().try_send(job).is_err() {
                return;
            }
        }
    }

    /// Returns where jobs are given to, which starts the threads.
    fn jobs(&mut self) -> &SyncSender<Job<D>> {
        self.jobs.get_or_insert_with(|| {
            let (sender, receiver) = sync_channel(JOBS_WAITING);
            let receiver = Arc::new(Mutex::new(receiver));
            // Each has a folder open.
            for _ in 0..THREADS.min(DescriptorBudget::get().folders / 2) {
                let (disk, receiver) = (self.disk.clone(), Arc::clone(&receiver));
                let ended = Arc::clone(&self.ended);
                let look = move || look_at_all(&disk, &receiver, &ended);
                // A system that gives no thread has the scan look alone.
                if thread::Builder::new().spawn(look).is_err() {
                    break;
                }
            }
            sender
        })
    }
}

/// Returns what the next job looks at, behind the `given` next names of the scan, and for how many
/// names that is all.
fn next(
    names: &Names,
    given: usize,
    enters: impl Fn(&OsStr) -> bool,
) -> (usize, Vec<(OsString, Option<Kind>)>) {
    let (mut count, mut taken) = (0, Vec::new());
    let coming = (0..names.len().saturating_sub(given)).rev().take(FILES_A_JOB);
    for (name, kind) in coming.filter_map(|place| names.get(place)) {
        let is_folder = kind == Some(Kind::Folder);
        if is_folder && !taken.is_empty() {
            break;
        }
        count += 1;
        if !is_folder || enters(name) {
            taken.push((name.to_owned(), kind));
        }
        if is_folder {
            break;
        }
    }
    (count, taken)
}

impl<D: Disk> Drop for Ahead<D> {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

/// Carries out jobs until nobody gives any more, or wants them.
fn look_at_all<D: Disk>(disk: &D, jobs: &Mutex<Receiver<Job<D>>>, ended: &AtomicBool) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { folder, names }) = job else { return };
        for (name, kind) in &names {
            if ended.load(Ordering::Relaxed) {
                return;
            }
            match kind {
                Some(Kind::Folder) => {
                    if let Ok(inner) = disk.open_folder(&folder, name) {
                        look_into(disk, &inner, ended);
                    }
                }
                Some(Kind::Link | Kind::Special) => (),
                Some(Kind::File) | None => drop(disk.lstat(&folder, name)),
            }
        }
    }
}

/// Reads a folder, and looks at the first files that the scan will come to. Only the scan itself holds
/// the names of a large one.
fn look_into<D: Disk>(disk: &D, folder: &D::Folder, ended: &AtomicBool) {
    if !disk.stat_folder(folder).is_ok_and(|stat| stat.size <= FOLDER_BYTES_MAX) {
        return;
    }
    let Ok(mut names) = disk.read_folder(folder) else { return };
    names.retain_mut(|_, kind| matches!(kind, Some(Kind::File) | None));
    names.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    for (name, _) in names.iter().take(FILES_A_FOLDER) {
        if ended.load(Ordering::Relaxed) {
            return;
        }
        drop(disk.lstat(folder, name));
    }
}

#[cfg(test)]
#[path = "ahead_tests.rs"]
mod tests;
