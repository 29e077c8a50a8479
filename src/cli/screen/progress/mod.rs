//! [`Progress`]: what the library reports, drawn as a bar on a terminal, else as a line every 10 s.

mod in_flight;
mod rules;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dialoguer::console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use in_flight::{InFlight, NAME_COLUMNS_MAX};
use words::{Done, planning, working};

use super::json;
use super::output::Screen;
use super::render;
use super::render::floods::{self, Channel, Tally, Turn};
use super::text::{fitting, shortened};
use crate::cli::arguments::ProgressChoice;
use crate::monitor::{Event, IneffectiveRule, Item, ItemKind, Monitor, Phase, WarningKind};
use crate::tree::RepoPath;

/// Between two lines of plain progress.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// Between two frames of a bar.
const FRAME_MILLISECONDS: u64 = 100;

/// How often the words of a bar are looked at while nothing is reported.
const STILL_INTERVAL: Duration = Duration::from_millis(500);

/// So long the store may take for an answer before somebody is told.
const WAIT_UNTOLD_MAX: Duration = Duration::from_secs(1);

/// The columns of a bar with its brackets and a blank behind it.
const BAR_COLUMNS: usize = 27;

/// On narrower terminals there are words alone.
const COLUMNS_WITH_BAR_MIN: usize = 80;

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
    /// Bytes of files that ended and did not have to travel: copied by the store, there already, or
    /// given up. Below 0 where more travelled than the files have.
    spared: AtomicI64,
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
pub(in crate::cli) struct Progress {
    screen: Arc<Screen>,
    mode: Mode,
    counters: Counters,
    current: Mutex<Option<Current>>,
    bar: Mutex<Option<ProgressBar>>,
    in_flight: Arc<InFlight>,
    /// Since when the store owes an answer.
    waiting: Mutex<Option<Instant>>,
    /// What was told of so far, by kind.
    told: Mutex<Tally<ItemKind>>,
    /// What was warned of so far, by kind.
    warned: Mutex<Tally<WarningKind>>,
    /// How what is done is announced where more than a count has to be said.
    label: &'static str,
    /// Rules without effect were told.
    rules_told: AtomicBool,
}

impl Progress {
    /// Makes a monitor that shows progress as `choice` says.
    ///
    /// `label` begins the lines that tell which versions were replaced: `forced`, `resolved`.
    pub(in crate::cli) fn new(
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
        let (bar, in_flight, waiting) = (Mutex::new(None), Arc::default(), Mutex::new(None));
        let told = Mutex::new(Tally::new(screen.verbose()));
        let warned = Mutex::new(Tally::new(screen.verbose()));
        let rules_told = AtomicBool::new(false);
        Arc::new(Self {
            screen,
            mode,
            counters,
            current,
            bar,
            in_flight,
            waiting,
            told,
            warned,
            label,
            rules_told,
        })
    }

    /// Prints the plain lines, and keeps the words of a bar true; dropped when the work has ended.
    pub(in crate::cli) async fn tick(self: Arc<Self>) {
        match self.mode {
            Mode::None => std::future::pending().await,
            Mode::Bar => loop {
                tokio::time::sleep(STILL_INTERVAL).await;
                self.redraw();
            },
            Mode::Plain => loop {
                tokio::time::sleep(PLAIN_INTERVAL).await;
                if let Some(line) = self.line(usize::MAX) {
                    self.screen.remark(&line);
                }
            },
        }
    }

    /// Takes the bar away, and tells of the paths that were only counted.
    pub(in crate::cli) fn finish(&self) {
        self.show(None);
        let unwarned = self.warned.lock().unwrap_or_else(PoisonError::into_inner).take_unnamed();
        for more in unwarned {
            self.screen.warning(&floods::more_warnings(more));
        }
        let unnamed = self.told.lock().unwrap_or_else(PoisonError::into_inner).take_unnamed();
        for more in unnamed {
            let style = self.screen.error_style();
            match floods::more_items(style, self.label, more) {
                (Channel::Result, line) if !self.screen.quiet() => self.screen.result(&line),
                (Channel::Result, _) => (),
                (Channel::Beside, line) => self.screen.beside(&line),
                (Channel::Remark, line) => self.screen.remark(&line),
            }
        }
    }

    /// Tells of an item, with its hint where that was not told before, unless it is one of a number.
    fn tell(&self, item: &Item, tell: impl FnOnce(bool)) {
        let kind = item.outcome.kind();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = told.count(kind, floods::named_max(kind));
        drop(told);
        if turn != Turn::Counted {
            tell(turn == Turn::Whole);
        }
    }

    /// Returns what there is to say in so many columns.
    fn line(&self, columns: usize) -> Option<String> {
        let current = (*self.current.lock().unwrap_or_else(PoisonError::into_inner))?;
        let waiting = *self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_waiting = waiting.is_some_and(|since| since.elapsed() >= WAIT_UNTOLD_MAX);
        let texts = match current.phase {
            Phase::Planning => {
                let counters = &self.counters;
                let counts = (counters.local.load(RELAXED), counters.remote.load(RELAXED));
                planning(counts, current.since.elapsed(), is_waiting)
            }
            Phase::Working { files, bytes } => {
                working(&self.done(), &Done { files, bytes, travelled: 0 }, current.since.elapsed())
            }
            Phase::Finishing => vec!["recording".to_owned()],
        };
        Some(fitting(texts, columns))
    }

