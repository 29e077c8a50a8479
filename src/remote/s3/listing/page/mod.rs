//! Reads a page of a listing as stores write it, an order of magnitude faster than an XML parser: a
//! million keys are a third of a gigabyte of XML.
//!
//! It knows elements, text and the entities of XML 1.0, and takes characters that XML cannot hold as they
//! are: the encoded form of the page is held against them. A page with anything else in it (attributes,
//! comments, an end that is missing) is left to the SDK, whatever comes of it.

use std::borrow::Cow;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use memchr::{memchr, memmem};

use crate::remote::s3::request::nanoseconds;

/// An object as the store lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RawItem {
    pub(super) key: String,
    pub(super) etag: Option<String>,
    pub(super) size: Option<i64>,
    pub(super) modified: i64,
}

/// A page as the store sends it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RawPage {
    pub(super) items: Vec<RawItem>,
    pub(super) truncated: bool,
    pub(super) token: Option<String>,
    /// Keys are written as in URLs.
    pub(super) encoded: bool,
    /// It holds what no XML may hold, as it came.
    pub(super) is_rough: bool,
    /// What time it was by the store's clock, in nanoseconds since 1970, where its answer says so.
    pub(super) date: Option<i64>,
}

impl RawPage {
    /// Tells whether every key is what the store has: nothing stands for what XML cannot hold.
    pub(super) fn is_exact(&self) -> bool {
        !self.is_rough && self.items.iter().all(|item| !item.key.contains('\u{fffd}'))
    }
}

/// Reads a whole answer; `None` where anything in it is not as expected.
pub(super) fn scan(answer: &[u8]) -> Option<RawPage> {
    let (name, mut rest) = root(answer)?;
    if name != "ListBucketResult" {
        return None;
    }
    let (mut page, mut truncated, mut times) = (RawPage::default(), None, Times::default());
    while let Some(child) = Element::first(rest)? {
        match child.name {
            "Contents" => {
                page.items.push(item(child.content, &mut times, &mut page.is_rough)?);
            }
            "IsTruncated" => truncated = Some(child.content.parse().ok()?),
            "NextContinuationToken" => {
                page.token = Some(plain(child.content, &mut page.is_rough)?.into_owned());
            }
            "EncodingType" => page.encoded = child.content == "url",
            _ => (),
        }
        rest = child.rest;
    }
    page.truncated = truncated?;
    page.token = page.token.filter(|token| !token.is_empty());
    Some(page)
}

/// Returns the text of an element directly below the root of an answer, whatever that is called; `None`
/// where there is none, where it is empty, and in an error.
pub(in crate::remote::s3) fn text_below_root(answer: &[u8], name: &str) -> Option<String> {
    let (root, mut rest) = root(answer)?;
    if root == "Error" {
        return None;
    }
    while let Some(child) = Element::first(rest)? {
        if child.name == name {
            let text = plain(child.content, &mut false)?.into_owned();
            return Some(text).filter(|text| !text.is_empty());
        }
        rest = child.rest;
    }
    None
}

/// Takes an answer apart: the name of its root, and what stands within.
fn root(answer: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(answer).ok()?.trim_ascii();
    let text = match text.strip_prefix("<?xml ") {
        Some(rest) => rest.split_once("?>")?.1.trim_ascii_start(),
        None => text,
    };
    let (tag, rest) = text.strip_prefix('<')?.split_once('>')?;
    let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
    if !is_name(name) || attributes.ends_with('/') {
        return None;
    }
    Some((name, rest.strip_suffix('>')?.strip_suffix(name)?.strip_suffix("</")?))
}

/// Reads what stands within `<Contents>`.
fn item<'a>(mut rest: &'a str, times: &mut Times<'a>, is_rough: &mut bool) -> Option<RawItem> {
    let (mut item, mut key) = (RawItem::default(), None);
    while let Some(child) = Element::first(rest)? {
        match child.name {
            "Key" => key = Some(plain(child.content, is_rough)?.into_owned()),
            "ETag" => item.etag = Some(plain(child.content, is_rough)?.into_owned()),
            "Size" => item.size = Some(child.content.parse().ok()?),
            "LastModified" => item.modified = times.read(child.content)?,
            _ => (),
        }
        rest = child.rest;
    }
    item.key = key?;
    item.etag = item.etag.filter(|etag| !etag.is_empty());
    Some(item)
}

/// The time read last: many objects of a page are of the same second.
#[derive(Default)]
struct Times<'a>(Option<(&'a str, i64)>);

impl<'a> Times<'a> {
    fn read(&mut self, text: &'a str) -> Option<i64> {
        if let Some((last, time)) = self.0
            && last == text
        {
            return Some(time);
        }
        let time = DateTime::from_str(text, Format::DateTimeWithOffset).ok()?;
        let time = nanoseconds(Some(&time));
        self.0 = Some((text, time));
        Some(time)
    }
}

/// An element without attributes.
struct Element<'a> {
    name: &'a str,
    content: &'a str,
    /// What follows it.
    rest: &'a str,
}

impl<'a> Element<'a> {
    /// Returns the first one, `Some(None)` where there is none, `None` for anything else.
    #[expect(clippy::option_option, reason = "the end, and what nobody expects")]
    fn first(text: &'a str) -> Option<Option<Self>> {
        let text = text.trim_ascii_start();
        if text.is_empty() {
            return Some(None);
        }
        let tag = text.strip_prefix('<')?;
        let (name, rest) = tag.split_at_checked(memchr(b'>', tag.as_bytes())?)?;
        let rest = &rest[1..];
        if let Some(name) = name.strip_suffix('/') {
            return is_name(name).then_some(Some(Self { name, content: "", rest }));
        }
        if !is_name(name) {
            return None;
        }
        let end_of = |at: usize| {
            let (content, end) = rest.split_at_checked(at)?;
            let rest = end.strip_prefix("</")?.strip_prefix(name)?.strip_prefix('>')?;
            Some(Self { name, content, rest })
        };
        if let Some(leaf) = end_of(memchr(b'<', rest.as_bytes())?) {
            return Some(Some(leaf));
        }
        let end = ["</", name, ">"].concat();
        end_of(memmem::find(rest.as_bytes(), end.as_bytes())?).map(Some)
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Returns text with its entities decoded; `None` where it has another form. What XML 1.0 knows no
/// character for is taken as it is, and makes the page a rough one.
fn plain<'a>(text: &'a str, is_rough: &mut bool) -> Option<Cow<'a, str>> {
    let is_odd = |c: char| matches!(c, '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    if text.contains('<') {
        return None;
    }
    *is_rough |= text.contains(is_odd);
    if memchr(b'&', text.as_bytes()).is_none() {
        return Some(Cow::Borrowed(text));
    }
    let mut pieces = text.split('&');
    let mut decoded = pieces.next()?.to_owned();
    for piece in pieces {
        let (entity, rest) = piece.split_once(';')?;
        decoded.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => character(entity)?,
        });
        decoded.push_str(rest);
    }
    *is_rough |= decoded.contains(is_odd);
    Some(Cow::Owned(decoded))
}

/// Returns the character of `#34` or `#x22`.
fn character(entity: &str) -> Option<char> {
    let number = entity.strip_prefix('#')?;
    let code = match number.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
}

#[cfg(test)]
mod tests;
