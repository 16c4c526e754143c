# SPDX-License-Identifier: MIT
"""When a recording is complete: its metadata in time or a person's matter, its marker where one is required, names that say
"still being written", and files that are no part of it."""
import json
import os
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import GOOD_METADATA, assert_stored, main, make_session, wait_for  # noqa: E402

S1, S2, S3, S4 = "20261120_134501", "20261120_134502", "20261120_134503", "20261120_134504"
SCHEMA = "[metadata]\nfile = metadata.txt\n[metadata.keys]\nfatigue_level = number 0..10 required\n"


def status(station):
    got = station.command("status", "--json")
    return got.code, json.loads(got.out)


def agree(station, once, code, cause):
    """run --once and status end alike, and the verdict names the cause."""
    assert once.code == code, once
    got, shown = status(station)
    assert got == code and cause in shown["safe"]["causes"] and shown["safe"]["verdict"] != "yes", (got, shown["safe"])


def test_missing_metadata_within_its_time_and_after_it(place):
    cloud = place.cloud(schema=SCHEMA)
    station = place.station(cloud)
    folder = make_session(station.recordings, S1, metadata=None)
    agree(station, station.once(), 4, "no_engine")
    row = station.session(S1)
    assert row["state"] == "settling" and "metadata.txt until 20" in row["reason"], row
    engine = station.start()
    wait_for(lambda: "metadata_awaited" in status(station)[1]["safe"]["causes"], 60, "the engine to say what is awaited")
    assert status(station)[0] == 4
    assert engine.stop() == 0
    week_ago = time.time() - 7 * 86400
    for path in folder.iterdir():
        os.utime(path, (week_ago, week_ago))
    agree(station, station.once(), 1, "person")  # a recording of last week waits for no file of today
    row = station.session(S1)
    assert row["state"] == "held" and row["data_safe"] and "metadata_present" in row["reason"], row
    assert cloud.object(f"{S1}/eeg-lab-2/signals.edf") == (folder / "signals.edf").read_bytes(), "the data do not wait"
    (folder / "metadata.txt").write_text(GOOD_METADATA)
    assert (got := station.once()).code == 0, got
    assert station.session(S1)["state"] == "accepted" and status(station)[0] == 0


def test_what_stands_in_the_metadatas_place_is_told_at_once(place):
    cloud = place.cloud(schema=SCHEMA)
    station = place.station(cloud)
    make_session(station.recordings, S1, metadata_name="Metadata.txt")
    linked = make_session(station.recordings, S2, metadata_name="common.txt")
    (linked / "metadata.txt").symlink_to("common.txt")
    folder = make_session(station.recordings, S3, metadata=None)
    (folder / "metadata.txt").mkdir()
    got = station.once()
    agree(station, got, 1, "person")
    for session, words in ((S1, "rename \"Metadata.txt\" to metadata.txt"), (S2, "put the file itself there"), (S3, "move the folder away")):
        row = station.session(session)
        assert row["state"] == "held" and words in got.err and row["data_safe"], (row, got.err)
    (station.recordings / S1 / "Metadata.txt").rename(station.recordings / S1 / "metadata.txt")
    (linked / "metadata.txt").unlink()
    (linked / "common.txt").rename(linked / "metadata.txt")
    (folder / "metadata.txt").rmdir()
    (folder / "metadata.txt").write_text(GOOD_METADATA)
    assert (got := station.once()).code == 0, got
    assert_stored(cloud, station.recordings / S1, revision=station.session(S1)["revision"])


def test_the_name_of_the_metadata_file(place):
    """In force where the cloud has no rules; a contradiction to its rules is said everywhere."""
    station = place.station(place.cloud(), metadata={"file": "info.json"})
    folder = make_session(station.recordings, S1, metadata='{"fatigue_level": 3}', metadata_name="info.json")
    assert (got := station.once()).code == 0 and station.session(S1)["state"] == "accepted", got
    assert folder.exists()
    other = place.station(place.cloud(schema=SCHEMA), metadata={"file": "info.json"})
    make_session(other.recordings, S1, metadata='{"fatigue_level": 3}', metadata_name="info.json")
    got = other.once()
    assert got.code == 2 and "metadata" in got.err and "info.json" in got.err, got
    engine = other.start()
    wait_for(lambda: "metadata_conflict" in status(other)[1]["safe"]["causes"], 60, "the contradiction in the status")
    assert status(other)[0] == 2
    assert engine.stop() == 0
    assert "metadata.txt, which is in force" in other.command("handover", "--since", "1h").out


def test_a_required_marker(place):
    cloud = place.cloud()
    station = place.station(cloud, station={"done_marker": "DONE", "done_marker_required": "yes"})
    folder = make_session(station.recordings, S1)
    got = station.once(wait="3s")
    agree(station, got, 4, "under_way" if status(station)[1]["engine"]["running"] else "no_engine")
    assert "waits for DONE" in station.session(S1)["reason"], station.session(S1)
    (folder / "DONE").touch()
    assert (got := station.once()).code == 0 and station.session(S1)["state"] == "accepted", got
    assert "DONE" not in {file["name"] for file in cloud.manifest(S1)["files"]}
    station.sections["station"].pop("done_marker")
    station.write()
    got = station.once()
    assert got.code == 2 and "set done_marker" in got.err, got


