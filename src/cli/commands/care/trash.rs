//! `lsync trash`: what lsync overwrote or deleted, and back.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::arguments::TrashCommand;
use crate::cli::operands::{Operand, normalise, place_one};
use crate::cli::screen::render::floods::{self, NAMED_MAX, Tally, Turn};
use crate::cli::screen::text::{count, escape, size};
use crate::cli::session::{self, Context, Working};
use crate::clock::rfc3339;
use crate::disk::RealDisk;
use crate::error::{Error, Exit};
use crate::repository::Repository;
use crate::repository::trash::{self, Listed, Restored, Side, Wanted};
use crate::transfer::{FetchError, fetch_version};
use crate::tree::{RepoPath, Token};

/// Runs the command.
pub(in crate::cli) async fn run(context: &Context, command: &TrashCommand) -> Result<Exit, Error> {
    let repository = context.discover()?;
    match command {
        TrashCommand::List { json } => list(context, &repository, *json),
        TrashCommand::Restore { paths } => restore(context, repository, paths).await,
    }
}

/// One thing in the trash, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Line<'a> {
    /// When, RFC 3339.
    time: String,
    path: &'a str,
    /// `local` or `bucket`.
    side: &'a str,
    why: &'a str,
    /// Null where the store keeps it.
    bytes: Option<u64>,
    /// What `lsync trash restore` takes.
    operand: &'a str,
    etag: Option<Cow<'a, str>>,
    version: Option<&'a str>,
}

fn list(
    context: &Context,
    repository: &Repository<RealDisk>,
    as_json: bool,
) -> Result<Exit, Error> {
    let screen = &context.screen;
    let listed = trash::list(&RealDisk, &repository.root, &repository.control)?;
    let lines: Vec<String> = if as_json {
        listed.iter().map(json_line).collect()
    } else {
        listed.iter().map(line).collect()
    };
    if !lines.is_empty() {
        screen.result(&lines.join("\n"));
    } else if !as_json {
        screen.result("the trash is empty");
    }
    Ok(Exit::Done)
}

/// Renders one line: when, why, how large, and what restores it.
fn line(listed: &Listed) -> String {
    let bytes = listed.size.map_or_else(|| "in the store".to_owned(), size);
    let (time, why) = (rfc3339(listed.time), listed.why.word());
    let place = match listed.side {
        Side::Local => "here",
        Side::Bucket => "bucket",
    };
    format!("{time}  {place:6}  {why:9}  {bytes:>12}  {}", escape(&listed.operand))
}

fn json_line(listed: &Listed) -> String {
    let line = Line {
        time: rfc3339(listed.time),
        path: listed.path.as_str(),
        side: listed.side.word(),
        why: listed.why.word(),
        bytes: listed.size,
        operand: &listed.operand,
        etag: listed.token.as_ref().map(Token::text),
        version: listed.version.as_deref(),
    };
    serde_json::to_string(&line).expect("strings and numbers alone always serialize")
}

async fn restore(
    context: &Context,
    repository: Repository<RealDisk>,
    paths: &[PathBuf],
) -> Result<Exit, Error> {
    let wanted = paths
        .iter()
        .map(|path| operand(path, context, &repository))
        .collect::<Result<Vec<_>, _>>()?;
    let lock = repository.lock(&RealDisk, "trash restore")?;
    let (root, control) = (&repository.root, &repository.control);
    let mut warned = Tally::new(context.screen.verbose());
    for settled in trash::settle(&RealDisk, root, control)? {
        let kind = settled.kind();
        if warned.count(kind, floods::warned_max(kind)) != Turn::Counted {
            context.screen.warning(&settled.to_string());
        }
    }
    for more in warned.take_unnamed() {
        context.screen.warning(&floods::more_warnings(more));
    }
    let restored = trash::restore(&RealDisk, root, control, &wanted)?;
    let mut restoring = Restoring { context, repository, back: 0, taken: 0, exit: Exit::Done };
    for restored in restored {
        match restored {
            Restored::PutBack { path } => restoring.done(&path),
            Restored::InStore { path, version, .. } => restoring.fetch(&path, &version).await?,
            Restored::NameTaken { path, operand } => restoring.name_taken(&path, &operand),
            Restored::OtherFileSystem { path, operand } => restoring
                .failed(&format!("{path} lies on another file system"), &restoring.place(&operand)),
        }
    }
    drop(lock);
    restoring.tell_of_more();
    context.screen.result(&format!("{} restored", count(restoring.back, "file", "files")));
    Ok(restoring.exit)
}

