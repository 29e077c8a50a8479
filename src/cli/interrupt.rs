//! [`Interrupt`]: the first SIGINT, SIGTERM or SIGHUP asks the run to stop, the second ends it.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::disk::ignores_signal;
use crate::monitor::Stop;

/// What a process gets that writes a file beyond its limit (`ulimit -f`), on Linux, macOS and the BSDs.
/// It ends the process unless somebody listens; then the write fails, as on a full disk.
const FILE_SIZE_EXCEEDED: i32 = 25;

/// Tells how often a person asked to stop.
#[derive(Clone)]
pub(super) struct Interrupt {
    count: watch::Receiver<u32>,
    stop: Stop,
}

impl Interrupt {
    /// Begins to listen. Must be called within the runtime, and once.
    pub(super) fn listen() -> io::Result<Self> {
        let mut interrupt = listen_to(SignalKind::interrupt())?;
        let mut terminate = listen_to(SignalKind::terminate())?;
        let mut hangup = listen_to(SignalKind::hangup())?;
        // Nobody has to receive it: that somebody could is enough.
        drop(signal(SignalKind::from_raw(FILE_SIZE_EXCEEDED))?);
        let (sender, count) = watch::channel(0);
        let stop = Stop::default();
        let stopping = stop.clone();
        drop(tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = received(&mut interrupt) => (),
                    () = received(&mut terminate) => (),
                    () = received(&mut hangup) => (),
                }
                stopping.request();
                sender.send_modify(|count| *count += 1);
            }
        }));
        Ok(Self { count, stop })
    }

    /// Returns the flag that the library looks at between two steps.
    pub(super) fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Waits until a person has asked `times` times.
    pub(super) async fn asked(&self, times: u32) {
        let mut count = self.count.clone();
        if count.wait_for(|count| *count >= times).await.is_err() {
            // The listener is gone, and the runtime with it.
            std::future::pending::<()>().await;
        }
    }
}

/// Listens to a signal, unless whoever started this process wants it ignored (`nohup`, a job in the
/// background): listening would undo that.
fn listen_to(kind: SignalKind) -> io::Result<Option<Signal>> {
    if ignores_signal(kind.as_raw_value()) { Ok(None) } else { signal(kind).map(Some) }
}

/// Waits for a signal; for ever where it is ignored.
async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
