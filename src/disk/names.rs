//! [`Names`]: what a folder lists, in little more memory than the names themselves.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::slice;

use crate::tree::Kind;

/// A name, and what it stands for where the folder itself tells it.
pub type Name<'a> = (&'a OsStr, Option<Kind>);

/// Bytes of names that are kept together: as many as a place can tell apart. One buffer for all would
/// be copied whenever it grows, which takes half as much memory again.
const PIECE_BYTES: usize = 1 << 16;

/// The names in a folder.
///
/// There may be millions: they lie one behind the other, and each takes eight bytes beside its own.
#[derive(Default)]
pub struct Names {
    pieces: Vec<Vec<u8>>,
    places: Vec<Place>,
}

/// Where a name lies.
#[derive(Clone, Copy)]
struct Place {
    piece: u16,
    start: u16,
    length: u16,
    kind: Option<Kind>,
}

impl Place {
    fn name(self, pieces: &[Vec<u8>]) -> Name<'_> {
        let (start, length) = (usize::from(self.start), usize::from(self.length));
        let name = &pieces[usize::from(self.piece)][start..start + length];
        (OsStr::from_bytes(name), self.kind)
    }
}

impl Names {
    /// Adds a name; fails beyond 4 GiB of names.
    pub fn push(&mut self, name: &OsStr, kind: Option<Kind>) -> io::Result<()> {
        match self.pieces.last() {
            Some(piece) if piece.len() + name.len() < PIECE_BYTES => (),
            Some(_) => self.pieces.push(Vec::with_capacity(PIECE_BYTES)),
            None => self.pieces.push(Vec::new()),
        }
        let last = self.pieces.len() - 1;
        let piece = &mut self.pieces[last];
        let (Ok(last), Ok(start), Ok(length)) =
            (last.try_into(), piece.len().try_into(), name.len().try_into())
        else {
            return Err(io::Error::other("its names have more than 4 GiB"));
        };
        piece.extend_from_slice(name.as_bytes());
        self.places.push(Place { piece: last, start, length, kind });
        Ok(())
    }

    /// Takes the last name out.
    pub fn pop(&mut self) -> Option<Name<'_>> {
        self.places.pop().map(|place| place.name(&self.pieces))
    }

    /// Returns the name at a place, from 0.
    pub fn get(&self, place: usize) -> Option<Name<'_>> {
        self.places.get(place).map(|place| place.name(&self.pieces))
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Tells whether the folder lists exactly this name.
    pub fn contains(&self, name: &OsStr) -> bool {
        self.iter().any(|(other, _)| other == name)
    }

    /// Returns what is known of a name's kind, to be changed; `None` where there is no such name.
    pub fn kind_mut(&mut self, name: &OsStr) -> Option<&mut Option<Kind>> {
        let is_it = |place: &&mut Place| place.name(&self.pieces).0 == name;
        self.places.iter_mut().find(is_it).map(|place| &mut place.kind)
    }

    /// Returns the names one after the other.
    pub fn iter(&self) -> Iter<'_> {
        self.into_iter()
    }

    /// Keeps the names for which `keep` says so; it may change their kinds.
    pub fn retain_mut(&mut self, mut keep: impl FnMut(&OsStr, &mut Option<Kind>) -> bool) {
        let pieces = &self.pieces;
        self.places.retain_mut(|place| keep(place.name(pieces).0, &mut place.kind));
    }

    /// Sorts the names where they are.
    pub fn sort_unstable_by(&mut self, mut compare: impl FnMut(Name<'_>, Name<'_>) -> Ordering) {
        let pieces = &self.pieces;
        self.places.sort_unstable_by(|a, b| compare(a.name(pieces), b.name(pieces)));
    }
}

/// The names of a folder, one after the other.
pub struct Iter<'a> {
    pieces: &'a [Vec<u8>],
    places: slice::Iter<'a, Place>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Name<'a>;

    fn next(&mut self) -> Option<Name<'a>> {
        self.places.next().map(|place| place.name(self.pieces))
    }
}

