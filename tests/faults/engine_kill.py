# SPDX-License-Identifier: MIT
"""The engine is killed by SIGKILL at random moments, and started again on the same journal. Held up here (reliability.md
"What must never happen"): 1, no recording byte is lost or altered, at the station or in the cloud; 2, none is shown as
safe that is not whole in the store; 3, a session that was found is never forgotten. After the last round every session
is accepted, every byte of it equals its file, and the recordings are as they were.
"""
import os
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test as ht  # noqa: E402

ROUNDS = 200 if ht.SOAK else 20
SEED = int(os.environ.get("HEADGATE_SEED") or 20261121)


def session_sizes(rng):
    sizes = {f"a/b {i}": rng.randrange(1, 100_000) for i in range(rng.randrange(1, 8))}
    sizes |= {f"signals {i}.edf": rng.randrange(1_000_000, 4_000_000) for i in range(rng.randrange(1, 3))}
    return sizes


def snapshot(root):
    """Every byte, size and time below the recordings."""
    return {str(path.relative_to(root)): (ht.digest_of(path), path.stat().st_mtime_ns, path.stat().st_mode)
            for path in root.rglob("*") if path.is_file()}


def assert_safe_is_whole(cloud, folders, rows):
    """What the journal calls accepted is in the store, byte for byte, at that very moment."""
    for folder in folders:
        if rows.get(folder.name, {}).get("state") == "accepted":
            ht.assert_stored(cloud, folder)


def test_sigkill_of_the_engine(place):
    rng = random.Random(SEED)
    cloud = place.cloud()
    station = place.station(cloud, settle="100ms", upload={"bandwidth": "8MB/s"})  # a session takes about a second
    folders, known, interrupted = [], set(), 0
    print(f"# seed {SEED}, {ROUNDS} rounds")
    for i in range(ROUNDS):
        folders.append(ht.make_session(station.recordings, f"20261121_{i // 60:02}{i % 60:02}00", session_sizes(rng), seed=i))
        engine = station.start()
        time.sleep(rng.uniform(0.05, 1.8))
        assert engine.running, engine.result()
        engine.kill()
        rows = station.sessions()
        assert known <= set(rows), f"forgotten: {known - set(rows)}"
        known = set(rows)
        interrupted += any(row["state"] != "accepted" for row in rows.values())
        assert_safe_is_whole(cloud, folders[-3:], rows)
    print(f"# {interrupted} of {ROUNDS} kills met a session that was not accepted yet")
    before = snapshot(station.recordings)
    engine = station.start()
    for folder in folders:
        station.wait_state(folder.name, "accepted", timeout_s=120)
    assert interrupted > 0, "no kill met a session at work: this test has shown nothing"
    manifests = [ht.assert_stored(cloud, folder) for folder in folders]
    assert cloud.object_count() == sum(len(m["files"]) for m in manifests) + len(manifests)
    assert snapshot(station.recordings) == before, "the recordings were changed"
    assert engine.stop() == 0, engine.result()
    done = station.once()
    assert done.code == 0, done


if __name__ == "__main__":
    ht.main()
