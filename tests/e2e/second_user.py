# SPDX-License-Identifier: MIT
"""[station] group: an engine that runs as one user, watched and told what to do by another who is in its group; and by
one who is not. Three accounts that every Linux has; only root can become them, so that without root only the modes of
the files are looked at (actions.py, test_a_group_may_use_journal_and_socket)."""
import os
import shutil
import sqlite3
import stat
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import Skip, main, make_session  # noqa: E402
from pty_console import Console, engine_of  # noqa: E402

SESSION, LATER = "20261120_134502", "20261120_150000"
OWNER, OTHER, GROUP = "daemon", "nobody", "games"
CLOSED = "is closed to you: be the user that runs its engine, or of the group that [station] group names"
WIDE = {"rows": 24, "columns": 120}


def users(place, **settings):
    """The station in the hands of its owner, of a member of its group, and of a stranger."""
    if os.geteuid() != 0:
        raise Skip(f"only root can be {OWNER} and {OTHER}")
    settings.setdefault("station", {})["group"] = GROUP
    station = place.station(place.cloud(), user=OWNER, groups=(GROUP,), **settings)
    return station, station.seen_by(OTHER, GROUP), station.seen_by(OTHER)


def record(station, name, **settings):
    folder = make_session(station.recordings, name, **settings)
    shutil.chown(folder, OWNER)


def modes(station):
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in [station.state, *station.state.iterdir()]}


def test_a_member_of_the_group_watches_and_acts(place):
    station, member, _ = users(place, upload={"bandwidth": "200KB/s"})
    engine = engine_of(station)
    record(station, SESSION, metadata=b"\xff\xfe\n")
    station.wait_state(SESSION, "held")
    got = member.command("status")
    assert got.code == 1 and "NOT safe: 1 needs you" in got.out and "engine   running" in got.out, got
    for words, member_of in ((("pause",), "paused"), (("resume",), "paused"), (("ignore",), "ignored"), (("ignore", "--undo"), "ignored")):
        got = member.command(*words, SESSION)
        assert got.code == 0, got
        assert member.session(SESSION)[member_of] == (words in (("pause",), ("ignore",))), words
    assert member.command("sessions", SESSION).code == 0 and member.command("handover").code == 0
    record(station, LATER, sizes={"signals.edf": 2_000_000})
    consoles = [Console(who, **WIDE) for who in (station, member)]  # two users at once
    for console in consoles:
        console.wait_until("cloud ok")
        console.wait_row(LATER, "uploading")
    for actor, state in ((1, "paused"), (0, "uploading")):
        consoles[actor].press("p")
        for console in consoles:
            console.wait_row(LATER, state)
    for console in consoles:
        console.wait_row(LATER, "accepted")
        assert console.quit() == 0
    assert engine.stop() == 0


def test_a_stranger_is_refused_in_a_sentence_that_names_the_mend(place):
    station, _, stranger = users(place)
    engine = engine_of(station)
    for words in (["status"], ["sessions"], ["pause", SESSION], ["retry", SESSION], ["handover"]):
        got = stranger.command(*words)
        assert got.code == 74 and CLOSED in got.err and str(station.state) in got.err and not got.out, (words, got)
    console = Console(stranger, **WIDE)
    console.wait_until(lambda screen: CLOSED in " ".join(screen.text.split()), "the sentence")
    console.wait_until("! engine refused")
    console.assert_answers_keys()
    assert "safe to leave:" not in console.screen.text
    assert console.quit() == 0 and engine.running


def test_the_group_keeps_its_rights_over_restarts_and_new_files(place):
    station, member, _ = users(place)
    engine = engine_of(station)
    record(station, SESSION)
    station.wait_state(SESSION, "accepted")
    console = Console(member, **WIDE)
    console.wait_row(SESSION, "accepted")
    engine.kill()
    console.wait_until("! engine gone")
    assert member.session(SESSION)["state"] == "accepted"  # what the engine left unfinished is read
    got = member.command("pause", SESSION)
    assert got.code == 74 and "no engine runs" in got.err and "start it first" in got.err, got
    assert console.quit() == 0
    db = sqlite3.connect(station.state / "state.db")  # any program that is the last to close it takes -wal and -shm away
    db.execute("SELECT count(*) FROM session").fetchone()
    db.close()
    assert not (station.state / "state.db-shm").exists()
    console = Console(member, "--read-only", **WIDE)  # makes them anew, in its own name
    console.wait_row(SESSION, "accepted")
    assert (station.state / "state.db-shm").owner() == OTHER
    (station.state / "control.sock").unlink()
    engine = engine_of(station)
    shared = {name: mode for name, mode in modes(station).items() if name != "lock"}
    assert shared.pop("state") == 0o2770 and set(shared.values()) == {0o660} and len(shared) == 4, shared
    record(station, LATER)
    console.wait_until("cloud ok")
    console.wait_row(LATER, "accepted")
    assert console.quit() == 0 and engine.stop() == 0


def test_each_user_has_a_last_look_and_a_view_of_its_own(place):
    station, member, _ = users(place)
    engine = engine_of(station)
    record(station, SESSION)
    station.wait_state(SESSION, "accepted")
    assert "1 accepted" in station.command("handover").out
    console = Console(member, **WIDE)
    console.wait_row(SESSION, "accepted")
    console.press("H")
    console.wait_until("1 accepted")  # the other's look is not this one's
    console.press("q", ":", "theme light", "Enter", "8")
    console.wait_until("folders")
    assert console.quit() == 0
    for who in (station, member):
        assert "no session changed" in who.command("handover").out
    kept = member.dir / ".local/state/headgate"
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in kept.iterdir()} == {"console.json": 0o600, "handover.json": 0o600}
    assert not (station.dir / ".local/state/headgate/console.json").exists(), "the other's view was touched"
    console = Console(member, **WIDE)
    console.wait_until("folders")  # the last screen
    assert console.quit() == 0 and engine.stop() == 0


def test_before_the_first_engine_a_console_makes_nothing(place):
    station, member, _ = users(place)
    got = member.command("pause", SESSION)
    assert got.code == 3 and "there is no journal in" in got.err and "headgate run makes it" in got.err, got
    console = Console(member, **WIDE)  # it may not read the key: it starts none
    console.wait_until("no engine")
    console.assert_answers_keys()
    assert not station.state.exists()
    engine = engine_of(station)
    console.wait_until("cloud ok")
    assert console.quit() == 0 and engine.stop() == 0


main()
