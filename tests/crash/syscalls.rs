//! Which system calls change the disk, and how one is read and bent while its process stands still.

use std::fs;
use std::os::unix::fs::FileExt as _;

use nix::libc::{self, user_regs_struct};
use nix::unistd::Pid;

/// Longest path that is read for the log.
const PATH_BYTES_MAX: usize = 256;

/// An argument that no call accepts: no descriptor and no address.
const NONSENSE: u64 = u64::MAX;

/// A system call that changes the disk.
#[derive(Debug, Clone)]
pub struct Change {
    /// Its name, and what it is about.
    pub text: String,
    /// It fails on a full disk.
    pub needs_space: bool,
    /// Bytes that are written, for calls that can write fewer.
    pub bytes: Option<u64>,
    /// It makes something durable.
    pub is_sync: bool,
}

impl Change {
    /// Tells whether it writes so much that there is a half of it.
    pub fn can_be_torn(&self) -> bool {
        self.bytes.is_some_and(|bytes| bytes > 1)
    }
}

/// How a call is recognised.
struct Kind {
    number: libc::c_long,
    name: &'static str,
    about: About,
    needs_space: bool,
}

/// Which arguments tell what a call is about.
#[derive(Clone, Copy)]
enum About {
    /// The paths at these arguments.
    Paths(&'static [usize]),
    /// The path at the first of these arguments, if the flags at the second one say `O_CREAT`.
    Creates(usize, usize),
    /// The descriptor at this argument, if it is a file or a folder.
    Descriptor(usize),
    /// As `Descriptor(0)`, and argument 2 is the number of bytes.
    Write,
}

const fn kind(number: libc::c_long, name: &'static str, about: About, needs_space: bool) -> Kind {
    Kind { number, name, about, needs_space }
}

const KINDS: &[Kind] = &[
    kind(libc::SYS_renameat, "renameat", About::Paths(&[1, 3]), true),
    kind(libc::SYS_renameat2, "renameat2", About::Paths(&[1, 3]), true),
    kind(libc::SYS_linkat, "linkat", About::Paths(&[1, 3]), true),
    kind(libc::SYS_unlinkat, "unlinkat", About::Paths(&[1]), false),
    kind(libc::SYS_mkdirat, "mkdirat", About::Paths(&[1]), true),
    kind(libc::SYS_symlinkat, "symlinkat", About::Paths(&[0, 2]), true),
    kind(libc::SYS_openat, "openat", About::Creates(1, 2), true),
    kind(libc::SYS_write, "write", About::Write, true),
    kind(libc::SYS_pwrite64, "pwrite64", About::Write, true),
    kind(libc::SYS_writev, "writev", About::Descriptor(0), true),
    kind(libc::SYS_pwritev, "pwritev", About::Descriptor(0), true),
    kind(libc::SYS_pwritev2, "pwritev2", About::Descriptor(0), true),
    kind(libc::SYS_ftruncate, "ftruncate", About::Descriptor(0), true),
    kind(libc::SYS_fallocate, "fallocate", About::Descriptor(0), true),
    kind(libc::SYS_copy_file_range, "copy_file_range", About::Descriptor(2), true),
    kind(libc::SYS_sendfile, "sendfile", About::Descriptor(0), true),
    kind(libc::SYS_utimensat, "utimensat", About::Descriptor(0), false),
    kind(libc::SYS_fchmod, "fchmod", About::Descriptor(0), false),
    kind(libc::SYS_fchmodat, "fchmodat", About::Paths(&[1]), false),
    kind(libc::SYS_fchown, "fchown", About::Descriptor(0), false),
    kind(libc::SYS_fsetxattr, "fsetxattr", About::Descriptor(0), true),
    kind(libc::SYS_fremovexattr, "fremovexattr", About::Descriptor(0), false),
    kind(libc::SYS_fsync, "fsync", About::Descriptor(0), false),
    kind(libc::SYS_fdatasync, "fdatasync", About::Descriptor(0), false),
    kind(libc::SYS_syncfs, "syncfs", About::Descriptor(0), false),
    #[cfg(target_arch = "x86_64")]
    kind(libc::SYS_rename, "rename", About::Paths(&[0, 1]), true),
    #[cfg(target_arch = "x86_64")]
    kind(libc::SYS_link, "link", About::Paths(&[0, 1]), true),
    #[cfg(target_arch = "x86_64")]
    kind(libc::SYS_unlink, "unlink", About::Paths(&[0]), false),
    #[cfg(target_arch = "x86_64")]
    kind(libc::SYS_rmdir, "rmdir", About::Paths(&[0]), false),
    #[cfg(target_arch = "x86_64")]
    kind(libc::SYS_mkdir, "mkdir", About::Paths(&[0]), true),
    #[cfg(target_arch = "x86_64")]
    kind(libc::SYS_symlink, "symlink", About::Paths(&[0, 1]), true),
    #[cfg(target_arch = "x86_64")]
    kind(libc::SYS_creat, "creat", About::Paths(&[0]), true),
    #[cfg(target_arch = "x86_64")]
    kind(libc::SYS_open, "open", About::Creates(0, 1), true),
    #[cfg(target_arch = "x86_64")]
    kind(libc::SYS_chmod, "chmod", About::Paths(&[0]), false),
];

/// A call that a thread is about to make.
pub struct Call {
    registers: user_regs_struct,
    process: Pid,
}

impl Call {
    /// Takes the registers of a thread of `process` that has just begun a call.
    pub fn new(registers: user_regs_struct, process: Pid) -> Self {
        Self { registers, process }
    }

