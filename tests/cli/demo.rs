//! `lsync demo`.

use crate::support::Workspace;
use crate::team::{assert_error, ok, run};

#[test]
fn the_demo_tells_its_story_and_leaves_the_folders() {
    let workspace = Workspace::new();
    let output = ok(&workspace, ".", "demo show");
    for part in ["$ lsync init", "$ lsync clone", "sync", "conflict", "resolve --both"] {
        assert!(output.stdout.contains(part), "no {part} in\n{}", output.stdout);
    }
    let copies = ["show/alice", "show/bob"].map(|copy| workspace.texts(copy));
    assert_eq!(copies[0], copies[1]);
    assert_eq!(copies[0].len(), 3);
    assert_eq!(workspace.texts("show/bucket"), copies[0]);
    ok(&workspace, "show/bob", "status");
}

#[test]
fn without_a_name_the_demo_takes_a_fresh_temporary_folder() {
    let workspace = Workspace::new();
    let output = ok(&workspace, ".", "demo");
    let place = output.stdout.lines().last().unwrap();
    assert!(place.starts_with(workspace.path("temporary").to_str().unwrap()), "{place}");
    assert_eq!(workspace.texts(format!("{place}/alice")).len(), 3);
}

#[test]
fn the_demo_takes_no_folder_that_exists() {
    let workspace = Workspace::new();
    workspace.write("show/mine", "mine");
    assert_error(&run(&workspace, ".", "demo show"), 2, &["show"]);
    assert_eq!(workspace.texts("show").len(), 1);
}
