//! Real processes hammer a few keys, persons edit while they run, and some are killed; the store's
//! own history then says whether anything got lost.
//!
//! `LSYNC_HAMMER_ROUNDS=1000 cargo test --test hammer` goes on for longer, `LSYNC_HAMMER_SEED=7`
//! with other choices. What the processes do at the same moment is theirs: a seed fixes the script,
//! not the race.

#![allow(clippy::unwrap_used, reason = "a broken test bench should stop the test at once")]
#![allow(clippy::print_stdout, reason = "figures for whoever asks with --nocapture")]
#![allow(unreachable_pub, reason = "nothing outside of a test binary can reach anything")]

#[path = "hammer/check.rs"]
mod check;
#[path = "hammer/meeting.rs"]
mod meeting;
#[path = "hammer/persons.rs"]
mod persons;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;
use std::sync::{Arc, Mutex};

use check::Promise;
use meeting::Meeting;
use persons::Persons;
use rustix::process::{Pid, Signal, kill_process};
use support::{Fault, FaultRule, Profile, S3Server, Workspace};

/// The bucket.
const BUCKET: &str = "team";

/// Working copies, each with a process of its own in every round.
const COPIES: usize = 4;

/// What everybody works on.
const KEYS: [&str; 3] = ["a", "b/c", "d"];

/// Rounds, where nobody asks for more.
const ROUNDS: usize = 12;

/// How often every copy may be synced until all are at rest.
const PASSES_MAX: usize = 20;

/// What persons save in the middle of a round, at most.
const EDITS_BETWEEN_REQUESTS: usize = 4;

/// Returns a number from the environment.
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// What the hook of the server does in a round.
#[derive(Default)]
struct Script {
    /// Process and number of the request at which it is killed, by copy.
    kills: BTreeMap<usize, (Pid, u64)>,
    /// Requests of each copy.
    requests: BTreeMap<usize, u64>,
    edits_left: usize,
}

/// The server, the copies, and the persons who work in them.
struct Hammer {
    server: S3Server,
    workspace: Arc<Workspace>,
    persons: Arc<Persons>,
    script: Arc<Mutex<Script>>,
    meeting: Arc<Meeting>,
    random: fastrand::Rng,
    /// Copies whose last run ended with open conflicts.
    in_conflict: BTreeSet<usize>,
    killed: usize,
}

impl Hammer {
    fn new(profile: Profile, seed: u64) -> Self {
        let server = S3Server::with_profile(profile);
        server.create_bucket(BUCKET);
        let workspace = Arc::new(Workspace::with_server(&server));
        let persons = Arc::new(Persons::new(Arc::clone(&workspace), seed));
        let mut hammer = Self {
            server,
            workspace,
            persons,
            script: Arc::default(),
            meeting: Arc::default(),
            random: fastrand::Rng::with_seed(seed),
            in_conflict: BTreeSet::new(),
            killed: 0,
        };
        hammer.workspace.lsync("copy0", ["init", BUCKET, "."]).assert_code(0);
        let config = hammer.workspace.read("copy0/.lsync/config.yaml");
        for copy in 1..COPIES {
            for folder in ["tmp", "trash"] {
                let place = hammer.workspace.path(format!("copy{copy}/.lsync/{folder}"));
                std::fs::create_dir_all(place).unwrap();
            }
            hammer.workspace.write(format!("copy{copy}/.lsync/config.yaml"), &config);
        }
        hammer.listen();
        hammer
    }

    /// Lets persons act, and processes die, at requests: the moments at which something happens.
    fn listen(&mut self) {
        let (persons, script) = (Arc::clone(&self.persons), Arc::clone(&self.script));
        let meeting = Arc::clone(&self.meeting);
        self.server.on_request("*", "*", move |_, seen| {
            let agent = seen.headers.get("user-agent").map_or("", String::as_str);
            let app = agent.split("app/copy").nth(1).and_then(|rest| rest.split(' ').next());
            let Some(copy) = app.and_then(|copy| copy.parse().ok()) else { return };
            let mut script = script.lock().unwrap();
            let requests = script.requests.entry(copy).or_default();
            *requests += 1;
            let number = *requests;
            if let Some((pid, _)) = script.kills.get(&copy).filter(|(_, at)| *at == number) {
                // One that has ended of itself is a race that killing always has.
                kill_process(*pid, Signal::KILL).unwrap_or_default();
            }
            let acts = number % 3 == 0 && script.edits_left > 0;
            script.edits_left -= usize::from(acts);
            drop(script);
            if acts {
                persons.act();
            }
            if seen.is_write() {
                meeting.wait(copy, &seen.key);
            }
        });
    }

    /// Starts lsync in a copy.
    fn start(&self, copy: usize, words: &[&str]) -> Child {
        let mut command = self.workspace.command(format!("copy{copy}"), words);
        // The name goes into the user agent, by which the server knows whose request it is.
        command.env("AWS_SDK_UA_APP_ID", format!("copy{copy}"));
        command.spawn().expect("lsync to start")
    }

    /// Waits for processes; only a killed one may end in another way than lsync's own.
    fn finish(&mut self, children: Vec<(usize, Child)>) {
        let meeting = Arc::clone(&self.meeting);
        let ends: Vec<_> = std::thread::scope(|scope| {
            let waits: Vec<_> = children
                .into_iter()
                .map(|(copy, child)| {
                    let meeting = &meeting;
                    let wait = scope.spawn(move || {
                        let output = child.wait_with_output().expect("lsync to end");
                        meeting.leave();
                        output
                    });
                    (copy, wait)
                })
                .collect();
            waits.into_iter().map(|(copy, wait)| (copy, wait.join().unwrap())).collect()
        });
        for (copy, output) in ends {
            let (code, text) = (output.status.code(), String::from_utf8_lossy(&output.stderr));
            assert!(matches!(code, None | Some(0 | 3 | 4)), "copy{copy}: {code:?}\n{text}");
            self.killed += usize::from(code.is_none());
            if code == Some(4) {
                self.in_conflict.insert(copy);
            }
        }
    }

