//! What is crashed: short runs that together do everything that lsync does.

use super::stage::Stage;
use crate::support::Profile;

/// A command, and what it finds.
pub struct Scenario {
    /// What points of it are called.
    pub name: &'static str,
    /// Sets it up.
    pub set_up: fn() -> Stage,
    /// The command that is crashed.
    pub line: &'static str,
    /// What follows it in any case, to come to the end.
    pub then: &'static [&'static str],
    /// The exit code of the command.
    pub code: i32,
    /// The exit code of a sync at the end.
    pub quiet_code: i32,
    /// Of the requests every so many are points, unless told otherwise.
    pub request_stride: u64,
    /// On which store.
    pub profile: Profile,
}

const fn scenario(name: &'static str, set_up: fn() -> Stage, line: &'static str) -> Scenario {
    let (then, code, quiet_code, request_stride): (&[&str], _, _, _) = (&[], 0, 0, 1);
    Scenario { name, set_up, line, then, code, quiet_code, request_stride, profile: Profile::Aws }
}

/// All of them.
pub const SCENARIOS: &[Scenario] = &[
    scenario("sync", sync, "sync -j 2"),
    scenario("parts", parts, "sync -j 1"),
    scenario("force", force, "push -j 1 --force ."),
    scenario("ranges", ranges, "sync -j 1"),
    scenario("mirror", mirror, "pull -j 1 --mirror --yes"),
    Scenario { then: &["sync"], ..scenario("ours", conflicts, "resolve -j 1 --ours") },
    Scenario { then: &["sync"], ..scenario("both", conflicts, "resolve -j 1 --both") },
    Scenario { then: &["sync"], ..scenario("theirs", conflicts, "resolve -j 1 --theirs") },
    Scenario { then: &["sync"], ..scenario("shapes-ours", shapes, "resolve -j 1 --ours") },
    Scenario { then: &["sync"], ..scenario("shapes-both", shapes, "resolve -j 1 --both") },
    Scenario { then: &["sync"], ..scenario("shapes-theirs", shapes, "resolve -j 1 --theirs") },
    scenario("rewrite", rewrite, "sync -j 1"),
    scenario("prune", prune, "sync -j 1"),
    // Many requests that only look at the store; one that minds no conditions is spared the races, which
    // would be most of the time of all crashes.
    Scenario {
        then: &["sync"],
        request_stride: 5,
        profile: Profile::Garage,
        ..scenario("init", bare, "init {bucket} .")
    },
    Scenario { code: 4, quiet_code: 4, ..scenario("first", first, "sync -j 2") },
];

/// Scenarios of a single action.
pub const SINGLES: &[Scenario] = &[
    scenario("upload", upload, "sync -j 1"),
    scenario("download", download, "sync -j 1"),
    scenario("removal", removal, "sync -j 1"),
    scenario("adoption", adoption, "sync -j 1"),
];

/// A file that was changed here.
fn upload() -> Stage {
    let stage = Stage::new();
    stage.share(&[("docs/a", "base")]);
    stage.ours("docs/a", "ours");
    stage
}

/// A file that was changed there.
fn download() -> Stage {
    let stage = Stage::new();
    stage.share(&[("docs/a", "base")]);
    stage.theirs("docs/a", "theirs");
    stage
}

/// A file that was deleted there.
fn removal() -> Stage {
    let stage = Stage::new();
    stage.share(&[("docs/a", "base"), ("docs/b", "base")]);
    stage.remove_theirs("docs/a");
    stage
}

/// A file that both sides have, and the database does not know: its first row.
fn adoption() -> Stage {
    let stage = Stage::new();
    stage.ours("docs/a", "the same on both sides");
    stage.theirs("docs/a", "the same on both sides");
    stage
}

/// Thirty actions of every kind.
fn sync() -> Stage {
    let stage = Stage::new();
    let base: Vec<(String, String)> = [
        "kept/a",
        "kept/b",
        "edited/a",
        "edited/b",
        "edited/c",
        "touched",
        "same",
        "theirs/a",
        "theirs/b",
        "theirs/c",
        "gone-here/a",
        "gone-here/b",
        "gone-there/deep/a",
        "gone-there/deep/b",
        "mixed/a",
        "mixed/b",
        "gone-both",
        "becomes-folder-here",
        "becomes-folder-there",
        "becomes-file-here/a",
        "becomes-file-here/b",
        "becomes-file-there/a",
        "becomes-file-there/deep/b",
        "kept/c",
        "kept/d",
    ]
    .map(|path| (path.to_owned(), format!("base of {path}")))
    .into();
    let base: Vec<_> = base.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    stage.share(&base);
    edit(&stage);
    delete(&stage);
    reshape(&stage);
    stage
}

/// Changes and creations on each side, and equal ones on both.
fn edit(stage: &Stage) {
    for path in ["edited/a", "edited/b", "edited/c", "added", "new-here/a", "new-here/deep/b"] {
        stage.ours(path, format!("ours, {path}"));
    }
    stage.ours("empty-here", "");
    stage.touch("touched");
    for path in ["theirs/a", "theirs/b", "theirs/c", "added-there", "new-there/a", "new-there/d/b"]
    {
        stage.theirs(path, &format!("theirs, {path}"));
    }
    stage.theirs("empty-there", "");
    stage.theirs(".lsyncignore", "*.scratch\n");
    stage.ours("never.scratch", "ignored by rules that this run fetches");
    for path in ["same", "added-by-both"] {
        stage.theirs(path, "the same on both sides");
        stage.ours(path, "the same on both sides");
    }
}

