# SPDX-License-Identifier: MIT
"""How the running server behaves: keys, tokens, scopes, limits, TLS, waiting, stopping, starting, and what its log says."""
import base64
import hashlib
import http.client
import json
import os
import platform
import re
import resource
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test
from headgate_test import HEADGATE_CLOUD, SOAK, Skip, clean_env, wait_for

SESSION = "20260814_101500"
FUTEX = {"x86_64": "202", "aarch64": "98"}.get(platform.machine())


def digest(content):
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def error_of(answer):
    """(status, code, message) of (status, headers, text); the request id stands in both places."""
    status, headers, text = answer
    error = json.loads(text)["error"]
    assert error["request_id"] == headers["x-request-id"], text
    return status, error["code"], error["message"]


def entry_of(cloud, token, name, content, session=SESSION):
    body = {"session": session, "revision": 1, "files": [{"name": name, "size": len(content), "sha256": digest(content)}]}
    return cloud.call("POST", "/v1/presign", body, token)["files"][0]


def connect(cloud):
    where = urllib.parse.urlsplit(cloud.url)
    return http.client.HTTPConnection(where.hostname, where.port, timeout=40)


def decide(cloud, token, session, station):
    """Sends a whole small session."""
    files = {"data.bin": b"d" * 1000, "metadata.txt": headgate_test.GOOD_METADATA.encode()}
    listed = []
    for name, content in files.items():
        entry = entry_of(cloud, token, name, content, session)
        listed.append({"name": name, "size": len(content), "mtime": "2026-08-14T10:15:00.000Z", "sha256": digest(content),
                       "bucket": entry["bucket"], "key": entry["key"]})
    manifest = json.dumps({"version": 1, "station": station, "session": session, "revision": 1, "software": "headgate/0.1.0",
                           "metadata": "metadata.txt", "files": listed}).encode()
    for name, content in {**files, "_headgate/1/manifest.json": manifest}.items():
        entry = entry_of(cloud, token, name, content, session)
        assert cloud.request("PUT", entry["put"]["url"], content, headers=entry["put"]["headers"])[0] == 200


def polls_of(cloud):
    """Connections whose handler waits for a change: in futex(2), where one without a request is in poll(2)."""
    return sum(1 for task in Path(f"/proc/{cloud.child.pid}/task").iterdir() if (task / "comm").read_text().startswith("hg-connection")
               and (task / "syscall").read_text().split()[0] == FUTEX)


def writes_of(cloud):
    """Objects that the server is writing now: open files of its store, which have no lasting name yet."""
    count = 0
    for path in Path(f"/proc/{cloud.child.pid}/fd").iterdir():
        try:
            count += str(path.readlink()).startswith(str(cloud.data / "objects")) and not path.is_dir()
        except OSError:
            pass  # closed meanwhile
    return count


# --- keys, tokens, scopes ---

def test_a_wrong_and_a_revoked_key_are_told_the_same(place):
    cloud = place.cloud("--rate", "0")
    key = cloud.key("lab-1")
    token = cloud.token(key)
    cloud.revoke(cloud.keys()[0]["id"])
    told = [error_of(cloud.request("POST", "/v1/authenticate", {"api_key": text}))
            for text in (key, "hg_nobody_000000000000000000000000000000000000", "", "x" * 3000)]
    assert len(set(told)) == 1 and told[0][:2] == (401, "key_refused"), told
    assert error_of(cloud.request("GET", "/v1/sessions", token=token))[:2] == (401, "key_revoked")

    def seconds(text):
        began = time.perf_counter()
        cloud.request("POST", "/v1/authenticate", {"api_key": text})
        return time.perf_counter() - began

    pairs = [(seconds(key), seconds("hg_nobody_000000000000000000000000000000000000")) for _ in range(40)]
    revoked, unknown = (statistics.median(column) for column in zip(*pairs))
    assert 0.5 < revoked / unknown < 2, f"a revoked key takes {revoked} s, an unknown one {unknown} s"


