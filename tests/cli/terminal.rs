//! Questions, asked on a terminal: the real binary on a pseudo-terminal, and a person who types.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Child;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{
    LocalModes, OptionalActions, OutputModes, Winsize, tcgetattr, tcsetattr, tcsetwinsize,
};

use crate::team::{BUCKET, Gate, Team, files, trashed};

/// How long a question may take to come on a busy machine; no test waits for it to pass.
const PATIENCE: Duration = Duration::from_mins(2);

pub const QUESTION: &str = "[s]kip, [q]uit?";
pub const ESCAPE: &str = "\u{1b}";
pub const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";

/// A run of lsync on a terminal.
pub struct Terminal {
    pub child: Child,
    keyboard: File,
    shown: mpsc::Receiver<Vec<u8>>,
    /// What was shown and not yet expected.
    rest: String,
}

impl Terminal {
    /// Starts the words of `line` in a copy, on a terminal without bars and colours, so that what is
    /// expected stands there in one piece.
    pub fn start(team: &Team, copy: &str, line: &str) -> Self {
        Self::start_on("dumb", team, copy, line)
    }

    /// As [`Terminal::start`], on a terminal of that kind.
    pub fn start_on(kind: &str, team: &Team, copy: &str, line: &str) -> Self {
        Self::start_at((kind, 100), team, copy, line)
    }

    /// As [`Terminal::start`], on a terminal of that kind and of so many columns.
    fn start_at((kind, columns): (&str, u16), team: &Team, copy: &str, line: &str) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let theirs = File::from(rustix::fs::open(name, flags, Mode::empty()).unwrap());
        // Lines end as they are written.
        let mut modes = tcgetattr(&theirs).unwrap();
        modes.output_modes.remove(OutputModes::OPOST);
        tcsetattr(&theirs, OptionalActions::Now, &modes).unwrap();
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&theirs, size).unwrap();
        let mut command = team.command(copy, line.split_whitespace());
        command.env("TERM", kind).env("NO_COLOR", "1");
        let end = || theirs.try_clone().unwrap();
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let keyboard = File::from(ours);
        let mut screen = keyboard.try_clone().unwrap();
        let (sender, shown) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The last one to close the other end makes reading fail.
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keyboard, shown, rest: String::new() }
    }

    /// Takes what is shown next; false once nothing more will come.
    fn read(&mut self) -> bool {
        match self.shown.recv_timeout(PATIENCE) {
            Ok(bytes) => self.rest.push_str(&String::from_utf8_lossy(&bytes)),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => panic!("nothing more came after {:?}", self.rest),
        }
        true
    }

    /// Waits for a text; returns what stood before it.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> String {
        loop {
            if let Some((before, behind)) = self.rest.split_once(text) {
                let (before, behind) = (before.to_owned(), behind.to_owned());
                self.rest = behind;
                return before;
            }
            assert!(self.read(), "no {text:?} in {:?}", self.rest);
        }
    }

    /// Tells whether it takes lines, and shows what is typed: as a shell leaves it.
    pub fn takes_lines(&self) -> bool {
        let modes = tcgetattr(&self.keyboard).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    /// Types.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end; returns what was still written.
    #[track_caller]
    pub fn end(mut self, code: i32) -> String {
        while self.read() {}
        assert_eq!(self.child.wait().unwrap().code(), Some(code), "{}", self.rest);
        assert!(self.takes_lines(), "the terminal is not as it was");
        self.rest
    }
}

/// Two people edited `f.txt` and `g`; copy `one` has the conflicts.
pub fn contested() -> Team {
    let team = Team::sharing(&[("f.txt", "base"), ("g", "base"), ("h", "base")]);
    for path in ["f.txt", "g"] {
        team.server.put(BUCKET, path, format!("theirs, {path}"));
        team.write(format!("one/{path}"), format!("ours, {path}"));
    }
    team
}

