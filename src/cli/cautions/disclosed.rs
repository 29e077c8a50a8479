//! Files that rules have kept from the bucket until now, before they go there because a teammate changed
//! the rules.

use crate::cli::screen::prompt;
use crate::cli::screen::text::{count, first_of};
use crate::cli::session::Context;
use crate::error::Error;
use crate::plan::{Disclosed, Plan};

/// Says which they are and what keeps them back; `--quiet` does not leave this out.
pub(in crate::cli) fn tell_of_disclosed(context: &Context, plan: &Plan) {
    let disclosed = &plan.disclosed;
    if disclosed.files() == 0 {
        return;
    }
    let rules: Vec<_> = disclosed.rules().collect();
    let named = first_of(disclosed.named(), disclosed.files());
    let message = format!(
        "rules that come from the bucket no longer ignore {} here, which would go to the bucket: {named}; \
         so far {} kept them back",
        files(disclosed),
        rules.join(", "),
    );
    let hint = "`*` as a line of a .lsyncignore in their folder keeps back all that is in it";
    context.screen.caution(&message, hint);
}

/// Asks on a terminal whether to send them.
pub(in crate::cli) async fn may_disclose(
    context: &Context,
    disclosed: &Disclosed,
) -> Result<bool, Error> {
    if disclosed.files() == 0 || !context.screen.can_ask() {
        return Ok(true);
    }
    let question = format!("Send {} that were ignored here?", files(disclosed));
    Ok(prompt::confirm(&question).await?)
}

fn files(disclosed: &Disclosed) -> String {
    count(disclosed.files(), "file", "files")
}
