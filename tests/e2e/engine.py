#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The engine against the real cloud: from a folder to accepted, and what may come between."""
import json
import os
import signal
import sqlite3
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test
from headgate_test import GOOD_METADATA, assert_stored, make_session, wait_for, write_seeded

S1, S2, S3 = "20261120_134502", "20261120_140000", "20261121_080000"
SCHEMA = "[metadata]\nfile = metadata.txt\nversion = 1\n[metadata.keys]\nfatigue_level = number 0..10 required\nhardware_model = text required\n"


def journal(station, sql, *values):
    """Rows of the station's journal."""
    with sqlite3.connect(f"file:{station.state}/state.db?mode=ro", uri=True, timeout=10) as db:
        return db.execute(sql, values).fetchall()


def catalog(cloud, sql, *values):
    path = next(path for path in cloud.data.glob("*.db") if "catalog" in path.name)
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10) as db:
        return db.execute(sql, values).fetchall()


def event_times(station, session, state):
    """When the session entered the state, in ms, as the journal's events tell it."""
    return [row[0] for row in journal(station, "SELECT e.at_ms FROM event e JOIN session s ON s.id = e.session"
                                      " WHERE s.name = ? AND e.state = ? ORDER BY e.id", session, state)]


def started(station):
    wait_for(lambda: (station.state / "control.sock").exists(), 60, "the engine's control socket")


def assert_quick_stop(child):
    began = time.monotonic()
    status = child.stop()
    assert time.monotonic() - began < 8, "SIGTERM took too long"
    assert status == 0, child.result()


def test_thin_path(place):
    cloud = place.cloud(schema=SCHEMA)
    station = place.station(cloud)
    folder = make_session(station.recordings, S1, {"signals.edf": 300_000, "sub folder/händler 1.csv": 5000})
    got = station.once()
    assert got.code == 0, got
    assert station.session(S1)["state"] == "accepted"
    assert_stored(cloud, folder)


def test_order_manifest_and_resting_state(place):
    """Data before the manifest, the metadata last; the manifest names every object; nothing is written into the recordings."""
    cloud = place.cloud(schema=SCHEMA)
    station = place.station(cloud)
    sizes = {"signals.edf": 2_000_000, "a b/c d/händler.bin": 70_000, "z.bin": 10}
    folder = make_session(station.recordings, S1, sizes)
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}
    got = station.once()
    assert got.code == 0, got
    manifest = assert_stored(cloud, folder)
    assert manifest["metadata"] == "metadata.txt" and manifest["version"] == 1 and manifest["software"].startswith("headgate/")
    token = cloud.token(station.key)
    names = [*sizes, "_headgate/1/manifest.json", "metadata.txt"]
    stat = cloud.call("POST", "/v1/objects/stat", {"session": S1, "revision": 1, "names": names}, token)
    stored = {o["name"]: o["stored_at"] for o in stat["objects"]}
    data = max(stored[name] for name in sizes)
    assert data <= stored["_headgate/1/manifest.json"] <= stored["metadata.txt"], stored
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")} == before
    states = [row[0] for row in journal(station, "SELECT e.state FROM event e WHERE e.state IS NOT NULL ORDER BY e.id")]
    assert states == ["found", "settling", "checking", "queued", "uploading", "uploaded", "accepted"], states
    again = station.once()
    assert again.code == 0 and len(event_times(station, S1, "found")) == 1, again


def test_settle_timing(place):
    """Closed -> checking soon after the settle time, for an event-driven engine."""
    cloud = place.cloud()
    station = place.station(cloud, settle="1s", rescan="30s")
    engine = station.start()
    started(station)
    late = []
    for i, name in enumerate([S1, S2, S3]):
        folder = make_session(station.recordings, name, {"signals.edf": 50_000}, seed=i)
        with open(folder / "signals.edf", "ab") as f:
            for _ in range(5):
                f.write(b"more")
                f.flush()
                time.sleep(0.1)
        closed = time.time() * 1000
        station.wait_state(name, "checking", "queued", "uploading", "uploaded", "accepted", timeout_s=60)
        late.append(event_times(station, name, "checking")[0] - closed - 1000)
    print("# checking began after settle by", [round(x) for x in late], "ms")
    # Events did it, not the rescan. How prompt it is on a machine that does nothing else is a figure of tests/bench.
    assert min(late) <= 600 and all(-60 <= x <= 10_000 for x in late), late
    assert_quick_stop(engine)


