#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What cannot be read now may be later: the station's trouble is not the session's, and heals (reliability.md). And what is
too large is not read at all. Each test ends with every byte compared.
"""
import json
import os
import resource
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import HEADGATE, SOAK, Skip, assert_stored, main, make_session, preloaded, wait_for  # noqa: E402

FIRST, SECOND = "20261120_134502", "20261120_150000"


def bad_disk(place, what="/recordings/"):
    """While the file `bad` is there no byte of these files can be read."""
    return preloaded("fault_shim", FAULT_PATH=what, FAULT_WHILE=place.dir / "bad", FAULT_DO="bad")


def test_a_hiccup_of_the_disk_holds_nothing(place):
    cloud = place.cloud()
    station = place.station(cloud)
    (place.dir / "bad").touch()
    engine = station.start(env=bad_disk(place))
    folder = make_session(station.recordings, FIRST)
    row = wait_for(lambda: (lambda r: r if r and "cannot read" in (r["reason"] or "") else None)(station.session(FIRST)), 60,
                   "the session to say what its disk does")
    assert "look at the disk" in row["reason"] and "Input/output error" in row["reason"], row
    (place.dir / "bad").unlink()
    row = station.wait_state(FIRST, "accepted")
    assert row["revision"] == 1, row
    assert_stored(cloud, folder)
    assert "changed" not in engine.err, engine.err
    assert engine.stop() == 0, engine.result()


def test_a_bad_disk_is_on_the_list_and_heals_by_itself(place):
    cloud = place.cloud()
    station = place.station(cloud)
    (place.dir / "bad").touch()
    engine = station.start(env=bad_disk(place, "/signals.edf"))
    folder = make_session(station.recordings, FIRST)
    other = make_session(station.recordings, SECOND, {"other.edf": 9000}, seed=2)
    row = station.wait_state(FIRST, "held")
    assert "signals.edf: unreadable: Input/output error" in row["reason"], row
    station.wait_state(SECOND, "accepted")
    assert_stored(cloud, other)
    got = station.command("status")
    assert got.code == 1 and FIRST in got.out and "read again by itself" in got.out, got
    (place.dir / "bad").unlink()
    row = station.wait_state(FIRST, "accepted", timeout_s=120)
    assert row["revision"] == 1, row
    assert_stored(cloud, folder)
    assert engine.stop() == 0, engine.result()


def test_single_runs_find_that_it_can_be_read_again(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, FIRST)
    (place.dir / "bad").touch()
    got = station.command("run", "--once", "--wait", "30s", timeout_s=90, env=bad_disk(place))
    assert got.code == 1 and FIRST in got.err and "cannot be read" in got.err, got
    got = station.command("run", "--once", "--wait", "30s", timeout_s=90, env=bad_disk(place))
    assert got.code == 1, got
    (place.dir / "bad").unlink()
    got = station.once()
    assert got.code == 0, got
    row = station.session(FIRST)
    assert row["state"] == "accepted" and row["revision"] == 1, row
    assert_stored(cloud, folder)


def test_a_disk_that_fails_once_at_any_call(place):
    """The Nth call that opens, lists, looks at or reads a recording fails, for one N after the other until there are no more
    calls: the run itself, or the next one, has the session in the cloud, of one revision, and nobody has pressed anything."""
    cloud = place.cloud()
    failed = place.dir / "failed"
    n, step = 1, 1 if SOAK else 3
    while True:
        station = place.station(cloud, name=f"lab-{n}")
        folder = make_session(station.recordings, FIRST, {"a.dat": 3000, "sub/b.dat": 300000}, seed=n)
        failed.unlink(missing_ok=True)
        env = preloaded("fault_shim", FAULT_PATH="/recordings", FAULT_DO="glitch", FAULT_AT=n, FAULT_WHILE=failed)
        got = station.command("run", "--once", "--wait", "30s", timeout_s=90, env=env)
        assert got.code in (0, 1, 4, 69, 74), (n, got)
        if got.code:
            again = station.once()
            assert again.code == 0, (n, got, again)
        row = station.session(FIRST)
        assert row["state"] == "accepted" and row["revision"] == 1, (n, row, got)
        assert_stored(cloud, folder, station=station.name)
        if not failed.exists():
            break
        n += step
    assert n > 20, n


def test_descriptors_that_run_out(place):
    """However few files may be open: a sentence that names the limit, no signal, nothing lost, and the next run goes on."""
    cloud = place.cloud()
    for most in range(12, 60, 6):
        station = place.station(cloud, name=f"lab-{most}")
        folder = make_session(station.recordings, FIRST, {"a.dat": 3000, "a/b/c/d/e/f.dat": 30000}, seed=most)

        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

        got = place.run([HEADGATE, "run", "--once", "--wait", "10s", "--config", station.ini], station.env(), 90, limit)
        assert got.code in (0, 1, 4, 69, 74), (most, got)
        assert got.code in (0, 69) or "open files" in got.err or "files are open" in got.err, (most, got)
        again = station.once()
        assert again.code == 0, (most, got, again)
        assert station.session(FIRST)["revision"] == 1, (most, got)
        assert_stored(cloud, folder, station=station.name)


def test_rights_that_are_mended_are_found(place):
    if os.geteuid() != 0:
        raise Skip("files of another user need root")
    cloud = place.cloud()
    station = place.station(cloud, user="nobody", upload={"retry_base": "200ms", "retry_cap": "1h"})
    folder = make_session(station.recordings, FIRST)
    (folder / "signals.edf").chmod(0)
    station.write()
    engine = station.start()
    row = station.wait_state(FIRST, "held")
    assert "signals.edf: unreadable: Permission denied" in row["reason"], row
    (folder / "signals.edf").chmod(0o644)
    row = station.wait_state(FIRST, "accepted")
    assert row["revision"] == 1, row
    assert_stored(cloud, folder)
    assert engine.stop() == 0, engine.result()


def test_a_folder_that_cannot_be_read_for_a_while(place):
    """Its own rights, in work and after it was sent in part: no new revision."""
    if os.geteuid() != 0:
        raise Skip("files of another user need root")
    cloud = place.cloud()
    station = place.station(cloud, user="nobody", upload={"bandwidth": "1MiB/s", "retry_base": "200ms", "retry_cap": "1s"})
    folder = make_session(station.recordings, FIRST, {"big.dat": 4 << 20})
    station.write()
    engine = station.start()
    station.wait_state(FIRST, "uploading")
    folder.chmod(0)
    wait_for(lambda: station.session(FIRST)["state"] in ("uploading", "queued", "uploaded", "accepted"), 30, "it to go on")
    folder.chmod(0o755)
    row = station.wait_state(FIRST, "accepted", timeout_s=120)
    assert row["revision"] == 1, row
    assert_stored(cloud, folder)
    assert engine.stop() == 0, engine.result()


def test_sparse_files_of_terabytes_are_not_read(place):
    cloud = place.cloud()
    station = place.station(cloud, station={"total_max": "4GiB"})
    giant = make_session(station.recordings, FIRST)
    with open(giant / "giant.dat", "wb") as out:
        out.truncate(8 << 40)
    many = make_session(station.recordings, "20261120_140000", {"a.dat": 100})
    for n in range(3):  # each allowed, all of them not
        with open(many / f"{n}.dat", "wb") as out:
            out.truncate(2 << 30)
    folder = make_session(station.recordings, SECOND, seed=2)
    got = station.once(timeout_s=200)
    assert got.code == 1, got
    rows = station.sessions()
    assert rows[FIRST]["state"] == "held" and "giant.dat has 8.8 TB" in rows[FIRST]["reason"], rows[FIRST]
    assert rows["20261120_140000"]["state"] == "held" and "more than 4.3 GB" in rows["20261120_140000"]["reason"], rows
    assert rows[SECOND]["state"] == "accepted", rows[SECOND]
    assert_stored(cloud, folder)


def test_a_file_that_claims_more_than_numbers_can_tell(place):
    """Eight exbibytes less one: no figure of JSON, no sum of the journal holds them."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or not os.access(memory, os.W_OK):
        raise Skip("no file system at hand that takes such files")
    there = Path(tempfile.mkdtemp(prefix="headgate-test-", dir=memory))
    try:
        cloud = place.cloud()
        station = place.station(cloud, station={"watch": there})
        for n, size in enumerate([2**63 - 4096, 2**63 - 4096, 2**53 + 1]):
            folder = make_session(there, f"20261120_13450{n}", {"a.dat": 100})
            for name in ("x.dat", "y.dat"):
                with open(folder / name, "wb") as out:
                    try:
                        out.truncate(size)
                    except OSError:
                        raise Skip("no file system at hand that takes such files") from None
        folder = make_session(there, SECOND, seed=2)
        got = station.once()
        assert got.code == 1, got
        rows = station.sessions()
        for n in range(3):
            assert rows[f"20261120_13450{n}"]["state"] == "held" and "x.dat has " in rows[f"20261120_13450{n}"]["reason"], rows
        assert rows[SECOND]["state"] == "accepted", rows[SECOND]
        assert_stored(cloud, folder)
        assert station.command("status", "--json").code == 1
        files = station.command("sessions", "--json", "20261120_134500").json_lines()[0]["file_list"]
        assert all(isinstance(file["bytes" if "bytes" in file else "size"], int) for file in files), files
        json.dumps(rows)
    finally:
        shutil.rmtree(there)


