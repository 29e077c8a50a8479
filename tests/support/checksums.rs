//! Checksums of bodies: computed, and compared with what the request promised.

use md5::{Digest as _, Md5};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use s3s::dto::{Checksum, ChecksumType};
use s3s::{S3Result, s3_error};

/// Returns hex of the MD5.
pub fn md5_hex(bytes: &[u8]) -> String {
    hex(&md5_of(bytes))
}

/// Returns the MD5.
pub fn md5_of(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

/// Returns lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Reads bytes in hex; what is no hex is left out.
pub fn unhex(text: &str) -> Vec<u8> {
    let pairs = (0..text.len() / 2).filter_map(|at| text.get(2 * at..2 * at + 2));
    pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

/// Compares `promised` with the body; returns what is to be kept: what was promised, else CRC64NVME,
/// as AWS computes it for everything.
pub fn verify(promised: &Checksum, body: &[u8]) -> S3Result<Checksum> {
    let mut hasher = ChecksumHasher {
        crc32: promised.checksum_crc32.as_ref().map(|_| Crc32::new()),
        crc32c: promised.checksum_crc32c.as_ref().map(|_| Crc32c::new()),
        sha1: promised.checksum_sha1.as_ref().map(|_| Sha1::new()),
        sha256: promised.checksum_sha256.as_ref().map(|_| Sha256::new()),
        crc64nvme: promised.checksum_crc64nvme.as_ref().map(|_| Crc64Nvme::new()),
    };
    if is_empty(promised) {
        hasher.crc64nvme = Some(Crc64Nvme::new());
    }
    hasher.update(body);
    let mut computed = hasher.finalize();
    let pairs = [
        (&promised.checksum_crc32, &computed.checksum_crc32),
        (&promised.checksum_crc32c, &computed.checksum_crc32c),
        (&promised.checksum_crc64nvme, &computed.checksum_crc64nvme),
        (&promised.checksum_sha1, &computed.checksum_sha1),
        (&promised.checksum_sha256, &computed.checksum_sha256),
    ];
    if pairs.iter().any(|(promised, computed)| promised.is_some() && promised != computed) {
        return Err(s3_error!(
            BadDigest,
            "The checksum you specified did not match the calculated checksum."
        ));
    }
    computed.checksum_type = Some(ChecksumType::from_static(ChecksumType::FULL_OBJECT));
    Ok(computed)
}

/// Compares `Content-MD5` with the body.
pub fn verify_md5(promised: Option<&str>, body: &[u8]) -> S3Result<()> {
    match promised {
        Some(promised) if promised != base64(&md5_of(body)) => Err(s3_error!(
            BadDigest,
            "The Content-MD5 you specified did not match what we received."
        )),
        _ => Ok(()),
    }
}

/// Refuses a body of which nothing was promised, as a bucket with Object Lock does; `what` is the
/// request, as the store calls it.
pub fn require(promised: &Checksum, md5: Option<&str>, what: &str) -> S3Result<()> {
    if md5.is_some() || !is_empty(promised) {
        return Ok(());
    }
    Err(s3_error!(
        InvalidRequest,
        "Content-MD5 OR x-amz-checksum- HTTP header is required for {what} requests with Object Lock \
         parameters"
    ))
}

/// Tells whether nothing was promised.
pub fn is_empty(checksum: &Checksum) -> bool {
    checksum.checksum_crc32.is_none()
        && checksum.checksum_crc32c.is_none()
        && checksum.checksum_crc64nvme.is_none()
        && checksum.checksum_sha1.is_none()
        && checksum.checksum_sha256.is_none()
}

/// Encodes with the standard alphabet and padding.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(group);
        for digit in 0..4 {
            if digit <= chunk.len() {
                let index = (bits >> (18 - 6 * digit)) & 63;
                text.push(char::from(ALPHABET[index as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}
