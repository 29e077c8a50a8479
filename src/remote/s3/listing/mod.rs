//! Listings: exact keys, in order, or an error.
//!
//! XML 1.0 cannot hold control characters, so keys with such come in a page that no parser reads
//! (s3s and others write them raw), with U+FFFD in their place (stores written in Go), or not at all
//! (Swift fails). Only then is a page asked for again with `encoding-type=url`, whose spelling differs from
//! store to store: both forms must name the same keys.

mod encoded;
mod page;
mod reading;
mod versions;

use std::cmp::Ordering;
use std::sync::PoisonError;

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::EncodingType;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

pub(super) use page::text_below_root;
pub(super) use versions::exact;

use page::{RawItem, RawPage};
use reading::Reading;

use super::request::{ANSWER_TIMEOUT, Call, answer, nanoseconds};
use super::store::S3Remote;
use crate::remote::etag;
use crate::remote::key::{KeySpace, ListedKey, OWN_FOLDER, PROBE_FOLDER};
use crate::remote::probe::{ABANDONED_NANOSECONDS, is_abandoned};
use crate::remote::{Listed, ListingOrder, Page, RemoteError, RemoteErrorKind as Kind};
use crate::tree::{RemoteEntry, RepoPath, Version};

/// How many objects are looked at together where listings have no ETags.
const HEADS_IN_FLIGHT_MAX: usize = 16;

/// How often both forms of a page are asked for until they fit.
const FORMS_MAX: usize = 3;

/// The most keys that a store puts on a page (S3 API reference, `ListObjectsV2`).
const PAGE_KEYS_MAX: usize = 1_000;

/// Where a listing stands: the store's token and the last key seen, so that order is checked across
/// pages, too. Without a token it begins behind that key.
#[derive(Debug, PartialEq, Eq)]
struct Cursor<'a> {
    token: &'a str,
    last_key: &'a str,
}

impl<'a> Cursor<'a> {
    /// Reads what [`Cursor::text`] wrote.
    fn parse(text: &'a str) -> Option<Self> {
        let (length, rest) = text.split_once(':')?;
        let (token, last_key) = rest.split_at_checked(length.parse().ok()?)?;
        Some(Self { token, last_key })
    }

    /// Writes the cursor; the length comes first because token and key may hold anything.
    fn text(&self) -> String {
        format!("{}:{}{}", self.token.len(), self.token, self.last_key)
    }
}

/// Which page is asked for.
struct Wanted<'a> {
    /// What every key begins with, below the remote's own prefix.
    prefix: &'a str,
    cursor: Option<Cursor<'a>>,
    /// The most keys.
    limit: usize,
}

impl S3Remote {
    /// Lists one page, and notes what it shows of killed probes.
    pub(super) async fn list_page(
        &self,
        prefix: &str,
        next: Option<&str>,
        limit: usize,
    ) -> Result<Page, RemoteError> {
        let order = Some(self.capabilities.listing_order);
        Ok(self.dated_page(prefix, next, order, limit).await?.0)
    }

    /// Lists one page, of keys in one order or in any; returns what time it was by the store's clock,
    /// too, where the store says so.
    pub(super) async fn dated_page(
        &self,
        prefix: &str,
        next: Option<&str>,
        order: Option<ListingOrder>,
        limit: usize,
    ) -> Result<(Page, Option<i64>), RemoteError> {
        let call = self.call("LIST", prefix);
        let cursor = match next.map(|text| (text, Cursor::parse(text))) {
            None => None,
            Some((_, Some(cursor))) => Some(cursor),
            Some((text, None)) => {
                return Err(call.error(Kind::Invalid, format!("{text:?} is no place in a listing")));
            }
        };
        let wanted = Wanted { prefix, cursor, limit: limit.clamp(1, PAGE_KEYS_MAX) };
        let raw = self.readable_page(&call, &wanted).await?;
        let promise = Promise { keys: &self.keys, prefix: &self.keys.key(prefix), order };
        let next = promise
            .hold(&raw, wanted.cursor.as_ref())
            .map_err(|(kind, message)| call.error(kind, message))?;
        self.note_abandoned(&raw);
        let items = stream::iter(raw.items)
            .map(|item| self.listed(&call, item))
            .buffered(HEADS_IN_FLIGHT_MAX)
            .try_filter_map(async |item| Ok(item))
            .try_collect()
            .await?;
        Ok((Page { items, next }, raw.date))
    }

