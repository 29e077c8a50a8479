//! `lsync init`, and the quick start as it is printed.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use crate::support::{
    Checking, Fault, FaultRule, Output, Profile, Quirks, S3Server, Throttle, Workspace,
};
use crate::team::{BUCKET, Team, assert_error, files, lines_of, ok};

/// The most requests of `init` on a store that does everything: most are races.
const INIT_REQUESTS_MAX: usize = 1_450;

#[test]
fn the_quick_start_runs_as_printed() {
    let team = Team::without_copies(Profile::Aws);
    team.server.create_bucket("my_bucket");
    team.ok("work", "init my_bucket .");
    team.write("work/some_new_file", "");
    team.ok("work", "sync");
    assert_eq!(team.server.keys("my_bucket"), ["some_new_file"]);
    assert_eq!(team.server.get("my_bucket", "some_new_file").unwrap().len(), 0);
    team.ok("elsewhere", "clone my_bucket");
    assert_eq!(team.texts("elsewhere/my_bucket"), files(&[("some_new_file", "")]));
    team.assert_quiet("work");
}

#[test]
fn init_leaves_nothing_in_the_bucket_and_only_its_own_folder_here() {
    let team = Team::without_copies(Profile::Aws);
    team.server.put(BUCKET, "f", "theirs");
    team.write("one/f", "ours");
    team.ok("one", "init team .");
    assert_eq!(team.bucket(), files(&[("f", "theirs")]));
    assert_eq!(team.texts("one"), files(&[("f", "ours")]));
    assert_eq!(team.server.open_uploads(BUCKET), Vec::<String>::new());
    let mode = team.path("one/.lsync").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let config = team.text("one/.lsync/config.yaml");
    assert!(config.contains("url: s3://team\n"), "{config}");
    assert!(!config.contains("testtest"), "no secrets: {config}");
}

#[test]
fn init_makes_the_folder_and_the_bucket_if_asked() {
    let team = Team::without_copies(Profile::Aws);
    let output = team.ok(".", "init brand-new/docs deep/copy --create-bucket");
    assert!(!output.stderr.contains("nothing is there"), "{}", output.stderr);
    let output = team.ok(".", "init brand-new/dosc other --create-bucket");
    assert!(output.stderr.contains("nothing is there"), "it was there: {}", output.stderr);
    team.write("deep/copy/f", "f");
    team.ok("deep/copy", "sync");
    assert_eq!(team.server.keys("brand-new"), ["docs/f"]);
}

#[test]
fn the_same_init_again_probes_again_and_keeps_what_was_agreed() {
    let team = Team::sharing(&[("f", "f")]);
    let database = team.read("one/.lsync/database.yaml");
    team.ok("one", "init s3://team/ .");
    assert!(team.server.count("PutObject") > 0, "probes");
    assert_eq!(team.read("one/.lsync/database.yaml"), database);
    assert_eq!(team.bucket(), files(&[("f", "f")]));
    team.assert_agreed();
}

#[test]
fn an_endpoint_given_to_init_is_remembered() {
    let mut team = Team::without_copies(Profile::Aws);
    team.set_variable("AWS_ENDPOINT_URL", "");
    let line = format!("init team . --endpoint-url {}", team.server.endpoint());
    team.ok("one", &line);
    team.write("one/f", "f");
    team.ok("one", "sync");
    assert_eq!(team.server.keys(BUCKET), ["f"]);
    assert!(team.text("one/.lsync/database.yaml").contains(&team.server.endpoint()));
}

#[test]
fn keys_of_the_probe_that_were_left_behind_are_nobodys_file() {
    let team = Team::sharing(&[("f", "f")]);
    team.server.put(BUCKET, ".lsync/probe/left", "left");
    let output = team.ok("one", "sync --json");
    let events: Vec<_> = lines_of(&output).iter().map(|line| line["event"].to_string()).collect();
    assert_eq!(events, ["\"summary\""]);
    assert_eq!(team.texts("one"), files(&[("f", "f")]));
}

