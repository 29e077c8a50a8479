//! [`Interrupt`]: the first SIGINT, SIGTERM or SIGHUP asks the run to stop, the second ends it.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::monitor::Stop;

/// Tells how often a person asked to stop.
#[derive(Clone)]
pub(super) struct Interrupt {
    count: watch::Receiver<u32>,
    stop: Stop,
}

impl Interrupt {
    /// Begins to listen. Must be called within the runtime.
    pub(super) fn listen() -> std::io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let (sender, count) = watch::channel(0);
        let stop = Stop::default();
        let stopping = stop.clone();
        drop(tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => (),
                    _ = terminate.recv() => (),
                    _ = hangup.recv() => (),
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