def test_files_that_are_no_part_and_names_that_say_not_yet(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, S1, {"signals.edf": 4000, "sub/events.csv": 900})
    for name in (".DS_Store", "sub/Thumbs.db", "._signals.edf", "notes.txt~"):
        (folder / name).write_bytes(b"x")
    (folder / "video.mp4.part").write_bytes(b"half")
    assert station.once(wait="3s").code == 4
    row = station.session(S1)
    assert row["state"] == "settling" and "video.mp4.part is still being written" in row["reason"], row
    (folder / "video.mp4.part").rename(folder / "video.mp4")
    assert (got := station.once()).code == 0, got
    assert {file["name"] for file in cloud.manifest(S1)["files"]} == {"signals.edf", "sub/events.csv", "video.mp4", "metadata.txt"}
    got = station.command("check", folder)
    assert got.code == 0 and "sub/Thumbs.db" in got.out and "not sent" in got.out, got
    assert sorted(json.loads(station.command("check", folder, "--json").out)["ignored"]) == [".DS_Store", "._signals.edf", "notes.txt~", "sub/Thumbs.db"]
    assert "sub/Thumbs.db" in station.command("sessions", S1).out
    (folder / "desktop.ini").write_bytes(b"x")  # comes later, and is no change
    assert station.once().code == 0 and station.session(S1)["revision"] == 1
    assert ".DS_Store" in station.command("config").out and "*.part" in station.command("config").out


def test_a_temporary_name_since_yesterday_needs_a_person(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, S1)
    (folder / ".signals.edf.a1B2c3").write_bytes(b"half")
    for path in folder.iterdir():
        os.utime(path, (time.time() - 2 * 86400,) * 2)
    got = station.once()
    assert got.code == 1 and "temporary" in station.session(S1)["reason"] and "remove it" in got.err, (got, station.session(S1))
    (folder / ".signals.edf.a1B2c3").unlink()
    assert (got := station.once()).code == 0 and station.session(S1)["state"] == "accepted", got


def test_files_that_may_be_empty(place):
    cloud = place.cloud(schema=SCHEMA + "[check]\nempty = *.log, flag\n")
    station = place.station(cloud)
    folder = make_session(station.recordings, S1, {"signals.edf": 4000, "run.log": 0})
    (folder / "run.log").touch()
    assert (got := station.once()).code == 0, (got, station.rows())
    assert_stored(cloud, folder)
    other = make_session(station.recordings, S2, {"signals.edf": 0}, seed=2)
    (other / "signals.edf").touch()
    assert station.once().code == 1 and "no_empty_file" in station.session(S2)["reason"]


def test_a_marker_that_holds_something_is_sent(place):
    """An empty one is a message and stays behind, told by check and sessions; what was left behind before comes after."""
    cloud = place.cloud()
    station = place.station(cloud, station={"done_marker": "recording.end"})
    empty, full = make_session(station.recordings, S1), make_session(station.recordings, S2, seed=2)
    (empty / "recording.end").touch()
    (full / "recording.end").write_text("stopped by the operator\n")
    assert (got := station.once()).code == 0, got
    assert_stored(cloud, full)
    assert cloud.object(f"{S2}/eeg-lab-2/recording.end") == b"stopped by the operator\n"
    told = "not sent, the done_marker while it is empty:"
    assert f"{told} recording.end" in (got := station.command("check", empty)).out, got
    assert f"{told}\n  recording.end\n" in (got := station.command("sessions", S1)).out, got
    assert json.loads(station.command("check", empty, "--json").out)["ignored"] == ["recording.end"]
    assert json.loads(station.command("sessions", S1, "--json").out)["ignored_files"] == ["recording.end"]
    for got in (station.command("check", full), station.command("sessions", S2)):
        assert told not in got.out, got
    (empty / "recording.end").write_text("now it says why\n")
    assert (got := station.once()).code == 0 and station.session(S1)["revision"] == 2, got
    assert_stored(cloud, empty, revision=2)


def test_a_marker_that_an_older_program_left_behind_is_the_next_revision(place):
    cloud = place.cloud()
    station = place.station(cloud, station={"done_marker": "recording.end", "ignore": "recording.end"})
    folder = make_session(station.recordings, S1)
    (folder / "recording.end").write_text("stopped\n")
    station.sections["station"].pop("done_marker")  # left behind by a pattern, as the marker was
    station.write()
    assert (got := station.once()).code == 0 and cloud.object(f"{S1}/eeg-lab-2/recording.end") is None, got
    station.sections["station"].pop("ignore")
    station.sections["station"]["done_marker"] = "recording.end"
    station.write()
    assert (got := station.once()).code == 0 and station.session(S1)["revision"] == 2, got
    assert_stored(cloud, folder, revision=2)


def test_a_marker_that_is_the_metadata_is_refused(place):
    station = place.station(place.cloud(), station={"done_marker": "metadata.txt"})
    for words in (("run", "--once"), ("check", station.recordings)):
        got = station.command(*words)
        assert got.code == 2 and "done_marker is the metadata file metadata.txt" in got.err, got


if __name__ == "__main__":
    main()
