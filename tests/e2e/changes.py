# SPDX-License-Identifier: MIT
"""Folders that do not stand still: they grow after they were accepted, vanish and come back, change while they are sent."""
import os
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from fault_proxy import FaultProxy  # noqa: E402
from headgate_test import assert_stored, main, make_session, preloaded, wait_for, write_seeded  # noqa: E402

SESSION = "20261120_134502"


def test_a_folder_that_grows_after_acceptance_becomes_revision_2(place):
    cloud = place.cloud()
    station = place.station(cloud)
    engine = station.start()
    folder = make_session(station.recordings, SESSION)
    station.wait_state(SESSION, "accepted")
    before = {path: path.read_bytes() for path in (cloud.data / "objects").glob("*/??/*")}
    write_seeded(folder / "late.csv", 5000, "late")
    row = wait_for(lambda: (r := station.session(SESSION))["revision"] == 2 and r["state"] == "accepted" and r, 60, "revision 2 accepted")
    assert row["files"] == 4, row
    files = {file["name"]: file["key"] for file in assert_stored(cloud, folder, revision=2)["files"]}
    assert files["late.csv"] == f"{SESSION}/eeg-lab-2/_headgate/2/late.csv", files
    assert files["signals.edf"] == f"{SESSION}/eeg-lab-2/signals.edf", files
    assert {path: path.read_bytes() for path in before} == before, "an object of revision 1 was touched"
    assert cloud.object_count() == len(before) + 2  # the new file and its manifest
    assert len(cloud.manifest(SESSION, revision=1)["files"]) == 3
    assert engine.stop() == 0


def test_a_file_that_is_replaced_after_acceptance_becomes_revision_2(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, SESSION)
    assert station.once().code == 0
    write_seeded(folder / "events.csv", 900, "other bytes of the same length")
    got = station.once()
    assert got.code == 0, got
    row = station.session(SESSION)
    assert (row["state"], row["revision"]) == ("accepted", 2), row
    files = {file["name"]: file["key"] for file in assert_stored(cloud, folder, revision=2)["files"]}
    assert files["events.csv"].endswith("/_headgate/2/events.csv"), files


def test_a_session_that_vanishes_before_it_is_safe_is_gone_until_it_returns(place):
    cloud = place.cloud()
    station = place.station(cloud, settle="1500ms")
    engine = station.start()
    folder = make_session(station.recordings, SESSION)
    station.wait_state(SESSION, "settling")
    aside = place.dir / "aside"
    folder.rename(aside)
    row = station.wait_state(SESSION, "gone")
    assert not row["present"] and row["reason"], row
    assert station.command("status").code == 1
    got = station.command("retry", "--all")
    assert got.code == 0 and "1 is gone, and nothing is there to be tried: put the folder back" in got.err, got
    aside.rename(folder)
    station.wait_state(SESSION, "accepted")
    assert_stored(cloud, folder)
    assert engine.stop() == 0


def test_an_accepted_session_whose_folder_vanishes_keeps_its_verdict(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, SESSION)
    assert station.once().code == 0
    shutil.rmtree(folder)
    engine = station.start()
    row = wait_for(lambda: (r := station.session(SESSION)) and not r["present"] and r, 60, "the folder's absence to be seen")
    assert row["state"] == "accepted", row
    assert station.command("status").code == 0
    assert engine.stop() == 0
    assert cloud.object_count() == 4


def test_a_watch_root_that_vanishes_and_returns(place):
    """A disk that is unplugged: nothing is gone for good, and the engine says which folder it misses."""
    cloud = place.cloud()
    station = place.station(cloud)
    engine = station.start()
    folder = make_session(station.recordings, SESSION)
    station.wait_state(SESSION, "accepted")
    aside = place.dir / "unplugged"
    station.recordings.rename(aside)
    shown = wait_for(lambda: [f for f in station.command("status", "--json").json_lines()[-1]["folders"] if not f["ok"]], 60, "the missing folder to be shown")
    assert shown[0]["path"] == str(station.recordings) and shown[0]["error"], shown
    aside.rename(station.recordings)
    second = make_session(station.recordings, "20261120_150000", seed=2)
    station.wait_state("20261120_150000", "accepted")
    assert_stored(cloud, second)
    assert station.session(SESSION)["state"] == "accepted"
    assert_stored(cloud, folder)
    assert engine.stop() == 0


