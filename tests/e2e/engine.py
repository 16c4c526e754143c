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


def assert_quick_stop(child):
    began = time.monotonic()
    status = child.stop(10)
    assert time.monotonic() - began < (5 if "asan" in str(headgate_test.BUILD) else 3), "SIGTERM took too long"
    assert status == 0, child.result()


def test_thin_path(place):
    cloud = place.cloud(schema=SCHEMA)
    station = place.station(cloud)
    folder = make_session(station.recordings, S1, {"signals.edf": 300_000, "sub folder/händler 1.csv": 5000})
    got = station.once()
    assert got.code == 0, got
    assert station.session(S1)["state"] == "accepted"
    assert_stored(cloud, folder)


if __name__ == "__main__":
    headgate_test.main()
