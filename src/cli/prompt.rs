//! Questions. Nothing is ever asked where nobody can answer: see [`Screen::can_ask`].

use anyhow::Context as _;
use dialoguer::console::{Key, Term};
use dialoguer::{Confirm, theme::SimpleTheme};

use super::screen::Screen;
use super::text::escape;

/// Asks a question with yes or no, and no as the default; interrupted counts as no.
pub(super) fn confirm(question: &str) -> anyhow::Result<bool> {
    let question = escape(question);
    let ask = move || {
        Confirm::with_theme(&SimpleTheme)
            .with_prompt(question)
            .default(false)
            .interact_opt()
            .map(|answer| answer.unwrap_or(false))
    };
    tokio::task::block_in_place(ask).context("cannot ask on this terminal")
}

/// Prints `question` and waits for one of the keys; `None` when interrupted.
pub(super) fn choose(screen: &Screen, question: &str, keys: &str) -> anyhow::Result<Option<char>> {
    let terminal = Term::stderr();
    loop {
        screen.beside(question);
        let key = tokio::task::block_in_place(|| terminal.read_key());
        match key {
            Ok(Key::Char(key)) if keys.contains(key.to_ascii_lowercase()) => {
                return Ok(Some(key.to_ascii_lowercase()));
            }
            Ok(Key::Escape | Key::CtrlC) => return Ok(None),
            Ok(_) => (),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(None),
            Err(error) => return Err(error).context("cannot ask on this terminal"),
        }
    }
}
