//! Makes new inputs of known ones: the same seed, the same input.

use fastrand::Rng;

/// The longest input that is made, in bytes.
const INPUT_BYTES_MAX: usize = 16 << 10;

/// Where inputs come from.
pub(crate) struct Source<'a> {
    /// Known inputs.
    pub(crate) samples: &'a [Vec<u8>],
    /// What often stands in inputs.
    pub(crate) words: &'a [&'a str],
}

impl Source<'_> {
    /// Makes the input of a seed: a known one, changed in one to six places.
    pub(crate) fn input(&self, seed: u64) -> Vec<u8> {
        let mut random = Rng::with_seed(seed);
        let mut bytes = self.sample(&mut random).clone();
        for _ in 0..random.usize(1..=6) {
            self.change(&mut bytes, &mut random);
        }
        bytes.truncate(INPUT_BYTES_MAX);
        bytes
    }

    fn sample(&self, random: &mut Rng) -> &Vec<u8> {
        &self.samples[random.usize(..self.samples.len())]
    }

    fn change(&self, bytes: &mut Vec<u8>, random: &mut Rng) {
        let at = random.usize(..=bytes.len());
        let length = 1_usize << random.u8(..8);
        let end = bytes.len().min(at + random.usize(..=length));
        match random.u8(..12) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.u8(..8),
            1 if at < bytes.len() => bytes[at] = random.u8(..),
            2 => bytes.insert(at, random.u8(..)),
            3 => drop(bytes.drain(at..end)),
            4 => bytes.truncate(at),
            5 => bytes.extend_from_within(at..end),
            6 | 7 => splice(bytes, at..at, self.word(random).as_bytes()),
            8 => splice(bytes, at..end, self.word(random).as_bytes()),
            9 => change_number(bytes, random),
            10 => move_line(bytes, random),
            _ => {
                let other = self.sample(random);
                let from = random.usize(..=other.len());
                let until = other.len().min(from + random.usize(..=200));
                splice(bytes, at..at, &other[from..until]);
            }
        }
    }

    fn word(&self, random: &mut Rng) -> &str {
        if self.words.is_empty() { "\n" } else { self.words[random.usize(..self.words.len())] }
    }
}

/// Puts another number in the place of one.
fn change_number(bytes: &mut Vec<u8>, random: &mut Rng) {
    let digits = |from: usize, is: bool| {
        bytes[from..].iter().position(|byte| byte.is_ascii_digit() == is).map(|it| it + from)
    };
    let Some(start) = digits(random.usize(..=bytes.len()), true) else { return };
    let end = digits(start, false).unwrap_or(bytes.len());
    let numbers = ["0", "1", "-1", "18446744073709551616", "9223372036854775808", "1e3", "007"];
    splice(bytes, start..end, numbers[random.usize(..numbers.len())].as_bytes());
}

fn splice(bytes: &mut Vec<u8>, range: std::ops::Range<usize>, new: &[u8]) {
    drop(bytes.splice(range, new.iter().copied()));
}

/// Moves a line elsewhere, or doubles it.
fn move_line(bytes: &mut Vec<u8>, random: &mut Rng) {
    let mut lines: Vec<Vec<u8>> =
        bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    if lines.is_empty() {
        return;
    }
    let from = random.usize(..lines.len());
    let line = if random.bool() { lines.remove(from) } else { lines[from].clone() };
    lines.insert(random.usize(..=lines.len()), line);
    *bytes = lines.concat();
}
