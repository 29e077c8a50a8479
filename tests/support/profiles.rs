//! What a store promises: [`Profile`] names known stores and known lies, [`Quirks`] the details.

/// How a store treats `If-Match` and `If-None-Match` of a kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conditional {
    /// Checked and stored in one step.
    Atomic,
    /// As [`Conditional::Atomic`], but a quoted ETag never matches (Ceph).
    Unquoted,
    /// `If-None-Match` as [`Conditional::Atomic`], `If-Match` accepted and not looked at (moto).
    CreationAlone,
    /// Accepted and not looked at (Garage, GCS).
    Ignored,
    /// Refused with 501 (Backblaze B2).
    Refused,
    /// Checked, and stored after a pause, so that several of eight win (s3s-fs).
    Racy,
}

/// What a store does with the checksums of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checking {
    /// Compares them and keeps them.
    Verified,
    /// Does not know them: neither compared nor given back.
    Ignored,
    /// Refuses them with 400.
    Refused,
}

/// How a listing lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListingQuirk {
    /// Not at all.
    Sound,
    /// The keys of a page in the wrong order.
    Unsorted,
    /// Folder by folder: `a/b` before `a.b` (`SeaweedFS`, s3rver).
    ByFolders,
    /// Every page is said to be followed by another one, with the same token.
    EndlessTruncation,
    /// A page says that it is cut, and gives no token.
    TruncatedWithoutToken,
    /// Empty pages without end, each with a token of its own.
    EndlessEmptyPages,
    /// `start-after` is not known: what was asked for so begins at the first key.
    NoStartAfter,
    /// `start-after` is compared with keys as `encoding-type=url` spells them, so that keys beyond ASCII
    /// are missing behind it (`LocalStack`).
    EncodedStartAfter,
    /// The token of a page that began behind a key that is none skips a key (`MinIO` issue 21463).
    SkippingToken,
}

/// What a listing does with a key that XML cannot hold, unless `encoding-type=url` asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwritable {
    /// It stands there as it is (s3s).
    Raw,
    /// U+FFFD stands for each such character (stores written in Go, `SeaweedFS`).
    Replaced,
    /// The listing fails with 500 (Swift).
    Fails,
}

/// How a listing is encoded where `encoding-type=url` asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    /// The characters that stay as they are, beside letters and digits.
    pub keeps: &'static str,
    /// Blanks become `+`, not `%20`.
    pub plus: bool,
    /// In folders they become `%20` nevertheless (`SeaweedFS`).
    pub folders_without_plus: bool,
}

impl Encoding {
    /// Java's `URLEncoder` with `/` left out, as `MinIO` (`s3EncodeName`) has found out, too.
    const AWS: Self = Self { keeps: "-_.*/", plus: true, folders_without_plus: false };
}

