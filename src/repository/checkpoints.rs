//! What is known of large transfers that are under way, so that a killed run goes on where it
//! stopped.
//!
//! One file a transfer in `.lsync/transfers/`: its first line says what is transferred, each further
//! one what has arrived. Lines are appended without waiting for the disk: whatever one says is held
//! against the bucket or the bytes before it is believed, so that a lost or torn line costs a part,
//! and the loss of the folder costs nothing but time.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::codec::{Fields, Writer, push_mapping};
use crate::disk::{Disk, ensure_folder, read_whole};
use crate::tree::{RepoPath, Signature};

/// The folder of the checkpoints, in the control folder.
const TRANSFERS: &str = "transfers";

/// Beginning of the names of downloads that a later run can go on with.
const PARTIAL: &str = "partial-";

/// Which way a file travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// Into the bucket.
    Up,
    /// Out of it.
    Down,
}

impl Way {
    fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// What is transferred: the first line of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transfer {
    /// A local file, into an upload in parts.
    Up {
        /// Its path.
        path: String,
        /// Bytes.
        size: u64,
        /// As in [`Signature::mtime`].
        mtime: i64,
        /// As in [`Signature::ctime`].
        ctime: i64,
        /// As in [`Signature::inode`].
        inode: u64,
        /// Bytes of every part but the last.
        part_bytes: u64,
        /// The store's name of the upload.
        upload: String,
    },
    /// One version of an object, range by range, into a file in `tmp/`.
    Down {
        /// Its path.
        path: String,
        /// Bytes.
        size: u64,
        /// The version.
        etag: String,
        /// Bytes of every range but the last.
        part_bytes: u64,
        /// It replaces a file, and gets its permission bits.
        replaces: bool,
    },
}

impl Transfer {
    /// Begins the checkpoint of an upload.
    pub fn up(path: &RepoPath, file: &Signature, part_bytes: u64, upload: &str) -> Self {
        Self::Up {
            path: path.to_string(),
            size: file.size,
            mtime: file.mtime,
            ctime: file.ctime,
            inode: file.inode,
            part_bytes,
            upload: upload.to_owned(),
        }
    }

    /// Writes the first line of its checkpoint, without newline.
    fn line(&self) -> String {
        let mut line = String::new();
        push_mapping(&mut line, |fields| {
            fields.plain("way", self.way().word());
            fields.text("path", self.path());
            match self {
                Self::Up { size, mtime, ctime, inode, part_bytes, upload, .. } => {
                    fields.plain("size", size);
                    fields.plain("mtime", mtime);
                    fields.plain("ctime", ctime);
                    fields.plain("inode", inode);
                    fields.plain("part_bytes", part_bytes);
                    fields.text("upload", upload);
                }
                Self::Down { size, etag, part_bytes, replaces, .. } => {
                    fields.plain("size", size);
                    fields.text("etag", etag);
                    fields.plain("part_bytes", part_bytes);
                    fields.plain("replaces", replaces);
                }
            }
        });
        line
    }

    /// Reads the first line of a checkpoint.
    fn read(fields: &Fields) -> Result<Self, String> {
        let (way, path) = (fields.text("way")?, fields.text("path")?);
        let (size, part_bytes) = (fields.whole("size")?, fields.whole("part_bytes")?);
        match way.as_str() {
            "up" => Ok(Self::Up {
                path,
                size,
                mtime: fields.number("mtime")?,
                ctime: fields.number("ctime")?,
                inode: fields.whole("inode")?,
                part_bytes,
                upload: fields.text("upload")?,
            }),
            "down" => Ok(Self::Down {
                path,
                size,
                etag: fields.text("etag")?,
                part_bytes,
                replaces: fields
                    .if_any("replaces", Fields::is_true)?
                    .ok_or("replaces is missing")?,
            }),
            _ => Err("there is no such way".to_owned()),
        }
    }

    /// Returns the path, as it was written down.
    pub fn path(&self) -> &str {
        match self {
            Self::Up { path, .. } | Self::Down { path, .. } => path,
        }
    }

    /// Returns the way.
    pub fn way(&self) -> Way {
        match self {
            Self::Up { .. } => Way::Up,
            Self::Down { .. } => Way::Down,
        }
    }

    /// Returns the name of the file in `tmp/` that a download is written to.
    pub fn partial_name(&self) -> Option<OsString> {
        match self {
            Self::Up { .. } => None,
            Self::Down { path, etag, .. } => {
                let hash = hash(&format!("{path}\0{etag}"));
                Some(OsString::from(format!("{PARTIAL}{hash:016x}")))
            }
        }
    }
}

