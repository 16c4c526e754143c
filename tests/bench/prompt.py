# SPDX-License-Identifier: MIT
"""How promptly a session that is complete is taken up: the last file closed -> the journal's event `checking`, beyond the
settle time."""
import sqlite3
import time
from contextlib import closing

from headgate_test import GOOD_METADATA, make_session, wait_for
from measure import row, spread

SETTLE_MS = 1000
BEYOND_MS_MAX = 150


def checking_at(state_db, session):
    """When the session first entered `checking`, in ms since 1970, or None."""
    with closing(sqlite3.connect(f"file:{state_db}?mode=ro", uri=True, timeout=10)) as db:
        found = db.execute("SELECT min(event.at_ms) FROM event JOIN session ON session.id = event.session"
                           " WHERE session.name = ? AND event.state = 'checking'", (session,)).fetchone()
    return found[0]


def measure(context):
    place, count = context.place, context.scaled(10, least=3) * context.rounds
    cloud = place.cloud()
    station = place.station(cloud, settle=f"{SETTLE_MS}ms", rescan="60s")
    engine = station.start()
    state_db = station.state / "state.db"
    wait_for((station.state / "control.sock").exists, 60, "the engine, whose journal has its tables then")
    beyond = []
    for number in range(count):
        name = f"20261120_14{number // 60:02}{number % 60:02}"
        # What is closed last is the metadata, a recorder's usual order; the rest is there at once.
        folder = make_session(station.recordings, name, {"signals.edf": 1_000_000}, metadata=None, seed=number)
        time.sleep(0.05)
        with open(folder / "metadata.txt", "w", encoding="utf-8") as out:
            out.write(GOOD_METADATA)
        closed = time.time() * 1000
        at = wait_for(lambda: checking_at(state_db, name), 30, f"{name} in state checking", every_s=0.1)
        beyond.append(at - closed - SETTLE_MS)
        assert engine.running, engine.result()
    engine.stop()
    context.say(f"  {count} sessions, ms: " + " ".join(f"{value:.0f}" for value in beyond))
    worst = max(beyond)
    return [row(context.name, f"file closed -> checking, beyond settle ({count} sessions)", spread(beyond, "{:.0f}") + " ms", f"< {BEYOND_MS_MAX} ms",
                worst < BEYOND_MS_MAX, f"worst {worst:.0f} ms", beyond_ms=beyond)]
