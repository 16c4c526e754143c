# SPDX-License-Identifier: MIT
"""The console and what is behind it: engines that run, do not run, end, are stuck or lie; a cloud that goes; a journal
that is locked. Whatever happens it goes on drawing, answers keys, and harms no engine."""
import json
import random
import socket
import sqlite3
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import main, make_session, process_ended, wait_for  # noqa: E402
from pty_console import Console, engine_of, engine_pid  # noqa: E402

SESSION = "20261120_134502"
WIDE = {"rows": 24, "columns": 110}


def test_starts_an_engine_that_outlives_it_while_work_is_left(place):
    station = place.station(place.cloud(), settle="4s")
    console, pid = Console(station, **WIDE), None
    console.wait_until("cloud ok", timeout_s=60)
    pid = wait_for(lambda: engine_pid(station), 60, "an engine")
    make_session(station.recordings, SESSION)
    console.wait_row(SESSION, "settling")
    assert console.quit() == 0
    assert not process_ended(pid), "the engine ended with the console though a session was on its way"
    station.wait_state(SESSION, "accepted")
    wait_for(lambda: process_ended(pid), 60, "the end of an engine that nobody needs any more")


def test_leaves_a_running_engine_alone(place):
    station = place.station(place.cloud())
    engine = engine_of(station)
    wait_for((station.state / "control.sock").exists, 60, "the engine's socket")
    consoles = [Console(station) for _ in range(3)]
    for console in consoles:
        console.wait_until("cloud ok")
    assert engine_pid(station) == engine.pid
    for console in consoles:
        assert console.quit() == 0
    assert engine.running and engine.stop() == 0


def test_an_engine_that_is_killed_and_started_again(place):
    station = place.station(place.cloud())
    engine = engine_of(station)
    console = Console(station, "--read-only", **WIDE)  # starts none itself
    console.wait_until("cloud ok")
    engine.kill()
    console.wait_gone("cloud ok")
    console.wait_until(lambda screen: "engine" in screen.lines[0], "the header to say that the engine is gone")
    make_session(station.recordings, SESSION)
    engine = engine_of(station)
    console.wait_until("cloud ok")
    console.wait_row(SESSION, "accepted")
    assert console.quit() == 0 and engine.stop() == 0


def test_a_cloud_that_goes_is_said_and_since_when(place):
    cloud = place.cloud()
    station = place.station(cloud)
    engine = engine_of(station)
    console = Console(station, **WIDE)
    console.wait_until("cloud ok")
    cloud.kill()
    make_session(station.recordings, SESSION)
    console.wait_until("cloud lost", timeout_s=90)
    console.wait_until("NOT safe")
    cloud.start()
    console.wait_until("cloud ok", timeout_s=90)
    console.wait_row(SESSION, "accepted", timeout_s=90)
    assert console.quit() == 0 and engine.running


