#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The station's journal when the process dies, the disk is full or broken, or another program holds it.

Holds up promises 1 to 3 of reliability.md: no byte is lost, nothing unsafe is shown as safe, no session is forgotten. Each
test ends with every byte of every session compared.
"""
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test
from headgate_test import HEADGATE, SOAK, Skip, assert_stored, make_session, preloaded, wait_for


def fault(do, at=None, present=None, path="state.db"):
    """The environment in which changes to the station's journal fail so."""
    env = preloaded("fault_shim", FAULT_PATH=path, FAULT_DO=do)
    if at:
        env["FAULT_AT"] = at
    if present:
        env["FAULT_WHILE"] = present
    return env


def once(station, env=None):
    return station.command("run", "--once", "--wait", "60s", env=env, timeout_s=90)


def session_name(n):
    return f"20261120_{n // 3600:02}{n // 60 % 60:02}{n % 60:02}"


def assert_sound(station):
    """SQLite finds no fault, and each session is in the state that its last event explains."""
    with closing(sqlite3.connect(station.state / "state.db", timeout=10)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        bad = db.execute("SELECT name, state FROM session s WHERE state IS NOT (SELECT state FROM event e WHERE e.session = s.id"
                         " AND e.state IS NOT NULL ORDER BY id DESC LIMIT 1)").fetchall()
        assert not bad, bad
        counted = dict(db.execute("SELECT name, value FROM summary WHERE name LIKE 'state:%' AND value <> 0").fetchall())
        assert counted == {f"state:{state}": n for state, n in db.execute("SELECT state, count(*) FROM session GROUP BY state")}


def assert_all_accepted(cloud, station, folders):
    got = once(station)
    assert got.code == 0, got
    rows = station.sessions()
    assert sorted(rows) == sorted(folder.name for folder in folders), rows
    for folder in folders:
        assert rows[folder.name]["state"] == "accepted", rows[folder.name]
        assert_stored(cloud, folder)
    assert_sound(station)


def assert_disk_error(got, *words):
    assert got.code == 74, got
    assert "state.db" in got.err and all(word in got.err for word in words), got


def kill_points(last):
    return range(1, last) if SOAK else [1, 2, 4, 7, 11, 16, 22, 29, 37, 46, 60, 80]


def test_killed_between_any_two_journal_writes(place):
    """Also in the middle of one: SIGKILL before the Nth change of the journal, or after half of it."""
    cloud = place.cloud()
    station = place.station(cloud)
    folders, killed = [], 0
    for n in kill_points(300):
        folders.append(make_session(station.recordings, session_name(n), {"a.dat": 3000, "sub/b.dat": 70}, seed=n))
        got = once(station, fault("torn" if n % 2 else "kill", at=n))
        assert got.code in (0, -9), got
        killed += got.code == -9
        if got.code == -9 and station.sessions():
            assert_sound(station)
    assert killed >= 8, killed
    assert_all_accepted(cloud, station, folders)


def test_a_full_disk_stops_the_engine_and_loses_nothing(place):
    cloud = place.cloud()
    station = place.station(cloud)
    full = place.dir / "full"
    folders = [make_session(station.recordings, session_name(1))]
    engine = station.start(env=fault("ENOSPC", present=full))
    station.wait_state(folders[0].name, "accepted")
    full.touch()
    folders.append(make_session(station.recordings, session_name(2)))
    engine.wait(60)
    assert_disk_error(engine.result(), "is full", "free some space")
    # It shows, and does not begin before there is space.
    shown = station.command("status", "--json")
    assert shown.code in (0, 1, 4, 69), shown
    assert_disk_error(once(station, fault("ENOSPC", present=full)), "is full", "free some space")
    assert_sound(station)
    full.unlink()
    assert_all_accepted(cloud, station, folders)


def test_a_disk_that_fails_at_any_moment(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folders = []
    for i, n in enumerate(range(1, 150) if SOAK else [1, 3, 9, 20, 35, 50]):
        folders.append(make_session(station.recordings, session_name(n), {"a.dat": 3000}, seed=n))
        got = once(station, fault(("ENOSPC", "EIO")[i % 2], at=n))
        if got.code:  # the change may come after all was accepted
            assert_disk_error(got)
    assert_all_accepted(cloud, station, folders)


def test_a_disk_that_is_really_full(place):
    """A file system of its own, filled to the last byte; where one may be mounted."""
    cloud = place.cloud()
    station = place.station(cloud)
    station.state.mkdir(mode=0o700)
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", station.state], capture_output=True).returncode:
        raise Skip("no file system can be mounted here")
    try:
        station.sections["station"]["allow_volatile"] = "yes"
        station.write()
        folders = [make_session(station.recordings, session_name(n), {"a.dat": 100}) for n in range(3)]
        assert once(station).code == 0
        filler = station.state / "filler"
        with open(filler, "wb") as out:
            try:
                while True:
                    os.write(out.fileno(), bytes(4096))
            except OSError:
                pass
        folders += [make_session(station.recordings, session_name(n), {f"{i}.dat": 10 for i in range(40)}, seed=n) for n in range(10, 20)]
        assert_disk_error(once(station), "full")
        filler.unlink()
        assert_all_accepted(cloud, station, folders)
    finally:
        subprocess.run(["umount", "-l", station.state], check=True)


def test_a_full_disk_of_small_blocks(place):
    """The log's index is mapped into memory, and grows by holes where blocks are smaller than pages: no command ends with
    a signal, each says what it is."""
    cloud = place.cloud()
    station = place.station(cloud)
    station.state.mkdir(mode=0o700)
    image = place.dir / "small.img"
    with open(image, "wb") as out:
        out.truncate(16 << 20)
    if os.getuid() != 0 or not shutil.which("mkfs.ext4"):
        raise Skip("needs root and mkfs.ext4")
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-b", "1024", image], check=True)
    if subprocess.run(["mount", "-o", "loop", image, station.state], capture_output=True).returncode:
        raise Skip("no file system can be mounted here")
    try:
        folders = [make_session(station.recordings, session_name(n), {"a.dat": 100}) for n in range(3)]
        assert once(station).code == 0
        filler = station.state / "filler"
        with open(filler, "wb") as out:
            try:
                while True:
                    os.write(out.fileno(), bytes(1024))
            except OSError:
                pass
        folders += [make_session(station.recordings, session_name(n), {f"{i}.dat": 10 for i in range(40)}, seed=n) for n in range(10, 20)]
        for words in ("status", "sessions"):  # what the index needs may have its room, or not
            got = station.command(words)
            assert got.code in (0, 1, 4) or "full" in got.err, got
        assert_disk_error(once(station), "full")
        filler.unlink()
        assert_all_accepted(cloud, station, folders)
    finally:
        subprocess.run(["umount", "-l", station.state], check=True)


def test_a_limit_on_the_size_of_files(place):
    """`ulimit -f`, LimitFSIZE: its signal ends nobody, the limit is named, and nothing is lost."""
    cloud = place.cloud()
    station = place.station(cloud)
    folders = [make_session(station.recordings, session_name(1))]
    assert once(station).code == 0
    size = sum(path.stat().st_size for path in station.state.glob("state.db*"))
    folders += [make_session(station.recordings, session_name(n), {f"{i}.dat": 10 for i in range(40)}, seed=n) for n in range(10, 20)]

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    got = place.run([HEADGATE, "run", "--once", "--wait", "60s", "--config", station.ini], station.env(), 90, limit)
    assert_disk_error(got, "a limit on the size of files")
    assert_all_accepted(cloud, station, folders)


def test_a_state_folder_that_goes_away_under_the_engine(place):
    """Removed, replaced, or its lock alone: it is noticed while nothing happens too, said, and the engine ends with 74. The next
    one finds the recordings anew."""
    cloud = place.cloud()

    def remove(state):
        shutil.rmtree(state)

    def replace(state):
        shutil.copy(state / "state.db", state / "copy")
        os.replace(state / "copy", state / "state.db")

    def unlock(state):
        (state / "lock").unlink()

    for n, harm in enumerate([remove, replace, unlock]):
        station = place.station(cloud, name=f"lab-{n}", rescan="1h")
        folders = [make_session(station.recordings, session_name(n))]
        engine = station.start()
        station.wait_state(folders[0].name, "accepted")
        harm(station.state)
        second = once(station)  # it may not work beside the first
        assert second.code == 75 or not engine.running, (harm, second)
        assert engine.wait(60) == 74, engine.result()
        assert "removed or replaced" in engine.err and str(station.state) in engine.err, engine.err
        folders.append(make_session(station.recordings, session_name(n + 10), seed=n))
        got = once(station)
        assert got.code == 0, (harm, got)
        for folder in folders:
            assert_stored(cloud, folder, station=station.name)


def test_a_locked_journal_is_waited_for_and_then_told(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folders = [make_session(station.recordings, session_name(1))]
    engine = station.start()
    station.wait_state(folders[0].name, "accepted")
    other = sqlite3.connect(station.state / "state.db", isolation_level=None, timeout=30)
    other.execute("BEGIN IMMEDIATE")
    folders.append(make_session(station.recordings, session_name(2)))
    time.sleep(2)  # less than the engine waits: it must not mind
    other.execute("ROLLBACK")
    station.wait_state(folders[1].name, "accepted")
    assert engine.stop() == 0, engine.result()
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    folders.append(make_session(station.recordings, session_name(3)))
    got = once(station)
    assert_disk_error(got, "another program keeps it locked")
    assert time.monotonic() - began < 40, "it waited for ever"
    other.execute("ROLLBACK")
    other.close()
    assert_all_accepted(cloud, station, folders)


def test_a_journal_that_is_none_or_of_a_newer_program(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, session_name(1))
    assert once(station).code == 0
    journal = station.state / "state.db"
    with closing(sqlite3.connect(journal, isolation_level=None)) as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute("PRAGMA user_version = 99")
    got = once(station)
    assert_disk_error(got, "version 99", "newer program")
    assert_disk_error(station.command("status"), "version 99")
    with closing(sqlite3.connect(journal, isolation_level=None)) as db:
        db.execute(f"PRAGMA user_version = {version}")
    assert_all_accepted(cloud, station, [folder])
    with closing(sqlite3.connect(journal, isolation_level=None)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # so that the file alone is the journal
    kept = journal.read_bytes()
    for name in ("state.db-wal", "state.db-shm"):
        (station.state / name).unlink(missing_ok=True)
    journal.write_bytes(b"not a database, but a text of some length" * 100)
    assert_disk_error(once(station), "move it away")
    assert journal.read_bytes().startswith(b"not a database"), "it was written over"
    journal.write_bytes(kept)
    assert_all_accepted(cloud, station, [folder])


def test_a_state_folder_that_may_not_be_written(place):
    """As a user who is not root: root writes everywhere, and this test could not fail."""
    if os.getuid() != 0:
        raise Skip("needs root to become another user")
    cloud = place.cloud()
    station = place.station(cloud, user="nobody")
    station.state.mkdir()
    station.write()
    os.chown(station.state, 0, 0)
    station.state.chmod(0o755)
    folder = make_session(station.recordings, session_name(1))
    got = once(station)
    assert got.code == 74 and str(station.state) in got.err, got
    os.chown(station.state, *[getattr(os.stat(station.recordings), field) for field in ("st_uid", "st_gid")])
    assert_all_accepted(cloud, station, [folder])


if __name__ == "__main__":
    headgate_test.main()
