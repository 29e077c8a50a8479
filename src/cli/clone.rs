//! `lsync clone`: init, then pull.

use std::path::{Path, PathBuf};

use super::arguments::CloneArguments;
use super::init;
use super::session::Context;
use super::sync::{self, Wish};
use crate::error::{Error, Exit};
use crate::plan::Direction;
use crate::remote::BucketUrl;

/// Runs the command.
pub(super) async fn run(context: &Context, arguments: &CloneArguments) -> Result<Exit, Error> {
    let path = match &arguments.path {
        Some(path) => path.clone(),
        None => default_path(&BucketUrl::parse(&arguments.bucket, &context.start)?),
    };
    let root = init::make(context, &arguments.bucket, &path, &arguments.options).await?;
    let inside = Context { start: root.clone(), ..context.clone() };
    let wish = Wish::new("clone", Direction::Pull).with_speed(arguments.speed);
    let result = sync::run(&inside, &wish).await;
    if let (Ok(Exit::Done), Some(hint)) = (&result, enter(context, &root)) {
        context.screen.hint(&hint);
    } else if result.as_ref().map_or(true, |exit| *exit != Exit::Done) {
        let folder = root.strip_prefix(&context.start).unwrap_or(&root).display();
        context.screen.hint(&format!("`lsync -C {folder} pull` fetches the rest"));
    }
    result
}

/// Names the command that goes into the working copy; `None` where a person is there already.
fn enter(context: &Context, root: &Path) -> Option<String> {
    let folder = root.strip_prefix(&context.start).unwrap_or(root);
    (root != context.start).then(|| format!("`cd {}`", folder.display()))
}

/// Returns the last component of the bucket, as git does with a URL.
fn default_path(url: &BucketUrl) -> PathBuf {
    PathBuf::from(url.last_component())
}
