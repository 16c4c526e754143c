# SPDX-License-Identifier: MIT
# limit: 1200 s
"""Our presigned URLs and our HTTP client against MinIO: an S3 server that we did not write must take exactly the form that
headgate-cloud gives and headgate sends. MinIO is built once from the Go proxy (tests/lib/peers.py), else skipped by name."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import peers  # noqa: E402
from headgate_test import Skip, main  # noqa: E402
from s3 import Signer, change_signature, curl, encode_key, put_headers, sha256_of  # noqa: E402

DATA = b"sixteen channels" * 5000
OTHER = bytes(reversed(DATA))
KEY = "20260821_101500/eeg-lab-2/signals.edf"
NAMES = ["with space.txt", "plus+and&=?#%.bin", "über/日本/ein ordner/ø.csv", "~tilde'(1)!*.dat", "-dash", "_headgate/2/manifest.json"]

try:  # before the tests begin: a build takes longer than a test may
    BINARY, WHY = peers.program(peers.MINIO), None
except Skip as why:
    BINARY, WHY = None, why


def minio(place):
    """A server with an empty bucket, made by a presigned URL too."""
    if WHY:
        raise Skip(f"MinIO: {WHY}")
    server = peers.Minio(place, BINARY)
    signer = Signer(place, server.url, server.access_key, server.secret_key)
    got = curl(place, "PUT", signer.sign("PUT", "/headgate-raw"))
    assert got.status == 200, got
    return signer


def put_url(signer, key=KEY, data=DATA, **more):
    headers = put_headers(data)
    return signer.sign("PUT", f"/headgate-raw/{encode_key(key)}", headers, **more), headers


def test_put_by_curl(place):
    signer = minio(place)
    url, headers = put_url(signer)
    got = curl(place, "PUT", url, headers, DATA)
    assert got.status == 200 and got.headers["x-amz-checksum-sha256"] == sha256_of(DATA), got
    got = curl(place, "PUT", url, headers, DATA)
    assert (got.status, got.word) == (412, "PreconditionFailed"), got
    path = f"/headgate-raw/{KEY}"
    got = curl(place, "GET", signer.sign("GET", path))
    assert (got.status, got.body) == (200, DATA), got
    mode = {"x-amz-checksum-mode": "ENABLED"}
    got = curl(place, "HEAD", signer.sign("HEAD", path, mode), mode)
    assert got.status == 200 and got.headers["x-amz-checksum-sha256"] == sha256_of(DATA), got


def test_put_by_our_client(place):
    signer = minio(place)
    url, headers = put_url(signer)
    answer = signer.send("PUT", url, OTHER, headers)
    assert (answer["status"], answer["code"], answer["retry"]) == (400, "checksum", "once"), answer
    answer = signer.send("PUT", url, DATA, headers)
    assert (answer["status"], answer["code"], answer["sent"]) == (200, "none", len(DATA)), answer
    assert answer["x-amz-checksum-sha256"] == sha256_of(DATA), answer
    answer = signer.send("PUT", url, DATA, headers)
    assert (answer["status"], answer["code"], answer["retry"]) == (412, "exists", "compare"), answer
    answer = signer.send("GET", signer.sign("GET", f"/headgate-raw/{KEY}.gone"))
    assert (answer["status"], answer["code"], answer["word"]) == (404, "not_found", "NoSuchKey"), answer
    answer = signer.send("PUT", url.replace("/headgate-raw/", "/no-such-bucket/"), DATA, headers)
    assert (answer["status"], answer["code"]) == (403, "denied"), answer


def test_what_is_refused(place):
    signer = minio(place)
    url, headers = put_url(signer)
    for name in headers:
        if name == "content-length":
            continue  # curl does not send a body without it
        got = curl(place, "PUT", url, {k: v for k, v in headers.items() if k != name}, DATA)
        assert got.status in (400, 403), (name, got)
    got = curl(place, "PUT", url, {**headers, "x-amz-checksum-sha256": sha256_of(OTHER)}, OTHER)
    assert (got.status, got.word) == (403, "SignatureDoesNotMatch"), got
    got = curl(place, "PUT", url, {**headers, "content-length": str(len(DATA) - 1)}, DATA[:-1])
    assert (got.status, got.word) == (403, "SignatureDoesNotMatch"), got
    got = curl(place, "PUT", change_signature(url), headers, DATA)
    assert (got.status, got.word) == (403, "SignatureDoesNotMatch"), got
    got = curl(place, "PUT", url, headers, OTHER)
    assert got.status == 400, got
    got = curl(place, "GET", signer.sign("GET", f"/headgate-raw/{KEY}"))
    assert (got.status, got.word) == (404, "NoSuchKey"), got  # nothing of all that was stored


def test_clock(place):
    signer = minio(place)
    url, headers = put_url(signer, expires_s=60, age_s=120)
    answer = signer.send("PUT", url, DATA, headers)
    assert (answer["status"], answer["code"], answer["retry"]) == (403, "url_expired", "presign"), answer
    url, headers = put_url(signer, age_s=-3600)
    answer = signer.send("PUT", url, DATA, headers)
    assert answer["status"] == 403, answer


def test_every_kind_of_name(place):
    signer = minio(place)
    for name in NAMES:
        data = name.encode()
        url, headers = put_url(signer, name, data)
        answer = signer.send("PUT", url, data, headers)
        assert answer["status"] == 200, (name, answer)
        got = curl(place, "GET", signer.sign("GET", f"/headgate-raw/{encode_key(name)}"))
        assert (got.status, got.body) == (200, data), (name, got)
        query = "list-type=2&prefix=" + encode_key(name).replace("/", "%2F")
        got = curl(place, "GET", signer.sign("GET", f"/headgate-raw?{query}"))
        assert got.status == 200 and b"<KeyCount>1</KeyCount>" in got.body, (name, got)


def test_our_upload_as_headgate_sends_it(place):
    """Empty, small, and larger than the socket's buffers."""
    signer = minio(place)
    for size in (0, 1, 262144, 20_000_000):
        data = (DATA * (size // len(DATA) + 1))[:size]
        url, headers = put_url(signer, f"size-{size}", data)
        answer = signer.send("PUT", url, data, headers)
        assert (answer["status"], answer["x-amz-checksum-sha256"], answer["sent"]) == (200, sha256_of(data), size), answer


main()
