//! Where to cut a range of keys of which nothing is known but the pages before it.
//!
//! Names go up like numbers or through the alphabet. What one page spans at the first byte in which
//! its keys differ is taken for what the next ones will span; from there on every step at a byte
//! further to the left is a cut, too. A guess is never wrong, since any text cuts the keys in two;
//! a bad one costs a request.

/// Bytes that follow one another in names, each kind by itself.
const PLAIN: [&[u8]; 3] =
    [b"0123456789", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz"];

/// What is counted in digits and letters together: hashes, identifiers.
const MIXED: [&[u8]; 5] = [
    b"0123456789abcdef",
    b"0123456789ABCDEF",
    b"0123456789abcdefghijklmnopqrstuvwxyz",
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
];

/// How often digits and letters alternate at least in a name that is counted in both.
const ALTERNATIONS_MIN: usize = 3;

/// A cut, and how to go on from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guess {
    /// The text at which to cut; its last byte is the one that is counted up.
    cut: Vec<u8>,
    /// How far to count up.
    step: usize,
    /// What is counted in digits and letters is counted in these.
    mixed: Option<&'static [u8]>,
}

impl Guess {
    /// Begins at the end of a page that began behind one text and has this last key.
    pub(super) fn after(before: &str, last: &str) -> Option<Self> {
        let (before, last) = (before.as_bytes(), last.as_bytes());
        let at = (0..last.len()).find(|at| before.get(*at) != Some(&last[*at]))?;
        let mixed = mixed_around(last, at);
        let rank = |byte: u8| rank_of(byte, mixed).map(|(rank, _)| rank);
        let end = rank(last[at]).map_or(0, |rank| rank + 1);
        let begun = before.get(at).map_or(0, |byte| rank(*byte).map_or(0, |rank| rank + 1));
        Some(Self { cut: last[..=at].to_vec(), step: end.saturating_sub(begun).max(1), mixed })
    }

    /// Returns the next cut; `None` where the names give no more.
    pub(super) fn next(&self) -> Option<Self> {
        let (mut cut, mut step, mixed) = (self.cut.clone(), self.step, self.mixed);
        while let Some(byte) = cut.pop() {
            let next = rank_of(byte, mixed).and_then(|(rank, ladder)| ladder.get(rank + step));
            if let Some(next) = next {
                cut.push(*next);
                return Some(Self { cut, step, mixed });
            }
            let at = carry(&cut)?;
            cut.truncate(at + 1);
            step = 1;
        }
        None
    }

    /// Returns the text at which to cut.
    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.cut).ok()
    }
}

/// Returns the byte to count up behind which all is used up: numbers come first, then the letters of
/// the same name, then the first ones of the folders above.
fn carry(cut: &[u8]) -> Option<usize> {
    let digit = || cut.iter().rposition(u8::is_ascii_digit);
    let letter = |from: usize| cut.get(from).is_some_and(u8::is_ascii_alphabetic);
    let name = cut.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let begins = |at: &usize| (*at == 0 || cut[at - 1] == b'/') && letter(*at);
    digit()
        .or_else(|| (name..cut.len()).rev().find(|at| letter(*at)))
        .or_else(|| (0..name).rev().find(begins))
}

/// Returns where a byte stands among those that follow one another.
fn rank_of(byte: u8, mixed: Option<&'static [u8]>) -> Option<(usize, &'static [u8])> {
    let mut ladders = mixed.into_iter().chain(PLAIN);
    ladders.find_map(|it| Some((it.iter().position(|other| *other == byte)?, it)))
}

/// Returns what the name around a byte is counted in, if that is digits and letters together.
fn mixed_around(key: &[u8], at: usize) -> Option<&'static [u8]> {
    let before = key[..at].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let name = &key[at - before..];
    let name = &name[..name.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count()];
    let alternations =
        name.windows(2).filter(|two| two[0].is_ascii_digit() != two[1].is_ascii_digit()).count();
    (alternations >= ALTERNATIONS_MIN)
        .then(|| MIXED.into_iter().find(|ladder| name.iter().all(|byte| ladder.contains(byte))))
        .flatten()
}
