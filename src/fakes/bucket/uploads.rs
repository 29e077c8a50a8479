//! Uploads in parts.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::body::slice;
use super::remote::MemoryRemote;
use super::script::Operation;
use super::state::{self, Upload};
use crate::remote::{
    Checksum, Condition, Conditions, CopiedPart, HeldPart, Outgoing, Part, PartSource,
    PendingUpload, RemoteErrorKind, RemoteFuture, Stored, UploadId, Uploads,
};
use crate::tree::{Properties, RepoPath, Token};

impl Uploads for MemoryRemote {
    fn copies_parts(&self) -> bool {
        true
    }

    fn start_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        properties: &'a Properties,
    ) -> RemoteFuture<'a, UploadId> {
        Box::pin(async move {
            self.run(Operation::StartUpload, path.as_str(), async |call| {
                if self.capabilities.read_only {
                    return Err(call.error(RemoteErrorKind::Denied, "the bucket is read-only"));
                }
                let key = path.as_str().to_owned();
                let mut state = self.lock();
                let begun = state.now;
                Ok(state.begin_upload(Upload {
                    key,
                    mtime: properties.mtime(),
                    begun,
                    parts: BTreeMap::new(),
                }))
            })
            .await
        })
    }

    fn upload_part<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
        number: u32,
        body: Outgoing,
    ) -> RemoteFuture<'a, Part> {
        Box::pin(async move {
            self.run(Operation::UploadPart, path.as_str(), async |call| {
                let body = body.collect().await;
                let body = body.map_err(|error| {
                    call.error(RemoteErrorKind::Interrupted, &error.to_string())
                })?;
                self.lock().upload(call, upload)?.store_part(call, number, body)
            })
            .await
        })
    }

    fn copy_part<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
        number: u32,
        source: PartSource<'a>,
    ) -> RemoteFuture<'a, CopiedPart> {
        Box::pin(async move {
            self.run(Operation::CopyPart, path.as_str(), async |call| {
                let mut state = self.lock();
                let version =
                    state.current(source.path.as_str()).ok_or_else(|| call.not_found())?;
                let compares = self.capabilities.conditional_put != Conditions::None;
                if compares && version.token != *source.token {
                    return Err(call.changed(&version.token));
                }
                let body = slice(call, &version.body, source.range)?;
                let Part { token, crc64, .. } =
                    state.upload(call, upload)?.store_part(call, number, body)?;
                let says = self.capabilities.checksum == Checksum::Crc64nvme;
                Ok(CopiedPart { md5: state.md5(&token), token, crc64: says.then_some(crc64) })
            })
            .await
        })
    }

    fn complete_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
        parts: &'a [Part],
        crc64: u64,
        condition: &'a Condition,
    ) -> RemoteFuture<'a, Stored> {
        Box::pin(async move {
            self.run(Operation::CompleteUpload, path.as_str(), async |call| {
                let whole = self.lock().upload(call, upload)?.assemble(call, parts)?;
                if self.capabilities.checksum == Checksum::Crc64nvme {
                    state::verify(call, &whole.body, crc64)?;
                }
                let conditions = self.capabilities.conditional_complete;
                self.write(call, condition, conditions, |state| {
                    state.uploads.remove(&upload.0);
                    Ok(state.store(&self.client, path.as_str(), whole, Some(condition)))
                })
                .await
            })
            .await
        })
    }

    fn parts<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
    ) -> RemoteFuture<'a, Vec<HeldPart>> {
        Box::pin(async move {
            self.run(Operation::Parts, path.as_str(), async |call| {
                let mut state = self.lock();
                let parts = state.upload(call, upload)?.parts.iter();
                let held = |(number, (token, body)): (&u32, &(Token, Bytes))| HeldPart {
                    number: *number,
                    token: token.clone(),
                    size: body.len() as u64,
                };
                Ok(parts.map(held).collect())
            })
            .await
        })
    }

    fn pending_uploads(&self) -> RemoteFuture<'_, Vec<PendingUpload>> {
        Box::pin(async move {
            self.run(Operation::PendingUploads, "", async |_| {
                let state = self.lock();
                let pending = |(id, upload): (&String, &Upload)| PendingUpload {
                    key: upload.key.clone(),
                    upload: UploadId(id.clone()),
                    begun: upload.begun,
                };
                Ok(state.uploads.iter().map(pending).collect())
            })
            .await
        })
    }

    fn abort_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
    ) -> RemoteFuture<'a, ()> {
        Box::pin(async move {
            self.run(Operation::AbortUpload, path.as_str(), async |_| {
                self.lock().uploads.remove(&upload.0);
                Ok(())
            })
            .await
        })
    }
}
