//! A working copy in a container: what came with its image lies in a lower layer of overlayfs.

use crate::support::{Layers, SmallDisk};
use crate::team::{Team, files};

/// Replaces, deletes, and puts a file in the place of a folder, all from the lower layer.
fn check(team: &Team) {
    team.ok("two", "sync");
    for path in ["box", "gone", "edited"] {
        team.remove(format!("one/{path}"));
    }
    team.write("one/box", "a file now");
    team.write("one/edited", "after");
    team.ok("one", "sync");
    team.ok("two", "sync");
    assert_eq!(team.texts("two"), files(&[("box", "a file now"), ("edited", "after")]));
    let kept = [
        ("local/box/deep/er/b", "b"),
        ("local/box/deep/z", "z"),
        ("local/box/a", "a"),
        ("local/edited", "before"),
        ("local/gone", "gone"),
    ];
    let mut kept = kept.map(|(path, text)| (path.to_owned(), text.to_owned()));
    kept.sort();
    assert_eq!(team.trashed("two"), kept);
    team.assert_agreed();
}

fn team() -> Team {
    Team::sharing(&[
        ("box/a", "a"),
        ("box/deep/er/b", "b"),
        ("box/deep/z", "z"),
        ("edited", "before"),
        ("gone", "gone"),
    ])
}

#[test]
fn a_folder_of_the_image_layer_gives_way_to_a_file_in_one_run() {
    let team = team();
    let Some(_mounted) = Layers::mount(&team.path("two"), &team.path("lower")) else {
        return println!("skipped: no overlay can be mounted here");
    };
    check(&team);
}

#[test]
fn a_folder_of_an_image_on_another_disk_gives_way_to_a_file_in_one_run() {
    let team = team();
    let Some(_disk) = SmallDisk::mount(&team.path("other")) else {
        return println!("skipped: no tmpfs can be mounted here");
    };
    let Some(_mounted) = Layers::mount(&team.path("two"), &team.path("other/lower")) else {
        return println!("skipped: no overlay can be mounted here");
    };
    check(&team);
}

#[test]
fn a_folder_of_the_image_layer_with_a_file_of_its_own_stays_and_is_a_conflict() {
    let team = team();
    let Some(_mounted) = Layers::mount(&team.path("two"), &team.path("lower")) else {
        return println!("skipped: no overlay can be mounted here");
    };
    team.ok("two", "sync");
    team.remove("one/box");
    team.write("one/box", "a file now");
    team.ok("one", "sync");
    team.write("two/box/deep/own", "never synced");
    let before = team.texts("two");
    team.run("two", "sync").assert_code(4);
    assert_eq!(team.texts("two"), before);
}
