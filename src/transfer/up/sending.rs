//! The parts of a file on their way out: read while they are sent, so that no part is ever held whole.

use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{self, Digester, Want};
use crate::monitor::{Monitor, Stop};
use crate::remote::{Outgoing, RemoteError};
use crate::session::Session;
use crate::session::limits::buffers::{BUFFER_BYTES, Buffers};
use crate::session::limits::pace::Pace;
use crate::session::trouble::Trouble;
use crate::tree::RepoPath;

/// What is known of one attempt; shared with its body, which the HTTP client may hold for longer.
#[derive(Clone, Default)]
struct SharedAttempt(Arc<Mutex<AttemptState>>);

#[derive(Default)]
struct AttemptState {
    /// Bytes that the monitor was told of.
    told: u64,
    /// What broke the attempt off on our side.
    trouble: Option<Trouble>,
    /// It has ended: the monitor hears no more of it.
    ended: bool,
}

impl SharedAttempt {
    fn state(&self) -> MutexGuard<'_, AttemptState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, monitor: &dyn Monitor, path: &RepoPath, bytes: u64) {
        let mut state = self.state();
        if !state.ended {
            state.told += bytes;
            monitor.bytes(path, bytes);
        }
    }

    fn fail(&self, trouble: Trouble) -> io::Error {
        self.state().trouble = Some(trouble);
        io::Error::other("the file cannot be read as it was")
    }
}

/// One attempt to send a part; dropped before its end, its bytes count no more.
pub(super) struct Attempt<'a> {
    sent: SharedAttempt,
    monitor: &'a dyn Monitor,
    path: &'a RepoPath,
}

impl Attempt<'_> {
    /// Takes note of how it ended: what the store said, unless it broke off on our side.
    pub(super) fn ended<T>(
        attempt: Option<Self>,
        answer: Result<T, RemoteError>,
    ) -> Result<T, Trouble> {
        let trouble = attempt.and_then(|attempt| {
            let mut state = attempt.sent.state();
            if answer.is_ok() {
                state.told = 0;
                return None;
            }
            state.trouble.take()
        });
        match (answer, trouble) {
            (Err(_), Some(trouble)) => Err(trouble),
            (answer, _) => Ok(answer?),
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let mut state = self.sent.state();
        state.ended = true;
        if state.told > 0 {
            // If they are sent again, they are counted again.
            self.monitor.bytes_lost(self.path, std::mem::take(&mut state.told));
        }
    }
}

/// A part that is being read and sent.
struct Reading<D: Disk, C> {
    disk: D,
    file: Arc<D::File>,
    path: RepoPath,
    range: Range<u64>,
    crc64: u64,
    digester: Digester,
    buffers: Buffers,
    piece_bytes: u64,
    pace: Arc<Pace>,
    clock: C,
    stop: Stop,
    monitor: Arc<dyn Monitor>,
    sent: SharedAttempt,
}

impl<D: Disk, C: Clock> Reading<D, C> {
    /// Reads the next piece, when it is time for it.
    async fn next(&mut self) -> Result<Bytes, Trouble> {
        let length = self.piece_bytes.min(self.range.end - self.range.start);
        self.pace.wait(&self.clock, &self.stop, length).await;
        // The store may have answered before it had everything: what it asked for less of ends here.
        if self.stop.is_requested() || self.sent.state().ended {
            return Err(Trouble::Stopped);
        }
        let wanted = usize::try_from(length).unwrap_or(BUFFER_BYTES);
        let piece = self.buffers.filled(wanted, |buffer| {
            let read = content::read_fully(&self.disk, &self.file, buffer, self.range.start);
            if read.map_err(|error| Trouble::io(&self.path, &error))? == wanted {
                Ok(())
            } else {
                Err(Trouble::changed("it became shorter while it was read"))
            }
        })?;
        self.digester.update(&piece);
        self.range.start += length;
        // The store must not get the last bytes of a part whose first ones were read at another time.
        if self.range.is_empty() && self.digester.crc64() != self.crc64 {
            return Err(Trouble::changed("it was changed here while it was read"));
        }
        self.sent.tell(&*self.monitor, &self.path, length);
        Ok(piece)
    }
}

/// Begins to send a range of a file whose CRC-64/NVME is known.
pub(super) fn outgoing<'a, D: Disk, C: Clock>(
    session: &'a Session<D, C>,
    path: &'a RepoPath,
    file: &Arc<D::File>,
    range: Range<u64>,
    crc64: u64,
) -> (Outgoing, Attempt<'a>) {
    let (length, sent) = (range.end - range.start, SharedAttempt::default());
    let attempt = Attempt { sent: sent.clone(), monitor: &*session.monitor, path };
    let reading = Reading {
        disk: session.files.disk.clone(),
        file: Arc::clone(file),
        path: path.clone(),
        range,
        crc64,
        digester: Digester::new(&Want::default()),
        buffers: session.limits.buffers.clone(),
        piece_bytes: session.limits.tuning.piece_bytes(),
        pace: Arc::clone(session.store.pace()),
        clock: session.clock.clone(),
        stop: session.stop.clone(),
        monitor: Arc::clone(&session.monitor),
        sent,
    };
    let pieces = stream::unfold(Some(reading), |reading| async {
        let mut reading = reading.filter(|reading| !reading.range.is_empty())?;
        match reading.next().await {
            Ok(piece) => Some((Ok(piece), Some(reading))),
            Err(trouble) => Some((Err(reading.sent.fail(trouble)), None)),
        }
    });
    (Outgoing::pieces(length, crc64, pieces.boxed()), attempt)
}