/// A part that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointPart {
    /// CRC-64/NVME of its bytes.
    pub crc64: u64,
    /// What the store called it; of uploads.
    pub etag: Option<String>,
}

impl CheckpointPart {
    /// Reads its number and what is known of it.
    fn read(fields: &Fields) -> Result<(u32, Self), String> {
        fields.refuse_others(&["part", "crc64", "etag"])?;
        let number = u32::try_from(fields.whole("part")?).map_err(|error| error.to_string())?;
        let crc64 = u64::from_be_bytes(fields.hex("crc64")?);
        Ok((number, Self { crc64, etag: fields.if_any("etag", Fields::text)? }))
    }
}

/// What an earlier run wrote down of one transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// What was transferred.
    pub transfer: Transfer,
    /// What has arrived, by number from 1.
    pub parts: BTreeMap<u32, CheckpointPart>,
    /// The file in `tmp/` was complete and may have got another name since: it must not be written
    /// to any more.
    pub complete: bool,
}

impl Checkpoint {
    /// Reads a checkpoint; lines that make no sense, as the last one of a killed run, are left out.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let transfer = Transfer::read(&Fields::read(lines.next()?.as_bytes()).ok()?).ok()?;
        let mut checkpoint = Self { transfer, parts: BTreeMap::new(), complete: false };
        for fields in lines.filter_map(|line| Fields::read(line.as_bytes()).ok()) {
            let says_no_more = fields.refuse_others(&["complete"]).is_ok();
            checkpoint.complete |= says_no_more && fields.is_true("complete") == Ok(true);
            if let Ok((number, part)) = CheckpointPart::read(&fields) {
                checkpoint.parts.insert(number, part);
            }
        }
        Some(checkpoint)
    }
}

/// Returns the downloads that were broken off, with the bytes for which their files have taken room
/// already. Changes nothing.
pub fn broken_off_downloads<D: Disk>(
    disk: &D,
    control: &D::Folder,
) -> io::Result<HashMap<String, u64>> {
    let folder = disk.open_folder(control, OsStr::new(TRANSFERS))?;
    let temporary = disk.open_folder(control, OsStr::new("tmp"))?;
    let mut found = HashMap::new();
    for (name, _) in &disk.read_folder(&folder)? {
        let text = name.to_str().map(|name| read_whole(disk, &folder, name)).transpose()?;
        let text = text.flatten().unwrap_or_default();
        let Some(checkpoint) = Checkpoint::parse(&String::from_utf8_lossy(&text)) else { continue };
        // What was complete may have got its name since.
        let partial = checkpoint.transfer.partial_name();
        let is_here = partial.is_some_and(|name| disk.lstat(&temporary, &name).is_ok());
        if let Transfer::Down { path, size, .. } = checkpoint.transfer
            && (is_here || !checkpoint.complete)
        {
            found.insert(path, size);
        }
    }
    Ok(found)
}

/// The checkpoints of a working copy. Only under its lock.
pub struct Checkpoints<D: Disk> {
    disk: D,
    control: D::Folder,
    /// What earlier runs left, by file name, until this run takes it up.
    found: Mutex<BTreeMap<OsString, Checkpoint>>,
}

impl<D: Disk> Checkpoints<D> {
    /// Reads the checkpoints in the control folder `control`; there are none where nothing was broken off.
    pub fn open(disk: &D, control: &D::Folder) -> io::Result<Self> {
        let mut found = BTreeMap::new();
        match disk.open_folder(control, OsStr::new(TRANSFERS)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            Err(error) => return Err(error),
            Ok(folder) => {
                for (name, _) in &disk.read_folder(&folder)? {
                    let text = name.to_str().map(|name| read_whole(disk, &folder, name));
                    let text = text.transpose()?.flatten().unwrap_or_default();
                    // A power cut may leave any bytes in the last line; the others are sound.
                    let checkpoint = Checkpoint::parse(&String::from_utf8_lossy(&text));
                    match checkpoint.filter(|checkpoint| file_name(&checkpoint.transfer) == name) {
                        Some(checkpoint) => drop(found.insert(name.to_owned(), checkpoint)),
                        None => disk.unlink(&folder, name).unwrap_or_default(),
                    }
                }
            }
        }
        Ok(Self { disk: disk.clone(), control: control.clone(), found: Mutex::new(found) })
    }

