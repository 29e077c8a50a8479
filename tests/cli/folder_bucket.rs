//! A folder as bucket: no server, no account.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::Workspace;
use crate::team::{assert_error, control, events, files, ok, run, trashed};

/// A bucket, and two copies that share these files.
fn sharing(shared: &[(&str, &str)]) -> Workspace {
    let workspace = Workspace::new();
    fs::create_dir(workspace.path("bucket")).unwrap();
    for (path, text) in shared {
        workspace.write(format!("one/{path}"), text);
    }
    let bucket = workspace.path("bucket");
    ok(&workspace, "one", &format!("init {} .", bucket.display()));
    ok(&workspace, "one", "sync");
    ok(&workspace, ".", "clone ./bucket two");
    assert_eq!(workspace.texts("two"), workspace.texts("one"));
    workspace
}

#[test]
fn the_bucket_holds_plain_files_and_clones_equal_each_other() {
    let workspace = sharing(&[("docs/a.txt", "a"), ("empty", ""), ("é ü", "odd")]);
    let expected = files(&[("docs/a.txt", "a"), ("empty", ""), ("é ü", "odd")]);
    assert_eq!(workspace.texts("bucket"), expected);
    assert_eq!(workspace.texts("two"), expected);
    assert_eq!(workspace.snapshot("two"), workspace.snapshot("one"), "mtimes, too");
}

#[test]
fn edits_deletions_and_conflicts_travel_as_through_s3() {
    let workspace = sharing(&[("a", "base"), ("b", "base"), ("c", "base")]);
    workspace.write("one/a", "edited");
    workspace.remove("one/b");
    workspace.write("one/d/new", "new");
    ok(&workspace, "one", "sync");
    ok(&workspace, "two", "sync");
    let expected = files(&[("a", "edited"), ("c", "base"), ("d/new", "new")]);
    assert_eq!(workspace.texts("two"), expected);
    assert_eq!(workspace.texts("bucket"), expected);
    workspace.write("one/c", "from one");
    workspace.write("two/c", "from two");
    ok(&workspace, "one", "sync");
    run(&workspace, "two", "sync").assert_code(4);
    assert_eq!(workspace.text("two/c"), "from two");
    ok(&workspace, "two", "resolve --theirs");
    assert_eq!(workspace.text("two/c"), "from one");
    assert!(trashed(&workspace, "two").contains(&("local/c".to_owned(), "from two".to_owned())));
}

#[test]
fn a_folder_renamed_by_a_teammate_is_renamed_here_and_stops_nobody() {
    let names: Vec<_> = (0..30).map(|number| format!("old/{number:02}")).collect();
    let shared: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
    let workspace = sharing(&shared);
    fs::rename(workspace.path("one/old"), workspace.path("one/new")).unwrap();
    ok(&workspace, "one", "sync");
    let done = ok(&workspace, "two", "sync").stdout;
    assert_eq!(done, "moved    old/ → new/  (30 files, 180 B)\n30 moved here (180 B)\n");
    assert_eq!(workspace.texts("two"), workspace.texts("one"));
    assert!(trashed(&workspace, "two").is_empty());
    // Somebody renames it in the bucket itself.
    fs::rename(workspace.path("bucket/new"), workspace.path("bucket/newer")).unwrap();
    for copy in ["one", "two"] {
        assert!(ok(&workspace, copy, "sync").stdout.contains("30 moved here"));
        assert_eq!(workspace.texts(copy), workspace.texts("bucket"));
    }
}

#[test]
fn what_only_looks_like_a_renamed_file_is_fetched() {
    let workspace = sharing(&[("old", "one way"), ("stays", "here")]);
    let time = fs::metadata(workspace.path("bucket/old")).unwrap().modified().unwrap();
    workspace.remove("bucket/old");
    workspace.write("bucket/new", "another");
    let new = fs::File::options().write(true).open(workspace.path("bucket/new")).unwrap();
    new.set_modified(time).unwrap();
    let done = ok(&workspace, "two", "sync").stdout;
    assert!(done.starts_with("1 downloaded (7 B), 1 deleted here"), "{done}");
    assert_eq!(workspace.text("two/new"), "another");
    assert_eq!(trashed(&workspace, "two"), [("local/old".to_owned(), "one way".to_owned())]);
}

