//! What wrong usage is told.

use super::*;

fn refused(line: &str) -> (String, String) {
    let typed: Vec<String> = line.split(' ').skip(1).map(str::to_owned).collect();
    words(&arguments::command().try_get_matches_from(line.split(' ')).unwrap_err(), &typed)
}

#[test]
fn a_misspelt_option_is_named_and_a_similar_one_proposed() {
    let (message, hint) = refused("lsync sync --dryrun");
    assert_eq!(message, "unexpected argument '--dryrun' found");
    assert_eq!(hint, "lsync spells it --dry-run");
    assert_eq!(refused("lsync sync --dry-rum").1, "did you mean --dry-run?");
    assert_eq!(refused("lsync sync --qiuet").1, "did you mean --quiet?");
    assert_eq!(refused("lsync snyc").1, "did you mean `lsync sync`?");
    assert_eq!(refused("lsync trash lst").1, "did you mean `lsync trash list`?");
}

#[test]
fn an_option_of_another_command_is_not_taken_for_a_file() {
    let (message, hint) = refused("lsync sync --mirror");
    assert_eq!(message, "unexpected argument '--mirror' found");
    assert_eq!(hint, "--mirror is an option of `lsync pull` and `lsync push`");
}

#[test]
fn an_option_before_its_command_is_told_its_place() {
    for (line, option) in [
        ("lsync -v sync", "-v"),
        ("lsync -q sync", "-q"),
        ("lsync -n sync", "-n"),
        ("lsync -vn sync docs", "-v"),
        ("lsync --json sync", "--json"),
        ("lsync -C . --dry-run sync", "--dry-run"),
    ] {
        let (message, hint) = refused(line);
        assert_eq!(message, format!("unexpected argument '{option}' found"));
        assert_eq!(hint, format!("{option} belongs after the command: `lsync sync {option}`"));
    }
    assert_eq!(refused("lsync -v").1, "-v belongs after a command, as in `lsync sync -v`");
    let mirror = refused("lsync --mirror sync").1;
    assert_eq!(mirror, "--mirror is an option of `lsync pull` and `lsync push`");
    let dry_run = refused("lsync init -n b").1;
    assert!(dry_run.starts_with("-n is an option of `lsync pull`, `lsync push`"), "{dry_run}");
}

#[test]
fn what_is_missing_is_named_and_the_help_pointed_to() {
    let (message, hint) = refused("lsync init");
    assert_eq!(message, "the following required arguments were not provided: <BUCKET>");
    assert_eq!(hint, "`lsync init --help` lists what it takes");
}

#[test]
fn a_value_that_makes_no_sense_is_named_with_the_reason() {
    let (message, hint) = refused("lsync sync --max-delete many");
    assert_eq!(hint, "`lsync sync --help` lists what it takes");
    assert!(message.starts_with("invalid value 'many' for '--max-delete <N|P%>'"), "{message}");
}

#[test]
fn nothing_is_proposed_that_means_something_else() {
    for (line, other) in [
        ("lsync sync --delete", "--no-delete leaves it there"),
        ("lsync sync --deleted", "lists what it takes"),
        ("lsync sync --no-color", "lists what it takes"),
        ("lsync sync --update", "no option is needed"),
        ("lsync restore f", "`lsync trash restore PATH`"),
        ("lsync pulish", "lists what it takes"),
    ] {
        let (_, hint) = refused(line);
        assert!(hint.contains(other), "{line}: {hint}");
        assert!(!hint.contains("did you mean"), "{line}: {hint}");
    }
}

#[test]
fn words_of_other_tools_are_answered_by_what_lsync_calls_them() {
    for (line, part) in [
        ("lsync add .", "nothing has to be added"),
        ("lsync commit -m words", "nothing has to be added"),
        ("lsync rm f", "delete the file itself"),
        ("lsync mv a b", "rename the file itself"),
        ("lsync cp a s3://b/a", "`lsync push` sends"),
        ("lsync ls", "`lsync status` shows"),
        ("lsync s3 sync . s3://b", "`lsync sync`"),
        ("lsync trash empty", "`trash_days`"),
        ("lsync trash ls", "`lsync trash list`"),
    ] {
        let (_, hint) = refused(line);
        assert!(hint.contains(part), "{line}: {hint}");
    }
}

#[test]
fn options_of_other_tools_are_answered_where_they_are_typed() {
    for (line, part) in [
        ("lsync push --dryrun", "lsync spells it --dry-run"),
        ("lsync resolve --dryrun", "--dry-run is an option of `lsync pull`, `lsync push`"),
        ("lsync pull --transfers=4", "lsync spells it --jobs"),
        ("lsync pull --exclude-from list", ".lsyncignore"),
        ("lsync push -f docs", "lsync spells it --force"),
        ("lsync sync -f docs", "say which side wins"),
        ("lsync sync --force docs", "say which side wins"),
        ("lsync sync --size-only", "compared with the last sync"),
        ("lsync sync --profile work", "--profile is an option of `lsync clone` and `lsync init`"),
        ("lsync push --theirs", "--theirs is an option of `lsync resolve`"),
        ("lsync sync -avz", "without a PATH everything is taken"),
        ("lsync --delete sync", "no option is needed"),
        ("lsync init b --prefix p", "`lsync init BUCKET/PREFIX`"),
        ("lsync trash list --recursive", "no option is needed"),
    ] {
        let (_, hint) = refused(line);
        assert!(hint.contains(part), "{line}: {hint}");
    }
}