def verdict(station):
    got = station.command("status", "--json")
    return got.code, json.loads(got.out)["safe"]["causes"], got.err


def grow_unseen(folder):
    """What is hidden behind the fault: bytes that are in no cloud."""
    (folder / "sub/later.dat").write_bytes(os.urandom(700))


FAULTS = {  # name: (what makes it unreadable, what mends it)
    "a folder in it": (lambda f: (f / "sub").chmod(0), lambda f: (f / "sub").chmod(0o755)),
    "its folder": (lambda f: f.chmod(0), lambda f: f.chmod(0o755)),
    "the watched folder": (lambda f: f.parent.chmod(0o444), lambda f: f.parent.chmod(0o755)),
    "a link in its place": (lambda f: (f.rename(f.parent.parent / "away"), f.symlink_to(f.parent.parent / "away")),
                            lambda f: (f.unlink(), (f.parent.parent / "away").rename(f))),
    "a file in its place": (lambda f: (f.rename(f.parent.parent / "away"), f.write_text("moved")),
                            lambda f: (f.unlink(), (f.parent.parent / "away").rename(f))),
}


def test_an_accepted_session_that_cannot_be_read_any_more_is_not_well(place):
    """What nobody can compare was not looked at: single runs and status say so, run after run, and it heals by itself."""
    if os.geteuid() != 0:
        raise Skip("files of another user need root")
    cloud = place.cloud()
    for n, (what, (harm, mend)) in enumerate(FAULTS.items()):
        station = place.station(cloud, name=f"lab-{n}", user="nobody")
        folder = make_session(station.recordings, FIRST, {"a.dat": 3000, "sub/b.dat": 4000}, seed=n)
        station.write()
        assert (got := station.once()).code == 0, (what, got)
        grow_unseen(folder)
        harm(folder)
        try:
            for _ in range(2):
                got = station.once()
                assert got.code == 74 and FIRST in got.err and "accepted session" in got.err, (what, got)
                code, causes, err = verdict(station)
                assert code == 74 and "unreadable" in causes and FIRST in err, (what, code, causes, err)
            assert station.session(FIRST)["state"] == "accepted" and station.session(FIRST)["present"], (what, station.session(FIRST))
        finally:
            mend(folder)
        assert (got := station.once()).code == 0, (what, got)
        assert station.session(FIRST)["revision"] == 2 and verdict(station)[0] == 0, (what, station.session(FIRST))
        assert_stored(cloud, folder, station=station.name, revision=2)