def test_a_token_ends_with_its_time(place):
    cloud = place.cloud("--token-time", "1s")
    answer = cloud.call("POST", "/v1/authenticate", {"api_key": cloud.key("lab-1")})
    assert answer["expires_in"] == 1 and cloud.request("GET", "/v1/sessions", token=answer["token"])[0] == 200
    ended = wait_for(lambda: (got := cloud.request("GET", "/v1/sessions", token=answer["token"]))[0] == 401 and got, 60, "a 401")
    assert error_of(ended)[1] == "token_expired" and ended[1]["www-authenticate"] == "Bearer"
    assert error_of(cloud.request("GET", "/v1/sessions", token=answer["token"] + "x"))[1] == "token_invalid"
    head, claims, mark = answer["token"].split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    for forged in (f"{none}.{claims}.", f"{none}.{claims}.{mark}", f"{head}.{claims}."):
        assert error_of(cloud.request("GET", "/v1/sessions", token=forged))[1] == "token_invalid", forged


def test_a_token_outlives_a_restart_but_not_its_key(place):
    cloud = place.cloud()
    token = cloud.token(cloud.key("lab-1"))
    cloud.stop()
    cloud.start()
    assert cloud.request("GET", "/v1/sessions", token=token)[0] == 200
    cloud.revoke(cloud.keys()[0]["id"])
    assert error_of(cloud.request("GET", "/v1/sessions", token=token))[1] == "key_revoked"


def test_urls_outlive_the_revocation_of_their_key(place):
    """As the documentation says: for the minutes they have."""
    cloud = place.cloud()
    token = cloud.token(cloud.key("lab-1"))
    entry = entry_of(cloud, token, "f", b"issued before")
    cloud.revoke(cloud.keys()[0]["id"])
    assert cloud.request("GET", "/v1/schema", token=token)[0] == 401
    assert cloud.request("PUT", entry["put"]["url"], b"issued before", headers=entry["put"]["headers"])[0] == 200


def test_a_station_has_nothing_of_anothers(place):
    cloud = place.cloud("--rate", "0")
    one, two, admin = (cloud.token(cloud.key(name, scope)) for name, scope in (("lab-1", None), ("lab-2", None), ("ops", "admin")))
    decide(cloud, one, SESSION, "lab-1")
    wait_for(lambda: cloud.call("GET", "/v1/changes", token=one)["changes"], 60, "the decision")
    for target in (f"/v1/sessions/{SESSION}", f"/v1/sessions/lab-1/{SESSION}"):
        assert cloud.request("GET", target, token=one)[0] == 200
        assert error_of(cloud.request("GET", target, token=two))[:2] == (404, "not_found")
    assert cloud.call("GET", "/v1/sessions", token=two)["sessions"] == []
    assert cloud.call("GET", "/v1/sessions?station=lab-1", token=two)["sessions"] == []
    assert cloud.call("GET", "/v1/changes", token=two)["changes"] == []
    names = {"session": SESSION, "revision": 1, "names": ["data.bin"]}
    assert cloud.call("POST", "/v1/objects/stat", names, two)["objects"][0]["missing"]
    entry = entry_of(cloud, two, "data.bin", b"d" * 1000)
    assert entry["key"] == f"{SESSION}/lab-2/data.bin" and "put" in entry, "the same bytes under the same name are its own all the same"
    assert [s["station"] for s in cloud.call("GET", "/v1/stations", token=two)["stations"]] == ["lab-2"]
    assert len(cloud.call("GET", "/v1/sessions", token=admin)["sessions"]) == 2
    assert {s["station"] for s in cloud.call("GET", "/v1/stations", token=admin)["stations"]} == {"lab-1", "lab-2"}
    for target, body in (("/v1/presign", names), ("/v1/events", {"events": []}), ("/v1/heartbeat", {})):
        assert error_of(cloud.request("POST", target, body, admin))[:2] == (403, "scope_missing")


# --- limits ---

def test_too_many_requests_are_told_when_to_come_back(place):
    cloud = place.cloud("--rate", "2", "--burst", "6")
    token = cloud.token(cloud.key("lab-1"))
    answers = [cloud.request("GET", "/v1/sessions", token=token) for _ in range(12)]
    limited = [answer for answer in answers if answer[0] == 429]
    assert limited and answers[0][0] == 200, [answer[0] for answer in answers]
    assert error_of(limited[-1])[1] == "rate_limited"
    wait_s = int(limited[-1][1]["retry-after"])
    assert 1 <= wait_s <= 2
    time.sleep(wait_s)  # what the server asked for is what is tested
    assert cloud.request("GET", "/v1/sessions", token=token)[0] == 200


