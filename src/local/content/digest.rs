//! Checksums of file contents, all of one file in one pass.

use std::ops::Range;

use crc_fast::{CrcAlgorithm, checksum_combine};
use md5::{Digest as _, Md5};

/// One mebibyte, in bytes.
pub(super) const MIB: u64 = 1024 * 1024;

/// The smallest part of an upload in parts, in bytes; up to this size a file is sent whole.
pub const PART_SIZE_BYTES_MIN: u64 = 8 * MIB;

/// The most parts that S3 accepts in one upload (S3 user guide, "Multipart upload limits").
pub const PARTS_MAX: u64 = 10_000;

/// The part sizes of widespread tools, in bytes, tried where our own does not explain an `ETag`.
const USUAL_PART_SIZES_BYTES: [u64; 6] = [5 * MIB, 8 * MIB, 15 * MIB, 16 * MIB, 25 * MIB, 64 * MIB];

/// Returns the part size in bytes with which lsync uploads a file of `length` bytes: the smallest
/// whole number of MiB, at least 8, that makes no more than 10,000 parts.
pub fn part_size(length: u64) -> u64 {
    part_size_from(length, PART_SIZE_BYTES_MIN)
}

/// As [`part_size`], with a smallest part of `least` bytes.
pub fn part_size_from(length: u64, least: u64) -> u64 {
    if length <= least.saturating_mul(PARTS_MAX) {
        return least;
    }
    length.div_ceil(PARTS_MAX).next_multiple_of(MIB)
}

/// Returns how many parts of `part_bytes` an upload of `length` bytes has: at least one.
pub fn part_count(length: u64, part_bytes: u64) -> u64 {
    length.div_ceil(part_bytes).max(1)
}

/// Returns which bytes of a file of `length` bytes the part with this number, from 1, holds.
pub fn part_range(number: u32, part_bytes: u64, length: u64) -> Range<u64> {
    let start = u64::from(number.saturating_sub(1)).saturating_mul(part_bytes).min(length);
    start..length.min(start.saturating_add(part_bytes))
}

/// Returns the part sizes in bytes that could have made `parts` parts of a file of `length` bytes:
/// our own first, then the usual ones.
pub fn part_size_candidates(length: u64, parts: u32) -> Vec<u64> {
    let own = part_size(length);
    let usual = USUAL_PART_SIZES_BYTES.into_iter().filter(|size| *size != own);
    let mut sizes: Vec<_> = std::iter::once(own).chain(usual).collect();
    sizes.retain(|size| part_count(length, *size) == u64::from(parts));
    if parts == 1 {
        // One part holds everything, whatever its size: one candidate stands for all.
        sizes.truncate(1);
    }
    sizes
}

/// Returns the CRC-64/NVME of two pieces put together; `second_bytes` is the length of the second.
pub fn combine_crc64(first: u64, second: u64, second_bytes: u64) -> u64 {
    checksum_combine(CrcAlgorithm::Crc64Nvme, first, second, second_bytes)
}

/// Which digests to compute besides CRC-64/NVME, which costs next to nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Want {
    /// The MD5 of the whole.
    pub md5: bool,
    /// The part sizes in bytes for which to compute the MD5 of the part MD5s. None may be 0.
    pub part_sizes: Vec<u64>,
}

/// What was computed of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    /// Bytes.
    pub size: u64,
    /// CRC-64/NVME.
    pub crc64: u64,
    /// MD5, if wanted.
    pub md5: Option<[u8; 16]>,
    /// Part size in bytes and MD5 of the part MD5s, for each part size wanted.
    pub md5_of_parts: Vec<(u64, [u8; 16])>,
}

impl Digests {
    /// Puts the CRC-64/NVME and the bytes of consecutive pieces together; there is no other digest then.
    pub fn of_pieces(pieces: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let empty = Digester::new(&Want::default()).finish();
        pieces.into_iter().fold(empty, |whole, (crc64, bytes)| Self {
            size: whole.size + bytes,
            crc64: combine_crc64(whole.crc64, crc64, bytes),
            ..whole
        })
    }

    /// Computes the digests of bytes in memory.
    pub fn of(bytes: &[u8], want: &Want) -> Self {
        let mut digester = Digester::new(want);
        digester.update(bytes);
        digester.finish()
    }
}

/// Computes [`Digests`] piece by piece.
pub struct Digester {
    size: u64,
    crc64: crc_fast::Digest,
    md5: Option<Md5>,
    chains: Vec<PartChain>,
}

/// The MD5s of consecutive parts of one size, and the MD5 of these.
struct PartChain {
    part_bytes: u64,
    filled_bytes: u64,
    part: Md5,
    closed: u64,
    whole: Md5,
}

impl Digester {
    /// Begins with no bytes.
    pub fn new(want: &Want) -> Self {
        Self {
            size: 0,
            crc64: crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme),
            md5: want.md5.then(Md5::new),
            chains: want.part_sizes.iter().map(|size| PartChain::new(*size)).collect(),
        }
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.crc64.update(bytes);
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        for chain in &mut self.chains {
            chain.update(bytes);
        }
    }

    /// Returns the CRC-64/NVME of the bytes so far.
    pub fn crc64(&self) -> u64 {
        self.crc64.finalize()
    }

    /// Returns the digests of everything added.
    pub fn finish(self) -> Digests {
        Digests {
            size: self.size,
            crc64: self.crc64.finalize(),
            md5: self.md5.map(|md5| md5.finalize().into()),
            md5_of_parts: self.chains.into_iter().map(PartChain::finish).collect(),
        }
    }
}

