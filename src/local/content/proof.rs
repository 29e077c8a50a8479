//! Whether a local file holds what a version is known to hold, without the network. Pure.

use super::digest::{Digests, Want, part_size_candidates};
use crate::tree::{BaseRow, Etag};

/// The answer to whether two contents are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// They are equal.
    Same,
    /// They are not.
    Different,
    /// What is known decides nothing; without a better proof it counts as different.
    Unknown,
}

/// What is known of the content of a version that is not at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Bytes.
    pub size: u64,
    /// The name of the version.
    pub etag: Etag,
    /// The store names versions by MD5 (the probe saw it), and the answer named no KMS or customer
    /// key: an `ETag` of that shape that differs from the MD5 of the bytes proves a difference.
    pub etag_is_md5: bool,
    /// CRC-64/NVME, where it is known.
    pub crc64: Option<u64>,
}

impl Evidence {
    /// Returns what a row of the database knows of the content on which both sides agreed.
    pub fn of_base(row: &BaseRow) -> Self {
        Self {
            size: row.signature.size,
            etag: row.etag.clone(),
            // A row has no checksum exactly where its ETag is known to be the MD5.
            etag_is_md5: row.crc64.is_none(),
            crc64: row.crc64,
        }
    }

    /// Returns the digests that could decide, `None` where none could.
    pub fn want(&self) -> Option<Want> {
        if self.crc64.is_some() {
            // It decides both ways and costs next to nothing.
            return Some(Want::default());
        }
        if self.etag.md5().is_some() {
            return Some(Want { md5: true, part_sizes: Vec::new() });
        }
        let (_, parts) = self.etag.md5_of_parts()?;
        let part_sizes = part_size_candidates(self.size, parts);
        (!part_sizes.is_empty()).then_some(Want { md5: false, part_sizes })
    }

    /// Compares with the digests of local bytes. Digests that were not computed prove nothing.
    pub fn compare(&self, local: &Digests) -> Proof {
        if local.size != self.size {
            return Proof::Different;
        }
        if let Some(crc64) = self.crc64 {
            return if crc64 == local.crc64 { Proof::Same } else { Proof::Different };
        }
        if let Some((expected, md5)) = self.etag.md5().zip(local.md5) {
            return match expected == md5 {
                true => Proof::Same,
                false if self.etag_is_md5 => Proof::Different,
                false => Proof::Unknown,
            };
        }
        match self.etag.md5_of_parts() {
            Some((expected, _)) if local.md5_of_parts.iter().any(|(_, md5)| *md5 == expected) => {
                Proof::Same
            }
            // Another part size may have made this ETag.
            _ => Proof::Unknown,
        }
    }

    /// Decides for a local file of `size` bytes, and asks for its digests only if they can decide.
    pub fn prove<E>(
        &self,
        size: u64,
        digests: impl FnOnce(&Want) -> Result<Digests, E>,
    ) -> Result<Proof, E> {
        if size != self.size {
            return Ok(Proof::Different);
        }
        match self.want() {
            Some(want) => Ok(self.compare(&digests(&want)?)),
            None => Ok(Proof::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use md5::{Digest as _, Md5};

    use super::*;
    use crate::local::content::digest::MIB;
    use crate::tree::{RepoPath, Signature};

    fn hex(md5: [u8; 16]) -> String {
        format!("{:032x}", u128::from_be_bytes(md5))
    }

    fn evidence(size: u64, etag: &str) -> Evidence {
        Evidence { size, etag: Etag::new(etag), etag_is_md5: false, crc64: None }
    }

    fn prove(evidence: &Evidence, bytes: &[u8]) -> Proof {
        evidence.prove(bytes.len() as u64, |want| Ok::<_, ()>(Digests::of(bytes, want))).unwrap()
    }

    #[test]
    fn different_sizes_are_different_without_a_look_at_the_bytes() {
        let evidence = evidence(3, "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(evidence.prove(4, |_| Err("read")), Ok(Proof::Different));
    }

    #[test]
    fn opaque_etags_prove_nothing_and_cost_no_read() {
        for etag in ["5-1731234567000000000-1731234567000000000-17", "", "abc", "xyz-3"] {
            assert_eq!(evidence(3, etag).prove(3, |_| Err("read")), Ok(Proof::Unknown), "{etag}");
        }
    }

    #[test]
    fn a_number_of_parts_that_no_part_size_gives_costs_no_read() {
        let evidence = evidence(3, "900150983cd24fb0d6963f7d28e17f72-2");
        assert_eq!(evidence.prove(3, |_| Err("read")), Ok(Proof::Unknown));
    }

    #[test]
    fn an_md5_that_differs_counts_only_where_the_store_uses_md5() {
        let mut evidence = evidence(3, "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(prove(&evidence, b"abc"), Proof::Same);
        assert_eq!(prove(&evidence, b"abd"), Proof::Unknown);
        evidence.etag_is_md5 = true;
        assert_eq!(prove(&evidence, b"abc"), Proof::Same);
        assert_eq!(prove(&evidence, b"abd"), Proof::Different);
    }

    #[test]
    fn a_checksum_decides_both_ways_whatever_the_etag() {
        let crc64 = Digests::of(b"abc", &Want::default()).crc64;
        for etag in
            ["opaque", "00000000000000000000000000000000", "0cc175b9c0f1b6a831c399e269772661-3"]
        {
            let evidence = Evidence { crc64: Some(crc64), ..evidence(3, etag) };
            assert_eq!(evidence.want(), Some(Want::default()));
            assert_eq!(prove(&evidence, b"abc"), Proof::Same, "{etag}");
            assert_eq!(prove(&evidence, b"abd"), Proof::Different, "{etag}");
        }
    }

    #[test]
    fn uploads_in_parts_are_recognised_at_our_own_and_at_the_usual_part_sizes() {
        let bytes: Vec<u8> = (0..=250).cycle().take(17 << 20).collect();
        for (part_mib, recognised) in [
            (5, true),
            (8, true),
            (15, true),
            (16, true),
            (25, true),
            (64, true),
            (9, false),
            (6, false),
        ] {
            let part_bytes = usize::try_from(part_mib * MIB).unwrap();
            let parts: Vec<[u8; 16]> =
                bytes.chunks(part_bytes).map(|part| Md5::digest(part).into()).collect();
            let etag = format!("{}-{}", hex(Md5::digest(parts.concat()).into()), parts.len());
            let mut evidence = evidence(17 * MIB, &etag);
            evidence.etag_is_md5 = true;
            let expected = if recognised { Proof::Same } else { Proof::Unknown };
            assert_eq!(prove(&evidence, &bytes), expected, "{part_mib} MiB");
        }
    }

    #[test]
    fn a_row_without_checksum_vouches_that_its_etag_is_the_md5() {
        let signature = Signature { size: 3, mtime: 1, ctime: 1, inode: 1 };
        let mut row = BaseRow {
            path: RepoPath::parse("a").unwrap(),
            signature,
            etag: Etag::new("900150983cd24fb0d6963f7d28e17f72"),
            crc64: None,
        };
        assert_eq!(prove(&Evidence::of_base(&row), b"abd"), Proof::Different);
        assert_eq!(prove(&Evidence::of_base(&row), b"abc"), Proof::Same);
        row.crc64 = Some(Digests::of(b"abd", &Want::default()).crc64);
        assert_eq!(prove(&Evidence::of_base(&row), b"abd"), Proof::Same);
    }
}
