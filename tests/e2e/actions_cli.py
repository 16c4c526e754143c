#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""pause, resume, ignore, handover and stations as commands, with an engine and without; the verdict of status."""
import json
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test
from fault_proxy import Answer, FaultProxy
from headgate_test import assert_stored, make_session, preloaded, wait_for
from programs import run

S1, S2, S3 = "20261120_134502", "20261120_140000", "20261121_080000"
NOWHERE = "20200101_000000"


def handover(station, *flags):
    got = station.command("handover", "--json", *flags)
    assert got.code == 0, got
    return json.loads(got.out)


def verdict(station):
    return json.loads(station.command("status", "--json").out)["safe"]


def test_pause_and_resume_by_a_running_engine(place):
    cloud = place.cloud()
    station = place.station(cloud, upload={"bandwidth": "300KB/s"})
    engine = station.start()
    make_session(station.recordings, S1, {"signals.edf": 4_000_000})
    station.wait_state(S1, "uploading")
    assert verdict(station)["verdict"] == "soon" and verdict(station)["text"].startswith("not yet safe: 1 left"), verdict(station)
    got = station.command("pause", S1)
    assert got.code == 0 and "1 session is paused" in got.err and not got.out, got
    wait_for(lambda: station.session(S1)["paused"], 60, "the pause")
    got = station.command("resume", S1, "--json")
    assert got.code == 0 and json.loads(got.out) == {"session": S1, "resumed": True, "engine_running": True}, got
    wait_for(lambda: not station.session(S1)["paused"], 60, "the end of the pause")
    got = station.command("pause", S1, NOWHERE)
    assert got.code == 3 and NOWHERE in got.err and not station.session(S1)["paused"], got
    assert engine.stop(15) == 0
    got = verdict(station)
    assert got["verdict"] == "no" and got["text"] == "NOT safe: 1 not in the cloud, no engine answers" and "no_engine" in got["causes"], got


def test_what_was_said_is_committed(place):
    """An act is answered once the journal has it, however slow the disk: the engine may be killed right after."""
    station = place.station(place.cloud(), endpoint="http://127.0.0.1:9")
    make_session(station.recordings, S1)
    for act, flag in (("pause", "paused"), ("ignore", "ignored")):
        engine = station.start(env=preloaded("fault_shim", FAULT_PATH="state.db", FAULT_DO="slow", FAULT_MS="300"))
        station.wait_state(S1, "queued")
        wait_for(lambda: json.loads(station.command("status", "--json").out)["engine"]["running"], 60, "an engine that answers")
        assert station.command(act, S1).code == 0
        engine.kill()
        assert station.session(S1)[flag], act


def test_ignore_without_an_engine(place):
    cloud = place.cloud()
    station = place.station(cloud)
    make_session(station.recordings, S1, {"signals.edf": 1000}, metadata="")
    make_session(station.recordings, S2, {"signals.edf": 1000}, seed=2)
    assert station.once().code == 1
    assert station.command("status").out.splitlines()[0] == "NOT safe: 1 needs you"
    got = station.command("ignore", S1)
    assert got.code == 0 and "ignored" in got.err, got
    assert station.session(S1)["ignored"] and station.command("status").code == 0
    first = station.command("status").out.splitlines()[0]
    assert first == "safe as of now, no engine watches", first
    got = station.command("retry", S1)
    assert got.code == 2 and "is ignored: take that back first" in got.err and station.session(S1)["state"] == "held", got
    got = station.command("ignore", "--undo", S1)
    assert got.code == 0 and "no longer ignored" in got.err and station.command("status").code == 1, got
    got = station.command("ignore", NOWHERE)
    assert got.code == 3 and NOWHERE in got.err, got


def test_all_of_the_named_sessions_or_none(place):
    station = place.station(place.cloud())
    for seed, session in enumerate((S1, S2)):
        make_session(station.recordings, session, {"signals.edf": 1000}, metadata="", seed=seed)
    make_session(station.recordings, S3, {"signals.edf": 1000}, seed=9)
    assert station.once().code == 1
    engine = None
    for code, other, why in ((3, "20200101_000000", "there is no session 20200101_000000"), (2, S3, "is accepted: there is nothing to")) * 2:
        for words in (("pause",), ("ignore",), ("retry",)):
            got = station.command(*words, S1, other, S2)
            assert got.code == code and (why in got.err or "only held, rejected and failed" in got.err) and "Traceback" not in got.err, got
            row = station.session(S1)
            assert (row["state"], row["paused"], row["ignored"]) == ("held", False, False), (words, row)
        if code == 2 and not engine:  # and the same by a running one
            engine = station.start()
            wait_for((station.state / "control.sock").exists, 20, "the engine")
    assert engine.stop(10) == 0


