//! [`Team`]: a server, a bucket, and the working copies of people who share it.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Deref;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};

use serde_json::Value;

use crate::support::{Output, Profile, Quirks, S3Server, Seen, Snapshot, Workspace};

/// The bucket of every team.
pub const BUCKET: &str = "team";

/// The user that nothing belongs to, for tests about permissions: they do not bind root.
const NOBODY: u32 = 65_534;

/// Runs the words of `line` in a working copy.
pub fn run(workspace: &Workspace, copy: impl AsRef<Path>, line: &str) -> Output {
    workspace.lsync(copy, line.split_whitespace())
}

/// Runs the words of `line` in a working copy, and expects exit code 0.
#[track_caller]
pub fn ok(workspace: &Workspace, copy: impl AsRef<Path>, line: &str) -> Output {
    let output = run(workspace, copy, line);
    output.assert_code(0);
    output
}

/// Returns what lies in `.lsync` with mtimes, but for the lock: the pid in it may change.
pub fn control(workspace: &Workspace, copy: &str) -> Snapshot {
    let mut found = workspace.snapshot(format!("{copy}/.lsync"));
    found.remove("lock");
    found
}

/// Returns path (`local/docs/a.txt`) and text of everything in the trash, sorted.
pub fn trashed(workspace: &Workspace, copy: &str) -> Vec<(String, String)> {
    let all = workspace.texts(format!("{copy}/.lsync/trash"));
    let below_run = |path: &str| path.split_once('/').map(|(_, rest)| rest.to_owned());
    let mut found: Vec<_> = all
        .into_iter()
        .filter_map(|(path, text)| Some((below_run(&path)?, text)))
        .filter(|(path, _)| path != "list.yaml")
        .collect();
    found.sort();
    found
}

/// Parses each line of `--json`.
#[track_caller]
pub fn lines_of(output: &Output) -> Vec<Value> {
    let parse = |line: &str| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{output:?}"))
    };
    output.stdout.lines().map(parse).collect()
}

/// Returns `action path` of each line of `--json` with this event, sorted.
#[track_caller]
pub fn events(output: &Output, event: &str) -> Vec<String> {
    let mut found: Vec<_> = lines_of(output)
        .iter()
        .filter(|line| line["event"] == event)
        .map(|line| {
            format!("{} {}", line["action"].as_str().unwrap(), line["path"].as_str().unwrap())
        })
        .collect();
    found.sort();
    found
}

/// Checks that an error has all three parts that a person needs: what, and what to type next.
#[track_caller]
pub fn assert_error(output: &Output, code: i32, parts: &[&str]) {
    output.assert_code(code);
    for part in parts.iter().chain(&["error:", "hint:"]) {
        assert!(output.stderr.contains(part), "no {part:?} in\n{}", output.stderr);
    }
}

