//! What the contract does not reach: steps for poorer file systems, and threads.

use super::*;

fn scratch() -> (tempfile::TempDir, RealFolder) {
    let place = tempfile::tempdir().unwrap();
    let folder = RealDisk.open_path(place.path()).unwrap();
    (place, folder)
}

fn put(folder: &RealFolder, name: &str, text: &str) {
    let file = RealDisk.create(folder, name.as_ref(), 0o644).unwrap();
    RealDisk.write(&file, text.as_bytes()).unwrap();
}

#[test]
fn rename_in_steps_moves_files_and_folders_and_overwrites_neither() {
    let (place, folder) = scratch();
    let at = |name: &'static str| (&folder, OsStr::new(name));
    put(&folder, "a", "mine");
    put(&folder, "b", "theirs");
    RealDisk.make_folder(&folder, "full".as_ref(), 0o755).unwrap();
    RealDisk.make_folder(&folder, "empty".as_ref(), 0o755).unwrap();
    for (from, to) in [("a", "b"), ("a", "empty"), ("full", "b"), ("full", "empty")] {
        let error = rename_in_steps(at(from), at(to)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{from} to {to}");
    }
    assert_eq!(std::fs::read(place.path().join("b")).unwrap(), b"theirs");

    rename_in_steps(at("a"), at("c")).unwrap();
    rename_in_steps(at("full"), at("moved")).unwrap();
    assert_eq!(std::fs::read(place.path().join("c")).unwrap(), b"mine");
    let listed = RealDisk.read_folder(&folder).unwrap();
    let mut names: Vec<_> = listed.iter().map(|(name, _)| name).collect();
    names.sort();
    assert_eq!(names, ["b", "c", "empty", "moved"]);
}

#[test]
fn two_threads_that_read_one_folder_handle_each_get_every_name() {
    let (_place, folder) = scratch();
    for number in 0..3_000 {
        put(&folder, &format!("a name that is not short, number {number}"), "");
    }
    let read = || RealDisk.read_folder(&folder).unwrap().len();
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4).map(|_| scope.spawn(read)).collect();
        for reader in readers {
            assert_eq!(reader.join().unwrap(), 3_000);
        }
    });
}
