//! Reads a file line by line in blocks, with memory that does not grow with the file.

use std::io;
use std::sync::Arc;

use memchr::memchr;

use crate::disk::Disk;

/// Bytes read at once.
const BLOCK_BYTES: usize = 1 << 20;

/// The longest line that is looked at. The longest row of a path of 1,024 bytes, each escaped, and
/// an ETag of the same size, has less than 10 KiB.
pub(super) const LINE_BYTES_MAX: usize = 64 << 10;

/// The lines of a file.
pub(super) struct Lines<D: Disk> {
    disk: D,
    file: Arc<D::File>,
    /// What was read and not yet used lies in `start..end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Where in the file the buffer's `end` is.
    offset: u64,
    number: u64,
}

/// One line.
pub(super) struct RawLine<'a> {
    /// From 1.
    pub(super) number: u64,
    /// Without the newline; of a line that is too long the beginning.
    pub(super) bytes: &'a [u8],
    /// A newline ends it, and not the end of the file.
    pub(super) complete: bool,
    /// It is longer than [`LINE_BYTES_MAX`].
    pub(super) too_long: bool,
}

impl<D: Disk> Lines<D> {
    /// Begins at the beginning of `file`.
    pub(super) fn new(disk: &D, file: Arc<D::File>) -> io::Result<Self> {
        // One byte more, so that the end of a small file is found in the same block.
        let size = usize::try_from(disk.fstat(&file)?.size).unwrap_or(BLOCK_BYTES);
        let buffer = vec![0; size.saturating_add(1).clamp(2 * LINE_BYTES_MAX, BLOCK_BYTES)];
        Ok(Self { disk: disk.clone(), file, buffer, start: 0, end: 0, offset: 0, number: 0 })
    }

    /// Returns where in the file the next line begins, in bytes.
    pub(super) fn position(&self) -> u64 {
        self.offset - (self.end - self.start) as u64
    }

    /// Returns the next line.
    pub(super) fn next(&mut self) -> io::Result<Option<RawLine<'_>>> {
        let mut searched = 0;
        let length = loop {
            let from = self.start + searched;
            if let Some(at) = memchr(b'\n', &self.buffer[from..self.end]) {
                break searched + at;
            }
            searched = self.end - self.start;
            if searched > LINE_BYTES_MAX {
                return self.skip_long_line().map(Some);
            }
            if !self.fill()? {
                return Ok(self.last_line());
            }
        };
        let bytes = self.start..self.start + length.min(LINE_BYTES_MAX);
        self.start += length + 1;
        Ok(Some(self.line(bytes, true, length > LINE_BYTES_MAX)))
    }

    /// Returns what stands behind the last newline.
    fn last_line(&mut self) -> Option<RawLine<'_>> {
        let bytes = self.start..self.end;
        self.start = self.end;
        (!bytes.is_empty()).then(|| self.line(bytes, false, false))
    }

    /// Passes over the rest of a line that is too long; its beginning is kept.
    fn skip_long_line(&mut self) -> io::Result<RawLine<'_>> {
        let mut discarded = LINE_BYTES_MAX;
        // The beginning moves to the front and stays there, while the rest is read behind it.
        self.compact();
        let complete = loop {
            match memchr(b'\n', &self.buffer[discarded..self.end]) {
                Some(at) => {
                    self.start = discarded + at + 1;
                    break true;
                }
                None => discarded = LINE_BYTES_MAX,
            }
            self.end = LINE_BYTES_MAX;
            if !self.read_more()? {
                self.start = self.end;
                break false;
            }
        };
        Ok(self.line(0..LINE_BYTES_MAX, complete, true))
    }

    /// Counts a line and returns it.
    fn line(
        &mut self,
        bytes: std::ops::Range<usize>,
        complete: bool,
        too_long: bool,
    ) -> RawLine<'_> {
        self.number += 1;
        let bytes = &self.buffer[bytes];
        // An editor of another system may have put a byte order mark before the first line.
        let bytes = match self.number {
            1 => bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes),
            _ => bytes,
        };
        RawLine { number: self.number, bytes, complete, too_long }
    }

    /// Moves what is not yet used to the front.
    fn compact(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
    }

    /// Makes room and reads more; false at the end of the file.
    fn fill(&mut self) -> io::Result<bool> {
        self.compact();
        self.read_more()
    }

    /// Reads more behind `end`; false at the end of the file.
    fn read_more(&mut self) -> io::Result<bool> {
        let count = self.disk.read_at(&self.file, &mut self.buffer[self.end..], self.offset)?;
        self.end += count;
        self.offset += count as u64;
        Ok(count > 0)
    }
}