#[test]
fn a_second_run_writes_nothing_here_and_nothing_there() {
    let workspace = sharing(&[("a", "a"), ("d/b", "b")]);
    for copy in ["one", "two"] {
        let before =
            (workspace.snapshot(copy), control(&workspace, copy), workspace.snapshot("bucket"));
        let output = ok(&workspace, copy, "sync");
        assert!(output.stdout.contains("up to date"), "{}", output.stdout);
        let after =
            (workspace.snapshot(copy), control(&workspace, copy), workspace.snapshot("bucket"));
        assert_eq!(after, before);
    }
}

#[test]
fn what_people_write_into_the_bucket_by_hand_is_fetched() {
    let workspace = sharing(&[("a", "a"), ("b", "b")]);
    workspace.write("bucket/a", "by hand");
    workspace.write("bucket/deep/er/new", "by hand, too");
    workspace.remove("bucket/b");
    ok(&workspace, "one", "sync");
    let expected = files(&[("a", "by hand"), ("deep/er/new", "by hand, too")]);
    assert_eq!(workspace.texts("one"), expected);
}

#[test]
fn a_bucket_inside_its_working_copy_and_the_reverse_are_wrong_usage() {
    let workspace = Workspace::new();
    fs::create_dir_all(workspace.path("work/bucket")).unwrap();
    fs::create_dir_all(workspace.path("bucket/work")).unwrap();
    assert_error(&run(&workspace, "work", "init ./bucket ."), 2, &["inside"]);
    assert_error(&run(&workspace, "work", "init . ."), 2, &[]);
    assert_error(&run(&workspace, "bucket/work", "init .. ."), 2, &[]);
    assert!(!workspace.exists("work/.lsync"));
    assert!(!workspace.exists("bucket/work/.lsync"));
}

#[test]
fn a_bucket_that_is_gone_deletes_nothing() {
    let workspace = sharing(&[("a", "a"), ("b", "b")]);
    fs::rename(workspace.path("bucket"), workspace.path("elsewhere")).unwrap();
    let output = run(&workspace, "one", "sync");
    assert!(matches!(output.code, Some(1 | 13)), "{output:?}");
    let error =
        format!("error: cannot open the bucket file://{}", workspace.path("bucket").display());
    assert!(output.stderr.contains(&error), "{}", output.stderr);
    assert!(output.stderr.contains("hint: mount the disk, or check the path"), "{}", output.stderr);
    assert_eq!(workspace.texts("one"), files(&[("a", "a"), ("b", "b")]));
    // A bucket in its place that somebody emptied.
    fs::rename(workspace.path("elsewhere"), workspace.path("bucket")).unwrap();
    workspace.remove("bucket/a");
    workspace.remove("bucket/b");
    run(&workspace, "one", "sync").assert_code(5);
    assert_eq!(workspace.texts("one"), files(&[("a", "a"), ("b", "b")]));
}

#[test]
fn an_unknown_folder_is_an_unknown_bucket_unless_it_shall_be_made() {
    let workspace = Workspace::new();
    assert_error(&run(&workspace, "one", "init ../bucket ."), 1, &["--create-bucket"]);
    ok(&workspace, "one", "init ../bucket . --create-bucket");
    workspace.write("one/f", "f");
    ok(&workspace, "one", "sync");
    assert_eq!(workspace.texts("bucket"), files(&[("f", "f")]));
}

/// One file is few enough for every guard: only the bucket's own folder tells that it is not there.
#[test]
fn a_bucket_whose_disk_is_not_mounted_deletes_nothing() {
    let workspace = sharing(&[("only", "one")]);
    fs::rename(workspace.path("bucket"), workspace.path("unmounted")).unwrap();
    fs::create_dir(workspace.path("bucket")).unwrap();
    for line in ["sync", "pull", "pull --mirror --yes", "status"] {
        assert_error(
            &run(&workspace, "one", line),
            1,
            &["is its disk mounted?", "hint: mount the disk"],
        );
    }
    assert_eq!(workspace.texts("one"), files(&[("only", "one")]));
    assert_eq!(
        fs::read_dir(workspace.path("bucket")).unwrap().count(),
        0,
        "nothing was made there"
    );
    fs::remove_dir(workspace.path("bucket")).unwrap();
    fs::rename(workspace.path("unmounted"), workspace.path("bucket")).unwrap();
    assert!(ok(&workspace, "one", "sync").stdout.contains("up to date"));
}

