//! One crash: lays a scenario out, lets it happen, and checks what follows.

use std::fmt;
use std::process::Child;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::scenarios::{SCENARIOS, SINGLES, Scenario};
use super::stage::{Laid, Place, Stage};
use super::state::{State, control};
use super::tracer::{self, Interference, Traceable};
use crate::support::{Fault, FaultRule, Output, S3Server};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Killed instead of the n-th change of the disk.
    Kill,
    /// Killed after half of the n-th write.
    Tear,
    /// No space from the n-th call on that needs some.
    Full,
    /// The n-th change fails with EIO.
    Fail,
    /// Killed at the n-th request, which the store does not carry out.
    Before,
    /// Killed at the n-th request, which the store has carried out.
    After,
    /// SIGINT at the n-th request.
    Interrupt,
    /// SIGTERM at the n-th request.
    Terminate,
}

/// All kinds, with the words that stand for them.
pub const KINDS: [(Kind, &str); 8] = [
    (Kind::Kill, "kill"),
    (Kind::Tear, "tear"),
    (Kind::Full, "full"),
    (Kind::Fail, "fail"),
    (Kind::Before, "before"),
    (Kind::After, "after"),
    (Kind::Interrupt, "interrupt"),
    (Kind::Terminate, "terminate"),
];

/// A crash that can be tried again: `sync/kill/17`.
#[derive(Clone, Copy)]
pub struct Point {
    /// Of what.
    pub scenario: &'static Scenario,
    /// What goes wrong.
    pub kind: Kind,
    /// At which change, write or request, from 1.
    pub number: u64,
}

impl fmt::Display for Point {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = KINDS.iter().find(|(kind, _)| *kind == self.kind).map_or("", |(_, word)| word);
        write!(formatter, "{}/{word}/{}", self.scenario.name, self.number)
    }
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.split('/').collect();
        let [scenario, kind, number] = parts[..] else {
            return Err(format!("{text} is no point like sync/kill/17"));
        };
        let scenario = SCENARIOS.iter().chain(SINGLES).find(|it| it.name == scenario);
        let kind = KINDS.iter().find(|(_, word)| *word == kind);
        match (scenario, kind, number.parse()) {
            (Some(scenario), Some((kind, _)), Ok(number)) => {
                Ok(Self { scenario, kind: *kind, number })
            }
            _ => Err(format!("{text} names no scenario, kind and number")),
        }
    }
}

/// A scenario that was set up, and what becomes of it without a crash.
pub struct Prepared {
    /// The scenario.
    pub scenario: &'static Scenario,
    stage: Stage,
    end: State,
    changes: Vec<Traceable>,
    requests: u64,
}

/// What came of a point.
pub enum Verdict {
    /// It was reached, and nothing was lost.
    Held,
    /// The run had ended before.
    Beyond,
    /// Something was lost or invented.
    Broken(String),
}

/// A run that something went wrong in.
struct Crashed {
    output: Output,
    /// Its changes of the disk or its requests, one a line.
    log: Vec<String>,
    /// The point was reached.
    was_hit: bool,
}

impl Prepared {
    /// Sets a scenario up, and runs it once without a crash.
    pub fn new(scenario: &'static Scenario) -> Self {
        let (stage, place) = ((scenario.set_up)(), Place::new(scenario.profile));
        let laid = place.lay_out(&stage, "without");
        let traced = tracer::run(&laid.command(scenario.line), Interference::None);
        traced.output.assert_code(scenario.code);
        let requests = place.server.log().len() as u64;
        for line in scenario.then {
            laid.run(line).assert_code(0);
        }
        let end = State::of(&laid);
        check_quiet(&laid, scenario).unwrap_or_else(|error| panic!("{}: {error}", scenario.name));
        drop(laid);
        Self { scenario, stage, end, changes: traced.changes, requests }
    }

    /// Returns how many points of a kind the run without a crash has. Another run may have a few
    /// more or less: threads and clocks differ.
    pub fn count(&self, kind: Kind) -> u64 {
        let count = |is_it: &dyn Fn(&Traceable) -> bool| {
            self.changes.iter().filter(|it| is_it(it)).count() as u64
        };
        match kind {
            Kind::Kill | Kind::Fail => count(&|_| true),
            Kind::Tear => count(&|it| it.change.can_be_torn()),
            Kind::Full => count(&|it| it.change.needs_space),
            Kind::Before | Kind::After | Kind::Interrupt | Kind::Terminate => self.requests,
        }
    }

