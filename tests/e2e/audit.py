# SPDX-License-Identifier: MIT
"""Sessions that were accepted are compared with their folders for ever: each has its turn, a change that kept size and time
is found by its bytes, and other inodes with the same bytes are no change."""
import json
import os
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import assert_stored, main, make_session, wait_for  # noqa: E402

S1, S2 = "20261120_134502", "20261120_140000"
SCHEMA = "[metadata]\nfile = metadata.txt\n[metadata.keys]\nfatigue_level = number 0..10 required\n"


def correct(path, data):
    """Other bytes of the same length, with the time put back."""
    was = path.stat()
    assert len(data) == was.st_size and data != path.read_bytes()
    with open(path, "r+b") as f:
        f.write(data)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def copy_in_place(folder):
    """The same bytes and times under other inodes, as after a copy to another disk."""
    copy = folder.parent / ".copy"
    shutil.copytree(folder, copy)
    shutil.rmtree(folder)
    copy.rename(folder)


def inodes(station, session):
    with closing(sqlite3.connect(f"file:{station.state}/state.db?mode=ro", uri=True)) as db:
        return dict(db.execute("SELECT file.name, inode FROM file JOIN session ON session.id = file.session WHERE session.name = ?"
                               " AND file.revision = session.revision", (session,)))


def test_a_change_that_kept_size_and_time_is_the_next_revision(place):
    cloud = place.cloud()
    station = place.station(cloud, station={"rescan": "500ms"})
    first = make_session(station.recordings, S1, {"signals.edf": 20_000})
    second = make_session(station.recordings, S2, {"signals.edf": 20_000}, seed=2)
    engine = station.start()
    for session in (S1, S2):
        station.wait_state(session, "accepted")
    correct(first / "signals.edf", os.urandom(20_000))
    wait_for(lambda: (r := station.session(S1))["revision"] == 2 and r["state"] == "accepted", 60, "the next revision, while it runs")
    assert_stored(cloud, first, revision=2)
    assert engine.stop() == 0
    correct(second / "signals.edf", os.urandom(20_000))
    got = station.once()
    assert got.code == 0 and station.session(S2)["revision"] == 2, (got, station.session(S2))
    assert_stored(cloud, second, revision=2)
    assert station.session(S1)["revision"] == 2


def test_metadata_mended_with_size_and_time_kept_are_seen(place):
    cloud = place.cloud(schema=SCHEMA)
    station = place.station(cloud)
    folder = make_session(station.recordings, S1, metadata="fatigue_level: 99\n")
    assert station.once().code == 1 and station.session(S1)["state"] == "held"
    correct(folder / "metadata.txt", b"fatigue_level: 09\n")
    got = station.once()
    assert got.code == 0 and station.session(S1)["state"] == "accepted", (got, station.session(S1))


def test_other_inodes_with_the_same_bytes_are_no_change(place):
    cloud = place.cloud(schema=SCHEMA)
    station = place.station(cloud)
    folder = make_session(station.recordings, S1, {"a/signals.edf": 20_000, "events.csv": 500}, metadata="fatigue_level: 4\n")
    held = make_session(station.recordings, S2, {"signals.edf": 20_000}, metadata="fatigue_level: 99\n", seed=2)
    assert station.once().code == 1
    before, stored = station.sessions(), cloud.object_count()
    for each in (folder, held):
        copy_in_place(each)
    (folder / "events.csv").chmod(0o600)
    assert station.once().code == 1
    after = station.sessions()
    for session in (S1, S2):
        assert {k: before[session][k] for k in ("state", "revision", "accepted_at")} == {k: after[session][k] for k in ("state", "revision", "accepted_at")}, (before, after)
    assert cloud.object_count() == stored
    for session, where in ((S1, folder), (S2, held)):  # written down, and not read again each time
        assert inodes(station, session) == {name: (where / name).stat().st_ino for name in inodes(station, session)}


def test_every_accepted_session_has_its_turn(place):
    """Far more than are looked at in one run: whatever was changed is found within a bounded number of runs, and until then the age
    of the last whole look says how old what is known may be."""
    cloud = place.cloud()
    station = place.station(cloud, settle="100ms")
    names = [f"20261120_{8 + i // 3600:02}{i // 60 % 60:02}{i % 60:02}" for i in range(360)]
    for i, name in enumerate(names):
        make_session(station.recordings, name, {"a.bin": 1100}, seed=i)
    assert (got := station.once(wait="200s", timeout_s=300)).code == 0, got
    changed = (0, 200, 290, 359)
    for i in changed:
        with open(station.recordings / names[i] / "a.bin", "ab") as f:
            f.write(b"more")
    for _ in range(3):
        assert (got := station.once(wait="100s", timeout_s=200)).code == 0, got
    rows = station.sessions()
    assert {name: row["revision"] for name, row in rows.items() if row["revision"] != 1} == {names[i]: 2 for i in changed}
    for i in changed:
        assert_stored(cloud, station.recordings / names[i], revision=2)
    status = json.loads(station.command("status", "--json").out)
    assert status["safe"]["verdict"] == "yes", status["safe"]


def test_the_age_of_the_last_whole_look_is_told(place):
    cloud = place.cloud()
    station = place.station(cloud, station={"rescan": "500ms"})
    make_session(station.recordings, S1)
    engine = station.start()
    station.wait_state(S1, "accepted")
    look = wait_for(lambda: (l := json.loads(station.command("status", "--json").out)["look"])["oldest_at"] and l, 60, "a whole look")
    assert look["at"] >= look["oldest_at"], look
    assert "each accepted session compared since" in station.command("status").out
    assert engine.stop() == 0


def test_status_without_an_engine_looks_at_accepted_ones(place):
    """Between single runs it must not say that all is well of what it did not compare."""
    cloud = place.cloud()
    station = place.station(cloud)
    folders = [make_session(station.recordings, session, seed=n) for n, session in enumerate((S1, S2))]
    assert (got := station.once()).code == 0 and station.command("status").code == 0, got
    with open(folders[0] / "signals.edf", "ab") as f:
        f.write(b"more")
    got = station.command("status", "--json")
    shown = json.loads(got.out)
    assert got.code == 4 and shown["safe"]["causes"] == ["changed"] and "start headgate run" in got.err, got
    assert shown["folders"][0]["changed"] == 1 and shown["folders"][0]["accepted_compared"] == 2, shown["folders"]
    assert f"1 changed since accepted, the first {S1}" in station.command("status").out
    shutil.rmtree(folders[1])  # removed by a person: no change
    assert (got := station.once()).code == 0 and station.session(S1)["revision"] == 2, got
    assert station.command("status").code == 0
    (station.recordings / "away").mkdir()
    folders[0].rename(station.recordings / "away" / "it")
    folders[0].symlink_to("away/it")
    got = station.command("status", "--json")
    assert got.code == 74 and json.loads(got.out)["safe"]["causes"] == ["unreadable"] and "is a link" in got.err, got


if __name__ == "__main__":
    main()
