//! The order of names in one folder.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;

use crate::disk::Names;
use crate::tree::{Kind, Stat};

/// Sorts the names of a folder so that the last one is the first in key order.
///
/// Kinds that the folder did not tell are looked up by `lstat`, since a folder sorts as `name/`. Names
/// that vanished are taken out; those that cannot be looked at keep an unknown kind.
pub(super) fn in_key_order(
    mut names: Names,
    mut lstat: impl FnMut(&OsStr) -> io::Result<Stat>,
) -> Names {
    names.retain_mut(|name, kind| {
        if kind.is_none() {
            match lstat(name) {
                Ok(stat) => *kind = Some(stat.kind),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return false,
                Err(_) => (),
            }
        }
        true
    });
    names.sort_unstable_by(|a, b| {
        key_order((b.0, b.1 == Some(Kind::Folder)), (a.0, a.1 == Some(Kind::Folder)))
    });
    names
}

/// Compares two different names as keys: byte by byte, a folder's with a `/` at its end.
fn key_order((a, a_folder): (&OsStr, bool), (b, b_folder): (&OsStr, bool)) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let common = a.len().min(b.len());
    a[..common].cmp(&b[..common]).then_with(|| {
        // No name holds a `/`, so that the first byte after the common ones decides.
        let next = |name: &[u8], folder: bool| {
            name.get(common).copied().or_else(|| folder.then_some(b'/'))
        };
        next(a, a_folder).cmp(&next(b, b_folder))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_the_keys_that_they_lead_to() {
        let names = ["a", "a-", "a.", "a0", "A", "ab", "é", "e\u{301}", "-", "~"];
        for (a, b) in names.iter().flat_map(|a| names.map(|b| (*a, b))).filter(|(a, b)| a != b) {
            for (a_folder, b_folder) in [(false, false), (false, true), (true, false), (true, true)]
            {
                let key =
                    |name: &str, folder| if folder { format!("{name}/") } else { name.into() };
                assert_eq!(
                    key_order((OsStr::new(a), a_folder), (OsStr::new(b), b_folder)),
                    key(a, a_folder).cmp(&key(b, b_folder)),
                    "{a} {a_folder} {b} {b_folder}"
                );
            }
        }
    }
}
