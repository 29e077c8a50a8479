//! The listing: a walk through the folders in the byte order of keys.

use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::Mutex;

use super::bucket::{Bucket, hold, is_absence};
use super::error::{error, of_io};
use super::version::entry;
use crate::disk::{Disk, if_exists};
use crate::remote::{Listed, Page, RemoteError, RemoteErrorKind};
use crate::tree::{CONTROL, Kind, PathError, RepoPath, Stat};

/// How many unfinished listings are remembered; an older one is walked to again.
const WALKS_MAX: usize = 4;

/// The most items of a page.
const PAGE_ITEMS_MAX: usize = 1000;

/// Listings that are under way.
pub(super) type Walks<D> = Mutex<Vec<Walk<D>>>;

/// A listing that is under way. It holds the names of the folders on the way to where it stands, so
/// that the next page need not read them again.
pub(super) struct Walk<D: Disk> {
    /// What the keys begin with.
    prefix: String,
    /// The last key that was handed out.
    last: Option<String>,
    /// The folders that are open, from the top down.
    levels: Vec<Level<D>>,
    /// The first item of the next page: whether there is one decides whether this one is the last.
    ahead: Option<Listed>,
}

/// A folder whose names are being handed out.
struct Level<D: Disk> {
    folder: D::Folder,
    /// Its path below the remote's prefix: empty, or with a closing `/`.
    path: String,
    /// What is still to come, the next one last.
    names: Vec<Name>,
}

/// A name in a folder.
struct Name {
    /// The name as it sorts among its siblings: files as `name`, folders as `name/`.
    text: String,
    /// The name itself where it is no UTF-8, so that no key can hold it.
    odd: Option<OsString>,
}

impl Name {
    fn is_folder(&self) -> bool {
        self.text.ends_with('/')
    }

    /// Returns the name without what marks a folder.
    fn bare(&self) -> &str {
        self.text.strip_suffix('/').unwrap_or(&self.text)
    }
}

impl<D: Disk> Bucket<D> {
    /// Returns one page of a listing; what is under way is remembered in `walks`.
    pub(super) fn page(
        &self,
        walks: &Walks<D>,
        prefix: &str,
        next: Option<&str>,
        limit: usize,
    ) -> Result<Page, RemoteError> {
        let limit = limit.clamp(1, PAGE_ITEMS_MAX);
        let mut walk = match resume(walks, prefix, next) {
            Some(walk) => walk,
            None => self.start(prefix, next)?,
        };
        let mut items = Vec::new();
        while let Some(item) = self.advance(&mut walk)? {
            if items.len() == limit {
                walk.ahead = Some(item);
                break;
            }
            items.push(item);
        }
        if walk.ahead.is_none() {
            return Ok(Page { items, next: None });
        }
        let next = items.last().map(|item| item.key().to_owned());
        walk.last.clone_from(&next);
        let mut walks = hold(walks);
        if walks.len() == WALKS_MAX {
            walks.remove(0);
        }
        walks.push(walk);
        Ok(Page { items, next })
    }

