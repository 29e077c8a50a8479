//! What the store holds of uploads that were not completed.

use super::request::{ANSWER_TIMEOUT, Call, answer, nanoseconds};
use super::store::S3Remote;
use crate::remote::etag;
use crate::remote::{HeldPart, PendingUpload, RemoteError, RemoteErrorKind as Kind, UploadId};
use crate::tree::RepoPath;

/// More pages than any honest listing of parts or uploads has (10,000 parts, 1,000 a page).
const PAGES_MAX: usize = 1_000;

impl S3Remote {
    /// Lists the parts of an upload, page by page.
    pub(super) async fn list_parts(
        &self,
        path: &RepoPath,
        upload: &UploadId,
    ) -> Result<Vec<HeldPart>, RemoteError> {
        // moto 5 answers with the root element of another call (measured): parts that nobody can list
        // are as good as none.
        let call = Call { unreadable: Kind::Unsupported, ..self.call("LIST PARTS", path.as_str()) };
        let (mut held, mut marker) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let request = self
                .connection
                .client
                .list_parts()
                .bucket(&self.bucket)
                .key(self.keys.key(path.as_str()))
                .upload_id(&upload.0)
                .set_part_number_marker(marker)
                .send();
            let page = answer(&call, ANSWER_TIMEOUT, request).await?;
            held.extend(page.parts().iter().filter_map(|part| {
                Some(HeldPart {
                    number: u32::try_from(part.part_number()?).ok()?,
                    token: etag::token(part.e_tag()?),
                    size: u64::try_from(part.size()?).ok()?,
                })
            }));
            if page.is_truncated() != Some(true) {
                return Ok(held);
            }
            marker = page.next_part_number_marker().map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
        Err(call.error(Kind::Lying, "the list of parts has no end"))
    }

    /// Lists the uploads below the prefix, page by page.
    pub(super) async fn list_uploads(&self) -> Result<Vec<PendingUpload>, RemoteError> {
        let call = self.call("LIST UPLOADS", "");
        let (mut pending, mut key_marker, mut id_marker) = (Vec::new(), None, None);
        for _ in 0..PAGES_MAX {
            let request = self
                .connection
                .client
                .list_multipart_uploads()
                .bucket(&self.bucket)
                .set_prefix(Some(self.keys.key("")).filter(|prefix| !prefix.is_empty()))
                .set_key_marker(key_marker)
                .set_upload_id_marker(id_marker)
                .send();
            let page = answer(&call, ANSWER_TIMEOUT, request).await?;
            pending.extend(page.uploads().iter().filter_map(|upload| {
                Some(PendingUpload {
                    key: self.keys.relative(upload.key()?)?.to_owned(),
                    upload: UploadId(upload.upload_id()?.to_owned()),
                    begun: nanoseconds(upload.initiated()),
                })
            }));
            if page.is_truncated() != Some(true) {
                return Ok(pending);
            }
            key_marker = page.next_key_marker().map(str::to_owned);
            id_marker = page.next_upload_id_marker().map(str::to_owned);
            if key_marker.is_none() {
                break;
            }
        }
        Err(call.error(Kind::Lying, "the list of uploads has no end"))
    }
}
