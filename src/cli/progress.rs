//! [`Progress`]: what the library reports, drawn as a bar on a terminal, else as a line every 10 s.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::arguments::ProgressChoice;
use super::json;
use super::large_files::LargeFiles;
use super::render;
use super::screen::Screen;
use super::text::{count, number, pace, rate, shortened, size};
use crate::monitor::{Event, Monitor, Phase};
use crate::tree::RepoPath;

/// Between two lines of plain progress.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// Between two frames of a bar.
const FRAME_MILLISECONDS: u64 = 100;

/// How many bytes a path counts for in the length of a bar: a deletion takes its time, too.
const PATH_COST_BYTES: u64 = 64 * 1024;

/// Relaxed everywhere: the numbers are looked at, never acted upon.
const RELAXED: Ordering = Ordering::Relaxed;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Bar,
    Plain,
    None,
}

/// What was reported so far.
#[derive(Debug, Default)]
struct Counters {
    local: AtomicU64,
    remote: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
    /// When the bar's words were last changed, in milliseconds since the phase began.
    drawn: AtomicU64,
}

/// The phase, and since when.
#[derive(Debug, Clone, Copy)]
struct Current {
    phase: Phase,
    since: Instant,
}

/// Receives what the library reports and shows it.
pub(super) struct Progress {
    screen: Arc<Screen>,
    mode: Mode,
    counters: Counters,
    current: Mutex<Option<Current>>,
    bar: Mutex<Option<ProgressBar>>,
    large: Arc<LargeFiles>,
    /// How what is done is announced where more than a count has to be said.
    label: &'static str,
}

impl Progress {
    /// Makes a monitor that shows progress as `choice` says.
    ///
    /// `label` begins the lines that tell which versions were replaced: `forced`, `resolved`.
    pub(super) fn new(
        screen: Arc<Screen>,
        choice: ProgressChoice,
        label: &'static str,
    ) -> Arc<Self> {
        let mode = match choice {
            _ if screen.quiet() => Mode::None,
            ProgressChoice::None => Mode::None,
            ProgressChoice::Auto | ProgressChoice::Bar if screen.can_draw() => Mode::Bar,
            ProgressChoice::Auto | ProgressChoice::Bar | ProgressChoice::Plain => Mode::Plain,
        };
        let (counters, current) = (Counters::default(), Mutex::new(None));
        let (bar, large) = (Mutex::new(None), Arc::default());
        Arc::new(Self { screen, mode, counters, current, bar, large, label })
    }

