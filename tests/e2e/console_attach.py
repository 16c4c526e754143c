# SPDX-License-Identifier: MIT
"""An ordinary console and its engine: one that it started, one that it did not, dead, stuck, replaced, kept from the
journal; many consoles on one engine. The work goes on, and what stands in its way is said."""
import fcntl
import os
import re
import signal
import sqlite3
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import assert_stored, main, make_session, process_ended, wait_for  # noqa: E402
from pty_console import Console, engine_of, engine_pid  # noqa: E402

SESSION, LATER = "20261120_134502", "20261120_150000"
WIDE = {"rows": 24, "columns": 150}
BIG = {"signals.edf": 3_000_000}


def children(process):
    """Pids of what it started and that still runs."""
    text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in text.split() if not process_ended(pid)]


def with_own_engine(place, **settings):
    """(station, console, the pid of the engine that the console started)"""
    station = place.station(place.cloud(), **settings)
    console = Console(station, **WIDE)
    console.wait_until("cloud ok", timeout_s=60)
    pid = engine_pid(station)
    assert children(console) == [pid], (children(console), pid)
    return station, console, pid


def test_an_engine_of_its_own_that_is_killed_is_followed_by_another(place):
    station, console, pid = with_own_engine(place, upload={"bandwidth": "1MB/s"})
    folder = make_session(station.recordings, SESSION, BIG)
    console.wait_row(SESSION, "uploading")
    os.kill(pid, signal.SIGKILL)
    console.wait_until("ended by signal 9; another starts in")
    console.wait_until("cloud ok")
    second = engine_pid(station)
    assert second != pid and children(console) == [second]
    console.wait_row(SESSION, "accepted")
    assert_stored(station.cloud, folder)
    make_session(station.recordings, LATER)
    console.wait_row(LATER, "settling")
    assert console.quit() == 0
    station.wait_state(LATER, "accepted")


def test_an_engine_of_its_own_that_is_asked_to_end_stays_ended(place):
    station, console, pid = with_own_engine(place)
    os.kill(pid, signal.SIGTERM)
    console.wait_until("the engine was asked to end; start one with: headgate run")
    console.assert_answers_keys()
    assert children(console) == []
    engine = engine_of(station)
    console.wait_until("cloud ok")
    assert console.quit() == 0 and engine.running


def test_an_engine_that_cannot_start_is_tried_less_and_less_often(place):
    station, console, pid = with_own_engine(place)
    sound = station.ini.read_text()
    station.ini.write_text(sound + "[station]\nnaem = x\n")
    os.kill(pid, signal.SIGKILL)

    def pause_s(screen):
        said = re.search(r"\(status 2\): headgate run tells why; again in 0:(\d\d)", screen.text)
        return int(said.group(1)) if said else 0

    first = console.wait_until(pause_s, "a pause")
    console.assert_answers_keys()
    console.wait_until(lambda screen: pause_s(screen) > max(first, 2), "a longer pause")
    console.assert_answers_keys()
    station.ini.write_text(sound)
    make_session(station.recordings, SESSION)
    console.wait_row(SESSION, "accepted")
    assert console.quit() == 0