def test_a_file_that_changes_between_hash_and_upload_leaves_nothing_false(place):
    """The first PUT of the file is held up, and the file changes meanwhile: what counts in the end is what lies there."""
    cloud = place.cloud()
    changed = []

    def hook(request):
        if request.method == "POST" and request.path == "/v1/presign" and not changed:
            changed.append(True)
            write_seeded(folder / "signals.edf", 41_000, "changed after it was hashed")

    proxy = FaultProxy(place, cloud, hook)
    station = place.station(cloud, endpoint=proxy.url)
    folder = make_session(station.recordings, SESSION)
    engine = station.start()
    row = station.wait_state(SESSION, "accepted")
    assert changed
    assert_stored(cloud, folder, revision=row["revision"])
    assert engine.stop() == 0


def test_a_file_that_changes_after_its_last_byte_was_sent_is_another_revision(place):
    """The store has what was hashed, and the file is not that any more: said of the attempt, and settled again. No event
    and no rescan tells of it before the attempt ends: there is a watch for the root only."""
    changed = []

    def change(answer):
        (folder / "signals.edf").write_bytes(b"recorded anew")
        return answer

    def hook(request):
        if request.method == "PUT" and "signals.edf" in request.path and not changed:
            changed.append(True)
            return change

    cloud = place.cloud()
    proxy = FaultProxy(place, cloud, hook)
    station = place.station(cloud, endpoint=proxy.url, rescan="1h")
    folder = make_session(station.recordings, SESSION)
    got = station.command("run", "--once", "--wait", "60s", timeout_s=90, env=preloaded("watch_shim", WATCH_LIMIT="1"))
    shown = station.command("sessions", SESSION, "--json").json_lines()[0]
    assert (got.code, shown["state"], shown["revision"]) == (0, "accepted", 2), (got, shown)
    assert "changed" in [a["code"] for a in shown["attempts"] if a["file"] == "signals.edf"], shown["attempts"]
    assert_stored(cloud, folder, revision=2)


def test_a_session_that_is_moved_in_whole_is_found_at_once(place):
    """Settled long ago when it arrives, it must not wait for the rescan."""
    cloud = place.cloud()
    station = place.station(cloud, settle="200ms", rescan="1h")
    engine = station.start()
    wait_for(lambda: station.state.joinpath("control.sock").exists(), 60, "the engine to run")
    elsewhere = place.dir / "elsewhere"
    make_session(elsewhere, SESSION)
    folder = (elsewhere / SESSION).rename(station.recordings / SESSION)
    station.wait_state(SESSION, "accepted", timeout_s=60)
    assert_stored(cloud, folder)
    assert engine.stop() == 0


def test_sessions_that_are_written_all_at_once_settle_in_the_end(place):
    """More folders change than are looked at together, for as long as looks wait for each other: no appointment is lost."""
    cloud = place.cloud()
    station = place.station(cloud, rescan="500ms", settle="200ms", upload={"connections": 32})
    engine = station.start()
    folders = [make_session(station.recordings, f"20261120_1400{i:02}", {f"f{k:03}.bin": 50 for k in range(250)}, seed=i) for i in range(14)]
    recorders = [open(folder / "signals.edf", "ab", buffering=0) for folder in folders]
    end = time.monotonic() + 3
    while time.monotonic() < end:
        for recorder in recorders:
            recorder.write(b"x" * 100)
        os.utime(folders[int(time.monotonic() * 1000) % 14] / "f000.bin")
        time.sleep(0.002)
    for recorder in recorders:
        recorder.close()
    wait_for(lambda: len(rows := station.rows()) == 14 and all(row["state"] == "accepted" for row in rows), 220, "all of them to be accepted")
    for folder in folders:
        assert_stored(cloud, folder, revision=station.session(folder.name)["revision"])
    assert engine.stop() == 0


if __name__ == "__main__":
    main()
