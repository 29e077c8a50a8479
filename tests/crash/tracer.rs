//! Runs a command under ptrace, and interferes with its n-th change of the disk.

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::syscalls::{Call, Change};
use crate::support::Output;

/// Stops itself, so that it can be traced from its first instruction on, and becomes the command.
const START: &str = r#"kill -STOP $$; exec "$0" "$@""#;

/// What happens to the changes of a run. They are numbered from 1, over all threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interference {
    /// Nothing.
    None,
    /// The process is killed instead of the n-th change.
    Kill(u64),
    /// The process is killed after half of the n-th write.
    Tear(u64),
    /// From the n-th change on that needs space there is none.
    Full(u64),
    /// The n-th change fails with an I/O error.
    Fail(u64),
}

/// A run that was traced.
#[derive(Debug)]
pub struct Traced {
    /// How it ended.
    pub output: Output,
    /// Its changes of the disk, in order, each with what was done to it.
    pub changes: Vec<Traceable>,
    /// The interference took place.
    pub was_hit: bool,
}

/// A change, and what was done to it.
#[derive(Debug)]
pub struct Traceable {
    /// The change.
    pub change: Change,
    /// `killed`, `ENOSPC` …; empty where it took effect.
    pub fate: &'static str,
}

/// Runs `command` to its end.
///
/// # Panics
/// Where the machine does not allow ptrace: what these tests are about cannot be tried there.
pub fn run(command: &Command, interference: Interference) -> Traced {
    let child = start(command);
    let process = Pid::from_raw(i32::try_from(child.id()).unwrap());
    let mut tracer = Tracer {
        process,
        interference,
        is_counting: false,
        was_hit: false,
        is_killed: false,
        inside: HashMap::new(),
        changes: BTreeMap::new(),
    };
    let code = tracer.follow();
    let changes = tracer.changes.into_values().collect();
    Traced { output: output_of(child, code), changes, was_hit: tracer.was_hit }
}

/// Starts a command that waits, stopped and traced, for its first instruction.
fn start(command: &Command) -> Child {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(START).arg(command.get_program()).args(command.get_args());
    shell.env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = shell.spawn().expect("sh to start");
    let process = Pid::from_raw(i32::try_from(child.id()).unwrap());
    let stopped = waitpid(process, Some(WaitPidFlag::WUNTRACED));
    assert!(matches!(stopped, Ok(WaitStatus::Stopped(_, Signal::SIGSTOP))), "{stopped:?}");
    let options = Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL
        | Options::PTRACE_O_TRACESYSGOOD;
    ptrace::seize(process, options).unwrap_or_else(|error| {
        kill(process, Signal::SIGKILL).ok();
        panic!(
            "crashes can be tried only where a process may trace its children with ptrace, which \
             this machine refuses: {error}"
        )
    });
    kill(process, Signal::SIGCONT).expect("the shell to go on");
    child
}