def test_growing_file(place):
    """A file that is still being written is not sent, however long it takes; a writer that is silent holds it by the lease."""
    cloud = place.cloud()
    station = place.station(cloud, settle="300ms")
    engine = station.start()
    folder = make_session(station.recordings, S1, {"events.csv": 100})
    with open(folder / "signals.edf", "wb") as f:
        for _ in range(8):
            f.write(os.urandom(1000))
            f.flush()
            time.sleep(0.15)
        time.sleep(1.2)  # silent for four settle times, but open
        wait_for(lambda: "signals.edf" in (station.session(S1)["reason"] or ""), 60, "a reason that names the file")
        assert station.session(S1)["state"] == "settling", station.session(S1)
        f.write(b"the end")
    station.wait_state(S1, "accepted")
    assert_stored(cloud, folder)
    assert_quick_stop(engine)


def test_metadata_comes_late(place):
    cloud = place.cloud(schema=SCHEMA)
    station = place.station(cloud)
    folder = make_session(station.recordings, S1, metadata=None)
    got = station.once(wait="2s")
    assert got.code in (0, 4), got
    row = station.session(S1)
    assert row["state"] == "settling" and "metadata.txt" in row["reason"], row
    assert cloud.object_count() == 0
    (folder / "metadata.txt").write_text(GOOD_METADATA)
    got = station.once()
    assert got.code == 0, got
    assert_stored(cloud, folder)


def test_held_for_metadata_then_mended(place):
    """A value out of range: the data go up all the same, the cloud's log hears of it, the mended metadata make it whole."""
    cloud = place.cloud(schema=SCHEMA)
    station = place.station(cloud)
    folder = make_session(station.recordings, S1, metadata="fatigue_level: 14\nhardware_model: HX-200\n")
    got = station.once()
    assert got.code == 1, got
    row = station.session(S1)
    assert row["state"] == "held" and "fatigue_level" in row["reason"] and "10" in row["reason"], row
    assert row["data_safe"], row
    assert cloud.object(f"{S1}/eeg-lab-2/signals.edf") == (folder / "signals.edf").read_bytes()
    assert cloud.object(f"{S1}/eeg-lab-2/metadata.txt") is None and cloud.manifest(S1) is None
    logs = cloud.command("logs", "--data", cloud.data, "--json")
    assert S1 in logs.out and "held" in logs.out, logs
    count = cloud.object_count()
    (folder / "metadata.txt").write_text(GOOD_METADATA)
    got = station.once()
    assert got.code == 0, got
    row = station.session(S1)
    assert row["state"] == "accepted", row
    assert_stored(cloud, folder, revision=row["revision"])
    assert cloud.object_count() == count + 2, "unchanged data files were sent again"


def test_rejected_then_mended(place):
    """The station leaves the rules to the cloud; a rejection is mended by corrected metadata: revision 2."""
    cloud = place.cloud(schema=SCHEMA)
    station = place.station(cloud, metadata={"cloud_schema": "no"})
    folder = make_session(station.recordings, S1, metadata="fatigue_level: 99\nhardware_model: HX-200\n")
    got = station.once()
    assert got.code == 1, got
    row = station.session(S1)
    assert row["state"] == "rejected" and "fatigue_level" in row["reason"], row
    (folder / "metadata.txt").write_text(GOOD_METADATA)
    got = station.once()
    assert got.code == 0, got
    row = station.session(S1)
    assert row["state"] == "accepted" and row["revision"] == 2, row
    manifest = assert_stored(cloud, folder, revision=2)
    keys = {file["name"]: file["key"] for file in manifest["files"]}
    assert keys["signals.edf"] == f"{S1}/eeg-lab-2/signals.edf"
    assert keys["metadata.txt"] == f"{S1}/eeg-lab-2/_headgate/2/metadata.txt"
    assert cloud.object(f"{S1}/eeg-lab-2/metadata.txt") == b"fatigue_level: 99\nhardware_model: HX-200\n"


