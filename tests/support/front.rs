//! What can stand in front of a server: TLS, and a proxy. Both end when they are dropped.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::once::{Seconds, exchange, swallow};

/// The longest head of a request that a proxy reads.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Returns the path of a file of `tests/support/tls`, where `make` says what it is.
pub fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/tls").join(name)
}

/// A listener on a port of its own, with a runtime and a thread of its own.
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Listener {
    /// Gives each connection to `serve`. One that breaks off is what some tests are about.
    pub(super) fn new<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on the loopback");
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime for the listener");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let accept = async {
                    loop {
                        let (stream, _) = listener.accept().await.expect("a connection");
                        stream.set_nodelay(true).expect("a socket");
                        tokio::spawn(serve(stream));
                    }
                };
                tokio::select! {
                    _ = stopped => {}
                    () = accept => {}
                }
            });
            runtime.shutdown_background();
        });
        Self { address, _stop: stop }
    }
}

/// Speaks TLS, and passes on what is within.
pub struct TlsFront(Listener);

impl TlsFront {
    /// Shows this certificate (a file of `tests/support/tls`) for the server at `behind`.
    pub fn new(name: &str, behind: SocketAddr) -> Self {
        let chain = vec![CertificateDer::from_pem_file(certificate(name)).unwrap()];
        let key = PrivateKeyDer::from_pem_file(certificate("server.key")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self(Listener::new(move |stream| {
            let accepted = acceptor.accept(stream);
            async move {
                let mut inside = accepted.await?;
                let mut behind = TcpStream::connect(behind).await?;
                copy_bidirectional(&mut inside, &mut behind).await.map(drop)
            }
        }))
    }

    /// Returns the URL.
    pub fn endpoint(&self) -> String {
        format!("https://{}", self.0.address)
    }
}

/// What a proxy does with a request.
#[derive(Debug, Clone, Copy)]
pub enum Manner {
    /// Connects to where it shall go.
    Passes,
    /// As [`Manner::Passes`]; of requests for whole URLs it answers the first one of a connection alone, and
    /// does not say so (tinyproxy).
    AnswersOnce,
    /// Answers with this status, and closes the connection.
    Answers(u16),
    /// Closes the connection without a word.
    HangsUp,
}

/// A proxy for HTTP: `CONNECT HOST:PORT`, and requests for whole URLs.
pub struct Proxy {
    listener: Listener,
    heads: Arc<Mutex<Vec<String>>>,
    unanswered: Seconds,
}

impl Proxy {
    /// Starts one.
    pub fn new(manner: Manner) -> Self {
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let unanswered = Seconds::default();
        let (log, counter) = (Arc::clone(&heads), Arc::clone(&unanswered));
        let listener = Listener::new(move |stream| {
            pass_on(stream, manner, (Arc::clone(&log), Arc::clone(&counter)))
        });
        Self { listener, heads, unanswered }
    }

    /// Returns `HOST:PORT`.
    pub fn address(&self) -> SocketAddr {
        self.listener.address
    }

    /// Returns how many requests it has left without an answer, as [`Manner::AnswersOnce`].
    pub fn unanswered(&self) -> usize {
        self.unanswered.load(Ordering::SeqCst)
    }

    /// Returns the first request of each connection, up to the empty line, and forgets them.
    pub fn take_heads(&self) -> Vec<String> {
        std::mem::take(&mut *self.heads.lock().unwrap())
    }
}

async fn pass_on(
    mut client: TcpStream,
    manner: Manner,
    (log, unanswered): (Arc<Mutex<Vec<String>>>, Seconds),
) -> io::Result<()> {
    let begun = head(&mut client).await?;
    let text = String::from_utf8_lossy(&begun).into_owned();
    let mut words = text.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    log.lock().unwrap().push(text.split("\r\n\r\n").next().unwrap_or("").to_owned());
    match manner {
        Manner::HangsUp => return Ok(()),
        Manner::Answers(status) => {
            let answer = format!(
                "HTTP/1.1 {status} As The Test Ordered\r\ncontent-length: 0\r\n\
                 connection: close\r\n\r\n"
            );
            client.write_all(answer.as_bytes()).await?;
            client.shutdown().await?;
            // An answer that was not read is lost where a connection closes before its request came.
            return tokio::io::copy(&mut client, &mut tokio::io::sink()).await.map(drop);
        }
        Manner::Passes | Manner::AnswersOnce => (),
    }
    let is_tunnel = method == "CONNECT";
    let place = target.strip_prefix("http://").unwrap_or(&target);
    let mut server = TcpStream::connect(place.split('/').next().unwrap_or("")).await?;
    if is_tunnel {
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    } else if matches!(manner, Manner::AnswersOnce) {
        exchange(&mut client, &begun, server).await?;
        return swallow(&mut client, &unanswered).await;
    } else {
        server.write_all(&begun).await?;
    }
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// Reads up to the empty line, and what came with it.
pub(super) async fn head(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
        if bytes.len() > HEAD_BYTES_MAX || client.read_buf(&mut bytes).await? == 0 {
            return Err(io::Error::other("no request"));
        }
    }
    Ok(bytes)
}