#[test]
fn each_key_settles_the_conflict_that_is_shown() {
    let team = contested();
    let mut terminal = Terminal::start(&team, "one", "resolve");
    let shown = terminal.expect(QUESTION);
    for part in ["(1 of 2) f.txt", "changed here and in the bucket", "ours", "theirs", "newer"] {
        assert!(shown.contains(part), "no {part:?} in {shown}");
    }
    terminal.press("o");
    assert!(terminal.expect(QUESTION).contains("(2 of 2) g"));
    terminal.press("t");
    terminal.end(0);
    let expected = [("f.txt", "ours, f.txt"), ("g", "theirs, g"), ("h", "base")];
    assert_eq!(team.bucket(), files(&expected));
    assert_eq!(team.texts("one"), files(&expected));
    let kept = [("bucket/f.txt", "theirs, f.txt"), ("local/g", "ours, g")];
    assert_eq!(trashed(&team, "one"), kept.map(|(path, text)| (path.to_owned(), text.to_owned())));
}

#[test]
fn both_newest_and_skip_do_what_they_say() {
    let team = contested();
    team.set_mtime("one/f.txt", 1_500_000_000_000_000_000);
    let mut terminal = Terminal::start(&team, "one", "resolve");
    terminal.expect(QUESTION);
    terminal.press("n");
    terminal.expect("theirs");
    terminal.expect(QUESTION);
    terminal.press("s");
    terminal.expect("left open");
    terminal.end(4);
    assert_eq!(team.text("one/f.txt"), "theirs, f.txt", "the later one");
    assert_eq!(team.text("one/g"), "ours, g");
    assert_eq!(team.bucket()["g"], "theirs, g");
    let mut terminal = Terminal::start(&team, "one", "resolve");
    assert!(terminal.expect(QUESTION).contains("(1 of 1) g"));
    terminal.press("b");
    terminal.end(0);
    let mut texts: Vec<_> = team.bucket().into_values().collect();
    texts.sort();
    assert_eq!(texts, ["base", "ours, g", "theirs, f.txt", "theirs, g"]);
    assert_eq!(team.texts("one"), team.bucket());
}

#[test]
fn a_file_against_a_folder_is_asked_about_with_the_answers_that_mean_something() {
    let team = Team::sharing(&[("g", "g")]);
    team.server.put(BUCKET, "f/inside", "theirs");
    team.write("one/f", "ours");
    let mut terminal = Terminal::start(&team, "one", "resolve");
    let shown = terminal.expect(QUESTION);
    for part in
        ["a file on one side, a folder on the other", "[b]oth (the file under another name)"]
    {
        assert!(shown.contains(part), "no {part:?} in {shown}");
    }
    assert!(!shown.contains("[n]ewest") && !shown.contains("[d]ownload"), "{shown}");
    terminal.press("b");
    terminal.end(0);
    let bucket = team.bucket();
    assert_eq!(bucket["f/inside"], "theirs");
    assert_eq!(bucket.len(), 3, "{bucket:?}");
    assert_eq!(team.texts("one"), bucket);
}

#[test]
fn another_key_is_no_answer_and_the_question_comes_again() {
    let team = contested();
    let mut terminal = Terminal::start(&team, "one", "resolve g");
    // A capital is another key, too.
    terminal.expect(QUESTION);
    for key in ["x", "\r", "é", "y", "O", "T"] {
        terminal.press(key);
        let told = terminal.expect(QUESTION);
        assert!(told.contains("no such key: there are o, t, b, n, d, ?, s, q and Esc"), "{told}");
    }
    assert_eq!(team.text("one/g"), "ours, g");
    terminal.press("t");
    terminal.end(0);
    assert_eq!(team.text("one/g"), "theirs, g");
}

#[test]
fn the_end_of_input_leaves_the_rest_open_and_does_what_was_answered() {
    for end in [ESCAPE, CTRL_D, "q"] {
        let team = contested();
        let mut terminal = Terminal::start(&team, "one", "resolve");
        terminal.expect(QUESTION);
        terminal.press("t");
        terminal.expect(QUESTION);
        terminal.press(end);
        terminal.end(4);
        assert_eq!(team.text("one/f.txt"), "theirs, f.txt", "{end:?}");
        assert_eq!(team.text("one/g"), "ours, g", "{end:?}");
        assert_eq!(team.bucket()["g"], "theirs, g", "{end:?}");
    }
}