    /// Notes the objects of probes that were begun long before this page: by the store's clock alone.
    fn note_abandoned(&self, page: &RawPage) {
        let Some(before) = page.date.map(|date| date - ABANDONED_NANOSECONDS) else { return };
        let left = page.items.iter().filter_map(|item| {
            let key = self.keys.relative(&item.key)?.strip_prefix(PROBE_FOLDER)?;
            let version = Version {
                token: etag::token(item.etag.as_deref()?),
                size: item.size.and_then(|size| u64::try_from(size).ok())?,
            };
            let is_old = is_abandoned(item.modified, before);
            let path = RepoPath::parse(key).ok().filter(|_| is_old)?;
            Some((path.clone(), RemoteEntry { path, version, modified: item.modified }))
        });
        let mut left = left.peekable();
        if left.peek().is_some() {
            let mut abandoned = self.abandoned.lock().unwrap_or_else(PoisonError::into_inner);
            abandoned.before = before;
            abandoned.entries.extend(left);
        }
    }

    /// Returns the place behind a key, whether there is an object or not.
    pub(super) fn behind(&self, key: &str) -> String {
        Cursor { token: "", last_key: &self.keys.key(key) }.text()
    }

    /// Tells whether a listing of what is below the prefix names ETags; `None` where it is empty.
    pub(super) async fn lists_etags(&self) -> Result<Option<bool>, RemoteError> {
        let first = Wanted { prefix: "", cursor: None, limit: 1 };
        let page = self.raw_page(&self.call("LIST", ""), &first, false).await;
        let page = page.map_err(|(error, _)| error)?;
        Ok(page.items.first().map(|item| item.etag.is_some()))
    }

    /// Fetches a page whose keys are exact.
    async fn readable_page(
        &self,
        call: &Call,
        wanted: &Wanted<'_>,
    ) -> Result<RawPage, RemoteError> {
        for _ in 0..FORMS_MAX {
            let plain = match self.raw_page(call, wanted, false).await {
                Ok(page) if page.is_exact() => return Ok(page),
                Ok(page) => Ok(page),
                // Some fail at keys that XML cannot hold (Swift answers 500), or write what nobody reads.
                Err((error, unreadable)) if unreadable || error.kind == Kind::Failed => Err(error),
                Err((error, _)) => return Err(error),
            };
            let encoded = Box::pin(self.raw_page(call, wanted, true));
            let page = match encoded.await {
                Ok(page) => page,
                Err((error, _)) => return Err(plain.err().unwrap_or(error)),
            };
            let plain = plain.ok();
            if let Some(page) = Box::pin(self.decoded(call, page, plain.as_ref())).await? {
                return Ok(page);
            }
            // Somebody may have stored something between the two.
        }
        let message = "the two forms of a page, plain and encoded, do not name the same keys";
        Err(call.error(Kind::Lying, message.to_owned()))
    }

    /// Decodes the keys of a page in the way that its plain form shows; `None` where it shows another one.
    /// Without a plain form, and where the page itself does not tell, an object is asked for.
    async fn decoded(
        &self,
        call: &Call,
        page: RawPage,
        plain: Option<&RawPage>,
    ) -> Result<Option<RawPage>, RemoteError> {
        if !page.encoded {
            return Ok(Some(page));
        }
        let (blank, plus) = (encoded::decode(&page, true), encoded::decode(&page, false));
        if let Some(plain) = plain {
            return Ok([blank, plus].into_iter().find(|page| encoded::agree(plain, page)));
        }
        let Some(key) = encoded::undecided(&page) else { return Ok(Some(blank)) };
        for page in [blank, plus] {
            let path = self.keys.relative(&page.items[key].key).map(RepoPath::parse);
            let Some(Ok(path)) = path else { continue };
            match self.head_object(&path).await {
                Ok(_) => return Ok(Some(page)),
                Err(error) if error.kind == Kind::NotFound => (),
                Err(error) => return Err(error),
            }
        }
        let message = "nobody can tell how the keys of a page are encoded";
        Err(call.error(Kind::Lying, message.to_owned()))
    }