def test_nobody_behind_the_same_address_uses_up_anothers_calls(place):
    """Without a key, or with a wrong one, an address is counted; a token and a signed URL have a count of their own."""
    cloud = place.cloud("--rate", "1", "--burst", "20")
    token = cloud.token(cloud.key("lab-1"))
    entry = entry_of(cloud, token, "f", b"x")
    spent = [cloud.request("GET", path)[0] for path in ("/v1/info", "/v1/none", "/v1/sessions", "/headgate-raw/x", "/bucket") for _ in range(12)]
    assert spent[-1] == 503 and 429 in spent, spent
    assert {cloud.request("GET", "/v1/schema", token="x.y.z")[0] for _ in range(5)} == {429}
    assert cloud.request("GET", "/v1/schema", token=token)[0] == 200
    assert cloud.request("PUT", entry["put"]["url"], b"x", headers=entry["put"]["headers"])[0] == 200
    again = [cloud.request("PUT", entry["put"]["url"], b"x", headers=entry["put"]["headers"]) for _ in range(45)]
    assert again[0][0] == 412 and again[-1][0] == 503 and b"SlowDown" in again[-1][2] and "retry-after" in again[-1][1]
    assert cloud.request("GET", "/v1/schema", token=token)[0] == 200


def test_object_puts_are_not_counted_twice(place):
    """A URL was counted when it was asked for: a thousand small files do not end in SlowDown."""
    cloud = place.cloud("--rate", "5", "--burst", "10")
    token = cloud.token(cloud.key("lab-1"))
    files = [{"name": f"f{i}", "size": 1, "sha256": digest(b"x")} for i in range(60)]
    entries = cloud.call("POST", "/v1/presign", {"session": SESSION, "revision": 1, "files": files}, token)["files"]
    assert {cloud.request("PUT", entry["put"]["url"], b"x", headers=entry["put"]["headers"])[0] for entry in entries} == {200}
    unsigned = [cloud.request("PUT", "/headgate-raw/x", b"x")[0] for _ in range(40)]
    assert unsigned[0] == 403 and unsigned[-1] == 503, unsigned


def test_lists_and_batches_have_the_sizes_of_the_page(place):
    """A hundred rows unless asked for more; 500 events and 1,000 names a call."""
    cloud = place.cloud("--rate", "0")
    token = cloud.token(cloud.key("lab-1"))
    for n in range(101):
        entry_of(cloud, token, "f", b"x", f"20260814_{n:06}")
    page = cloud.call("GET", "/v1/sessions", token=token)
    assert len(page["sessions"]) == 100 and page["next"], len(page["sessions"])
    rest = cloud.call("GET", "/v1/sessions?cursor=" + urllib.parse.quote(page["next"]), token=token)
    assert len(rest["sessions"]) == 1 and rest["next"] is None, rest
    assert len(cloud.call("GET", "/v1/sessions?limit=1000", token=token)["sessions"]) == 101
    events = [{"id": f"e-{n}", "at": "2026-11-21T10:10:10.042Z", "level": "info", "code": "c", "message": "m"} for n in range(500)]
    assert cloud.call("POST", "/v1/events", {"events": events}, token)["stored"] == 500
    assert cloud.call("POST", "/v1/events", {"events": events[:2] * 2}, token)["stored"] == 0
    names = {"session": SESSION, "revision": 1, "names": [f"n{n}" for n in range(1000)]}
    assert len(cloud.call("POST", "/v1/objects/stat", names, token)["objects"]) == 1000
    names["names"].append("one more")
    assert error_of(cloud.request("POST", "/v1/objects/stat", names, token))[:2] == (400, "bad_request")


def test_addresses_outside_the_list_are_refused(place):
    far = place.cloud("--allow", "10.0.0.0/8")
    assert error_of(far.request("GET", "/v1/info"))[:2] == (403, "address_refused")
    assert far.request("GET", "/headgate-raw/x")[0] == 403
    near = place.cloud("--allow", "10.0.0.0/8", "--allow", "127.0.0.0/8")
    assert near.request("GET", "/v1/info")[0] == 200


