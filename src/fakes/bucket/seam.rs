//! Reading, storing and deleting, as calls of the traits.

use std::ops::Range;

use super::body::{pieces, slice};
use super::deleting;
use super::remote::MemoryRemote;
use super::script::Operation;
use super::state::{self, Whole};
use crate::remote::etag;
use crate::remote::{
    Capabilities, Condition, Incoming, ListingOrder, Object, Outgoing, Page, Reads, RemoteError,
    RemoteErrorKind, RemoteFuture, Stored, Writes,
};
use crate::tree::{Content, Properties, RepoPath, Token, Version};

/// The most items of a page.
const PAGE_ITEMS_MAX: usize = 1000;

impl Reads for MemoryRemote {
    fn likely_content(&self, version: &Version) -> Content {
        etag::likely_content(version)
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        next: Option<&'a str>,
        limit: usize,
    ) -> RemoteFuture<'a, Page> {
        Box::pin(async move {
            self.run(Operation::List, prefix, async |_| {
                Ok(self.lock().page(prefix, next, limit.clamp(1, PAGE_ITEMS_MAX)))
            })
            .await
        })
    }

    fn place_behind(&self, key: &str) -> Option<String> {
        (self.capabilities.listing_order == ListingOrder::Keys).then(|| key.to_owned())
    }

    fn head<'a>(&'a self, path: &'a RepoPath) -> RemoteFuture<'a, Object> {
        Box::pin(async move {
            self.run(Operation::Head, path.as_str(), async |call| {
                let state = self.lock();
                let version = state.current(path.as_str()).ok_or_else(|| call.not_found())?;
                Ok(state.object(path, version))
            })
            .await
        })
    }

    fn get<'a>(
        &'a self,
        path: &'a RepoPath,
        expected: &'a Token,
        range: Option<Range<u64>>,
    ) -> RemoteFuture<'a, (Object, Incoming)> {
        Box::pin(async move {
            let body_fault = self.lock().script.body_fault(path.as_str());
            self.run(Operation::Get, path.as_str(), async |call| {
                let state = self.lock();
                let version = state.current(path.as_str()).ok_or_else(|| call.not_found())?;
                if version.token != *expected {
                    return Err(call.changed(&version.token));
                }
                let object = state.object(path, version);
                let body = slice(call, &version.body, range)?;
                Ok((object, pieces(call, &body, body_fault)))
            })
            .await
        })
    }

    fn get_version<'a>(
        &'a self,
        path: &'a RepoPath,
        version_id: &'a str,
    ) -> RemoteFuture<'a, (Object, Incoming)> {
        Box::pin(async move {
            self.run(Operation::GetVersion, path.as_str(), async |call| {
                let state = self.lock();
                let version =
                    state.version(path.as_str(), version_id).ok_or_else(|| call.not_found())?;
                Ok((state.object(path, version), pieces(call, &version.body, None)))
            })
            .await
        })
    }
}

impl Writes for MemoryRemote {
    fn put<'a>(
        &'a self,
        path: &'a RepoPath,
        body: Outgoing,
        properties: &'a Properties,
        condition: &'a Condition,
    ) -> RemoteFuture<'a, Stored> {
        Box::pin(async move {
            let crc64 = body.crc64();
            let body = body.collect().await.map_err(|error| {
                let (kind, message) = (RemoteErrorKind::Interrupted, error.to_string());
                RemoteError::new(kind, "PUT", path.as_str(), message)
            })?;
            self.run(Operation::Put, path.as_str(), async |call| {
                state::verify(call, &body, crc64)?;
                let conditions = self.capabilities.conditional_put;
                self.write(call, condition, conditions, |state| {
                    let whole = Whole::of(body, properties.mtime());
                    Ok(state.store(&self.client, path.as_str(), whole, Some(condition)))
                })
                .await
            })
            .await
        })
    }

    fn delete<'a>(&'a self, path: &'a RepoPath, expected: &'a Token) -> RemoteFuture<'a, ()> {
        Box::pin(async move {
            self.run(Operation::Delete, path.as_str(), async |call| {
                self.remove(call, expected, self.capabilities.conditional_delete).await
            })
            .await
        })
    }

    fn deletions_at_once(&self) -> usize {
        self.capabilities.deletions_at_once(deleting::VERSIONS_MAX)
    }

    fn delete_many<'a>(
        &'a self,
        versions: &'a [(&'a RepoPath, &'a Token)],
    ) -> RemoteFuture<'a, Vec<Result<(), RemoteError>>> {
        Box::pin(async move { self.remove_many(versions).await })
    }

    fn flush(&self) -> RemoteFuture<'_, ()> {
        Box::pin(async move { self.run(Operation::Flush, "", async |_| Ok(())).await })
    }
}
