//! A bucket, or a prefix, under which nothing is: mistyped, more likely than not.

use crate::cli::screen::prompt;
use crate::cli::session::Context;
use crate::error::{Error, Exit};
use crate::remote::{BucketUrl, Found};

/// Refuses to clone nothing, unless it is allowed or, on a terminal, answered with yes; `init` says
/// that nothing is there and goes on. Returns how it ends where nothing is made.
pub(in crate::cli) async fn may_be_empty(
    context: &Context,
    url: &BucketUrl,
    found: Found,
    cloning: Option<bool>,
) -> Result<Option<Exit>, Error> {
    let message = match found {
        Found::Something => return Ok(None),
        Found::Nothing => format!("nothing is there: {url} holds no object"),
        Found::Object => {
            format!("nothing is there: {url} is an object, and no object is below {url}/")
        }
    };
    let hint = match (url, found) {
        (BucketUrl::S3 { bucket, prefix }, _) if !prefix.is_empty() => {
            let above =
                prefix.rsplit_once('/').map_or(String::new(), |(above, _)| format!("/{above}"));
            format!("look for the right name in s3://{bucket}{above}")
        }
        _ => "look for the right name".to_owned(),
    };
    match cloning {
        None if has_prefix(url) || found == Found::Object => {
            context.screen.warning(&message);
            Ok(None)
        }
        None | Some(true) => Ok(None),
        Some(false) if context.screen.can_ask() => {
            let question = format!("{message}. Make an empty working copy?");
            let question = prompt::confirm(&question);
            match context.unless_interrupted(question).await.transpose()? {
                None => Ok(Some(Exit::Interrupted)),
                Some(true) => Ok(None),
                Some(false) => Err(Error::Failed { message, hint }),
            }
        }
        Some(false) => {
            let hint = format!("{hint}, or add --allow-empty to begin with nothing");
            Err(Error::Failed { message, hint })
        }
    }
}

fn has_prefix(url: &BucketUrl) -> bool {
    matches!(url, BucketUrl::S3 { prefix, .. } if !prefix.is_empty())
}