def store_answers(status, code, name):
    """A hook: the store says so whenever that file is put."""
    def hook(request):
        if request.method != "PUT" or name not in request.path:
            return None
        return Answer(status, {"Content-Type": "application/xml"}, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())

    return hook


def test_a_failed_session_is_retried_alike_with_and_without_an_engine(place):
    """Files of it are stored: what is mended and settles again is another revision, whoever was asked."""
    cloud = place.cloud()
    proxy = FaultProxy(place, cloud, store_answers(400, "EntityTooLarge", "metadata.txt"))  # which goes last
    station = place.station(cloud, endpoint=proxy.url)
    folders = [make_session(station.recordings, session, {"signals.edf": 1000}, seed=seed) for seed, session in enumerate((S1, S2))]
    assert station.once().code == 1
    proxy.hook = None
    engine = None
    for folder in folders:
        row = station.session(folder.name)
        assert row["state"] == "failed" and row["stored_files"] > 0 and row["revision"] == 1, row
        if folder is folders[0]:
            (folder / "signals.edf").write_bytes(b"mended" * 100)
        else:  # a running engine sees a change by itself
            engine = station.start()
            wait_for((station.state / "control.sock").exists, 20, "the engine")
        got = station.command("retry", folder.name)
        assert got.code == 0, got
        if not engine:
            assert station.session(folder.name)["revision"] == 2, station.session(folder.name)
            assert station.once().code == 1  # the other one
        station.wait_state(folder.name, "accepted")
        assert station.session(folder.name)["revision"] == 2, station.session(folder.name)
        assert_stored(cloud, folder, revision=2)
    assert engine.stop(15) == 0


def test_a_waiting_session_is_retried_alike_with_and_without_an_engine(place):
    proxy = FaultProxy(place, place.cloud(), store_answers(500, "InternalError", "signals.edf"))
    station = place.station(proxy.cloud, endpoint=proxy.url, upload={"retry_base": "30m", "retry_cap": "1h"})
    make_session(station.recordings, S1)
    engine = station.start()
    for tries in (1, 2):
        wait_for(lambda: (row := station.session(S1)) and row["state"] == "queued" and row["tries"] == tries and row["next_attempt_at"], 60, "the pause")
        if tries == 2:
            assert engine.stop(15) == 0
        got = station.command("retry", S1)
        assert got.code == 0 and "1 session is looked at again" in got.err, got
    row = station.session(S1)
    assert row["state"] == "queued" and not row["next_attempt_at"], row


def test_an_ignored_session_is_refused_alike_with_and_without_an_engine(place):
    """It counts for nothing until that is taken back; then it goes on."""
    station = place.station(place.cloud())
    make_session(station.recordings, S1, {"signals.edf": 1000}, metadata="")
    assert station.once().code == 1
    assert station.command("ignore", S1).code == 0
    alone = station.command("retry", S1)
    engine = station.start()
    wait_for(lambda: json.loads(station.command("status", "--json").out)["engine"]["running"], 60, "an engine that answers")
    beside = station.command("retry", S1)
    assert alone.code == beside.code == 2 and "is ignored" in alone.err and alone.err == beside.err, (alone, beside)
    row = station.session(S1)
    assert row["state"] == "held" and row["ignored"], row
    assert station.command("ignore", "--undo", S1).code == 0 and station.command("retry", S1).code == 0
    assert engine.stop(15) == 0


def test_without_an_engine_a_command_says_one_line(place):
    """What the journal logs is the engine's: a person who asked hears the command's own words."""
    station = place.station(place.cloud())
    make_session(station.recordings, S1, {"signals.edf": 1000}, metadata="")
    assert station.once().code == 1
    other = place.dir / "elsewhere"
    other.mkdir()
    for words in (("pause", S1), ("resume", S1), ("retry", S1), ("retry", S1, S1), ("ignore", S1), ("ignore", "--undo", S1),
                  ("relocate", station.recordings, other)):
        if words[0] == "retry":
            assert station.once().code == 1  # held again
        got = station.command(*words)
        assert got.code == 0 and not got.out and len(got.err.splitlines()) == 1, (words, got)
    got = station.command("release", S1)
    assert got.code == 2 and len(got.err.splitlines()) == 1, got


