//! What the system tells of this process.

use std::process::{Command, Stdio};

/// Tells whether this process was started with a signal ignored, as `nohup` does with SIGHUP and a
/// shell without job control with the SIGINT of what runs in the background.
///
/// Must be asked before anybody listens to the signal. Only Linux tells; elsewhere none is ignored.
pub fn ignores_signal(number: i32) -> bool {
    // Lines of `proc_pid_status(5)`; the mask has a bit for each signal, from 1.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored_mask(&status).is_some_and(|mask| mask >> (number - 1) & 1 == 1)
}

/// Returns the name by which the system knows whoever runs this process.
pub fn login_name() -> Option<String> {
    // A package that asks the C library costs every build more than one command where no variable tells.
    let mut id = Command::new("id");
    let output = id.arg("-un").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let name = String::from_utf8(output.stdout).ok()?;
    Some(name.trim().to_owned()).filter(|name| output.status.success() && !name.is_empty())
}

fn ignored_mask(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read_as_the_kernel_writes_it() {
        let status = "Name:\tlsync\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000005\n";
        assert_eq!(ignored_mask(status), Some(5));
        assert_eq!(ignored_mask("Name:\tlsync\n"), None);
    }
}