#[test]
fn init_of_a_prefix_with_nothing_below_it_says_so_and_goes_on() {
    let team = Team::without_copies(Profile::Aws);
    let output = team.ok("one", "init team/new .");
    assert!(output.stderr.contains("s3://team/new holds no object"), "{}", output.stderr);
    team.server.put(BUCKET, "docs/f", "f");
    let output = team.ok("two", "init team/docs .");
    assert!(!output.stderr.contains("holds no object"), "{}", output.stderr);
}

#[test]
fn the_home_directory_and_what_holds_it_are_shared_with_force_alone() {
    let mut team = Team::without_copies(Profile::Aws);
    let home = team.path("home").canonicalize().unwrap();
    team.set_variable("HOME", home.to_str().unwrap());
    for (line, words) in [
        ("init team home", "your home directory"),
        ("init team .", "holds your home directory"),
        ("clone team home", "your home directory"),
        ("init team /", "the root of the file system"),
    ] {
        assert_error(&team.run(".", line), 2, &[words, "--force"]);
    }
    assert!(!team.exists("home/.lsync") && !team.exists(".lsync"));
    assert_eq!(team.requests(), Vec::<String>::new());
    team.ok(".", "init team home --force");
}

#[test]
fn a_folder_that_holds_working_copies_is_told_so() {
    let team = Team::new();
    std::fs::create_dir_all(team.path("plain")).unwrap();
    let output = team.ok(".", "init team . --force");
    assert!(!output.stderr.contains("holds other"), "{}", output.stderr);
    let team = Team::without_copies(Profile::Aws);
    for copy in ["around/one", "around/two"] {
        team.join(copy);
    }
    std::fs::create_dir_all(team.path("around/plain")).unwrap();
    let output = team.ok("around", "init team .");
    assert!(output.stderr.contains("one, two are working copies"), "{}", output.stderr);
}

#[test]
fn a_region_that_is_not_the_buckets_is_wrong_usage() {
    let team = Team::without_copies(Profile::Aws);
    team.ok("one", "init team .");
    let config = team.text("one/.lsync/config.yaml");
    for copy in ["one", "two"] {
        let output = team.run(copy, "init team . --region eu-west-9");
        assert_error(&output, 2, &["not in eu-west-9", "--region"]);
    }
    assert_eq!(team.text("one/.lsync/config.yaml"), config);
    assert!(!team.exists("two/.lsync"));
}

#[test]
fn a_first_push_of_secrets_and_what_a_machine_makes_says_so_before_the_first_byte() {
    let team = Team::new();
    for path in ["f", "web/.env", "web/.git/HEAD", "web/.git/config"] {
        team.write(format!("one/{path}"), path);
    }
    let said =
        "3 files that are seldom shared would go to the bucket for the first time: .env, .git";
    for line in ["sync --dry-run", "push --dry-run -q", "status", "status -q", "status --offline"] {
        let planned = team.ok("one", line);
        assert!(planned.stderr.contains(said), "{line}: {}", planned.stderr);
        assert!(planned.stderr.contains("in .lsyncignore: `.env`, `.git`"), "{line}");
    }
    team.server.clear_log();
    let output = team.ok("one", "sync");
    assert!(output.stderr.contains(said), "{}", output.stderr);
    let hint = "these lines in .lsyncignore: `.env`, `.git` leave out what is";
    assert!(output.stderr.contains(hint), "{}", output.stderr);
    for path in ["other/.git/HEAD", "more/.env"] {
        team.write(format!("one/{path}"), path);
    }
    let again = team.ok("one", "sync");
    assert!(!again.stderr.contains("first time"), "told once: {}", again.stderr);
    assert!(!team.ok("one", "status").stderr.contains("first time"));
    team.write("one/node_modules/x", "x");
    let output = team.ok("one", "sync");
    let said =
        "1 file that is seldom shared would go to the bucket for the first time: node_modules";
    assert!(output.stderr.contains(said), "{}", output.stderr);
    let hint = "this line in .lsyncignore: `node_modules` leaves out what is not for the team";
    assert!(output.stderr.contains(hint), "{}", output.stderr);
}

