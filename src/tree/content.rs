//! [`Content`]: what is known of bytes, for proofs.

use std::fmt;

use md5::{Digest as _, Md5 as Hash};

use super::Token;
use super::hex::read_hex;

/// An MD5.
pub type Md5 = [u8; 16];

/// What the parts of an upload amount to: the MD5 of their MD5s, and how many they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartMd5s {
    /// The MD5 of the MD5s of the parts, in their order.
    pub md5: Md5,
    /// How many parts there are.
    pub parts: u32,
}

impl PartMd5s {
    /// Puts the MD5s of parts together, in their order.
    pub fn of(parts: impl IntoIterator<Item = Md5>) -> Self {
        let (mut hash, mut count) = (Hash::new(), 0);
        for part in parts {
            hash.update(part);
            count += 1;
        }
        Self { md5: hash.finalize().into(), parts: count }
    }

    /// Reads 32 hex digits, a minus and the number of parts, from 1.
    pub fn parse(text: &str) -> Option<Self> {
        let (hex, parts) = text.split_once('-')?;
        let parts = parts.parse().ok().filter(|parts| *parts > 0)?;
        read_hex(hex.as_bytes()).map(|md5| Self { md5, parts })
    }
}

impl fmt::Display for PartMd5s {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", Token::of_bytes(self.md5), self.parts)
    }
}

/// What is known of bytes that may not be at hand. It proves that other bytes are the same, or that they
/// are not, and is never a condition of a request ([`super::Version`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// How many bytes they are.
    pub size: u64,
    known: Known,
}

/// The digests that are known. Each set of them has one spelling, so that equal ones are equal; of most
/// rows it is one digest, which takes no memory of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    Nothing,
    Md5(Md5),
    Crc64(u64),
    Several(Box<Digests>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Digests {
    md5: Option<Md5>,
    part_md5s: Option<PartMd5s>,
    crc64: Option<u64>,
    crc32c: Option<u32>,
}

impl Content {
    /// Makes one of which nothing but the size in bytes is known.
    pub fn of_size(size: u64) -> Self {
        Self { size, known: Known::Nothing }
    }

    /// Takes the MD5 of all bytes, where it is known.
    #[must_use]
    pub fn with_md5(self, md5: Option<Md5>) -> Self {
        self.with(|digests| digests.md5 = md5)
    }

    /// Takes the MD5 of the MD5s of the parts as which the bytes were sent, where it is known.
    #[must_use]
    pub fn with_part_md5s(self, part_md5s: Option<PartMd5s>) -> Self {
        self.with(|digests| digests.part_md5s = part_md5s)
    }

    /// Takes the CRC-64/NVME of all bytes, where it is known.
    #[must_use]
    pub fn with_crc64(self, crc64: Option<u64>) -> Self {
        self.with(|digests| digests.crc64 = crc64)
    }

    /// Takes the CRC-32C of all bytes, where it is known. It is kept for stores that know no other checksum,
    /// and proves nothing by itself: 32 bits are too few.
    #[must_use]
    pub fn with_crc32c(self, crc32c: Option<u32>) -> Self {
        self.with(|digests| digests.crc32c = crc32c)
    }

    /// Returns the MD5 of all bytes, where it is known.
    pub fn md5(&self) -> Option<Md5> {
        self.digests().md5
    }

    /// Returns what the parts amount to as which the bytes were sent, where it is known.
    pub fn part_md5s(&self) -> Option<PartMd5s> {
        self.digests().part_md5s
    }

    /// Returns the CRC-64/NVME of all bytes, where it is known.
    pub fn crc64(&self) -> Option<u64> {
        self.digests().crc64
    }

    /// Returns the CRC-32C of all bytes, where it is known.
    pub fn crc32c(&self) -> Option<u32> {
        self.digests().crc32c
    }

    fn digests(&self) -> Digests {
        match &self.known {
            Known::Nothing => Digests::default(),
            Known::Md5(md5) => Digests { md5: Some(*md5), ..Digests::default() },
            Known::Crc64(crc64) => Digests { crc64: Some(*crc64), ..Digests::default() },
            Known::Several(digests) => **digests,
        }
    }

    fn with(self, change: impl FnOnce(&mut Digests)) -> Self {
        let mut digests = self.digests();
        change(&mut digests);
        let known = match digests {
            Digests { md5: None, part_md5s: None, crc64: None, crc32c: None } => Known::Nothing,
            Digests { md5: Some(md5), part_md5s: None, crc64: None, crc32c: None } => {
                Known::Md5(md5)
            }
            Digests { md5: None, part_md5s: None, crc64: Some(crc64), crc32c: None } => {
                Known::Crc64(crc64)
            }
            digests => Known::Several(Box::new(digests)),
        };
        Self { size: self.size, known }
    }
}

/// The answer to whether two contents are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// Proven equal.
    Same,
    /// Proven different.
    Different,
    /// Not proven either way: counts as different.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_comes_back_whatever_else_is_known() {
        let (md5, crc64, crc32c) = ([7; 16], 8, 9);
        let part_md5s = PartMd5s { md5: [6; 16], parts: 2 };
        for bits in 0..16_u8 {
            let is = |bit: u8| bits & bit != 0;
            let content = Content::of_size(5)
                .with_crc32c(is(1).then_some(crc32c))
                .with_crc64(is(2).then_some(crc64))
                .with_part_md5s(is(4).then_some(part_md5s))
                .with_md5(is(8).then_some(md5));
            assert_eq!(content.size, 5);
            assert_eq!(content.crc32c(), is(1).then_some(crc32c));
            assert_eq!(content.crc64(), is(2).then_some(crc64));
            assert_eq!(content.part_md5s(), is(4).then_some(part_md5s));
            assert_eq!(content.md5(), is(8).then_some(md5));
            let nothing = content.with_md5(None).with_part_md5s(None).with_crc64(None);
            assert_eq!(nothing.with_crc32c(None), Content::of_size(5), "one spelling each");
        }
    }

    #[test]
    fn parts_amount_to_the_md5_of_their_md5s() {
        let md5 = |bytes: &[u8]| -> Md5 { Hash::digest(bytes).into() };
        let (first, second) = (md5(b"a"), md5(b"b"));
        let whole = PartMd5s { md5: md5(&[first, second].concat()), parts: 2 };
        assert_eq!(PartMd5s::of([first, second]), whole);
        assert_eq!(PartMd5s::parse(&whole.to_string()), Some(whole));
    }

    #[test]
    fn one_digest_takes_no_memory_of_its_own() {
        assert!(size_of::<Content>() <= 32, "{}", size_of::<Content>());
    }
}
