#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A watched folder whose file system does not answer (a file server that is gone, a dying disk: every call waits for ever) costs
itself only: nobody's work waits for another's (reliability.md). Each test ends with every byte compared.
"""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import assert_stored, main, make_session, preloaded, wait_for  # noqa: E402

FIRST, SECOND, THIRD = "20261120_134502", "20261120_150000", "20261120_160000"


class Hanging:
    """A station with two watched folders; the other one, `nas`, answers no call while `gate` exists."""

    def __init__(self, place, **sections):
        self.cloud = place.cloud()
        self.station = place.station(self.cloud, **sections)
        self.nas, self.gate = self.station.dir / "nas", place.dir / "gate"
        self.nas.mkdir()
        self.station.sections["station"]["watch"] = [self.station.recordings, self.nas]
        self.station.write()

    def env(self, where="/nas"):
        return preloaded("fault_shim", FAULT_PATH=where, FAULT_WHILE=self.gate, FAULT_DO="hang")

    def folder(self):
        """What status says of the hanging one."""
        got = self.station.command("status", "--json")
        return next((f for f in json.loads(got.out or "{}").get("folders") or [] if f["path"] == str(self.nas)), None)


def test_the_others_go_on_and_it_heals(place):
    h = Hanging(place)
    engine = h.station.start(env=h.env())
    make_session(h.nas, FIRST)
    h.station.wait_state(FIRST, "accepted")
    h.gate.touch()
    late = make_session(h.nas, SECOND, seed=2)
    for n in range(12):  # more than one folder's threads hold
        make_session(h.nas, f"20261121_1200{n:02}", {"a.dat": 2000}, seed=n)
    wait_for(lambda: h.folder()["ok"] is False, 60, "status to tell of the folder that hangs")
    assert "has not answered since" in h.folder()["error"]["message"], h.folder()
    other = make_session(h.station.recordings, THIRD, seed=3)
    h.station.wait_state(THIRD, "accepted")
    assert_stored(h.cloud, other)
    assert h.folder()["ok"] is False
    wait_for(lambda: "has not answered since" in engine.err, 60, "the event that tells of it")
    h.gate.unlink()
    h.station.wait_state(SECOND, "accepted", timeout_s=120)
    assert_stored(h.cloud, late)
    wait_for(lambda: h.folder()["ok"] is True, 60, "status to tell that it is back")
    assert "is back" in engine.err, engine.err
    assert engine.stop() == 0, engine.result()


def test_it_is_ended_while_a_folder_hangs(place):
    """From its start on: the socket answers, SIGTERM ends it, the next engine goes on."""
    h = Hanging(place)
    make_session(h.nas, FIRST)
    h.gate.touch()
    engine = h.station.start(env=h.env())
    other = make_session(h.station.recordings, SECOND, seed=2)
    h.station.wait_state(SECOND, "accepted")
    assert_stored(h.cloud, other)
    assert engine.stop() == 0, engine.result()
    h.gate.unlink()
    got = h.station.once()
    assert got.code == 0, got
    assert h.station.session(FIRST)["state"] == "accepted"


def test_a_single_run_ends_and_does_not_say_that_all_is_well(place):
    h = Hanging(place)
    make_session(h.nas, FIRST)
    assert h.station.once().code == 0
    make_session(h.nas, SECOND, seed=2)
    h.gate.touch()
    other = make_session(h.station.recordings, THIRD, seed=3)
    got = h.station.command("run", "--once", "--wait", "60s", timeout_s=90, env=h.env())
    assert got.code not in (0, -1), got
    assert "has not answered since" in got.err, got
    assert h.station.session(THIRD)["state"] == "accepted"
    assert_stored(h.cloud, other)


def test_status_without_an_engine_does_not_wait_for_a_folder_that_hangs(place):
    h = Hanging(place)
    make_session(h.nas, FIRST)
    assert h.station.once().code == 0 and h.station.command("status").code == 0
    h.gate.touch()
    got = h.station.command("status", "--json", timeout_s=60, env=h.env())
    shown = json.loads(got.out)
    assert got.code == 74 and "folder_lost" in shown["safe"]["causes"] and "does not answer within" in got.err, got
    assert [folder["ok"] for folder in shown["folders"]].count(False) == 1, shown["folders"]
    assert FIRST in h.station.command("sessions", FIRST, timeout_s=60, env=h.env()).out, "nor does a session's own page"


def wait_sending(station):
    """Until bytes are on their way: with the limit of a MiB a second the rest takes long enough."""
    def rate():
        queue = json.loads(station.command("status", "--json").out or "{}").get("queue") or {}
        return queue.get("rate_bytes_per_s")
    wait_for(rate, 60, "bytes to be on their way")


def test_it_hangs_while_its_files_are_sent(place):
    """The reads are under way: the other folder's session, the socket and the end do not wait for them."""
    h = Hanging(place, upload={"bandwidth": "1MiB/s", "retry_base": "200ms", "retry_cap": "1s"})
    engine = h.station.start(env=h.env())
    sent = make_session(h.nas, FIRST, {"big.dat": 30 << 20})
    wait_sending(h.station)
    h.gate.touch()
    other = make_session(h.station.recordings, SECOND, seed=2)
    h.station.wait_state(SECOND, "accepted", timeout_s=120)
    assert_stored(h.cloud, other)
    assert engine.stop() == 0, engine.result()
    h.gate.unlink()
    h.station.sections["upload"].pop("bandwidth")
    h.station.write()
    assert h.station.once().code == 0
    assert_stored(h.cloud, sent)


