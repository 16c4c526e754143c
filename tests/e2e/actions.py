#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a console asks of the engine: subscribe, pause, resume, ignore, the fleet, and an engine that ends by itself."""
import grp
import json
import os
import pwd
import socket
import stat
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test
from headgate_test import HEADGATE, make_session, wait_for
from programs import on_terminal

S1, S2, S3 = "20261120_134502", "20261120_140000", "20261121_080000"


class Control:
    """One connection to the control socket."""

    def __init__(self, station):
        self.path = str(station.state / "control.sock")
        wait_for(lambda: os.path.exists(self.path), 60, "the engine's control socket")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(self.path)
        self.socket.settimeout(30)
        self.lines, self.notices, self.id = b"", [], 0
        self.call("hello", protocol=1)

    def line(self):
        while b"\n" not in self.lines:
            piece = self.socket.recv(65536)
            assert piece, "the engine closed the connection"
            self.lines += piece
        line, self.lines = self.lines.split(b"\n", 1)
        return json.loads(line)

    def answer(self, method, **params):
        self.id += 1
        self.socket.sendall(json.dumps({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}).encode() + b"\n")
        while True:
            got = self.line()
            if got.get("id") == self.id:
                return got
            self.notices.append(got)

    def call(self, method, **params):
        got = self.answer(method, **params)
        assert "result" in got, got
        return got["result"]

    def notice(self, method, fits=lambda params: True):
        while True:
            got = self.notices.pop(0) if self.notices else self.line()
            if got["method"] == method and fits(got["params"]):
                return got["params"]

    def quiet(self, seconds):
        """Nothing comes for so long."""
        self.socket.settimeout(seconds)
        try:
            return not self.notices and b"\n" not in self.lines and not self.socket.recv(1)
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(30)

    def close(self):
        self.socket.close()


def test_subscribers_see_an_upload_and_then_silence(place):
    cloud = place.cloud()
    station = place.station(cloud, rescan="30s")
    engine = station.start()
    control = Control(station)
    began = time.monotonic()
    control.call("subscribe")
    first = control.notice("status")
    assert first["cloud"]["station"] == "eeg-lab-2" and len(first["queue"]["rates"]) == 60, first
    assert first["disk"]["full_at"] is None or first["disk"]["full_at"].endswith("Z"), first
    make_session(station.recordings, S1, {"signals.edf": 3_000_000})
    control.notice("status", lambda s: any(row["session"] == S1 for row in s["sessions"]))
    station.wait_state(S1, "accepted")
    control.notice("status", lambda s: not s["sessions"] and s["queue"]["rate_bytes_per_s"] == 0)
    count = len(control.notices)
    assert count <= (time.monotonic() - began) * 10 + 2, count
    assert control.quiet(2), "something was said although nothing changed"
    other = Control(station)
    other.call("subscribe")
    other.notice("status")
    other.close()
    assert engine.stop() == 0


def test_pause_resume_ignore(place):
    cloud = place.cloud()
    station = place.station(cloud, upload={"bandwidth": "600KB/s"})
    engine = station.start()
    control = Control(station)
    control.call("subscribe")
    make_session(station.recordings, S1, {"signals.edf": 4_000_000})
    station.wait_state(S1, "uploading")
    control.notice("status", lambda s: any(row["session"] == S1 and row["sent_bytes"] for row in s["sessions"]))
    control.call("pause", sessions=[S1])
    station.wait_state(S1, "queued")
    wait_for(lambda: station.session(S1)["paused"], 60, "the pause in the journal")
    control.notice("status", lambda s: s["queue"]["active"] == 0 and s["queue"]["bytes_left"] == 0)
    control.call("pause", sessions=[S1])  # again: nothing happens
    for method, sessions, why in [("pause", ["20200101_000000"], "no session"), ("ignore", ["x"], "names"), ("pause", None, "sessions")]:
        got = control.answer(method, **({"sessions": sessions} if sessions else {}))
        assert why in got["error"]["message"], got
    control.call("ignore", sessions=[S1])
    wait_for(lambda: station.session(S1)["ignored"], 60, "that it is ignored in the journal")
    control.call("unignore", sessions=[S1])
    control.call("resume", sessions=[S1])
    control.call("stations")
    fleet = control.notice("stations")
    assert [row["station"] for row in fleet["stations"]] == ["eeg-lab-2"] and fleet["at"], fleet
    station.wait_state(S1, "uploading", "uploaded", "accepted")
    station.wait_state(S1, "accepted", timeout_s=90)
    got = control.answer("pause", sessions=[S1])
    assert "accepted" in got["error"]["message"], got
    assert engine.stop() == 0
    codes = [row["message"] for row in station.command("sessions", S1, "--json").json_lines()[0]["events"]]
    who = pwd.getpwuid(os.getuid()).pw_name
    for text in ("paused", "resumed", "ignored", "no longer ignored"):
        assert codes.count(f"{text} by {who}") == 1, codes