    /// Opens the folder where keys behind `next` begin.
    fn start(&self, prefix: &str, next: Option<&str>) -> Result<Walk<D>, RemoteError> {
        let mut walk = Walk {
            prefix: prefix.to_owned(),
            last: next.map(str::to_owned),
            levels: Vec::new(),
            ahead: None,
        };
        let path = prefix.rfind('/').map_or("", |end| &prefix[..=end]);
        if path.split_terminator('/').any(|name| matches!(name, "" | "." | ".." | CONTROL)) {
            return Ok(walk);
        }
        let root = match self.disk.open_beneath(&self.root, &self.prefix) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                // Nothing was stored below the prefix yet; unless the bucket itself was removed.
                let root = self.disk.read_folder(&self.root);
                return root.map(|_| walk).map_err(|cause| self.unreadable("", &cause));
            }
            other => other.map_err(|cause| self.unreadable("", &cause))?,
        };
        match self.disk.open_beneath(&root, path) {
            Err(cause) if is_absence(&cause) => {
                let obstacle = self.obstacle(&root, path);
                walk.ahead =
                    obstacle.map_err(|cause| self.unreadable(path, &cause))?.map(Listed::Obstacle);
            }
            Err(cause) => return Err(self.unreadable(path, &cause)),
            Ok(folder) => self.enter(&mut walk, folder, path.to_owned())?,
        }
        Ok(walk)
    }

    /// Reads the names in a folder: those that can lead to a key of this walk, sorted.
    fn enter(
        &self,
        walk: &mut Walk<D>,
        folder: D::Folder,
        path: String,
    ) -> Result<(), RemoteError> {
        let read =
            self.disk.read_folder(&folder).map_err(|cause| self.unreadable(&path, &cause))?;
        let mut names = Vec::with_capacity(read.len());
        for (name, kind) in &read {
            let kind = match kind {
                Some(kind) => Some(kind),
                None => if_exists(self.disk.lstat(&folder, name))
                    .map_err(|cause| self.unreadable(&path, &cause))?
                    .map(|stat| stat.kind),
            };
            let closing = match kind {
                Some(Kind::File | Kind::Link | Kind::Special) => "",
                Some(Kind::Folder) if name == CONTROL => continue,
                Some(Kind::Folder) => "/",
                None => continue,
            };
            let name = match name.to_str() {
                Some(text) => Name { text: format!("{text}{closing}"), odd: None },
                // It is no object, and nobody can have known it as one.
                None if matches!(kind, Some(Kind::Link | Kind::Special)) => continue,
                None => {
                    let text = format!("{}{closing}", name.as_encoded_bytes().escape_ascii());
                    Name { text, odd: Some(name.to_owned()) }
                }
            };
            if walk.leads_to(&path, &name.text) {
                names.push(name);
            }
        }
        names.sort_unstable_by(|a, b| b.text.cmp(&a.text));
        walk.levels.push(Level { folder, path, names });
        Ok(())
    }

    /// Returns the first link or special file on the way to `path`, which is no folder.
    fn obstacle(&self, root: &D::Folder, path: &str) -> io::Result<Option<RepoPath>> {
        let Ok(path) = RepoPath::parse(path.trim_end_matches('/')) else { return Ok(None) };
        for above in path.ancestors().chain([path.clone()]) {
            let looked = self
                .disk
                .open_beneath(root, above.parent_str())
                .and_then(|folder| self.disk.lstat(&folder, OsStr::new(above.name())));
            match looked {
                Ok(stat) if is_obstacle(&stat) => return Ok(Some(above)),
                Err(cause) if !is_absence(&cause) => return Err(cause),
                Ok(_) | Err(_) => (),
            }
        }
        Ok(None)
    }

    /// Returns the next item; `None` at the end, when no folder is open any more.
    fn advance(&self, walk: &mut Walk<D>) -> Result<Option<Listed>, RemoteError> {
        if let Some(item) = walk.ahead.take() {
            return Ok(Some(item));
        }
        while let Some(level) = walk.levels.last_mut() {
            let Some(name) = level.names.pop() else {
                walk.levels.pop();
                continue;
            };
            let key = format!("{}{}", level.path, name.text);
            let reason = match (&name.odd, RepoPath::parse(key.trim_end_matches('/'))) {
                (Some(_), _) => PathError::NotUnicode,
                (None, Err(reason)) => reason,
                (None, Ok(path)) => {
                    let bare = OsStr::new(name.bare());
                    if name.is_folder() {
                        match self.disk.open_folder(&level.folder, bare) {
                            Ok(folder) => {
                                self.enter(walk, folder, key)?;
                                continue;
                            }
                            // Removed, or replaced by something else, since its name was read.
                            Err(cause) if is_absence(&cause) => (),
                            Err(cause) => return Err(self.unreadable(&key, &cause)),
                        }
                    }
                    let found = self.look(&level.folder, bare);
                    match found.map_err(|cause| self.unreadable(&key, &cause))? {
                        Some(stat) if stat.kind == Kind::File && !name.is_folder() => {
                            return Ok(Some(Listed::Object(entry(path, &stat))));
                        }
                        Some(stat) if is_obstacle(&stat) => {
                            return Ok(Some(Listed::Obstacle(path)));
                        }
                        _ => continue,
                    }
                }
            };
            let odd = name.odd.as_deref().unwrap_or(OsStr::new(name.bare()));
            let size = self.disk.lstat(&level.folder, odd).map_or(0, |stat| stat.size);
            return Ok(Some(Listed::Odd { key, reason, size }));
        }
        Ok(None)
    }

    /// A folder or file that cannot be looked at is an error: a listing that leaves out what it
    /// cannot see would read as a deletion.
    fn unreadable(&self, path: &str, cause: &io::Error) -> RemoteError {
        let key = self.key(path);
        match cause.kind() {
            io::ErrorKind::NotADirectory => {
                let message = "there is a file or link where the prefix should be a folder";
                error(RemoteErrorKind::Invalid, "LIST", &key, message)
            }
            _ => of_io("LIST", &key, cause),
        }
    }
}

/// Takes up the listing whose last key was `next`, if it is remembered.
fn resume<D: Disk>(walks: &Walks<D>, prefix: &str, next: Option<&str>) -> Option<Walk<D>> {
    let next = next?;
    let mut walks = hold(walks);
    let found = walks
        .iter()
        .position(|walk| walk.prefix == prefix && walk.last.as_deref() == Some(next))?;
    Some(walks.remove(found))
}

/// Tells whether a thing is neither file nor folder. Links are not followed.
fn is_obstacle(stat: &Stat) -> bool {
    matches!(stat.kind, Kind::Link | Kind::Special)
}

impl<D: Disk> Walk<D> {
    /// Tells whether a name in the folder `path` is a key of this walk, or a folder on the way to one.
    fn leads_to(&self, path: &str, text: &str) -> bool {
        let key = format!("{path}{text}");
        let below =
            |end: &str| key.ends_with('/') && end.len() > key.len() && end.starts_with(&key);
        let begins = key.starts_with(&self.prefix) || below(&self.prefix);
        begins && self.last.as_deref().is_none_or(|last| key.as_str() > last || below(last))
    }
}
