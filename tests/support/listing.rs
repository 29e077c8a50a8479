//! Listings: pages in the byte order of keys, and the lies that some stores tell in them.

use std::ops::Bound;
use std::sync::Arc;

use s3s::dto as d;
use s3s::{S3Request, S3Result, s3_error};

use super::backend::Backend;
use super::checksums::hex;
use super::profiles::{Encoding, ListingQuirk, Unwritable};
use super::store::{Bucket, StoredVersion};

/// The longest page of S3, in keys.
const PAGE_KEYS_MAX: usize = 1000;

/// How the tokens of [`ListingQuirk::EndlessEmptyPages`] begin.
const EMPTY_PAGE: &str = "empty-";

/// One item of a page.
enum Item<'a> {
    Key(&'a str, &'a StoredVersion),
    CommonPrefix(&'a str),
}

impl Item<'_> {
    fn is_unwritable(&self) -> bool {
        matches!(self, Self::Key(key, _) if key.contains(is_unwritable))
    }
}

/// Where a page begins: behind this key, or behind all keys with this beginning.
enum Start {
    Beginning,
    AfterKey(String),
    AfterPrefix(String),
}

impl Start {
    /// Writes a token that says nothing to its reader.
    fn token(item: &Item<'_>) -> String {
        match item {
            Item::Key(key, _) => format!("k{}", hex(key.as_bytes())),
            Item::CommonPrefix(prefix) => format!("p{}", hex(prefix.as_bytes())),
        }
    }

    /// Reads a token.
    fn parse(token: &str) -> Option<Self> {
        let (kind, digits) = token.split_at_checked(1)?;
        let pairs = digits.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> = pairs
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        let text = String::from_utf8(bytes?).ok()?;
        match kind {
            "k" => Some(Self::AfterKey(text)),
            "p" => Some(Self::AfterPrefix(text)),
            _ => None,
        }
    }

    /// Returns a bound that no key which passes lies before, nor one that begins with `prefix`.
    fn bound<'a>(&'a self, prefix: &'a str) -> Bound<&'a str> {
        match self {
            Self::AfterKey(last) | Self::AfterPrefix(last) if last.as_str() > prefix => {
                Bound::Excluded(last)
            }
            _ => Bound::Included(prefix),
        }
    }

    fn passes(&self, key: &str, is_behind: fn(&str, &str) -> bool) -> bool {
        match self {
            Self::Beginning => true,
            Self::AfterKey(last) => is_behind(key, last),
            Self::AfterPrefix(last) => is_behind(key, last) && !key.starts_with(last.as_str()),
        }
    }
}

/// A key and its versions.
type Entry<'a> = (&'a String, &'a Vec<Arc<StoredVersion>>);

/// Returns the keys with a beginning that come behind a place, in the byte order of keys.
fn by_keys<'a>(
    bucket: &'a Bucket,
    prefix: &'a str,
    start: &'a Start,
) -> impl Iterator<Item = Entry<'a>> {
    let below = bucket.keys.range::<str, _>((start.bound(prefix), Bound::Unbounded));
    let below = below.take_while(move |(key, _)| key.starts_with(prefix));
    let below = below.filter(|(key, _)| !bucket.hidden.contains(*key));
    below.filter(|(key, _)| start.passes(key, |key, last| key > last))
}

/// As [`by_keys`], but a place is compared with the keys as they are encoded.
fn by_encoded_keys<'a>(
    bucket: &'a Bucket,
    prefix: &'a str,
    start: &'a Start,
    encoding: Encoding,
) -> impl Iterator<Item = Entry<'a>> {
    let is_behind = move |key: &str| match start {
        Start::AfterKey(last) => url_encode(key, encoding).as_str() > last.as_str(),
        Start::Beginning | Start::AfterPrefix(_) => true,
    };
    by_keys(bucket, prefix, &Start::Beginning).filter(move |(key, _)| is_behind(key))
}

/// As [`by_keys`], folder by folder.
fn by_folders<'a>(
    bucket: &'a Bucket,
    prefix: &str,
    start: &Start,
) -> std::vec::IntoIter<Entry<'a>> {
    let is_behind = |key: &str, last: &str| key.split('/').gt(last.split('/'));
    let all = bucket.keys.iter();
    let all = all.filter(|(key, _)| key.starts_with(prefix) && !bucket.hidden.contains(*key));
    let mut below: Vec<_> = all.filter(|(key, _)| start.passes(key, is_behind)).collect();
    below.sort_by(|(one, _), (other, _)| one.split('/').cmp(other.split('/')));
    below.into_iter()
}