def test_what_a_file_says_counts_and_a_flag_counts_more(place):
    """[cloud] of --config, HEADGATE_CLOUD_* over it, flags over both."""
    ini = place.dir / "cloud.ini"
    ini.write_text("[cloud]\nallow = 10.0.0.0/8\nallow = 127.0.0.0/8\nraw_bucket = from-file\ntoken_time = 10m\nurl_time = 5m\n")
    cloud = place.cloud("--config", ini, "--raw-bucket", "from-flag", env={"HEADGATE_CLOUD_TOKEN_TIME": "20m"})
    answer = cloud.call("POST", "/v1/authenticate", {"api_key": cloud.key("lab-1")})
    assert answer["expires_in"] == 1200, answer["expires_in"]
    entry = entry_of(cloud, answer["token"], "f", b"x")
    assert entry["bucket"] == "from-flag" and "X-Amz-Expires=300&" in entry["put"]["url"], entry


def test_bodies_that_are_refused_say_why(place):
    cloud = place.cloud("--rate", "0")
    token = cloud.token(cloud.key("lab-1"))
    file = {"name": "a", "size": 1, "sha256": digest(b"x")}
    cases = [
        ({"session": SESSION, "revision": 1, "files": [file, dict(file, size="1")]}, "files[1].size"),
        ({"session": SESSION, "revision": 1, "files": [file] * 1001}, "files"),
        ({"session": SESSION, "revision": 1.5, "files": []}, "revision"),
        ({"session": 5, "revision": 1, "files": []}, "session"),
        (b'{"session": ', "JSON"),
        (b'{"session": "' + b"\xff" + b'"}', ""),
    ]
    for body, named in cases:
        status, code, message = error_of(cloud.request("POST", "/v1/presign", body, token, {"Content-Type": "application/json"}))
        assert (status, code) == (400, "bad_request") and named in message, message
    plain = cloud.request("POST", "/v1/presign", b"{}", token, {"Content-Type": "text/plain"})
    assert error_of(plain)[:2] == (415, "type_unsupported")
    assert error_of(cloud.request("POST", "/v1/authenticate", b" " * 20000, headers={"Content-Type": "application/json"}))[:2] == (413, "body_too_large")


