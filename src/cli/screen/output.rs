//! [`Screen`]: the two channels to a person. The result goes to stdout; progress, warnings and
//! hints go to stderr.

use std::io::{self, IsTerminal as _, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::ProgressBar;

use super::style::{Paint, Style};
use super::text::escape;
use crate::cli::arguments::{ColorChoice, OutputOptions};

/// Bytes of a long result that are held before they are written.
const HELD_BYTES_MAX: usize = 64 << 10;

/// One channel: where it goes, and how it looks there.
struct Channel {
    writer: Mutex<Box<dyn Write + Send>>,
    terminal: bool,
    style: Style,
}

/// The two channels, and how talkative the command is.
pub(in crate::cli) struct Screen {
    out: Channel,
    err: Channel,
    input_is_terminal: bool,
    /// Drawn on stderr; lines are printed above it.
    bar: Mutex<Option<ProgressBar>>,
    /// The first error of writing to stdout that was not a closed pipe.
    failure: Mutex<Option<io::Error>>,
    options: OutputOptions,
    /// The last line of `--json` was printed.
    summed_up: AtomicBool,
}

impl Screen {
    /// Takes the standard channels.
    pub(in crate::cli) fn new(color: ColorChoice, options: OutputOptions) -> Self {
        let channel = |writer: Box<dyn Write + Send>, terminal| Channel {
            writer: Mutex::new(writer),
            terminal,
            style: Style::choose(color, terminal),
        };
        Self {
            out: channel(Box::new(io::stdout()), io::stdout().is_terminal()),
            err: channel(Box::new(io::stderr()), io::stderr().is_terminal()),
            input_is_terminal: io::stdin().is_terminal(),
            bar: Mutex::new(None),
            failure: Mutex::new(None),
            options,
            summed_up: AtomicBool::new(false),
        }
    }

    /// Tells whether somebody sits there who can be asked.
    pub(in crate::cli) fn can_ask(&self) -> bool {
        self.input_is_terminal && self.err.terminal && !self.options.json
    }

    /// Tells whether stderr is a terminal that can draw.
    pub(in crate::cli) fn can_draw(&self) -> bool {
        self.err.terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// Tells whether `--json` was given.
    pub(in crate::cli) fn json(&self) -> bool {
        self.options.json
    }

    /// Tells whether `--quiet` was given; `--verbose` beats it.
    pub(in crate::cli) fn quiet(&self) -> bool {
        self.options.quiet && !self.options.verbose
    }

    /// Tells whether `--verbose` was given.
    pub(in crate::cli) fn verbose(&self) -> bool {
        self.options.verbose
    }

    /// Returns how stdout is coloured.
    pub(in crate::cli) fn style(&self) -> Style {
        self.out.style
    }

    /// Returns how stderr is coloured.
    pub(in crate::cli) fn error_style(&self) -> Style {
        self.err.style
    }

    /// Prints lines of the result. `text` is rendered: names in it are escaped already.
    pub(in crate::cli) fn result(&self, text: &str) {
        if let Err(error) = self.write(&self.out, text) {
            // A reader that has seen enough (`| head`) is no failure; the work goes on.
            if error.kind() != io::ErrorKind::BrokenPipe {
                lock(&self.failure).get_or_insert(error);
            }
        }
    }

    /// Prints the last line of `--json`.
    pub(in crate::cli) fn summary(&self, line: &str) {
        self.result(line);
        self.summed_up.store(true, Ordering::Relaxed);
    }

    /// Tells whether the last line of `--json` is still to come.
    pub(in crate::cli) fn owes_summary(&self) -> bool {
        self.json() && !self.summed_up.load(Ordering::Relaxed)
    }

    /// Prints lines of the result as [`Screen::result`] does, and holds few of them at a time: a plan
    /// may have millions.
    pub(in crate::cli) fn results(&self, lines: impl IntoIterator<Item = String>) {
        let mut held = String::new();
        for line in lines {
            held.push_str(&line);
            held.push('\n');
            if held.len() >= HELD_BYTES_MAX {
                self.result(&held);
                held.clear();
            }
        }
        if !held.is_empty() {
            self.result(&held);
        }
    }

    /// Prints lines beside the result, also under `--quiet`.
    pub(in crate::cli) fn beside(&self, text: &str) {
        // Nobody is left to be told that stderr is gone.
        drop(self.write(&self.err, text));
    }

    /// Prints lines beside the result that `--quiet` leaves out.
    pub(in crate::cli) fn remark(&self, text: &str) {
        if !self.quiet() {
            self.beside(text);
        }
    }

    /// Prints `warning: …`; the message may hold names and is escaped here.
    pub(in crate::cli) fn warning(&self, message: &str) {
        let label = self.err.style.paint(Paint::Yellow, "warning:");
        self.remark(&format!("{label} {}", escape(message)));
    }

    /// Prints `warning: …` and `hint: …`, also under `--quiet`: what cannot be taken back once it is
    /// done. Both may hold names and are escaped here.
    pub(in crate::cli) fn caution(&self, message: &str, hint: &str) {
        let label = self.err.style.paint(Paint::Yellow, "warning:");
        self.beside(&format!("{label} {}", escape(message)));
        self.beside(&self.hint_line(hint));
    }

    /// Prints `hint: …`; the message may hold names and is escaped here.
    pub(in crate::cli) fn hint(&self, message: &str) {
        self.remark(&self.hint_line(message));
    }

    /// Prints `error: …`, `caused by: …` for every cause, and `hint: …`; escaped here.
    pub(in crate::cli) fn error(&self, message: &str, causes: &[String], hint: Option<&str>) {
        let label = self.err.style.paint(Paint::Red, "error:");
        self.beside(&format!("{label} {}", escape(message)));
        for cause in causes {
            let label = self.err.style.paint(Paint::Red, "caused by:");
            self.beside(&format!("{label} {}", escape(cause)));
        }
        if let Some(hint) = hint {
            self.beside(&self.hint_line(hint));
        }
    }

    /// Puts a bar below everything that is printed from now on, or takes it away.
    pub(in crate::cli) fn set_bar(&self, bar: Option<ProgressBar>) {
        *lock(&self.bar) = bar;
    }

    /// Writes out what is left, and tells whether stdout took everything.
    pub(in crate::cli) fn finish(&self) -> io::Result<()> {
        if let Err(error) = lock(&self.out.writer).flush()
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            lock(&self.failure).get_or_insert(error);
        }
        lock(&self.failure).take().map_or(Ok(()), Err)
    }

    fn hint_line(&self, message: &str) -> String {
        format!("{} {}", self.err.style.paint(Paint::Cyan, "hint:"), escape(message))
    }

    fn write(&self, channel: &Channel, text: &str) -> io::Result<()> {
        let write = || {
            let mut writer = lock(&channel.writer);
            // One call a text: lines of several threads do not mix.
            let line = if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
            writer.write_all(line.as_bytes())?;
            if channel.terminal { writer.flush() } else { Ok(()) }
        };
        let bar = lock(&self.bar).clone();
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

/// Locks; what a panicking thread left behind is still a writer.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(in crate::cli) mod tests {
    use std::sync::Arc;

    use super::*;

    /// What was written to a channel.
    #[derive(Clone, Default)]
    pub(in crate::cli) struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        pub(in crate::cli) fn text(&self) -> String {
            String::from_utf8(lock(&self.0).clone()).unwrap()
        }
    }

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            lock(&self.0).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A screen that writes to memory: the screen, stdout, stderr.
    pub(in crate::cli) fn in_memory(options: OutputOptions) -> (Screen, Written, Written) {
        let (out, err) = (Written::default(), Written::default());
        let channel = |writer: &Written| Channel {
            writer: Mutex::new(Box::new(writer.clone())),
            terminal: false,
            style: Style::PLAIN,
        };
        let screen = Screen {
            out: channel(&out),
            err: channel(&err),
            input_is_terminal: false,
            bar: Mutex::new(None),
            failure: Mutex::new(None),
            options,
            summed_up: AtomicBool::new(false),
        };
        (screen, out, err)
    }

    /// A channel on which every write fails.
    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn finish_on(kind: io::ErrorKind) -> io::Result<()> {
        let (mut screen, ..) = in_memory(OutputOptions::default());
        screen.out.writer = Mutex::new(Box::new(Failing(kind)));
        screen.result("line");
        screen.finish()
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure_and_a_full_disk_is() {
        assert!(finish_on(io::ErrorKind::BrokenPipe).is_ok());
        assert_eq!(
            finish_on(io::ErrorKind::StorageFull).unwrap_err().kind(),
            io::ErrorKind::StorageFull
        );
    }

    #[test]
    fn many_lines_are_written_as_each_by_itself() {
        let (screen, out, _) = in_memory(OutputOptions::default());
        let lines = (0..20_000).map(|number| number.to_string());
        screen.results(lines.clone());
        assert_eq!(out.text(), lines.map(|line| line + "\n").collect::<String>());
        screen.results(std::iter::empty());
        assert!(out.text().ends_with("19999\n"));
    }

    #[test]
    fn an_error_shows_what_why_and_the_cure_and_no_control_characters() {
        let (screen, out, err) = in_memory(OutputOptions::default());
        screen.error("cannot read a\u{1b}[2J", &["why\nfake: line".to_owned()], Some("type this"));
        assert_eq!(out.text(), "");
        assert_eq!(
            err.text(),
            "error: cannot read a\\u{1b}[2J\ncaused by: why\\nfake: line\nhint: type this\n"
        );
    }

    #[test]
    fn quiet_leaves_out_warnings_and_hints_but_no_errors_and_cautions() {
        let quiet = OutputOptions { quiet: true, ..OutputOptions::default() };
        let (screen, _, err) = in_memory(quiet);
        screen.warning("w");
        screen.hint("h");
        screen.error("e", &[], Some("cure"));
        screen.caution("c", "how not to");
        let expected = "error: e\nhint: cure\nwarning: c\nhint: how not to\n";
        assert_eq!(err.text(), expected);
    }
}