def test_changed_after_accepted(place):
    """A file that appears later makes revision 2; what did not change is not sent again, nothing is overwritten."""
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, S1)
    assert station.once().code == 0
    first = cloud.object(f"{S1}/eeg-lab-2/_headgate/1/manifest.json")
    write_seeded(folder / "late.bin", 4000, "late")
    engine = station.start()
    wait_for(lambda: (station.session(S1) or {}).get("revision") == 2, 60, "revision 2")
    station.wait_state(S1, "accepted")
    assert_stored(cloud, folder, revision=2)
    assert cloud.object(f"{S1}/eeg-lab-2/_headgate/1/manifest.json") == first
    puts = journal(station, "SELECT name, count(*) FROM attempt WHERE code = 'stored' GROUP BY name")
    assert dict(puts)["signals.edf"] == 1, puts
    assert_quick_stop(engine)


def test_resume_after_sigterm(place):
    """SIGTERM in mid-upload: stops at once, and the next run sends only what was not stored."""
    cloud = place.cloud()
    station = place.station(cloud, upload={"connections": 1, "bandwidth": "2MB/s"})
    folder = make_session(station.recordings, S1, {f"part-{i}.bin": 600_000 for i in range(6)})
    engine = station.start()
    stored = "SELECT count(*) FROM file WHERE state = 1"
    started(station)
    wait_for(lambda: journal(station, stored)[0][0] >= 2, 60, "two stored files", every_s=0.02)
    assert_quick_stop(engine)
    row = station.session(S1)
    assert row["state"] == "uploading", row
    station.sections["upload"].pop("bandwidth")
    station.write()
    got = station.once()
    assert got.code == 0, got
    assert_stored(cloud, folder)
    puts = dict(journal(station, "SELECT name, count(*) FROM attempt WHERE code = 'stored' GROUP BY name"))
    assert puts == {**{f"part-{i}.bin": 1 for i in range(6)}, "_headgate/1/manifest.json": 1, "metadata.txt": 1}, puts


def test_changed_while_uploading(place):
    """A file that changes after it was hashed: nothing false is left, the session settles again as the next revision."""
    cloud = place.cloud()
    station = place.station(cloud, upload={"connections": 1, "bandwidth": "1MB/s"})
    folder = make_session(station.recordings, S1, {"a.bin": 300_000, "b.bin": 900_000, "c.bin": 100_000})
    engine = station.start()
    station.wait_state(S1, "uploading")
    with open(folder / "c.bin", "ab") as f:
        f.write(b"one more line")
    wait_for(lambda: station.session(S1)["revision"] == 2, 60, "revision 2")
    station.wait_state(S1, "accepted")
    assert_stored(cloud, folder, revision=2)
    assert_quick_stop(engine)


def test_retry_command(place):
    """A held session is checked again when asked, by the running engine and without one; an accepted one is refused."""
    cloud = place.cloud()
    station = place.station(cloud, station={"total_min": "1MB"})
    folder = make_session(station.recordings, S1)
    got = station.once()
    assert got.code == 1 and station.session(S1)["state"] == "held", got
    assert not station.session(S1)["data_safe"] and cloud.object_count() == 0
    station.sections["station"]["total_min"] = "1"
    station.write()
    assert station.command("retry", S1).code == 0
    assert station.session(S1)["state"] == "settling"
    engine = station.start()
    station.wait_state(S1, "accepted")
    assert_stored(cloud, folder)
    got = station.command("retry", S1)
    assert got.code != 0 and "accepted" in got.err, got
    got = station.command("retry", S2)
    assert got.code == 3 and S2 in got.err, got
    assert_quick_stop(engine)