    /// Tries one point; returns what the run did, too, one call or request a line.
    pub fn try_point(&self, place: &Place, point: Point) -> (Verdict, Vec<String>) {
        let laid = place.lay_out(&self.stage, &point.to_string().replace('/', "-"));
        let before = State::of(&laid);
        place.server.clear_log();
        let Crashed { output, log, was_hit } = crash(&laid, point);
        place.server.clear_hooks();
        place.server.clear_faults();
        let verdict = match self.check(&laid, point, (&before, &output)) {
            Err(message) => Verdict::Broken(format!(
                "{message}\n--- the run: exit code {:?}\n{}{}",
                output.code, output.stdout, output.stderr
            )),
            Ok(()) if was_hit => Verdict::Held,
            Ok(()) => Verdict::Beyond,
        };
        (verdict, log)
    }

    /// Lets each sync fail in turn: checks that no row is recorded then, and that the next run comes
    /// to the end. For scenarios of one action: of several, those of another group may be recorded.
    /// Returns how many syncs failed.
    pub fn try_failing_syncs(&self, place: &Place) -> u64 {
        let mut tried = 0;
        for (index, change) in self.changes.iter().enumerate() {
            if !change.change.is_sync {
                continue;
            }
            let number = index as u64 + 1;
            let point = Point { scenario: self.scenario, kind: Kind::Fail, number };
            let laid = place.lay_out(&self.stage, &point.to_string().replace('/', "-"));
            let before = laid.rows();
            let command = laid.command(self.scenario.line);
            let traced = tracer::run(&command, Interference::Fail(number));
            // The clock may have made the run another one by a call or two.
            if !traced.changes.get(index).is_some_and(|hit| hit.change.is_sync) {
                continue;
            }
            let failed = &traced.changes[index].change.text;
            assert!(matches!(traced.output.code, Some(1 | 3)), "{failed}: {:#?}", traced.output);
            assert_eq!(laid.rows(), before, "{failed} failed, and a row says that it did not");
            laid.run(self.scenario.line).assert_code(0);
            State::of(&laid)
                .check_end(&self.end)
                .unwrap_or_else(|error| panic!("{failed}: {error}"));
            tried += 1;
        }
        tried
    }

    fn check(
        &self,
        laid: &Laid<'_>,
        point: Point,
        (before, output): (&State, &Output),
    ) -> Result<(), String> {
        let scenario = self.scenario;
        State::of(laid).check_at_once(before, &self.end).map_err(|e| format!("at once: {e}"))?;
        check_code(point.kind, scenario, output.code)?;
        if output.code == Some(0) && scenario.then.is_empty() {
            let now = State::of(laid);
            now.check_end(&self.end)
                .map_err(|error| format!("it says that all is done: {error}"))?;
        }
        let again = laid.run(scenario.line);
        if again.code != Some(scenario.code) {
            return Err(format!("the next run failed: {again:#?}"));
        }
        check_calm(&again)?;
        for line in scenario.then {
            let output = laid.run(line);
            if output.code != Some(0) {
                return Err(format!("`{line}` after it failed: {output:#?}"));
            }
            check_calm(&output)?;
        }
        let end = State::of(laid);
        end.check_end(&self.end).map_err(|error| format!("after the next run: {error}"))?;
        check_quiet(laid, scenario)
    }
}

/// Checks the exit code of a run that something went wrong in.
fn check_code(kind: Kind, scenario: &Scenario, code: Option<i32>) -> Result<(), String> {
    let is_right = match kind {
        Kind::Kill | Kind::Tear | Kind::Before | Kind::After => {
            code.is_none_or(|code| code == scenario.code)
        }
        Kind::Full | Kind::Fail => {
            code.is_some_and(|code| [1, 3, 4].contains(&code) || code == scenario.code)
        }
        Kind::Interrupt | Kind::Terminate => {
            code.is_some_and(|code| code == 130 || code == scenario.code)
        }
    };
    if is_right { Ok(()) } else { Err(format!("exit code {code:?}")) }
}

