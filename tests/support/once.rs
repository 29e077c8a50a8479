//! Connections that carry one request and do not say so: behind a proxy that answers no second one, and
//! behind a balancer that closes.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, sink};
use tokio::net::TcpStream;

use super::front::{Listener, head};

/// What is said to the server, and kept from the client.
const CLOSE: &[u8] = b"connection: close\r\n";

/// How often something came on a connection behind its one answer.
pub(super) type Seconds = Arc<AtomicUsize>;

/// What becomes of a connection behind its first answer.
#[derive(Debug, Clone, Copy)]
pub enum Habit {
    /// It is closed.
    Closes,
    /// It is closed, without an answer, as soon as another request comes.
    HangsUpOnSecond,
}

/// A balancer in front of a server: every answer is the last one of its connection.
pub struct Balancer {
    listener: Listener,
    habit: Arc<Mutex<Habit>>,
    seconds: Seconds,
}

impl Balancer {
    /// Starts one for the server at `behind`, which closes.
    pub fn new(behind: SocketAddr) -> Self {
        let (habit, seconds) = (Arc::new(Mutex::new(Habit::Closes)), Seconds::default());
        let (now, counter) = (Arc::clone(&habit), Arc::clone(&seconds));
        let listener = Listener::new(move |mut client| {
            let (now, counter) = (Arc::clone(&now), Arc::clone(&counter));
            async move {
                let begun = head(&mut client).await?;
                exchange(&mut client, &begun, TcpStream::connect(behind).await?).await?;
                let habit = *now.lock().unwrap();
                match habit {
                    Habit::Closes => Ok(()),
                    Habit::HangsUpOnSecond => await_second(&mut client, &counter).await,
                }
            }
        });
        Self { listener, habit, seconds }
    }

    /// Gives it another habit.
    pub fn take_to(&self, habit: Habit) {
        *self.habit.lock().unwrap() = habit;
    }

    /// Returns the URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.listener.address)
    }

    /// Returns how many requests came on a connection that had its answer, and forgets them.
    pub fn take_seconds(&self) -> usize {
        self.seconds.swap(0, Ordering::SeqCst)
    }
}

/// Passes one request on, and its answer back, as tinyproxy 1.11 does: it asks the server to close behind
/// the answer, and tells the client nothing of that (its issue 563).
pub(super) async fn exchange(
    client: &mut TcpStream,
    begun: &[u8],
    mut server: TcpStream,
) -> io::Result<()> {
    let end = place_of(begun, b"\r\n\r\n").expect("a head") + 2;
    let (head, rest) = begun.split_at(end);
    let text = String::from_utf8_lossy(head).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let missing = length.unwrap_or(0_u64).saturating_sub(rest.len() as u64 - 2);
    server.write_all(&[head, CLOSE, rest].concat()).await?;
    copy(&mut (&mut *client).take(missing), &mut server).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    if let Some(at) = place_of(&answer, CLOSE) {
        answer.drain(at..at + CLOSE.len());
    }
    client.write_all(&answer).await
}

/// Waits until the client closes the connection, or sends something that is never answered.
pub(super) async fn await_second(client: &mut TcpStream, seconds: &Seconds) -> io::Result<()> {
    if client.read(&mut [0]).await? > 0 {
        seconds.fetch_add(1, Ordering::SeqCst);
    }
    Ok(())
}

/// As [`await_second`], and holds the connection open for as long as the client does.
pub(super) async fn swallow(client: &mut TcpStream, seconds: &Seconds) -> io::Result<()> {
    await_second(client, seconds).await?;
    copy(client, &mut sink()).await.map(drop)
}

fn place_of(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