#[test]
fn a_quiet_first_push_of_a_secret_says_so_all_the_same() {
    for line in ["sync -q", "push -q", "push --mirror --yes -q", "sync --json -q"] {
        let team = Team::sharing(&[("f", "f")]);
        team.write("one/.ssh/id_rsa", "secret");
        let output = team.ok("one", line);
        let said = "warning: 1 file that is seldom shared would go to the bucket for the first \
                    time: .ssh";
        assert!(output.stderr.contains(said), "{line}: {}", output.stderr);
        assert!(output.stderr.contains("hint: this line in .lsyncignore: `.ssh`"), "{line}");
        assert!(team.server.keys(BUCKET).contains(&".ssh/id_rsa".to_owned()), "{line}");
    }
}

#[test]
fn an_answer_that_was_refused_is_not_written_down() {
    let team = Team::without_copies(Profile::Aws);
    team.server.fault(FaultRule::new("GetObject", "*", Fault::Status(403, "AccessDenied")));
    let output = team.ok("one", "init team .");
    assert!(output.stderr.contains("was not found out"), "{}", output.stderr);
    let config = team.text("one/.lsync/config.yaml");
    assert!(config.contains("file_beside_folder: true"), "{config}");
}

#[test]
fn init_removes_what_killed_probes_left_an_hour_ago_and_nothing_of_one_under_way() {
    let team = Team::without_copies(Profile::Aws);
    team.server.put_before(BUCKET, ".lsync/probe/killed/first", 62);
    team.server.put_before(BUCKET, ".lsync/probe/running/first", 55);
    team.server.put_before(BUCKET, "f", 10_000);
    team.ok("one", "init team .");
    assert_eq!(team.server.keys(BUCKET), [".lsync/probe/running/first", "f"]);
    let requests = team.server.log().len();
    assert!(requests <= INIT_REQUESTS_MAX, "{requests} requests");
}

#[test]
fn init_leaves_no_old_versions_behind() {
    let team = Team::without_copies(Profile::Versioned);
    team.server.put_before(BUCKET, ".lsync/probe/killed/first", 62);
    team.server.delete(BUCKET, ".lsync/probe/killed/first");
    team.server.put_before(BUCKET, ".lsync/probe/running/first", 55);
    team.server.put(BUCKET, "f", "f");
    let output = team.ok("one", "init team .");
    assert!(output.stdout.contains("keeps old versions"), "{}", output.stdout);
    // Of the killed one the mark is of this minute.
    let kept = [".lsync/probe/killed/first", ".lsync/probe/running/first", "f"];
    assert_eq!(team.server.keys_with_versions(BUCKET), kept);
    assert_eq!(team.server.versions(BUCKET, kept[0]).len(), 1, "the mark of its deletion");
}

#[test]
fn neither_init_nor_a_sync_leaves_marks_of_deletions_where_versioning_is_suspended() {
    let team = Team::without_copies(Profile::Aws);
    team.server.suspend_versioning(BUCKET);
    team.server.put_before(BUCKET, ".lsync/probe/killed/first", 62);
    team.server.put(BUCKET, "f", "f");
    team.server.put(BUCKET, "gone", "gone");
    team.server.delete(BUCKET, "gone");
    let output = team.ok("one", "init team .");
    assert!(!output.stderr.contains("stay"), "{}", output.stderr);
    let kept = ["f", "gone"];
    assert_eq!(team.server.keys_with_versions(BUCKET), kept, "the mark of somebody else stays");
    team.server.put_before(BUCKET, ".lsync/probe/killed/first", 70);
    team.ok("one", "sync");
    assert_eq!(team.server.keys_with_versions(BUCKET), kept);
    team.server.fault(FaultRule::new(
        "ListObjectVersions",
        "*",
        Fault::Status(403, "AccessDenied"),
    ));
    let output = team.ok("two", "init team .");
    let told = "marks of deletions of small objects of the probe stay below .lsync/probe/";
    assert!(output.stderr.contains(told), "{}", output.stderr);
    assert_eq!(team.server.keys(BUCKET), ["f"]);
}

