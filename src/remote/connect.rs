//! [`AnyRemote`]: whichever store a working copy was made for.

use std::ops::Range;

use bytes::Bytes;

use super::{
    Attributes, Body, BucketUrl, Capabilities, Condition, Object, Page, Part, Remote, RemoteError,
    RemoteErrorKind, S3Body, S3Remote, S3Settings, Stored, UploadId,
};
use crate::tree::{Etag, RepoPath};
