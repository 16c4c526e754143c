# SPDX-License-Identifier: MIT
"""The presigned URLs of headgate-cloud, used by curl(1): what a client that is not ours may do with them, and what not."""
import sqlite3
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import main  # noqa: E402
import s3_sign  # noqa: E402
from s3 import Signer, change_signature, curl, encode_key, put_headers, sha256_of  # noqa: E402

SESSION, STATION = "20260821_101500", "eeg-lab-2"
DATA = b"sixteen channels" * 400
NAMES = ["signals.edf", "with space.txt", "plus+and&=?#%.bin", "über/日本/ein ordner/ø.csv", "a/b", "~tilde'(1)!*.dat", "-dash"]


def presign(cloud, files, session=SESSION, revision=1):
    """The answers of /v1/presign for {name: bytes}, by name."""
    token = cloud.token(cloud.key(STATION))
    asked = [{"name": name, "size": len(data), "sha256": sha256_of(data)} for name, data in files.items()]
    got = cloud.call("POST", "/v1/presign", {"session": session, "revision": revision, "files": asked}, token)["files"]
    assert [file["name"] for file in got] == list(files), got
    return {file["name"]: file for file in got}


def put_url(cloud, name="signals.edf", data=DATA):
    answer = presign(cloud, {name: data})[name]
    return answer["put"]["url"], answer["put"]["headers"]


def signer_of(place, cloud):
    """The cloud's own signing key, out of its catalog: for what its API gives no URL of yet."""
    url, _ = put_url(cloud, "for-the-access-key")
    access_key = url.split("X-Amz-Credential=")[1].split("%2F")[0]
    with sqlite3.connect(f"file:{cloud.data}/catalog.db?mode=ro", uri=True) as catalog:
        secret = catalog.execute("SELECT value FROM setting WHERE name = 'secret.url_key'").fetchone()[0]
    return Signer(place, cloud.url, access_key, secret)


def test_put_get_head(place):
    cloud = place.cloud()
    url, headers = put_url(cloud)
    assert set(headers) == {"content-length", "if-none-match", "x-amz-checksum-sha256"}, headers
    assert "X-Amz-SignedHeaders=content-length%3Bhost%3Bif-none-match%3Bx-amz-checksum-sha256" in url, url
    got = curl(place, "PUT", url, headers, DATA)
    assert got.status == 200 and got.headers["x-amz-checksum-sha256"] == sha256_of(DATA), got
    key = f"{SESSION}/{STATION}/signals.edf"
    assert cloud.object(key) == DATA

    signer = signer_of(place, cloud)
    path = f"/{url.split('/')[3]}/{encode_key(key)}"
    got = curl(place, "GET", signer.sign("GET", path))
    assert (got.status, got.body) == (200, DATA), got
    got = curl(place, "HEAD", signer.sign("HEAD", path, {"x-amz-checksum-mode": "ENABLED"}), {"x-amz-checksum-mode": "ENABLED"})
    assert got.status == 200 and int(got.headers["content-length"]) == len(DATA), got
    assert got.headers["x-amz-checksum-sha256"] == sha256_of(DATA), got
    got = curl(place, "GET", signer.sign("GET", path, {"range": "bytes=5-9"}), {"range": "bytes=5-9"})
    assert (got.status, got.body, got.headers["content-range"]) == (206, DATA[5:10], f"bytes 5-9/{len(DATA)}"), got
    got = curl(place, "GET", signer.sign("GET", path + ".gone"))
    assert (got.status, got.word) == (404, "NoSuchKey"), got
    got = curl(place, "HEAD", signer.sign("HEAD", path + ".gone"))
    assert (got.status, got.body) == (404, b""), got


def test_every_kind_of_name(place):
    cloud = place.cloud()
    files = {name: name.encode() * 3 for name in NAMES}
    signer = signer_of(place, cloud)
    for name, answer in presign(cloud, files).items():
        got = curl(place, "PUT", answer["put"]["url"], answer["put"]["headers"], files[name])
        assert got.status == 200, (name, got)
        assert cloud.object(answer["key"]) == files[name], name
        got = curl(place, "GET", signer.sign("GET", f"/{answer['bucket']}/{encode_key(answer['key'])}"))
        assert (got.status, got.body) == (200, files[name]), (name, got)


def test_second_put_is_refused(place):
    cloud = place.cloud()
    url, headers = put_url(cloud)
    assert curl(place, "PUT", url, headers, DATA).status == 200
    got = curl(place, "PUT", url, headers, DATA)
    assert (got.status, got.word) == (412, "PreconditionFailed"), got
    assert "exists" in presign(cloud, {"signals.edf": DATA})["signals.edf"]
    assert cloud.object(f"{SESSION}/{STATION}/signals.edf") == DATA


def test_other_bytes_are_refused(place):
    cloud = place.cloud()
    url, headers = put_url(cloud)
    other = bytes(reversed(DATA))
    got = curl(place, "PUT", url, headers, other)
    assert got.status == 400 and got.word in ("BadDigest", "XAmzContentChecksumMismatch"), got
    assert cloud.object_count() == 0
    got = curl(place, "PUT", url, {**headers, "x-amz-checksum-sha256": sha256_of(other)}, other)
    assert (got.status, got.word) == (403, "SignatureDoesNotMatch"), got
    got = curl(place, "PUT", url, {**headers, "content-length": str(len(DATA) - 1)}, DATA[:-1])
    assert (got.status, got.word) == (403, "SignatureDoesNotMatch"), got
    assert curl(place, "PUT", url, headers, DATA).status == 200  # nothing of it stood in the way


