# SPDX-License-Identifier: MIT
"""Hostile and clumsy callers of the cloud (reliability.md, rule 7: nobody's work waits for another's): memory below
512 MiB whatever is sent, connections shared by address, logs that count, a disk whose last room is the catalog's; and
an honest station is served all the while."""
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance"))
import headgate_test
from api import digest, entry_of
from headgate_test import HEADGATE_CLOUD, Skip, wait_for

MIB = 1 << 20
SANITIZED = b"__asan_init" in HEADGATE_CLOUD.read_bytes()
# The sanitizer's own memory is not the program's: its shadow, its red zones, and what it keeps of freed blocks; under load it
# comes to 600 to 860 MiB where the program has 130. .ci/run holds the plain build to the true limit.
LIMIT_MIB = 1024 if SANITIZED else 512
SMALL_SANITIZER = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=16"}
SESSION = "20260814_101500"
ATTACKER = "127.0.0.9"


def peak_mib(cloud):
    for line in Path(f"/proc/{cloud.child.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024


def connect(cloud, source=None):
    where = urllib.parse.urlsplit(cloud.url)
    s = socket.socket()
    s.settimeout(30)
    if source:
        s.bind((source, 0))
    s.connect((where.hostname, where.port))
    return s


def head_of(token, body_n, method="POST", target="/v1/presign", more=""):
    return (f"{method} {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            f"{more}" + (f"Content-Length: {body_n}\r\n" if body_n is not None else "") + "\r\n").encode()


def status_of(s):
    """The answer's status; 0 when the connection ends without one."""
    said = b""
    while b"\r\n" not in said:
        came = s.recv(4096)
        if not came:
            return 0
        said += came
    return int(said.split()[1])


def send_body(cloud, token, body, target="/v1/presign"):
    with connect(cloud, ATTACKER) as s:
        try:
            s.sendall(head_of(token, len(body), target=target))
            s.sendall(body)
        except OSError:
            pass  # refused before it was sent
        try:
            return status_of(s)
        except OSError:
            return 0


def presign_body(n, name_bytes, session=SESSION):
    files = [{"name": f"{i:04}" + "n" * (name_bytes - 4), "size": i, "sha256": digest(b"%d" % i)} for i in range(n)]
    return json.dumps({"session": session, "revision": 1, "files": files}).encode()


def honest_round(cloud, token, name):
    """A file by presign and PUT; whoever is told to come back does."""
    content = name.encode() * 100

    def presign():
        try:
            status, _, text = cloud.request("POST", "/v1/presign", {"session": "20260814_000001", "revision": 1, "files": [
                {"name": name, "size": len(content), "sha256": digest(content)}]}, token)
        except ConnectionResetError:  # as a station does; not so where the program is as fast as it is
            assert SANITIZED
            return None
        assert status in (200, 429, 503), (status, text)
        return json.loads(text)["files"][0] if status == 200 else None

    entry = wait_for(presign, 60, "the honest station's URL")
    status = cloud.request("PUT", entry["put"]["url"], content, headers=entry["put"]["headers"])[0]
    assert status == 200, status


class Attack(threading.Thread):
    """Runs step() again and again until it is ended; its mistakes are kept."""

    def __init__(self, step):
        super().__init__(daemon=True)
        self.step, self.going, self.mistake, self.rounds = step, True, None, 0
        self.start()

    def run(self):
        while self.going:
            try:
                self.step()
                self.rounds += 1
            except OSError:
                time.sleep(0.01)
            except Exception as why:  # noqa: BLE001
                self.mistake = why
                return

    def end(self):
        self.going = False
        self.join(60)
        assert not self.mistake, self.mistake
        return self.rounds


def long_session(cloud, token, session):
    """A whole session whose metadata are as long as allowed."""
    metadata = b"fatigue_level: 4\nhardware_model: HX\n" + b"".join(b"k%d=1\n" % i for i in range(25000))
    files = {"data.bin": b"d" * 100, "metadata.txt": metadata}
    entries = {name: entry_of(cloud, token, name, content, session) for name, content in files.items()}
    listed = [{"name": name, "size": len(content), "mtime": "2026-08-14T10:15:00.000Z", "sha256": digest(content),
               "bucket": entries[name]["bucket"], "key": entries[name]["key"]} for name, content in files.items()]
    manifest = json.dumps({"version": 1, "station": "lab-1", "session": session, "revision": 1, "software": "headgate/0.1.0",
                           "metadata": "metadata.txt", "files": listed}).encode()
    for name, content in {"data.bin": files["data.bin"], "_headgate/1/manifest.json": manifest, "metadata.txt": metadata}.items():
        entry = entries.get(name) or entry_of(cloud, token, name, content, session)
        assert cloud.request("PUT", entry["put"]["url"], content, headers=entry["put"]["headers"])[0] == 200
    wait_for(lambda: cloud.call("GET", f"/v1/sessions/{session}", token=token)["state"] != "uploading", 120, "a decision")


def test_memory_has_a_ceiling_whatever_is_sent(place):
    cloud = place.cloud("--rate", "0", env=SMALL_SANITIZER)
    token, honest = cloud.token(cloud.key("lab-1")), cloud.token(cloud.key("lab-2"))
    for i in range(16):
        long_session(cloud, token, f"20260814_1200{i:02}")
    zeros = b'{"session":"%s","revision":1,"files":[' % SESSION.encode() + b"0," * (2 * MIB - 100) + b"0]}"
    names = presign_body(1000, 700)
    event = b'{"events":[{"id":"i","at":"2026-11-21T10:10:10Z","level":"i","code":"c","message":"m","detail":[0%s]}]}' % (b",0" * 32600)
    bodies = [
        (zeros, {400, 503}),
        (b'{"a":' * 100000, {400, 503}),
        (b"[" * (4 * MIB - 10), {400, 503}),
        (b"{" + b",".join(b'"%d":0' % i for i in range(300000)) + b"}", {400, 503}),
        (b'{"session":"' + b"x" * (4 * MIB - 100) + b'"}', {400, 503}),
        (names, {200, 503}),
        (b" " * (16 * MIB), {413, 0}),
    ]
    held, lock = [], threading.Lock()

    def send_all():
        for body, allowed in bodies:
            status = send_body(cloud, token, body)
            assert status in allowed | {0}, (body[:50], status)

    def many_short():
        """Two hundred bodies of 64 KiB, each thousands of values, that end at the same moment."""
        sockets = [connect(cloud, ATTACKER) for _ in range(200)]
        try:
            for s in sockets:
                s.sendall(head_of(token, len(event), target="/v1/events") + event[:-1])
            for s in sockets:
                s.sendall(event[-1:])
            for s in sockets:
                assert status_of(s) in (200, 503, 0)
        finally:
            for s in sockets:
                s.close()

    def never_read():
        """Asks for what is long and reads nothing of it."""
        with lock:
            if len(held) > 100:
                held.pop(0).close()
        s = connect(cloud, ATTACKER)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        if len(held) % 2:
            s.sendall(head_of(token, len(names)) + names)
        else:
            s.sendall(head_of(token, None, "GET", "/v1/sessions?limit=1000"))
        with lock:
            held.append(s)

    def endless():
        with connect(cloud, ATTACKER) as s:
            s.sendall(head_of(token, None, target="/v1/events", more="Transfer-Encoding: chunked\r\n"))
            for _ in range(200):
                s.sendall(b"100000\r\n" + b"x" * MIB + b"\r\n")
            raise AssertionError("two hundred megabytes were taken")

    def read_names():
        assert send_body(cloud, token, names) in (200, 503, 0)

    attacks = [Attack(read_names) for _ in range(40)] + [Attack(step) for step in (send_all, send_all, send_all, never_read, never_read, endless)]
    short = Attack(many_short)
    end = time.monotonic() + (60 if headgate_test.SOAK else 15)
    rounds = 0
    while time.monotonic() < end or rounds < 3:
        honest_round(cloud, honest, f"honest {rounds}")
        rounds += 1
    for attack in attacks:
        attack.going = False
    with lock:
        while held:
            held.pop().close()
    short.end()
    done = [attack.end() for attack in attacks]
    assert all(done[-6:-1]) and any(done[:40]), f"an attack never came through a round: {done}"
    print(f"# {rounds} honest rounds beside {done}; the most memory was {peak_mib(cloud)} MiB of {LIMIT_MIB}")
    assert cloud.child.running and peak_mib(cloud) < LIMIT_MIB, f"{peak_mib(cloud)} MiB"


def test_sockets_that_say_nothing_keep_nobody_out(place):
    """More than there are places, from two addresses, opened again as soon as they are closed."""
    cloud = place.cloud("--rate", "0", "--connections", "64")
    token = cloud.token(cloud.key("lab-1"))
    held = {"127.0.0.1": [], "127.0.0.2": []}

    def hold(source, n, first):
        keep = []
        for s in held[source]:
            try:
                s.setblocking(False)
                alive = s.recv(1, socket.MSG_PEEK) != b""
            except BlockingIOError:
                alive = True
            except OSError:
                alive = False
            (keep.append(s) if alive else s.close())
        held[source] = keep
        while len(held[source]) < n:
            s = connect(cloud, source)
            s.sendall(first)
            held[source].append(s)
        time.sleep(0.005)

    slow_body = head_of(token, 4000, target="/v1/events") + b"{"
    attacks = [Attack(lambda: hold("127.0.0.1", 50, b"G")), Attack(lambda: hold("127.0.0.2", 40, slow_body))]
    wait_for(lambda: len(held["127.0.0.1"]) > 30 and len(held["127.0.0.2"]) > 10, 60, "the sockets")
    for _ in range(30):
        with connect(cloud, "127.0.0.3") as s:
            s.sendall(b"GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n")
            assert status_of(s) == 200
    for attack in attacks:
        attack.end()
    for sockets in held.values():
        for s in sockets:
            s.close()
    threads = len(list(Path(f"/proc/{cloud.child.pid}/task").iterdir()))
    assert threads < 64 * 2 + 20, threads


def rows(cloud, where="1"):
    with closing(sqlite3.connect(f"file:{cloud.data / 'logs.db'}?mode=ro", uri=True, timeout=20)) as db:
        return db.execute(f"SELECT count(*), coalesce(sum(length(json)), 0) FROM event WHERE {where}").fetchone()


def test_callers_without_a_key_write_no_log_full(place):
    cloud = place.cloud("--rate", "100", "--burst", "100")
    key = cloud.key("lab-1")
    cloud.token(key)
    paths = ["/v1/info", "/v1/none", "/v1/sessions", "/headgate-raw/" + "%01" * 3000, "/x", "/%2e%2e", "/v1/authenticate", "/healthz"]
    request = "".join(f"GET {path}{i} HTTP/1.1\r\nHost: x\r\nx-no: {i}\r\nAuthorization: Bearer a.b.{i}\r\n\r\n"
                      for i in range(10) for path in paths).encode()
    answers = 0
    for _ in range(50):
        with connect(cloud) as s:
            s.sendall(request)
            s.shutdown(socket.SHUT_WR)
            said = b""
            while came := s.recv(1 << 16):
                said += came
            answers += said.count(b"HTTP/1.1 ")
    assert answers == 50 * 10 * len(paths), answers
    refused = [cloud.request("POST", "/v1/authenticate", {"api_key": f"hg_wrong_{i}"})[0] for i in range(200)]
    assert set(refused) <= {401, 429}
    cloud.stop()  # writes what is counted
    count, size = rows(cloud)
    assert 5 < count < 500 and size < 200_000, (count, size)
    with closing(sqlite3.connect(cloud.data / "logs.db")) as db:
        events = [json.loads(text) for (text,) in db.execute("SELECT json FROM event")]
    assert sum(event.get("repeated", 1) for event in events) >= answers, "calls were neither told nor counted"
    assert any(event.get("code") == "rate_limited" and event.get("repeated", 0) > 100 for event in events)
    assert all(event.get("request_id") for event in events if event.get("route") is not None)


def small_disk(place, size):
    """A file system of our own."""
    disk = place.dir / "disk"
    disk.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", disk], capture_output=True).returncode:
        raise Skip("a disk cannot be mounted here")
    return disk


def test_a_full_disk_still_serves(place):
    """Recordings fill the disk: the next one is refused, and catalog and log go on in the room that is kept."""
    disk = small_disk(place, "240m")
    try:
        cloud = place.cloud("--rate", "0", data=disk / "data")
        token = cloud.token(cloud.key("lab-1"))
        content, stored, refused = b"x" * (8 * MIB), 0, None
        for i in range(40):
            entry = entry_of(cloud, token, f"f{i}", content + b"%d" % i)
            status, _, text = cloud.request("PUT", entry["put"]["url"], content + b"%d" % i, headers=entry["put"]["headers"])
            if status != 200:
                refused = status, text
                break
            stored += 1
        assert stored > 10 and refused[0] == 503, (stored, refused)
        disk_now = os.statvfs(disk)
        assert disk_now.f_bavail * disk_now.f_frsize > 2 * MIB, "the last of the disk was taken"
        for i in range(300):  # catalog and log: promises, events, calls
            files = [{"name": f"later {i} {n}", "size": 5, "sha256": digest(b"%d" % n)} for n in range(5)]
            cloud.call("POST", "/v1/presign", {"session": SESSION, "revision": 1, "files": files}, token)
        assert cloud.request("GET", "/healthz")[0] == 200
        event = {"id": "e", "at": "2026-11-21T10:10:10.042Z", "level": "error", "code": "c", "message": "m"}
        assert cloud.call("POST", "/v1/events", {"events": [event]}, token)["stored"] == 1
        assert cloud.stop() == 0
    finally:
        for child in place.children:
            child.kill() if child.running else None
        subprocess.run(["umount", "-l", disk], check=True)


def fill(path):
    """Somebody else takes the disk to its last block."""
    with path.open("ab", buffering=0) as f:
        for n in (MIB, 4096):
            try:
                while f.write(b"x" * n) == n:
                    pass
            except OSError:
                pass


def test_promises_of_one_key_are_bounded(place):
    """One key asks for whatever it can, on a small disk: the catalog stays small, the others are served, over a start too."""
    disk = small_disk(place, "300m")
    try:
        cloud = place.cloud("--rate", "0", data=disk / "data")
        key = cloud.key("lab-2")
        token, honest = cloud.token(cloud.key("lab-1")), cloud.token(key)
        names = ["%04d" % i + "n" * 240 + "/" + "m" * 240 + "/" + "o" * 240 for i in range(1000)]
        asked = {}
        for i in range(60):
            files = [{"name": name, "size": 1, "sha256": digest(b"x")} for name in names]
            session = SESSION if i < 30 else f"20260815_0000{i}"
            status, headers, _ = cloud.request("POST", "/v1/presign", {"session": session, "revision": 1 + i % 30, "files": files}, token)
            asked[status] = asked.get(status, 0) + 1
            assert status != 429 or headers.get("Retry-After"), headers
        assert asked.get(429, 0) > 30 and asked.get(200, 0) >= 5 and set(asked) <= {200, 429}, asked
        assert sum(path.stat().st_size for path in cloud.data.glob("catalog.db*")) < 150 * MIB
        honest_round(cloud, honest, "beside it")
        assert cloud.request("GET", "/healthz")[0] == 200
        rest = disk / "rest"
        fill(rest)
        new = {"session": SESSION, "revision": 1, "files": [{"name": "new", "size": 1, "sha256": digest(b"x")}]}
        status, headers, text = cloud.request("POST", "/v1/presign", new, honest)
        assert status == 503 and headers.get("Retry-After") and b"full" in text, (status, text)
        wait_for(lambda: cloud.request("GET", "/healthz")[0] == 503, 30, "healthz to say so")
        assert cloud.stop() == 0
        fill(rest)  # what the stop gave back
        cloud.start()
        assert cloud.request("GET", "/healthz")[0] == 503
        rest.unlink()
        wait_for(lambda: cloud.request("GET", "/healthz")[0] == 200, 30, "healthz to be well again")
        honest_round(cloud, honest, "after it")
        assert cloud.stop() == 0
    finally:
        for child in place.children:
            child.kill() if child.running else None
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_url_takes_its_room_once(place):
    """However many connections bring the same announced gigabytes."""
    cloud = place.cloud("--rate", "0")
    token = cloud.token(cloud.key("lab-1"))
    free = os.statvfs(cloud.data).f_bavail * os.statvfs(cloud.data).f_frsize
    size = min(free // 8, 1 << 30)
    body = {"session": SESSION, "revision": 1, "files": [{"name": "f", "size": size, "sha256": digest(b"never sent")}]}
    put = cloud.call("POST", "/v1/presign", body, token)["files"][0]["put"]
    url, where = urllib.parse.urlsplit(put["url"]), urllib.parse.urlsplit(cloud.url)
    head = (f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {where.netloc}\r\n" +
            "".join(f"{name}: {value}\r\n" for name, value in put["headers"].items()) + "\r\n").encode()
    sockets, answers = [connect(cloud) for _ in range(20)], []
    silent = list(sockets)
    for s in sockets:
        s.sendall(head + b"x" * 1000)

    def answered():
        for s in list(silent):
            s.settimeout(0.01)
            try:
                answers.append(status_of(s))
                silent.remove(s)
            except OSError:
                pass
        return len(answers) >= 19

    wait_for(answered, 60, "the refusal of all but one")
    assert answers == [409] * 19, answers
    for s in sockets:
        s.close()


if __name__ == "__main__":
    headgate_test.main()
