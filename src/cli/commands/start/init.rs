//! `lsync init`: makes a folder a working copy of a bucket.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::cli::abilities::{abilities, race_warning};
use crate::cli::arguments::{BucketOptions, InitArguments};
use crate::cli::cautions;
use crate::cli::operands::normalise;
use crate::cli::screen::style::Paint;
use crate::cli::screen::text::escape;
use crate::cli::session::{Context, settings};
use crate::disk::RealDisk;
use crate::error::{Error, Exit};
use crate::remote::{
    self, BucketUrl, FirstLook, Found, Probed, Remote, RemoteErrorKind, RemoteSettings,
};
use crate::repository::{Config, RemoteConfig, Repository, RepositoryError};

/// How long a probe may take without a word.
const PROBE_SILENCE: Duration = Duration::from_secs(1);

/// Runs the command.
pub(in crate::cli) async fn run(
    context: &Context,
    arguments: &InitArguments,
) -> Result<Exit, Error> {
    let InitArguments { bucket, path, options, force } = arguments;
    let order = Order { bucket, path, options, force: *force, cloning: None };
    let root = match make(context, &order).await? {
        Ok(root) => root,
        Err(exit) => return Ok(exit),
    };
    context.screen.hint(&next(context, &root));
    Ok(Exit::Done)
}

/// Names the command to type next.
fn next(context: &Context, root: &Path) -> String {
    if root == context.start {
        "`lsync status` shows what a sync would do, `lsync sync` does it".to_owned()
    } else {
        let folder = root.strip_prefix(&context.start).unwrap_or(root).display();
        format!("`cd {folder}`, then `lsync sync`")
    }
}

/// What is to be made.
pub(in crate::cli) struct Order<'a> {
    pub(in crate::cli) bucket: &'a str,
    pub(in crate::cli) path: &'a Path,
    pub(in crate::cli) options: &'a BucketOptions,
    /// Whatever folder it is.
    pub(in crate::cli) force: bool,
    /// To be filled from the bucket; whether nothing there is fine, too.
    pub(in crate::cli) cloning: Option<bool>,
}

/// Makes the working copy, or looks at its store again, and tells what was found; returns its root,
/// or how it ended where a person did not answer with yes.
pub(in crate::cli) async fn make(
    context: &Context,
    order: &Order<'_>,
) -> Result<Result<PathBuf, Exit>, Error> {
    let Order { bucket, path, options, .. } = *order;
    let word = if order.cloning.is_some() { "clone" } else { "init" };
    let url = bucket_url(context, word, bucket)?;
    let root = normalise(&context.start.join(path));
    refuse_nesting(&url, &root)?;
    hint_at_folder(context, &url, bucket);
    let existing = existing(&root)?;
    if let Some(existing) = &existing {
        refuse_other_bucket(existing, &url, options)?;
    } else {
        Repository::check_free(&RealDisk, &root)?;
        let folder = real(&root);
        cautions::refuse_system_folders(&folder, order.force)?;
        if let Some(exit) = cautions::may_hold_copies(context, &folder, order.force).await? {
            return Ok(Err(exit));
        }
    }
    let mut remote = remote_config(&url, options, existing.as_ref().map(|it| &it.config.remote));
    // Held while the store is probed, so that nothing else writes the config.
    let lock = existing.as_ref().map(|it| it.lock(&RealDisk, word)).transpose()?;
    let Reached { remote: reached, found, is_made } = reach(&mut remote, context, options).await?;
    if existing.is_none() && !is_made {
        let answer = cautions::may_be_empty(context, &url, found, order.cloning).await?;
        if let Some(exit) = answer {
            return Ok(Err(exit));
        }
    }
    let probed = probe(context, &*reached).await?;
    let mut config = match &existing {
        Some(existing) => Config { remote: remote.clone(), ..existing.config.clone() },
        None => Config::new(remote.clone()),
    };
    config.set_store(&probed.capabilities)?;
    match existing {
        Some(mut existing) => {
            existing.config = config;
            existing.save_config(&RealDisk)?;
        }
        None => drop(Repository::create(&RealDisk, &root, &config)?),
    }
    drop(lock);
    tell(context, &root, &remote, &probed);
    Ok(Ok(root))
}

/// Reads what was typed for the bucket; a file or a working copy can be none.
pub(in crate::cli) fn bucket_url(
    context: &Context,
    word: &str,
    typed: &str,
) -> Result<BucketUrl, Error> {
    let url = BucketUrl::parse(typed, &context.start)?;
    let BucketUrl::Folder(folder) = &url else { return Ok(url) };
    if folder.is_file() {
        return Err(Error::usage(
            format!("{typed} is a file, and a bucket is a folder"),
            "name the folder that holds, or is to hold, what the team shares",
        ));
    }
    let Ok((copy, None)) = Repository::discover(&RealDisk, folder) else { return Ok(url) };
    let RemoteConfig { url: known, endpoint, .. } = &copy.config.remote;
    let server = endpoint.as_ref().map_or_else(String::new, |it| format!(" --endpoint-url {it}"));
    Err(Error::usage(
        format!("{typed} is a working copy of {known}, and no bucket"),
        format!("`lsync {word} {known} PATH{server}` makes another working copy of that bucket"),
    ))
}

