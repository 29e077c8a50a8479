//! What an `ETag` says of the bytes that it names, where it is an MD5 as on most stores with S3's protocol.

use crate::tree::{Content, Md5, PartMd5s, Token, Version};

/// Takes an `ETag` as a store or a listing writes it: surrounding quotes and `W/` are taken off.
pub(super) fn token(text: &str) -> Token {
    let text = text.strip_prefix("W/").unwrap_or(text);
    Token::new(text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text))
}

/// Returns the bytes of an MD5 where the `ETag` has the shape of one (32 hex digits).
pub(crate) fn md5(token: &Token) -> Option<Md5> {
    token.hex()
}

/// Returns what the parts of an upload amount to, where the `ETag` has that shape (`hex-N`).
pub(super) fn part_md5s(token: &Token) -> Option<PartMd5s> {
    // Nearly every name is an MD5, and is not written out to be looked at.
    if token.hex().is_some() { None } else { PartMd5s::parse(&token.text()) }
}

/// Returns the `ETag` of an upload whose parts have these, in their order; `None` where one is no MD5.
pub(crate) fn of_parts<'a>(parts: impl IntoIterator<Item = &'a Token>) -> Option<Token> {
    let md5s = parts.into_iter().map(md5).collect::<Option<Vec<_>>>()?;
    Some(Token::new(&PartMd5s::of(md5s).to_string()))
}

/// Returns what an `ETag` says if it is what it looks like. A listing does not tell whether a KMS or
/// customer key made it: bytes that it fits are the same, and a difference proves nothing.
pub(crate) fn likely_content(version: &Version) -> Content {
    Content::of_size(version.size)
        .with_md5(md5(&version.token))
        .with_part_md5s(part_md5s(&version.token))
}

#[cfg(test)]
mod tests {
    use md5::{Digest as _, Md5 as Hash};

    use super::*;

    #[test]
    fn the_etag_of_parts_is_the_md5_of_their_md5s_in_order() {
        let part = |body: &str| Token::of_bytes(Hash::digest(body).into());
        let both = [Hash::digest("a"), Hash::digest("b")].concat();
        let expected = token(&format!("{}-2", Token::of_bytes(Hash::digest(both).into())));
        assert_eq!(of_parts(&[part("a"), part("b")]), Some(expected));
        assert_eq!(of_parts(&[token("opaque")]), None);
    }

    #[test]
    fn etags_lose_quotes_and_weakness_only() {
        for (written, kept) in [("\"ab\"", "ab"), ("ab", "ab"), ("W/\"ab\"", "ab"), ("\"", "\"")] {
            assert_eq!(token(written).text(), kept);
        }
    }

    #[test]
    fn only_the_shape_of_an_md5_is_read_as_one() {
        let digest = 0x9e10_7d9d_372b_b682_6bd8_1d35_42a4_19d6_u128.to_be_bytes();
        let whole = Some(PartMd5s { md5: digest, parts: 1 });
        assert_eq!(md5(&token("9e107d9d372bb6826bd81d3542a419d6")), Some(digest));
        assert_eq!(part_md5s(&token("9e107d9d372bb6826bd81d3542a419d6-1")), whole);
        assert_eq!(md5(&token("9e107d9d372bb6826bd81d3542a419d")), None);
        assert_eq!(md5(&token("9e107d9d372bb6826bd81d3542a419dg")), None);
        assert_eq!(md5(&token("+e107d9d372bb6826bd81d3542a419d6")), None);
        assert_eq!(part_md5s(&token("0cc175b9c0f1b6a831c399e269772661-0")), None);
        assert_eq!(part_md5s(&token("5-1731234567000000000-1731234567000000000-17")), None);
    }
}
