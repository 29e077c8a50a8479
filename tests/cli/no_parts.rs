//! Stores that take no uploads in parts: large files go with one request each.

use std::fs::File;

use crate::support::{Conditional, Fault, FaultRule, Profile, Quirks};
use crate::team::{BUCKET, Team};

/// A working copy of a store without parts, found out by its `init`, and a large file in it.
fn with_large_file(quirks: Quirks) -> (Team, Vec<u8>) {
    let team = Team::without_copies_on(quirks);
    team.ok("one", "init team .");
    let bytes: Vec<u8> = (0..9_u32 << 18).flat_map(u32::to_le_bytes).collect();
    team.write("one/large", &bytes);
    team.server.clear_log();
    (team, bytes)
}

/// Two kinds: one that compares and takes a checksum, and one that does neither.
fn kinds() -> [Quirks; 2] {
    let compares = Profile::NoParts.quirks();
    [compares, Quirks { parts: false, ..Profile::B2.quirks() }]
}

#[test]
fn a_large_file_goes_with_one_request_and_comes_back() {
    for quirks in kinds() {
        let (team, mut bytes) = with_large_file(quirks);
        team.ok("one", "sync");
        assert_eq!(team.server.count("PutObject"), 1);
        assert_eq!(team.server.count("CreateMultipartUpload"), 0);
        team.ok(".", "clone team copy");
        assert!(team.read("copy/large") == bytes, "the bytes differ");
        team.server.clear_log();
        bytes[5] ^= 1;
        team.write("one/large", &bytes);
        std::fs::rename(team.path("one/large"), team.path("one/renamed")).unwrap();
        team.ok("one", "sync");
        team.ok("copy", "sync");
        assert!(team.read("copy/renamed") == bytes, "the bytes differ");
        assert_eq!(team.server.count("CreateMultipartUpload"), 0);
        for copy in ["one", "copy"] {
            team.assert_quiet(copy);
        }
    }
}

#[test]
fn a_large_file_whose_answer_got_lost_is_recognised_as_ours() {
    for quirks in kinds() {
        let (team, _) = with_large_file(quirks);
        let before = team.server.history(BUCKET).len();
        let lost = Fault::DropConnectionAfterEffect;
        team.server.fault(FaultRule::new("PutObject", "large", lost).nth(1));
        team.ok("one", "sync");
        assert_eq!(team.server.history(BUCKET).len(), before + 1, "it went up again");
        team.assert_quiet("one");
    }
}

#[test]
fn a_large_file_that_is_changed_while_it_goes_is_not_stored() {
    let quirks = Quirks { parts: false, put: Conditional::Ignored, ..Profile::Aws.quirks() };
    let (team, bytes) = with_large_file(quirks);
    let path = team.path("one/large");
    // Where nothing is compared there, lsync looks before it sends: behind its first reading.
    team.server.once_on_request("HeadObject", "large", move |_, _| {
        let mut edited = bytes;
        edited[3] ^= 1;
        let mut file = File::options().write(true).open(&path).unwrap();
        std::io::Write::write_all(&mut file, &edited).unwrap();
    });
    team.run("one", "sync").assert_code(3);
    assert_eq!(team.server.keys(BUCKET), Vec::<String>::new());
    team.ok("one", "sync");
    assert!(team.server.get(BUCKET, "large").unwrap() == team.read("one/large"));
}

#[test]
fn somebody_elses_write_stays_and_what_is_too_large_is_said() {
    let (team, _) = with_large_file(Profile::NoParts.quirks());
    team.server.once_on_request("PutObject", "large", |tool, _| {
        tool.put(BUCKET, "large", "theirs");
    });
    team.write("one/huge", "");
    let huge = File::options().write(true).open(team.path("one/huge")).unwrap();
    huge.set_len((5 << 30) + 1).unwrap();
    let output = team.run("one", "push");
    output.assert_code(3);
    for words in ["huge", "more than 5 GiB, and the store takes no uploads in parts", "hint: "] {
        assert!(output.stderr.contains(words), "{words}: {}", output.stderr);
    }
    assert_eq!(team.server.get(BUCKET, "large").unwrap(), "theirs");
    assert_eq!(team.server.keys(BUCKET), ["large"]);
}