    /// Chooses what a process does.
    fn words(&mut self, copy: usize) -> Vec<&'static str> {
        if self.in_conflict.remove(&copy) {
            let way = ["--ours", "--ours", "--theirs", "--both"][self.random.usize(..4)];
            return vec!["resolve", way];
        }
        match self.random.u8(..8) {
            0 => vec!["push", "--max-delete", "100%"],
            1 => vec!["pull", "--max-delete", "100%"],
            _ => vec!["sync", "--max-delete", "100%"],
        }
    }

    /// Persons work; then lsync runs everywhere at once, while they go on.
    fn round(&mut self, number: usize) {
        // Every other round lets the copies come together, so that the next one begins with a race.
        if number % 2 == 1 {
            let key = self.random.usize(..KEYS.len());
            (0..COPIES).for_each(|copy| self.persons.work(copy, key));
        }
        let plans: Vec<_> = (0..COPIES).map(|copy| (copy, self.words(copy))).collect();
        self.meeting.begin(COPIES);
        let script = Arc::clone(&self.script);
        let children: Vec<_> = {
            // Held until all are known, so that none makes its first request before.
            let mut script = script.lock().unwrap();
            *script = Script { edits_left: EDITS_BETWEEN_REQUESTS, ..Script::default() };
            plans
                .into_iter()
                .map(|(copy, words)| {
                    let child = self.start(copy, &words);
                    if self.random.u8(..5) == 0 {
                        let pid = Pid::from_child(&child);
                        script.kills.insert(copy, (pid, self.random.u64(1..6)));
                    }
                    (copy, child)
                })
                .collect()
        };
        self.finish(children);
    }

    /// Syncs in turn until nobody has anything to do, and settles conflicts in every way.
    fn come_to_rest(&mut self) {
        self.server.clear_faults();
        *self.script.lock().unwrap() = Script::default();
        let mut quiet = 0;
        for pass in 0..PASSES_MAX {
            let before = (self.server.history(BUCKET).len(), self.trees());
            for copy in 0..COPIES {
                self.run(copy, &["sync", "--max-delete", "100%"]);
                if self.in_conflict.remove(&copy) {
                    let way = ["--theirs", "--ours", "--both"][(pass + copy) % 3];
                    self.run(copy, &["resolve", way]);
                }
            }
            let is_quiet = before == (self.server.history(BUCKET).len(), self.trees());
            quiet = if is_quiet { quiet + 1 } else { 0 };
            if quiet == 2 {
                return;
            }
        }
        panic!("after {PASSES_MAX} passes there is still something to do");
    }

    /// Runs lsync in a copy, alone.
    fn run(&mut self, copy: usize, words: &[&str]) {
        self.meeting.begin(1);
        let child = self.start(copy, words);
        self.finish(vec![(copy, child)]);
    }

    /// Returns what each copy holds.
    fn trees(&self) -> Vec<BTreeMap<String, String>> {
        (0..COPIES).map(|copy| self.workspace.texts(format!("copy{copy}"))).collect()
    }
}

/// Hammers a store of this kind, and checks what it promises there.
fn hammer(profile: Profile, promise: Promise) {
    let seed = number("LSYNC_HAMMER_SEED").unwrap_or(0);
    let rounds = number("LSYNC_HAMMER_ROUNDS").map_or(ROUNDS, |n| n.try_into().unwrap());
    let mut hammer = Hammer::new(profile, seed);
    for (operation, fault, probability) in [
        ("PutObject", Fault::DropConnectionBefore, 0.2),
        ("PutObject", Fault::DropConnectionAfterEffect, 0.2),
        ("PutObject", Fault::Status(409, "ConditionalRequestConflict"), 0.1),
        ("DeleteObject", Fault::DropConnectionAfterEffect, 0.2),
        ("GetObject", Fault::DropMidBody, 0.1),
        ("*", Fault::Status(503, "SlowDown"), 0.04),
    ] {
        hammer.server.fault(FaultRule::new(operation, "*", fault).chance(probability, seed));
    }
    for round in 0..rounds {
        hammer.round(round);
    }
    hammer.come_to_rest();
    let history = hammer.server.history(BUCKET);
    let history: Vec<_> =
        history.into_iter().filter(|change| !change.key.starts_with(".lsync/")).collect();
    check::is_a_history(&history);
    check::kept_its_promise(&history, promise);
    check::every_body_was_written_whole(&history, &hammer.persons);
    for tree in hammer.trees() {
        assert_eq!(tree, hammer.trees()[0], "the copies differ");
    }
    check::nothing_got_lost(&history, &hammer.persons, &hammer.workspace);
    println!(
        "{profile:?}, seed {seed}: {rounds} rounds, {} requests, {} changes, {} contents, {} killed",
        hammer.server.log().len(),
        history.len(),
        hammer.persons.written().len(),
        hammer.killed
    );
}

#[test]
fn nothing_is_lost_on_aws() {
    hammer(Profile::Aws, Promise::Everything);
}

#[test]
fn nothing_is_lost_on_ceph() {
    hammer(Profile::Ceph, Promise::Writes);
}

#[test]
fn on_garage_what_a_race_took_is_kept_by_who_wrote_it() {
    hammer(Profile::Garage, Promise::Nothing);
}

#[test]
fn on_a_racy_store_what_a_race_took_is_kept_by_who_wrote_it() {
    hammer(Profile::Racy, Promise::Nothing);
}