/// Checks that a run does not tell a person of edits that nobody made, or of a damaged database.
fn check_calm(output: &Output) -> Result<(), String> {
    let alarms = ["killed run had moved", "cannot be settled", "is left out", "not tidied up"];
    match alarms.iter().find(|alarm| output.stderr.contains(**alarm)) {
        Some(alarm) => Err(format!("a later run says {alarm:?}: {}", output.stderr)),
        None => Ok(()),
    }
}

/// Checks that one more sync asks for listings alone, writes nothing, and finds nothing to clean up.
fn check_quiet(laid: &Laid<'_>, scenario: &Scenario) -> Result<(), String> {
    let server = &laid.place.server;
    let before = (State::of(laid), control(laid));
    server.clear_log();
    let output = laid.run("sync");
    if output.code != Some(scenario.quiet_code) {
        return Err(format!("one more sync failed: {output:#?}"));
    }
    check_calm(&output)?;
    let asked: Vec<_> = server.counts().into_keys().collect();
    if asked != ["ListObjectsV2"] {
        return Err(format!("one more sync asked {asked:?}: {}", output.stdout));
    }
    let after = (State::of(laid), control(laid));
    if before != after {
        let changed = after.1.iter().filter(|(path, it)| before.1.get(*path) != Some(it));
        let paths: Vec<_> = changed.map(|(path, _)| path).collect();
        return Err(format!("one more sync wrote {paths:?}"));
    }
    let left = |path: &&String| path.starts_with("tmp/") || path.starts_with("trash/unfinished");
    match after.1.keys().find(left) {
        Some(path) => Err(format!(".lsync/{path} is left for ever")),
        None => Ok(()),
    }
}

/// Lets it happen.
fn crash(laid: &Laid<'_>, point: Point) -> Crashed {
    let interference = match point.kind {
        Kind::Kill => Interference::Kill(point.number),
        Kind::Tear => Interference::Tear(point.number),
        Kind::Full => Interference::Full(point.number),
        Kind::Fail => Interference::Fail(point.number),
        Kind::Before | Kind::After | Kind::Interrupt | Kind::Terminate => {
            return at_request(laid, point);
        }
    };
    let traced = tracer::run(&laid.command(point.scenario.line), interference);
    let log = traced.changes.iter().map(|it| format!("{}  {}", it.change.text, it.fate)).collect();
    Crashed { output: traced.output, log, was_hit: traced.was_hit }
}

/// Sends the signal of a point when its request arrives, or when it is to be answered.
fn at_request(laid: &Laid<'_>, point: Point) -> Crashed {
    let server = &laid.place.server;
    let (name, drops) = match point.kind {
        Kind::Interrupt => (Signal::SIGINT, false),
        Kind::Terminate => (Signal::SIGTERM, false),
        Kind::Before => (Signal::SIGKILL, true),
        _ => (Signal::SIGKILL, false),
    };
    let process: Arc<Mutex<Option<Pid>>> = Arc::default();
    let count = Arc::new(AtomicU64::new(0));
    let (target, counter) = (Arc::clone(&process), Arc::clone(&count));
    let weak: Weak<S3Server> = Arc::downgrade(server);
    let hook = move || {
        if counter.fetch_add(1, Ordering::SeqCst) + 1 != point.number {
            return;
        }
        if let (true, Some(server)) = (drops, weak.upgrade()) {
            server.fault(FaultRule::new("*", "*", Fault::DropConnectionBefore));
        }
        // Held while the process is started, so that its first request finds it.
        if let Some(process) = *target.lock().unwrap() {
            kill(process, name).expect("a process that is ours");
        }
    };
    if point.kind == Kind::After {
        server.on_answer("*", "*", move |_, _| hook());
    } else {
        server.on_request("*", "*", move |_, _| hook());
    }
    let mut started = process.lock().unwrap();
    let child: Child = laid.command(point.scenario.line).spawn().expect("lsync to start");
    *started = Some(Pid::from_raw(i32::try_from(child.id()).unwrap()));
    drop(started);
    let output = child.wait_with_output().expect("lsync to end");
    // Nobody is to be found under a number that somebody else may get.
    *process.lock().unwrap() = None;
    let output = Output {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    let log = server.log().into_iter();
    let log = log.map(|it| format!("{} {}  {}", it.operation, it.key, it.status)).collect();
    Crashed { output, log, was_hit: count.load(Ordering::SeqCst) >= point.number }
}