#[test]
fn init_by_somebody_who_may_not_list_versions_succeeds_and_says_what_stays() {
    let team = Team::without_copies(Profile::Versioned);
    team.server.fault(FaultRule::new(
        "ListObjectVersions",
        "*",
        Fault::Status(403, "AccessDenied"),
    ));
    let output = team.ok("one", "init team .");
    assert!(output.stdout.contains("keeps old versions"), "{}", output.stdout);
    let told = "old versions of small objects of the probe stay below .lsync/probe/ in the bucket";
    assert_eq!(output.stderr.matches(told).count(), 1, "{}", output.stderr);
    assert!(output.stderr.contains("AccessDenied"), "{}", output.stderr);
    assert_eq!(team.server.keys(BUCKET), Vec::<String>::new(), "each is hidden by a mark");
    team.write("one/f", "f");
    team.ok("one", "sync");
    team.assert_quiet("one");
    assert_eq!(team.bucket(), files(&[("f", "f")]));
}

#[test]
fn init_says_what_stays_where_versions_cannot_be_deleted() {
    let team = Team::without_copies(Profile::ObjectLock);
    let first = team.ok("one", "init team .");
    let stay = |output: &Output| {
        let line = output.stderr.lines().find(|line| line.contains("versions of small objects"));
        let line = line.unwrap_or_else(|| panic!("{}", output.stderr));
        line.split_whitespace().find_map(|word| word.parse::<usize>().ok()).unwrap()
    };
    let there = |team: &Team| {
        let keys = team.server.keys_with_versions(BUCKET);
        let versions = keys.iter().flat_map(|key| team.server.versions(BUCKET, key));
        versions.filter(|(_, body)| body.is_some()).count()
    };
    assert_eq!(stay(&first), there(&team));
    assert_eq!(team.server.keys(BUCKET), Vec::<String>::new(), "each is hidden by a mark");
    team.write("one/f", "f");
    team.ok("one", "sync");
    assert_eq!(team.bucket(), files(&[("f", "f")]));
    team.server.clear_log();
    team.assert_quiet("one");
    assert_eq!(team.server.count("ListObjectVersions"), 0);
}

#[test]
fn where_nothing_can_be_deleted_the_objects_of_the_probe_are_nobodys_file() {
    let team = Team::without_copies(Profile::Aws);
    team.server.fault(FaultRule::new("DeleteObject*", "*", Fault::Status(403, "AccessDenied")));
    let output = team.ok("one", "init team .");
    assert!(output.stdout.contains("nothing can be deleted for good"), "{}", output.stdout);
    assert!(output.stderr.contains("could not be removed"), "{}", output.stderr);
    assert!(!output.stderr.contains("ignores conditions on deletions"), "{}", output.stderr);
    let config = team.text("one/.lsync/config.yaml");
    assert!(config.contains("undeletable: true"), "{config}");
    assert!(team.server.keys(BUCKET).len() > 3);
    // Who may delete nothing does not try to remove what was left long ago.
    team.server.put_before(BUCKET, ".lsync/probe/killed/first", 70);
    team.server.clear_log();
    team.ok("one", "sync");
    assert_eq!(team.requests(), ["ListObjectsV2 "]);
    team.server.put(BUCKET, "f", "f");
    team.ok("two", "clone team .");
    assert_eq!(team.texts("two"), files(&[("f", "f")]));
}