    /// Returns what is done with.
    fn done(&self) -> Done {
        let travelled = self.counters.bytes.load(RELAXED);
        let bytes = travelled.saturating_add_signed(self.counters.spared.load(RELAXED));
        Done { files: self.counters.files.load(RELAXED), bytes, travelled }
    }

    /// Counts a path that is done with.
    fn count(&self) {
        self.counters.files.fetch_add(1, RELAXED);
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
        if self.mode != Mode::Bar {
            return;
        }
        let columns = columns();
        let room = match current.phase {
            Phase::Working { .. } if has_bar(columns) => columns.saturating_sub(BAR_COLUMNS),
            // Behind the spinner and a blank.
            Phase::Planning | Phase::Finishing => columns.saturating_sub(2),
            Phase::Working { .. } => columns,
        };
        let (line, done) = (self.line(room).unwrap_or_default(), self.done());
        self.with_bar(|bar| {
            bar.set_position(done.bytes + done.files * PATH_COST_BYTES);
            bar.set_prefix(line);
        });
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

/// Returns how many columns the terminal has.
fn columns() -> usize {
    usize::from(Term::stderr().size().1)
}

fn has_bar(columns: usize) -> bool {
    columns >= COLUMNS_WITH_BAR_MIN
}

/// Makes the bar of a phase, on stderr.
fn bar(phase: Phase, in_flight: &Arc<InFlight>) -> ProgressBar {
    let (length, template) = match phase {
        Phase::Planning | Phase::Finishing => (None, "{spinner} {prefix}"),
        Phase::Working { files, bytes } => {
            let template = if has_bar(columns()) {
                "[{bar:24}] {prefix}  {wide_msg}{large}"
            } else {
                "{prefix}{large}"
            };
            (Some(bytes + files * PATH_COST_BYTES), template)
        }
    };
    let alone = matches!(phase, Phase::Working { files: 1, .. });
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
    match ProgressStyle::with_template(template) {
        Ok(style) => {
            let in_flight = Arc::clone(in_flight);
            let lines = move |_: &ProgressState, out: &mut dyn fmt::Write| {
                // What cannot be drawn now is drawn a moment later.
                out.write_str(&in_flight.lines(columns(), alone)).unwrap_or_default();
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
            self.show(Some(bar(phase, &self.in_flight)));
            self.redraw();
        }
    }

    fn event(&self, event: Event) {
        if self.screen.json() {
            return self.screen.result(&json::event(&event));
        }
        let style = self.screen.error_style();
        match event {
            Event::Done(item) if self.screen.verbose() => {
                self.screen.result(&render::done_line(self.screen.style(), &item));
            }
            // Only what loses something by force or by a decision is told without being asked.
            Event::Done(item)
                if item.outcome.kind() == ItemKind::Replaced && !self.screen.quiet() =>
            {
                self.tell(&item, |_| {
                    self.screen.result(&render::replaced_line(self.label, &item));
                });
            }
            Event::Done(_) => (),
            Event::Failed(item) => self.tell(&item, |with_hint| {
                let verbose = self.screen.verbose();
                self.screen.beside(&render::failure_line(style, &item, with_hint, verbose));
            }),
            Event::Skipped(item) => self.tell(&item, |with_hint| {
                self.screen.remark(&render::skipped_line(style, &item, with_hint));
            }),
        }
    }

    fn bytes(&self, path: &RepoPath, bytes: u64) {
        self.in_flight.moved(path, |done| done + bytes);
        self.counters.bytes.fetch_add(bytes, RELAXED);
        self.redraw();
    }

    fn bytes_lost(&self, path: &RepoPath, bytes: u64) {
        self.in_flight.moved(path, |done| done.saturating_sub(bytes));
        self.counters.bytes.fetch_sub(bytes, RELAXED);
        self.redraw();
    }

    fn waits_for_store(&self, waits: bool) {
        let since = waits.then(Instant::now);
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    fn counted(&self, local: u64, remote: u64) {
        self.counters.local.store(local, RELAXED);
        self.counters.remote.store(remote, RELAXED);
        self.redraw();
    }

    fn warning(&self, message: &str) {
        self.screen.warning(message);
    }

    fn path_warning(&self, kind: WarningKind, message: &str) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.count(kind, floods::warned_max(kind)) != Turn::Counted {
            self.screen.warning(message);
        }
    }

    fn ineffective_rules(&self, rules: &[IneffectiveRule], more: u64) {
        // A plan that is made anew, behind a question, finds the same ones.
        if self.rules_told.swap(true, RELAXED) {
            return;
        }
        for line in rules::lines(rules, more, self.screen.verbose()) {
            self.screen.warning(&line);
        }
    }

    fn begins(&self, path: &RepoPath, bytes: u64) {
        self.in_flight.begins(path, bytes);
        self.with_bar(|bar| bar.set_message(shortened(path.as_str(), NAME_COLUMNS_MAX)));
    }

    fn ends(&self, path: &RepoPath) {
        self.counters.spared.fetch_add(self.in_flight.ends(path), RELAXED);
        // Now rather than when its group is recorded: a small run has one group, at its end.
        self.count();
    }
}