def test_folders_vanish_and_return(place):
    """A session that vanishes before it is safe is gone until it is back; an accepted one keeps its verdict; a root may go too."""
    cloud = place.cloud()
    station = place.station(cloud)
    engine = station.start()
    make_session(station.recordings, S1)
    make_session(station.recordings, S2, metadata=None, seed=2)
    station.wait_state(S1, "accepted")
    wait_for(lambda: "metadata" in (station.session(S2)["reason"] or ""), 60, "S2 to wait for its metadata")
    away = station.dir / "away"
    away.mkdir()
    (station.recordings / S2).rename(away / S2)
    station.wait_state(S2, "gone")
    (away / S2).rename(station.recordings / S2)
    station.wait_state(S2, "settling")
    (station.recordings / S1).rename(away / S1)
    wait_for(lambda: not station.session(S1)["present"], 60, "S1 to be noticed as away")
    assert station.session(S1)["state"] == "accepted"
    station.recordings.rename(station.dir / "unplugged")
    wait_for(lambda: json.loads(station.command("status", "--json").out)["folders"][0]["ok"] is False, 60, "the lost folder in the status")
    assert station.session(S2)["state"] == "settling", "a root that is away takes no session with it"
    (station.dir / "unplugged").rename(station.recordings)
    (station.recordings / S2 / "metadata.txt").write_text(GOOD_METADATA)
    station.wait_state(S2, "accepted")
    assert_stored(cloud, station.recordings / S2)
    assert_quick_stop(engine)


def test_same_name_and_same_content(place):
    """The same name under two roots, and a copy under another name: the second is held and names the first."""
    cloud = place.cloud()
    station = place.station(cloud)
    other = station.dir / "other"
    other.mkdir()
    station.sections["station"]["watch"] = [station.recordings, other]
    station.write()
    folder = make_session(station.recordings, S1)
    assert station.once().code == 0
    make_session(other, S1, seed=7)
    assert station.once().code == 1
    rows = {root: (state, reason) for root, state, reason in journal(station, "SELECT root, state, reason FROM session")}
    assert rows[str(station.recordings)][0] == "accepted", rows
    assert rows[str(other)][0] == "held" and str(station.recordings) in rows[str(other)][1], rows
    copy = other / S2
    copy.mkdir()
    for name in ("signals.edf", "events.csv", "metadata.txt"):
        (copy / name).write_bytes((folder / name).read_bytes())
    assert station.once().code == 1
    row = station.session(S2)
    assert row["state"] == "held" and S1 in row["reason"], row
    assert_stored(cloud, folder)


def test_done_marker(place):
    """The marker makes it immediate, and is no part of the recording."""
    cloud = place.cloud()
    station = place.station(cloud, settle="30s", station={"done_marker": "COMPLETE"})
    folder = make_session(station.recordings, S1)
    (folder / "COMPLETE").touch()
    began = time.monotonic()
    got = station.once()
    assert got.code == 0 and time.monotonic() - began < 15, got
    (folder / "COMPLETE").unlink()
    assert_stored(cloud, folder)


def test_many_files(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, S1, {f"d{i % 7}/f{i:04}.bin": 64 + i for i in range(1200)})
    got = station.once(wait="120s", timeout_s=150)
    assert got.code == 0, got
    assert_stored(cloud, folder)


def test_one_engine(place):
    cloud = place.cloud()
    station = place.station(cloud)
    engine = station.start()
    started(station)
    got = station.once()
    assert got.code == 75 and str(engine.pid) in got.err, got
    assert_quick_stop(engine)


