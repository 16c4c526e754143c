# SPDX-License-Identifier: MIT
"""A walk over what can keep a recording from the cloud: for each cause that can be made, run --once, status without and with an
engine, the console's lines and the heartbeat say the same, with the right exit status. Zero has no exceptions."""
import json
import sqlite3
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import Child, main, make_session, wait_for  # noqa: E402

S1, S2 = "20261120_134501", "20261120_134502"
SCHEMA = "[metadata]\nfile = metadata.txt\n[metadata.keys]\nfatigue_level = number 0..10 required\n"


def status(station):
    got = station.command("status", "--json")
    return got.code, json.loads(got.out)


def fleet(cloud, key, station):
    return next((row for row in cloud.call("GET", "/v1/stations", token=cloud.token(key))["stations"] if row["station"] == station), None)


def walk(place, cloud, station, code, cause, text, named=None, offline=None):
    """The same cause by every road. named: what each of them must name; offline: (status, cause) without an engine."""
    got = station.once(wait="4s")
    assert got.code == code and (not named or named in got.err), (cause, got)
    assert not named or named in station.command("status").out
    alone, shown = status(station)
    want, why = offline or (code, cause)
    assert alone == want and (not why or why in shown["safe"]["causes"]), (cause, alone, shown["safe"])
    assert (shown["safe"]["verdict"] == "yes") == (want == 0), shown["safe"]
    engine = station.start()
    try:
        def said():
            at, seen = status(station)
            return seen if at == code and seen["engine"]["running"] and (not cause or cause in seen["safe"]["causes"]) and "folders_unlisted" not in seen["safe"]["causes"] else None
        seen = wait_for(said, 60, f"status {code} with an engine for {cause}")
        assert (seen["safe"]["verdict"] == "yes") == (code == 0), seen["safe"]
        plain = Child(place, "headgate-plain", [station.program, "--plain", "--config", station.ini], station.env())
        wait_for(lambda: text in plain.out, 60, f"the line {text!r}")
        plain.stop()
        return seen
    finally:
        engine.stop()


def beaten(cloud, key, verdict, **members):
    """What the fleet says of the station: the last heartbeat of a run tells how it ended."""
    row = fleet(cloud, key, "eeg-lab-2")
    assert row and row["verdict"] == verdict and {k: row[k] for k in members} == members, row


def new(place, **settings):
    cloud = place.cloud(schema=SCHEMA)
    return cloud, place.station(cloud, **settings)


def admin(cloud):
    return cloud.key(station="watcher", scope="admin")


def test_all_is_well(place):
    cloud, station = new(place)
    make_session(station.recordings, S1)
    walk(place, cloud, station, 0, None, "safe to leave: ")
    station.once()
    beaten(cloud, admin(cloud), "yes", needs_person=0, unsafe=0, folders_bad=0, names=0)


def test_a_session_that_needs_a_person(place):
    cloud, station = new(place)
    make_session(station.recordings, S1, metadata="fatigue_level: 14\n")
    walk(place, cloud, station, 1, "person", "NOT safe: 1 needs you", named=S1)
    station.once()
    beaten(cloud, admin(cloud), "no", needs_person=1, unsafe=1, held=1)


def test_a_session_that_was_paused(place):
    cloud, station = new(place)
    make_session(station.recordings, S1, metadata=None)
    assert station.once(wait="1s").code == 4
    assert station.command("pause", S1).code == 0
    (station.recordings / S1 / "metadata.txt").write_text("fatigue_level: 4\n")
    walk(place, cloud, station, 4, "paused", "NOT safe: 1 paused", named=S1)


def test_a_session_without_its_metadata(place):
    cloud, station = new(place)
    make_session(station.recordings, S1, metadata=None)
    walk(place, cloud, station, 4, "metadata_awaited", "NOT safe: 1 without metadata", named=f"{S1}  settling   waits for its metadata file", offline=(4, "metadata_awaited"))


def test_a_session_that_is_still_being_written(place):
    cloud, station = new(place)
    make_session(station.recordings, S1)
    with open(station.recordings / S1 / "signals.edf", "ab"):
        walk(place, cloud, station, 4, "under_way", "not yet safe: 1 left", named="signals.edf is still being written")


def test_names_that_are_nearly_a_sessions(place):
    cloud, station = new(place)
    make_session(station.recordings, S1)
    for name in ("20261120T124034", "subject7/20261120_124039", "20261120_124037 (1)"):
        make_session(station.recordings, name)
    seen = walk(place, cloud, station, 1, "names", "NOT safe: 3 to be renamed")
    assert {name["path"]: name["rename_to"] for name in seen["names"]} == {
        "20261120T124034": "20261120_124034", "subject7/20261120_124039": "20261120_124039", "20261120_124037 (1)": "20261120_124037"}, seen["names"]
    got = station.once()
    beaten(cloud, admin(cloud), "no", names=3, needs_person=0)
    for told in (got.err, station.command("status").out, station.command("run", "--dry-run").out, station.command("handover").out, station.command("check", station.recordings).out):
        assert "20261120T124034" in told and "20261120_124039" in told and "(1)" in told, told
    (station.recordings / "20261120T124034").rename(station.recordings / "20261120_124034")
    (station.recordings / "subject7/20261120_124039").rename(station.recordings / "20261120_124039")
    station.sections["station"]["ignore_folders"] = "+ *(1)"
    station.write()
    assert (got := station.once()).code == 0, got
    assert status(station)[0] == 0 and len(station.rows()) == 3