/// Reads what an ended child has written.
fn output_of(mut child: Child, code: Option<i32>) -> Output {
    let read = |pipe: Option<&mut dyn std::io::Read>| {
        let mut bytes = Vec::new();
        pipe.map(|pipe| pipe.read_to_end(&mut bytes)).transpose().expect("its output");
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let stdout = read(child.stdout.as_mut().map(|it| it.by_ref() as &mut dyn std::io::Read));
    let stderr = read(child.stderr.as_mut().map(|it| it.by_ref() as &mut dyn std::io::Read));
    Output { code, stdout, stderr }
}

/// What is to happen when the call that a thread has begun is over.
enum After {
    Nothing,
    Kill,
    Fail(Box<Call>, i32),
}

struct Tracer {
    process: Pid,
    interference: Interference,
    /// The shell has become the command.
    is_counting: bool,
    was_hit: bool,
    is_killed: bool,
    /// The threads that are inside a call.
    inside: HashMap<Pid, After>,
    changes: BTreeMap<u64, Traceable>,
}

impl Tracer {
    /// Follows the process to its end; returns its exit code.
    fn follow(&mut self) -> Option<i32> {
        // Only what this thread has started: another one traces its own.
        let mine = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        loop {
            match waitpid(Pid::from_raw(-1), Some(mine)).expect("a traced thread") {
                WaitStatus::Exited(thread, code) if thread == self.process => return Some(code),
                WaitStatus::Signaled(thread, ..) if thread == self.process => return None,
                WaitStatus::PtraceSyscall(thread) => self.at_call(thread),
                WaitStatus::PtraceEvent(thread, _, event) => {
                    self.is_counting |= event == libc::PTRACE_EVENT_EXEC;
                    self.go_on(thread, None);
                }
                WaitStatus::Stopped(thread, signal) => self.go_on(thread, Some(signal)),
                WaitStatus::Exited(thread, _) | WaitStatus::Signaled(thread, ..) => {
                    self.inside.remove(&thread);
                }
                _ => (),
            }
        }
    }

    fn at_call(&mut self, thread: Pid) {
        if !self.is_counting {
            // Whether the shell is inside does not matter, but that the count of its stops is even.
            if self.inside.remove(&thread).is_none() {
                self.inside.insert(thread, After::Nothing);
            }
            return self.go_on(thread, None);
        }
        match self.inside.remove(&thread) {
            None => {
                let after = self.before_call(thread);
                self.inside.insert(thread, after);
            }
            Some(After::Nothing) => (),
            Some(After::Kill) => self.kill(),
            Some(After::Fail(call, errno)) => {
                let set = |registers| ptrace::setregs(thread, call.failed(registers, errno));
                expect_alive(ptrace::getregs(thread).and_then(set));
            }
        }
        self.go_on(thread, None);
    }

    /// Looks at a call before it takes effect; returns what is to happen after it.
    fn before_call(&mut self, thread: Pid) -> After {
        let Some(registers) = expect_alive(ptrace::getregs(thread)) else { return After::Nothing };
        let call = Call::new(registers, self.process);
        let Some(change) = call.change() else { return After::Nothing };
        let number = self.changes.len() as u64 + 1;
        let earlier = |is_it: &dyn Fn(&Change) -> bool| {
            self.changes.values().filter(|it| is_it(&it.change)).count() as u64
        };
        let number_of_kind = match self.interference {
            Interference::Tear(_) => earlier(&Change::can_be_torn) + 1,
            Interference::Full(_) => earlier(&|change| change.needs_space) + 1,
            Interference::None | Interference::Kill(_) | Interference::Fail(_) => number,
        };
        let (fate, after) = self.interfere(thread, call, &change, number_of_kind);
        self.was_hit |= !fate.is_empty();
        self.changes.insert(number, Traceable { change, fate });
        after
    }

    fn interfere(
        &mut self,
        thread: Pid,
        call: Call,
        change: &Change,
        number: u64,
    ) -> (&'static str, After) {
        let spoil = |call: Call, errno| {
            expect_alive(ptrace::setregs(thread, call.spoilt()));
            After::Fail(Box::new(call), errno)
        };
        match self.interference {
            Interference::Kill(at) if at == number => {
                self.kill();
                ("killed", After::Nothing)
            }
            Interference::Tear(at) if at == number && change.can_be_torn() => {
                let half = change.bytes.unwrap_or(0) / 2;
                expect_alive(ptrace::setregs(thread, call.cut(half)));
                ("torn", After::Kill)
            }
            Interference::Full(from) if from <= number && change.needs_space => {
                ("ENOSPC", spoil(call, libc::ENOSPC))
            }
            Interference::Fail(at) if at == number => ("EIO", spoil(call, libc::EIO)),
            _ => ("", After::Nothing),
        }
    }

    fn kill(&mut self) {
        self.is_killed = true;
        kill(self.process, Signal::SIGKILL).expect("a process that is ours");
    }

    /// Lets a thread run to its next stop; a killed one stays where it is.
    fn go_on(&self, thread: Pid, signal: Option<Signal>) {
        if !self.is_killed {
            expect_alive(ptrace::syscall(thread, signal));
        }
    }
}

/// A thread that another one has ended meanwhile is no error.
fn expect_alive<T>(result: nix::Result<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(Errno::ESRCH) => None,
        Err(error) => panic!("ptrace: {error}"),
    }
}
