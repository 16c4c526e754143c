# SPDX-License-Identifier: MIT
"""The cloud is killed by SIGKILL at random moments while a station uploads, and started again on the same folder and
port. Held up here (reliability.md "What must never happen"): 1, no recording byte is lost or altered; 2, none is shown
as safe that is not whole in the store; 3, none is forgotten. After the last round every session is accepted, every byte
of it equals its file, and the store holds nothing else, half or whole.
"""
import json
import os
import random
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test as ht  # noqa: E402

ROUNDS = 200 if ht.SOAK else 20
SEED = int(os.environ.get("HEADGATE_SEED") or 20261121)


def session_sizes(rng):
    """Small files, for many commits, and some that a kill meets in mid-body."""
    sizes = {f"part {i}.bin": rng.randrange(1, 200_000) for i in range(rng.randrange(1, 6))}
    sizes |= {f"signals/é{i}.edf": rng.randrange(1_000_000, 4_000_000) for i in range(rng.randrange(1, 4))}
    return sizes


def unfinished(cloud, folders):
    """Sessions that the store does not hold whole yet, seen from outside."""
    return [folder for folder in folders
            if any(cloud.object(f"{folder.name}/eeg-lab-2/{name}") is None for name in ht.files_of(folder))]


def assert_nothing_else(cloud, manifests):
    """The store holds what the manifests name and the manifests, no other object, and nothing half-written."""
    named = {(file["bucket"], file["key"]) for manifest in manifests for file in manifest["files"]}
    assert cloud.object_count() == len(named) + len(manifests), (cloud.object_count(), len(named), len(manifests))
    left = list((cloud.data / "objects" / ".tmp").iterdir())
    assert not left, f"temporary files were left: {left}"


def test_sigkill_of_the_cloud(place):
    rng = random.Random(SEED)
    cloud = place.cloud()
    station = place.station(cloud, settle="100ms", upload={"bandwidth": "8MB/s"})  # a session takes about a second
    engine = station.start()
    folders, interrupted = [], 0
    print(f"# seed {SEED}, {ROUNDS} rounds")
    for i in range(ROUNDS):
        folders.append(ht.make_session(station.recordings, f"20261121_{i // 60:02}{i % 60:02}00", session_sizes(rng), seed=i))
        time.sleep(rng.uniform(0, 1.5))
        cloud.kill()
        interrupted += bool(unfinished(cloud, folders))
        time.sleep(rng.choice([0, 0, rng.uniform(0, 0.7)]))
        cloud.start()
    print(f"# {interrupted} of {ROUNDS} kills met a session that was not whole yet")
    for folder in folders:
        station.wait_state(folder.name, "accepted", timeout_s=120)
    assert engine.running, engine.result()
    assert interrupted > 0, "no kill met an upload: this test has shown nothing"
    assert_nothing_else(cloud, [ht.assert_stored(cloud, folder) for folder in folders])
    token = cloud.token(station.key)
    told = {s["session"]: s for s in cloud.call("GET", "/v1/sessions?limit=1000", token=token)["sessions"]}
    assert sorted(told) == sorted(folder.name for folder in folders)
    for folder in folders:
        files = ht.files_of(folder)
        session = told[folder.name]
        assert (session["state"], session["revision"]) == ("accepted", 1), session
        assert session["files"] == len(files), session
        assert session["bytes"] == sum(path.stat().st_size for path in files.values()), session
    # Each decision was told once, in one order, to who follows the changes from the first.
    followed, cursor = [], ""
    while page := cloud.call("GET", f"/v1/changes?after={cursor}", token=token):
        cursor = page["cursor"]
        if not page["changes"]:
            break
        followed += [change["session"] for change in page["changes"]]
    assert sorted(followed) == sorted(told), followed
    assert engine.stop() == 0, engine.result()


def lines_of(cloud, code):
    """The sessions of the log's lines with this code; the log is read as it lies on the disk."""
    with closing(sqlite3.connect(cloud.data / "logs.db")) as db:
        return [json.loads(text)["session"] for (text,) in db.execute("SELECT json FROM event WHERE json LIKE ?", (f'%"code":"{code}"%',))]


def test_killed_between_a_decision_and_its_line_in_the_log(place):
    """Every write to logs.db is the cloud's death while a file says so: the catalog decides, and the log never hears."""
    deadly = place.dir / "deadly"
    cloud = place.cloud(env=ht.preloaded("fault_shim", FAULT_PATH="logs.db", FAULT_WHILE=deadly, FAULT_DO="kill"))
    station = place.station(cloud)
    engine = station.start()
    ht.wait_for(lambda: (station.state / "state.db").exists(), 60, "the journal")
    deadly.touch()
    folders = []

    def decided():
        with closing(sqlite3.connect(cloud.data / "catalog.db")) as db:
            return db.execute("SELECT count(*) FROM session WHERE state = 'accepted'").fetchone()[0] == len(folders)

    def die_after_decision():
        folders.append(ht.make_session(station.recordings, f"20261121_1000{len(folders):02}"))
        for _ in range(60):  # each life brings the upload further, until the decision is the last thing that is done
            cloud.child.wait(60)
            deadly.unlink()
            if decided():
                return
            cloud.start()
            deadly.touch()
        raise AssertionError("it was never decided")

    die_after_decision()
    while folders[-1].name in lines_of(cloud, "session_accepted"):  # in the moment after a start that was not deadly yet
        assert len(folders) < 10, "every decision was told at once"
        cloud.start()
        deadly.touch()
        die_after_decision()
    for _ in range(2):  # told after the start, and told once
        cloud.start()
        for folder in folders:
            station.wait_state(folder.name, "accepted")
        cloud.stop()
        assert sorted(lines_of(cloud, "session_accepted")) == [folder.name for folder in folders]
    assert engine.stop() == 0


if __name__ == "__main__":
    ht.main()
