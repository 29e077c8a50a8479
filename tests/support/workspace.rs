//! [`Workspace`]: temporary folders, and the real binary run in them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::server::S3Server;

/// What a run of lsync left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Output {
    /// Checks the exit code, and shows everything where it is another one.
    #[track_caller]
    pub fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(
            self.code,
            Some(code),
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
}

/// Files below a folder: path to bytes and mtime (nanoseconds since 1970).
pub type Snapshot = BTreeMap<String, (Vec<u8>, i64)>;

/// A temporary folder with a home and any number of working copies in it.
pub struct Workspace {
    root: TempDir,
    environment: Vec<(String, String)>,
}

impl Workspace {
    /// Makes one without access to any store.
    pub fn new() -> Self {
        let root = TempDir::new().expect("a temporary folder");
        for folder in ["home", "temporary"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        Self { root, environment: Vec::new() }
    }

    /// Makes one whose runs of lsync reach `server`.
    pub fn with_server(server: &S3Server) -> Self {
        Self { environment: server.environment(), ..Self::new() }
    }

    /// Sets a variable for all further runs.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.environment.retain(|(other, _)| other != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Takes a variable from all further runs.
    pub fn unset_variable(&mut self, name: &str) {
        self.environment.retain(|(other, _)| other != name);
    }

    /// Returns the folder that everything lies in.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Returns an absolute path.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(path)
    }

    /// Returns lsync, not yet started, in `folder` (made if absent), with nothing of our environment.
    pub fn command<A: AsRef<OsStr>>(
        &self,
        folder: impl AsRef<Path>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let folder = self.path(folder);
        fs::create_dir_all(&folder).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lsync"));
        command
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("temporary"))
            .env("TZ", "UTC")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs lsync in `folder` to its end.
    pub fn lsync<A: AsRef<OsStr>>(
        &self,
        folder: impl AsRef<Path>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Output {
        let output = self.command(folder, arguments).output().expect("lsync to start");
        Output {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Writes a file in place (as `cat >` does), with the folders above it.
    #[expect(clippy::disallowed_methods, reason = "the test plays an editor")]
    pub fn write(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Returns the bytes of a file.
    #[track_caller]
    pub fn read(&self, path: impl AsRef<Path>) -> Vec<u8> {
        let path = self.path(path);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Returns the text of a file.
    #[track_caller]
    pub fn text(&self, path: impl AsRef<Path>) -> String {
        String::from_utf8(self.read(path)).unwrap()
    }

    /// Tells whether there is something of that name; a dangling link counts.
    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    /// Removes a file, or a folder with all that is in it.
    pub fn remove(&self, path: impl AsRef<Path>) {
        let path = self.path(path);
        if path.symlink_metadata().unwrap().is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    /// Sets the mtime of a file, nanoseconds since 1970, not negative.
    pub fn set_mtime(&self, path: impl AsRef<Path>, nanoseconds: u64) {
        let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds);
        let file = fs::File::options().write(true).open(self.path(path)).unwrap();
        file.set_modified(time).unwrap();
    }

    /// Returns the mtime of a name, nanoseconds since 1970.
    pub fn mtime(&self, path: impl AsRef<Path>) -> i64 {
        let metadata = self.path(path).symlink_metadata().unwrap();
        metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec()
    }

    /// Returns every file below `folder` except for those below `.lsync`, with bytes and mtime.
    pub fn snapshot(&self, folder: impl AsRef<Path>) -> Snapshot {
        let mut found = Snapshot::new();
        self.collect(folder.as_ref(), "", &mut found);
        found
    }

    /// Returns every file below `folder` as text, without mtimes: short to compare.
    pub fn texts(&self, folder: impl AsRef<Path>) -> BTreeMap<String, String> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        self.snapshot(folder).into_iter().map(|(path, (bytes, _))| (path, text(bytes))).collect()
    }

    fn collect(&self, folder: &Path, below: &str, found: &mut Snapshot) {
        for item in fs::read_dir(self.path(folder)).unwrap() {
            let name = item.unwrap().file_name();
            let path = format!("{below}{}", name.to_string_lossy());
            let place = folder.join(&name);
            let kind = self.path(&place).symlink_metadata().unwrap().file_type();
            if kind.is_dir() && name != ".lsync" {
                self.collect(&place, &format!("{path}/"), found);
            } else if kind.is_file() {
                found.insert(path, (self.read(&place), self.mtime(&place)));
            }
        }
    }
}