#[test]
fn what_is_touched_in_the_bucket_is_neither_fetched_nor_a_conflict() {
    let shared = ["same", "edited", "deleted", "other", "z"].map(|path| (path, "base"));
    let workspace = sharing(&shared);
    for path in ["same", "edited", "deleted", "other"] {
        let place = workspace.path("bucket").join(path);
        fs::set_permissions(&place, fs::Permissions::from_mode(0o600)).unwrap();
        workspace.set_mtime(format!("bucket/{path}"), 1_000_000_000_000_000_000);
    }
    workspace.write("bucket/other", "edit");
    workspace.write("one/edited", "ours");
    workspace.remove("one/deleted");
    let before = workspace.mtime("one/same");
    let output = ok(&workspace, "one", "sync --json");
    let mut done = events(&output, "done");
    done.retain(|line| !line.starts_with("adopt"));
    assert_eq!(done, ["delete-remote deleted", "download other", "upload edited"]);
    assert_eq!(workspace.mtime("one/same"), before);
    let expected = files(&[("edited", "ours"), ("other", "edit"), ("same", "base"), ("z", "base")]);
    assert_eq!(workspace.texts("one"), expected);
    assert_eq!(workspace.texts("bucket"), expected);
    // It is known by its new name from now on.
    let before = control(&workspace, "one");
    let output = ok(&workspace, "one", "sync");
    assert!(output.stdout.contains("up to date"), "{}", output.stdout);
    assert_eq!(control(&workspace, "one"), before);
    ok(&workspace, "two", "sync");
    assert_eq!(workspace.texts("two"), expected);
}

#[test]
fn what_a_link_replaced_in_the_bucket_is_left_alone_here_and_reported() {
    let shared = [("a", "a"), ("d/x", "x"), ("d/z", "z"), ("e", "e")];
    let workspace = sharing(&shared);
    let (bucket, aside) = (workspace.path("bucket"), workspace.path("aside"));
    fs::create_dir(&aside).unwrap();
    for name in ["a", "d"] {
        fs::rename(bucket.join(name), aside.join(name)).unwrap();
        symlink(aside.join(name), bucket.join(name)).unwrap();
    }
    symlink("nowhere", bucket.join("untracked")).unwrap();
    workspace.write("bucket/e", "edited there");
    workspace.write("one/d/new", "new");
    workspace.write("one/d/x", "edited here");
    let mut here = files(&shared);
    here.extend(files(&[("d/new", "new"), ("d/x", "edited here"), ("e", "edited there")]));
    let lines = ["sync", "push", "pull", "pull --mirror --yes", "sync d/x", "push d", "status"];
    for line in lines {
        let output = run(&workspace, "one", line);
        output.assert_code(3);
        let told = format!("{}{}", output.stdout, output.stderr);
        assert!(told.contains("stands there in the bucket"), "{line}: {told}");
        assert_eq!(workspace.texts("one"), here, "{line}");
    }
    let told = run(&workspace, "one", "sync").stderr;
    for path in ["a", "d/new", "d/x", "d/z", "untracked"] {
        assert_eq!(told.matches(&format!("skipped  {path}  ")).count(), 1, "{path} in {told}");
    }
    assert_eq!(workspace.text("aside/d/x"), "x");
    for name in ["a", "d"] {
        fs::remove_file(bucket.join(name)).unwrap();
        fs::rename(aside.join(name), bucket.join(name)).unwrap();
    }
    let output = ok(&workspace, "one", "sync --json");
    let mut done = events(&output, "done");
    done.retain(|line| !line.starts_with("adopt"));
    assert_eq!(done, ["upload d/new", "upload d/x"]);
}

#[test]
fn edits_that_the_bucket_keeps_aside_are_told_of_in_every_run() {
    let workspace = sharing(&[("a", "a")]);
    assert!(!ok(&workspace, "one", "sync").stderr.contains("edits"));
    workspace.write("bucket/.lsync/lost/0123", "saved in the instant of a swap");
    for line in ["sync", "status", "pull"] {
        let told = ok(&workspace, "one", line).stderr;
        assert!(told.contains("bucket/.lsync/lost (1): look at them"), "{line}: {told}");
    }
}