impl PartChain {
    fn new(part_bytes: u64) -> Self {
        Self { part_bytes, filled_bytes: 0, part: Md5::new(), closed: 0, whole: Md5::new() }
    }

    fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.part_bytes - self.filled_bytes;
            let (now, later) =
                bytes.split_at(usize::try_from(room).map_or(bytes.len(), |r| r.min(bytes.len())));
            self.part.update(now);
            self.filled_bytes += now.len() as u64;
            if self.filled_bytes == self.part_bytes {
                self.close_part();
            }
            bytes = later;
        }
    }

    fn close_part(&mut self) {
        self.whole.update(self.part.finalize_reset());
        self.filled_bytes = 0;
        self.closed += 1;
    }

    fn finish(mut self) -> (u64, [u8; 16]) {
        // An upload has at least one part, if an empty one.
        if self.filled_bytes > 0 || self.closed == 0 {
            self.close_part();
        }
        (self.part_bytes, self.whole.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn md5(bytes: &[u8]) -> [u8; 16] {
        Md5::digest(bytes).into()
    }

    #[test]
    fn the_part_size_grows_in_whole_mebibytes_beyond_ten_thousand_parts() {
        for (length, size) in [
            (0, 8 * MIB),
            (8 * MIB, 8 * MIB),
            (80_000 * MIB, 8 * MIB),
            (80_000 * MIB + 1, 9 * MIB),
            (90_000 * MIB, 9 * MIB),
            (90_000 * MIB + 1, 10 * MIB),
            (5 * MIB * MIB, 525 * MIB),
        ] {
            assert_eq!(part_size(length), size, "{length}");
            assert!(part_count(length, part_size(length)) <= PARTS_MAX, "{length}");
        }
    }

    #[test]
    fn only_part_sizes_that_give_the_number_of_parts_are_candidates() {
        for (length, parts, sizes) in [
            (20 * MIB, 3, vec![8 * MIB]),
            (20 * MIB, 4, vec![5 * MIB]),
            (20 * MIB, 2, vec![15 * MIB, 16 * MIB]),
            (20 * MIB, 1, vec![25 * MIB]),
            (20 * MIB, 7, vec![]),
            (80_001 * MIB, 8_889, vec![9 * MIB]),
            (0, 1, vec![8 * MIB]),
            (MIB, 1, vec![8 * MIB]),
            (MIB, 2, vec![]),
        ] {
            assert_eq!(part_size_candidates(length, parts), sizes, "{length} in {parts}");
        }
    }

    #[test]
    fn checksums_are_those_of_the_specifications() {
        // CRC-64/NVME of the check string: the CRC catalogue of RevEng. MD5: RFC 1321, A.5.
        let digests = Digests::of(b"123456789", &Want { md5: true, ..Want::default() });
        assert_eq!(digests.crc64, 0xae8b_1486_0a79_9888);
        assert_eq!(digests.size, 9);
        let abc = Digests::of(b"abc", &Want { md5: true, ..Want::default() });
        assert_eq!(
            u128::from_be_bytes(abc.md5.unwrap()),
            0x9001_5098_3cd2_4fb0_d696_3f7d_28e1_7f72
        );
        assert_eq!(Digests::of(b"abc", &Want::default()).md5, None);
    }

    #[test]
    fn part_chains_hash_the_hashes_of_the_parts() {
        let bytes = b"abcdefgh";
        let want = Want { part_sizes: vec![3, 4, 8, 100], ..Want::default() };
        let expected = [
            (3, md5(&[md5(b"abc"), md5(b"def"), md5(b"gh")].concat())),
            (4, md5(&[md5(b"abcd"), md5(b"efgh")].concat())),
            (8, md5(&md5(bytes))),
            (100, md5(&md5(bytes))),
        ];
        let whole = Digests::of(bytes, &want);
        assert_eq!(whole.md5_of_parts, expected);
        for cut in 0..bytes.len() {
            let mut digester = Digester::new(&want);
            digester.update(&bytes[..cut]);
            digester.update(&bytes[cut..]);
            assert_eq!(digester.finish(), whole, "cut at {cut}");
        }
    }

    #[test]
    fn an_upload_of_nothing_has_one_empty_part() {
        let want = Want { part_sizes: vec![8], ..Want::default() };
        assert_eq!(Digests::of(b"", &want).md5_of_parts, [(8, md5(&md5(b"")))]);
    }

    #[test]
    fn checksums_of_pieces_make_the_checksum_of_the_whole() {
        let crc64 = |bytes: &[u8]| Digests::of(bytes, &Want::default()).crc64;
        for cut in 0..=5 {
            let (first, second) = b"hello".split_at(cut);
            let combined = combine_crc64(crc64(first), crc64(second), second.len() as u64);
            assert_eq!(combined, crc64(b"hello"), "cut at {cut}");
            let pieces = [first, second].map(|piece| (crc64(piece), piece.len() as u64));
            assert_eq!(Digests::of_pieces(pieces), Digests::of(b"hello", &Want::default()));
        }
    }
}
