//! The largest files that are on their way, each with a line of its own below the bar.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::text::{pace, shortened, size};
use crate::tree::RepoPath;

/// Smaller ones come and go too fast for a line.
const LARGE_BYTES_MIN: u64 = 32 * 1024 * 1024;

/// How many lines there are at most.
const LINES_MAX: usize = 3;

/// The large files that are on their way.
#[derive(Default)]
pub(super) struct LargeFiles {
    files: Mutex<HashMap<RepoPath, Large>>,
    /// How many they are, so that the bytes of small files cost no lock.
    count: AtomicUsize,
}

struct Large {
    done: u64,
    total: u64,
    since: Instant,
}

impl LargeFiles {
    /// A file begins to travel.
    pub(super) fn begins(&self, path: &RepoPath, bytes: u64) {
        if bytes >= LARGE_BYTES_MIN {
            let large = Large { done: 0, total: bytes, since: Instant::now() };
            let mut files = self.files();
            files.insert(path.clone(), large);
            self.count.store(files.len(), Ordering::Relaxed);
        }
    }

    /// Bytes of a file went over the line, or turn out to have gone in vain.
    pub(super) fn moved(&self, path: &RepoPath, change: impl FnOnce(u64) -> u64) {
        if self.count.load(Ordering::Relaxed) > 0
            && let Some(large) = self.files().get_mut(path)
        {
            large.done = change(large.done);
        }
    }

    /// A file has arrived or failed.
    pub(super) fn ends(&self, path: &RepoPath) {
        if self.count.load(Ordering::Relaxed) > 0 {
            let mut files = self.files();
            files.remove(path);
            self.count.store(files.len(), Ordering::Relaxed);
        }
    }

    /// Returns a line for each of the largest, every one with a newline before it.
    pub(super) fn lines(&self) -> String {
        let files = self.files();
        let mut largest: Vec<_> = files.iter().collect();
        largest.sort_unstable_by(|a, b| (b.1.total, a.0).cmp(&(a.1.total, b.0)));
        let lines = largest.into_iter().take(LINES_MAX);
        lines.map(|(path, large)| line(path, large, large.since.elapsed())).collect()
    }

    fn files(&self) -> MutexGuard<'_, HashMap<RepoPath, Large>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn line(path: &RepoPath, large: &Large, elapsed: Duration) -> String {
    let percent = u128::from(large.done) * 100 / u128::from(large.total.max(1));
    let (total, name) = (size(large.total), shortened(path.as_str()));
    let pace = pace(large.done, large.total, elapsed);
    format!("\n  {percent:3} % of {total}{pace}  {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    #[test]
    fn the_largest_files_have_lines_for_as_long_as_they_travel() {
        let files = LargeFiles::default();
        files.begins(&path("small"), LARGE_BYTES_MIN - 1);
        assert_eq!(files.lines(), "");
        for (name, times) in [("a", 1), ("b", 4), ("c", 2), ("d", 3)] {
            files.begins(&path(name), LARGE_BYTES_MIN * times);
        }
        files.moved(&path("b"), |_| LARGE_BYTES_MIN);
        let lines = files.lines();
        let names: Vec<_> =
            lines.lines().skip(1).map(|line| line.split_at(line.len() - 1).1).collect();
        assert_eq!(names, ["b", "d", "c"], "{lines}");
        assert!(lines.starts_with("\n   25 % of 128.0 MiB"), "{lines}");
        for name in ["b", "d", "c"] {
            files.ends(&path(name));
        }
        assert_eq!(files.lines(), "\n    0 % of 32.0 MiB  a");
        files.ends(&path("a"));
        assert_eq!(files.lines(), "");
    }

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long_still() {
        let large = Large { done: 1 << 25, total: 1 << 27, since: Instant::now() };
        assert_eq!(
            line(&path("films/long.mkv"), &large, Duration::from_secs(4)),
            "\n   25 % of 128.0 MiB, 8.0 MiB/s, 12.0 s left  films/long.mkv"
        );
    }
}
