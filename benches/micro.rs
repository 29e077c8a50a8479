//! How long the parts of a run without work take, one by one: `cargo bench --bench micro`.
//!
//! Database with a million rows, scan of ten thousand files, merge of three streams of a hundred
//! thousand, pages of a listing. Prints times and how they moved since the last time, and judges
//! nothing: a busy machine is no error.

use std::path::Path;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use lsync::disk::{Disk as _, RealDisk};
use lsync::local::{Scan, ScanOptions};
use lsync::remote::{Capabilities, Reads as _, S3Remote, S3Settings};
use lsync::repository::{Change, Database, RemoteId};
use lsync::tree::{
    BaseRow, Content, Kind, LocalEntry, LocalState, Merge, OutOfOrder, RemoteEntry, RepoPath,
    Signature, Stat, Step, Token,
};

/// Rows of the database.
const ROWS: u64 = 1_000_000;

/// Files of the scan.
const FILES: u64 = 10_000;

/// Entries of each stream of the merge.
const ENTRIES: u64 = 100_000;

/// Keys of a page.
const KEYS: u64 = 1_000;

fn path(number: u64) -> String {
    format!("photos/2026/album-{:04}/{number:07}.jpeg", number / 1000)
}

fn row(number: u64) -> BaseRow {
    let time = 1_731_234_567_000_000_000 + i64::try_from(number).unwrap_or(0);
    let path = RepoPath::parse(&path(number)).expect("the path is sound");
    let signature = Signature { size: 48_213 + number, mtime: time, ctime: time, inode: number };
    let token = Token::new(&format!("{:032x}", u128::from(number) * 0x9e37_79b9_7f4a_7c15));
    let content = Content::of_size(signature.size).with_md5(token.hex());
    BaseRow::plain(path, signature, token, content)
}

fn database(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let control = RealDisk.open_path(Path::new(folder.path())).expect("it can be opened");
    let remote = RemoteId { url: "s3://team".to_owned(), endpoint: String::new() };
    let open = || Database::open(&RealDisk, &control, &remote).expect("the database opens");
    let mut written = open();
    for first in (0..ROWS).step_by(1_024) {
        let rows: Vec<_> =
            (first..ROWS.min(first + 1_024)).map(|it| Change::Put(row(it))).collect();
        written.record(&rows).expect("the group is recorded");
    }
    written.finish().expect("the run ends");
    let mut group = criterion.benchmark_group("database of a million rows");
    group.sample_size(10);
    group.bench_function("open", |bencher| bencher.iter(open));
    group.throughput(Throughput::Elements(ROWS));
    group.bench_function("open and read every row", |bencher| {
        bencher.iter(|| {
            let read = open().rows(None).expect("rows").flatten().count() as u64;
            assert_eq!(read, ROWS);
        });
    });
    group.throughput(Throughput::Elements(100));
    let changes: Vec<_> = (0..100).map(|number| Change::Put(row(number * 9_973))).collect();
    group.bench_function("record 100 changes", |bencher| {
        let record = |mut database: Database<_>| {
            database.record(&changes).expect("recorded");
            database
        };
        bencher.iter_batched(open, record, BatchSize::PerIteration);
    });
}

fn scan(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for number in 0..FILES {
        let file = folder.path().join(path(number));
        let parent = RealDisk.make_path(file.parent().expect("a folder")).expect("it is made");
        let name = file.file_name().expect("a name");
        RealDisk.open_append(&parent, name, 0o644).expect("the file is made");
    }
    let root = RealDisk.open_path(folder.path()).expect("it can be opened");
    let mut group = criterion.benchmark_group("scan");
    group.throughput(Throughput::Elements(FILES));
    group.bench_function("ten thousand files", |bencher| {
        bencher.iter(|| {
            let options = ScanOptions { scope: None, key_bytes_max: 1_024, mounts: Vec::new() };
            let found = Scan::new(&RealDisk, &root, options).flatten().count() as u64;
            assert_eq!(found, FILES);
        });
    });
}

fn merge(criterion: &mut Criterion) {
    let local = |number| {
        let Signature { size, mtime, ctime, inode } = row(number).signature;
        let stat = Stat { kind: Kind::File, size, mtime, ctime, inode, device: 1, mode: 0o644 };
        Ok::<_, OutOfOrder>(LocalEntry { path: row(number).path, state: LocalState::File(stat) })
    };
    let remote = |number| {
        let row = row(number);
        RemoteEntry { version: row.version, path: row.path, modified: 0 }
    };
    let sides = || {
        let local: Vec<_> = (0..ENTRIES).map(local).collect();
        let base: Vec<_> = (0..ENTRIES).map(|number| Ok(row(number))).collect();
        let remote: Vec<_> = (0..ENTRIES).map(remote).collect();
        (local, base, remote)
    };
    let mut group = criterion.benchmark_group("merge");
    group.sample_size(20).throughput(Throughput::Elements(ENTRIES));
    group.bench_function("three streams of a hundred thousand", |bencher| {
        bencher.iter_batched(
            sides,
            |(local, base, remote)| {
                let mut merge = Merge::new(local.into_iter(), base.into_iter());
                merge.feed(remote, false);
                let mut items = 0;
                while let Step::Item(_) = merge.step().expect("in order") {
                    items += 1;
                }
                assert_eq!(items, ENTRIES);
            },
            BatchSize::LargeInput,
        );
    });
}

/// A store that gives the same page to everybody.
#[derive(Debug, Clone)]
struct OnePage(Arc<str>);

impl HttpConnector for OnePage {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let status = 200.try_into().expect("a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(&*self.0))))
    }
}

/// Writes a page as AWS does.
fn page() -> String {
    let contents = (0..KEYS).map(|number| {
        let row = row(number);
        format!(
            "<Contents><Key>{}</Key><LastModified>2026-11-21T10:00:00.000Z</LastModified>\
             <ETag>&quot;{}&quot;</ETag><Size>{}</Size><StorageClass>STANDARD</StorageClass>\
             </Contents>",
            row.path, row.version.token, row.signature.size
        )
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>team</Name>\
         <Prefix></Prefix><EncodingType>url</EncodingType><KeyCount>{KEYS}</KeyCount>\
         <MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>{}</ListBucketResult>",
        contents.collect::<String>()
    )
}

fn listing(criterion: &mut Criterion) {
    let connector = SharedHttpConnector::new(OnePage(page().into()));
    let settings = S3Settings {
        bucket: "team".to_owned(),
        prefix: String::new(),
        region: Some("eu-west-1".to_owned()),
        endpoint: Some("http://127.0.0.1:9".to_owned()),
        profile: None,
        path_style: true,
    };
    let transport = http_client_fn(move |_, _| connector.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let opened = S3Remote::open_with_transport(&settings, Capabilities::full(), transport);
    let remote = runtime.block_on(opened).expect("settings that make an address");
    let mut group = criterion.benchmark_group("listing");
    group.throughput(Throughput::Elements(KEYS));
    group.bench_function("a page of a thousand keys", |bencher| {
        bencher.iter(|| {
            let page = runtime.block_on(remote.list("", None, 1_000)).expect("a page");
            assert_eq!(page.items.len() as u64, KEYS);
        });
    });
}

criterion_group!(benches, database, scan, merge, listing);
criterion_main!(benches);
