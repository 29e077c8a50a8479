//! Bytes on their way out.

use std::io;

use bytes::{Bytes, BytesMut};
use crc_fast::CrcAlgorithm;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

/// The bytes of a part, or of a file, on their way out: at hand, or coming piece by piece while they are sent.
pub struct Outgoing {
    length: u64,
    crc64: u64,
    md5: Option<[u8; 16]>,
    pieces: BoxStream<'static, io::Result<Bytes>>,
}

impl Outgoing {
    /// Takes bytes that are at hand.
    pub fn whole(bytes: Bytes) -> Self {
        let crc64 = crc_fast::checksum(CrcAlgorithm::Crc64Nvme, &bytes);
        let length = bytes.len() as u64;
        Self::pieces(length, crc64, stream::once(async { Ok(bytes) }).boxed())
    }

    /// Takes `length` bytes with the CRC-64/NVME `crc64` that come piece by piece. An error among
    /// them ends the request without effect.
    pub fn pieces(length: u64, crc64: u64, pieces: BoxStream<'static, io::Result<Bytes>>) -> Self {
        Self { length, crc64, md5: None, pieces }
    }

    /// Adds the MD5 of all bytes.
    #[must_use]
    pub fn with_md5(self, md5: Option<[u8; 16]>) -> Self {
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
    pub fn md5(&self) -> Option<[u8; 16]> {
        self.md5
    }

    /// Returns the bytes as they come.
    pub fn into_pieces(self) -> BoxStream<'static, io::Result<Bytes>> {
        self.pieces
    }

    /// Waits for all bytes.
    ///
    /// # Errors
    /// What the source says, and where it has fewer bytes than it promised.
    pub async fn collect(mut self) -> io::Result<Bytes> {
        let mut whole = BytesMut::with_capacity(usize::try_from(self.length).unwrap_or(0));
        while let Some(piece) = self.pieces.next().await.transpose()? {
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
