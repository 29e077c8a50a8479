//! What a client is told to do, and what will happen to it meanwhile.

use lsync::fakes::disk::{Crash, Errno};
use lsync::plan::{Direction, Resolution};

use crate::parts::Cut;
use crate::state::State;

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Run(Direction),
    Status,
    Resolve(Resolution),
    /// `trash restore` of one thing.
    Restore,
}

impl Verb {
    /// Tells whether the command may take what only one side has.
    pub(crate) fn is_forced(self) -> bool {
        !matches!(
            self,
            Self::Status
                | Self::Restore
                | Self::Run(Direction::Sync | Direction::Push | Direction::Pull)
        )
    }

    /// Tells whether the command must leave the working copy as it is.
    pub(crate) fn spares_the_tree(self) -> bool {
        matches!(
            self,
            Self::Status
                | Self::Run(Direction::Push | Direction::ForcedPush | Direction::MirrorPush)
        )
    }

    /// Tells whether the command must leave the bucket as it is.
    pub(crate) fn spares_the_bucket(self) -> bool {
        matches!(
            self,
            Self::Status
                | Self::Restore
                | Self::Run(Direction::Pull | Direction::ForcedPull | Direction::MirrorPull)
        )
    }
}

/// How a command ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The process is killed.
    Kill,
    /// The process is killed within a write.
    Tear,
    /// The machine goes down.
    Crash(Crash),
    /// Somebody presses Ctrl+C.
    Interrupt,
}

/// When a command ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Before its n-th I/O operation.
    Operation(u64),
    /// Right after its n-th move of a name in the tree: rows are not recorded then, and what went to
    /// the trash hangs on lines that were just written.
    Move(u64),
    /// When it has moved its n-th part of a file, and before it has noted so.
    Part(u64),
}

/// What a command is told beside its verb.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// Its operand.
    pub(crate) operand: Option<String>,
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
    pub(crate) no_delete: bool,
    /// A push does not list the bucket, where that is no usage error.
    pub(crate) unlisted: bool,
    pub(crate) limit: Option<u64>,
}

/// A command with its circumstances.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) verb: Verb,
    pub(crate) options: Options,
    pub(crate) jobs: usize,
    /// How it cuts files into parts.
    pub(crate) cut: Option<Cut>,
    /// The guard is off.
    pub(crate) is_unguarded: bool,
    /// When it ends, and how.
    pub(crate) end: Option<(When, End)>,
    /// At which I/O operation the disk fails.
    pub(crate) disk_fault: Option<(u64, Errno)>,
    /// Once in so many operations a person acts somewhere; 0 is never.
    pub(crate) noise: u64,
}

impl Order {
    /// A command that nothing befalls.
    pub(crate) fn quiet(verb: Verb) -> Self {
        Self {
            verb,
            options: Options::default(),
            jobs: 1,
            cut: None,
            is_unguarded: true,
            end: None,
            disk_fault: None,
            noise: 0,
        }
    }
}

const RESOLUTIONS: [Resolution; 5] =
    [Resolution::Ours, Resolution::Theirs, Resolution::Both, Resolution::Newest, Resolution::Skip];

const GLOBS: [&str; 5] = ["a", "d", "*.txt", "d/**", "?"];

impl State {
    fn verb(&mut self) -> Verb {
        match self.random.u32(0..100) {
            0..52 => Verb::Run(Direction::Sync),
            52..62 => Verb::Run(Direction::Push),
            62..72 => Verb::Run(Direction::Pull),
            72..76 => Verb::Run(Direction::ForcedPush),
            76..80 => Verb::Run(Direction::ForcedPull),
            80..83 => Verb::Run(Direction::MirrorPull),
            83..86 => Verb::Run(Direction::MirrorPush),
            86..89 => Verb::Status,
            89..92 => Verb::Restore,
            _ => Verb::Resolve(self.pick(&RESOLUTIONS)),
        }
    }

    /// Draws what a command is told; most are told nothing.
    fn options(&mut self, verb: Verb) -> Options {
        let Verb::Run(_) = verb else { return Options::default() };
        let mut globs = |one_in| -> Vec<String> {
            self.one_in(one_in).then(|| self.pick(&GLOBS).to_owned()).into_iter().collect()
        };
        let (include, exclude) = (globs(20), globs(20));
        Options {
            operand: self.one_in(6).then(|| self.path()),
            include,
            exclude,
            no_delete: self.one_in(12),
            unlisted: verb == Verb::Run(Direction::Push) && self.one_in(2),
            limit: self.one_in(12).then(|| self.random.u64(0..4)),
        }
    }

    /// Draws a sync that ends when it has moved some parts, most often by a kill: a power cut mostly
    /// takes the notes along.
    pub(crate) fn broken_off(&mut self) -> Order {
        let seed = self.random.u64(..);
        let ends = [
            End::Kill,
            End::Kill,
            End::Kill,
            End::Tear,
            End::Interrupt,
            End::Crash(Crash::Ordered(seed)),
            End::Crash(Crash::Random(seed)),
        ];
        let end = Some((When::Part(self.random.u64(1..9)), self.pick(&ends)));
        let jobs = self.random.usize(1..5);
        Order { jobs, cut: self.cut, end, ..Order::quiet(Verb::Run(Direction::Sync)) }
    }

    /// Draws a command and what befalls it.
    pub(crate) fn order(&mut self) -> Order {
        let verb = self.verb();
        let options = self.options(verb);
        let end = self.one_in(4).then(|| {
            let is_of_parts = self.cut.is_some() && self.random.bool();
            let when = match self.random.u32(0..4) {
                _ if is_of_parts => When::Part(self.random.u64(2..5)),
                0 => When::Move(self.random.u64(1..4)),
                _ => When::Operation(self.random.u64(1..260)),
            };
            let seed = self.random.u64(..);
            let end = match self.random.u32(0..10) {
                0..3 => End::Kill,
                3 => End::Tear,
                4 | 5 => End::Crash(Crash::PowerLoss),
                6 | 7 => End::Crash(Crash::Ordered(seed)),
                8 => End::Crash(Crash::Random(seed)),
                _ => End::Interrupt,
            };
            (when, end)
        });
        let disk_fault = self.one_in(10).then(|| {
            let errno = self.pick(&[Errno::NOSPC, Errno::IO, Errno::ACCESS]);
            (self.random.u64(1..260), errno)
        });
        let has_other_cut = self.cut.is_some() && self.one_in(12);
        let cut = if has_other_cut { Some(Cut::any(&mut self.random)) } else { self.cut };
        Order {
            verb,
            options,
            jobs: self.random.usize(1..5),
            cut,
            is_unguarded: self.random.bool(),
            end,
            disk_fault,
            noise: self.pick(&[0, 8, 20, 60]),
        }
    }
}