#[test]
fn ctrl_c_at_a_question_ends_with_130_and_nothing_is_changed() {
    let team = contested();
    let (tree, bucket) = (team.snapshot("one"), team.bucket());
    let mut terminal = Terminal::start(&team, "one", "resolve");
    terminal.expect(QUESTION);
    terminal.press("o");
    terminal.expect(QUESTION);
    terminal.press(CTRL_C);
    let rest = terminal.end(130);
    assert!(rest.contains("interrupted, nothing was changed"), "{rest}");
    assert_eq!((team.snapshot("one"), team.bucket()), (tree, bucket));
}

#[test]
fn theirs_is_fetched_to_a_place_that_never_travels_and_taken_away_again() {
    let team = contested();
    let mut terminal = Terminal::start(&team, "one", "resolve f.txt");
    terminal.expect(QUESTION);
    terminal.press("d");
    let shown = terminal.expect("(until the conflict is settled)");
    let path = |side: &str| {
        let line = shown.lines().find_map(|line| line.trim().strip_prefix(side)).unwrap();
        std::path::PathBuf::from(line.trim())
    };
    let (ours, theirs) = (path("ours "), path("theirs "));
    assert_eq!(team.read(&ours), b"ours, f.txt");
    assert_eq!(team.read(&theirs), b"theirs, f.txt");
    assert_eq!(theirs.file_name().unwrap(), "f.txt", "a viewer knows it by its name");
    assert!(!theirs.starts_with(team.path("one")), "{}", theirs.display());
    terminal.expect(QUESTION);
    // A sync meanwhile: the working copy is free, and theirs is no file of it.
    let before: Vec<_> = team.bucket().into_keys().collect();
    team.run("one", "sync").assert_code(4);
    assert_eq!(team.bucket().into_keys().collect::<Vec<_>>(), before);
    assert!(team.exists(&theirs), "nobody sweeps it");
    terminal.press("d");
    let again = terminal.expect("(until the conflict is settled)");
    assert!(again.contains(&theirs.display().to_string()), "once is enough: {again}");
    terminal.expect(QUESTION);
    terminal.press("t");
    terminal.end(0);
    assert_eq!(team.text("one/f.txt"), "theirs, f.txt");
    assert!(!team.exists(theirs.parent().unwrap()), "{}", theirs.display());
}

/// Presses `d`; returns where theirs was fetched to.
pub fn fetch_theirs(terminal: &mut Terminal) -> std::path::PathBuf {
    terminal.press("d");
    terminal.expect("theirs  ");
    let theirs = terminal.expect("  (until the conflict is settled)");
    terminal.expect(QUESTION);
    theirs.into()
}

#[test]
fn theirs_that_somebody_edited_is_not_taken_away_and_named() {
    for (key, code, why) in
        [("s", 4, "stays until the conflict is settled"), ("t", 0, "was edited and stays")]
    {
        let team = contested();
        let mut terminal = Terminal::start(&team, "one", "resolve f.txt");
        terminal.expect(QUESTION);
        let theirs = fetch_theirs(&mut terminal);
        team.write(&theirs, "merged by hand");
        terminal.press(key);
        let rest = terminal.end(code);
        let told = format!("theirs of f.txt {why}: {}", theirs.display());
        assert!(rest.contains(&told), "no {told:?} in {rest}");
        assert_eq!(team.text(&theirs), "merged by hand");
    }
}

#[test]
fn a_file_that_was_merged_while_the_question_stood_open_is_asked_about_again() {
    let team = contested();
    let mut terminal = Terminal::start(&team, "one", "resolve f.txt");
    terminal.expect(QUESTION);
    let theirs = fetch_theirs(&mut terminal);
    team.write("one/f.txt", "ours and theirs, merged by hand");
    terminal.press("o");
    let again = terminal.expect(QUESTION);
    for part in ["f.txt changed here after it was shown", "(1 of 1) f.txt", "31 B"] {
        assert!(again.contains(part), "no {part:?} in {again}");
    }
    assert!(team.exists(&theirs), "the conflict is not settled yet");
    assert_eq!(team.bucket()["f.txt"], "theirs, f.txt");
    team.ok("one", "push g");
    terminal.press("d");
    assert!(terminal.expect(QUESTION).contains(&theirs.display().to_string()), "once is enough");
    terminal.press("o");
    terminal.end(0);
    assert_eq!(team.bucket()["f.txt"], "ours and theirs, merged by hand");
    assert_eq!(team.text("one/f.txt"), "ours and theirs, merged by hand");
    assert!(!team.exists(theirs.parent().unwrap()), "{}", theirs.display());
}

