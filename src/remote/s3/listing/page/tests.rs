use proptest::prelude::*;

use super::*;

const AWS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>team</Name><Prefix/>\
    <NextContinuationToken>1ue=&amp;</NextContinuationToken><KeyCount>2</KeyCount>\
    <IsTruncated>true</IsTruncated><Contents><Key>a &amp; b/&lt;é&gt;</Key>\
    <LastModified>2026-11-21T10:00:00.000Z</LastModified><ETag>&quot;ab&quot;</ETag>\
    <ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><Size>7</Size>\
    <Owner><ID>1</ID><DisplayName>x</DisplayName></Owner><StorageClass>STANDARD</StorageClass>\
    </Contents><Contents><Key>b</Key><LastModified>2026-11-21T10:00:00.500Z</LastModified>\
    <ETag>&#34;cd&#x22;</ETag><Size>0</Size></Contents></ListBucketResult>\n";

fn keys(answer: &str) -> Option<Vec<String>> {
    Some(scan(answer.as_bytes())?.items.into_iter().map(|item| item.key).collect())
}

#[test]
fn a_page_is_read_as_stores_write_it() {
    let page = scan(AWS.as_bytes()).unwrap();
    assert_eq!((page.truncated, page.token.as_deref(), page.encoded), (true, Some("1ue=&"), false));
    let second = 1_795_255_200_000_000_000;
    let item = |key: &str, etag: &str, size, modified| RawItem {
        key: key.to_owned(),
        etag: Some(etag.to_owned()),
        size: Some(size),
        modified,
    };
    let first = item("a & b/<é>", "\"ab\"", 7, second);
    assert_eq!(page.items, [first, item("b", "\"cd\"", 0, second + 500_000_000)]);
}

#[test]
fn blanks_between_elements_mean_nothing_and_within_a_key_all() {
    let spread = AWS.replace("><", ">\n  <").replace("<Key>b<", "<Key> b  <");
    assert_eq!(keys(&spread).unwrap(), ["a & b/<é>", " b  "]);
    assert_eq!(scan(&AWS.as_bytes()[..AWS.len() - 1]), scan(AWS.as_bytes()));
}

#[test]
fn an_empty_bucket_is_a_page_and_encoded_keys_are_said_to_be_so() {
    let empty = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    assert_eq!(scan(empty.as_bytes()), Some(RawPage::default()));
    let encoded = empty.replace("<Is", "<EncodingType>url</EncodingType><Is");
    assert!(scan(encoded.as_bytes()).unwrap().encoded);
}

#[test]
fn what_is_not_known_is_left_to_the_sdk() {
    for (what, with) in [
        ("</ListBucketResult>", ""),
        ("</ListBucketResult>", "</ListBucketResult><ListBucketResult/>"),
        ("ListBucketResult", "Error"),
        ("<IsTruncated>true</IsTruncated>", ""),
        (">true<", ">perhaps<"),
        ("<Key>b</Key>", ""),
        ("<Key>b</Key>", "<Key>b"),
        ("<Key>b", "<Key><![CDATA[b]]>"),
        ("<Key>b", "<Key>b<!-- c -->"),
        ("<Key>b", "<Key n=\"1\">b"),
        ("<Key>b", "<Key>b&nbsp;"),
        ("<Key>b", "<Key>b&"),
        ("<Size>0<", "<Size>none<"),
        ("21T10:00:00.500Z", "21"),
        ("</Contents><Contents>", "<Contents>"),
        ("</Contents><Contents>", "</Contents>"),
        ("</Contents><Contents>", "</Contents>text<Contents>"),
    ] {
        assert!(AWS.contains(what), "{what}");
        assert_eq!(scan(AWS.replace(what, with).as_bytes()), None, "{with:?} for {what:?}");
    }
    assert_eq!(scan(b"\xff"), None);
    assert_eq!(scan(b""), None);
}

#[test]
fn what_xml_cannot_hold_is_taken_as_it_is_and_the_page_for_a_rough_one() {
    for (with, key) in [
        ("b\u{1}", "b\u{1}"),
        ("b\r\n", "b\r\n"),
        ("b\u{ffff}", "b\u{ffff}"),
        ("b&#1;&amp;", "b\u{1}&"),
    ] {
        let page = scan(AWS.replace("<Key>b", &format!("<Key>{with}")).as_bytes()).unwrap();
        assert_eq!(page.items[1].key, key);
        assert!(page.is_rough && !page.is_exact(), "{with:?}");
    }
    let page = scan(AWS.replace("<Key>b", "<Key>b\u{fffd}").as_bytes()).unwrap();
    assert!(!page.is_rough && !page.is_exact());
    assert!(scan(AWS.as_bytes()).unwrap().is_exact());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..<_>::default() })]

    #[test]
    fn any_key_that_xml_can_hold_comes_back(
        keys_written in prop::collection::vec("[ -~é\u{80}\u{fffd}\u{1f600}]{1,12}", 0..8),
    ) {
        let escaped = |key: &String| key.replace('&', "&amp;").replace('<', "&lt;");
        let objects = keys_written.iter().map(escaped);
        let objects = objects.map(|key| format!("<Contents><Key>{key}</Key></Contents>"));
        let answer = format!(
            "<ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>",
            objects.collect::<String>()
        );
        prop_assert_eq!(keys(&answer), Some(keys_written));
    }

    #[test]
    fn a_page_that_breaks_off_is_never_taken_for_whole(length in 0..AWS.len() - 1) {
        prop_assert_eq!(scan(AWS.as_bytes().get(..length).unwrap()), None);
    }
}

#[test]
fn an_element_below_the_root_is_found_whatever_the_root_is_called() {
    let id = |answer: &str| text_below_root(answer.as_bytes(), "UploadId");
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    for (root, attributes) in [
        ("InitiateMultipartUpload", ""),
        ("InitiateMultipartUploadResult", " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""),
    ] {
        let answer = format!(
            "{head}<{root}{attributes}>\n  <Bucket>b</Bucket>\n  <Key>a/&lt;UploadId></Key>\n  \
             <UploadId>1&amp;2</UploadId>\n</{root}>\n"
        );
        assert_eq!(id(&answer).as_deref(), Some("1&2"), "{answer}");
    }
    for answer in [
        "",
        "<html>Please accept the terms</html>",
        "<html><body><UploadId>1</UploadId></body></html>",
        "<a><UploadId></UploadId></a>",
        "<a><UploadId/></a>",
        "<a><UploadId>1</UploadId>",
        "<a><UploadId>1</UploadId></b>",
        "<a/>",
        "<Error><Code>NoSuchUpload</Code><UploadId>1</UploadId></Error>",
    ] {
        assert_eq!(id(answer), None, "{answer}");
    }
}
