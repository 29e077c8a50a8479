//! The remote side as a stream of pages, fetched ahead of whoever merges them.

mod guess;
mod ranges;
mod sorting;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

use self::ranges::{KeyRanges, Place, Request};
use self::sorting::KeySorter;
use crate::clock::Clock;
use crate::disk::{DescriptorBudget, Disk};
use crate::look::object;
use crate::remote::{Listed, ListingOrder, Page, RemoteError, RemoteErrorKind};
use crate::session::Session;
use crate::tree::RepoPath;

/// Pages that may wait to be merged, beside those that wait for earlier ones.
pub const PAGES_AHEAD_MAX: usize = 4;

/// Empty pages in a row after which a listing counts as endless. Stores send some where many objects
/// were deleted.
const EMPTY_PAGES_MAX: usize = 1_000;

/// Items a page.
const PAGE_ITEMS_MAX: usize = 1_000;

/// What is listed.
#[derive(Debug, Clone, Default)]
pub struct ListingScope {
    /// One path and what lies below it; `None` is everything.
    pub path: Option<RepoPath>,
    /// The path is expected to be a file.
    pub is_file: bool,
    /// Known paths in order, about one to a page, between which the listing may be split.
    pub landmarks: Vec<RepoPath>,
}

/// Lists a scope into `pages`, in the order of keys; the first error is the last.
///
/// A path costs one `HEAD` and the pages of `PATH/`; where a file is expected, the first page asks
/// for one item only. A listing of many pages is split over the range of keys where the remote can
/// begin anywhere; one that comes folder by folder is sorted.
pub async fn list_scope<D: Disk, C: Clock>(
    session: Arc<Session<D, C>>,
    scope: ListingScope,
    pages: mpsc::Sender<Result<Page, RemoteError>>,
) {
    let listed = async {
        let mut prefix = String::new();
        if let Some(path) = &scope.path {
            prefix = format!("{path}/");
            if let Some(object) = object::object(&session, path).await? {
                let page = Page { items: vec![Listed::Object(object.entry)], next: None };
                if pages.send(Ok(page)).await.is_err() {
                    return Ok(());
                }
            }
        }
        list_prefix(&session, &prefix, scope, &pages).await
    };
    if let Err(error) = listed.await {
        // A merge that has gone away needs no error.
        pages.send(Err(error)).await.unwrap_or_default();
    }
}

/// Lists what begins with `prefix`.
async fn list_prefix<D: Disk, C: Clock>(
    session: &Session<D, C>,
    prefix: &str,
    scope: ListingScope,
    pages: &mpsc::Sender<Result<Page, RemoteError>>,
) -> Result<(), RemoteError> {
    let ListingScope { is_file, landmarks, .. } = scope;
    if session.store.remote.capabilities().listing_order == ListingOrder::Folders {
        return list_by_folders(session, prefix, is_file, pages).await;
    }
    let landmarks = landmarks.iter().map(ToString::to_string).collect();
    let splits = !is_file
        && !session.lists_whole.load(Ordering::Relaxed)
        && session.store.remote.place_behind(prefix).is_some();
    let mut limit = if is_file { 1 } else { PAGE_ITEMS_MAX };
    let mut ranges = KeyRanges::new(prefix, landmarks, splits);
    let mut asked = FuturesUnordered::new();
    let asked_max = DescriptorBudget::get().requests;
    loop {
        while asked.len() < asked_max
            && let Some(request) = ranges.next_request()
        {
            asked.push(fetch(session, prefix, request, limit));
            limit = PAGE_ITEMS_MAX;
        }
        tokio::select! {
            biased;
            permit = pages.reserve(), if ranges.has_page() => match (permit, ranges.take()) {
                (Ok(permit), Some(page)) => permit.send(Ok(page)),
                (Ok(_), None) => (),
                // A merge that has gone away needs no more.
                (Err(_), _) => return Ok(()),
            },
            Some((request, answer)) = asked.next() => match answer {
                Ok(page) => {
                    if ranges.answer(request.range, page) > EMPTY_PAGES_MAX {
                        return Err(endless(prefix));
                    }
                }
                Err(error) if cannot_begin(&request, &error) && ranges.give_up_splitting() => {
                    asked.clear();
                    session.monitor.warning(&one_by_one(&error.message));
                }
                Err(error) => return Err(error),
            },
            else => return if ranges.is_over() { Ok(()) } else { Err(stuck(prefix)) },
        }
        if ranges.is_contradicted() && ranges.give_up_splitting() {
            asked.clear();
            session.monitor.warning(&one_by_one("what it lists twice is not the same"));
        }
    }
}

/// Lists what begins with `prefix` in a store that lists folder by folder: one page after the other,
/// because only such a store's own tokens say where a page ended.
async fn list_by_folders<D: Disk, C: Clock>(
    session: &Session<D, C>,
    prefix: &str,
    is_file: bool,
    pages: &mpsc::Sender<Result<Page, RemoteError>>,
) -> Result<(), RemoteError> {
    let mut limit = if is_file { 1 } else { PAGE_ITEMS_MAX };
    let (mut sorter, mut place, mut empty_pages) = (KeySorter::default(), None::<String>, 0);
    loop {
        let list = || session.store.remote.list(prefix, place.as_deref(), limit);
        let Page { items, next } = session.store.read(list).await?;
        empty_pages = if items.is_empty() { empty_pages + 1 } else { 0 };
        if empty_pages > EMPTY_PAGES_MAX {
            return Err(endless(prefix));
        }
        sorter.take_in(items);
        if next.is_none() {
            sorter.complete();
        }
        loop {
            let items = sorter.settled(PAGE_ITEMS_MAX);
            if items.is_empty() {
                break;
            }
            if pages.send(Ok(Page { items, next: None })).await.is_err() {
                // A merge that has gone away needs no more.
                return Ok(());
            }
        }
        if next.is_none() {
            return Ok(());
        }
        (place, limit) = (next, PAGE_ITEMS_MAX);
    }
}

/// Fetches a page.
async fn fetch<D: Disk, C: Clock>(
    session: &Session<D, C>,
    prefix: &str,
    request: Request,
    limit: usize,
) -> (Request, Result<Page, RemoteError>) {
    let place = match &request.place {
        Place::Beginning => None,
        Place::Behind(key) => session.store.remote.place_behind(key),
        Place::Next(next) => Some(next.clone()),
    };
    let list = || session.store.remote.list(prefix, place.as_deref(), limit);
    let answer = session.store.read(list).await;
    (request, answer)
}

/// Tells whether an error may come from a store that cannot begin a listing behind a key. If it does
/// not, the listing from the beginning fails, too.
fn cannot_begin(request: &Request, error: &RemoteError) -> bool {
    use RemoteErrorKind::{Failed, Invalid, Lying, NotFound, OutOfOrder, Unsupported};
    matches!(request.place, Place::Behind(_))
        && matches!(error.kind, Failed | Invalid | Lying | NotFound | OutOfOrder | Unsupported)
}

fn one_by_one(reason: &str) -> String {
    format!(
        "the store cannot begin a listing behind a key ({reason}), so its pages come one after the other"
    )
}

/// A slip here must never be taken for the end of the bucket.
fn stuck(prefix: &str) -> RemoteError {
    let message = "this is a bug in lsync: the listing is not over".to_owned();
    RemoteError::new(RemoteErrorKind::Invalid, "LIST", prefix, message)
}

fn endless(prefix: &str) -> RemoteError {
    let message = format!("{EMPTY_PAGES_MAX} empty pages in a row, without an end");
    RemoteError::new(RemoteErrorKind::Lying, "LIST", prefix, message)
}