#[test]
fn another_version_in_the_bucket_is_told_and_the_end_of_questions_leaves_it_open() {
    let team = contested();
    let mut terminal = Terminal::start(&team, "one", "resolve");
    terminal.expect(QUESTION);
    let theirs = fetch_theirs(&mut terminal);
    team.server.put(BUCKET, "f.txt", "theirs, a second time");
    terminal.press("o");
    assert!(terminal.expect(QUESTION).contains("(2 of 2) g"));
    terminal.press("o");
    let again = terminal.expect(QUESTION);
    assert!(again.contains("f.txt changed in the bucket after it was shown"), "{again}");
    assert_ne!(fetch_theirs(&mut terminal), theirs, "the new one is another file");
    terminal.press(ESCAPE);
    let rest = terminal.end(4);
    assert!(rest.contains("theirs of f.txt stays until the conflict is settled"), "{rest}");
    assert_eq!(team.bucket()["f.txt"], "theirs, a second time");
    assert_eq!(team.bucket()["g"], "ours, g", "what was answered is done");
    assert_eq!(team.text("one/f.txt"), "ours, f.txt");
    assert_eq!(team.text(&theirs), "theirs, f.txt");
}

#[test]
fn each_key_is_explained_and_only_what_makes_sense_is_offered() {
    let team = contested();
    team.remove("one/f.txt");
    team.server.delete(BUCKET, "g");
    let mut terminal = Terminal::start(&team, "one", "resolve");
    let question = terminal.expect(QUESTION);
    assert!(question.contains("keep [o]urs (deleted), [t]heirs; [d]ownload"), "{question}");
    terminal.press("?");
    let explained = terminal.expect(QUESTION);
    for part in
        ["o    ours: it is deleted in the bucket, too", "d    download", "q    quit, as Esc"]
    {
        assert!(explained.contains(part), "no {part:?} in {explained}");
    }
    for key in ["b", "n"] {
        terminal.press(key);
        terminal.expect(QUESTION);
    }
    terminal.press("t");
    let question = terminal.expect(QUESTION);
    assert!(question.contains("(2 of 2) g") && !question.contains("[d]"), "{question}");
    terminal.press("d");
    terminal.expect(QUESTION);
    terminal.press("o");
    terminal.end(0);
    assert_eq!(team.text("one/f.txt"), "theirs, f.txt");
    assert_eq!(team.bucket()["g"], "ours, g");
}

#[test]
fn a_mirror_is_made_after_yes_alone() {
    for (command, question) in [
        ("pull --mirror", "exactly what the bucket holds?"),
        ("push --mirror", "exactly what is here?"),
    ] {
        let team = contested();
        let (tree, bucket) = (team.snapshot("one"), team.bucket());
        for (keys, code) in [("n", 5), ("\r", 5), (ESCAPE, 5), (CTRL_C, 130)] {
            let mut terminal = Terminal::start(&team, "one", command);
            let plan = terminal.expect(question);
            assert!(plan.contains("f.txt") && plan.contains('g'), "{plan}");
            terminal.press(keys);
            let rest = terminal.end(code);
            assert!(!rest.contains("cannot ask"), "{keys:?}: {rest}");
            assert_eq!((team.snapshot("one"), team.bucket()), (tree.clone(), bucket.clone()));
        }
        let mut terminal = Terminal::start(&team, "one", command);
        terminal.expect(question);
        terminal.press("y");
        terminal.end(0);
        assert_eq!(team.texts("one"), team.bucket());
        let winner = if command.starts_with("pull") { "theirs, g" } else { "ours, g" };
        assert_eq!(team.text("one/g"), winner);
    }
}

