//! The folders of the trash: names, opening, and reading all runs.

use std::ffi::{OsStr, OsString};
use std::io;

use chrono::{DateTime, NaiveDateTime};

use super::list::{self, List};
use super::{Entry, LIST};
use crate::disk::{Disk, if_exists, read_whole};
use crate::tree::NAME_BYTES_MAX;

/// How a run's name begins.
const TIME: &str = "%Y%m%dT%H%M%SZ";

/// Returns the name of a run that begins at `now`, nanoseconds since 1970.
pub(super) fn run_name(now: i64, salt: u16) -> String {
    format!("{}-{salt:04x}", DateTime::from_timestamp_nanos(now).format(TIME))
}

/// Returns when the run of this name began, nanoseconds since 1970; `None` is no run.
pub(super) fn run_time(name: &str) -> Option<i64> {
    let (time, salt) = name.split_once('-')?;
    let is_salt = salt.len() == 4 && salt.bytes().all(|byte| byte.is_ascii_hexdigit());
    let time = NaiveDateTime::parse_from_str(time, TIME).ok().filter(|_| is_salt)?;
    time.and_utc().timestamp_nanos_opt()
}

/// Returns the `number`th name for something called `name`: itself, then with `.2`, `.3` …
pub(super) fn numbered(name: &str, number: u32) -> String {
    if number == 1 {
        return name.to_owned();
    }
    let suffix = format!(".{number}");
    let mut end = name.len().min(NAME_BYTES_MAX - suffix.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{suffix}", &name[..end])
}

/// A run in the trash.
pub(super) struct RunFolder<D: Disk> {
    pub(super) name: String,
    /// Nanoseconds since 1970.
    pub(super) time: i64,
    pub(super) folder: D::Folder,
    pub(super) list: List,
}

/// Reads all runs, oldest first. What is no run, or was written by a newer lsync, is left alone.
pub(super) fn read_runs<D: Disk>(disk: &D, control: &D::Folder) -> io::Result<Vec<RunFolder<D>>> {
    let Some(trash) = if_exists(disk.open_folder(control, OsStr::new("trash")))? else {
        return Ok(Vec::new());
    };
    let mut runs = Vec::new();
    for (name, _) in &disk.read_folder(&trash)? {
        let Some(name) = name.to_str() else { continue };
        let Some(time) = run_time(name) else { continue };
        let Some(folder) = if_exists(disk.open_folder(&trash, OsStr::new(name)))? else { continue };
        let list = list::read(&read_whole(disk, &folder, LIST)?.unwrap_or_default());
        if !list.is_newer {
            runs.push(RunFolder { name: name.to_owned(), time, folder, list });
        }
    }
    runs.sort_by(|a, b| (a.time, &a.name).cmp(&(b.time, &b.name)));
    Ok(runs)
}

/// Opens the folder of the run on the file system where the entry lies; `None` where it is gone.
pub(super) fn open_run<D: Disk>(
    disk: &D,
    root: &D::Folder,
    run: &RunFolder<D>,
    top: &str,
) -> io::Result<Option<D::Folder>> {
    if top.is_empty() {
        return Ok(Some(run.folder.clone()));
    }
    if_exists(disk.open_beneath(root, &format!("{top}/.lsync/trash/{}", run.name)))
}

/// Opens the folder of an entry's slot; `None` where it is gone, or where the store keeps the copy.
pub(super) fn open_slot<D: Disk>(
    disk: &D,
    root: &D::Folder,
    run: &RunFolder<D>,
    entry: &Entry,
) -> io::Result<Option<(D::Folder, OsString)>> {
    let Some((above, name)) = entry.place.as_deref().and_then(|place| place.rsplit_once('/'))
    else {
        return Ok(None);
    };
    let Some(folder) = open_run(disk, root, run, &entry.top)? else { return Ok(None) };
    let folder = if_exists(disk.open_beneath(&folder, above))?;
    Ok(folder.map(|folder| (folder, OsString::from(name))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_run_tells_its_time() {
        let name = run_name(1_795_082_531_999_999_999, 0xab12);
        assert_eq!(name, "20261119T100211Z-ab12");
        assert_eq!(run_time(&name), Some(1_795_082_531_000_000_000));
        for other in ["unfinished", "20261119T100211Z", "20261119T100211Z-xyz1", "2026-ab12"] {
            assert_eq!(run_time(other), None, "{other}");
        }
    }

    #[test]
    fn numbered_names_are_never_too_long() {
        assert_eq!(numbered("a.txt", 1), "a.txt");
        assert_eq!(numbered("a.txt", 2), "a.txt.2");
        let long = "é".repeat(127);
        assert_eq!(numbered(&long, 10), format!("{}.10", "é".repeat(126)));
    }
}
