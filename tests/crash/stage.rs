//! Where a scenario is set up once, and laid out anew for every crash.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::{Output, Profile, S3Server, Workspace};

/// The bucket in which scenarios are set up.
const TEMPLATE: &str = "template";

/// The mtime of the first file of a scenario; each further one is a second younger.
const FIRST_MTIME: u64 = 1_600_000_000_123_456_789;

/// A working copy and its bucket, with something to do between them.
pub struct Stage {
    server: S3Server,
    workspace: Workspace,
    mtime: AtomicU64,
}

impl Stage {
    /// Makes an empty bucket and a working copy of it.
    pub fn new() -> Self {
        let stage = Self::bare();
        stage.run(&format!("init {TEMPLATE} .")).assert_code(0);
        stage
    }

    /// Makes an empty bucket and an empty folder.
    pub fn bare() -> Self {
        let server = S3Server::start();
        server.create_bucket(TEMPLATE);
        let workspace = Workspace::with_server(&server);
        fs::create_dir(workspace.path("copy")).unwrap();
        Self { server, workspace, mtime: AtomicU64::new(FIRST_MTIME) }
    }

    /// Runs the words of `line`.
    pub fn run(&self, line: &str) -> Output {
        self.workspace.lsync("copy", line.split_whitespace())
    }

    /// Writes a file here.
    pub fn ours(&self, path: &str, bytes: impl AsRef<[u8]>) {
        self.workspace.write(format!("copy/{path}"), bytes);
        if !path.starts_with(".lsync/") {
            self.workspace.set_mtime(format!("copy/{path}"), self.tick());
        }
    }

    /// Gives a file here another mtime.
    pub fn touch(&self, path: &str) {
        self.workspace.set_mtime(format!("copy/{path}"), self.tick());
    }

    /// Removes a file or folder here.
    pub fn remove(&self, path: &str) {
        self.workspace.remove(format!("copy/{path}"));
    }

    /// Reads a file here.
    pub fn text(&self, path: &str) -> String {
        self.workspace.text(format!("copy/{path}"))
    }

    /// Puts an object into the bucket.
    pub fn theirs(&self, key: &str, text: &str) {
        let mtime = self.tick();
        let mtime = format!("{}.{:09}", mtime / 1_000_000_000, mtime % 1_000_000_000);
        self.server.put_with(TEMPLATE, key, text.as_bytes().to_vec(), &[("mtime", &mtime)]);
    }

    /// Removes an object from the bucket.
    pub fn remove_theirs(&self, key: &str) {
        self.server.delete(TEMPLATE, key);
    }

    /// Gives both sides the same files, and tells the database.
    pub fn share(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            self.theirs(path, text);
        }
        self.run("sync").assert_code(0);
    }

    fn tick(&self) -> u64 {
        self.mtime.fetch_add(1_000_000_000, Ordering::Relaxed)
    }
}

/// Where crashes are tried, one after the other.
pub struct Place {
    /// The store.
    pub server: Arc<S3Server>,
    workspace: Workspace,
}

/// A scenario laid out in a [`Place`]; taken away when dropped.
pub struct Laid<'a> {
    /// Where.
    pub place: &'a Place,
    /// Its bucket.
    pub bucket: String,
    /// The folder of its working copy.
    pub copy: PathBuf,
}

impl Place {
    /// Makes an empty one on a kind of store.
    pub fn new(profile: Profile) -> Self {
        let server = Arc::new(S3Server::with_profile(profile));
        let workspace = Workspace::with_server(&server);
        Self { server, workspace }
    }

    /// Lays a scenario out under a name that was not used before.
    pub fn lay_out(&self, stage: &Stage, name: &str) -> Laid<'_> {
        self.server.copy_bucket(&stage.server, TEMPLATE, name);
        let laid = Laid { place: self, bucket: name.to_owned(), copy: self.workspace.path(name) };
        copy_folder(&stage.workspace.path("copy"), &laid.copy);
        for file in ["config.yaml", "database.yaml", "journal.yaml"] {
            laid.adapt(stage, &laid.copy.join(".lsync").join(file));
        }
        laid
    }
}

impl Laid<'_> {
    /// Returns a command in the working copy; `{bucket}` in `line` stands for the bucket.
    pub fn command(&self, line: &str) -> Command {
        let line = line.replace("{bucket}", &self.bucket);
        self.place.workspace.command(&self.copy, line.split_whitespace())
    }

    /// Runs a command in the working copy.
    pub fn run(&self, line: &str) -> Output {
        let line = line.replace("{bucket}", &self.bucket);
        self.place.workspace.lsync(&self.copy, line.split_whitespace())
    }

    /// Returns the rows of the database, as they stand in its files.
    pub fn rows(&self) -> Vec<String> {
        let files = ["database.yaml", "journal.yaml"];
        let text = |file| fs::read_to_string(self.copy.join(".lsync").join(file));
        let texts: String = files.iter().filter_map(|file| text(file).ok()).collect();
        texts.lines().filter(|line| line.contains("path:")).map(str::to_owned).collect()
    }

    /// Makes a file of `.lsync` one of this bucket and of these files: a copy has other inodes.
    fn adapt(&self, stage: &Stage, file: &Path) {
        let Ok(text) = fs::read_to_string(file) else { return };
        let original = stage.workspace.path("copy");
        let text = text
            .replace(&format!("s3://{TEMPLATE}"), &format!("s3://{}", self.bucket))
            .replace(&stage.server.endpoint(), &self.place.server.endpoint());
        let lines = text.lines().map(|line| adapted(line, &original, &self.copy) + "\n");
        let text: String = lines.collect();
        self.place.workspace.write(file, text);
    }
}

impl Drop for Laid<'_> {
    fn drop(&mut self) {
        self.place.server.remove_bucket(&self.bucket);
        // What cannot be removed goes with the workspace.
        drop(fs::remove_dir_all(&self.copy));
    }
}

/// Gives a row the signature of the copied file, if it had that of the original one, and takes the
/// checksum from a line of the journal: it is not right any more, and may be missing.
fn adapted(line: &str, original: &Path, copy: &Path) -> String {
    let line = line.rsplit_once("} # ").map_or(line.to_owned(), |(line, _)| format!("{line}}}"));
    let Some(path) = field(&line, "path: \"", "\"") else { return line };
    let signature = |folder: &Path| {
        let stat = folder.join(path).symlink_metadata().ok()?;
        let time = |seconds: i64, nanoseconds: i64| seconds * 1_000_000_000 + nanoseconds;
        Some(format!(
            "size: {}, mtime: {}, ctime: {}, inode: {}, ",
            stat.len(),
            time(stat.mtime(), stat.mtime_nsec()),
            time(stat.ctime(), stat.ctime_nsec()),
            stat.ino()
        ))
    };
    match (signature(original), signature(copy)) {
        (Some(original), Some(copy)) => line.replace(&original, &copy),
        _ => line,
    }
}

fn field<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    line.split_once(before)?.1.split_once(after).map(|(field, _)| field)
}

/// Copies a folder with modes and mtimes.
fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let (from, to) = (item.path(), to.join(item.file_name()));
        if item.file_type().unwrap().is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
            let mtime = item.metadata().unwrap().modified().unwrap();
            fs::File::options().write(true).open(&to).unwrap().set_modified(mtime).unwrap();
        }
    }
}