def test_an_ignored_session_needs_nobody(place):
    cloud = place.cloud()
    station = place.station(cloud)
    make_session(station.recordings, S2, {"signals.edf": 1000}, metadata="")
    got = station.once()
    assert got.code == 1 and station.session(S2)["state"] == "held", (got, station.session(S2))
    engine = station.start()
    control = Control(station)
    control.call("ignore", sessions=[S2])
    got = station.command("retry", S2)
    assert got.code == 2 and "is ignored: take that back first" in got.err, got
    assert engine.stop() == 0
    got = station.once()
    row = station.session(S2)
    assert got.code == 0 and row["ignored"] and row["state"] == "held", (got, row)


def test_an_engine_that_lingers_ends_when_it_is_left_alone(place):
    cloud = place.cloud()
    station = place.station(cloud)
    make_session(station.recordings, S3, {"signals.edf": 1000})
    engine = station.start("--linger")
    control = Control(station)
    station.wait_state(S3, "accepted")
    time.sleep(11)  # longer than a lonely one stays
    assert engine.running
    control.close()
    assert engine.wait(60) == 0, engine.result()
    got = station.command("run", "--linger", "--once")
    assert got.code == 2 and "--linger" in got.err, got


def test_a_console_starts_an_engine_that_outlives_it(place):
    cloud = place.cloud()
    station = place.station(cloud, upload={"bandwidth": "500KB/s"})
    make_session(station.recordings, S1, {"signals.edf": 2_500_000})
    talk = [(S1, "Q")]
    status, screen = on_terminal(place, [HEADGATE, "--ascii", "--config", station.ini], talk, {"LANG": "C.UTF-8"})
    assert status == 0 and S1 in screen, (status, screen)
    assert station.session(S1)["state"] != "accepted", station.session(S1)
    Control(station).close()
    station.wait_state(S1, "accepted", timeout_s=60)
    wait_for(lambda: not (station.state / "control.sock").exists(), 60, "the end of an engine that nobody needs")


def test_a_console_that_looks_on_starts_nothing(place):
    station = place.station(place.cloud())
    status, screen = on_terminal(place, [HEADGATE, "--read-only", "--config", station.ini], [("no engine", "Q")])
    assert status == 0, (status, screen)
    assert not (station.state / "control.sock").exists()
    for words, why in [(("--theme", "pink"), "no theme pink"), (("--screen", "bridge"), "no screen bridge"), (("--raed-only",), "--read-only")]:
        status, screen = on_terminal(place, [HEADGATE, *words, "--config", station.ini])
        assert status == 2 and why in screen, (words, status, screen)


def test_a_group_may_use_journal_and_socket(place):
    name = grp.getgrgid(os.getgid()).gr_name
    cloud = place.cloud()
    station = place.station(cloud, station={"group": name})
    engine = station.start()
    Control(station).close()
    mode = lambda path: stat.S_IMODE(os.stat(path).st_mode)
    assert mode(station.state) == 0o2770, oct(mode(station.state))
    for file in ("state.db", "state.db-wal", "state.db-shm", "control.sock"):
        assert mode(station.state / file) == 0o660, (file, oct(mode(station.state / file)))
    assert engine.stop() == 0


if __name__ == "__main__":
    headgate_test.main()