/// Returns the items of one page, and whether there are more.
fn page<'a>(
    below: impl Iterator<Item = Entry<'a>>,
    (prefix, delimiter): (&str, &str),
    limit: usize,
) -> (Vec<Item<'a>>, bool) {
    let mut items: Vec<Item<'a>> = Vec::new();
    for (key, versions) in below {
        let Some(version) = versions.last().filter(|version| version.body.is_some()) else {
            continue;
        };
        let common = (!delimiter.is_empty())
            .then(|| key[prefix.len()..].find(delimiter))
            .flatten()
            .map(|at| &key[..prefix.len() + at + delimiter.len()]);
        if let (Some(common), Some(Item::CommonPrefix(last))) = (common, items.last())
            && common == *last
        {
            continue;
        }
        if items.len() == limit {
            return (items, true);
        }
        items.push(common.map_or(Item::Key(key, version), Item::CommonPrefix));
    }
    (items, false)
}

/// Tells whether the last of the versions of a key is an object.
fn is_there(versions: &[Arc<StoredVersion>]) -> bool {
    versions.last().is_some_and(|version| version.body.is_some())
}

/// Encodes for `encoding-type=url`.
fn url_encode(text: &str, encoding: Encoding) -> String {
    let name = text.rfind('/').map_or(0, |at| at + 1);
    let mut encoded = String::new();
    for (at, byte) in text.bytes().enumerate() {
        let character = char::from(byte);
        if character.is_ascii_alphanumeric() || encoding.keeps.contains(character) {
            encoded.push(character);
        } else if character == ' '
            && encoding.plus
            && (at >= name || !encoding.folders_without_plus)
        {
            encoded.push('+');
        } else {
            encoded.extend(format!("%{byte:02X}").chars());
        }
    }
    encoded
}

/// Tells whether XML 1.0 has no way to write a character.
fn is_unwritable(character: char) -> bool {
    let is_control = character < ' ' && !matches!(character, '\t' | '\n' | '\r');
    is_control || matches!(character, '\u{fffe}' | '\u{ffff}')
}

#[allow(clippy::unused_async, reason = "all operations have one form")]
impl Backend {
    pub(super) async fn page_of_objects(
        &self,
        request: S3Request<d::ListObjectsV2Input>,
    ) -> S3Result<d::ListObjectsV2Output> {
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().unwrap_or_default();
        let asked = input.max_keys.unwrap_or(1000);
        let limit = usize::try_from(asked)
            .map_err(|_| s3_error!(InvalidArgument, "max-keys is negative"))?
            .min(PAGE_KEYS_MAX);
        let start = self.start(&input)?;
        let store = self.lock();
        let bucket = store.bucket(&input.bucket)?;
        let what = (prefix.as_str(), delimiter.as_str());
        let is_new = input.continuation_token.is_none();
        let (items, more) = self.items(bucket, what, (&start, is_new), limit);
        let is_encoded = input.encoding_type.as_ref().is_some_and(|kind| kind.as_str() == "url");
        let fails = !is_encoded && self.quirks.unwritable == Unwritable::Fails;
        if fails && items.iter().any(Item::is_unwritable) {
            return Err(s3_error!(InternalError, "All strings must be XML compatible"));
        }
        let encode = |text: &str| self.spell(text, is_encoded);
        let (truncated, mut token) = self.ending(&items, more && limit > 0);
        let is_no_key = |key: &String| !bucket.keys.get(key).is_some_and(|it| is_there(it));
        if self.quirks.listing == ListingQuirk::SkippingToken
            && input.continuation_token.is_none()
            && input.start_after.as_ref().is_some_and(is_no_key)
            && more
        {
            let (further, _) = page(by_keys(bucket, &prefix, &start), what, limit + 1);
            token = further.last().map(Start::token);
        }
        let mut contents = Vec::new();
        let mut common_prefixes = Vec::new();
        for item in &items {
            match item {
                Item::Key(key, version) => contents.push(self.listed(encode(key), version)),
                Item::CommonPrefix(prefix) => {
                    common_prefixes.push(d::CommonPrefix { prefix: Some(encode(prefix)) });
                }
            }
        }
        if self.quirks.listing == ListingQuirk::Unsorted {
            contents.reverse();
        }
        Ok(d::ListObjectsV2Output {
            name: Some(input.bucket),
            key_count: i32::try_from(items.len()).ok(),
            max_keys: Some(asked.min(1000)),
            is_truncated: Some(truncated),
            next_continuation_token: token,
            continuation_token: input.continuation_token,
            contents: (!contents.is_empty()).then_some(contents),
            common_prefixes: (!common_prefixes.is_empty()).then_some(common_prefixes),
            prefix: Some(encode(&prefix)),
            delimiter: input.delimiter.as_deref().map(encode),
            start_after: input.start_after.as_deref().map(encode),
            encoding_type: input.encoding_type,
            ..Default::default()
        })
    }