#[test]
fn the_guard_asks_and_goes_on_after_yes_alone() {
    let team = Team::sharing(&[("f", "f"), ("g", "g")]);
    team.remove("one/f");
    team.remove("one/g");
    let question = "2 of 2 files would be deleted in the bucket: this folder is empty. Go on?";
    for (keys, code) in [("n", 5), (CTRL_C, 130)] {
        let mut terminal = Terminal::start(&team, "one", "sync");
        terminal.expect(question);
        terminal.press(keys);
        terminal.end(code);
        assert_eq!(team.bucket(), files(&[("f", "f"), ("g", "g")]), "{keys:?}");
    }
    let mut terminal = Terminal::start(&team, "one", "sync");
    terminal.expect(question);
    terminal.press("y");
    terminal.end(0);
    assert_eq!(team.bucket(), files(&[]));
}

#[test]
fn a_large_file_has_a_line_of_its_own_below_the_bar() {
    let team = Team::sharing(&[("small", "small")]);
    team.write("one/films/large", vec![7; 40 << 20]);
    let gate = Gate::at(&team.server, "CompleteMultipartUpload", "films/large");
    let mut terminal = Terminal::start_on("xterm", &team, "one", "push");
    terminal.expect("0 of 1 file");
    terminal.expect("% of 40.0 MiB");
    gate.wait();
    let redrawn = terminal.expect("100 % of 40.0 MiB, finishing");
    assert!(redrawn.contains("\u{1b}[1A"), "the cursor goes up from a second line: {redrawn:?}");
    terminal.expect("films/large");
    drop(gate);
    let rest = terminal.end(0);
    assert!(rest.contains("1 uploaded (40.0 MiB)"), "{rest:?}");
}

#[test]
fn a_question_that_stands_open_keeps_nobody_else_from_working() {
    let team = contested();
    team.server.abandon_upload(BUCKET, "old.mov", 3);
    for (command, question, key, code) in
        [("clean --uploads", "sent of 1 upload?", "y", 0), ("resolve", QUESTION, ESCAPE, 4)]
    {
        let mut terminal = Terminal::start(&team, "one", command);
        terminal.expect(question);
        let new = format!("while-{}", &command[..5]);
        team.write(format!("one/{new}"), "new");
        team.ok("one", &format!("push {new}"));
        assert!(team.bucket().contains_key(&new), "{command}");
        terminal.press(key);
        terminal.end(code);
    }
    assert_eq!(team.server.open_uploads(BUCKET), Vec::<String>::new());
}

/// Takes the codes that move the cursor out of what a terminal is sent; each draws a new line.
fn drawn_lines(sent: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut rest = sent.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => {
                // `ESC [`, numbers, and a letter.
                let _code = rest.by_ref().skip(1).find(char::is_ascii_alphabetic);
            }
            '\r' | '\n' => lines.push(String::new()),
            c => lines.last_mut().unwrap().push(c),
        }
    }
    lines
}

#[test]
fn no_line_of_progress_wraps_on_a_narrow_terminal() {
    for columns in [40, 60] {
        let team = Team::sharing(&[("small", "small")]);
        let name = format!("films/{}", "long".repeat(20));
        team.write(format!("one/{name}"), vec![7; 40 << 20]);
        team.write("one/films/other", vec![7; 33 << 20]);
        let gate = Gate::at(&team.server, "CompleteMultipartUpload", "*");
        let mut terminal = Terminal::start_at(("xterm", columns), &team, "one", "push");
        gate.wait();
        let mut shown = String::new();
        for text in ["100 % of 40.0 MiB", "100 % of 33.0 MiB", "100 % of 40.0 MiB", "\u{1b}"] {
            shown += &(terminal.expect(text) + text);
        }
        drop(gate);
        for line in drawn_lines(&shown) {
            let line: Vec<char> = line.chars().collect();
            // Each line is filled up with blanks, and the next one begins where the terminal breaks.
            for row in line.chunks(columns.into()).filter(|row| row.iter().any(|c| *c != ' ')) {
                let row: String = row.iter().collect();
                let is_begin = ["0 of 2 files", "comparing", "waiting for the store", "recording"];
                let is_large = row.starts_with("  ") && row.contains(" % of ");
                // The spinner turns before there is a word beside it.
                let is_spinner = row.trim().chars().all(|c| ('\u{2800}'..='\u{28ff}').contains(&c));
                let is_whole = is_large || is_spinner || is_begin.iter().any(|it| row.contains(it));
                assert!(is_whole, "{columns}: {row:?} in {shown:?}");
            }
        }
        terminal.end(0);
    }
}

