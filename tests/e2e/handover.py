# SPDX-License-Identifier: MIT
"""Handover: a night at a station, told to whoever comes in the morning, once to each; as text, JSON and on the console."""
import datetime
import json
import os
import pwd
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import main, make_session, wait_for  # noqa: E402
from pty_console import Console, engine_of  # noqa: E402

EVENING, GOOD, HELD, IGNORED = "20261119_180000", "20261120_010000", "20261120_020000", "20261120_030000"
REJECTED, LAST = "20261120_040000", "20261120_050000"
BROKEN = b"\xff\xfe\n"
WHO = pwd.getpwuid(os.getuid()).pw_name


def handover(station, *flags, **env):
    got = station.command("handover", "--json", *flags, env=env)
    assert got.code == 0 and not got.err, got
    return got.json_lines()[0]


def messages(rows):
    """In order of time."""
    return [row["message"] for row in reversed(rows)]


def kept(station):
    return station.dir / ".local/state/headgate/handover.json"


def night(place):
    """A station that somebody looked at in the evening, and what came then."""
    cloud = place.cloud(schema="[metadata.keys]\nfatigue_level = number 0..10 required\n")
    station = place.station(cloud, metadata={"cloud_schema": "no"})
    engine = engine_of(station)
    make_session(station.recordings, EVENING)
    station.wait_state(EVENING, "accepted")
    assert handover(station)["sessions"]["accepted"] == 1
    make_session(station.recordings, GOOD, seed=2)
    make_session(station.recordings, HELD, metadata=BROKEN, seed=3)
    make_session(station.recordings, IGNORED, metadata=BROKEN, seed=4)
    make_session(station.recordings, REJECTED, metadata="fatigue_level: 14\nhardware_model: HX\n", seed=5)
    for session, state in ((GOOD, "accepted"), (HELD, "held"), (IGNORED, "held"), (REJECTED, "rejected")):
        station.wait_state(session, state)
    assert station.command("ignore", IGNORED).code == 0 and station.command("pause", HELD).code == 0
    engine.kill()
    (station.state / "control.sock").unlink()
    assert station.command("resume", HELD).code == 0  # without an engine
    engine = engine_of(station)
    cloud.kill()
    make_session(station.recordings, LAST, seed=6)
    wait_for(lambda: "does not answer" in str(handover(station, "--keep")["station"]), 60, "the outage", every_s=0.3)
    cloud.start()
    wait_for(lambda: "answers again" in str(handover(station, "--keep")["station"]), 60, "its end", every_s=0.3)
    station.wait_state(LAST, "accepted")
    assert engine.stop() == 0
    return station


def test_a_night_is_told_once_to_each_user(place):
    station = night(place)
    told = handover(station, "--keep")
    assert told["sessions"] == {"found": 5, "accepted": 2, "held": 2, "rejected": 1, "failed": 0, "gone": 0, "under_way": 0}, told
    assert {row["session"]: row["state"] for row in told["changed"]} == {
        GOOD: "accepted", HELD: "held", IGNORED: "held", REJECTED: "rejected", LAST: "accepted"}
    assert {row["session"] for row in told["attention"]} == {HELD, REJECTED}, told["attention"]
    assert [(row["session"], row["message"]) for row in reversed(told["decided"])] == [
        (IGNORED, f"ignored by {WHO}"), (HELD, f"paused by {WHO}"), (HELD, f"resumed by {WHO}")], told["decided"]
    befell = messages(told["station"])
    assert [text.split(":")[0] for text in befell] == ["the engine 0.1.0 starts", "the cloud does not answer", "the cloud answers again", "the engine ends"], befell
    text = station.command("handover", "--keep").out
    for part in ("5 found, 2 accepted, 2 held, 1 rejected", "2 need a person:", "by people:", f"{HELD}  paused by {WHO}", "the station itself:",
                 "the cloud answers again", "the engine ends"):
        assert part in text, (part, text)

    console = Console(station, "--read-only", rows=60, columns=120)
    console.wait_row(GOOD, "accepted")
    assert handover(station, "--keep") | {"until": 0} == told | {"until": 0}, "a console that does not show it has looked"
    console.press("H")
    console.wait_until("Since you last looked")
    for part in ("5 found, 2 accepted, 2 held, 1 rejected", f"ignored by {WHO}", "the cloud does not answer", "the engine ends"):
        console.wait_until(part)
    console.press("q", "H")  # another look: nothing is new
    console.wait_until("no session changed")
    assert console.quit() == 0

    later = handover(station)
    assert later["changed_n"] == later["decided_n"] == later["station_n"] == 0 and later["attention_n"] == 2, later
    other = {"XDG_STATE_HOME": place.dir / "other"}
    assert handover(station, **other)["sessions"]["found"] == 6  # the last day
    assert handover(station, **other)["changed_n"] == 0