    /// Fetches a page, with encoded keys if told to; an error says whether there was an answer that could
    /// not be read.
    async fn raw_page(
        &self,
        call: &Call,
        wanted: &Wanted<'_>,
        encoded: bool,
    ) -> Result<RawPage, (RemoteError, bool)> {
        let prefix = self.keys.key(wanted.prefix);
        let cursor = wanted.cursor.as_ref();
        let (begun, new) = match cursor {
            Some(cursor) if cursor.token.is_empty() => (None, Some(cursor.last_key)),
            _ => (cursor.map(|cursor| cursor.token), None),
        };
        let reading = Reading::default();
        let request = self
            .connection
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .set_prefix((!prefix.is_empty()).then_some(prefix))
            .set_continuation_token(begun.map(str::to_owned))
            .set_start_after(new.map(str::to_owned))
            .set_encoding_type(encoded.then_some(EncodingType::Url))
            .max_keys(i32::try_from(wanted.limit).unwrap_or(i32::MAX))
            .customize()
            .interceptor(reading.clone())
            .send();
        let mut unreadable = false;
        let request = async {
            request.await.inspect_err(|error| {
                unreadable = error.raw_response().is_some_and(|r| r.status().is_success());
            })
        };
        let output = answer(call, ANSWER_TIMEOUT, request).await;
        let output = output.map_err(|error| (error, unreadable))?;
        let mut page = match reading.take_page() {
            Some(page) => page,
            None if reading.objects() != Some(output.contents().len()) => {
                return Err((call.error(Kind::Failed, "the answer breaks off".to_owned()), false));
            }
            None => {
                let read = RawPage::read(output);
                read.map_err(|message| (call.error(Kind::Lying, message), false))?
            }
        };
        page.date = reading.date();
        Ok(page)
    }

    /// Makes an item of the page; looks at the object itself where the listing names no ETag.
    async fn listed(&self, call: &Call, item: RawItem) -> Result<Option<Listed>, RemoteError> {
        let relative = self.keys.relative(&item.key);
        let size = item.size.and_then(|size| u64::try_from(size).ok());
        let (Some(key), Some(size)) = (relative, size) else {
            let message = format!("{:?} has no size, or another prefix", item.key);
            return Err(call.error(Kind::Lying, message));
        };
        let listed = ListedKey { key, size, modified: item.modified };
        if listed.is_silent() {
            return Ok(None);
        }
        if let Some(etag) = item.etag.as_deref() {
            return Ok(Some(listed.into_listed(etag::token(etag))));
        }
        match RepoPath::parse(key) {
            Err(reason) => Ok(Some(listed.odd(reason))),
            Ok(path) => match self.head_object(&path).await {
                Ok(object) => Ok(Some(Listed::Object(object.entry))),
                // Deleted since it was listed.
                Err(error) if error.kind == Kind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
        }
    }
}

impl RawPage {
    /// Takes over what the store says; the error is what it leaves out.
    fn read(output: ListObjectsV2Output) -> Result<Self, String> {
        let Some(truncated) = output.is_truncated() else {
            return Err("the listing does not say whether it is complete".to_owned());
        };
        let encoded = output.encoding_type() == Some(&EncodingType::Url);
        let token = output.next_continuation_token.clone().filter(|token| !token.is_empty());
        let mut items = Vec::with_capacity(output.contents().len());
        for object in output.contents.unwrap_or_default() {
            items.push(RawItem {
                modified: nanoseconds(object.last_modified()),
                key: object.key.ok_or("the listing has an object without a key")?,
                etag: object.e_tag.filter(|etag| !etag.is_empty()),
                size: object.size,
            });
        }
        Ok(Self { items, truncated, token, encoded, is_rough: false, date: None })
    }
}

/// What every page of a listing keeps to.
struct Promise<'a> {
    keys: &'a KeySpace,
    /// What every key begins with.
    prefix: &'a str,
    /// How keys follow one another; `None` where that does not matter.
    order: Option<ListingOrder>,
}