    /// Tells what the call would change; `None`: nothing on a disk.
    pub fn change(&self) -> Option<Change> {
        let number = i64::from_ne_bytes(number(&self.registers).to_ne_bytes());
        let kind = KINDS.iter().find(|kind| kind.number == number)?;
        let about = match kind.about {
            About::Paths(arguments) => self.paths(arguments),
            About::Creates(path, flags) => {
                let creates = libc::O_CREAT.unsigned_abs();
                if self.argument(flags) & u64::from(creates) == 0 {
                    return None;
                }
                self.paths(&[path])
            }
            About::Descriptor(at) => self.descriptor(at)?,
            About::Write => self.descriptor(0)?,
        };
        let bytes = matches!(kind.about, About::Write).then(|| self.argument(2));
        let length = bytes.map(|bytes| format!(", {bytes} bytes")).unwrap_or_default();
        Some(Change {
            text: format!("{}({about}{length})", kind.name),
            needs_space: kind.needs_space,
            bytes,
            is_sync: kind.name.contains("sync"),
        })
    }

    /// Makes the call one that writes only so many bytes.
    pub fn cut(&self, bytes: u64) -> user_regs_struct {
        let mut registers = self.registers;
        set_argument(&mut registers, 2, bytes);
        registers
    }

    /// Makes the call one that the kernel refuses without doing anything.
    pub fn spoilt(&self) -> user_regs_struct {
        let mut registers = self.registers;
        set_argument(&mut registers, 0, NONSENSE);
        set_argument(&mut registers, 1, NONSENSE);
        registers
    }

    /// Makes of the registers at the end of a spoilt call those of one that failed with `errno`.
    pub fn failed(&self, mut after: user_regs_struct, errno: i32) -> user_regs_struct {
        set_argument(&mut after, 1, self.argument(1));
        set_argument(&mut after, 0, self.argument(0));
        set_result(&mut after, -i64::from(errno));
        after
    }

    fn argument(&self, at: usize) -> u64 {
        arguments(&self.registers)[at]
    }

    /// Returns where the descriptor leads to, if that is a file or a folder.
    fn descriptor(&self, at: usize) -> Option<String> {
        let link = format!("/proc/{}/fd/{}", self.process, self.argument(at));
        let kind = fs::metadata(&link).ok()?.file_type();
        let path = fs::read_link(&link).ok()?;
        (kind.is_file() || kind.is_dir()).then(|| path.display().to_string())
    }

    fn paths(&self, arguments: &[usize]) -> String {
        let memory = fs::File::open(format!("/proc/{}/mem", self.process)).ok();
        let text = |at: &usize| {
            let mut bytes = [0; PATH_BYTES_MAX];
            let read = memory.as_ref().map(|it| it.read_at(&mut bytes, self.argument(*at)));
            let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(PATH_BYTES_MAX);
            match read {
                Some(Ok(_)) => String::from_utf8_lossy(&bytes[..length]).into_owned(),
                _ => "?".to_owned(),
            }
        };
        arguments.iter().map(text).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(target_arch = "x86_64")]
fn number(registers: &user_regs_struct) -> u64 {
    registers.orig_rax
}

#[cfg(target_arch = "x86_64")]
fn arguments(registers: &user_regs_struct) -> [u64; 4] {
    [registers.rdi, registers.rsi, registers.rdx, registers.r10]
}

#[cfg(target_arch = "x86_64")]
fn set_argument(registers: &mut user_regs_struct, at: usize, value: u64) {
    *[&mut registers.rdi, &mut registers.rsi, &mut registers.rdx][at] = value;
}

#[cfg(target_arch = "x86_64")]
fn set_result(registers: &mut user_regs_struct, value: i64) {
    registers.rax = u64::from_ne_bytes(value.to_ne_bytes());
}

#[cfg(target_arch = "aarch64")]
fn number(registers: &user_regs_struct) -> u64 {
    registers.regs[8]
}

#[cfg(target_arch = "aarch64")]
fn arguments(registers: &user_regs_struct) -> [u64; 4] {
    [registers.regs[0], registers.regs[1], registers.regs[2], registers.regs[3]]
}

#[cfg(target_arch = "aarch64")]
fn set_argument(registers: &mut user_regs_struct, at: usize, value: u64) {
    registers.regs[at] = value;
}

#[cfg(target_arch = "aarch64")]
fn set_result(registers: &mut user_regs_struct, value: i64) {
    registers.regs[0] = u64::from_ne_bytes(value.to_ne_bytes());
}