/// Deletions on each side and on both; folders that empty, and one that does not.
fn delete(stage: &Stage) {
    stage.remove("gone-here");
    for path in ["gone-there/deep/a", "gone-there/deep/b", "mixed/a", "gone-both"] {
        stage.remove_theirs(path);
    }
    stage.remove("gone-both");
}

/// Files that become folders, and folders that become files, on each side.
fn reshape(stage: &Stage) {
    stage.remove("becomes-folder-here");
    stage.ours("becomes-folder-here/a", "ours, a");
    stage.ours("becomes-folder-here/deep/b", "ours, b");
    stage.remove_theirs("becomes-folder-there");
    stage.theirs("becomes-folder-there/a", "theirs, a");
    stage.theirs("becomes-folder-there/deep/b", "theirs, b");
    stage.remove("becomes-file-here");
    stage.ours("becomes-file-here", "ours, a file");
    stage.remove_theirs("becomes-file-there/a");
    stage.remove_theirs("becomes-file-there/deep/b");
    stage.theirs("becomes-file-there", "theirs, a file");
}

/// One file so large that it goes in parts, and a small one.
fn parts() -> Stage {
    let stage = Stage::new();
    stage.share(&[("small", "base"), ("large", "base")]);
    let large: Vec<u8> = (0..=8_u32 << 18).flat_map(u32::to_le_bytes).collect();
    stage.ours("large", &large);
    stage.theirs("small", "theirs");
    stage
}

/// One object so large that it comes in ranges, in place of a file that is here.
fn ranges() -> Stage {
    let stage = Stage::new();
    stage.share(&[("small", "base"), ("large", "base")]);
    stage.theirs("large", &"0123456789abcdef".repeat((8 << 16) + 1));
    stage.ours("small", "ours");
    stage
}

/// Edits and creations here that a mirror of the bucket takes back.
fn mirror() -> Stage {
    let stage = Stage::new();
    stage.share(&[("docs/a", "base"), ("docs/b", "base"), ("gone", "base"), ("kept", "base")]);
    for path in ["docs/a", "added/here", "both"] {
        stage.ours(path, format!("ours, {path}"));
    }
    for path in ["docs/b", "both", "added/there"] {
        stage.theirs(path, &format!("theirs, {path}"));
    }
    stage.remove("gone");
    stage
}

/// Conflicts of all three kinds that a forced push decides.
fn force() -> Stage {
    let stage = Stage::new();
    stage.share(&[("docs/a", "base"), ("docs/b", "base"), ("gone", "base"), ("kept", "base")]);
    for path in ["docs/a", "docs/b", "gone", "added"] {
        stage.theirs(path, &format!("theirs, {path}"));
    }
    stage.remove_theirs("docs/b");
    for path in ["docs/a", "docs/b", "added"] {
        stage.ours(path, format!("ours, {path}"));
    }
    stage.remove("gone");
    stage
}

/// Two people edited two files, and one edited what the other deleted.
fn conflicts() -> Stage {
    let stage = Stage::new();
    let base = ["docs/a.txt", "b", "gone-here", "gone-there", "kept"];
    stage.share(&base.map(|path| (path, "base")));
    for path in ["docs/a.txt", "b", "gone-here"] {
        stage.theirs(path, &format!("theirs, {path}"));
    }
    for path in ["docs/a.txt", "b", "gone-there"] {
        stage.ours(path, format!("ours, {path}"));
    }
    stage.remove("gone-here");
    stage.remove_theirs("gone-there");
    stage
}

/// A file here against a folder in the bucket, and the reverse.
fn shapes() -> Stage {
    let stage = Stage::new();
    stage.share(&[("kept", "base")]);
    stage.ours("file.txt", "ours, a file");
    stage.theirs("file.txt/a", "theirs, a");
    stage.theirs("file.txt/deep/b", "theirs, b");
    stage.ours("folder/a", "ours, a");
    stage.ours("folder/deep/b", "ours, b");
    stage.theirs("folder", "theirs, a file");
    stage
}

/// A journal that has grown so long that the run merges it into the database.
fn rewrite() -> Stage {
    let stage = Stage::new();
    stage.share(&[("a", "base"), ("b", "base"), ("c", "base")]);
    let mut journal = stage.text(".lsync/journal.yaml");
    // Comments count as bytes, and take no time to read.
    let filler = format!("# {}\n", "-".repeat(60_000));
    while journal.len() <= 8 << 20 {
        journal += &filler;
    }
    stage.ours(".lsync/journal.yaml", journal);
    stage.ours("a", "ours");
    stage.theirs("b", "theirs");
    stage
}

/// A trash that has become too large.
fn prune() -> Stage {
    let stage = Stage::new();
    stage.share(&[("a", "base"), ("b", "base")]);
    for text in ["second", "third"] {
        stage.theirs("a", text);
        stage.run("sync").assert_code(0);
    }
    let config = stage.text(".lsync/config.yaml");
    stage.ours(".lsync/config.yaml", config + "trash_size: 1B\n");
    stage.theirs("b", "theirs");
    stage
}

/// A folder that is to become a working copy.
fn bare() -> Stage {
    let stage = Stage::bare();
    stage.ours("ours", "ours");
    stage.theirs("theirs", "theirs");
    stage
}

/// A first sync between two sides that know nothing of each other.
fn first() -> Stage {
    let stage = Stage::new();
    for path in ["same", "docs/same"] {
        stage.ours(path, "the same on both sides");
        stage.theirs(path, "the same on both sides");
    }
    stage.ours("ours", "ours");
    stage.theirs("docs/theirs", "theirs");
    stage.ours("conflict", "ours");
    stage.theirs("conflict", "theirs");
    stage
}