def test_an_engine_says_that_accepted_ones_cannot_be_read_and_finds_them_again(place):
    if os.geteuid() != 0:
        raise Skip("files of another user need root")
    cloud = place.cloud()
    station = place.station(cloud, user="nobody", station={"rescan": "500ms"})
    folder = make_session(station.recordings, FIRST, {"a.dat": 3000, "sub/b.dat": 4000})
    station.write()
    engine = station.start()
    station.wait_state(FIRST, "accepted")
    wait_for(lambda: verdict(station)[0] == 0, 60, "all to be well")
    (folder / "sub").chmod(0)
    wait_for(lambda: verdict(station)[:2] == (74, ["unreadable"]), 60, "the engine to say that it cannot be read")
    grow_unseen(folder)
    assert engine.stop() == 0
    assert verdict(station)[0] == 74, "and it is known when no engine runs"
    engine = station.start()
    wait_for(lambda: verdict(station)[:2] == (74, ["unreadable"]), 60, "the next engine to say so too")
    (folder / "sub").chmod(0o755)
    wait_for(lambda: (r := station.session(FIRST))["revision"] == 2 and r["state"] == "accepted", 60, "the next revision")
    wait_for(lambda: verdict(station)[0] == 0, 60, "all to be well again")
    assert_stored(cloud, folder, revision=2)
    assert engine.stop() == 0


def test_a_disk_that_fails_while_bytes_are_compared(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, FIRST)
    assert (got := station.once()).code == 0, got
    was = (folder / "signals.edf").stat()
    data = bytearray((folder / "signals.edf").read_bytes())
    data[-1] ^= 1
    with open(folder / "signals.edf", "r+b") as f:
        f.write(data)
    os.utime(folder / "signals.edf", ns=(was.st_atime_ns, was.st_mtime_ns))
    (place.dir / "bad").touch()
    for _ in range(2):
        got = station.command("run", "--once", "--wait", "30s", timeout_s=90, env=bad_disk(place))
        assert got.code == 74 and "signals.edf" in got.err, got
        assert verdict(station)[:2] == (74, ["unreadable"]), verdict(station)
    (place.dir / "bad").unlink()
    assert (got := station.once()).code == 0 and verdict(station)[0] == 0, got
    assert_stored(cloud, folder, revision=2)


def test_a_file_with_a_sessions_name_is_told(place):
    cloud = place.cloud()
    station = place.station(cloud)
    (station.recordings / FIRST).write_bytes(os.urandom(500))
    got = station.once()
    assert got.code == 1 and "is a file, and a session is a folder" in got.err, got
    (station.recordings / FIRST).unlink()
    folder = make_session(station.recordings, FIRST)
    assert (got := station.once()).code == 0, got
    assert_stored(cloud, folder)


if __name__ == "__main__":
    main()