def test_wrong_key_and_no_cloud(place):
    cloud = place.cloud()
    station = place.station(cloud, key="hg_wrong_key")
    make_session(station.recordings, S1)
    got = station.once(wait="20s")
    assert got.code == 77 and got.err.strip(), got
    assert station.session(S1)["state"] in ("queued", "checking", "settling")
    station.key = cloud.key("eeg-lab-2")
    station.write()
    cloud.stop()
    got = station.command("run", "--once", timeout_s=90)
    assert got.code == 69, got
    assert station.session(S1)["state"] == "queued"
    cloud.start()
    assert station.once().code == 0
    assert_stored(cloud, station.recordings / S1)


def test_cloud_away_for_a_while(place):
    """The engine goes on by itself when the cloud is back."""
    cloud = place.cloud()
    station = place.station(cloud)
    engine = station.start()
    started(station)
    cloud.stop()
    folders = [make_session(station.recordings, name, seed=name) for name in (S1, S2, S3)]
    for folder in folders:
        station.wait_state(folder.name, "queued")
    time.sleep(2)
    cloud.start()
    for folder in folders:
        station.wait_state(folder.name, "accepted", timeout_s=90)
        assert_stored(cloud, folder)
    assert_quick_stop(engine)


def test_dry_run(place):
    cloud = place.cloud()
    station = place.station(cloud, station={"since": "2026-11-20"})
    make_session(station.recordings, "20261119_235959")
    make_session(station.recordings, S1)
    make_session(station.recordings, S2, metadata=None)
    make_session(station.recordings, S3, {"empty.bin": 0})
    with open(station.recordings / S1 / "open.bin", "wb") as f:
        f.write(b"x")
        f.flush()
        time.sleep(0.5)
        got = station.command("run", "--dry-run", "--json")
        assert got.code == 0, got
        assert {row["session"]: row["would"] for row in got.json_lines()}[S1] == "wait", got
    time.sleep(0.5)
    would = {row["session"]: row["would"] for row in station.command("run", "--dry-run", "--json").json_lines()}
    assert would == {"20261119_235959": "skip", S1: "send", S2: "wait", S3: "hold"}, would
    assert not (station.state / "state.db").exists()
    station.once()
    assert station.session("20261119_235959") is None


def test_twins_at_once(place):
    """Two copies that settle at the same moment: one is accepted, the other held, whichever is checked first."""
    cloud = place.cloud()
    station = place.station(cloud)
    folders = [make_session(station.recordings, name, {"a.bin": 3_000_000}, seed="twin") for name in (S1, S2)]
    (folders[1] / "a.bin").write_bytes((folders[0] / "a.bin").read_bytes())
    assert station.once().code == 1
    rows = station.sessions()
    assert sorted(row["state"] for row in rows.values()) == ["accepted", "held"], rows
    held = next(row for row in rows.values() if row["state"] == "held")
    assert next(name for name in rows if name != held["session"]) in held["reason"], rows