    /// Prints the plain lines; dropped when the work has ended.
    pub(super) async fn tick(self: Arc<Self>) {
        if self.mode != Mode::Plain {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(PLAIN_INTERVAL).await;
            if let Some(line) = self.line() {
                self.screen.remark(&line);
            }
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.show(None);
    }

    fn line(&self) -> Option<String> {
        let current = (*self.current.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(match current.phase {
            Phase::Planning => planning(&self.counters, current.since.elapsed()),
            Phase::Working { files, bytes } => {
                let done = Done {
                    files: self.counters.files.load(RELAXED),
                    bytes: self.counters.bytes.load(RELAXED),
                };
                working(&done, &Done { files, bytes }, current.since.elapsed())
            }
            Phase::Finishing => "recording".to_owned(),
        })
    }

    /// Counts a path that is done with.
    fn count(&self) {
        self.counters.files.fetch_add(1, RELAXED);
        self.with_bar(|bar| bar.inc(PATH_COST_BYTES));
        self.redraw();
    }

    /// Changes the words beside the bar, at most once a frame: they cost more than a byte count.
    fn redraw(&self) {
        let Some(current) = *self.current.lock().unwrap_or_else(PoisonError::into_inner) else {
            return;
        };
        let now = u64::try_from(current.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let drawn = self.counters.drawn.load(RELAXED);
        if drawn > 0 && now.saturating_sub(drawn) < FRAME_MILLISECONDS {
            return;
        }
        self.counters.drawn.store(now.max(1), RELAXED);
        if let Some(line) = self.line() {
            self.with_bar(|bar| bar.set_prefix(line));
        }
    }

    /// Puts `bar` in the place of the one that is shown.
    fn show(&self, bar: Option<ProgressBar>) {
        let mut shown = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = shown.take() {
            old.finish_and_clear();
        }
        self.screen.set_bar(bar.clone());
        if let Some(bar) = &bar {
            bar.enable_steady_tick(Duration::from_millis(FRAME_MILLISECONDS));
        }
        *shown = bar;
    }

    fn with_bar(&self, change: impl FnOnce(&ProgressBar)) {
        if self.mode == Mode::Bar
            && let Some(bar) = &*self.bar.lock().unwrap_or_else(PoisonError::into_inner)
        {
            change(bar);
        }
    }
}

/// Files and bytes, done or to do.
#[derive(Debug, Clone, Copy)]
struct Done {
    files: u64,
    bytes: u64,
}

fn planning(counters: &Counters, elapsed: Duration) -> String {
    let (local, remote) = (counters.local.load(RELAXED), counters.remote.load(RELAXED));
    // Nobody knows the total: the pace is all that can be said.
    let pace = |done| match rate(done, elapsed) {
        Some(rate) if rate > 0 => format!(" ({}/s)", number(rate)),
        _ => String::new(),
    };
    let files = count(local, "file", "files");
    let (here, there) = (pace(local), pace(remote));
    format!("comparing: {files} here{here}, {} in the bucket{there}", number(remote))
}

fn working(done: &Done, total: &Done, elapsed: Duration) -> String {
    let mut line = format!("{} of {}", number(done.files), count(total.files, "file", "files"));
    if total.bytes == 0 {
        return line;
    }
    line.extend([", ", &size(done.bytes), " of ", &size(total.bytes)]);
    line + &pace(done.bytes, total.bytes, elapsed)
}

/// Makes the bar of a phase, on stderr.
fn bar(phase: Phase, large: &Arc<LargeFiles>) -> ProgressBar {
    let (length, template) = match phase {
        Phase::Planning | Phase::Finishing => (None, "{spinner} {prefix}"),
        Phase::Working { files, bytes } => {
            (Some(bytes + files * PATH_COST_BYTES), "[{bar:24}] {prefix}  {wide_msg}{large}")
        }
    };
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
    match ProgressStyle::with_template(template) {
        Ok(style) => {
            let large = Arc::clone(large);
            let lines = move |_: &ProgressState, out: &mut dyn fmt::Write| {
                // What cannot be drawn now is drawn a moment later.
                out.write_str(&large.lines()).unwrap_or_default();
            };
            bar.with_style(style.progress_chars("=> ").with_key("large", lines))
        }
        Err(_) => bar,
    }
}

impl Monitor for Progress {
    fn phase(&self, phase: Phase) {
        let current = Current { phase, since: Instant::now() };
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(current);
        self.counters.drawn.store(0, RELAXED);
        if self.mode == Mode::Bar {
            self.show(Some(bar(phase, &self.large)));
            self.redraw();
        }
    }

    fn event(&self, event: Event) {
        if self.screen.json() {
            return self.screen.result(&json::event(&event));
        }
        match event {
            Event::Planned(item) | Event::Done(item) if self.screen.verbose() => {
                self.screen.result(&render::done_line(self.screen.style(), &item));
            }
            Event::Done(item) if !item.reason.is_empty() && !self.screen.quiet() => {
                self.screen.result(&render::replaced_line(self.label, &item));
            }
            Event::Planned(_) | Event::Done(_) => (),
            Event::Failed(item) => {
                self.screen.beside(&render::failure_line(self.screen.error_style(), &item));
            }
            Event::Conflict(item) => {
                self.screen.beside(&render::conflict_item(self.screen.error_style(), &item));
            }
            Event::Skipped(item) => {
                self.screen.remark(&render::skipped_item(self.screen.error_style(), &item));
            }
        }
    }

    fn bytes(&self, path: &RepoPath, bytes: u64) {
        self.large.moved(path, |done| done + bytes);
        self.counters.bytes.fetch_add(bytes, RELAXED);
        self.with_bar(|bar| bar.inc(bytes));
        self.redraw();
    }

    fn bytes_lost(&self, path: &RepoPath, bytes: u64) {
        self.large.moved(path, |done| done.saturating_sub(bytes));
        self.counters.bytes.fetch_sub(bytes, RELAXED);
        self.with_bar(|bar| bar.dec(bytes));
        self.redraw();
    }

    fn counted(&self, local: u64, remote: u64) {
        self.counters.local.store(local, RELAXED);
        self.counters.remote.store(remote, RELAXED);
        self.redraw();
    }

    fn warning(&self, message: &str) {
        self.screen.warning(message);
    }

    fn begins(&self, path: &RepoPath, bytes: u64) {
        self.large.begins(path, bytes);
        self.with_bar(|bar| bar.set_message(shortened(path.as_str())));
    }

    fn ends(&self, path: &RepoPath) {
        self.large.ends(path);
        // Now rather than when its group is recorded: a small run has one group, at its end.
        self.count();
    }
}

#[cfg(test)]
mod tests {
    use super::super::arguments::OutputOptions;
    use super::super::screen::tests::in_memory;
    use super::*;
    use crate::monitor::Item;
    use crate::tree::Etag;

    fn item(path: &str) -> Item {
        let (path, reason) = (path.to_owned(), String::new());
        Item { path, action: "upload", bytes: 4, reason, lost: None, hint: None }
    }

    fn shown(options: OutputOptions, event: Event) -> (String, String) {
        let (screen, out, err) = in_memory(options);
        Progress::new(Arc::new(screen), ProgressChoice::Auto, "forced").event(event);
        (out.text(), err.text())
    }

    #[test]
    fn what_is_done_is_printed_only_when_asked_for() {
        let plain = OutputOptions::default();
        assert_eq!(shown(plain, Event::Done(item("a"))), (String::new(), String::new()));
        let verbose = OutputOptions { verbose: true, ..plain };
        assert_eq!(shown(verbose, Event::Done(item("a"))).0, "upload         a  4 B\n");
    }

    #[test]
    fn a_version_that_was_replaced_is_named_without_being_asked() {
        let etag = "48213-1731234567123456789-1731234567123456789-1234567";
        let reason = format!("replaced {etag} of 2026-11-19T10:02:11Z, kept in the trash");
        let forced = Event::Done(Item { reason, lost: Some(Etag::new(etag)), ..item("a") });
        assert_eq!(
            shown(OutputOptions::default(), forced.clone()).0,
            "forced: replaced 48213-17… of 2026-11-19T10:02:11Z, kept in the trash (a)\n"
        );
        let json = OutputOptions { json: true, ..OutputOptions::default() };
        let (out, _) = shown(json, forced);
        assert!(out.contains(etag), "whole, for programs: {out}");
    }

    #[test]
    fn failures_are_printed_also_when_quiet() {
        let quiet = OutputOptions { quiet: true, ..OutputOptions::default() };
        assert_eq!(shown(quiet, Event::Failed(item("a"))).1, "failed   a\n");
        assert_eq!(shown(quiet, Event::Skipped(item("a"))).1, "");
    }

    #[test]
    fn json_is_one_object_a_line_on_stdout() {
        let json = OutputOptions { json: true, ..OutputOptions::default() };
        let (out, err) = shown(json, Event::Done(item("a\nb")));
        assert_eq!(
            out,
            "{\"event\":\"done\",\"path\":\"a\\nb\",\"action\":\"upload\",\"bytes\":4,\
             \"reason\":\"\",\"hint\":null}\n"
        );
        assert_eq!(err, "");
    }

    #[test]
    fn a_plain_line_says_files_bytes_rate_and_time_left() {
        let (done, total) = (Done { files: 12, bytes: 1024 }, Done { files: 3000, bytes: 11_264 });
        assert_eq!(
            working(&done, &total, Duration::from_secs(1)),
            "12 of 3,000 files, 1.0 KiB of 11.0 KiB, 1.0 KiB/s, 10.0 s left"
        );
        let nothing = Done { files: 2, bytes: 0 };
        assert_eq!(working(&nothing, &nothing, Duration::ZERO), "2 of 2 files");
    }

    #[test]
    fn what_is_compared_is_counted_with_its_pace() {
        let counters = Counters::default();
        counters.local.store(3_000, RELAXED);
        counters.remote.store(1_000_000, RELAXED);
        assert_eq!(
            planning(&counters, Duration::from_secs(2)),
            "comparing: 3,000 files here (1,500/s), 1,000,000 in the bucket (500,000/s)"
        );
        assert_eq!(
            planning(&counters, Duration::ZERO),
            "comparing: 3,000 files here, 1,000,000 in the bucket"
        );
        assert_eq!(
            planning(&Counters::default(), Duration::from_secs(2)),
            "comparing: 0 files here, 0 in the bucket"
        );
    }

    #[test]
    fn progress_appears_only_where_a_phase_has_begun() {
        let (screen, ..) = in_memory(OutputOptions::default());
        let progress = Progress::new(Arc::new(screen), ProgressChoice::Plain, "forced");
        assert_eq!(progress.line(), None);
        progress.phase(Phase::Planning);
        progress.counted(1, 2000);
        let line = progress.line().unwrap();
        assert!(
            line.starts_with("comparing: 1 file here") && line.contains(", 2,000 in"),
            "{line}"
        );
    }

    #[test]
    fn a_file_counts_when_it_was_transferred_and_not_again_when_it_is_recorded() {
        let (screen, ..) = in_memory(OutputOptions::default());
        let progress = Progress::new(Arc::new(screen), ProgressChoice::Plain, "forced");
        progress.phase(Phase::Working { files: 3, bytes: 0 });
        let path = RepoPath::parse("a").unwrap();
        progress.begins(&path, 0);
        assert_eq!(progress.line().as_deref(), Some("0 of 3 files"));
        progress.ends(&path);
        progress.event(Event::Done(item("a")));
        assert_eq!(progress.line().as_deref(), Some("1 of 3 files"));
    }

    #[test]
    fn bytes_of_a_body_that_broke_off_are_taken_back() {
        let (screen, ..) = in_memory(OutputOptions::default());
        let progress = Progress::new(Arc::new(screen), ProgressChoice::Plain, "forced");
        progress.phase(Phase::Working { files: 1, bytes: 4 });
        let path = RepoPath::parse("a").unwrap();
        progress.bytes(&path, 3);
        progress.bytes_lost(&path, 3);
        let line = progress.line().unwrap();
        assert!(line.starts_with("0 of 1 file, 0 B of 4 B"), "{line}");
    }
}