/// What a store promises and does not, point by point. The default is AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a separate fact about a store")]
pub struct Quirks {
    /// Conditions of `PutObject` and `CopyObject`.
    pub put: Conditional,
    /// Conditions of `CompleteMultipartUpload`.
    pub complete: Conditional,
    /// Conditions of `DeleteObject`.
    pub delete: Conditional,
    /// No ETag matches where parts are put together, or on the deletion of what was made so (Swift).
    pub keeps_parts: bool,
    /// Conditions of the keys of `DeleteObjects`.
    pub delete_many: Conditional,
    /// `If-None-Match` of `PutObject` is looked at in buckets that keep versions, too.
    pub creation_with_versions: bool,
    /// `GET` and `HEAD` look at `If-Match`.
    pub conditional_get: bool,
    /// A condition on a missing key is answered 412, not 404.
    pub missing_is_changed: bool,
    /// The answer to Complete names the ETag.
    pub complete_names_etag: bool,
    /// A Complete of an upload that is no more succeeds where the key holds just those parts, and is
    /// answered 500 where it does not.
    pub completes_again: bool,
    /// ETags are random and answers name a KMS key, as under SSE-KMS.
    pub random_etags: bool,
    /// The answers to `PUT` name the ETag.
    pub etag_of_writes: bool,
    /// The answers to `HEAD` and `GET` name the ETag (the gateway of `JuiceFS` unless it has `--keep-etag`).
    pub etag_of_reads: bool,
    /// Listings carry ETags.
    pub etag_in_listing: bool,
    /// How listings are encoded.
    pub encoding: Encoding,
    /// `\\` becomes `/` in keys (`SeaweedFS`).
    pub backslash_is_slash: bool,
    /// What listings do with keys that XML cannot hold.
    pub unwritable: Unwritable,
    /// How listings lie.
    pub listing: ListingQuirk,
    /// Writes are refused with 403.
    pub read_only: bool,
    /// `a` and `a/b` can stand side by side.
    pub file_beside_folder: bool,
    /// `If-None-Match: *` on `a` fails while `a/b` is there (`SeaweedFS`).
    pub creation_minds_folders: bool,
    /// New buckets keep versions.
    pub versioned: bool,
    /// Answers to PUT name a version that cannot be fetched any more once it is replaced.
    pub names_versions_it_drops: bool,
    /// `aws-chunked` bodies with trailers are understood.
    pub trailers: bool,
    /// What happens to checksum headers.
    pub checksums: Checking,
    /// `UploadPartCopy` is there (not on GCS, Storj, `rclone serve`).
    pub copies_parts: bool,
    /// Copies look at `x-amz-copy-source-if-match`.
    pub conditional_copy: bool,
    /// A `PUT`, or a part, without Content-MD5 or a checksum is refused with 400, and versions cannot be deleted,
    /// as under a default retention of Object Lock.
    pub locks_objects: bool,
    /// Uploads in parts are there; else all that has to do with them is refused with 501.
    pub parts: bool,
    /// The answer to `CreateMultipartUpload` has the root element `InitiateMultipartUpload` (gofakes3, which
    /// is `rclone serve s3`).
    pub other_root: bool,
    /// Bytes that every part but the last must have (AWS: 5 MiB).
    pub part_minimum_bytes: usize,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            put: Conditional::Atomic,
            complete: Conditional::Atomic,
            delete: Conditional::Atomic,
            keeps_parts: false,
            delete_many: Conditional::Atomic,
            creation_with_versions: true,
            conditional_get: true,
            missing_is_changed: false,
            complete_names_etag: true,
            completes_again: false,
            random_etags: false,
            etag_of_writes: true,
            etag_of_reads: true,
            etag_in_listing: true,
            encoding: Encoding::AWS,
            backslash_is_slash: false,
            unwritable: Unwritable::Raw,
            listing: ListingQuirk::Sound,
            read_only: false,
            file_beside_folder: true,
            creation_minds_folders: false,
            versioned: false,
            names_versions_it_drops: false,
            trailers: true,
            checksums: Checking::Verified,
            copies_parts: true,
            conditional_copy: true,
            locks_objects: false,
            parts: true,
            other_root: false,
            part_minimum_bytes: 5 << 20,
        }
    }
}

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Everything that AWS S3 promises.
    Aws,
    /// AWS with a bucket that keeps versions.
    Versioned,
    /// AWS with a bucket whose objects are locked by a default retention.
    ObjectLock,
    /// moto 5.2.5, an emulator.
    Moto,
    /// Ceph RGW 16: conditions on `PUT` alone, ETags unquoted alone, `If-None-Match` not in buckets
    /// that keep versions; no checksums, no trailers, no ETag in the answer to Complete.
    Ceph,
    /// s3s-fs: a `GET` with a wrong `If-Match` is answered 200.
    UnconditionalGet,
    /// Garage 2.5: every condition is ignored, `/` is encoded in listings, no trailers.
    Garage,
    /// `rclone serve s3`: every condition is ignored, those of `GET`, too, no checksums, no copies of parts,
    /// and a root element of its own where an upload in parts begins.
    Rclone,
    /// A gateway that takes no uploads in parts.
    NoParts,
    /// Backblaze B2: conditions are refused with 501, checksum headers with 400.
    B2,
    /// Conditions hold one after the other, not at once.
    Racy,
    /// `MinIO`: conditions on `PUT` and Complete, none on `DELETE`.
    NoConditionalDelete,
    /// SSE-KMS: ETags are no MD5s though they look like it.
    RandomEtags,
    /// s3s-fs: listings without ETags.
    NoEtagInList,
    /// No permission to write.
    ReadOnly,
    /// Pages whose keys are out of order.
    UnsortedList,
    /// Listings that go folder by folder: `a/b` before `a.b` (`SeaweedFS`, s3rver).
    FolderOrder,
    /// Pages that always say "more", with the same token.
    EndlessTruncation,
    /// Listings that go on with empty pages, each with a token of its own.
    EndlessEmptyPages,
    /// Pages that say "more" without a token.
    TruncatedWithoutToken,
    /// Listings that begin at the first key, whatever `start-after` says.
    NoStartAfter,
    /// `LocalStack`: `start-after` is compared with encoded keys.
    EncodedStartAfter,
    /// `MinIO` from 2024 to August 2025: a token may skip a key.
    SkippingToken,
    /// `MinIO` and other stores on a file system: `a` and `a/b` exclude each other.
    NoFileBesideFolder,
    /// `SeaweedFS` 4.48: listings by folders, `%20` in folders and `+` in the last name for a blank, `/` for
    /// a backslash; conditions hold on `PUT` and `DELETE`, and not at once on Complete and in batches.
    SeaweedFs,
    /// `OpenStack` Swift 2.30.1 with s3api: conditional writes are 501, conditional deletions race and never
    /// hold for what was made in parts, a listing with a control character is 500.
    Swift,
}

