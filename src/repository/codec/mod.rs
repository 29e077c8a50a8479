//! Lines of YAML, each a mapping on one line, as the files below `.lsync` have them: `- {path: "a", size: 1}`.
//!
//! What is written is read back by every YAML library and by `grep`. What people write is read, too, in
//! whatever way YAML lets them say it ([`Fields`]); [`scan`] reads what was written here, and is quicker.

mod quoting;
mod read;
pub(super) mod scan;

use std::fmt::{Display, Write as _};

use crate::tree::push_hex;

pub(super) use quoting::{is_printable, plain, push_quoted, unquote};
pub(super) use read::{Fields, texts};

/// Writes the fields of a mapping, in the order in which they are given.
pub(super) struct Writer<'a> {
    line: &'a mut String,
    is_first: bool,
}

/// Appends an item that is a mapping, without newline.
pub(super) fn push_mapping(line: &mut String, write: impl FnOnce(&mut Writer<'_>)) {
    line.push_str("- ");
    Writer::enclose(line, write);
}

/// Appends an item that is a text, without newline.
pub(super) fn push_text(line: &mut String, text: &str) {
    line.push_str("- ");
    push_quoted(line, text);
}

impl Writer<'_> {
    fn enclose(line: &mut String, write: impl FnOnce(&mut Writer<'_>)) {
        line.push('{');
        write(&mut Writer { line, is_first: true });
        line.push('}');
    }

    /// Ends the field before, if there is one.
    fn separate(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.line.push_str(", ");
        }
    }

    /// Begins a field.
    fn name(&mut self, name: &str) {
        self.separate();
        self.line.push_str(name);
        self.line.push_str(": ");
    }

    /// Writes a text, in double quotes.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        push_quoted(self.line, text);
    }

    /// Writes a number, or a word that YAML reads as a text and nothing else.
    pub(super) fn plain(&mut self, name: &str, value: impl Display) {
        self.name(name);
        write!(self.line, "{value}").expect("a string takes everything");
    }

    /// Writes that something is so.
    pub(super) fn flag(&mut self, name: &str) {
        self.plain(name, "true");
    }

    /// Writes a digest: its bytes in hex, in double quotes.
    pub(super) fn hex(&mut self, name: &str, digest: &[u8]) {
        self.name(name);
        self.line.push('"');
        push_hex(self.line, digest);
        self.line.push('"');
    }

    /// Writes a mapping.
    pub(super) fn mapping(&mut self, name: &str, write: impl FnOnce(&mut Writer<'_>)) {
        self.name(name);
        Writer::enclose(self.line, write);
    }

    /// Writes a mapping of texts whose names may be anything.
    pub(super) fn texts<'t>(&mut self, name: &str, all: impl Iterator<Item = (&'t str, &'t str)>) {
        self.mapping(name, |writer| {
            for (name, text) in all {
                writer.separate();
                push_quoted(writer.line, name);
                writer.line.push_str(": ");
                push_quoted(writer.line, text);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let mut line = String::new();
        push_mapping(&mut line, |writer| {
            writer.text("path", "a \"b\"\n\u{2028}: #c");
            writer.plain("size", u64::MAX);
            writer.plain("mtime", i64::MIN);
            writer.plain("kind", "file");
            writer.flag("known");
            writer.hex("crc64", &255_u64.to_be_bytes());
            writer.mapping("staged", |inner| inner.plain("inode", 3));
            writer.texts("properties", [("a: b", "no"), ("x", "")].into_iter());
        });
        assert_eq!(line.lines().count(), 1, "{line}");
        let fields = Fields::read(line.as_bytes()).unwrap();
        assert_eq!(fields.text("path").unwrap(), "a \"b\"\n\u{2028}: #c");
        assert_eq!(fields.whole("size"), Ok(u64::MAX));
        assert_eq!(fields.number("mtime"), Ok(i64::MIN));
        assert_eq!(fields.text("kind").unwrap(), "file");
        assert_eq!((fields.is_true("known"), fields.is_true("unknown")), (Ok(true), Ok(false)));
        assert_eq!(fields.hex::<8>("crc64"), Ok(255_u64.to_be_bytes()));
        assert_eq!(fields.mapping("staged").unwrap().whole("inode"), Ok(3));
        let texts: Vec<_> = fields.mapping("properties").unwrap().into_texts().unwrap();
        let expected = [("a: b", "no"), ("x", "")];
        assert_eq!(texts, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    }

    #[test]
    fn texts_are_read_as_they_were_written_whatever_they_look_like() {
        let all = ["a b", "no", "1e3", "x\n- y", "\u{e9}: #", ""];
        let mut text = "# a comment\n".to_owned();
        for item in all {
            push_text(&mut text, item);
            text.push('\n');
        }
        assert_eq!(texts(text.as_bytes()).unwrap(), all);
        assert_eq!(texts(b"# nothing\n").unwrap(), [""; 0]);
        assert!(texts(b"a: b\n").is_err());
    }
}
