//! The remote side as a stream of pages, fetched ahead of whoever merges them.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::context::Context;
use super::retry::retry;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::remote::{Listed, Page, Remote, RemoteError, RemoteErrorKind};
use crate::tree::RepoPath;

/// Pages that may wait to be merged.
pub const PAGES_AHEAD_MAX: usize = 4;

/// Empty pages in a row after which a listing counts as endless. Stores send some where many objects
/// were deleted.
const EMPTY_PAGES_MAX: usize = 1_000;

/// Items a page.
const PAGE_ITEMS_MAX: usize = 1_000;

/// Lists everything, or one path and what lies below it, into `pages`; the first error is the last.
///
/// A path costs one `HEAD` and the pages of `PATH/`; where `is_file` says that a file is expected,
/// the first page asks for one item only.
pub async fn list_scope<D: Disk, R: Remote, C: Clock>(
    context: Arc<Context<D, R, C>>,
    scope: Option<RepoPath>,
    is_file: bool,
    pages: mpsc::Sender<Result<Page, RemoteError>>,
) {
    let listed = async {
        let mut prefix = String::new();
        if let Some(path) = &scope {
            prefix = format!("{path}/");
            if let Some(object) = context.object(path).await? {
                let page = Page { items: vec![Listed::Object(object.entry)], next: None };
                if pages.send(Ok(page)).await.is_err() {
                    return Ok(());
                }
            }
        }
        let mut limit = if is_file { 1 } else { PAGE_ITEMS_MAX };
        let mut next: Option<String> = None;
        let mut empty_pages = 0;
        loop {
            let list = || context.remote.list(&prefix, next.as_deref(), limit);
            let page = retry(&context.clock, &context.stop, list).await?;
            limit = PAGE_ITEMS_MAX;
            next.clone_from(&page.next);
            empty_pages = if page.items.is_empty() { empty_pages + 1 } else { 0 };
            if empty_pages > EMPTY_PAGES_MAX {
                return Err(endless(&prefix));
            }
            if pages.send(Ok(page)).await.is_err() || next.is_none() {
                return Ok(());
            }
        }
    };
    if let Err(error) = listed.await {
        // A merge that has gone away needs no error.
        pages.send(Err(error)).await.unwrap_or_default();
    }
}

fn endless(prefix: &str) -> RemoteError {
    let message = format!("{EMPTY_PAGES_MAX} empty pages in a row, without an end");
    RemoteError::new(RemoteErrorKind::Lying, "LIST", prefix, message)
}