def test_json_is_a_look_unless_it_is_told_to_keep(place):
    station = place.station(place.cloud())
    make_session(station.recordings, GOOD)
    assert station.once().code == 0
    for flags in (("--keep",), ("--since", "1h"), ("--keep",)):
        assert handover(station, *flags)["sessions"]["accepted"] == 1
        assert not kept(station).exists(), flags
    assert handover(station)["sessions"]["accepted"] == 1
    was = kept(station).read_text()
    assert handover(station)["changed_n"] == 0
    assert kept(station).read_text() != was
    was = kept(station).read_text()
    assert handover(station, "--since", "1h")["sessions"]["accepted"] == 1 and kept(station).read_text() == was


def test_a_clock_that_was_ahead_hides_nothing(place):
    station = place.station(place.cloud())
    make_session(station.recordings, EVENING)
    assert station.once().code == 0
    assert handover(station)["sessions"]["accepted"] == 1
    look = json.loads(kept(station).read_text())
    (mark,) = look.values()
    ahead = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    mark["at"] = ahead.strftime("%Y-%m-%dT%H:%M:%S.000Z")  # it was looked at while the clock was a day ahead
    kept(station).write_text(json.dumps(look))
    make_session(station.recordings, GOOD, seed=2)
    assert station.once().code == 0
    got = station.command("handover", env={"TZ": "Europe/Berlin"})
    assert "1 found, 1 accepted" in got.out and f"{GOOD}  accepted" in got.out and EVENING not in got.out, got
    assert handover(station)["changed_n"] == 0


def test_a_look_of_another_time_zone_or_season_is_the_same(place):
    station = place.station(place.cloud())
    make_session(station.recordings, EVENING)
    assert station.once().code == 0
    assert handover(station, TZ="America/New_York")["sessions"]["accepted"] == 1
    make_session(station.recordings, GOOD, seed=2)
    assert station.once().code == 0
    got = handover(station, TZ="Pacific/Auckland")
    assert [row["session"] for row in got["changed"]] == [GOOD], got
    night = ("--since", "2026-10-25T00:30:00Z")  # Berlin's clock shows 02:30 twice
    assert len(handover(station, *night, TZ="Europe/Berlin")["changed"]) == 2
    assert "since 2026-10-25 02:30 (" in station.command("handover", *night, env={"TZ": "Europe/Berlin"}).out


def test_what_is_kept_may_be_broken(place):
    station = place.station(place.cloud())
    make_session(station.recordings, GOOD)
    assert station.once().code == 0
    kept(station).parent.mkdir(parents=True)
    for text in ("", "[]", "{", json.dumps({str(station.state): 7}), json.dumps({str(station.state): {"at": "x", "event": "y"}}),
                 json.dumps({str(station.state): {"at": "2020-01-01T00:00:00.000Z", "event": 1e300, "event_at": []}}),
                 json.dumps({str(station.state): {"at": "2020-01-01T00:00:00.000Z", "event": -5, "event_at": 7}})):
        kept(station).write_text(text)
        assert handover(station)["sessions"]["accepted"] == 1, text
        assert handover(station)["changed_n"] == 0, text


main()