class FakeEngine:
    """Whoever listens on the station's control socket, and what it says to each line."""

    def __init__(self, place, station, talk):
        self.path, self.talk = station.state / "control.sock", talk
        station.state.mkdir(parents=True, exist_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.path.chmod(0o600)
        self.listener.listen(8)
        self.connections, self.open = 0, []
        threading.Thread(target=self.accept, daemon=True).start()
        place.servers.append(self)

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            self.talk(connection)
        except OSError:
            pass

    def close(self):
        for one in [self.listener, *self.open]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()


def station_with_history(place):
    """A journal with one accepted session, and no engine."""
    station = place.station(place.cloud())
    make_session(station.recordings, SESSION)
    assert station.once().code == 0
    return station


def test_a_stuck_engine(place):
    station = station_with_history(place)
    FakeEngine(place, station, lambda connection: threading.Event().wait(100))
    console = Console(station, "--read-only", **WIDE)
    console.wait_row(SESSION, "accepted")
    console.assert_answers_keys()
    assert "cloud ok" not in console.screen.text, "invented"
    assert console.quit() == 0


def lines_of(connection):
    kept = b""
    while piece := connection.recv(65536):
        kept += piece
        *whole, kept = kept.split(b"\n")
        for line in whole:
            yield json.loads(line)


EVIL = "\x1b]0;pwned\x07\x1b[2J\x9b31m\r\n\x00日本語e\u0301" + "A" * 3000


def evil_status(source):
    def odd():
        return source.choice([EVIL, None, -1, 0, 1e308, 2**63, -(2**63), True, [], {}, [EVIL] * 100, {"path": EVIL}, 0.1])

    sessions = [{"session": source.choice([SESSION, EVIL, "x" * 500, None]), "state": odd(), "bytes": odd(), "sent_bytes": odd(), "files": odd(),
                 "stored_files": odd(), "rate_bytes_per_s": odd(), "tries": odd(), "reason": odd()} for _ in range(source.randrange(200))]
    return {"engine": {"pid": odd(), "instance": odd(), "version": odd(), "since": odd()},
            "cloud": {"ok": odd(), "endpoint": odd(), "latency_ms": odd(), "station": odd(), "token_expires_at": odd(), "clock_offset_ms": odd(),
                      "last_answer_at": odd(), "error": {"code": odd(), "message": EVIL}},
            "queue": {"active": odd(), "queued": odd(), "bytes_left": odd(), "rate_bytes_per_s": odd(), "eta_s": odd(), "rates": [odd() for _ in range(500)]},
            "folders": [{"path": EVIL, "ok": odd(), "watching": odd(), "error": EVIL}] * 50, "sessions": sessions,
            "disk": {"path": EVIL, "free_bytes": odd(), "total_bytes": odd(), "full_at": odd()}, "at": odd()}


def test_the_disk_runway_and_the_clock_are_in_sight(place):
    """What takes an engine an hour to find out: when the disk will be full, and a clock that is off by minutes."""
    station, slower = station_with_history(place), threading.Event()
    at = datetime.now(timezone.utc).replace(second=0, microsecond=0)
    full = at + timedelta(minutes=50)
    status = {"engine": {"pid": 1, "instance": "i", "version": "1", "since": at.isoformat()},
              "cloud": {"ok": True, "endpoint": "https://lab-eu", "latency_ms": 38, "clock_offset_ms": -420_000, "last_answer_at": at.isoformat()},
              "queue": {"active": 0, "queued": 0, "bytes_left": 0, "rate_bytes_per_s": 41_200_000, "eta_s": None, "rates": [1e7] * 60}, "folders": [], "sessions": [],
              "disk": {"path": "/data", "free_bytes": 12 * 10**9, "total_bytes": 10**12, "full_at": full.isoformat()}, "at": at.isoformat()}

    def talk(connection):
        for request in lines_of(connection):
            result = {"protocol": 1, "version": "1", "instance": "i", "schema": 1} if request["method"] == "hello" else status
            connection.sendall(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode() + b"\n")
            if request["method"] == "subscribe":
                connection.sendall(json.dumps({"jsonrpc": "2.0", "method": "status", "params": status}).encode() + b"\n")
                slower.wait(60)
                status["disk"]["full_at"] = (full + timedelta(days=3)).isoformat()
                connection.sendall(json.dumps({"jsonrpc": "2.0", "method": "status", "params": status}).encode() + b"\n")

    FakeEngine(place, station, talk)
    console = Console(station, "--read-only", **WIDE)
    console.wait_until(f"disk full at {full.astimezone():%H:%M}")
    console.wait_until("cloud ok 38 ms")
    console.wait_until("up 41.2 MB/s")
    console.press("8")
    today = full.astimezone().date() == datetime.now().date()
    console.wait_until(f"full at {full.astimezone():{'%H:%M:%S' if today else '%Y-%m-%d %H:%M'}} by the rates of now")
    console.wait_until("7:00 ahead of the cloud's: set it")
    slower.set()
    console.wait_until(f"full at {full.astimezone() + timedelta(days=3):%Y-%m-%d %H:%M} by the rates of now")
    console.wait_until("disk 12.0 GB free")  # a time of day alone would be that of today
    assert console.quit() == 0


def test_figures_that_cannot_be_are_left_out(place):
    station = station_with_history(place)
    status = {"engine": {"pid": 1}, "cloud": {"ok": True}, "queue": {"eta_s": 1e300, "rate_bytes_per_s": 7}, "disk": {"free_bytes": 1e300}}

    def talk(connection):
        for request in lines_of(connection):
            result = {"protocol": 1, "version": "1", "instance": "i", "schema": 1} if request["method"] == "hello" else status
            connection.sendall(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode() + b"\n")

    FakeEngine(place, station, talk)
    got = station.command("status")
    assert "7 B/s" in got.out and "to go" not in got.out and "free of" not in got.out, got
    assert "runtime error" not in got.err, got


def test_a_malicious_engine(place):
    station = station_with_history(place)
    source, ways = random.Random(4), []

    def hello(connection, request):
        result = {"protocol": 1, "version": "9.9", "instance": "evil", "schema": 1}
        connection.sendall(json.dumps({"jsonrpc": "2.0", "id": request.get("id"), "result": result}).encode() + b"\n")

    def liar(connection):
        for request in lines_of(connection):
            if request.get("method") == "hello":
                hello(connection, request)
                continue
            connection.sendall(json.dumps({"jsonrpc": "2.0", "id": request.get("id"), "result": evil_status(source)}).encode() + b"\n")
            for method in ("status", "stations", "nonsense"):
                connection.sendall(json.dumps({"jsonrpc": "2.0", "method": method, "params": evil_status(source)}).encode() + b"\n")
            if source.random() < 0.3:
                return connection.close()

    def flood(connection):
        for request in lines_of(connection):
            hello(connection, request)
            connection.sendall(b"x" * (8 << 20))

    def binary(connection):
        connection.sendall(source.randbytes(100_000) + b"\n" * 10_000)

    def deep(connection):
        connection.sendall(b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * 50_000 + b"\n")

    def wrong_protocol(connection):
        for request in lines_of(connection):
            connection.sendall(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": {"protocol": 7, "version": EVIL}}).encode() + b"\n")

    def turns(connection):
        way = (liar, flood, binary, deep, liar, wrong_protocol)[len(ways) % 6]
        ways.append(way)
        way(connection)
        connection.close()

    engine = FakeEngine(place, station, turns)
    console = Console(station, "--read-only", **WIDE)
    console.wait_row(SESSION, timeout_s=60)
    end = time.monotonic() + 20
    while engine.connections < 5 and time.monotonic() < end:
        console.assert_answers_keys()
        console.pump(0.2)
    for screen in "81":
        console.press(screen)
        console.assert_answers_keys()
    console.wait_row(SESSION)
    console.assert_clean()
    assert engine.connections >= 1
    assert console.quit() == 0


def test_a_locked_journal(place):
    station = station_with_history(place)
    db = sqlite3.connect(station.state / "state.db", isolation_level=None)
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("BEGIN EXCLUSIVE")
    console = Console(station, "--read-only", **WIDE)
    console.wait_until("Sessions")
    console.assert_answers_keys()
    assert SESSION not in console.screen.text
    db.execute("COMMIT")
    db.execute("PRAGMA locking_mode = NORMAL")
    db.execute("SELECT count(*) FROM session").fetchone()
    db.close()
    console.wait_row(SESSION, "accepted")
    assert console.quit() == 0


def test_a_station_that_never_ran(place):
    station = place.station(place.cloud())
    console = Console(station, "--read-only", **WIDE)
    console.wait_until("Sessions")
    console.assert_answers_keys()
    assert "safe to leave:" not in console.screen.text, "nothing is known, and it says safe"
    assert console.quit() == 0


main()