def test_a_station_that_another_process_holds(place):
    station = place.station(place.cloud())
    station.state.mkdir()
    with open(station.state / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as `headgate retry` does for a moment
        console = Console(station, "--screen", "station", **WIDE)
        console.wait_until("another process holds this station")
        console.assert_answers_keys()
    console.wait_until("cloud ok")
    assert children(console) == [engine_pid(station)]
    assert console.quit() == 0


def test_an_engine_that_was_started_meanwhile_is_attached_to(place):
    station, console, pid = with_own_engine(place)
    console.signal(signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: process_ended(pid), 60, "its end")
    (station.state / "control.sock").unlink()
    engine = engine_of(station)
    console.signal(signal.SIGCONT)
    make_session(station.recordings, SESSION)
    console.wait_row(SESSION, "accepted")
    assert engine_pid(station) == engine.pid and children(console) == []
    assert console.quit() == 0 and engine.running


def test_an_engine_of_somebody_else_that_is_killed_is_missed_not_replaced(place):
    station = place.station(place.cloud())
    engine = engine_of(station)
    console = Console(station, **WIDE)
    console.wait_until("cloud ok")
    engine.kill()
    console.wait_until("! engine gone")
    console.assert_answers_keys()
    make_session(station.recordings, SESSION)
    console.press(":", "rescan", "Enter")
    console.wait_until("no engine runs for")
    assert children(console) == []
    engine = engine_of(station)
    console.wait_until("cloud ok")
    console.wait_row(SESSION, "accepted")
    assert console.quit() == 0 and engine.stop() == 0


def test_a_stuck_engine_is_said_and_heals(place):
    station = place.station(place.cloud())
    engine = engine_of(station)
    console = Console(station, **WIDE)
    console.wait_until("cloud ok")
    engine.signal(signal.SIGSTOP)
    try:
        console.press(":", "rescan", "Enter")
        console.assert_answers_keys()
        console.wait_until("the engine runs and does not answer", timeout_s=60)
        console.wait_until("! engine silent")
        console.press(":", "rescan", "Enter")  # now at once
        console.wait_until("the engine runs and does not answer", timeout_s=8)
        console.assert_answers_keys()
        got = station.command("pause", SESSION, timeout_s=60)
        assert got.code == 69 and "the engine does not answer within 10.0 s; look at its log" in got.err, got
        got = station.command("status", timeout_s=30)
        assert got.code == 69 and "does not answer: the engine does not answer within 2.0 s" in got.out, got
        assert children(console) == [], "a second engine was tried"
    finally:
        engine.signal(signal.SIGCONT)
    console.wait_until("cloud ok")
    make_session(station.recordings, SESSION)
    console.wait_row(SESSION, "accepted")
    assert console.quit() == 0 and engine.stop() == 0


def test_an_engine_that_gets_stuck_at_work_is_noticed_without_a_key(place):
    station, console, pid = with_own_engine(place, upload={"bandwidth": "200KB/s"})
    make_session(station.recordings, SESSION, BIG)
    console.wait_row(SESSION, "uploading")
    os.kill(pid, signal.SIGSTOP)
    console.wait_until("! engine silent", timeout_s=60)
    os.kill(pid, signal.SIGCONT)
    console.wait_until("cloud ok")
    assert children(console) == [pid]
    assert console.quit() == 0


def test_a_journal_that_another_program_keeps_locked(place):
    station, console, pid = with_own_engine(place)
    db = sqlite3.connect(station.state / "state.db", isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    make_session(station.recordings, SESSION)
    console.wait_until("no engine could be started (status 74)", timeout_s=60)
    console.assert_answers_keys()
    db.execute("COMMIT")
    db.close()
    console.wait_row(SESSION, "accepted")
    assert process_ended(pid) and console.quit() == 0


def rss_kib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def test_five_consoles_one_of_them_stuck_on_a_moving_engine(place):
    station = place.station(place.cloud(), upload={"bandwidth": "2MB/s"})
    engine = engine_of(station)
    consoles = [Console(station, **WIDE) for _ in range(5)]
    for console in consoles:
        console.wait_until("cloud ok")
    stuck, others = consoles[0], consoles[1:]
    stuck.signal(signal.SIGSTOP)
    names = [f"20261120_1345{second:02}" for second in range(15)]
    before = rss_kib(engine.pid)

    def all_accepted(screen):
        return screen.text.count("whole and verified") == len(names)

    try:
        for i, name in enumerate(names):
            make_session(station.recordings, name, {"signals.edf": 600_000}, seed=i)
        for console in others:
            console.wait_until(all_accepted, "all of them to be accepted", timeout_s=120)
            console.assert_answers_keys()
        assert rss_kib(engine.pid) - before < 64 << 10, "the engine keeps what a console does not read"
    finally:
        stuck.signal(signal.SIGCONT)
    stuck.wait_until(all_accepted, "all of them to be accepted")
    for console in consoles:
        assert console.quit() == 0
    assert engine.stop() == 0


REFUSED = "the API key is refused: POST /v1/authenticate: the server answered 401 key_refused: this API key is not valid; ask who runs the cloud for a new one"


def test_a_refused_key_is_said_once_with_its_mend(place):
    station = place.station(place.cloud(), key="hg_wrong")
    engine = engine_of(station)
    console = Console(station, "--screen", "station", rows=30, columns=200)
    console.wait_until("! key refused")
    console.wait_until(lambda screen: REFUSED in screen.text, "the sentence")
    got = wait_for(lambda: (lambda got: got if got.code == 77 else None)(station.command("status")), 60, "status 77")
    assert "cloud    key refused, http" in got.out and f"\n         {REFUSED}\n" in got.out and got.err == f"headgate: {REFUSED}\n", got
    for text in (engine.err, console.screen.text):
        said = [line for line in text.splitlines() if "ask who runs" in line]
        assert said and all(line.count("ask who runs") == 1 and line.count("/v1/authenticate") == 1 for line in said), said
    make_session(station.recordings, SESSION)
    console.press("1")
    console.wait_row(SESSION, "waits for another API key")
    assert console.quit() == 0 and engine.stop() == 0


def test_a_cloud_out_of_reach_is_named_once(place):
    station = place.station(None, endpoint="http://127.0.0.1:9")
    engine = engine_of(station)
    got = wait_for(lambda: (lambda got: got if got.code == 69 else None)(station.command("status")), 60, "status 69")
    wait_for(lambda: "cloud_down" in engine.err, 60, "the log to say so")
    for line in [line for line in (got.out + got.err + engine.err).splitlines() if "/v1/authenticate" in line]:
        assert line.count("/v1/authenticate") == 1, line
    assert engine.stop() == 0


main()
