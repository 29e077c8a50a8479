//! Whether a local file holds what a version is known to hold, without the network. Pure.

use super::digest::{Digests, Want, part_size_candidates};
use crate::tree::{Comparison, Content};

/// What speaks for the content of a version that is not at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// What is known of it: it proves that bytes are the same, and that they are not.
    known: Content,
    /// What it seems to be, as by the look of the name of a version: bytes that it fits are the same, and
    /// a difference proves nothing.
    likely: Option<Content>,
}

impl Evidence {
    /// Takes what is known.
    pub fn known(content: Content) -> Self {
        Self { known: content, likely: None }
    }

    /// Adds what the content seems to be.
    #[must_use]
    pub fn or_likely(self, content: Content) -> Self {
        Self { likely: Some(content), ..self }
    }

    /// Returns how many bytes they are.
    pub fn size(&self) -> u64 {
        self.known.size
    }

    /// Returns the digests of local bytes that could decide; `None` where none could.
    pub fn want(&self) -> Option<Want> {
        want(&self.known).or_else(|| want(self.likely.as_ref()?))
    }

    /// Compares with the digests of local bytes. Digests that were not computed prove nothing.
    pub fn compare(&self, local: &Digests) -> Comparison {
        let seems_same =
            || self.likely.as_ref().is_some_and(|it| compare(it, local) == Comparison::Same);
        match compare(&self.known, local) {
            Comparison::Unknown if seems_same() => Comparison::Same,
            comparison => comparison,
        }
    }

    /// Decides for local bytes of `size`, and asks for their digests only if they can decide.
    ///
    /// # Errors
    /// Those of `digests`.
    pub fn prove<E>(
        &self,
        size: u64,
        digests: impl FnOnce(&Want) -> Result<Digests, E>,
    ) -> Result<Comparison, E> {
        if size != self.size() {
            return Ok(Comparison::Different);
        }
        match self.want() {
            Some(want) => Ok(self.compare(&digests(&want)?)),
            None => Ok(Comparison::Unknown),
        }
    }
}

/// Returns the digests that can be held against what is known.
fn want(content: &Content) -> Option<Want> {
    if content.crc64().is_some() {
        // It decides both ways and costs next to nothing.
        return Some(Want::default());
    }
    if content.md5().is_some() {
        return Some(Want { md5: true, ..Want::default() });
    }
    let part_sizes = part_size_candidates(content.size, content.part_md5s()?.parts);
    (!part_sizes.is_empty()).then(|| Want { part_sizes, ..Want::default() })
}

fn compare(content: &Content, local: &Digests) -> Comparison {
    if local.size != content.size {
        return Comparison::Different;
    }
    let of = |is_same| if is_same { Comparison::Same } else { Comparison::Different };
    if let Some(crc64) = content.crc64() {
        return of(crc64 == local.crc64);
    }
    if let Some((expected, md5)) = content.md5().zip(local.md5) {
        return of(expected == md5);
    }
    match content.part_md5s() {
        Some(parts) if local.md5_of_parts.iter().any(|(_, md5)| *md5 == parts.md5) => {
            Comparison::Same
        }
        // Another part size may have made it.
        _ => Comparison::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use md5::{Digest as _, Md5};

    use super::*;
    use crate::local::content::digest::MIB;
    use crate::tree::PartMd5s;

    fn md5(bytes: &[u8]) -> [u8; 16] {
        Md5::digest(bytes).into()
    }

    fn of_size(size: u64) -> Content {
        Content::of_size(size)
    }

    fn prove(evidence: &Evidence, bytes: &[u8]) -> Comparison {
        evidence.prove(bytes.len() as u64, |want| Ok::<_, ()>(Digests::of(bytes, want))).unwrap()
    }

    #[test]
    fn different_sizes_are_different_without_a_look_at_the_bytes() {
        let evidence = Evidence::known(of_size(3).with_md5(Some(md5(b"abc"))));
        assert_eq!(evidence.prove(4, |_| Err("read")), Ok(Comparison::Different));
    }

    #[test]
    fn where_nothing_is_known_nothing_is_read() {
        let evidence = Evidence::known(of_size(3));
        assert_eq!(evidence.prove(3, |_| Err("read")), Ok(Comparison::Unknown));
        let evidence = evidence.or_likely(of_size(3));
        assert_eq!(evidence.prove(3, |_| Err("read")), Ok(Comparison::Unknown));
    }

    #[test]
    fn a_number_of_parts_that_no_part_size_gives_costs_no_read() {
        let part_md5s = PartMd5s { md5: md5(b"abc"), parts: 2 };
        let evidence = Evidence::known(of_size(3).with_part_md5s(Some(part_md5s)));
        assert_eq!(evidence.prove(3, |_| Err("read")), Ok(Comparison::Unknown));
    }

    #[test]
    fn a_likely_md5_proves_what_is_the_same_and_a_known_one_what_is_not_too() {
        let content = of_size(3).with_md5(Some(md5(b"abc")));
        let evidence = Evidence::known(of_size(3)).or_likely(content.clone());
        assert_eq!(prove(&evidence, b"abc"), Comparison::Same);
        assert_eq!(prove(&evidence, b"abd"), Comparison::Unknown);
        let evidence = Evidence::known(content);
        assert_eq!(prove(&evidence, b"abc"), Comparison::Same);
        assert_eq!(prove(&evidence, b"abd"), Comparison::Different);
    }

    #[test]
    fn a_checksum_decides_both_ways_whatever_else_seems_to_be() {
        let crc64 = Digests::of(b"abc", &Want::default()).crc64;
        for likely in [of_size(3), of_size(3).with_md5(Some(md5(b"abd")))] {
            let known = of_size(3).with_crc64(Some(crc64));
            let evidence = Evidence::known(known).or_likely(likely);
            assert_eq!(evidence.want(), Some(Want::default()));
            assert_eq!(prove(&evidence, b"abc"), Comparison::Same);
            assert_eq!(prove(&evidence, b"abd"), Comparison::Different);
        }
        // 32 bits are too few to call two contents the same.
        let evidence = Evidence::known(of_size(3).with_crc32c(Some(0)));
        assert_eq!(evidence.prove(3, |_| Err("read")), Ok(Comparison::Unknown));
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
            let part_md5s = PartMd5s::of(bytes.chunks(part_bytes).map(md5));
            let known = of_size(17 * MIB).with_part_md5s(Some(part_md5s));
            let expected = if recognised { Comparison::Same } else { Comparison::Unknown };
            assert_eq!(prove(&Evidence::known(known), &bytes), expected, "{part_mib} MiB");
        }
    }
}
