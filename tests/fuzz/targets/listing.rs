//! Answers to `ListObjectsV2`, through the SDK: a listing that ends without an error is whole. Its
//! keys ascend, every page says that it is complete, and none of its objects is missing.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use lsync::remote::{Capabilities, Listed, Page, Reads as _, S3Remote, S3Settings};
use lsync::tree::{Token, Version};

use super::keys::check_path;
use super::parts;

/// A listing that goes on for so many pages is left.
const PAGES_MAX: usize = 16;

/// What the store says, and what of it was heard.
#[derive(Debug, Default)]
struct Script {
    answers: Vec<Vec<u8>>,
    given: usize,
}

/// A store that gives one answer after the other, whatever it is asked.
#[derive(Debug, Clone, Default)]
struct Store(Arc<Mutex<Script>>);

impl HttpConnector for Store {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut script = self.0.lock().unwrap();
        let (status, body) = if request.method() == "HEAD" {
            (200, Vec::new())
        } else if let Some(answer) = script.answers.get(script.given).cloned() {
            script.given += 1;
            (200, answer)
        } else {
            (404, Vec::new())
        };
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
        if request.method() == "HEAD" {
            response.headers_mut().insert("etag", "\"head\"");
            response.headers_mut().insert("content-length", "7");
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

/// A remote on a scripted store, made once a thread: the SDK takes its time.
struct Bench {
    runtime: tokio::runtime::Runtime,
    store: Store,
    remote: S3Remote,
}

impl Bench {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let store = Store::default();
        let connector = SharedHttpConnector::new(store.clone());
        let settings = S3Settings {
            bucket: "team".to_owned(),
            prefix: "p".to_owned(),
            region: Some("eu-west-1".to_owned()),
            endpoint: Some("http://127.0.0.1:9".to_owned()),
            profile: None,
            path_style: true,
        };
        let transport = http_client_fn(move |_, _| connector.clone());
        let opened = S3Remote::open_with_transport(&settings, Capabilities::full(), transport);
        let remote = runtime.block_on(opened).unwrap();
        Self { runtime, store, remote }
    }

    /// Lists to the end; returns each page with the answer that it was made of, `None` on an error.
    fn list(&self, answers: &[&[u8]]) -> Option<Vec<(Page, Vec<u8>)>> {
        *self.store.0.lock().unwrap() =
            Script { answers: answers.iter().map(|it| it.to_vec()).collect(), given: 0 };
        let mut pages: Vec<(Page, Vec<u8>)> = Vec::new();
        for _ in 0..PAGES_MAX {
            let next = pages.last().and_then(|(page, _)| page.next.clone());
            let page = self.runtime.block_on(self.remote.list("", next.as_deref(), 1_000)).ok()?;
            let script = self.store.0.lock().unwrap();
            let answer = script.answers[script.given - 1].clone();
            let is_last = page.next.is_none();
            pages.push((page, answer));
            if is_last {
                return Some(pages);
            }
        }
        None
    }
}

/// Each part is one answer.
pub(crate) fn target(data: &[u8]) {
    thread_local! {
        static BENCH: Bench = Bench::new();
    }
    let Some(pages) = BENCH.with(|bench| bench.list(&parts(data))) else { return };
    let mut last: Option<String> = None;
    let count = pages.len();
    for (index, (page, answer)) in pages.into_iter().enumerate() {
        let answer = Answer::read(&answer);
        for item in &page.items {
            check_item(item, answer.as_ref());
            assert!(last.as_deref().is_none_or(|last| last < item.key()), "{last:?}, {item:?}");
            last = Some(item.key().to_owned());
        }
        let Some(answer) = answer else { continue };
        assert!(answer.is_closed, "the answer breaks off, and the listing ends");
        let truncated = if index + 1 < count { "true" } else { "false" };
        assert_eq!(answer.truncated.as_deref(), Some(truncated), "page {index} of {count}");
        let shown = page.items.len();
        let silent = answer.silent;
        assert!(
            (answer.objects - silent..=answer.objects).contains(&shown),
            "{shown} of {} objects, of which {silent} may be passed over",
            answer.objects
        );
    }
}

fn check_item(item: &Listed, answer: Option<&Answer>) {
    if let Listed::Object(entry) = item {
        check_path(&entry.path);
        let looked_at = Version { token: Token::new("head"), size: 7 };
        let Some(answer) = answer.filter(|_| entry.version != looked_at) else { return };
        let size = format!("<Size>{}</Size>", entry.version.size);
        assert!(!answer.is_plain || answer.text.contains(&size), "nobody said {entry:?}");
    }
}

/// What an answer says, read without the SDK.
struct Answer {
    text: String,
    /// The root element ends.
    is_closed: bool,
    truncated: Option<String>,
    /// Objects directly below the root.
    objects: usize,
    /// Objects that no working copy hears of: those of lsync itself, and the marker of the prefix.
    silent: usize,
    /// Nothing in it has a second spelling.
    is_plain: bool,
}

impl Answer {
    /// `None` where it would take a parser of everything to know what it says.
    fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?.to_owned();
        let text = text.trim_start_matches('\u{feff}');
        let body = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").unwrap_or(text);
        if body.contains("<!") || body.contains("<?") {
            return None;
        }
        let mut answer = Self {
            text: body.to_owned(),
            is_closed: false,
            truncated: None,
            objects: 0,
            silent: body.matches("<Key>p/.lsync/").count()
                + body.matches("<Key>p%2F.lsync").count()
                + body.matches("<Key>p/</Key>").count(),
            is_plain: !body.contains('&') && !body.contains("<Size >"),
        };
        let mut open: Vec<&str> = Vec::new();
        for (start, _) in body.match_indices('<') {
            let tag = &body[start + 1..start + body[start..].find('>')?];
            let behind = &body[start + tag.len() + 2..];
            if let Some(name) = tag.strip_prefix('/') {
                if open.pop()? != name.trim_end() {
                    return None;
                }
                answer.is_closed |= open.is_empty();
                continue;
            }
            let name = tag.trim_end_matches('/').split([' ', '\t', '\r', '\n']).next()?;
            match (open.len(), name) {
                (1, "Contents") => answer.objects += 1,
                (1, "IsTruncated") => {
                    answer.truncated = Some(behind.split('<').next()?.trim().to_owned());
                }
                _ => (),
            }
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
        Some(answer)
    }
}