/// What came back so far.
struct Restoring<'a> {
    context: &'a Context,
    repository: Repository<RealDisk>,
    back: u64,
    /// Paths whose name is taken.
    taken: u64,
    exit: Exit,
}

impl Restoring<'_> {
    fn done(&mut self, path: &RepoPath) {
        self.back += 1;
        self.context.screen.result(&format!("restored {}", escape(path.as_str())));
    }

    fn name_taken(&mut self, path: &RepoPath, operand: &str) {
        self.taken += 1;
        self.exit = self.exit.worst(Exit::Incomplete);
        if self.taken <= NAMED_MAX {
            self.failed(
                &format!("{path} exists, nothing was overwritten"),
                &format!("move it away and restore again; {}", self.place(operand)),
            );
        }
    }

    /// Says how many names were taken beside those that were told.
    fn tell_of_more(&self) {
        let more = self.taken.saturating_sub(NAMED_MAX);
        if more > 0 {
            let message = format!("{} likewise", count(more, "more exists", "more exist"));
            self.context.screen.error(&message, &[], Some("`lsync trash list` names the copies"));
        }
    }

    fn failed(&mut self, message: &str, hint: &str) {
        self.context.screen.error(message, &[], Some(hint));
        self.exit = self.exit.worst(Exit::Incomplete);
    }

    /// Says where a copy lies that could not be put back.
    fn place(&self, operand: &str) -> String {
        let path = self.repository.root_path.join(".lsync/trash").join(operand);
        format!("the copy is {}", path.display())
    }

    /// Fetches what the store keeps; a name that is taken concerns this path alone.
    async fn fetch(&mut self, path: &RepoPath, version: &str) -> Result<(), Error> {
        let remote = session::connect(&self.repository).await?;
        let working = Working::begin(self.context, "restored");
        let repository = Repository::open(&RealDisk, &self.repository.root_path)?;
        let world = self.context.world(repository, remote, &working);
        let fetched = fetch_version(&world, path, version).await;
        drop(working);
        match fetched {
            Ok(()) => self.done(path),
            Err(FetchError::Remote(error)) => return Err(error.into()),
            Err(error) => self.failed(&error.to_string(), "move it away and restore again"),
        }
        Ok(())
    }
}

/// Returns what an operand names: what `trash list` shows is taken as it is, a place in the trash
/// for what lies there, anything else is a path relative to the current directory.
fn operand(
    typed: &Path,
    context: &Context,
    repository: &Repository<RealDisk>,
) -> Result<Wanted, Error> {
    let copy = |text: &str| {
        let text = text.trim_end_matches('/');
        names_a_copy(text).then(|| Wanted::Named(text.to_owned()))
    };
    let place = normalise(&context.start.join(typed));
    let in_trash = place.strip_prefix(repository.root_path.join(".lsync/trash")).ok();
    let mut texts = [Some(typed), in_trash].into_iter().flatten().filter_map(Path::to_str);
    if let Some(wanted) = texts.find_map(copy) {
        return Ok(wanted);
    }
    Ok(match place_one(typed, &context.start, &repository.root_path)? {
        Operand::Path(path) => Wanted::Named(path.as_str().to_owned()),
        Operand::Root => Wanted::All,
    })
}

/// Tells whether a text begins like `20261119T100211Z-ab12/local/`.
fn names_a_copy(text: &str) -> bool {
    let mut parts = text.splitn(3, '/');
    let is_run = parts.next().is_some_and(|run| {
        run.len() == 21 && run.as_bytes()[8] == b'T' && run.as_bytes()[15..17] == *b"Z-"
    });
    is_run && matches!(parts.next(), Some("local" | "bucket")) && parts.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_list_shows_is_told_from_a_path() {
        assert!(names_a_copy("20261119T100211Z-ab12/local/docs/a.txt"));
        assert!(names_a_copy("20261119T100211Z-ab12/bucket/a"));
        for path in ["docs/local/a.txt", "20261119T100211Z-ab12", "20261119T100211Z-ab12/x/a", ""] {
            assert!(!names_a_copy(path), "{path}");
        }
    }
}
