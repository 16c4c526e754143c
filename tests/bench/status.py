# SPDX-License-Identifier: MIT
"""`headgate status` over a journal of 100,000 sessions and 1,000,000 files: how its time grows with the journal."""
import math
import sqlite3

from headgate_test import HEADGATE
from measure import cost_of, median, row, spread

SESSIONS = 100_000
FILES_A_SESSION = 10
STATUS_MS_MAX = 100
RUNS = 15

# Nearly all accepted, some of each other state, as a station has them after years. One name a second from 2010 on.
FILL = """
WITH RECURSIVE n(i) AS (SELECT :from UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :to)
INSERT INTO session (name, root, revision, state, paused, ignored, present, data_safe, found_ms, updated_ms, settled_ms,
 uploaded_ms, accepted_ms, fingerprint_ms, fingerprint, files, bytes, stored_files, stored_bytes, next_attempt_ms, tries, processing, reason)
SELECT strftime('%Y%m%d_%H%M%S', 1262304000 + i * 3600, 'unixepoch'), :root, 1,
 CASE WHEN i % 500 = 1 THEN 'held' WHEN i % 500 = 2 THEN 'rejected' WHEN i % 500 = 3 THEN 'failed' WHEN i % 500 = 4 THEN 'queued' ELSE 'accepted' END,
 0, i % 500 = 3, 1, 1, 1262304000000 + i * 3600000, 1262304000000 + i * 3600000 + 60000, 0, 0, 0, 0, printf('%064x', i), 10, 600000000,
 10, 600000000, 0, 1, 'none', CASE WHEN i % 500 = 1 THEN 'metadata_ranges: fatigue_level 14 is above 10' END FROM n
"""
FILL_FILES = """
WITH RECURSIVE k(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM k WHERE j + 1 < :files)
INSERT INTO file (session, revision, name, size, mtime_ns, ctime_ns, inode, sha256, state, bucket, key, stored_ms)
SELECT id, 1, printf('signals-%02d.edf', j), 60000000, 1, 1, 1, randomblob(32), 1, 'headgate-raw', name || '/eeg-lab-2/' || j, 1
FROM session, k WHERE id > :after
"""
FILL_EVENTS = """
INSERT INTO event (event_id, at_ms, session, level, code, message, state)
SELECT 'bench-' || id, updated_ms, id, 'info', 'accepted', 'whole and verified', state FROM session WHERE id > :after
"""


def fill(state_db, root, begin, end):
    """Sessions begin..end - 1, each with its files and an event; the triggers keep the summary, as they do for the engine."""
    db = sqlite3.connect(state_db)
    try:
        with db:
            after = db.execute("SELECT coalesce(max(id), 0) FROM session").fetchone()[0]
            db.execute(FILL, {"from": begin, "to": end, "root": str(root)})
            db.execute(FILL_FILES, {"files": FILES_A_SESSION, "after": after})
            db.execute(FILL_EVENTS, {"after": after})
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        db.close()


def status_ms(station):
    """Of several runs each; 0 all is well, 1 some session wants attention, 4 some are under way, 69 when it looks for the cloud and has none."""
    command, env = [HEADGATE, "status", "--config", station.ini], station.env()
    return [cost_of(command, env, statuses=(0, 1, 4, 69)).wall_s * 1000 for _ in range(RUNS)]


def measure(context):
    place, sessions = context.place, context.scaled(SESSIONS, least=1000)
    cloud = place.cloud()
    station = place.station(cloud)
    station.once(wait="20s")  # makes the journal
    station.recordings.mkdir(exist_ok=True)
    times, filled = {}, 0
    for number in sorted({max(1, sessions // 100), max(1, sessions // 10), sessions}):
        fill(station.state / "state.db", station.recordings, filled, number)
        filled = number
        times[number] = status_ms(station)
        context.say(f"  {number} sessions: {median(times[number]):.1f} ms")
    small, large = min(times), max(times)
    growth = math.log(median(times[large]) / median(times[small])) / math.log(large / small)
    absolute = ", ".join(f"{number}: {median(values):.1f} ms" for number, values in times.items())
    return [row(context.name, f"headgate status, {large} sessions and {large * FILES_A_SESSION} files", spread(times[large], "{:.1f}") + " ms",
                f"< {STATUS_MS_MAX} ms", median(times[large]) < STATUS_MS_MAX, f"{absolute}; grows as n^{growth:.2f}", runs_ms=times[large])]
