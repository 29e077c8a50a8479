//! `lsync clone`: init, then pull.

use std::path::{Path, PathBuf};

use crate::cli::arguments::{CloneArguments, PlanOptions};
use crate::cli::commands::start::init::{self, Order};
use crate::cli::commands::work::flow::{self, Typed};
use crate::cli::session::Context;
use crate::error::{Error, Exit};
use crate::plan::Direction;
use crate::remote::BucketUrl;

/// Runs the command.
pub(in crate::cli) async fn run(
    context: &Context,
    arguments: &CloneArguments,
) -> Result<Exit, Error> {
    let path = match &arguments.path {
        Some(path) => path.clone(),
        None => default_path(context, &arguments.bucket)?,
    };
    // A bucket that is made by this command cannot hold anything.
    let may_be_empty = arguments.allow_empty || arguments.options.create_bucket;
    let order = Order {
        bucket: &arguments.bucket,
        path: &path,
        options: &arguments.options,
        force: arguments.force,
        cloning: Some(may_be_empty),
    };
    let root = match init::make(context, &order).await? {
        Ok(root) => root,
        Err(exit) => return Ok(exit),
    };
    let inside = Context { start: root.clone(), ..context.clone() };
    let (plan, speed) = (&PlanOptions::default(), arguments.speed);
    let typed = Typed { command: "clone", plan, speed, yes: false };
    let result = flow::run(&inside, &typed, |_, request| request.direction = Direction::Pull).await;
    if let (Ok(Exit::Done), Some(hint)) = (&result, enter(context, &root)) {
        context.screen.hint(&hint);
    } else if let Some(hint) = rest(context, &root, &result) {
        context.screen.hint(&hint);
    }
    result
}

/// Names the command that goes into the working copy; `None` where a person is there already.
fn enter(context: &Context, root: &Path) -> Option<String> {
    let folder = root.strip_prefix(&context.start).unwrap_or(root);
    (root != context.start).then(|| format!("`cd {}`", folder.display()))
}

/// Names the command that does what is left to do.
fn rest(context: &Context, root: &Path, result: &Result<Exit, Error>) -> Option<String> {
    let folder = root.strip_prefix(&context.start).unwrap_or(root).display();
    match result {
        Ok(Exit::Done) => None,
        // Everything else was fetched, or each failure has said so itself.
        Ok(Exit::Conflicts) => {
            Some(format!("`lsync -C {folder} resolve` settles what differs here and in the bucket"))
        }
        Ok(_) | Err(_) => Some(format!("`lsync -C {folder} pull` fetches the rest")),
    }
}

/// Returns the last component of the bucket, as git does with a URL.
fn default_path(context: &Context, bucket: &str) -> Result<PathBuf, Error> {
    let url = init::bucket_url(context, "clone", bucket)?;
    let path = PathBuf::from(url.last_component());
    if let BucketUrl::Folder(folder) = &url
        && context.start.join(&path) == *folder
    {
        return Err(Error::usage(
            format!("{bucket} is the bucket itself and cannot be the working copy, too"),
            format!("say where to: `lsync clone {bucket} PATH`"),
        ));
    }
    Ok(path)
}