    /// Returns what an earlier run left of a transfer of `path`; only once.
    pub fn take(&self, way: Way, path: &RepoPath) -> Option<Checkpoint> {
        self.found().remove(&name_of(way, path.as_str()))
    }

    /// Tells whether an earlier run was uploading this very file.
    pub fn has_upload_of(&self, path: &RepoPath, file: &Signature) -> bool {
        let found = self.found();
        let checkpoint = found.get(&name_of(Way::Up, path.as_str()));
        checkpoint.is_some_and(|checkpoint| match &checkpoint.transfer {
            Transfer::Up { size, mtime, ctime, inode, .. } => {
                (*size, *mtime, *ctime, *inode) == (file.size, file.mtime, file.ctime, file.inode)
            }
            Transfer::Down { .. } => false,
        })
    }

    /// Returns the names in `tmp/` that a later download may go on with.
    pub fn partial_names(&self) -> Vec<OsString> {
        self.found().values().filter_map(|checkpoint| checkpoint.transfer.partial_name()).collect()
    }

    /// Returns what no transfer of this run has taken up.
    pub fn abandoned(&self) -> Vec<Checkpoint> {
        self.found().values().cloned().collect()
    }

    /// Begins a checkpoint in place of any older one.
    pub fn begin(&self, transfer: &Transfer) -> io::Result<CheckpointWriter<D>> {
        let folder = ensure_folder(&self.disk, &self.control, OsStr::new(TRANSFERS), 0o700)?;
        let name = file_name(transfer);
        match self.disk.unlink(&folder, &name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => (),
        }
        let writer = CheckpointWriter {
            disk: self.disk.clone(),
            file: self.disk.create(&folder, &name, 0o600)?,
        };
        writer.disk.write(&writer.file, (transfer.line() + "\n").as_bytes())?;
        Ok(writer)
    }

    /// Goes on with a checkpoint.
    pub fn resume(&self, checkpoint: &Checkpoint) -> io::Result<CheckpointWriter<D>> {
        let folder = self.disk.open_folder(&self.control, OsStr::new(TRANSFERS))?;
        let file = self.disk.open_append(&folder, &file_name(&checkpoint.transfer), 0o600)?;
        let writer = CheckpointWriter { disk: self.disk.clone(), file };
        // The line that a kill has torn ends here.
        self.disk.write(&writer.file, b"\n")?;
        Ok(writer)
    }

    /// Removes the checkpoint of a transfer that has come to its end; one that is gone needs nothing.
    pub fn forget(&self, way: Way, path: &str) {
        let name = name_of(way, path);
        self.found().remove(&name);
        let removed = self
            .disk
            .open_folder(&self.control, OsStr::new(TRANSFERS))
            .and_then(|folder| self.disk.unlink(&folder, &name));
        // What stays is worthless and is looked at again by the next run.
        removed.unwrap_or_default();
    }

    fn found(&self) -> MutexGuard<'_, BTreeMap<OsString, Checkpoint>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Appends to a checkpoint.
pub struct CheckpointWriter<D: Disk> {
    disk: D,
    file: D::File,
}

impl<D: Disk> CheckpointWriter<D> {
    /// Writes down that a part has arrived.
    pub fn part(&self, number: u32, crc64: u64, etag: Option<&str>) -> io::Result<()> {
        self.write(|fields| {
            fields.plain("part", number);
            fields.hex("crc64", &crc64.to_be_bytes());
            if let Some(etag) = etag {
                fields.text("etag", etag);
            }
        })
    }

    /// Writes down, durably, that the file in `tmp/` is complete and about to get its name.
    pub fn complete(&self) -> io::Result<()> {
        self.write(|fields| fields.flag("complete"))?;
        self.disk.sync_file(&self.file)
    }

    /// Appends a line.
    fn write(&self, fields: impl FnOnce(&mut Writer<'_>)) -> io::Result<()> {
        let mut line = String::new();
        push_mapping(&mut line, fields);
        self.disk.write(&self.file, (line + "\n").as_bytes())
    }
}

fn file_name(transfer: &Transfer) -> OsString {
    name_of(transfer.way(), transfer.path())
}

/// Names the checkpoint of a path. Two paths that share a name lose each other's checkpoints, and only that.
fn name_of(way: Way, path: &str) -> OsString {
    OsString::from(format!("{}-{:016x}.yaml", way.word(), hash(path)))
}

fn hash(text: &str) -> u64 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, text.as_bytes())
}

#[cfg(test)]
#[path = "checkpoints_tests.rs"]
mod tests;
