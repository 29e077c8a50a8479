//! Who may use what was pulled: group, access list and attributes, on a real disk.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

use rustix::fs::{XattrFlags, getxattr, setxattr};

use crate::team::Team;

/// A group that nobody is in.
const GROUP: u32 = 4_242;
const ACL: &str = "system.posix_acl_access";
const DEFAULT_ACL: &str = "system.posix_acl_default";

fn group_and_mode(team: &Team, path: &str) -> (u32, u32) {
    let metadata = fs::metadata(team.path(path)).unwrap();
    (metadata.gid(), metadata.mode() & 0o777)
}

fn set_mode(team: &Team, path: &str, mode: u32) {
    fs::set_permissions(team.path(path), Permissions::from_mode(mode)).unwrap();
}

/// An access list: owner, one user by number, group, mask, others (`acl(5)`).
fn access_list(permissions: [u8; 5]) -> Vec<u8> {
    let tags: [(u8, u32); 5] =
        [(1, u32::MAX), (2, 777), (4, u32::MAX), (0x10, u32::MAX), (0x20, u32::MAX)];
    let entries = tags.into_iter().zip(permissions).flat_map(|((tag, id), permission)| {
        [vec![tag, 0, permission, 0], id.to_le_bytes().to_vec()].concat()
    });
    [2, 0, 0, 0].into_iter().chain(entries).collect()
}

fn attribute(team: &Team, path: &str, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 4_096];
    let length = getxattr(team.path(path), name, &mut value[..]).ok()?;
    value.truncate(length);
    Some(value)
}

fn set_attribute(team: &Team, path: &str, name: &str, value: &[u8]) -> bool {
    setxattr(team.path(path), name, value, XattrFlags::empty()).is_ok()
}

#[test]
fn what_is_pulled_into_a_setgid_folder_gets_its_group_though_the_root_has_another() {
    let team = Team::sharing(&[("web/old", "before"), ("web/private", "before")]);
    let web = team.path("two/web");
    if chown(&web, None, Some(GROUP)).is_err() {
        return println!("skipped: only root may give files to any group");
    }
    set_mode(&team, "two/web", 0o2775);
    chown(web.join("old"), None, Some(GROUP)).unwrap();
    set_mode(&team, "two/web/old", 0o640);
    let own = group_and_mode(&team, "two/web/private").0;
    for path in ["old", "private", "new", "deep/er/new"] {
        team.write(format!("one/web/{path}"), "after");
    }
    team.write("one/elsewhere", "after");
    team.ok("one", "sync");
    team.ok("two", "sync");
    assert_eq!(group_and_mode(&team, "two/web/old"), (GROUP, 0o640));
    assert_eq!(group_and_mode(&team, "two/web/private").0, own, "as the file that it replaces");
    assert_eq!(group_and_mode(&team, "two/web/new").0, GROUP);
    assert_eq!(group_and_mode(&team, "two/web/deep/er/new").0, GROUP);
    assert_eq!(group_and_mode(&team, "two/elsewhere").0, own);
    team.assert_agreed();
}

#[test]
fn a_replaced_file_keeps_its_access_list_and_attributes_and_a_new_one_gets_its_folders() {
    let team = Team::sharing(&[("docs/a", "before"), ("large", "before")]);
    let list = access_list([6, 4, 4, 6, 0]);
    if !set_attribute(&team, "two/docs/a", ACL, &list) {
        return println!("skipped: this disk has no access lists");
    }
    assert!(set_attribute(&team, "two/large", ACL, &list));
    let has_attributes = set_attribute(&team, "two/docs/a", "user.author", b"Ada");
    set_mode(&team, "two/docs/a", 0o460);
    let changed = attribute(&team, "two/docs/a", ACL).unwrap();
    assert!(set_attribute(&team, "two/docs", DEFAULT_ACL, &access_list([7, 5, 5, 5, 0])));
    team.write("one/docs/a", "after");
    team.write("one/docs/new", "after");
    team.write("one/large", vec![b'x'; 9 << 20]);
    team.ok("one", "sync");
    team.ok("two", "sync");
    assert_eq!(team.text("two/docs/a"), "after");
    assert_eq!(attribute(&team, "two/docs/a", ACL), Some(changed));
    assert_eq!(group_and_mode(&team, "two/docs/a").1, 0o460);
    let author = attribute(&team, "two/docs/a", "user.author");
    assert_eq!(author, has_attributes.then(|| b"Ada".to_vec()));
    assert_eq!(attribute(&team, "two/large", ACL), Some(list), "in ranges");
    team.write("two/docs/by-hand", "made by the system");
    let expected = attribute(&team, "two/docs/by-hand", ACL);
    assert!(expected.is_some());
    assert_eq!(attribute(&team, "two/docs/new", ACL), expected);
    assert_eq!(
        group_and_mode(&team, "two/docs/new").1,
        group_and_mode(&team, "two/docs/by-hand").1
    );
}

#[test]
fn a_file_whose_group_cannot_be_kept_is_not_opened_to_another_group() {
    let team = Team::sharing(&[("a", "before"), ("b", "before")]);
    if !rustix::process::geteuid().is_root() {
        return println!("skipped: only root may give files to any group");
    }
    if team.run_bound_by_permissions("two", "sync").is_none() {
        return println!("skipped: no other user can be had");
    }
    chown(team.path("two/a"), None, Some(GROUP)).unwrap();
    set_mode(&team, "two/a", 0o660);
    for path in ["one/a", "one/b"] {
        team.write(path, "after");
    }
    team.ok("one", "sync");
    let output = team.run_as_nobody("two", "sync").unwrap();
    output.assert_code(3);
    for part in ["a is not replaced: its group is none of yours", "`chgrp`"] {
        assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
    }
    assert!(!output.stderr.contains("same command again"), "{}", output.stderr);
    assert_eq!((team.text("two/a"), team.text("two/b")), ("before".into(), "after".into()));
    assert_eq!(group_and_mode(&team, "two/a"), (GROUP, 0o660));
    // Where everybody may do the same, the group does not matter.
    set_mode(&team, "two/a", 0o644);
    team.run_as_nobody("two", "sync").unwrap().assert_code(0);
    assert_eq!((team.text("two/a"), group_and_mode(&team, "two/a").1), ("after".into(), 0o644));
}
