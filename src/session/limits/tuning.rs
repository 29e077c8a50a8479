//! [`Tuning`]: how much a run does at once.

use std::num::NonZeroUsize;

use super::buffers::BUFFER_BYTES;
use crate::local::content;

/// How long a request may wait for its next piece, in seconds. S3 closes a connection from which no byte
/// of an upload has come for 20 s (`RequestTimeout`, reported by AWS in aws-sdk-android-samples#250).
const SILENCE_SECONDS_MAX: u64 = 10;

/// Up to this size a file is read whole and stored with one request, unless told otherwise.
const WHOLE_BYTES_MAX: u64 = content::PART_SIZE_BYTES_MIN;

/// Up to this size a renamed file is sent again: a copy costs four requests instead of one, and at
/// 60 ms each a line of 50 Mbit/s has sent so much meanwhile.
const SENT_AGAIN_BYTES_MAX: u64 = 1024 * 1024;

/// A first sync may have to compare all of a large tree. With some 600 bytes a row these take 20 MB, and
/// the scan and the listing, which wait meanwhile, do so once for many files.
const COMPARED_ROWS: usize = 32_768;

/// How many transfers at once, how large their parts, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// Transfers, and requests with contents, at once at most; how many there are, the run finds out.
    pub jobs: NonZeroUsize,
    /// Files of up to so many bytes travel in one request, larger ones in parts.
    pub whole_bytes: u64,
    /// Renamed files of more bytes are copied in the bucket.
    pub copied_bytes: u64,
    /// Bytes of a part of a large file, more only where it would have too many; `None` leaves it to
    /// the size of the file.
    pub part_bytes: Option<u64>,
    /// Bytes a second, both directions together; `None` is no limit.
    pub bytes_per_second: Option<u64>,
    /// So many paths wait at most until their contents are compared.
    pub compared_rows: usize,
}

impl Tuning {
    /// Lets so many transfers run at once, and leaves the rest to the files.
    pub const fn of(jobs: NonZeroUsize) -> Self {
        Self {
            jobs,
            whole_bytes: WHOLE_BYTES_MAX,
            copied_bytes: SENT_AGAIN_BYTES_MAX,
            part_bytes: None,
            bytes_per_second: None,
            compared_rows: COMPARED_ROWS,
        }
    }

    /// Returns the bytes of every part but the last of a file of `size` bytes.
    pub fn part_bytes(&self, size: u64) -> u64 {
        let least = self.part_bytes.unwrap_or(content::PART_SIZE_BYTES_MIN);
        content::part_size_from(size, least)
    }

    /// Returns how many bytes are sent at once: of a slow line not more than it takes in a second.
    pub fn piece_bytes(&self) -> u64 {
        let rate = self.bytes_per_second.unwrap_or(u64::MAX);
        (BUFFER_BYTES as u64).min(rate.max(1))
    }

    /// Returns how many requests with contents there may be at once: on a limited line so few that each gets
    /// its turn before the store takes it for dead.
    pub fn lanes(&self) -> usize {
        let Some(rate) = self.bytes_per_second else { return self.jobs.get() };
        let turns = rate.saturating_mul(SILENCE_SECONDS_MAX) / self.piece_bytes();
        usize::try_from(turns).unwrap_or(usize::MAX).clamp(1, self.jobs.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_slow_line_each_request_gets_its_turn_before_the_store_takes_it_for_dead() {
        let tuning = |rate| {
            let jobs = NonZeroUsize::new(32).unwrap();
            let tuning = Tuning { bytes_per_second: rate, ..Tuning::of(jobs) };
            (tuning.lanes(), tuning.piece_bytes())
        };
        assert_eq!(tuning(None), (32, 128 * 1024));
        assert_eq!(tuning(Some(10 * 1024 * 1024)), (32, 128 * 1024));
        assert_eq!(tuning(Some(200 * 1024)), (15, 128 * 1024));
        assert_eq!(tuning(Some(100 * 1024)), (10, 100 * 1024));
        assert_eq!(tuning(Some(1)), (10, 1));
    }
}