#[test]
fn a_large_file_goes_to_a_locked_bucket_that_takes_no_checksum_but_md5() {
    let quirks = Quirks { checksums: Checking::Refused, ..Profile::ObjectLock.quirks() };
    let server = S3Server::with_quirks(quirks);
    server.create_bucket(BUCKET);
    let workspace = Workspace::with_server(&server);
    let output = ok(&workspace, "one", "init team .");
    assert!(!output.stderr.contains("uploads in parts fail"), "{}", output.stderr);
    workspace.write("one/large", vec![7; 9 << 20]);
    ok(&workspace, "one", "sync");
    assert!(server.count("UploadPart") > 1);
    assert_eq!(server.get(BUCKET, "large").unwrap().len(), 9 << 20);
}

#[test]
fn a_complete_sync_removes_what_a_killed_probe_left_an_hour_ago_by_the_stores_clock() {
    let team = Team::sharing(&[("f", "f"), ("d/g", "g")]);
    let left = [".lsync/probe/a/first", ".lsync/probe/b/first"];
    team.server.put_before(BUCKET, left[0], 65);
    team.server.put_before(BUCKET, left[1], 55);
    let probes = |team: &Team| {
        let keys = team.server.keys(BUCKET).into_iter();
        keys.filter(|key| key.starts_with(".lsync/")).collect::<Vec<_>>()
    };
    // It is ten minutes earlier there than here: nothing is an hour old.
    team.server.set_minutes_ahead(-10);
    team.ok("one", "sync");
    assert_eq!(probes(&team), left);
    team.server.set_minutes_ahead(0);
    for line in ["status", "sync -n", "pull", "sync d"] {
        team.ok("one", line);
        assert_eq!(probes(&team), left, "{line}");
    }
    team.server.clear_log();
    team.ok("one", "sync");
    assert_eq!(probes(&team), left[1..]);
    assert_eq!(team.requests(), ["ListObjectsV2 ", "DeleteObject .lsync/probe/a/first"]);
    // Ten minutes later there than here: the other one is an hour old, too.
    team.server.set_minutes_ahead(10);
    team.ok("two", "push");
    assert_eq!(probes(&team), Vec::<String>::new());
    team.server.clear_log();
    team.ok("one", "sync");
    assert_eq!(team.requests(), ["ListObjectsV2 "]);
}

#[test]
fn a_complete_sync_removes_the_versions_of_a_killed_probe_too() {
    let team = Team::without_copies(Profile::Versioned);
    team.ok("one", "init team .");
    team.server.put_before(BUCKET, ".lsync/probe/a/first", 70);
    team.server.put_before(BUCKET, ".lsync/probe/a/first", 65);
    team.ok("one", "sync");
    assert_eq!(team.server.keys_with_versions(BUCKET), Vec::<String>::new());
}

#[test]
fn init_ends_the_uploads_of_killed_probes() {
    let team = Team::without_copies(Profile::Aws);
    team.server.abandon_upload(BUCKET, ".lsync/probe/killed/parts", 1);
    team.server.abandon_upload(BUCKET, ".lsync/probe/running/parts", 0);
    team.server.abandon_upload(BUCKET, "movie", 1);
    team.ok("one", "init team .");
    let mut open = team.server.open_uploads(BUCKET);
    open.sort();
    assert_eq!(open, [".lsync/probe/running/parts", "movie"]);
}

#[test]
fn a_probe_that_takes_longer_than_a_second_says_what_it_is_doing() {
    let latency = Duration::from_millis(30);
    let throttle = Throttle { latency, ..Throttle::default() };
    let server = S3Server::throttled(Profile::Aws.quirks(), throttle);
    server.create_bucket(BUCKET);
    let output = ok(&Workspace::with_server(&server), "one", "init team .");
    assert!(output.stderr.contains("trying out what the store can do"), "{}", output.stderr);
}