#[test]
fn a_store_that_lets_us_wait_is_named() {
    let team = Team::sharing(&[("small", "small")]);
    let gate = Gate::at(&team.server, "ListObjectsV2", "*");
    let mut terminal = Terminal::start_on("xterm", &team, "one", "status");
    terminal.expect("waiting for the store");
    drop(gate);
    assert!(terminal.end(0).contains("up to date"));
}

#[test]
fn a_first_push_of_a_secret_goes_on_after_yes_alone() {
    let team = Team::sharing(&[("f", "f")]);
    team.write("one/.env", "secret");
    for (keys, code) in [("n", 5), (CTRL_C, 130), ("y", 0)] {
        assert_eq!(team.server.keys(BUCKET), ["f"], "{keys:?}");
        let mut terminal = Terminal::start(&team, "one", "sync");
        let told = terminal.expect("Send them?");
        assert!(told.contains("first time: .env"), "{told}");
        terminal.press(keys);
        terminal.end(code);
    }
    assert_eq!(team.server.keys(BUCKET), [".env", "f"]);
}

#[test]
fn what_a_teammates_rules_no_longer_ignore_is_sent_after_yes_alone() {
    for (number, question) in
        [(2, "Send 2 files that were ignored here?"), (21, "sent to the bucket. Go on?")]
    {
        let team = Team::sharing(&[("f", "f"), (".lsyncignore", "private/\n")]);
        for number in 0..number {
            team.write(format!("one/private/{number:02}"), "for one alone");
        }
        team.server.delete(BUCKET, ".lsyncignore");
        for (keys, code) in [("n", 5), (CTRL_C, 130), ("y", 0)] {
            assert_eq!(team.server.keys(BUCKET), ["f"], "{keys:?}");
            let mut terminal = Terminal::start(&team, "one", "sync");
            let told = terminal.expect(question);
            assert!(told.contains("private/00, private/01"), "{told}");
            terminal.press(keys);
            let rest = terminal.end(code);
            assert_eq!(rest.matches("[y/N]").count(), 1, "asked twice: {rest}");
        }
        assert_eq!(team.server.keys(BUCKET).len(), 1 + number);
    }
}

#[test]
fn a_clone_of_nothing_and_a_copy_around_copies_go_on_after_yes_alone() {
    for (command, question, made, no) in [
        ("clone team/nosuch", "Make an empty working copy?", "around/nosuch/.lsync", 1),
        ("init team .", "Make a working copy around them?", "around/.lsync", 5),
    ] {
        let team = Team::without_copies(crate::support::Profile::Aws);
        team.join("around/one");
        for (keys, code) in [("n", no), (CTRL_C, 130), ("y", 0)] {
            assert!(!team.exists(made), "{command} {keys:?}");
            let mut terminal = Terminal::start(&team, "around", command);
            terminal.expect(question);
            terminal.press(keys);
            terminal.end(code);
        }
        assert!(team.exists(made), "{command}");
    }
}

#[test]
fn the_question_of_a_mirror_says_its_totals_once() {
    let team = Team::sharing(&[("f", "f"), ("g", "g")]);
    for name in ["f", "g"] {
        team.server.delete(BUCKET, name);
    }
    let mut terminal = Terminal::start(&team, "one", "pull --mirror");
    let told = terminal.expect("exactly what the bucket holds?");
    assert!(told.contains("2 of 2 files would be deleted here"), "{told}");
    assert!(!told.contains("2 to delete here"), "{told}");
    terminal.press("n");
    terminal.end(5);
}
