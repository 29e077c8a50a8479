//! How far a run is, in words, the longest text first: a terminal may be narrow.

use std::time::Duration;

use crate::cli::screen::text::{count, left, number, rate, size};

/// Files and bytes, done or to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done {
    pub(super) files: u64,
    pub(super) bytes: u64,
    /// Of these, the bytes that went over the line.
    pub(super) travelled: u64,
}

/// Says how far comparing is, the longest text first.
pub(super) fn planning(
    (local, remote): (u64, u64),
    elapsed: Duration,
    is_waiting: bool,
) -> Vec<String> {
    // Nobody knows the total: the pace is all that can be said.
    let pace = |done| match rate(done, elapsed) {
        Some(rate) => format!(" ({}/s)", number(rate)),
        None => String::new(),
    };
    let (files, objects) = (count(local, "file", "files"), number(remote));
    let (here, there) = (pace(local), pace(remote));
    let counts = format!("comparing: {files} here, {objects} in the bucket");
    if is_waiting {
        let wait = "waiting for the store";
        return vec![format!("{counts}; {wait}"), wait.to_owned()];
    }
    let paces = format!("comparing: {files} here{here}, {objects} in the bucket{there}");
    vec![paces, counts, "comparing".to_owned()]
}

/// Says how far the work is, the longest text first.
pub(super) fn working(done: &Done, total: &Done, elapsed: Duration) -> Vec<String> {
    let files = format!("{} of {}", number(done.files), count(total.files, "file", "files"));
    if total.bytes == 0 {
        return vec![files];
    }
    let bytes = format!("{files}, {} of {}", size(done.bytes.min(total.bytes)), size(total.bytes));
    let rest = total.bytes.saturating_sub(done.bytes);
    match rate(done.travelled, elapsed) {
        _ if rest == 0 && done.files < total.files => {
            vec![format!("{bytes}, finishing"), bytes, files]
        }
        Some(rate) if rest > 0 => {
            let left = left(rest, rate);
            let paced = format!("{bytes}, {}/s, {left}", size(rate));
            vec![paced, format!("{bytes}, {left}"), format!("{files}, {left}"), files]
        }
        _ => vec![bytes, files],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::text::fitting;

    #[test]
    fn a_line_says_files_bytes_rate_and_time_left_as_far_as_there_is_room() {
        let done = Done { files: 12, bytes: 1024, travelled: 1024 };
        let total = Done { files: 3000, bytes: 11_264, travelled: 0 };
        let line = |columns| fitting(working(&done, &total, Duration::from_secs(1)), columns);
        assert_eq!(line(80), "12 of 3,000 files, 1.0 KiB of 11.0 KiB, 1.0 KiB/s, 10 s left");
        assert_eq!(line(53), "12 of 3,000 files, 1.0 KiB of 11.0 KiB, 10 s left");
        assert_eq!(line(33), "12 of 3,000 files, 10 s left");
        assert_eq!(line(20), "12 of 3,000 files");
        let nothing = Done { files: 2, bytes: 0, travelled: 0 };
        assert_eq!(working(&nothing, &nothing, Duration::ZERO), ["2 of 2 files"]);
    }

    #[test]
    fn a_rate_counts_what_travelled_and_the_rest_what_is_still_to_do() {
        // Half of it was there already, or the store copied it.
        let done = Done { files: 1, bytes: 6 << 10, travelled: 1 << 10 };
        let total = Done { files: 2, bytes: 11 << 10, travelled: 0 };
        assert_eq!(
            working(&done, &total, Duration::from_secs(1))[0],
            "1 of 2 files, 6.0 KiB of 11.0 KiB, 1.0 KiB/s, 5 s left"
        );
    }

    #[test]
    fn what_has_travelled_and_is_not_stored_yet_is_finishing() {
        let done = Done { files: 0, bytes: 1024, travelled: 1024 };
        let total = Done { files: 1, ..done };
        let line = &working(&done, &total, Duration::from_secs(9))[0];
        assert_eq!(line, "0 of 1 file, 1.0 KiB of 1.0 KiB, finishing");
        let all = working(&total, &total, Duration::from_secs(9));
        assert_eq!(all[0], "1 of 1 file, 1.0 KiB of 1.0 KiB");
    }

    #[test]
    fn what_is_compared_is_counted_with_its_pace() {
        let line =
            |elapsed, columns| fitting(planning((3_000, 1_000_000), elapsed, false), columns);
        let paces = "comparing: 3,000 files here (1,500/s), 1,000,000 in the bucket (500,000/s)";
        assert_eq!(line(Duration::from_secs(2), 80), paces);
        let counts = "comparing: 3,000 files here, 1,000,000 in the bucket";
        assert_eq!(line(Duration::ZERO, 80), counts);
        assert_eq!(line(Duration::from_secs(2), 60), counts);
        assert_eq!(line(Duration::from_secs(2), 40), "comparing");
        assert_eq!(
            planning((0, 0), Duration::from_secs(2), false)[0],
            "comparing: 0 files here, 0 in the bucket"
        );
    }
}