/// Turns texts to what maps of texts are compared with.
pub fn files(expected: &[(&str, &str)]) -> BTreeMap<String, String> {
    expected.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

/// Stops requests at the server until the test lets them go, without sleeps on either side.
pub struct Gate {
    arrived: mpsc::Receiver<String>,
    _open: mpsc::Sender<()>,
}

impl Gate {
    /// Stops each matching request; it goes on when the gate is dropped.
    pub fn at(server: &S3Server, operation: &'static str, key: &str) -> Self {
        Self::at_nth(server, operation, key, 1)
    }

    /// Stops the `n`-th matching request and all later ones, from 1.
    pub fn at_nth(server: &S3Server, operation: &'static str, key: &str, n: usize) -> Self {
        let (gate, stop) = Self::new(n);
        server.on_request(operation, key, move |_, seen| stop(seen));
        gate
    }

    /// Stops each matching request once it took effect; its answer waits until the gate is dropped.
    pub fn at_answer(server: &S3Server, operation: &'static str, key: &str) -> Self {
        let (gate, stop) = Self::new(1);
        server.on_answer(operation, key, move |_, seen| stop(seen));
        gate
    }

    /// Makes a gate, and what stops there from the `n`-th call on.
    fn new(n: usize) -> (Self, impl Fn(&Seen) + Send + Sync + 'static) {
        let (arrive, arrived) = mpsc::channel();
        let (open, closed) = mpsc::channel::<()>();
        let (closed, calls) = (Mutex::new(closed), AtomicUsize::new(0));
        let stop = move |seen: &Seen| {
            if calls.fetch_add(1, Ordering::Relaxed) + 1 >= n {
                // Nobody listens any more once the gate is open, and that is fine.
                drop(arrive.send(seen.key.clone()));
                // Returns as soon as the sender is gone, for ever.
                let _opened = closed.lock().unwrap().recv();
            }
        };
        (Self { arrived, _open: open }, stop)
    }

    /// Waits until a request has arrived; returns its key.
    pub fn wait(&self) -> String {
        self.arrived.recv().expect("a request")
    }
}

/// Waits for the end of a child.
pub fn end_of(child: Child) -> Output {
    let output = child.wait_with_output().expect("lsync to end");
    Output {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Sends a signal to a child.
pub fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    let status = Command::new("kill").args(["-s", name, &pid]).status().expect("kill to start");
    assert!(status.success(), "kill -s {name} {pid}");
}

/// People who share a bucket. It dereferences to the [`Workspace`] that their copies lie in.
pub struct Team {
    /// The store.
    pub server: S3Server,
    workspace: Workspace,
}

impl Deref for Team {
    type Target = Workspace;

    fn deref(&self) -> &Workspace {
        &self.workspace
    }
}

impl Team {
    /// Makes an empty bucket on a store that keeps every promise, and two copies, `one` and `two`.
    pub fn new() -> Self {
        let team = Self::without_copies(Profile::Aws);
        team.join("one");
        team.join("two");
        team
    }

    /// As [`Team::new`], with these files in the bucket and both copies, and an empty log.
    #[track_caller]
    pub fn sharing(files: &[(&str, &str)]) -> Self {
        let team = Self::new();
        team.share(files);
        team
    }

    /// As [`Team::sharing`] on another store, with the config that `lsync init team` writes there.
    #[track_caller]
    pub fn sharing_on(profile: Profile, files: &[(&str, &str)]) -> Self {
        let team = Self::without_copies(profile);
        for copy in ["one", "two"] {
            team.join_on(copy, profile);
        }
        team.share(files);
        team
    }

    /// Makes an empty bucket alone.
    pub fn without_copies(profile: Profile) -> Self {
        Self::without_copies_on(profile.quirks())
    }

    /// As [`Team::without_copies`], on a store that has no profile of its own.
    pub fn without_copies_on(quirks: Quirks) -> Self {
        Self::on(S3Server::with_quirks(quirks))
    }

    /// Makes an empty bucket alone on a server.
    pub fn on(server: S3Server) -> Self {
        server.create_bucket(BUCKET);
        let workspace = Workspace::with_server(&server);
        Self { server, workspace }
    }

    /// Makes a working copy with the config that `lsync init team` writes on a store that keeps every
    /// promise.
    pub fn join(&self, copy: &str) {
        self.join_on(copy, Profile::Aws);
    }

    /// As [`Team::join`], with the config of another kind of store.
    pub fn join_on(&self, copy: &str, profile: Profile) {
        self.join_as(copy, &self.config_on(profile));
    }

    /// Returns the config that `lsync init team` writes for this bucket on a kind of store.
    ///
    /// Each kind is probed once: the races of a probe would be most of the time of all tests.
    fn config_on(&self, profile: Profile) -> String {
        static CONFIGS: Mutex<Vec<(Profile, String, String)>> = Mutex::new(Vec::new());
        let mut configs = CONFIGS.lock().unwrap_or_else(PoisonError::into_inner);
        let known = configs.iter().position(|(known, ..)| *known == profile);
        let at = known.unwrap_or_else(|| {
            let team = Self::without_copies(profile);
            team.ok("one", "init team .");
            let config = team.text("one/.lsync/config.yaml");
            configs.push((profile, config, team.server.endpoint()));
            configs.len() - 1
        });
        let (_, config, endpoint) = &configs[at];
        config.replace(endpoint, &self.server.endpoint())
    }

    /// Makes a working copy with this config.
    pub fn join_as(&self, copy: &str, config: &str) {
        self.write(format!("{copy}/.lsync/config.yaml"), config);
        for folder in ["tmp", "trash"] {
            fs::create_dir(self.path(copy).join(".lsync").join(folder)).unwrap();
        }
    }

    #[track_caller]
    fn share(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            self.write(format!("one/{path}"), text);
        }
        self.ok("one", "sync");
        self.ok("two", "sync");
        assert_eq!(self.texts("two"), self.texts("one"));
        self.server.clear_log();
    }

    /// Sets a variable for all further runs.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.workspace.set_variable(name, value);
    }

    /// Takes a variable from all further runs.
    pub fn unset_variable(&mut self, name: &str) {
        self.workspace.unset_variable(name);
    }

    /// Runs the words of `line` in a copy.
    pub fn run(&self, copy: &str, line: &str) -> Output {
        run(self, copy, line)
    }

    /// Runs the words of `line` in a copy, and expects exit code 0.
    #[track_caller]
    pub fn ok(&self, copy: &str, line: &str) -> Output {
        ok(self, copy, line)
    }

    /// Starts the words of `line` in a copy.
    pub fn start(&self, copy: &str, line: &str) -> Child {
        self.command(copy, line.split_whitespace()).spawn().expect("lsync to start")
    }

    /// Kills a child as soon as it stands at the gate; whatever the store was doing is done afterwards,
    /// and the log empty.
    #[track_caller]
    pub fn kill_at(&self, gate: Gate, child: Child) {
        gate.wait();
        signal(&child, "KILL");
        assert_eq!(end_of(child).code, None);
        drop(gate);
        self.server.clear_hooks();
        self.server.wait_until_idle();
        self.server.clear_log();
    }

    /// Runs the words of `line` in a copy as a user whom permissions bind; `None` where that cannot
    /// be done. The copy belongs to that user afterwards.
    pub fn run_bound_by_permissions(&self, copy: &str, line: &str) -> Option<Output> {
        if !rustix::process::geteuid().is_root() {
            return Some(self.run(copy, line));
        }
        fs::set_permissions(self.root(), fs::Permissions::from_mode(0o755)).unwrap();
        give_away(self.root());
        self.run_as_nobody(copy, line)
    }

    /// As [`Team::run_bound_by_permissions`], and whatever belongs to whom stays so.
    pub fn run_as_nobody(&self, copy: &str, line: &str) -> Option<Output> {
        let user = NOBODY.to_string();
        let drop_rights = ["--reuid", &user, "--regid", &user, "--clear-groups"];
        let plain = self.command(copy, line.split_whitespace());
        let mut bound = Command::new("setpriv");
        bound.args(drop_rights).arg(plain.get_program()).args(plain.get_args());
        bound.current_dir(self.path(copy)).env_clear();
        bound.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = bound.output().ok()?;
        let output = Output {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        // setpriv itself fails with 126 or 127 where the binary lies out of reach of others.
        (!matches!(output.code, Some(126 | 127))).then_some(output)
    }

    /// Returns keys and texts of the bucket.
    pub fn bucket(&self) -> BTreeMap<String, String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.server.objects(BUCKET).into_iter().map(|(key, body)| (key, text(&body))).collect()
    }

    /// Returns `operation key` of what was asked since the log was cleared.
    pub fn requests(&self) -> Vec<String> {
        let log = self.server.log().into_iter();
        log.map(|request| format!("{} {}", request.operation, request.key)).collect()
    }

    /// Returns the requests that change something, or that fetch a body, sorted.
    pub fn transfers(&self) -> Vec<String> {
        let is_look = |request: &String| request.starts_with("Head") || request.starts_with("List");
        let mut found: Vec<_> =
            self.requests().into_iter().filter(|request| !is_look(request)).collect();
        found.sort();
        found
    }

    /// Returns the sorted `path: text` of the trash of a copy.
    pub fn trashed(&self, copy: &str) -> Vec<(String, String)> {
        trashed(self, copy)
    }

    /// Returns what lies in `.lsync` with mtimes, but for the lock.
    pub fn control(&self, copy: &str) -> Snapshot {
        control(self, copy)
    }

    /// Checks that one more sync of a copy asks for listings alone and writes nothing.
    #[track_caller]
    pub fn assert_quiet(&self, copy: &str) {
        self.assert_quiet_but_for(copy, &["ListObjectsV2"]);
    }

    /// Checks that one more sync of a copy asks nothing else and writes nothing.
    #[track_caller]
    pub fn assert_quiet_but_for(&self, copy: &str, looks: &[&str]) {
        let (tree, control) = (self.snapshot(copy), self.control(copy));
        self.server.clear_log();
        self.ok(copy, "sync");
        let operations: Vec<_> = self.server.counts().into_keys().collect();
        assert_eq!(operations, looks, "{:?}", self.requests());
        assert_eq!(self.snapshot(copy), tree);
        assert_eq!(self.control(copy), control);
    }

    /// Checks that both copies hold exactly what the bucket holds, and that syncs do nothing more.
    #[track_caller]
    pub fn assert_agreed(&self) {
        for copy in ["one", "two"] {
            assert_eq!(self.texts(copy), self.bucket(), "{copy}");
            self.assert_quiet(copy);
        }
    }
}

/// Gives a folder and all that is in it to [`NOBODY`], whatever its permissions; follows no links.
fn give_away(folder: &Path) {
    for item in fs::read_dir(folder).unwrap() {
        let item = item.unwrap();
        if item.file_type().unwrap().is_dir() {
            give_away(&item.path());
        } else {
            std::os::unix::fs::lchown(item.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
}
