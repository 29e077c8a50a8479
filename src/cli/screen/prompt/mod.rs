//! Questions. Nothing is ever asked where nobody can answer: see [`Screen::can_ask`].
//!
//! A signal has no answer: whoever asks does so within
//! [`Context::unless_interrupted`](super::session::Context::unless_interrupted), which drops the
//! question.

mod keyboard;

use std::io;

use anyhow::Context as _;
use dialoguer::console::Term;
use dialoguer::{Confirm, theme::SimpleTheme};
use keyboard::{Key, Keyboard};

use super::output::Screen;
use super::text::escape;

/// Asks a question with yes or no, and no as the default.
pub(in crate::cli) async fn confirm(question: &str) -> anyhow::Result<bool> {
    // What was typed before is no answer; and whatever ends the question, the terminal is as it was.
    let keyboard = Keyboard::open()?;
    let mut asking = Asking { is_over: false };
    let question = escape(question);
    let ask = move || {
        Confirm::with_theme(&SimpleTheme).with_prompt(question).default(false).interact_opt()
    };
    // A thread of its own, that nobody waits for: a signal ends the question at once.
    let answer = tokio::task::spawn_blocking(ask).await?;
    let is_interrupted = matches!(
        &answer,
        Err(dialoguer::Error::IO(error)) if error.kind() == io::ErrorKind::Interrupted
    );
    asking.is_over = !is_interrupted;
    drop((asking, keyboard));
    if !is_interrupted {
        return Ok(answer.context("cannot ask on this terminal")?.unwrap_or(false));
    }
    // Ctrl-C has sent its signal; where that is ignored, it is no yes.
    if keyboard::is_stopped_by_ctrl_c() { std::future::pending().await } else { Ok(false) }
}

/// A question that stands open: it hides the cursor, and its line is not ended.
struct Asking {
    is_over: bool,
}

impl Drop for Asking {
    fn drop(&mut self) {
        if !self.is_over {
            let terminal = Term::stderr();
            // Nobody is left to be told that the terminal is gone.
            drop(terminal.show_cursor().and_then(|()| terminal.write_line("")));
        }
    }
}

/// Prints `question` and waits for one of the keys; `None` at Esc and Ctrl-D.
pub(in crate::cli) async fn choose(
    screen: &Screen,
    question: &str,
    keys: &str,
) -> anyhow::Result<Option<char>> {
    loop {
        let keyboard = Keyboard::open()?;
        screen.beside(question);
        match keyboard.key().await? {
            // A capital is another key: whoever types one meant something else.
            Key::Char(key) if keys.contains(key) => return Ok(Some(key)),
            Key::Escape | Key::EndOfInput => return Ok(None),
            Key::Char(_) | Key::Enter | Key::Other => screen.beside(&no_such_key(keys)),
        }
    }
}

fn no_such_key(keys: &str) -> String {
    let keys: Vec<_> = keys.chars().map(String::from).collect();
    format!("  no such key: there are {} and Esc", keys.join(", "))
}