def test_a_refusal_keeps_the_connection(place):
    cloud = place.cloud("--rate", "0")
    connection = connect(cloud)
    for body in (b"{}", b"x" * 200000):
        connection.request("POST", "/v1/presign", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status == 401 and answer.read()
        socket_before = connection.sock
        connection.request("GET", "/v1/info")
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read() and connection.sock is socket_before
    connection.close()


def test_a_refused_upload_is_not_sent(place):
    """With Expect the refusal comes before the body."""
    cloud = place.cloud("--rate", "0")
    where = urllib.parse.urlsplit(cloud.url)
    with socket.create_connection((where.hostname, where.port), 20) as s:
        s.sendall(f"PUT /headgate-raw/x HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: 5000000000\r\nExpect: 100-continue\r\n\r\n".encode())
        said = s.recv(65536)
        assert said.startswith(b"HTTP/1.1 403 ") and b"100 Continue" not in said, said


def test_a_broken_request_does_no_harm(place):
    cloud = place.cloud("--rate", "0")
    where = urllib.parse.urlsplit(cloud.url)
    host = f"Host: {where.netloc}\r\n"
    for text in ("GET\r\n\r\n", "\r\n\r\n\r\n", "GET /v1/info HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00", "GET / HTTP/1.1\r\n" + "x: y\r\n" * 5000,
                 "GET /" + "a" * 200000, f"POST /v1/presign HTTP/1.1\r\n{host}Content-Length: -5\r\n\r\n",
                 f"PUT /a/b HTTP/1.1\r\n{host}Content-Length: 99999999999999999999\r\n\r\n",
                 f"PUT /a/b HTTP/1.1\r\n{host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                 f"GET /v1/info HTTP/1.1\r\n{host}" + "".join(f"x-{i}: y\r\n" for i in range(70)) + "\r\n",
                 f"PUT /a/%zz HTTP/1.1\r\n{host}Content-Length: 0\r\n\r\n"):
        with socket.create_connection((where.hostname, where.port), 10) as s:
            try:
                s.sendall(text.encode())
                s.shutdown(socket.SHUT_WR)
                said = s.recv(65536)
            except ConnectionError:
                said = b""
            assert not said or re.match(rb"HTTP/1\.[01] [45]\d\d ", said), (text[:60], said[:200])
    assert cloud.request("GET", "/v1/info")[0] == 200


# --- transport ---

def test_tls(place):
    certificate, key = place.dir / "cert.pem", place.dir / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    cloud = place.cloud("--tls-cert", certificate, "--tls-key", key)
    assert cloud.url.startswith("https://")
    api_key, context = cloud.key("lab-1"), ssl.create_default_context(cafile=certificate)

    def call(method, target, body=None, headers=None):
        where = urllib.parse.urlsplit(cloud.url)
        connection = http.client.HTTPSConnection(where.hostname, where.port, timeout=20, context=context)
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text

    def post(target, body, token=None):
        headers = {"Content-Type": "application/json"} | ({"Authorization": "Bearer " + token} if token else {})
        return json.loads(call("POST", target, json.dumps(body), headers)[1])

    token = post("/v1/authenticate", {"api_key": api_key})["token"]
    content = b"over tls" * 100000
    body = {"session": SESSION, "revision": 1, "files": [{"name": "f", "size": len(content), "sha256": digest(content)}]}
    put = post("/v1/presign", body, token)["files"][0]["put"]
    assert put["url"].startswith(cloud.url + "/")
    url = urllib.parse.urlsplit(put["url"])
    assert call("PUT", f"{url.path}?{url.query}", content, put["headers"])[0] == 200
    assert cloud.object(f"{SESSION}/lab-1/f") == content
    where = urllib.parse.urlsplit(cloud.url)
    plain = http.client.HTTPConnection(where.hostname, where.port, timeout=10)
    try:
        plain.request("GET", "/v1/info")
        assert plain.getresponse().status >= 400
    except (http.client.HTTPException, OSError):
        pass  # no plain answer on a TLS port
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    try:
        old.set_ciphers("ALL:@SECLEVEL=0")
        with socket.create_connection((where.hostname, where.port), 10) as s, old.wrap_socket(s):
            raise AssertionError("TLS 1.1 was spoken")
    except OSError:
        pass


def test_a_bad_certificate_is_a_sentence(place):
    junk = place.dir / "junk.pem"
    junk.write_text("no certificate\n")
    got = place.run([HEADGATE_CLOUD, "serve", "--data", place.dir / "c", "--listen", "127.0.0.1:0", "--tls-cert", junk, "--tls-key", junk])
    assert got.code == 2 and "certificate" in got.err and "ready" not in got.out, got
    got = place.run([HEADGATE_CLOUD, "serve", "--data", place.dir / "c", "--listen", "127.0.0.1:0", "--tls-cert", place.dir / "none", "--tls-key", junk])
    assert got.code == 2 and "none" in got.err, got


def test_ipv6(place):
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
    except OSError as why:
        raise Skip(f"no IPv6 loopback: {why}")
    cloud = place.cloud(start=False)
    cloud.listen = "[::1]:0"
    cloud.start()
    assert cloud.url.startswith("http://[::1]:")
    token = cloud.token(cloud.key("lab-1"))
    entry = entry_of(cloud, token, "f", b"six")
    assert entry["put"]["url"].startswith(cloud.url + "/")
    assert cloud.request("PUT", entry["put"]["url"], b"six", headers=entry["put"]["headers"])[0] == 200


def test_curl_sends_by_our_urls(place):
    cloud = place.cloud("--rate", "0")
    token = cloud.token(cloud.key("lab-1"))
    content = bytes(range(256)) * 20000  # above the size from which curl asks with Expect
    (place.dir / "body").write_bytes(content)
    entry = entry_of(cloud, token, "dir with space/ü & +?#%.bin", content)

    def curl(*more):
        headers = [word for name, value in entry["put"]["headers"].items() if name != "content-length" for word in ("-H", f"{name}: {value}")]
        command = ["curl", "-sS", "--noproxy", "*", "-o", place.dir / "out", "-w", "%{http_code}", "-T", place.dir / "body", *headers, *more, entry["put"]["url"]]
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout

    assert curl() == "200" and cloud.object(entry["key"]) == content
    assert curl() == "412" and b"PreconditionFailed" in (place.dir / "out").read_bytes()
    assert curl("-H", "x-amz-acl: public-read") == "403"


# --- waiting and stopping ---

class Waiter(threading.Thread):
    """A request in the background."""

    def __init__(self, cloud, target, token):
        super().__init__(daemon=True)
        self.cloud, self.target, self.token, self.answer, self.seconds = cloud, target, token, None, None
        self.start()

    def run(self):
        began = time.monotonic()
        self.answer = self.cloud.request("GET", self.target, token=self.token, timeout_s=40)
        self.seconds = time.monotonic() - began


def test_a_long_poll_ends_with_the_change(place):
    cloud = place.cloud("--rate", "0")
    token = cloud.token(cloud.key("lab-1"))
    cursor = cloud.call("GET", "/v1/changes", token=token)["cursor"]
    began = time.monotonic()
    waiter = Waiter(cloud, f"/v1/changes?wait=20&after={cursor}", token)
    wait_for(lambda: polls_of(cloud) == 1, 60, "the call that waits")
    assert waiter.is_alive()
    decide(cloud, token, SESSION, "lab-1")
    waiter.join(15)
    assert waiter.answer and waiter.seconds < 10, "the answer did not come at once"
    change = json.loads(waiter.answer[2])
    assert [(c["session"], c["state"]) for c in change["changes"]] == [(SESSION, "accepted")], change
    began = time.monotonic()
    assert cloud.call("GET", f"/v1/changes?wait=1&after={change['cursor']}", token=token)["changes"] == []
    assert 0.9 < time.monotonic() - began < 15


def test_a_stop_ends_what_waits_and_what_idles(place):
    cloud = place.cloud("--rate", "0")
    token = cloud.token(cloud.key("lab-1"))
    waiters = [Waiter(cloud, "/v1/changes?wait=20", token) for _ in range(3)]
    idle = connect(cloud)
    idle.request("GET", "/v1/info")
    idle.getresponse().read()
    wait_for(lambda: polls_of(cloud) == 3, 60, "three calls that wait")
    began = time.monotonic()
    assert cloud.stop() == 0
    assert time.monotonic() - began < 15  # of the 20 they would wait
    for waiter in waiters:
        waiter.join(5)
        assert waiter.answer and waiter.answer[0] == 200, waiter.answer


class HalfPut:
    """A PUT of which the first half is sent."""

    def __init__(self, cloud, entry, content):
        where, url = urllib.parse.urlsplit(cloud.url), urllib.parse.urlsplit(entry["put"]["url"])
        head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {where.netloc}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in entry["put"]["headers"].items()) + "\r\n"
        self.socket = socket.create_connection((where.hostname, where.port), 40)
        self.rest = content[len(content) // 2:]
        self.socket.sendall(head.encode() + content[:len(content) // 2])

    def finish(self):
        self.socket.sendall(self.rest)
        answer = self.socket.recv(65536)
        self.socket.close()
        return answer


def half_put(place):
    """A cloud at which a PUT stands still in its middle."""
    cloud = place.cloud("--rate", "0")
    token = cloud.token(cloud.key("lab-1"))
    content = bytes(range(256)) * 8000
    entry = entry_of(cloud, token, "f", content)
    put = HalfPut(cloud, entry, content)
    wait_for(lambda: writes_of(cloud) == 1, 60, "a write of the object")
    return cloud, token, content, entry, put


def refuses_connections(cloud):
    where = urllib.parse.urlsplit(cloud.url)
    try:
        socket.create_connection((where.hostname, where.port), 5).close()
        return False
    except OSError:
        return True


def test_sigterm_lets_a_put_finish(place):
    cloud, token, content, entry, put = half_put(place)
    cloud.child.signal(signal.SIGTERM)
    wait_for(lambda: refuses_connections(cloud), 60, "no more connections")
    assert cloud.child.running
    assert put.finish().startswith(b"HTTP/1.1 200 ")
    assert cloud.child.wait(25) == 0
    assert cloud.object(entry["key"]) == content
    cloud.start()
    assert "exists" in entry_of(cloud, token, "f", content)


def test_sigterm_cuts_a_put_that_stands_still(place):
    cloud, token, content, entry, put = half_put(place)
    began = time.monotonic()
    assert cloud.stop() == 0
    assert 25 < time.monotonic() - began < 50
    put.socket.close()
    assert cloud.object_count() == 0 and cloud.object(entry["key"]) is None
    left = [path for path in (cloud.data / "objects").rglob("*") if path.is_file()]
    assert not left, left
    cloud.start()
    again = entry_of(cloud, token, "f", content)
    assert cloud.request("PUT", again["put"]["url"], content, headers=again["put"]["headers"])[0] == 200


def test_a_client_that_goes_away_leaves_nothing(place):
    cloud, token, content, entry, put = half_put(place)
    put.socket.close()
    wait_for(lambda: any(e.get("code") == "client_gone" for e in api_log(cloud)), 60, "the log's word of it")
    assert cloud.object_count() == 0
    assert cloud.request("PUT", entry["put"]["url"], content, headers=entry["put"]["headers"])[0] == 200


def test_two_puts_at_once_store_one(place):
    """The room of a key is taken once: who comes while another sends is told to try again, and takes over from one that stands still."""
    cloud, _, content, entry, first = half_put(place)

    def put():
        return cloud.request("PUT", entry["put"]["url"], content, headers=entry["put"]["headers"])

    status, _, text = put()
    assert status == 409 and b"ConditionalRequestConflict" in text and writes_of(cloud) == 1, (status, text)
    assert first.finish()[9:12] == b"200" and put()[0] == 412
    assert cloud.object(entry["key"]) == content and cloud.object_count() == 1


def test_a_put_that_stands_still_gives_way(place):
    cloud, _, content, entry, first = half_put(place)
    took = wait_for(lambda: (got := cloud.request("PUT", entry["put"]["url"], content, headers=entry["put"]["headers"]))[0] != 409 and got, 60, "its turn", 0.5)
    assert took[0] == 200 and cloud.object(entry["key"]) == content
    assert first.finish()[9:12] == b"409" and cloud.object_count() == 1 and cloud.object(entry["key"]) == content


# --- starting, speed, health ---

def test_it_starts_in_under_a_second(place):
    cloud = place.cloud("--rate", "0")
    token = cloud.token(cloud.key("lab-1"))
    for batch in range(5):  # not an empty one
        files = [{"name": f"f{i}", "size": 1, "sha256": digest(b"x")} for i in range(1000)]
        body = {"session": f"20260814_10150{batch}", "revision": 1, "files": files}
        cloud.call("POST", "/v1/presign", body, token)
    cloud.stop()
    taken = []
    for _ in range(3):
        began = time.monotonic()
        child = subprocess.Popen([HEADGATE_CLOUD, "serve", "--data", cloud.data, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                                 env=clean_env(place.dir), text=True)
        line = child.stdout.readline()
        taken.append(time.monotonic() - began)
        child.terminate()
        rest = child.stdout.read()
        assert child.wait(30) == 0 and re.fullmatch(r"ready http://127\.0\.0\.1:\d+\n", line) and not rest, (line, rest)
        child.stdout.close()
    assert min(taken) < 1, taken


def test_small_requests_do_not_wait_for_big_ones(place):
    cloud = place.cloud("--rate", "0")
    token = cloud.token(cloud.key("lab-1"))
    content = bytes(range(256)) * (4096 * (64 if SOAK else 24))
    entries = [entry_of(cloud, token, f"big{i}", content) for i in range(6)]

    def upload(some):
        for entry in some:
            assert cloud.request("PUT", entry["put"]["url"], content, headers=entry["put"]["headers"], timeout_s=120)[0] == 200

    threads = [threading.Thread(target=upload, args=(entries[i::2],)) for i in range(2)]
    connection, taken = connect(cloud), []
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        began = time.monotonic()
        connection.request("GET", "/v1/sessions", headers={"Authorization": "Bearer " + token})
        assert connection.getresponse().read()
        taken.append(time.monotonic() - began)
        time.sleep(0.005)
    for thread in threads:
        thread.join()
    assert cloud.object_count() == 6
    taken.sort()
    print(f"# {len(taken)} small requests beside 6 uploads: median {taken[len(taken) // 2] * 1000:.1f} ms, most {taken[-1] * 1000:.1f} ms")
    assert taken[len(taken) // 2] < 0.5 and taken[int(len(taken) * 0.95)] < 2, taken[-10:]


def test_health_says_why(place):
    """The store cannot open files any more: healthz says so on a connection that is there, and recovers."""
    cloud = place.cloud("--rate", "0")
    connection = connect(cloud)

    def health():
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    assert health()[0] == 200
    before = resource.prlimit(cloud.child.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(cloud.child.pid, resource.RLIMIT_NOFILE, (3, before[1]))
    sick = wait_for(lambda: (got := health())[0] == 503 and got, 60, "a 503")
    assert error_of(sick)[1] == "unavailable" and len(error_of(sick)[2]) > 10
    resource.prlimit(cloud.child.pid, resource.RLIMIT_NOFILE, before)
    wait_for(lambda: health()[0] == 200, 60, "health again")


def test_one_server_a_data_folder(place):
    cloud = place.cloud()
    got = place.run([HEADGATE_CLOUD, "serve", "--data", cloud.data, "--listen", "127.0.0.1:0"])
    assert got.code == 75 and str(cloud.child.pid) in got.err and "ready" not in got.out, got
    for path in cloud.data.glob("*lock*"):
        path.unlink()
    got = place.run([HEADGATE_CLOUD, "serve", "--data", cloud.data, "--listen", "127.0.0.1:0"])
    assert got.code == 75 and "another headgate-cloud serves" in got.err and "ready" not in got.out, got
    got = place.run([HEADGATE_CLOUD, "serve", "--data", place.dir / "other", "--listen", cloud.listen])
    assert got.code == 2 and cloud.listen in got.err, got


def test_a_data_folder_that_others_can_write_is_refused(place):
    data = place.dir / "data"
    data.mkdir()

    def serve():
        return place.run([HEADGATE_CLOUD, "serve", "--data", data, "--listen", "127.0.0.1:0"])

    for mode, owner in ((0o770, 0), (0o707, 0), (0o1777, 0), (0o700, 12345)):
        data.chmod(mode)
        if owner and os.geteuid():
            continue  # only root can give a folder away
        if owner:
            os.chown(data, owner, -1)
        got = serve()
        assert got.code == 2 and str(data) in got.err and ("chmod go-w" in got.err or "chown" in got.err), got
    assert list(data.iterdir()) == [], "something was written there before"


# --- the log ---

def api_log(cloud):
    got = cloud.command("logs", "--data", cloud.data, "--json")
    assert got.code == 0, got
    rows = got.json_lines()
    return [event for row in rows for event in [row.get("event", row)] if isinstance(event, dict)]


def test_request_ids_are_in_the_log_and_secrets_are_not(place):
    cloud = place.cloud("--rate", "0")
    key = cloud.key("lab-1")
    token = cloud.token(key)
    status, headers, _ = cloud.request("GET", "/v1/sessions/20010101_000000?x=query-text", token=token)
    entry = entry_of(cloud, token, "f", b"x")
    _, put_headers, _ = cloud.request("PUT", entry["put"]["url"], b"x", headers=entry["put"]["headers"])
    assert put_headers["x-amz-request-id"] == put_headers["x-request-id"]

    def logged(request_id):
        return wait_for(lambda: next((e for e in api_log(cloud) if e.get("request_id") == request_id), None), 60, f"{request_id} in the log")

    event = logged(headers["x-request-id"])
    assert status == 404 and (event["status"], event["code"], event["station"], event["method"]) == (404, "not_found", "lab-1", "GET"), event
    assert event["route"] == "/v1/sessions/{id}" and event["ms"] >= 0
    stored = logged(put_headers["x-request-id"])
    assert (stored["status"], stored["key"], stored["bytes"]) == (200, f"{SESSION}/lab-1/f", 1), stored
    assert any(e.get("route") == "/v1/presign" and e.get("session") == SESSION for e in api_log(cloud))
    cloud.stop()
    signature = urllib.parse.parse_qs(urllib.parse.urlsplit(entry["put"]["url"]).query)["X-Amz-Signature"][0]
    kept = b"".join(path.read_bytes() for path in cloud.data.glob("*.db*")) + cloud.child.err.encode() + cloud.child.out.encode()
    for secret in (key, token, token.split(".")[2], signature, "query-text"):
        assert secret.encode() not in kept, f"{secret[:12]}... is in the store"


if __name__ == "__main__":
    headgate_test.main()
