//! Bytes on their way out.

use std::io;

use bytes::{Bytes, BytesMut};
use crc_fast::CrcAlgorithm;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use crate::tree::Md5;

/// The bytes of a part, or of a file, on their way out, with the checksum that is sent with them.
pub struct Outgoing {
    length: u64,
    crc64: u64,
    md5: Option<Md5>,
    source: Source,
}

/// Where the bytes come from.
enum Source {
    /// They are at hand.
    Whole(Bytes),
    /// They come piece by piece while they are sent.
    Pieces(BoxStream<'static, io::Result<Bytes>>),
}

impl Outgoing {
    /// Takes bytes that are at hand.
    pub fn whole(bytes: Bytes) -> Self {
        let crc64 = crc_fast::checksum(CrcAlgorithm::Crc64Nvme, &bytes);
        Self::with_crc64(bytes, crc64)
    }

    /// Takes bytes that are at hand and whose CRC-64/NVME is known.
    pub fn with_crc64(bytes: Bytes, crc64: u64) -> Self {
        let length = bytes.len() as u64;
        Self { length, crc64, md5: None, source: Source::Whole(bytes) }
    }

    /// Takes `length` bytes with the CRC-64/NVME `crc64` that come piece by piece. An error among
    /// them ends the request without effect.
    pub fn pieces(length: u64, crc64: u64, pieces: BoxStream<'static, io::Result<Bytes>>) -> Self {
        Self { length, crc64, md5: None, source: Source::Pieces(pieces) }
    }

    /// Adds the MD5 of all bytes.
    #[must_use]
    pub fn with_md5(self, md5: Option<Md5>) -> Self {
        Self { md5, ..self }
    }

    /// Returns the number of bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns the CRC-64/NVME of all bytes.
    pub fn crc64(&self) -> u64 {
        self.crc64
    }

    /// Returns the MD5 of all bytes, where it is known.
    pub fn md5(&self) -> Option<Md5> {
        self.md5
    }

    /// Returns the bytes where they are at hand.
    pub fn at_hand(&self) -> Option<&Bytes> {
        if let Source::Whole(bytes) = &self.source { Some(bytes) } else { None }
    }

    /// Returns the bytes as they come.
    pub fn into_pieces(self) -> BoxStream<'static, io::Result<Bytes>> {
        match self.source {
            Source::Whole(bytes) => stream::once(async { Ok(bytes) }).boxed(),
            Source::Pieces(pieces) => pieces,
        }
    }

    /// Waits for all bytes.
    ///
    /// # Errors
    /// What the source says, and where it has fewer bytes than it promised.
    pub async fn collect(self) -> io::Result<Bytes> {
        let mut pieces = match self.source {
            Source::Whole(bytes) => return Ok(bytes),
            Source::Pieces(pieces) => pieces,
        };
        let mut whole = BytesMut::with_capacity(usize::try_from(self.length).unwrap_or(0));
        while let Some(piece) = pieces.next().await.transpose()? {
            whole.extend_from_slice(&piece);
        }
        if whole.len() as u64 == self.length {
            Ok(whole.freeze())
        } else {
            let message = format!("{} bytes came instead of {}", whole.len(), self.length);
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, message))
        }
    }
}

impl From<Bytes> for Outgoing {
    fn from(bytes: Bytes) -> Self {
        Self::whole(bytes)
    }
}
