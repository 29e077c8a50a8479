//! Questions. Nothing is ever asked where nobody can answer: see [`Screen::can_ask`].
//!
//! Ctrl-C has no answer: it is a signal, too, and whoever asks does so within
//! [`Context::unless_interrupted`](super::session::Context::unless_interrupted).

use std::io;

use anyhow::Context as _;
use dialoguer::console::{Key, Term};
use dialoguer::{Confirm, theme::SimpleTheme};

use super::screen::Screen;
use super::text::escape;

/// What Ctrl-D types where keys are read one by one.
const END_OF_INPUT: char = '\u{4}';

/// Asks a question with yes or no, and no as the default.
pub(super) async fn confirm(question: &str) -> anyhow::Result<bool> {
    let question = escape(question);
    let ask = move || {
        Confirm::with_theme(&SimpleTheme).with_prompt(question).default(false).interact_opt()
    };
    match tokio::task::block_in_place(ask) {
        Ok(answer) => Ok(answer.unwrap_or(false)),
        Err(dialoguer::Error::IO(error)) if error.kind() == io::ErrorKind::Interrupted => {
            // The question hid it.
            Term::stderr().show_cursor().unwrap_or_default();
            std::future::pending().await
        }
        Err(error) => Err(error).context("cannot ask on this terminal"),
    }
}

/// Prints `question` and waits for one of the keys; `None` at Esc and Ctrl-D.
pub(super) async fn choose(
    screen: &Screen,
    question: &str,
    keys: &str,
) -> anyhow::Result<Option<char>> {
    let terminal = Term::stderr();
    loop {
        screen.beside(question);
        let key = tokio::task::block_in_place(|| terminal.read_key());
        match key {
            // A capital is another key: whoever types one meant something else.
            Ok(Key::Char(key)) if keys.contains(key) => return Ok(Some(key)),
            Ok(Key::Escape | Key::Char(END_OF_INPUT)) => return Ok(None),
            Ok(_) => (),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                return std::future::pending().await;
            }
            Err(error) => return Err(error).context("cannot ask on this terminal"),
        }
    }
}
