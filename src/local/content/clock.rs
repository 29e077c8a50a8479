//! The clock of a file system, and what it says of files just written.

use std::ffi::OsStr;
use std::io;

use crate::disk::{Disk, if_exists};
use crate::tree::Stat;

/// The name of the file in `tmp/` whose mtime is the present time of the file system.
const CLOCK_FILE: &str = "clock";

/// How far ahead of its file system's clock, in nanoseconds, a ctime is still waited for.
///
/// The clock was set back since; a later edit cannot get a ctime that far ahead again.
pub const AHEAD_NANOSECONDS_MAX: i64 = 5_000_000_000;

/// Returns the present tick of the file system on which `temporary` lies, in nanoseconds since
/// 1970: the mtime of a file just written there.
///
/// The file does not stay, so that the next run finds nothing to sweep.
pub fn now<D: Disk>(disk: &D, temporary: &D::Folder) -> io::Result<i64> {
    let name = OsStr::new(CLOCK_FILE);
    let file = disk.open_append(temporary, name, 0o600)?;
    disk.write(&file, b".")?;
    let now = disk.fstat(&file)?.mtime;
    // Another transfer that asks at the same moment may be faster.
    if_exists(disk.unlink(temporary, name)).map(|_| now)
}

/// Tells whether a file could still be edited without its stat showing it: its ctime lies in the
/// present tick `now` of its file system.
///
/// A ctime more than 5 s ahead is none of that kind ([`AHEAD_NANOSECONDS_MAX`]).
pub fn is_racy(stat: &Stat, now: i64) -> bool {
    stat.ctime >= now && stat.ctime.saturating_sub(now) <= AHEAD_NANOSECONDS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Kind;

    #[test]
    fn only_the_present_tick_and_five_seconds_ahead_are_racy() {
        let now = 1_731_234_567_000_000_000;
        for (ctime, racy) in [
            (now - 1, false),
            (now, true),
            (now + 1, true),
            (now + AHEAD_NANOSECONDS_MAX, true),
            (now + AHEAD_NANOSECONDS_MAX + 1, false),
            (i64::MAX, false),
            (i64::MIN, false),
        ] {
            let stat =
                Stat { kind: Kind::File, size: 0, mtime: 0, ctime, inode: 1, device: 1, mode: 0 };
            assert_eq!(is_racy(&stat, now), racy, "{ctime}");
        }
    }
}