def test_signature_and_url_are_of_one_request(place):
    cloud = place.cloud()
    url, headers = put_url(cloud)
    for what, changed in {"signature": change_signature(url), "key": url.replace("signals.edf", "signals.edg"),
                          "expiry": url.replace("X-Amz-Expires=900", "X-Amz-Expires=901"),
                          "query": url.replace("?", "?x-id=PutObject&"),
                          "access key": url.replace("X-Amz-Credential=HG", "X-Amz-Credential=HX"),
                          "host": url.replace("127.0.0.1", "localhost")}.items():
        assert changed != url, what
        got = curl(place, "PUT", changed, headers, DATA)
        assert got.status == 403 and got.word in ("SignatureDoesNotMatch", "InvalidAccessKeyId"), (what, got)
    no_body = {name: value for name, value in headers.items() if name != "content-length"}
    for method in ("GET", "HEAD"):
        assert curl(place, method, url, no_body).status == 403, method
    got = curl(place, "DELETE", url, no_body)
    assert 400 <= got.status < 500, got
    assert curl(place, "PUT", url.split("?")[0], headers, DATA).status == 403
    assert cloud.object_count() == 0


def test_missing_and_added_headers(place):
    cloud = place.cloud()
    url, headers = put_url(cloud)
    for name in ("if-none-match", "x-amz-checksum-sha256"):
        got = curl(place, "PUT", url, {k: v for k, v in headers.items() if k != name}, DATA)
        assert got.status in (400, 403), (name, got)
    got = curl(place, "PUT", url, {**headers, "x-amz-acl": "public-read"}, DATA)
    assert (got.status, got.word) == (403, "AccessDenied"), got
    got = curl(place, "PUT", url, {**headers, "if-none-match": '"etag"'}, DATA)
    assert got.status in (400, 403, 501), got
    got = curl(place, "PUT", url, {**headers, "content-length": None, "transfer-encoding": "chunked"}, DATA)
    assert 400 <= got.status < 500, got
    assert cloud.object_count() == 0
    # What a client adds of its own and S3 does not look at is no harm.
    assert curl(place, "PUT", url, {**headers, "content-type": "text/plain", "accept-language": "de"}, DATA).status == 200


def test_a_url_that_leaves_a_header_open_is_refused(place):
    """Signed with the cloud's own key, so that nothing but the missing cover can be the reason."""
    cloud = place.cloud()
    answer = presign(cloud, {"signals.edf": DATA})["signals.edf"]
    headers = answer["put"]["headers"]
    for name in headers:
        covered = {k: v for k, v in headers.items() if k != name}
        url = s3_sign.presign(cloud, "PUT", answer["bucket"], answer["key"], covered)
        got = curl(place, "PUT", url, headers, DATA)
        assert (got.status, got.word) == (403, "AccessDenied"), (name, got)
        if name != "content-length":  # neither signed nor sent
            got = curl(place, "PUT", url, covered, DATA)
            assert (got.status, got.word) == (400, "InvalidRequest"), (name, got)
    assert cloud.object_count() == 0
    url = s3_sign.presign(cloud, "PUT", answer["bucket"], answer["key"], headers)
    assert curl(place, "PUT", url, headers, DATA).status == 200


def test_expired(place):
    cloud = place.cloud("--url-time", "1s")
    url, headers = put_url(cloud)
    time.sleep(2.1)  # the end of the URL's second and a whole one more: its clock has no finer ticks
    got = curl(place, "PUT", url, headers, DATA)
    assert (got.status, got.word) == (403, "AccessDenied") and b"expired" in got.body, got
    signer = signer_of(place, cloud)
    answer = signer.send("PUT", url, DATA, headers)
    assert (answer["code"], answer["retry"]) == ("url_expired", "presign"), answer
    got = curl(place, "GET", signer.sign("GET", "/b/k", age_s=-3600))  # a clock an hour ahead
    assert (got.status, got.word) == (403, "RequestTimeTooSkewed"), got
    assert cloud.object_count() == 0


def test_our_own_client(place):
    """The same answers through base/http and the classification table."""
    cloud = place.cloud()
    url, headers = put_url(cloud)
    signer = signer_of(place, cloud)
    other = bytes(reversed(DATA))
    answer = signer.send("PUT", url, other, headers)
    assert (answer["code"], answer["retry"]) == ("checksum", "once"), answer
    answer = signer.send("PUT", change_signature(url), DATA, headers)
    assert answer["code"] == "denied", answer
    answer = signer.send("PUT", url, DATA, headers)
    assert (answer["status"], answer["code"], answer["x-amz-checksum-sha256"]) == (200, "none", sha256_of(DATA)), answer
    answer = signer.send("PUT", url, DATA, headers)
    assert (answer["code"], answer["retry"], answer["word"]) == ("exists", "compare", "PreconditionFailed"), answer


main()
