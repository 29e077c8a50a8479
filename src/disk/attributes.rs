//! Who may use a file, beyond its permission bits, and what it carries beside its contents.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Bytes of the number with which an access list begins, and of one entry.
const ACL_HEAD_BYTES: usize = 4;
const ACL_ENTRY_BYTES: usize = 8;
/// What a new file may be at most: read and written.
const ACL_READ_WRITE: u8 = 6;

/// Group, access list and extended attributes of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Number of the group.
    pub group: u32,
    /// The access list (POSIX ACL) as the system writes it; `None` where the permission bits say
    /// everything.
    pub acl: Option<Vec<u8>>,
    /// Extended attributes of the `user.` space, by their whole names.
    pub user: BTreeMap<OsString, Vec<u8>>,
}

/// Makes the access list of a new file out of the default one of its folder, as the kernel does for a
/// file that may be read and written (`acl(5)`: the umask does not matter).
///
/// `None` where it is in a form that is not known.
pub(super) fn acl_of_new_file(default: &[u8]) -> Option<Vec<u8>> {
    const OWNER: u16 = 0x01;
    const GROUP: u16 = 0x04;
    const MASK: u16 = 0x10;
    const OTHERS: u16 = 0x20;
    let (head, entries) = default.split_at_checked(ACL_HEAD_BYTES)?;
    if head != [2, 0, 0, 0] || entries.len() % ACL_ENTRY_BYTES != 0 {
        return None;
    }
    let tag = |entry: &[u8]| u16::from_le_bytes([entry[0], entry[1]]);
    let has_mask = entries.chunks(ACL_ENTRY_BYTES).any(|entry| tag(entry) == MASK);
    let mut acl = default.to_vec();
    for entry in acl[ACL_HEAD_BYTES..].chunks_mut(ACL_ENTRY_BYTES) {
        let is_limited = match tag(entry) {
            OWNER | MASK | OTHERS => true,
            GROUP => !has_mask,
            _ => false,
        };
        if is_limited {
            entry[2] &= ACL_READ_WRITE;
        }
    }
    Some(acl)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(tag: u16, permissions: u8) -> Vec<u8> {
        [&tag.to_le_bytes()[..], &[permissions, 0], &[0xff; 4]].concat()
    }

    fn list(entries: &[(u16, u8)]) -> Vec<u8> {
        let entries = entries.iter().flat_map(|(tag, permissions)| entry(*tag, *permissions));
        [2, 0, 0, 0].into_iter().chain(entries).collect()
    }

    #[test]
    fn a_new_file_gets_the_default_list_of_its_folder_without_the_right_to_execute() {
        let default = list(&[(1, 7), (2, 7), (4, 5), (0x10, 7), (0x20, 5)]);
        let expected = list(&[(1, 6), (2, 7), (4, 5), (0x10, 6), (0x20, 4)]);
        assert_eq!(acl_of_new_file(&default), Some(expected));
        let plain = list(&[(1, 7), (4, 5), (0x20, 0)]);
        assert_eq!(acl_of_new_file(&plain), Some(list(&[(1, 6), (4, 4), (0x20, 0)])));
    }

    #[test]
    fn a_list_in_another_form_is_not_guessed_at() {
        for strange in [&b""[..], b"\x02\0\0", b"\x03\0\0\0", b"\x02\0\0\0\x01"] {
            assert_eq!(acl_of_new_file(strange), None, "{strange:?}");
        }
    }
}
