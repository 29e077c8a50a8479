//! Operands: what a person typed for a path, as a path of the working copy.

use std::path::{Component, Path, PathBuf};

use super::arguments::{CloneArguments, Command, InitArguments, TrashCommand};
use crate::error::Error;
use crate::tree::RepoPath;

/// A path below which nothing lies.
const NOWHERE: &str = "/dev/null";

/// What an operand names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operand {
    /// The root: everything.
    Root,
    /// A file or folder below it.
    Path(RepoPath),
}

/// Places operands in the working copy at `root`.
///
/// They are relative to `start`, and `.` and `..` are taken off as text: no link is followed below
/// the root. Both paths are absolute. `None` where one of them names the root: everything.
pub(super) fn place(
    operands: &[PathBuf],
    start: &Path,
    root: &Path,
) -> Result<Option<Vec<RepoPath>>, Error> {
    let mut paths = Some(Vec::with_capacity(operands.len()));
    for operand in operands {
        match place_one(operand, start, root)? {
            // What is typed beside it must make sense all the same.
            Operand::Root => paths = None,
            Operand::Path(path) => paths.iter_mut().for_each(|paths| paths.push(path.clone())),
        }
    }
    Ok(paths)
}

/// Places one operand in the working copy at `root`.
pub(super) fn place_one(operand: &Path, start: &Path, root: &Path) -> Result<Operand, Error> {
    let shown = operand.display();
    if operand.as_os_str().is_empty() {
        return Err(Error::usage("an operand is empty", "`.` names the current directory"));
    }
    if operand.to_str().is_some_and(|typed| typed.starts_with("s3://")) {
        return Err(Error::usage(
            format!("{shown} is a bucket, and no path of the working copy"),
            "`lsync init BUCKET` names the bucket once; after that `lsync sync` takes files and folders",
        ));
    }
    let absolute = normalise(&start.join(operand));
    let Some(below) = below_root(&absolute, root) else {
        return Err(Error::usage(
            format!("{shown} lies outside of the working copy {}", root.display()),
            "name paths below the working copy, or change to another one with -C",
        ));
    };
    let Some(text) = below.to_str() else {
        return Err(Error::usage(
            format!("{shown} is no UTF-8, which no key can hold"),
            "rename it, or name the folder that it lies in",
        ));
    };
    if text.is_empty() {
        return Ok(Operand::Root);
    }
    RepoPath::parse(text).map(Operand::Path).map_err(|error| Error::Usage {
        message: format!("{shown} cannot be synced: {error}"),
        hint: None,
    })
}

/// Returns where a command starts that needs no current directory: nowhere, or where its operands
/// lie. `None` where something that was typed, or was not, is relative.
pub(super) fn start_of(command: &Command) -> Option<PathBuf> {
    let nowhere = || Some(PathBuf::from(NOWHERE));
    let is_absolute = |path: &PathBuf| path.is_absolute();
    let paths = match command {
        Command::Init(InitArguments { bucket, path, .. }) => {
            return nowhere().filter(|_| path.is_absolute() && !bucket.starts_with('.'));
        }
        Command::Clone(CloneArguments { bucket, path, .. }) => {
            let whole = path.as_ref().is_some_and(is_absolute) && !bucket.starts_with('.');
            return nowhere().filter(|_| whole);
        }
        Command::Demo { folder } => {
            return nowhere().filter(|_| folder.as_ref().is_none_or(is_absolute));
        }
        Command::Status(arguments) => &arguments.plan.paths,
        Command::Sync(arguments) => &arguments.plan.paths,
        Command::Push(arguments) => &arguments.plan.paths,
        Command::Pull(arguments) => &arguments.plan.paths,
        Command::Resolve(arguments) => &arguments.paths,
        Command::Trash { command: TrashCommand::Restore { paths } } => paths,
        Command::Trash { command: TrashCommand::List { .. } } | Command::Clean(_) => return None,
    };
    let first = paths.first().filter(|_| paths.iter().all(is_absolute))?;
    first.ancestors().filter_map(|above| above.canonicalize().ok()).find(|above| above.is_dir())
}

/// Takes `.` and `..` off an absolute path, as text.
pub(super) fn normalise(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => (),
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// Returns what of `path` lies below `root`.
///
/// Where the root is spelled by a link (`/tmp` on macOS), the part of the path that leads to the
/// root is looked up; what lies below it never is.
fn below_root(path: &Path, root: &Path) -> Option<PathBuf> {
    if let Ok(below) = path.strip_prefix(root) {
        return Some(below.to_owned());
    }
    let spelled = path.ancestors().find(|above| above.canonicalize().is_ok_and(|it| it == root))?;
    path.strip_prefix(spelled).ok().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(operand: &str) -> Result<Operand, Error> {
        place_one(Path::new(operand), Path::new("/team/docs"), Path::new("/team"))
    }

    fn path(text: &str) -> Operand {
        Operand::Path(RepoPath::parse(text).unwrap())
    }

    #[test]
    fn operands_are_relative_to_the_current_directory() {
        for (operand, expected) in [
            ("a.txt", "docs/a.txt"),
            ("./a.txt", "docs/a.txt"),
            (".", "docs"),
            ("sub/", "docs/sub"),
            ("sub//x", "docs/sub/x"),
            ("../other", "other"),
            ("../docs/../x/./y", "x/y"),
            ("/team/a", "a"),
            ("-rf", "docs/-rf"),
        ] {
            assert_eq!(placed(operand).unwrap(), path(expected), "{operand}");
        }
    }

    #[test]
    fn the_root_means_everything() {
        for operand in ["..", "/team", "/team/", "../docs/.."] {
            assert_eq!(placed(operand).unwrap(), Operand::Root, "{operand}");
        }
        let (start, root) = (Path::new("/team"), Path::new("/team"));
        assert_eq!(place(&["a".into(), ".".into()], start, root).unwrap(), None);
    }

    #[test]
    fn what_lies_outside_is_refused_as_wrong_usage() {
        for operand in ["../..", "../../teammate", "/", "/etc/passwd", "", "../.lsync/config.yaml"]
        {
            assert_eq!(placed(operand).unwrap_err().exit().code(), 2, "{operand:?}");
        }
    }

    #[test]
    fn a_link_above_the_root_is_followed_and_one_below_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        let root = real.join("root");
        std::fs::create_dir_all(root.join("sub")).unwrap();
        std::os::unix::fs::symlink(&root, real.join("link")).unwrap();
        std::os::unix::fs::symlink(root.join("sub"), root.join("inner")).unwrap();
        let spelled = real.join("link/inner/x");
        assert_eq!(place_one(&spelled, &root, &root).unwrap(), path("inner/x"));
    }
}
