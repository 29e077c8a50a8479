//! Questions that stand open: what was typed before them, and signals that come meanwhile.

use crate::support::Profile;
use crate::team::{BUCKET, Gate, Team, files, signal};
use crate::terminal::{CTRL_C, ESCAPE, QUESTION, Terminal, contested};

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
    terminal.press("x");
    terminal.expect("no such key: y is yes; n, q, Enter and Esc are no");
    terminal.expect("Go on? [y/N] ");
    terminal.press("q");
    terminal.expect("no");
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
            assert!(!rest.contains("\u{1b}[?25l"), "the cursor is hidden: {rest:?}");
            if question.ends_with("] ") {
                assert!(rest.starts_with('\n'), "the question ends its line: {rest:?}");
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
