#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""File events that are lost: the queue overflows, or the kernel gives no more watches. Events are hints, the rescan is the
truth (reliability.md): no session is forgotten. Each test ends with every byte compared.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import assert_stored, main, make_session, preloaded, wait_for  # noqa: E402

FIRST, SECOND = "20261120_134502", "20261120_150000"


def shim(**settings):
    return preloaded("watch_shim", **settings)


def test_an_overflow_makes_it_look_at_everything(place):
    cloud = place.cloud()
    station = place.station(cloud, rescan="1h")  # the periodic one would come much too late
    overflow = place.dir / "overflow"
    engine = station.start(env=shim(WATCH_OVERFLOW=overflow))
    make_session(station.recordings, FIRST)
    station.wait_state(FIRST, "accepted")
    overflow.touch()
    folder = make_session(station.recordings, SECOND, seed=2)
    station.wait_state(SECOND, "accepted", timeout_s=60)
    assert_stored(cloud, folder)
    assert "faster than they were read" in engine.err, engine.err
    assert engine.stop() == 0, engine.result()


def test_without_watches_the_rescan_is_enough(place):
    """One watch, for the root: what happens in the sessions' own folders comes as no event."""
    cloud = place.cloud()
    station = place.station(cloud, settle="1500ms", rescan="1s")
    engine = station.start(env=shim(WATCH_LIMIT="1"))
    folder = make_session(station.recordings, FIRST, {"a.dat": 4000}, metadata=None)
    station.wait_state(FIRST, "settling")
    (folder / "sub").mkdir()
    (folder / "sub/b.dat").write_bytes(b"later")
    (folder / "metadata.txt").write_text("fatigue_level: 4\nhardware_model: HX-200\n")
    other = make_session(station.recordings, SECOND, seed=2)
    for session in (folder, other):
        station.wait_state(session.name, "accepted")
        assert_stored(cloud, session)
    told = engine.err.count("raise fs.inotify.max_user_watches")
    assert told == 1, engine.err  # with the mend, and not once a folder
    (folder / "sub/c.dat").write_bytes(b"after all of it")
    wait_for(lambda: (station.session(FIRST) or {}).get("revision") == 2, 60, "the change after acceptance to be found")
    station.wait_state(FIRST, "accepted")
    assert_stored(cloud, folder, revision=2)
    assert engine.stop() == 0, engine.result()


if __name__ == "__main__":
    main()