def test_disk_unplugged_while_uploading(place):
    """The root goes away in mid-upload and comes back: no session is lost or declared changed, the upload goes on."""
    cloud = place.cloud()
    station = place.station(cloud, upload={"connections": 1, "bandwidth": "1MB/s"})
    make_session(station.recordings, S1, {f"part-{i}.bin": 300_000 for i in range(5)})
    engine = station.start()
    station.wait_state(S1, "uploading")
    station.recordings.rename(station.dir / "unplugged")
    wait_for(lambda: not json.loads(station.command("status", "--json").out)["folders"][0]["ok"], 60, "the lost folder in the status")
    station.wait_state(S1, "queued")
    cpu = os.sysconf("SC_CLK_TCK")
    spent = lambda: sum(int(x) for x in Path(f"/proc/{engine.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]) / cpu
    before = spent()
    time.sleep(2)
    assert spent() - before < 0.5, "it spins while the folder is away"
    (station.dir / "unplugged").rename(station.recordings)
    row = station.wait_state(S1, "accepted")
    assert row["revision"] == 1, row
    assert_stored(cloud, station.recordings / S1)
    assert_quick_stop(engine)


def test_next_attempt_after_restart(place):
    """A session that waits for its next attempt goes on by itself in the next run, even when a clock was far off meanwhile."""
    cloud = place.cloud()
    station = place.station(cloud)
    make_session(station.recordings, S1)
    cloud.stop()
    assert station.command("run", "--once", timeout_s=90).code == 69
    with sqlite3.connect(station.state / "state.db") as db:
        db.execute("UPDATE session SET next_attempt_ms = ?", (int(time.time() * 1000) + 3000,))
    cloud.start()
    engine = station.start()
    station.wait_state(S1, "accepted", timeout_s=60)
    assert_stored(cloud, station.recordings / S1)
    assert_quick_stop(engine)


def test_idle_engine_sleeps(place):
    """Nothing to do: no wake-ups without cause."""
    cloud = place.cloud()
    station = place.station(cloud, rescan="1h")
    make_session(station.recordings, S1)
    engine = station.start()
    station.wait_state(S1, "accepted")
    time.sleep(1)
    switches = lambda: sum(int(line.split()[1]) for task in Path(f"/proc/{engine.pid}/task").iterdir()
                           for line in (task / "status").read_text().splitlines() if line.startswith("voluntary_ctxt"))
    before = switches()
    time.sleep(5)
    assert switches() - before < 20, f"{switches() - before} wake-ups in 5 s"
    assert_quick_stop(engine)


def forget_verdict(station, session):
    """The journal as a crash leaves it between the cursor and the step: uploaded, and the change already read."""
    with sqlite3.connect(station.state / "state.db") as db:
        db.execute("UPDATE session SET state = 'uploaded', accepted_ms = 0 WHERE name = ?", (session,))


def test_a_verdict_that_was_missed_is_asked_for(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, S1)
    assert station.once().code == 0
    forget_verdict(station, S1)
    got = station.once(wait="30s")
    assert got.code == 0 and station.session(S1)["state"] == "accepted", got
    puts = journal(station, "SELECT count(*) FROM attempt WHERE code = 'stored'")[0][0]
    assert puts == len(headgate_test.files_of(folder)) + 1, "asking sends nothing"


def test_a_cloud_that_forgot_a_session_gets_it_again(place):
    """Uploaded, then the cloud lost its store before it decided: everything is compared, and sent again."""
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, S1)
    assert station.once().code == 0
    forget_verdict(station, S1)
    cloud.stop()
    cloud.data.rename(place.dir / "lost")
    cloud.start()
    station.key = cloud.key(station.name)
    station.write()
    got = station.once(wait="60s")
    assert got.code == 0, got
    assert_stored(cloud, folder)
    assert any("does not know it" in row[0] for row in journal(station, "SELECT message FROM event")), "it says why"


def test_a_rejected_session_is_tried_again_on_request(place):
    """The rules were at fault, not the metadata: retry sends the same files as the next revision."""
    cloud = place.cloud(schema=SCHEMA.replace("0..10", "0..3"))
    station = place.station(cloud, metadata={"cloud_schema": "no"})
    folder, other = make_session(station.recordings, S1), make_session(station.recordings, S2, seed=2)
    assert station.once().code == 1 and station.session(S1)["state"] == "rejected"
    cloud.stop()
    cloud.schema_path.write_text(SCHEMA)
    cloud.start()
    assert station.command("retry", S2).code == 0 and station.session(S2)["revision"] == 2  # no engine runs
    engine = station.start()
    started(station)
    assert station.command("retry", S1).code == 0
    row = station.wait_state(S1, "accepted")
    assert row["revision"] == 2, row
    station.wait_state(S2, "accepted")
    for one in (folder, other):
        assert_stored(cloud, one, revision=2)
    assert_quick_stop(engine)


if __name__ == "__main__":
    headgate_test.main()