impl Promise<'_> {
    /// Holds a page against it, and returns where to go on.
    fn hold(
        &self,
        raw: &RawPage,
        cursor: Option<&Cursor<'_>>,
    ) -> Result<Option<String>, (Kind, String)> {
        let lie = |message: String| Err((Kind::Lying, message));
        let mut last_key = cursor.map_or("", |cursor| cursor.last_key);
        let mut is_first = cursor.is_none();
        for RawItem { key, .. } in &raw.items {
            if !key.starts_with(self.prefix) {
                return lie(format!("the listing of {:?} names {key:?}", self.prefix));
            }
            // Wherever a store puts what is lsync's own, nobody depends on it.
            if self.keys.relative(key).is_some_and(|key| key.starts_with(OWN_FOLDER)) {
                continue;
            }
            if let Some(order) = self.order.filter(|_| !is_first)
                && order.compare(last_key, key) != Ordering::Less
            {
                let message =
                    format!("the listing is out of order: {key:?} comes after {last_key:?}");
                return Err((Kind::OutOfOrder, message));
            }
            (last_key, is_first) = (key, false);
        }
        match (&raw.token, raw.truncated) {
            (_, false) => Ok(None),
            (None, true) => lie(format!("the listing breaks off after {last_key:?}")),
            (Some(token), true) if cursor.is_some_and(|cursor| cursor.token == token) => {
                lie(format!("the listing repeats itself after {last_key:?}"))
            }
            (Some(token), true) => Ok(Some(Cursor { token, last_key }.text())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(keys: &[&str], truncated: bool, token: Option<&str>) -> RawPage {
        let item = |key: &&str| RawItem { key: (*key).to_owned(), ..RawItem::default() };
        RawPage {
            items: keys.iter().map(item).collect(),
            truncated,
            token: token.map(str::to_owned),
            encoded: false,
            is_rough: false,
            date: None,
        }
    }

    #[test]
    fn a_cursor_survives_whatever_token_and_key_hold() {
        for (token, last_key) in [("t", "k"), ("1:2", "a:b\n"), ("", ""), ("é", "ü/ö")] {
            let cursor = Cursor { token, last_key };
            assert_eq!(Cursor::parse(&cursor.text()), Some(cursor));
        }
        assert_eq!(Cursor::parse("nonsense"), None);
        assert_eq!(Cursor::parse("9:short"), None);
    }

    fn hold(
        raw: &RawPage,
        cursor: Option<&Cursor<'_>>,
        order: Option<ListingOrder>,
    ) -> Result<Option<String>, (Kind, String)> {
        Promise { keys: &KeySpace::new("p"), prefix: "p/", order }.hold(raw, cursor)
    }

    const KEYS: Option<ListingOrder> = Some(ListingOrder::Keys);

    #[test]
    fn an_honest_page_says_where_to_go_on() {
        let next = hold(&page(&["p/a", "p/b"], true, Some("t2")), None, KEYS).unwrap().unwrap();
        assert_eq!(Cursor::parse(&next), Some(Cursor { token: "t2", last_key: "p/b" }));
        let cursor = Cursor::parse(&next).unwrap();
        assert_eq!(hold(&page(&["p/c"], false, Some("t3")), Some(&cursor), KEYS), Ok(None));
        assert_eq!(hold(&page(&[], false, None), None, KEYS), Ok(None));
    }

    #[test]
    fn a_listing_that_contradicts_itself_is_an_error() {
        let cursor = Cursor { token: "t", last_key: "p/b" };
        for (raw, cursor, kind, words) in [
            (page(&["p/b", "p/a"], false, None), None, Kind::OutOfOrder, "out of order"),
            (page(&["p/a", "p/a"], false, None), None, Kind::OutOfOrder, "out of order"),
            (page(&["p/a"], false, None), Some(&cursor), Kind::OutOfOrder, "out of order"),
            (page(&["p/b"], false, None), Some(&cursor), Kind::OutOfOrder, "out of order"),
            (page(&["q/a"], false, None), None, Kind::Lying, "names"),
            (page(&["pq"], false, None), None, Kind::Lying, "names"),
            (page(&["p/a"], true, None), None, Kind::Lying, "breaks off"),
            (page(&["p/c"], true, Some("t")), Some(&cursor), Kind::Lying, "repeats itself"),
        ] {
            let (found, message) = hold(&raw, cursor, KEYS).unwrap_err();
            assert!(message.contains(words) && found == kind, "{found:?} {message}");
        }
    }

    #[test]
    fn keys_are_held_against_the_order_of_the_store() {
        let by_folders = page(&["p/a/b", "p/a.b"], false, None);
        assert_eq!(hold(&by_folders, None, Some(ListingOrder::Folders)), Ok(None));
        assert_eq!(hold(&by_folders, None, None), Ok(None));
        assert_eq!(hold(&by_folders, None, KEYS).unwrap_err().0, Kind::OutOfOrder);
        let by_keys = page(&["p/a.b", "p/a/b"], false, None);
        let refused = hold(&by_keys, None, Some(ListingOrder::Folders)).unwrap_err();
        assert_eq!(refused.0, Kind::OutOfOrder);
    }

    #[test]
    fn what_is_lsyncs_own_may_stand_anywhere() {
        let own = ["p/b", "p/.lsync/probe/1/create-0", "p/.lsync/probe/1/create-0", "p/c"];
        assert_eq!(hold(&page(&own, false, None), None, KEYS), Ok(None));
        for other in ["p/.LSYNC/x", "p/a/.lsync/x"] {
            let refused = hold(&page(&["p/b", other], false, None), None, KEYS).unwrap_err();
            assert_eq!(refused.0, Kind::OutOfOrder, "{other}");
        }
    }
}