def test_a_folder_that_never_was(place):
    cloud, station = new(place)
    station.sections["station"]["watch"] = station.dir / "typing-mistake"
    station.write()
    seen = walk(place, cloud, station, 2, "folder_wrong", "NOT safe: 1 watched folder is no folder")
    assert "typing-mistake" in seen["folders"][0]["error"]["message"] and seen["folders"][0]["state"] == "wrong", seen["folders"]
    (station.dir / "typing-mistake").write_text("a file")
    got = station.once()
    assert got.code == 2 and "is no folder" in got.err, got


def test_a_folder_that_was_there(place):
    cloud, station = new(place)
    make_session(station.recordings, S1)
    assert station.once().code == 0
    make_session(station.recordings, S2, seed=2)
    away = station.recordings.rename(station.dir / "unplugged")
    seen = walk(place, cloud, station, 74, "folder_lost", "NOT safe: 1 watched folder cannot be read")
    assert not seen["folders"][0]["ok"]
    station.once()
    beaten(cloud, admin(cloud), "no", folders_bad=1)
    station.recordings.mkdir()  # the mount point without its disk
    walk(place, cloud, station, 74, "folder_empty", "NOT safe: 1 watched folder has become empty")
    assert station.session(S1)["present"], "nothing is taken for gone"
    station.recordings.rmdir()
    away.rename(station.recordings)
    assert (got := station.once()).code == 0 and station.session(S2)["state"] == "accepted", got


def test_recordings_that_nobody_looked_at(place):
    cloud, station = new(place)
    make_session(station.recordings, S1)
    engine = station.start()
    station.wait_state(S1, "accepted")
    wait_for(lambda: status(station)[0] == 0, 60, "all to be well")
    engine.kill()
    assert status(station)[0] == 0
    for i in range(40):
        make_session(station.recordings, f"20261121_1000{i:02}", {"a.bin": 100}, seed=i)
    code, shown = status(station)
    assert code == 4 and "not_looked_at" in shown["safe"]["causes"] and shown["not_looked_at"] == 40, shown["safe"]
    assert "40" in station.command("status").out.splitlines()[0]


def test_the_key_and_the_cloud(place):
    cloud, station = new(place)
    make_session(station.recordings, S1)
    assert station.once().code == 0
    ours = next(key["id"] for key in cloud.keys() if key["station"] == "eeg-lab-2")
    cloud.revoke(ours)
    for _ in range(5):
        assert (got := station.once()).code == 77, got
    walk(place, cloud, station, 77, "key_refused", "NOT safe: the API key is refused", named="key_refused")
    cloud.stop()
    make_session(station.recordings, S2, seed=2)
    walk(place, cloud, station, 69, "cloud", "wait", offline=(77, "key_refused"))  # as the last run that was answered found it
    cloud.start()
    station.key = cloud.key("eeg-lab-2")
    station.write()
    assert (got := station.once()).code == 0, got
    code, shown = status(station)
    assert code == 0 and not shown["look"]["key_refused"] and shown["found"] is None, shown


def test_an_endpoint_that_is_not_the_clouds_is_known_after_the_run(place):
    cloud, station = new(place)
    make_session(station.recordings, S1)
    assert station.once().code == 0
    station.sections["cloud"]["endpoint"] = cloud.url + "/v1"
    station.write()
    walk(place, cloud, station, 2, "endpoint", "NOT safe: the endpoint is not the cloud's")
    station.sections["cloud"]["endpoint"] = cloud.url
    station.write()
    assert (got := station.once()).code == 0 and status(station)[0] == 0, got


def test_a_look_of_a_clock_that_was_wrong(place):
    """A time that cannot be is no figure: the line and the status agree that nothing is known."""
    cloud, station = new(place)
    make_session(station.recordings, S1)
    assert station.once().code == 0
    for looked in (20_000, 946_684_800_000, (int(time.time()) + 400 * 86400) * 1000):
        with sqlite3.connect(station.state / "state.db") as db:
            assert db.execute("UPDATE setting SET value = ? WHERE name = 'folder.looked'", (str(looked),)).rowcount == 1
        got = station.command("status")
        assert got.code == 4 and got.out.startswith("safe to leave? not known since when, no engine watches\n"), got
        assert "the clock was wrong at the last look, or is wrong now" in got.out, got
    assert station.once().code == 0 and station.command("status").code == 0


if __name__ == "__main__":
    main()
