#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# limit: 1200 s
"""Sizes: 100,000 sessions in the journal, 10,000 files in a session. Counts and bytes are compared; times are the
benchmark's business."""
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test
from headgate_test import assert_stored, make_session

SESSION = "20261120_134502"
SESSIONS = 100_000
# Of each thousand one is held, one failed, one ignored; the others are accepted, and their folders were moved away.
FILL = f"""
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {SESSIONS})
INSERT INTO session (id, name, root, revision, state, paused, ignored, present, data_safe, found_ms, updated_ms, settled_ms,
  uploaded_ms, accepted_ms, fingerprint_ms, fingerprint, files, bytes, stored_files, stored_bytes, next_attempt_ms, tries, processing,
  reason)
SELECT i + 1000, printf('%08d_%06d', 20200101 + i / 25000, i % 25000), '/elsewhere', 1,
  CASE i % 1000 WHEN 0 THEN 'held' WHEN 1 THEN 'failed' WHEN 2 THEN 'held' ELSE 'accepted' END, 0, i % 1000 = 2, i % 1000 < 3, 0,
  1700000000000 + i, 1700000000000 + i, 0, 0, 0, 0, '', 2, 1000, 2, iif(i % 1000 < 3, 0, 1000), 0, 0, '',
  iif(i % 1000 < 3, 'a reason', NULL) FROM n"""


def fill(station):
    """A journal as years leave it, in the tables that the engine itself made."""
    with closing(sqlite3.connect(station.state / "state.db")) as db:
        with db:
            db.execute(FILL)


def test_100_000_sessions(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folders = [make_session(station.recordings, SESSION)]
    assert station.once().code == 0
    fill(station)

    got = station.command("status", "--json")
    assert got.code == 1, got
    status = json.loads(got.out)
    assert status["sessions"] == SESSIONS + 1 and status["ignored"] == 100, status
    want = {"held": 100, "failed": 100, "accepted": SESSIONS - 300 + 1}
    assert {state: n for state, n in status["by_state"].items() if n} == want, status
    assert status["bytes_left"] == 200 * 1000, status
    assert status["oldest_unsafe_at"] == "2023-11-14T22:13:20.001Z", status  # i = 1 has failed
    for state, count in (("held", 200), ("failed", 100), ("uploading", 0), ("accepted", want["accepted"])):
        listed = station.command("sessions", "--state", state, "--json").json_lines()
        assert len(listed) == count, (state, len(listed))
        assert all(row["state"] == state for row in listed)
    assert len(station.command("sessions", "--json").json_lines()) == SESSIONS + 1

    # The engine goes on among them, and disturbs none.
    folders.append(make_session(station.recordings, "20261121_080000"))
    got = station.once()
    assert got.code == 1, got  # some are held and failed
    after = json.loads(station.command("status", "--json").out)
    assert after["sessions"] == SESSIONS + 2 and after["by_state"]["accepted"] == want["accepted"] + 1, after
    for folder in folders:
        assert_stored(cloud, folder)


def test_10_000_files(place):
    """In folders, with names that need escaping somewhere on the way; each byte and each row of the journal."""
    cloud = place.cloud()
    station = place.station(cloud, upload={"connections": 64})  # each waits for the store's disk
    sizes = {f"trial {i // 100:02}/électrode+{i % 100:02}&x=%41 #.bin": 1 + i % 50 for i in range(10_000)}
    folder = make_session(station.recordings, SESSION, sizes)
    got = station.once(wait="500s", timeout_s=520)
    assert got.code == 0, got
    manifest = assert_stored(cloud, folder)
    assert len(manifest["files"]) == 10_001
    row = station.session(SESSION)
    assert (row["state"], row["files"], row["stored_files"]) == ("accepted", 10_001, 10_001), row
    assert row["bytes"] == row["stored_bytes"] == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    with closing(sqlite3.connect(f"file:{station.state}/state.db?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT count(*), sum(state), count(DISTINCT key), sum(sha256 IS NOT NULL) FROM file").fetchone()
    assert rows == (10_001, 10_001, 10_001, 10_001), rows


if __name__ == "__main__":
    headgate_test.main()
