//! Questions that stand open: what was typed before them, signals that come meanwhile, and what was
//! fetched to answer them.

use std::path::PathBuf;

use crate::support::Profile;
use crate::team::{BUCKET, Gate, Team, files, signal};
use crate::terminal::{CTRL_C, ESCAPE, QUESTION, Terminal, contested, fetch_theirs};

#[test]
fn what_was_typed_before_a_question_is_no_answer_to_it() {
    let team = contested();
    let (tree, bucket) = (team.snapshot("one"), team.bucket());
    let gate = Gate::at(&team.server, "ListObjectsV2", "*");
    let mut terminal = Terminal::start(&team, "one", "resolve");
    gate.wait();
    terminal.press("oto\n");
    drop(gate);
    assert!(terminal.expect(QUESTION).contains("(1 of 2) f.txt"));
    // A whole word answers one question, by its first letter.
    terminal.press("skip\r");
    assert!(terminal.expect(QUESTION).contains("(2 of 2) g"));
    terminal.press(ESCAPE);
    let rest = terminal.end(4);
    assert!(!rest.contains("no such key"), "{rest}");
    assert_eq!((team.snapshot("one"), team.bucket()), (tree, bucket));
}

#[test]
fn a_yes_that_was_typed_before_the_guard_asks_deletes_nothing() {
    let team = Team::sharing(&[("f", "f"), ("g", "g")]);
    team.remove("one/f");
    team.remove("one/g");
    let gate = Gate::at(&team.server, "ListObjectsV2", "*");
    let mut terminal = Terminal::start(&team, "one", "sync");
    gate.wait();
    terminal.press("y\n");
    drop(gate);
    terminal.expect("Go on? [y/N] ");
    terminal.press("xq");
    terminal.end(5);
    assert_eq!(team.bucket(), files(&[("f", "f"), ("g", "g")]));
}

#[test]
fn a_signal_at_a_question_ends_with_130_and_everything_is_as_it_was() {
    let team = contested();
    team.server.abandon_upload(BUCKET, "old.mov", 3);
    let (tree, bucket) = (team.snapshot("one"), team.bucket());
    for (command, question) in [
        ("resolve", QUESTION),
        ("pull --mirror", "exactly what the bucket holds? [y/N] "),
        ("clean --uploads", "sent of 1 upload? [y/N] "),
    ] {
        for name in ["INT", "TERM", "HUP"] {
            let mut terminal = Terminal::start_on("xterm", &team, "one", command);
            terminal.expect(question);
            assert!(!terminal.takes_lines());
            signal(&terminal.child, name);
            let rest = terminal.end(130);
            assert!(rest.contains("interrupted, nothing was changed"), "{command} {name}: {rest}");
            let (hidden, shown) = (rest.rfind("\u{1b}[?25l"), rest.rfind("\u{1b}[?25h"));
            assert!(hidden <= shown, "the cursor is hidden: {rest:?}");
            if question.ends_with("] ") {
                let text = rest.replace("\u{1b}[?25l", "").replace("\u{1b}[?25h", "");
                assert!(text.starts_with('\n'), "the question ends its line: {rest:?}");
            }
            assert_eq!((team.snapshot("one"), team.bucket()), (tree.clone(), bucket.clone()));
        }
    }
    assert_eq!(team.server.open_uploads(BUCKET), ["old.mov"]);
    // Nobody holds the lock.
    team.run("one", "sync").assert_code(4);
}

#[test]
fn a_signal_at_a_question_of_init_and_clone_leaves_nothing_behind() {
    for (command, question, made) in [
        ("clone team/nosuch", "Make an empty working copy?", "around/nosuch"),
        ("init team .", "Make a working copy around them?", "around/.lsync"),
    ] {
        let team = Team::without_copies(Profile::Aws);
        team.join("around/one");
        let mut terminal = Terminal::start(&team, "around", command);
        terminal.expect(question);
        signal(&terminal.child, "TERM");
        terminal.end(130);
        assert!(!team.exists(made), "{command}");
    }
}

