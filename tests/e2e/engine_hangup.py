#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SIGHUP to the station's engine, as logrotate and `systemctl reload` send it: its log is opened anew, the key file and the
metadata rules are read again, and nothing ends. A log that is moved away or removed without a word is opened again too.
"""
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import assert_stored, main, make_session, wait_for  # noqa: E402

FIRST, SECOND, THIRD = "20261120_134502", "20261120_150000", "20261120_160000"


def names(path, session):
    return path.exists() and session in path.read_text(errors="replace")


def test_the_log_is_opened_anew(place):
    cloud = place.cloud()
    log = place.dir / "headgate.log"
    station = place.station(cloud, log={"file": log})
    engine = station.start()
    make_session(station.recordings, FIRST)
    station.wait_state(FIRST, "accepted")
    log.rename(place.dir / "headgate.log.1")
    engine.signal(signal.SIGHUP)
    wait_for(log.exists, 60, "the log to be there again")
    folder = make_session(station.recordings, SECOND, seed=2)
    station.wait_state(SECOND, "accepted")
    assert_stored(cloud, folder)
    assert names(log, SECOND) and not names(place.dir / "headgate.log.1", SECOND)
    log.unlink()  # by somebody who sends no signal
    n = 0

    def written():
        nonlocal n
        n += 1
        make_session(station.recordings, f"20261121_1200{n:02}", seed=n)
        station.wait_state(f"20261121_1200{n:02}", "accepted")
        return log.exists()

    wait_for(written, 60, "the log to be written under its name")
    assert engine.stop() == 0, engine.result()


def test_the_key_file_is_read_again(place):
    """A new key is used from then on, before the old one is refused."""
    cloud = place.cloud()
    station = place.station(cloud)
    engine = station.start()
    make_session(station.recordings, FIRST)
    station.wait_state(FIRST, "accepted")
    old = cloud.keys()[0]
    station.key = cloud.key()
    station.write()
    engine.signal(signal.SIGHUP)
    wait_for(lambda: "holds another API key" in engine.err, 60, "the event that tells of the new key")
    cloud.revoke(old["id"] if "id" in old else old["key"])
    folder = make_session(station.recordings, SECOND, seed=2)
    station.wait_state(SECOND, "accepted")
    assert_stored(cloud, folder)
    assert engine.stop() == 0, engine.result()


def test_the_metadata_rules_are_read_again(place):
    """New rules hold for what comes; a configuration that cannot be read leaves those in force that were, and is said."""
    cloud = place.cloud()
    station = place.station(cloud, metadata__keys={"fatigue_level": "number 0..10 required"})
    engine = station.start()
    make_session(station.recordings, FIRST, metadata="fatigue_level: 9\n")
    station.wait_state(FIRST, "accepted")
    station.sections["metadata__keys"]["fatigue_level"] = "number 0..5 required"
    station.write()
    engine.signal(signal.SIGHUP)
    n = 0

    def held():
        nonlocal n
        n += 1
        make_session(station.recordings, f"20261121_1200{n:02}", seed=n, metadata="fatigue_level: 9\n")
        return station.wait_state(f"20261121_1200{n:02}", "accepted", "held")["state"] == "held"

    wait_for(held, 60, "the new rules to be in force")
    station.ini.write_text(station.ini.read_text() + "[metadata.keys\n")
    engine.signal(signal.SIGHUP)
    wait_for(lambda: "the metadata rules stay as they were" in engine.err, 60, "the event that tells of the mistake")
    make_session(station.recordings, SECOND, seed=2, metadata="fatigue_level: 9\n")
    engine_row = wait_for(lambda: [line for line in engine.err.splitlines() if SECOND in line and "held_back" in line], 60, "it to be held")
    assert "fatigue_level" in engine_row[0], engine_row
    assert engine.stop() == 0, engine.result()


def test_a_single_run_goes_on(place):
    cloud = place.cloud()
    station = place.station(cloud, upload={"bandwidth": "1MiB/s"})
    folder = make_session(station.recordings, FIRST, {"big.dat": 3 << 20})
    once = station.start("--once", "--wait", "60s")
    wait_for(lambda: "the upload begins" in once.err, 60, "the upload")
    once.signal(signal.SIGHUP)
    assert once.wait(90) == 0, once.result()
    assert_stored(cloud, folder)


if __name__ == "__main__":
    main()