impl<'a> IntoIterator for &'a Names {
    type Item = Name<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        Iter { pieces: &self.pieces, places: self.places.iter() }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn names(list: &[(&str, Option<Kind>)]) -> Names {
        let mut names = Names::default();
        for (name, kind) in list {
            names.push(OsStr::new(name), *kind).unwrap();
        }
        names
    }

    fn listed(names: &Names) -> Vec<(&str, Option<Kind>)> {
        names.iter().map(|(name, kind)| (name.to_str().unwrap(), kind)).collect()
    }

    #[test]
    fn names_come_out_as_they_went_in() {
        let list = [("b", Some(Kind::File)), ("", None), ("été", Some(Kind::Folder)), ("a", None)];
        let mut names = names(&list);
        assert_eq!(listed(&names), list);
        assert_eq!((names.len(), names.is_empty()), (4, false));
        for (name, kind) in list.into_iter().rev() {
            assert_eq!(names.pop(), Some((OsStr::new(name), kind)));
        }
        assert_eq!(names.pop(), None);
        assert_eq!((names.len(), names.is_empty()), (0, true));
    }

    #[test]
    fn a_name_need_be_no_text() {
        let mut names = Names::default();
        let odd = OsStr::from_bytes(b"\xff\n\xfe");
        names.push(odd, None).unwrap();
        assert!(names.contains(odd) && !names.contains(OsStr::from_bytes(b"\xff\n")));
        assert_eq!(format!("{names:?}"), r#"[("\xFF\n\xFE", None)]"#);
    }

    #[test]
    fn sorting_and_leaving_out_keep_each_name_with_its_kind() {
        let mut names =
            names(&[("b", Some(Kind::File)), ("ab", None), ("c", Some(Kind::Link)), ("a", None)]);
        names.retain_mut(|name, kind| {
            kind.get_or_insert(Kind::Special);
            name != "a"
        });
        *names.kind_mut(OsStr::new("b")).unwrap() = Some(Kind::Folder);
        assert_eq!(names.kind_mut(OsStr::new("a")), None);
        names.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
        let kinds = [("c", Kind::Link), ("b", Kind::Folder), ("ab", Kind::Special)];
        assert_eq!(listed(&names), kinds.map(|(name, kind)| (name, Some(kind))));
    }

    #[test]
    fn a_name_takes_eight_bytes_beside_its_own() {
        let count = 200_000;
        let mut names = Names::default();
        for number in 0..count {
            names.push(OsStr::new(&format!("{number:010}")), None).unwrap();
        }
        let held: usize = names.pieces.iter().map(Vec::capacity).sum();
        assert!(held < count * 10 + 2 * PIECE_BYTES, "{held}");
        assert_eq!(size_of::<Place>(), 8);
        let expected = (0..count).map(|number| format!("{number:010}"));
        assert!(names.iter().map(|(name, _)| name.to_str().unwrap().to_owned()).eq(expected));
    }

    #[test]
    fn names_of_any_length_lie_next_to_each_other() {
        let name = |length: usize| OsString::from("x".repeat(length));
        let lengths = [PIECE_BYTES - 2, 1, 1, PIECE_BYTES - 1, 255];
        let mut names = Names::default();
        for length in lengths {
            names.push(&name(length), None).unwrap();
        }
        assert!(names.iter().map(|(name, _)| name.len()).eq(lengths));
        assert!(names.push(&name(PIECE_BYTES), None).is_err());
    }

    #[test]
    fn more_names_than_there_are_places_for_are_an_error_and_not_a_short_list() {
        let mut names = Names { pieces: vec![Vec::new(); 1 << 16], places: Vec::new() };
        names.push(OsStr::new("last"), None).unwrap();
        names.pieces.push(Vec::new());
        assert!(names.push(OsStr::new("one more"), None).is_err());
        assert_eq!(names.pop(), Some((OsStr::new("last"), None)));
    }
}
