//! A journal with one wrong, lost or added byte, or cut anywhere: rows are lost, and none changes.

use std::collections::BTreeMap;

use lsync::repository::{Change, Database};
use lsync::tree::{BaseRow, Content, RepoPath, Signature, Token};

use super::database::{crc32, remote};
use super::working_copy;

/// Names that are hard to write, and some that begin alike.
const PATHS: &[&str] =
    &["a", "a-1", "a/b", "a\nb", "b \"c\"", "no", "path: \"a\"", "é", "\u{2028}", "- {x}", "#"];

/// What a path was at each step; `None` is no row.
type History = BTreeMap<RepoPath, Vec<Option<BaseRow>>>;

/// Takes numbers from an input; zeros where it has ended.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn next(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn below(&mut self, limit: usize) -> usize {
        let number = usize::from(self.next()) << 8 | usize::from(self.next());
        number % limit.max(1)
    }

    fn path(&mut self) -> RepoPath {
        RepoPath::parse(PATHS[self.below(PATHS.len())]).unwrap()
    }

    fn row(&mut self) -> BaseRow {
        let path = self.path();
        let (size, inode) = (self.next().into(), u64::MAX - u64::from(self.next()));
        let (mtime, ctime) = (-i64::from(self.next()), i64::from(self.next()));
        let crc64 = (self.next() & 1 == 1).then_some(size << 40);
        let token = Token::new(&format!("{size:032x}"));
        let md5 = token.hex().filter(|_| crc64.is_none());
        let content = Content::of_size(size).with_md5(md5).with_crc64(crc64);
        BaseRow::plain(path, Signature { size, mtime, ctime, inode }, token, content)
    }
}

/// How the journal is damaged; first of all come the numbers that say what is in it.
pub(crate) fn target(data: &[u8]) {
    let mut numbers = Numbers(data);
    let (disk, control) = working_copy(&[]);
    let mut history = History::new();
    let mut database = Database::open(&disk, &control, &remote()).unwrap();
    for _ in 0..=numbers.below(8) {
        let change = match numbers.next() % 4 {
            0 => Change::Gone(numbers.path()),
            _ => Change::Put(numbers.row()),
        };
        database.record(std::slice::from_ref(&change)).unwrap();
        let (path, row) = match change {
            Change::Put(row) => (row.path.clone(), Some(row)),
            Change::Gone(path) => (path, None),
        };
        history.entry(path).or_insert_with(|| vec![None]).push(row);
    }
    drop(database);
    let whole = disk.person().read("/work/.lsync/journal.yaml");
    check_checksums(&whole);
    let (damaged, lines) = damage(&whole, &mut numbers);
    disk.person().write("/work/.lsync/journal.yaml", &damaged);
    let Ok(database) = Database::open(&disk, &control, &remote()) else { return };
    for row in database.rows(None).unwrap().map(Result::unwrap) {
        let Some(states) = history.get(&row.path) else { panic!("nobody wrote {row:?}") };
        let last = states.last().and_then(Option::as_ref);
        // A line whose very path is broken cannot take back what older lines say of it.
        let earlier = lines.contains(&row.path) && states.contains(&Some(row.clone()));
        assert!(last == Some(&row) || earlier, "{row:?} is not what it was: {states:?}");
    }
}

/// Every line of the journal carries the CRC-32 of itself.
fn check_checksums(journal: &[u8]) {
    let text = std::str::from_utf8(journal).unwrap();
    for line in text.lines() {
        let (row, sum) = line.rsplit_once(" # ").expect("a checksum");
        assert_eq!(sum, format!("{:08x}", crc32(row.as_bytes())), "{line}");
    }
}

/// Damages the journal; returns it with the paths of which lines may be lost.
fn damage(whole: &[u8], numbers: &mut Numbers<'_>) -> (Vec<u8>, Vec<RepoPath>) {
    let mut bytes = whole.to_vec();
    let (kind, at) = (numbers.next() % 4, numbers.below(whole.len()));
    match kind {
        0 => bytes[at] ^= numbers.next().max(1),
        1 => bytes.truncate(at),
        2 => drop(bytes.remove(at)),
        _ => bytes.insert(at, numbers.next()),
    }
    let reaches = |start: usize, end: usize| match kind {
        1 => at < end,
        _ => (start..=end).contains(&at),
    };
    let mut start = 0;
    let mut lost = Vec::new();
    for line in whole.split_inclusive(|byte| *byte == b'\n') {
        let end = start + line.len();
        if reaches(start, end) {
            lost.extend(path_of(line));
        }
        start = end;
    }
    (bytes, lost)
}

fn path_of(line: &[u8]) -> Option<RepoPath> {
    let fields: Vec<serde_yaml::Mapping> = serde_yaml::from_slice(line).unwrap();
    let path = fields[0].get("path")?.as_str()?;
    Some(RepoPath::parse(path).unwrap())
}
