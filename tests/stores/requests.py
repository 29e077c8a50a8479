"""One list of raw, signed S3 requests, and what a store answers to each, in a few words.

The same list is put to a real store and to the profile of the test server that bears its name: where
they differ, the tests that run against the profile prove nothing about the store.

    python3 tests/stores/requests.py        prints the answers of the store in the AWS_… variables
"""

import base64
import datetime
import hashlib
import hmac
import http.client
import os
import re
import urllib.parse
import xml.etree.ElementTree
import zlib

BUCKET = "lsync-requests"
WRONG = "0123456789abcdef0123456789abcdef"
ODD_NAMES = ["a b", "a+b", "a%2Fb", "a&b<c>", "\u00e9t\u00e9", "~", "a\\b", "a:b", "(a)*'!", "\u65e5"]

# What a profile leaves out on purpose: the name of the request, and why. A difference that is gone
# is a failure, too.
DOCUMENTED = {
    "moto": {
        "HEAD If-Match right unquoted": "412 in moto; lsync sends no condition with HEAD",
        "PUT Content-MD5 bad": "not looked at in moto; lsync sends none",
        "Complete again, key another": "moto breaks down, without an error document",
        "Complete, upload aborted": "moto breaks down, without an error document",
        "Upload a part, upload aborted": "moto breaks down, without an error document",
        "Copy a part, source missing": "moto says no more than 404",
        "Copy a part, upload aborted": "moto breaks down, without an error document",
    },
    "ceph": {
        "GET a version that never was": "NoSuchKey in Ceph; lsync looks at the status alone",
        "Copy a part, % in the source": "Ceph decodes it twice and finds nothing; lsync sends the file",
    },
    "ministack": {
        "Complete again, key as completed": "200 in MiniStack; lsync looks what is there",
        "Complete again, key another": "200 in MiniStack; lsync looks what is there",
        "odd names listed {'encoding-type': 'url'}": "another spelling of the same names",
    },
    "seaweedfs": {
        "DELETE If-Match quoted, key missing": "412 in SeaweedFS; either is no deletion",
        "DELETE If-Match unquoted, key missing": "412 in SeaweedFS; either is no deletion",
        "Complete again, key another": "404 in SeaweedFS; lsync looks what is there",
        "Complete, upload aborted": "404 in SeaweedFS; lsync looks what is there",
        "Abort, upload aborted": "204 in SeaweedFS; lsync minds no answer to it",
        "Copy a part If-Match right quoted": "another ETag than the MD5; lsync takes what is named",
        "Copy a part If-Match right unquoted": "another ETag than the MD5; lsync takes what is named",
    },
    "swift": {
        "DELETE If-Match quoted, key missing": "204 in Swift; lsync looks before each deletion there",
        "DELETE If-Match unquoted, key missing": "204 in Swift; lsync looks before each deletion there",
        "DELETE many, each with an ETag quoted": "the request as a whole fails in Swift",
        "DELETE many, each with an ETag unquoted": "the request as a whole fails in Swift",
        "Complete If-None-Match *, key there": "412 with a code of its own in Swift",
        "GET a version that never was": "NoSuchKey in Swift; lsync looks at the status alone",
        "Complete If-Match quoted, key missing": "412 in Swift, where no ETag matches; lsync sends none",
        "Complete If-Match unquoted, key missing": "412 in Swift, where no ETag matches; lsync sends none",
        "Complete again, key another": "404 in Swift; lsync looks what is there",
        "Complete, upload aborted": "404 in Swift; lsync looks what is there",
        "PUT with a trailer": "another refusal in Swift",
    },
}


class Store:
    """A store that is asked without any library in between."""

    def __init__(self, variables):
        self.host = variables["AWS_ENDPOINT_URL"].removeprefix("http://").rstrip("/")
        self.region = variables["AWS_REGION"]
        self.access, self.secret = (
            variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])

    def ask(self, method, key=None, query=None, headers=None, body=b""):
        """Sends a request to the bucket or to a key in it; returns status, headers and body."""
        path = f"/{BUCKET}" + ("" if key is None else "/" + urllib.parse.quote(key, safe="/~"))
        pairs = sorted((query or {}).items())
        line = "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)
        headers = {name.lower(): value for name, value in (headers or {}).items()}
        headers.setdefault("x-amz-content-sha256", hashlib.sha256(body).hexdigest())
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        headers |= {"host": self.host, "x-amz-date": now}
        headers["authorization"] = self.sign(method, path, line, headers, now)
        connection = http.client.HTTPConnection(self.host, timeout=60)
        try:
            connection.request(method, f"{path}?{line}" if line else path, body, headers)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read()
        finally:
            connection.close()

    def sign(self, method, path, line, headers, now):
        """Signs with version 4 (AWS general reference, "Signature Version 4")."""
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
        request = "\n".join([method, path, line, lines, names, headers["x-amz-content-sha256"]])
        scope = f"{now[:8]}/{self.region}/s3/aws4_request"
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{digest}"
        key = f"AWS4{self.secret}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        credential = f"Credential={self.access}/{scope}"
        return f"AWS4-HMAC-SHA256 {credential},SignedHeaders={names},Signature={signature}"


