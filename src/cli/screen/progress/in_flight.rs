//! The files that are on their way; the largest have a line of their own below the bar.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::cli::screen::text::{fitting, left, rate, shortened, size};
use crate::tree::RepoPath;

/// Smaller ones come and go too fast for a line.
const LARGE_BYTES_MIN: u64 = 32 * 1024 * 1024;

/// How many lines there are at most.
const LINES_MAX: usize = 3;

/// How wide the name of a file beside a bar is at most, in columns.
pub(super) const NAME_COLUMNS_MAX: usize = 40;

/// How much of the name of a large file is shown at least, in columns.
const NAME_COLUMNS_MIN: usize = 12;

/// The files that are on their way, at most as many as there are jobs.
#[derive(Default)]
pub(super) struct InFlight {
    files: Mutex<HashMap<RepoPath, Progress>>,
}

/// How far a file is.
struct Progress {
    done: u64,
    total: u64,
    since: Instant,
}

impl InFlight {
    /// A file begins to travel.
    pub(super) fn begins(&self, path: &RepoPath, bytes: u64) {
        if bytes > 0 {
            let progress = Progress { done: 0, total: bytes, since: Instant::now() };
            self.files().insert(path.clone(), progress);
        }
    }

    /// Bytes of a file went over the line, or turn out to have gone in vain.
    pub(super) fn moved(&self, path: &RepoPath, change: impl FnOnce(u64) -> u64) {
        if let Some(progress) = self.files().get_mut(path) {
            progress.done = change(progress.done);
        }
    }

    /// A file has arrived or failed; returns how many of its bytes did not have to travel, less than 0
    /// where more did than it has.
    pub(super) fn ends(&self, path: &RepoPath) -> i64 {
        let ended = self.files().remove(path);
        ended.map_or(0, |it| it.total.cast_signed().saturating_sub(it.done.cast_signed()))
    }

    /// Returns a line of at most so many columns for each of the largest, every one with a newline
    /// before it. Where a file is `alone`, the line above it says how long it will take.
    pub(super) fn lines(&self, columns: usize, alone: bool) -> String {
        let files = self.files();
        let mut largest: Vec<_> =
            files.iter().filter(|(_, progress)| progress.total >= LARGE_BYTES_MIN).collect();
        largest.sort_unstable_by(|a, b| (b.1.total, a.0).cmp(&(a.1.total, b.0)));
        let lines = largest.into_iter().take(LINES_MAX);
        let line = |(path, progress): (&RepoPath, &Progress)| {
            line(path, progress, (!alone).then(|| progress.since.elapsed()), columns)
        };
        lines.map(line).collect()
    }

    fn files(&self) -> MutexGuard<'_, HashMap<RepoPath, Progress>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn line(path: &RepoPath, progress: &Progress, elapsed: Option<Duration>, columns: usize) -> String {
    let Progress { done, total, .. } = *progress;
    let percent = (u128::from(done) * 100 / u128::from(total.max(1))).min(100);
    let head = format!("  {percent:3} % of {}", size(total));
    let pace = elapsed.and_then(|elapsed| rate(done, elapsed));
    let mut heads = Vec::new();
    match pace {
        // The store puts the parts together, or the disk takes the rest.
        _ if done >= total => heads.push(format!("{head}, finishing")),
        Some(rate) => {
            let left = left(total - done, rate);
            heads.push(format!("{head}, {}/s, {left}", size(rate)));
            heads.push(format!("{head}, {left}"));
        }
        None => (),
    }
    heads.push(head);
    let head = fitting(heads, columns.saturating_sub(NAME_COLUMNS_MIN + 2));
    let room = columns.saturating_sub(head.chars().count() + 2).min(NAME_COLUMNS_MAX);
    format!("\n{head}  {}", shortened(path.as_str(), room))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    fn file(done: u64, total: u64) -> Progress {
        Progress { done, total, since: Instant::now() }
    }

    #[test]
    fn the_largest_files_have_lines_for_as_long_as_they_travel() {
        let files = InFlight::default();
        files.begins(&path("small"), LARGE_BYTES_MIN - 1);
        assert_eq!(files.lines(80, false), "");
        for (name, times) in [("a", 1), ("b", 4), ("c", 2), ("d", 3)] {
            files.begins(&path(name), LARGE_BYTES_MIN * times);
        }
        files.moved(&path("b"), |_| LARGE_BYTES_MIN);
        let lines = files.lines(80, false);
        let names: Vec<_> =
            lines.lines().skip(1).map(|line| line.split_at(line.len() - 1).1).collect();
        assert_eq!(names, ["b", "d", "c"], "{lines}");
        assert!(lines.starts_with("\n   25 % of 128.0 MiB"), "{lines}");
        for name in ["b", "d", "c"] {
            files.ends(&path(name));
        }
        assert_eq!(files.lines(80, false), "\n    0 % of 32.0 MiB  a");
        files.ends(&path("a"));
        assert_eq!(files.lines(80, false), "");
    }

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long_still() {
        let (large, path) = (file(1 << 25, 1 << 27), path("films/long.mkv"));
        let line = |columns| line(&path, &large, Some(Duration::from_secs(4)), columns);
        assert_eq!(line(80), "\n   25 % of 128.0 MiB, 8.0 MiB/s, 12 s left  films/long.mkv");
        assert_eq!(line(50), "\n   25 % of 128.0 MiB, 12 s left  films/long.mkv");
        assert_eq!(line(36), "\n   25 % of 128.0 MiB  films/long.mkv");
        assert_eq!(line(30), "\n   25 % of 128.0 MiB  …ong.mkv");
    }

    #[test]
    fn a_file_whose_parts_are_put_together_is_finishing_and_not_done_in_no_time() {
        let large = file(1 << 27, 1 << 27);
        assert_eq!(
            line(&path("long.mkv"), &large, Some(Duration::from_secs(4)), 80),
            "\n  100 % of 128.0 MiB, finishing  long.mkv"
        );
    }

    #[test]
    fn a_file_that_travels_alone_has_one_time_left_the_one_of_the_run() {
        let files = InFlight::default();
        files.begins(&path("a"), LARGE_BYTES_MIN);
        files.moved(&path("a"), |_| LARGE_BYTES_MIN / 2);
        assert_eq!(files.lines(80, true), "\n   50 % of 32.0 MiB  a");
    }

    #[test]
    fn bytes_that_did_not_have_to_travel_are_told_at_the_end() {
        let files = InFlight::default();
        files.begins(&path("copied"), 10);
        assert_eq!(files.ends(&path("copied")), 10);
        files.begins(&path("again"), 10);
        files.moved(&path("again"), |_| 14);
        assert_eq!(files.ends(&path("again")), -4);
        assert_eq!(files.ends(&path("again")), 0);
    }
}