/// Opens the working copy at `root` where there is one; inside another one is an error.
fn existing(root: &Path) -> Result<Option<Repository<RealDisk>>, Error> {
    match Repository::discover(&RealDisk, root) {
        Ok((repository, None)) => Ok(Some(repository)),
        Ok((outer, Some(_))) => {
            let (root, outer) = (root.to_owned(), outer.root_path);
            Err(RepositoryError::Inside { root, outer }.into())
        }
        Err(RepositoryError::NotARepository { .. }) => {
            Repository::check_free(&RealDisk, root)?;
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn refuse_other_bucket(
    existing: &Repository<RealDisk>,
    url: &BucketUrl,
    options: &BucketOptions,
) -> Result<(), Error> {
    let known = &existing.config.remote;
    let other_server = options.endpoint_url.is_some() && options.endpoint_url != known.endpoint;
    if known.url == url.to_string() && !other_server {
        return Ok(());
    }
    let server = known.endpoint.as_ref().map_or_else(String::new, |it| format!(" on {it}"));
    Err(Error::usage(
        format!("{} is a working copy of {}{server}", existing.root_path.display(), known.url),
        "choose another folder for another bucket",
    ))
}

/// Puts together what the config will say of the bucket; options beat what it said before.
fn remote_config(
    url: &BucketUrl,
    options: &BucketOptions,
    known: Option<&RemoteConfig>,
) -> RemoteConfig {
    let known = known.cloned().unwrap_or_default();
    RemoteConfig {
        url: url.to_string(),
        // A region that was found before is looked for again: buckets move by being made anew.
        region: options.region.clone(),
        endpoint: options.endpoint_url.clone().or(known.endpoint),
        profile: options.profile.clone().or(known.profile),
        path_style: options.path_style || known.path_style,
    }
}

/// Says how a folder is named that an S3 bucket may have been mistaken for.
fn hint_at_folder(context: &Context, url: &BucketUrl, typed: &str) {
    let is_s3 = matches!(url, BucketUrl::S3 { .. });
    if is_s3 && !typed.contains("://") && context.start.join(typed).is_dir() {
        context.screen.hint(&format!(
            "{typed} means a bucket of this name in S3; the folder is `./{}`",
            escape(typed)
        ));
    }
}

/// Refuses a bucket that lies inside its working copy, and the reverse.
fn refuse_nesting(url: &BucketUrl, root: &Path) -> Result<(), Error> {
    let BucketUrl::Folder(bucket) = url else { return Ok(()) };
    let (inner, outer) = (real(bucket), real(root));
    let relation = if inner == outer {
        "is the working copy itself"
    } else if inner.starts_with(&outer) {
        "lies inside the working copy"
    } else if outer.starts_with(&inner) {
        "holds the working copy"
    } else {
        return Ok(());
    };
    let hint = if inner == outer {
        "name another PATH for the working copy"
    } else {
        "put the two folders beside each other"
    };
    Err(Error::usage(
        format!("the bucket {} {relation} {}", bucket.display(), root.display()),
        hint,
    ))
}

/// Resolves links in as much of a path as exists.
fn real(path: &Path) -> PathBuf {
    for above in path.ancestors() {
        if let Ok(real) = above.canonicalize() {
            let rest = path.strip_prefix(above).unwrap_or(Path::new(""));
            return normalise(&real.join(rest));
        }
    }
    path.to_owned()
}

/// A bucket that answers.
struct Reached {
    remote: Arc<dyn Remote>,
    found: Found,
    /// It was made just now.
    is_made: bool,
}

/// Finds the region, makes the bucket if asked to, and looks whether anything is there.
async fn reach(
    config: &mut RemoteConfig,
    context: &Context,
    options: &BucketOptions,
) -> Result<Reached, Error> {
    let create = options.create_bucket;
    let mut is_made = false;
    let mut settings = settings(config, &context.start)?;
    let mut remote = match open(&settings).await {
        Err(Error::Remote(error)) if error.kind == RemoteErrorKind::NoBucket && create => {
            remote::create_bucket(&settings).await?;
            is_made = true;
            open(&settings).await?
        }
        other => other?,
    };
    let looked = look(&*remote, (&settings, create), &mut is_made).await?;
    let FirstLook { region, mut found } = looked;
    if let Some(asked) = remote.region()
        && let Some(region) = region?.filter(|region| region != asked)
    {
        refuse_other_region(&settings, options.region.as_deref(), &region)?;
        settings.region = Some(region);
        remote = open(&settings).await?;
        found = look(&*remote, (&settings, create), &mut is_made).await?.found;
    }
    let found = found?;
    if let Some(region) = remote.region() {
        config.region = Some(region.to_owned());
        // A variable may name another server tomorrow; the database is about this one.
        config.endpoint = remote.endpoint().map(str::to_owned);
    }
    Ok(Reached { remote, found, is_made })
}

/// Looks where the bucket lies and what is there, and makes it first where it is missing and that was
/// asked for.
async fn look(
    remote: &dyn Remote,
    (settings, create): (&RemoteSettings, bool),
    is_made: &mut bool,
) -> Result<FirstLook, Error> {
    let look = remote::first_look(remote).await;
    if !create || !look.is_missing() {
        return Ok(look);
    }
    remote::create_bucket(settings).await?;
    *is_made = true;
    Ok(remote::first_look(remote).await)
}

/// Refuses a region that was typed and is not the bucket's.
fn refuse_other_region(
    settings: &RemoteSettings,
    typed: Option<&str>,
    found: &str,
) -> Result<(), Error> {
    match typed {
        Some(typed) => Err(Error::usage(
            format!("{} lies in {found}, not in {typed}", settings.url),
            format!("leave out --region (and LSYNC_REGION), or name {found}"),
        )),
        None => Ok(()),
    }
}

/// Probes the store; says so where that takes a while.
async fn probe(context: &Context, remote: &dyn Remote) -> Result<Probed, Error> {
    let mut probing = std::pin::pin!(remote.probe());
    tokio::select! {
        biased;
        probed = &mut probing => return Ok(probed?),
        () = tokio::time::sleep(PROBE_SILENCE) => {
            context.screen.remark("trying out what the store can do: writes, deletions, races …");
        }
    }
    Ok(probing.await?)
}

async fn open(settings: &RemoteSettings) -> Result<Arc<dyn Remote>, Error> {
    Ok(remote::open_new(settings).await?)
}

/// Tells what was found.
fn tell(context: &Context, root: &Path, remote: &RemoteConfig, probed: &Probed) {
    let screen = &context.screen;
    if screen.quiet() {
        return;
    }
    let mut bucket = remote.url.clone();
    for (name, value) in [("region", &remote.region), ("endpoint", &remote.endpoint)] {
        if let Some(value) = value {
            bucket.extend([", ", name, " ", value]);
        }
    }
    let line = |label: &str, text: &str| {
        let label = screen.style().paint(Paint::Bold, label);
        let line = format!("{label} {}", escape(text));
        // Of `clone --json`, whose result is lines of another kind.
        if screen.json() { screen.remark(&line) } else { screen.result(&line) }
    };
    line("working copy:", &root.display().to_string());
    line("bucket:", &bucket);
    line("store:", &abilities(&probed.capabilities));
    for note in &probed.notes {
        let label = screen.error_style().paint(Paint::Yellow, "note:");
        screen.remark(&format!("{label} {}", escape(note)));
    }
    if probed.notes.is_empty()
        && let Some(warning) = race_warning(&probed.capabilities)
    {
        screen.warning(&warning);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(bucket: &str, root: &str) -> bool {
        refuse_nesting(&BucketUrl::Folder(bucket.into()), Path::new(root)).is_err()
    }

    #[test]
    fn a_bucket_inside_its_working_copy_and_the_reverse_are_wrong_usage() {
        assert!(nested("/nowhere/a", "/nowhere/a"));
        assert!(nested("/nowhere/a/b", "/nowhere/a"));
        assert!(nested("/nowhere/a", "/nowhere/a/b"));
        assert!(!nested("/nowhere/a", "/nowhere/ab"));
        let url = BucketUrl::Folder("/nowhere/a".into());
        let error = refuse_nesting(&url, Path::new("/nowhere/a")).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
    }

    #[test]
    fn a_link_to_the_working_copy_is_seen_through() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("work")).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("work"), &link).unwrap();
        let url = BucketUrl::Folder(link.join("bucket"));
        assert!(refuse_nesting(&url, &folder.path().join("work")).is_err());
    }

    #[test]
    fn what_is_typed_beats_what_the_config_said() {
        let url = BucketUrl::S3 { bucket: "b".into(), prefix: String::new() };
        let known = RemoteConfig {
            profile: Some("old".into()),
            endpoint: Some("http://e".into()),
            ..RemoteConfig::default()
        };
        let options = BucketOptions { profile: Some("new".into()), ..BucketOptions::default() };
        let config = remote_config(&url, &options, Some(&known));
        assert_eq!(config.profile.as_deref(), Some("new"));
        assert_eq!(config.endpoint.as_deref(), Some("http://e"));
    }
}
