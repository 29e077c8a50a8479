//! [`Keyboard`]: single keys of the terminal that a person sits at.

use std::io;

use anyhow::Context as _;
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};

use crate::disk::ignores_signal;

/// More than the bytes of any key. What else is read along with it was typed ahead.
const KEY_BYTES_MAX: usize = 64;

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const ESCAPE: u8 = 0x1b;

/// What was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    Enter,
    Escape,
    /// Ctrl-D, where keys are read one by one.
    EndOfInput,
    /// An arrow, and what else answers nothing.
    Other,
}

/// The terminal, set to give each key at once and to show none, until this is dropped.
pub(super) struct Keyboard {
    before: Termios,
}

impl Keyboard {
    /// Sets the terminal, and throws away what was typed before: it was no answer to a question that
    /// nobody had seen.
    pub(super) fn open() -> anyhow::Result<Self> {
        Self::set().context("cannot ask on this terminal")
    }

    fn set() -> io::Result<Self> {
        let terminal = io::stdin();
        let before = tcgetattr(&terminal)?;
        let mut keys = before.clone();
        keys.make_raw();
        // A line that is written still ends at the left.
        keys.output_modes = before.output_modes;
        tcsetattr(&terminal, OptionalActions::Now, &keys)?;
        let keyboard = Self { before };
        tcflush(&terminal, QueueSelector::IFlush)?;
        Ok(keyboard)
    }

    /// Waits for a key. Ctrl-C is the signal that it would be elsewhere.
    pub(super) async fn key(&self) -> anyhow::Result<Key> {
        // A thread of its own, that nobody waits for: a signal ends the question at once. It leaves
        // the terminal alone, and ends with the process.
        let bytes = tokio::task::spawn_blocking(read).await?;
        match bytes.context("cannot ask on this terminal")?.as_slice() {
            [CTRL_C, ..] if is_stopped_by_ctrl_c() => {
                kill_process(getpid(), Signal::INT).context("cannot stop")?;
                std::future::pending().await
            }
            bytes => Ok(decode(bytes)),
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        // A terminal that is gone has no modes.
        tcsetattr(io::stdin(), OptionalActions::Now, &self.before).unwrap_or_default();
    }
}

/// Tells whether Ctrl-C ends this process: a background job, or one under `nohup`, may ignore it.
pub(super) fn is_stopped_by_ctrl_c() -> bool {
    !ignores_signal(Signal::INT.as_raw())
}

/// Reads what there is, once there is something.
fn read() -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; KEY_BYTES_MAX];
    let count = rustix::io::retry_on_intr(|| rustix::io::read(io::stdin(), &mut bytes[..]))?;
    if count == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    bytes.truncate(count);
    Ok(bytes)
}

/// Returns the first key of what was read.
fn decode(bytes: &[u8]) -> Key {
    match bytes {
        [b'\r' | b'\n', ..] => Key::Enter,
        [CTRL_D, ..] => Key::EndOfInput,
        [ESCAPE] => Key::Escape,
        [byte, ..] if byte.is_ascii_graphic() => Key::Char(char::from(*byte)),
        _ => Key::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_counts_and_an_arrow_is_not_the_escape_that_it_begins_with() {
        for (bytes, key) in [
            ("o", Key::Char('o')),
            ("both\r", Key::Char('b')),
            ("\r", Key::Enter),
            ("\n", Key::Enter),
            ("\u{4}", Key::EndOfInput),
            ("\u{1b}", Key::Escape),
            ("\u{1b}[A", Key::Other),
            ("\u{1b}o", Key::Other),
            ("é", Key::Other),
            (" ", Key::Other),
            ("\t", Key::Other),
        ] {
            assert_eq!(decode(bytes.as_bytes()), key, "{bytes:?}");
        }
    }
}
