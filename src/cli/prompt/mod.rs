//! Questions. Nothing is ever asked where nobody can answer: see [`Screen::can_ask`].
//!
//! A signal has no answer: whoever asks does so within
//! [`Context::unless_interrupted`](super::session::Context::unless_interrupted), which drops the
//! question.

mod keyboard;

use keyboard::{Key, Keyboard};

use super::screen::Screen;
use super::text::escape;

/// Asks a question with yes or no, and no as the default.
pub(super) async fn confirm(screen: &Screen, question: &str) -> anyhow::Result<bool> {
    let question = format!("{} [y/N] ", escape(question));
    loop {
        let keyboard = Keyboard::open()?;
        let mut line = OpenLine::begin(screen, &question);
        let answer = match keyboard.key().await? {
            Key::Char('y' | 'Y') => Some(true),
            Key::Char('n' | 'N' | 'q') | Key::Enter | Key::Escape | Key::EndOfInput => Some(false),
            Key::Char(_) | Key::Other => None,
        };
        line.answer = answer.map_or("", |yes| if yes { "yes" } else { "no" });
        drop(line);
        match answer {
            Some(answer) => return Ok(answer),
            None => screen.beside("  no such key: y is yes; n, q, Enter and Esc are no"),
        }
    }
}

/// Prints `question` and waits for one of the keys; `None` at Esc and Ctrl-D.
pub(super) async fn choose(
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

/// A line that waits for its answer; however the question ends, nothing else is written behind it.
struct OpenLine<'a> {
    screen: &'a Screen,
    answer: &'static str,
}

impl<'a> OpenLine<'a> {
    fn begin(screen: &'a Screen, question: &str) -> Self {
        screen.open_line(question);
        Self { screen, answer: "" }
    }
}

impl Drop for OpenLine<'_> {
    fn drop(&mut self) {
        self.screen.beside(&format!("{}\n", self.answer));
    }
}