impl Profile {
    /// Returns the profile of a store that `tests/stores` and `benches` ask for.
    pub fn named(store: &str) -> Option<Self> {
        match store {
            // MiniStack does as AWS does.
            "aws" | "ministack" => Some(Self::Aws),
            "moto" => Some(Self::Moto),
            "ceph" => Some(Self::Ceph),
            "garage" => Some(Self::Garage),
            "seaweedfs" => Some(Self::SeaweedFs),
            "swift" => Some(Self::Swift),
            _ => None,
        }
    }

    /// Returns what sets the store apart.
    pub fn quirks(self) -> Quirks {
        let (aws, ignored) = (Quirks::default(), Conditional::Ignored);
        let listing = |listing| Quirks { listing, ..Quirks::default() };
        let writes = |how| Quirks {
            put: how,
            complete: how,
            delete: how,
            delete_many: how,
            ..Quirks::default()
        };
        match self {
            Self::Aws => aws,
            Self::Versioned => Quirks { versioned: true, ..aws },
            Self::ObjectLock => Quirks { versioned: true, locks_objects: true, ..aws },
            Self::UnconditionalGet => Quirks { conditional_get: false, copies_parts: false, ..aws },
            Self::Moto => Quirks {
                conditional_copy: false,
                complete: Conditional::CreationAlone,
                delete_many: Conditional::Ignored,
                completes_again: true,
                checksums: Checking::Ignored,
                encoding: Encoding { keeps: "-_.~/", plus: false, folders_without_plus: false },
                ..aws
            },
            Self::Ceph => ceph(),
            Self::Garage => Quirks {
                encoding: Encoding { keeps: "-_.~", plus: false, folders_without_plus: false },
                names_versions_it_drops: true,
                trailers: false,
                ..writes(Conditional::Ignored)
            },
            Self::Rclone => Quirks {
                conditional_get: false,
                copies_parts: false,
                checksums: Checking::Ignored,
                other_root: true,
                ..writes(Conditional::Ignored)
            },
            Self::NoParts => Quirks { parts: false, ..aws },
            Self::B2 => Quirks { checksums: Checking::Refused, ..writes(Conditional::Refused) },
            Self::Racy => writes(Conditional::Racy),
            Self::NoConditionalDelete => Quirks { delete: ignored, delete_many: ignored, ..aws },
            Self::RandomEtags => Quirks { random_etags: true, ..aws },
            Self::NoEtagInList => Quirks { etag_in_listing: false, ..aws },
            Self::ReadOnly => Quirks { read_only: true, ..aws },
            Self::UnsortedList => listing(ListingQuirk::Unsorted),
            Self::FolderOrder => listing(ListingQuirk::ByFolders),
            Self::EndlessTruncation => listing(ListingQuirk::EndlessTruncation),
            Self::EndlessEmptyPages => listing(ListingQuirk::EndlessEmptyPages),
            Self::TruncatedWithoutToken => listing(ListingQuirk::TruncatedWithoutToken),
            Self::NoStartAfter => listing(ListingQuirk::NoStartAfter),
            Self::EncodedStartAfter => listing(ListingQuirk::EncodedStartAfter),
            Self::SkippingToken => listing(ListingQuirk::SkippingToken),
            Self::NoFileBesideFolder => Quirks { file_beside_folder: false, ..aws },
            Self::SeaweedFs => seaweedfs(),
            Self::Swift => swift(),
        }
    }
}

fn swift() -> Quirks {
    Quirks {
        put: Conditional::Refused,
        delete: Conditional::Racy,
        delete_many: Conditional::Refused,
        keeps_parts: true,
        completes_again: true,
        unwritable: Unwritable::Fails,
        encoding: Encoding { keeps: "-_.~/", plus: false, folders_without_plus: false },
        checksums: Checking::Ignored,
        trailers: false,
        ..Quirks::default()
    }
}

fn ceph() -> Quirks {
    Quirks {
        conditional_copy: false,
        put: Conditional::Unquoted,
        creation_with_versions: false,
        complete: Conditional::Ignored,
        delete: Conditional::Ignored,
        delete_many: Conditional::Ignored,
        missing_is_changed: true,
        complete_names_etag: false,
        completes_again: true,
        trailers: false,
        checksums: Checking::Ignored,
        encoding: Encoding { keeps: "-_.~()*'!", plus: false, folders_without_plus: false },
        ..Quirks::default()
    }
}

fn seaweedfs() -> Quirks {
    Quirks {
        complete: Conditional::Racy,
        delete_many: Conditional::Racy,
        encoding: Encoding { keeps: "-_.~/", plus: true, folders_without_plus: true },
        unwritable: Unwritable::Replaced,
        backslash_is_slash: true,
        creation_minds_folders: true,
        missing_is_changed: true,
        completes_again: true,
        listing: ListingQuirk::ByFolders,
        ..Quirks::default()
    }
}
