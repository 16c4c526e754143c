#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""More sessions than there are places ([station] at_once): the oldest are in work, the others wait in the journal, are
counted as not safe, and each has its turn; what cannot get on keeps nobody out."""
import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test
from headgate_test import assert_stored, make_session, wait_for


def names(n):
    return [f"20261120_13{number:02}00" for number in range(n)]


def make(station, wanted, **more):
    return [make_session(station.recordings, name, {"signals.edf": 500}, **more) for name in wanted]


def by_state(station):
    got = station.command("status", "--json")
    status = json.loads(got.out) if got.out else {"by_state": {}}  # no journal yet
    return {state: n for state, n in status["by_state"].items() if n}


def test_the_others_wait_counted_and_none_is_forgotten(place):
    cloud = place.cloud()
    station = place.station(cloud, station={"at_once": 2})
    cloud.stop()
    wanted = names(9)
    make(station, wanted)
    engine = station.start()
    wait_for(lambda: by_state(station) == {"queued": 2, "found": 7}, 60, "two sessions in work, the others found")
    assert {row["session"] for row in station.rows() if row["state"] == "queued"} == set(wanted[:2]), "the oldest go first"
    assert "NOT safe: 9 " in (said := station.command("status").out), said

    # A person may act on one that waits, and one that goes is seen to go.
    assert station.command("ignore", wanted[7]).code == 0
    assert station.command("retry", wanted[6]).code == 2
    shutil.rmtree(station.recordings / wanted[8])
    wait_for(lambda: (station.session(wanted[8]) or {}).get("state") == "gone", 60, "the removed session to be gone")
    assert "NOT safe" in station.command("status").out

    engine.kill()
    assert len(station.rows()) == 9
    cloud.start()
    station.start()
    for name in wanted[:7]:
        station.wait_state(name, "accepted")
        assert_stored(cloud, station.recordings / name)
    assert {row["session"]: row["state"] for row in station.rows() if row["state"] != "accepted"} == {wanted[7]: "found", wanted[8]: "gone"}
    assert station.session(wanted[7])["ignored"]


def test_what_cannot_get_on_keeps_nobody_out(place):
    cloud = place.cloud()
    station = place.station(cloud, station={"at_once": 2})
    wanted = names(8)
    make(station, wanted[:3], metadata=None)
    make(station, wanted[3:6], metadata="fatigue_level 4")  # no key: held
    make(station, wanted[6:])
    station.start()
    for name in wanted[6:]:
        station.wait_state(name, "accepted")
    for name in wanted[3:6]:
        station.wait_state(name, "held")
    make(station, wanted[:3])
    for name in wanted[:3]:
        station.wait_state(name, "accepted")


def test_once_ships_them_all(place):
    cloud = place.cloud()
    station = place.station(cloud, station={"at_once": 2})
    wanted = names(7)
    make(station, wanted)
    cloud.stop()
    assert station.once(wait=None).code == 69
    assert sum(by_state(station).values()) == 7
    cloud.start()
    got = station.once(wait=None)
    assert got.code == 0, got
    assert by_state(station) == {"accepted": 7}


headgate_test.main()