    /// Spells a text in the way of this store.
    fn spell(&self, text: &str, is_encoded: bool) -> String {
        match self.quirks.unwritable {
            _ if is_encoded => url_encode(text, self.quirks.encoding),
            Unwritable::Replaced => text.replace(is_unwritable, "\u{fffd}"),
            Unwritable::Raw | Unwritable::Fails => text.to_owned(),
        }
    }

    /// Returns the items of one page in the way of this store, and whether there are more.
    fn items<'a>(
        &self,
        bucket: &'a Bucket,
        what: (&'a str, &str),
        (start, is_new): (&'a Start, bool),
        limit: usize,
    ) -> (Vec<Item<'a>>, bool) {
        match self.quirks.listing {
            ListingQuirk::ByFolders => page(by_folders(bucket, what.0, start), what, limit),
            ListingQuirk::EncodedStartAfter if is_new => {
                page(by_encoded_keys(bucket, what.0, start, self.quirks.encoding), what, limit)
            }
            _ => page(by_keys(bucket, what.0, start), what, limit),
        }
    }

    fn start(&self, input: &d::ListObjectsV2Input) -> S3Result<Start> {
        if self.quirks.listing == ListingQuirk::EndlessTruncation {
            return Ok(Start::Beginning);
        }
        if input.continuation_token.as_ref().is_some_and(|it| it.starts_with(EMPTY_PAGE)) {
            return Ok(Start::AfterKey(char::MAX.to_string()));
        }
        match (&input.continuation_token, &input.start_after) {
            (Some(token), _) => Start::parse(token).ok_or_else(|| {
                s3_error!(InvalidArgument, "The continuation token provided is incorrect")
            }),
            (None, Some(key)) if self.quirks.listing != ListingQuirk::NoStartAfter => {
                Ok(Start::AfterKey(key.clone()))
            }
            (None, _) => Ok(Start::Beginning),
        }
    }

    /// Returns whether the page says that there are more, and its token.
    fn ending(&self, items: &[Item<'_>], more: bool) -> (bool, Option<String>) {
        match self.quirks.listing {
            ListingQuirk::EndlessTruncation => (true, Some("again".to_owned())),
            ListingQuirk::TruncatedWithoutToken => (true, None),
            ListingQuirk::EndlessEmptyPages if !more => {
                (true, Some(format!("{EMPTY_PAGE}{}", fastrand::u64(..))))
            }
            ListingQuirk::Sound
            | ListingQuirk::Unsorted
            | ListingQuirk::ByFolders
            | ListingQuirk::EncodedStartAfter
            | ListingQuirk::EndlessEmptyPages
            | ListingQuirk::NoStartAfter
            | ListingQuirk::SkippingToken => {
                (more, more.then(|| items.last().map(Start::token)).flatten())
            }
        }
    }

    fn listed(&self, key: String, version: &StoredVersion) -> d::Object {
        d::Object {
            key: Some(key),
            e_tag: self.quirks.etag_in_listing.then(|| version.protocol_etag()),
            size: i64::try_from(version.size()).ok(),
            last_modified: Some(version.modified.into()),
            storage_class: Some(d::ObjectStorageClass::from_static("STANDARD")),
            ..Default::default()
        }
    }

    /// Lists all versions on one page.
    pub(super) async fn every_version(
        &self,
        request: S3Request<d::ListObjectVersionsInput>,
    ) -> S3Result<d::ListObjectVersionsOutput> {
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let store = self.lock();
        let is_encoded = input.encoding_type.as_ref().is_some_and(|kind| kind.as_str() == "url");
        let spell = |key: &str| Some(self.spell(key, is_encoded));
        let (mut versions, mut markers) = (Vec::new(), Vec::new());
        for (key, all) in store.bucket(&input.bucket)?.keys.range(prefix.clone()..) {
            if !key.starts_with(&prefix) {
                break;
            }
            for (age, version) in all.iter().rev().enumerate() {
                if version.body.is_none() {
                    markers.push(d::DeleteMarkerEntry {
                        is_latest: Some(age == 0),
                        key: spell(key),
                        version_id: Some(version.id.clone()),
                        last_modified: Some(version.modified.into()),
                        ..Default::default()
                    });
                    continue;
                }
                versions.push(d::ObjectVersion {
                    is_latest: Some(age == 0),
                    key: spell(key),
                    version_id: Some(version.id.clone()),
                    e_tag: Some(version.protocol_etag()),
                    size: i64::try_from(version.size()).ok(),
                    last_modified: Some(version.modified.into()),
                    ..Default::default()
                });
            }
        }
        Ok(d::ListObjectVersionsOutput {
            name: Some(input.bucket),
            prefix: input.prefix,
            encoding_type: input.encoding_type,
            is_truncated: Some(false),
            versions: Some(versions),
            delete_markers: Some(markers),
            ..Default::default()
        })
    }
}