#[test]
fn ctrl_c_at_the_question_of_clean_ends_it() {
    let team = Team::new();
    team.server.abandon_upload(BUCKET, "old.mov", 3);
    let mut terminal = Terminal::start(&team, "one", "clean --uploads");
    terminal.expect("sent of 1 upload? [y/N] ");
    terminal.press(CTRL_C);
    terminal.end(130);
    assert_eq!(team.server.open_uploads(BUCKET), ["old.mov"]);
}

/// Fetches theirs of one conflict and answers nothing.
fn look_at_theirs(team: &Team, path: &str) -> PathBuf {
    let mut terminal = Terminal::start(team, "one", &format!("resolve {path}"));
    terminal.expect(QUESTION);
    let theirs = fetch_theirs(&mut terminal);
    terminal.press(ESCAPE);
    let told =
        format!("theirs of {path} stays until the conflict is settled: {}", theirs.display());
    let rest = terminal.end(4);
    assert!(rest.contains(&told), "no {told:?} in {rest}");
    theirs
}

#[test]
fn theirs_is_named_again_and_goes_with_whatever_command_settles_the_conflict() {
    for (line, code) in [
        ("resolve --ours f.txt", 0),
        ("resolve --theirs f.txt", 0),
        ("resolve --both f.txt", 0),
        ("pull --force f.txt", 0),
        ("push --force f.txt", 0),
        ("sync", 4),
    ] {
        let team = contested();
        let (of_f, of_g) = (look_at_theirs(&team, "f.txt"), look_at_theirs(&team, "g"));
        assert_eq!(look_at_theirs(&team, "f.txt"), of_f, "once is enough");
        for line in ["sync", "push h", "pull --no-delete", "status", "resolve --list"] {
            team.run("one", line);
            assert_eq!(team.text(&of_f), "theirs, f.txt", "{line} settles nothing");
        }
        if line == "sync" {
            // Both came to agree.
            team.server.put(BUCKET, "f.txt", "ours, f.txt");
        }
        team.run("one", line).assert_code(code);
        assert!(!team.exists(of_f.parent().unwrap()), "{line}: {}", of_f.display());
        assert_eq!(team.text(&of_g), "theirs, g", "{line}: a conflict that is still open");
        team.ok("one", "resolve --ours");
        assert!(!team.exists(of_g.parent().unwrap()), "{line}: {}", of_g.display());
        assert!(team.texts("one/.lsync/theirs").is_empty());
    }
}

#[test]
fn another_version_is_fetched_anew_and_both_copies_go_in_the_end() {
    let team = contested();
    let first = look_at_theirs(&team, "f.txt");
    team.server.put(BUCKET, "f.txt", "theirs, a second time");
    let second = look_at_theirs(&team, "f.txt");
    assert_eq!(team.text(&second), "theirs, a second time");
    assert_eq!(team.text(&first), "theirs, f.txt");
    team.ok("one", "resolve --theirs f.txt");
    for theirs in [first, second] {
        assert!(!team.exists(theirs.parent().unwrap()), "{}", theirs.display());
    }
}

#[test]
fn what_somebody_made_of_theirs_stays_whatever_settles_the_conflict() {
    let team = contested();
    let (of_f, of_g) = (look_at_theirs(&team, "f.txt"), look_at_theirs(&team, "g"));
    team.write(&of_f, "merged by hand");
    let beside = of_g.with_file_name("notes");
    team.write(&beside, "my notes");
    // What was edited is theirs no more.
    let fresh = look_at_theirs(&team, "f.txt");
    assert_ne!(fresh, of_f);
    assert_eq!(team.text(&fresh), "theirs, f.txt");
    let settled = team.ok("one", "resolve --theirs -q");
    let told = format!("theirs of f.txt was edited and stays: {}", of_f.display());
    assert!(settled.stderr.contains(&told), "{}", settled.stderr);
    let folder = beside.parent().unwrap().display();
    let told = format!("theirs of g is gone, what lies beside it stays: {folder}");
    assert!(settled.stderr.contains(&told), "{}", settled.stderr);
    let again = team.ok("one", "sync");
    assert!(!again.stderr.contains("stays"), "told once: {}", again.stderr);
    assert_eq!(team.text(&of_f), "merged by hand");
    assert_eq!(team.text(&beside), "my notes");
    assert!(!team.exists(fresh.parent().unwrap()) && !team.exists(&of_g));
    team.assert_quiet("one");
}