def quote(text):
    return urllib.parse.quote(text, safe="~")


class List:
    """Puts the list to a store."""

    def __init__(self, store):
        self.store, self.answers = store, {}

    def ask(self, name, *request, facts=lambda headers, body: [], **more):
        """Asks, and keeps status, error code and facts under `name`."""
        status, headers, body = self.store.ask(*request, **more)
        code = re.search(rb"<Code>(.*?)</Code>", body) if status >= 300 else None
        words = [str(status)] + ([code[1].decode()] if code else [])
        words += facts(headers, body) if status < 300 else []
        self.answers[name] = " ".join(words)
        return status, headers, body

    def fact(self, name, value):
        self.answers[name] = str(value)

    def put(self, key, body=b"x", headers=None):
        """Stores an object that later requests are about; returns its ETag, without quotes."""
        status, found, text = self.store.ask("PUT", key, headers=headers, body=body)
        assert status == 200, f"PUT {key}: {status} {text}"
        return found["etag"].strip('"')

    def there(self, key):
        """Returns what lies under a key, in a word."""
        status, _, body = self.store.ask("GET", key)
        return body.decode() if status == 200 else f"nothing ({status})"

    def run(self):
        self.store.ask("PUT")
        self.writes()
        self.reads()
        self.deletions()
        self.uploads()
        self.copies()
        self.checksums()
        self.names()
        self.pages()
        self.versions()
        return self.answers

    def writes(self):
        shown = lambda headers, body: [
            "quoted" if headers.get("etag", "").startswith('"') else "unquoted",
            "md5" if headers["etag"].strip('"') == hashlib.md5(b"1").hexdigest() else "no md5",
            "version" if "x-amz-version-id" in headers else "no version"]
        self.ask("PUT", "PUT", "w", body=b"1", facts=shown)
        for label, key in (("there", "w"), ("missing", "w-missing")):
            for spelling, mark in (("quoted", '"'), ("unquoted", "")):
                for which in ("right", "wrong"):
                    if label == "missing":
                        self.store.ask("DELETE", key)
                        right = WRONG
                    else:
                        right = self.put(key, b"before")
                    etag = right if which == "right" else WRONG[::-1]
                    name = f"PUT If-Match {which} {spelling}, key {label}"
                    headers = {"if-match": f"{mark}{etag}{mark}"}
                    self.ask(name, "PUT", key, headers=headers, body=b"after")
                    self.fact(f"{name}: then", self.there(key))
            self.ask(f"PUT If-None-Match *, key {label}", "PUT", key,
                     headers={"if-none-match": "*"}, body=b"created")
        self.store.ask("DELETE", "w-new")
        self.ask("PUT If-None-Match *, no key", "PUT", "w-new", headers={"if-none-match": "*"})
        self.ask("PUT If-None-Match *, key there again", "PUT", "w-new",
                 headers={"if-none-match": "*"}, body=b"again")
        self.fact("PUT If-None-Match *, key there again: then", self.there("w-new"))

    def reads(self):
        etag = self.put("r", b"0123456789", {"x-amz-meta-mtime": "1731234567.123456789"})
        shown = lambda headers, body: [
            headers.get("x-amz-meta-mtime", "no mtime"), headers.get("content-length", "no length"),
            "encrypted" if "x-amz-server-side-encryption-aws-kms-key-id" in headers else "plain",
            "version" if headers.get("x-amz-version-id", "null") != "null" else "no version"]
        for method in ("GET", "HEAD"):
            self.ask(f"{method}", method, "r", facts=shown)
            self.ask(f"{method}, key missing", method, "r-missing")
            for spelling, mark in (("quoted", '"'), ("unquoted", "")):
                for which, name in (("right", etag), ("wrong", WRONG)):
                    headers = {"if-match": f"{mark}{name}{mark}"}
                    self.ask(f"{method} If-Match {which} {spelling}", method, "r", headers=headers)
            self.ask(f"{method} If-Match, key missing", method, "r-missing",
                     headers={"if-match": f'"{WRONG}"'})
        ranged = lambda headers, body: [headers.get("content-range", ""), body.decode()]
        self.ask("GET a range", "GET", "r", headers={"range": "bytes=2-4"}, facts=ranged)
        self.ask("GET a range beyond the end", "GET", "r", headers={"range": "bytes=20-24"})
        self.ask("GET a range and If-Match right", "GET", "r", facts=ranged,
                 headers={"range": "bytes=2-4", "if-match": f'"{etag}"'})

    def deletions(self):
        self.ask("DELETE, key missing", "DELETE", "d-missing")
        for spelling, mark in (("quoted", '"'), ("unquoted", "")):
            self.ask(f"DELETE If-Match {spelling}, key missing", "DELETE", "d-missing",
                     headers={"if-match": f"{mark}{WRONG}{mark}"})
            for which in ("wrong", "right"):
                etag = self.put("d", b"there")
                name = f"DELETE If-Match {which} {spelling}"
                etag = etag if which == "right" else WRONG
                self.ask(name, "DELETE", "d", headers={"if-match": f"{mark}{etag}{mark}"})
                self.fact(f"{name}: then", self.there("d"))
        self.put("d")
        self.ask("DELETE", "DELETE", "d")
        for spelling, mark in (("quoted", "&quot;"), ("unquoted", "")):
            etags = {key: self.put(key, key.encode()) for key in ("d-right", "d-wrong")}
            etags |= {"d-wrong": WRONG, "d-missing": WRONG}
            self.delete_many(f"DELETE many, each with an ETag {spelling}", {
                key: f"<ETag>{mark}{etag}{mark}</ETag>" for key, etag in etags.items()})
        self.put("d-plain")
        self.delete_many("DELETE many", {"d-plain": "", "d-missing": ""})

    def delete_many(self, name, keys):
        """Deletes keys with one request; `keys` tells what else stands beside each."""
        objects = "".join(f"<Object><Key>{key}</Key>{more}</Object>" for key, more in keys.items())
        body = f"<Delete>{objects}</Delete>".encode()
        md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
        def verdicts(_, answer):
            root = xml.etree.ElementTree.fromstring(answer)
            field = lambda item, name: next((
                field.text for field in item if field.tag.endswith(name)), "")
            items = [(field(item, "Key"), re.sub("{.*}", "", item.tag), field(item, "Code"))
                     for item in root]
            return [" ".join(words).strip() for words in sorted(items)]
        self.ask(name, "POST", None, {"delete": ""}, {"content-md5": md5}, body, facts=verdicts)
        for key in keys:
            self.fact(f"{name}: {key} then", self.there(key))

    def begin(self, key, body):
        """Begins an upload and stores one part; returns its id and the body of a Complete."""
        _, _, text = self.store.ask("POST", key, {"uploads": ""})
        upload = re.search(rb"<UploadId>(.*?)</UploadId>", text)[1].decode()
        query = {"partNumber": "1", "uploadId": upload}
        _, headers, _ = self.store.ask("PUT", key, query, body=body)
        part = f"<Part><PartNumber>1</PartNumber><ETag>{headers['etag']}</ETag></Part>"
        return upload, f"<CompleteMultipartUpload>{part}</CompleteMultipartUpload>".encode()

    def complete(self, name, key, headers=None):
        upload, parts = self.begin(key, b"parts")
        md5 = hashlib.md5(hashlib.md5(b"parts").digest()).hexdigest()

        def shown(_, body):
            etag = re.search(rb"<ETag>(?:&quot;|&#34;|\")?(.*?)(?:&quot;|&#34;|\")?</ETag>", body)
            etag = etag[1].decode() if etag else ""
            return ["md5 of md5s" if etag == f"{md5}-1" else "no ETag" if not etag else "other ETag"]

        self.ask(name, "POST", key, {"uploadId": upload}, headers=headers, body=parts, facts=shown)
        self.fact(f"{name}: then", self.there(key))
        self.store.ask("DELETE", key, {"uploadId": upload})

    def uploads(self):
        self.complete("Complete", "u")
        _, headers, _ = self.store.ask("HEAD", "u")
        self.fact("Complete: ETag of HEAD", headers["etag"])
        self.complete("Complete If-None-Match *, key missing", "u-new", {"if-none-match": "*"})
        self.put("u", b"before")
        self.complete("Complete If-None-Match *, key there", "u", {"if-none-match": "*"})
        for spelling, mark in (("quoted", '"'), ("unquoted", "")):
            for which in ("wrong", "right"):
                etag = self.put("u", b"before")
                etag = etag if which == "right" else WRONG
                self.complete(f"Complete If-Match {which} {spelling}", "u",
                              {"if-match": f"{mark}{etag}{mark}"})
            self.store.ask("DELETE", "u-missing")
            self.complete(f"Complete If-Match {spelling}, key missing", "u-missing",
                          {"if-match": f"{mark}{WRONG}{mark}"})
        upload, parts = self.begin("u", b"parts")
        self.store.ask("POST", "u", {"uploadId": upload}, body=parts)
        self.ask("Complete again, key as completed", "POST", "u", {"uploadId": upload}, body=parts)
        self.put("u", b"another")
        self.ask("Complete again, key another", "POST", "u", {"uploadId": upload}, body=parts)
        self.fact("Complete again, key another: then", self.there("u"))
        upload, parts = self.begin("u", b"parts")
        self.ask("Abort", "DELETE", "u", {"uploadId": upload})
        self.ask("Complete, upload aborted", "POST", "u", {"uploadId": upload}, body=parts)
        self.ask("Abort, upload aborted", "DELETE", "u", {"uploadId": upload})
        self.ask("Upload a part, upload aborted", "PUT", "u",
                 {"partNumber": "1", "uploadId": upload}, body=b"part")

    def copies(self):
        etag = self.put("c/\u00e9 +", b"0123456789")
        source = urllib.parse.quote(f"{BUCKET}/c/\u00e9 +", safe="/~")
        upload, _ = self.begin("copy", b"part")
        query = {"partNumber": "2", "uploadId": upload}
        copied = hashlib.md5(b"2345").hexdigest().encode()
        shown = lambda _, body: ["md5 of the range" if copied in body else "another ETag"]
        for which, expected in (("right", etag), ("wrong", WRONG)):
            for spelling, mark in (("quoted", '"'), ("unquoted", "")):
                headers = {"x-amz-copy-source": source, "x-amz-copy-source-range": "bytes=2-5",
                           "x-amz-copy-source-if-match": f"{mark}{expected}{mark}"}
                self.ask(f"Copy a part If-Match {which} {spelling}", "PUT", "copy", query,
                         headers=headers, facts=shown)
        headers = {"x-amz-copy-source": f"{BUCKET}/c-missing", "x-amz-copy-source-range": "bytes=2-5"}
        self.ask("Copy a part, source missing", "PUT", "copy", query, headers=headers)
        self.put("c/a%2Fb", b"0123456789")
        headers["x-amz-copy-source"] = f"{BUCKET}/c/a%252Fb"
        self.ask("Copy a part, % in the source", "PUT", "copy", query, headers=headers)
        self.store.ask("DELETE", "copy", {"uploadId": upload})
        headers = {"x-amz-copy-source": source, "x-amz-copy-source-range": "bytes=2-5"}
        self.ask("Copy a part, upload aborted", "PUT", "copy", query, headers=headers)

    def checksums(self):
        crc32 = lambda body: base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
        # CRC-64/NVME of "123456789" (the catalogue's check value).
        body, crc64 = b"123456789", "rosUhgp5mIg="
        back = lambda headers, _: [headers.get("x-amz-checksum-crc64nvme", "none given back")]
        for name, header, right in (("crc64nvme", "x-amz-checksum-crc64nvme", crc64),
                                    ("crc32", "x-amz-checksum-crc32", crc32(body))):
            wrong = base64.b64encode(b"\0" * len(base64.b64decode(right))).decode()
            self.ask(f"PUT {name} good", "PUT", "c", headers={header: right}, body=body)
            if name == "crc64nvme":
                self.ask("HEAD with checksum", "HEAD", "c", facts=back,
                         headers={"x-amz-checksum-mode": "ENABLED"})
                self.ask("GET with checksum", "GET", "c", facts=back,
                         headers={"x-amz-checksum-mode": "ENABLED"})
            self.ask(f"PUT {name} bad", "PUT", "c", headers={header: wrong}, body=body)
        md5 = base64.b64encode(hashlib.md5(b"other").digest()).decode()
        self.ask("PUT Content-MD5 bad", "PUT", "c", headers={"content-md5": md5}, body=body)
        trailer = (b"9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:" + crc32(body).encode()
                   + b"\r\n\r\n")
        self.ask("PUT with a trailer", "PUT", "c-trailer", body=trailer, headers={
            "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "x-amz-trailer": "x-amz-checksum-crc32", "content-encoding": "aws-chunked",
            "x-amz-decoded-content-length": str(len(body))})
        self.fact("PUT with a trailer: then", self.there("c-trailer"))

    def names(self):
        for key in ("n/a", "n/a/b", "n/a/b/c"):
            self.ask(f"PUT {key}", "PUT", key, body=key.encode())
        self.fact("a file beside a folder", [self.there(key) for key in ("n/a", "n/a/b")])
        self.ask("PUT a key that ends in /", "PUT", "n/folder/")
        for name in ODD_NAMES:
            self.put(f"odd/{name}", name.encode())
        self.fact("odd names", all(self.there(f"odd/{name}") == name for name in ODD_NAMES))
        for encoding in ({}, {"encoding-type": "url"}):
            _, _, body = self.store.ask("GET", None, {"list-type": "2", "prefix": "odd/", **encoding})
            tree = xml.etree.ElementTree.fromstring(body)
            keys = [element.text for element in tree.iterfind(".//{*}Contents/{*}Key")]
            self.fact(f"odd names listed {encoding}", keys)

    def pages(self):
        for number in range(5):
            self.put(f"p/{number}", b"p")
        token, pages = {}, []
        while True:
            query = {"list-type": "2", "prefix": "p/", "max-keys": "2", **token}
            _, _, body = self.store.ask("GET", None, query)
            tree = xml.etree.ElementTree.fromstring(body)
            text = lambda name: (tree.findtext(f"{{*}}{name}") or "").strip()
            etags = [element.text for element in tree.iterfind(".//{*}Contents/{*}ETag")]
            keys = [element.text for element in tree.iterfind(".//{*}Contents/{*}Key")]
            pages.append([keys, text("IsTruncated"), [etag[:1] == '"' for etag in etags]])
            if text("IsTruncated") != "true" or len(pages) > 5:
                break
            token = {"continuation-token": text("NextContinuationToken")}
        self.fact("pages", pages)
        for name, query in (("start-after", {"start-after": "p/2"}), ("delimiter", {
                "prefix": "", "delimiter": "/"})):
            _, _, body = self.store.ask("GET", None, {"list-type": "2", "prefix": "p/", **query})
            tree = xml.etree.ElementTree.fromstring(body)
            wanted = ".//{*}CommonPrefixes/{*}Prefix" if name == "delimiter" else ".//{*}Key"
            self.fact(f"LIST {name}", [element.text for element in tree.iterfind(wanted)])
        self.ask("LIST nothing", "GET", None, {"list-type": "2", "max-keys": "0"})

    def versions(self):
        state = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        status, _, _ = self.ask("keep versions", "PUT", None, {"versioning": ""}, body=state)
        if status != 200:
            return
        status, first, _ = self.store.ask("PUT", "v", body=b"1")
        self.ask("PUT If-None-Match * over a first version", "PUT", "v", body=b"2",
                 headers={"if-none-match": "*"})
        self.store.ask("PUT", "v", body=b"3")
        old = first.get("x-amz-version-id", "")
        self.fact("a PUT names its version", bool(old))
        self.ask("GET an old version", "GET", "v", {"versionId": old},
                 facts=lambda headers, body: [body.decode()])
        self.ask("GET a version that never was", "GET", "v", {"versionId": old[::-1]})
        marked = lambda headers, _: ["marker" if "x-amz-delete-marker" in headers else "no marker"]
        self.ask("DELETE with versions", "DELETE", "v", facts=marked)
        self.ask("GET behind a marker", "GET", "v")
        self.ask("PUT If-None-Match * over a marker", "PUT", "v", headers={"if-none-match": "*"})
        self.ask("PUT If-None-Match * over one made over a marker", "PUT", "v", headers={"if-none-match": "*"})
        self.ask("PUT If-Match wrong over a version", "PUT", "v", headers={"if-match": WRONG})


def differences(store, real, ours):
    """Yields each request that the store and its profile answer differently, in words."""
    documented = DOCUMENTED.get(store, {})
    for name in {**real, **ours}:
        a, b = real.get(name), ours.get(name)
        if a != b and name not in documented:
            yield f"{name}: the store answers {a!r}, its profile {b!r}"
        if a == b and name in documented:
            yield f"{name}: no difference any more, though one is documented"


if __name__ == "__main__":
    for name, answer in List(Store(os.environ)).run().items():
        print(f"{name}: {answer}")