def test_safe_to_leave_with_an_engine(place):
    station = place.station(place.cloud())
    engine = station.start()
    make_session(station.recordings, S1, {"signals.edf": 1000})
    station.wait_state(S1, "accepted")
    got = wait_for(lambda: (lambda safe: safe if safe["verdict"] == "yes" else None)(verdict(station)), 60, "the verdict")
    assert got["text"].startswith("safe to leave: "), got
    assert engine.stop() == 0


def test_handover_tells_what_is_new_since_the_last_look(place):
    cloud = place.cloud()
    station = place.station(cloud)
    assert station.command("handover").code == 3  # no journal yet
    make_session(station.recordings, S1, {"signals.edf": 1000}, metadata="")
    make_session(station.recordings, S2, {"signals.edf": 1000}, seed=2)
    assert station.once().code == 1
    first = handover(station, "--keep")
    assert first["sessions"] | {"gone": 0} == {"found": 2, "accepted": 1, "held": 1, "rejected": 0, "failed": 0, "gone": 0, "under_way": 0}, first
    assert [row["session"] for row in first["attention"]] == [S1] and first["attention"][0]["mend"], first
    text = station.command("handover")  # the first look that counts
    assert text.code == 0 and "2 found, 1 accepted, 1 held" in text.out and S2 in text.out and not text.err, text
    kept = station.dir / ".local/state/headgate/handover.json"
    assert kept.stat().st_mode & 0o777 == 0o600, oct(kept.stat().st_mode)
    make_session(station.recordings, S3, {"signals.edf": 1000}, seed=3)
    assert station.once().code == 1
    second = handover(station)
    assert second["sessions"]["found"] == 1 and second["sessions"]["accepted"] == 1 and second["sessions"]["held"] == 0, second
    assert [row["session"] for row in second["changed"]] == [S3] and second["attention_n"] == 1, second
    assert second["since"] > first["since"], (first, second)
    third = station.command("handover")
    assert "no session changed" in third.out and "1 needs a person" in third.out, third
    again = handover(station, "--since", "1h")
    assert again["sessions"]["found"] == 3 and handover(station, "--since", first["until"])["sessions"]["found"] == 1, again


def test_a_handover_that_nobody_saw_does_not_count(place):
    station = place.station(place.cloud())
    make_session(station.recordings, S1, {"signals.edf": 1000})
    assert station.once().code == 0
    with open("/dev/full", "w") as full:
        done = subprocess.run([headgate_test.HEADGATE, "handover", "--config", station.ini], env=station.env(), stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 74, done
    assert handover(station)["sessions"]["accepted"] == 1


def test_stations_lists_the_fleet_silent_ones_first(place):
    cloud = place.cloud()
    station = place.station(cloud)
    cloud.key("another-lab")
    make_session(station.recordings, S1, {"signals.edf": 1000})
    assert station.start().running
    station.wait_state(S1, "accepted")

    def heard():
        rows = station.command("stations", "--json").json_lines()
        return rows if rows and not rows[-1]["silent"] else None

    rows = wait_for(heard, 60, "a heartbeat")
    assert [row["station"] for row in rows] == ["eeg-lab-2"] and rows[0]["held"] == 0, rows
    text = station.command("stations")
    assert text.code == 0 and re.search(r"^eeg-lab-2 +ok .* now ", text.out, re.M), text
    station.key_file.write_text(cloud.key("ops", scope="admin") + "\n")
    rows = station.command("stations", "--json").json_lines()
    assert rows[-1]["station"] == "eeg-lab-2" and [row["silent"] for row in rows] == [True] * (len(rows) - 1) + [False], rows
    assert {"another-lab", "eeg-lab-2"} <= {row["station"] for row in rows}, rows
    text = station.command("stations")
    assert re.search(r"^another-lab +silent .* never ", text.out, re.M), text
    cloud.stop()
    got = station.command("stations")
    assert got.code == 69 and not got.out, got
    got = run(place, "stations")
    assert got.code == 2 and "no cloud is named" in got.err, got


if __name__ == "__main__":
    headgate_test.main()
