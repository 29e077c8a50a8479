//! What a person sees of a working copy and its bucket, and what a crash may have left of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::stage::Laid;

/// Bytes and mtime of a file or an object.
type Content = (Vec<u8>, String);

/// A working copy and its bucket at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    files: BTreeMap<String, Content>,
    objects: BTreeMap<String, Content>,
    /// Where in the trash of its run what lies.
    trash: BTreeSet<(String, Vec<u8>)>,
}

impl State {
    /// Looks at both sides.
    pub fn of(laid: &Laid<'_>) -> Self {
        let mut files = BTreeMap::new();
        collect(&laid.copy, "", &mut files);
        let server = &laid.place.server;
        let objects = server.objects(&laid.bucket).into_iter().map(|(key, body)| {
            let metadata = server.metadata(&laid.bucket, &key).unwrap_or_default();
            let mtime = metadata.get("mtime").cloned().unwrap_or_default();
            (without_label(&key), (body.to_vec(), mtime))
        });
        // The probes of a killed `init` are invisible to every client.
        let objects = objects.filter(|(key, _)| !key.starts_with(".lsync/probe/")).collect();
        Self { files, objects, trash: trash(&laid.copy) }
    }

    /// Checks that whatever stands under a name was once written under it, and that no name is
    /// empty that stands in both `before` and `end`.
    pub fn check_at_once(&self, before: &Self, end: &Self) -> Result<(), String> {
        check_side("here", &self.files, &before.files, &end.files)?;
        check_side("in the bucket", &self.objects, &before.objects, &end.objects)
    }

    /// Checks that both sides are what they are without a crash, and that no loser is missing.
    pub fn check_end(&self, end: &Self) -> Result<(), String> {
        check_side("here", &self.files, &end.files, &end.files)?;
        check_side("in the bucket", &self.objects, &end.objects, &end.objects)?;
        match end.trash.difference(&self.trash).next() {
            None => Ok(()),
            Some((place, bytes)) => Err(format!("not in the trash: {place}: {}", text(bytes))),
        }
    }
}

/// Checks one side.
fn check_side(
    side: &str,
    now: &BTreeMap<String, Content>,
    before: &BTreeMap<String, Content>,
    end: &BTreeMap<String, Content>,
) -> Result<(), String> {
    for (path, found) in now {
        let allowed = [before.get(path), end.get(path)];
        if !allowed.contains(&Some(found)) {
            return Err(format!(
                "{path} {side} is {}, of {}; it was {}",
                text(&found.0),
                found.1,
                allowed.map(|it| it.map_or("absent".to_owned(), |it| text(&it.0))).join(", or ")
            ));
        }
    }
    let missing = before.keys().find(|path| end.contains_key(*path) && !now.contains_key(*path));
    missing.map_or(Ok(()), |path| Err(format!("{path} {side} is missing")))
}

/// Returns what fits into a message.
fn text(bytes: &[u8]) -> String {
    format!("{:?} ({} bytes)", String::from_utf8_lossy(&bytes[..bytes.len().min(80)]), bytes.len())
}

/// Takes the time and the number out of the name of a copy that `resolve --both` has made.
fn without_label(path: &str) -> String {
    match path.split_once(".conflict-") {
        Some((stem, label)) => {
            let extension = label.split_once('.').map_or("", |(_, extension)| extension);
            format!("{stem}.conflict.{extension}")
        }
        None => path.to_owned(),
    }
}

/// Reads what lies below a folder, `.lsync` aside.
fn collect(folder: &Path, below: &str, found: &mut BTreeMap<String, Content>) {
    for item in fs::read_dir(folder).unwrap() {
        let item = item.unwrap();
        let name = item.file_name().into_string().unwrap();
        let path = format!("{below}{name}");
        if item.file_type().unwrap().is_file() {
            let stat = item.metadata().unwrap();
            let mtime = format!("{}.{:09}", stat.mtime(), stat.mtime_nsec());
            let path = without_label(&path);
            let content = (fs::read(item.path()).unwrap(), mtime);
            let other = found.insert(path.clone(), content.clone());
            assert!(other.is_none_or(|other| other == content), "two copies of {path} that differ");
        } else if name != ".lsync" {
            collect(&item.path(), &format!("{path}/"), found);
        }
    }
}

/// Reads what lies in the trash: place below its run, and bytes.
fn trash(copy: &Path) -> BTreeSet<(String, Vec<u8>)> {
    let Ok(runs) = fs::read_dir(copy.join(".lsync/trash")) else { return BTreeSet::new() };
    let mut found = BTreeSet::new();
    for run in runs.map(|run| run.unwrap().path()).filter(|path| path.is_dir()) {
        let mut kept = BTreeMap::new();
        collect(&run, "", &mut kept);
        kept.remove("list.yaml");
        found.extend(kept.into_iter().map(|(place, (bytes, _))| (place, bytes)));
    }
    found
}

/// Returns everything in `.lsync` with its mtime, but for the lock, whose pid changes.
pub fn control(laid: &Laid<'_>) -> BTreeMap<String, Content> {
    let mut found = BTreeMap::new();
    collect(&laid.copy.join(".lsync"), "", &mut found);
    found.remove("lock");
    found
}