def test_it_hangs_for_a_moment_while_its_files_are_sent(place):
    """The engine lives on: the same revision goes up when the folder answers again."""
    h = Hanging(place, upload={"bandwidth": "1MiB/s", "retry_base": "200ms", "retry_cap": "1s"})
    engine = h.station.start(env=h.env())
    sent = make_session(h.nas, FIRST, {"big.dat": 6 << 20})
    wait_sending(h.station)
    h.gate.touch()
    wait_for(lambda: "has not answered since" in engine.err, 60, "the event that tells of it")
    h.gate.unlink()
    row = h.station.wait_state(FIRST, "accepted", timeout_s=120)
    assert row["revision"] == 1, row
    assert_stored(h.cloud, sent)
    assert "object store does not answer" not in engine.err, engine.err
    assert engine.stop() == 0, engine.result()


def test_a_read_error_while_sending_is_no_change(place):
    """A disk that fails for a while: the session waits with that reason, makes no new revision, and goes on by itself."""
    h = Hanging(place, upload={"bandwidth": "1MiB/s", "retry_base": "200ms", "retry_cap": "1s"})
    engine = h.station.start(env=dict(h.env(), FAULT_DO="bad"))
    sent = make_session(h.nas, FIRST, {"big.dat": 6 << 20})
    wait_sending(h.station)
    h.gate.touch()
    row = wait_for(lambda: (lambda r: r if r and "cannot read" in (r["reason"] or "") else None)(h.station.session(FIRST)), 60,
                   "the session to say what its disk does")
    assert row["state"] in ("queued", "uploading") and row["revision"] == 1, row
    wait_for(lambda: h.station.session(FIRST)["tries"] >= 3, 60, "it to be tried again and again")
    h.gate.unlink()
    row = h.station.wait_state(FIRST, "accepted", timeout_s=120)
    assert row["revision"] == 1, row
    assert_stored(h.cloud, sent)
    assert "changed" not in engine.err, engine.err
    assert engine.stop() == 0, engine.result()


def test_recordings_on_a_file_server(place):
    """Whatever may wait for it is asked in the folder's own threads: files of all sizes go up as from a local disk, and one that
    changes while it is sent is noticed."""
    cloud = place.cloud()
    station = place.station(cloud, upload={"bandwidth": "4MiB/s"})
    engine = station.start(env=preloaded("fault_shim", FAULT_PATH="/recordings", FAULT_FSTYPE="0x6969"))
    small = make_session(station.recordings, FIRST, {f"{n:03}.dat": 100 + n for n in range(150)})
    large = make_session(station.recordings, SECOND, {"big.dat": 12 << 20}, seed=2)
    station.wait_state(FIRST, "accepted", timeout_s=120)
    assert_stored(cloud, small)
    station.wait_state(SECOND, "uploading", timeout_s=120)
    with open(large / "big.dat", "r+b") as out:
        out.write(b"changed")
    row = wait_for(lambda: (lambda r: r if r["state"] == "accepted" else None)(station.session(SECOND)), 120, "it to be accepted")
    assert_stored(cloud, large, revision=row["revision"])
    assert engine.stop() == 0, engine.result()


if __name__ == "__main__":
    main()
