# SPDX-License-Identifier: MIT
"""The first start on an archive of 100,000 small sessions that the journal does not know yet: the engine's peak memory
while it takes them in and the first ones are already accepted; and how long 2,000 new ones take from start to end."""
import sqlite3
from contextlib import closing

from headgate_test import wait_for
from measure import peak_kib, row, spread

SESSIONS = 100_000
SHIPPED = 2_000
PEAK_MIB_MAX = 32


def session_name(number):
    return f"{20000101 + number // 50000:08}_{number % 50000 // 3600:02}{number // 60 % 60:02}{number % 60:02}"


def make_archive(root, count):
    for number in range(count):
        folder = root / session_name(number)
        folder.mkdir()
        (folder / "signals.edf").write_bytes(b"%d" % number)
        (folder / "metadata.txt").write_bytes(b"fatigue_level: 4\nhardware_model: HX-200\n")


def counters(state_db):
    """The summary that the journal keeps by its triggers."""
    try:
        with closing(sqlite3.connect(f"file:{state_db}?mode=ro", uri=True, timeout=10)) as db:
            return dict(db.execute("SELECT name, value FROM summary"))
    except sqlite3.OperationalError:
        return {}  # not made yet


def peak_mib(context, count, shipped):
    place = context.place
    station = place.station(place.cloud(), settle="1s", rescan="10s", name="archive")
    make_archive(station.recordings, count)
    engine = station.start()
    state_db = station.state / "state.db"

    def taken_in():
        assert engine.running, engine.result()
        seen = counters(state_db)
        return seen if seen.get("sessions") == count and seen.get("state:accepted", 0) >= shipped else None

    wait_for(taken_in, 600, f"{count} sessions in the journal and {shipped} in the cloud", every_s=0.5)
    peak = peak_kib(engine.pid) / 1024
    engine.stop()
    return peak


def ship_s(context, count):
    from measure import cost_of
    from headgate_test import HEADGATE

    place = context.place
    station = place.station(place.cloud(), settle="1s", name="shipped")
    make_archive(station.recordings, count)
    cost = cost_of([HEADGATE, "run", "--once", "--wait", "900s", "--config", station.ini], station.env())
    assert counters(station.state / "state.db").get("state:accepted") == count
    return cost


def measure(context):
    count = context.scaled(SESSIONS, least=200)
    peak = peak_mib(context, count, min(count // 10, 1000))
    context.say(f"  {count} new sessions: peak {peak:.1f} MiB")
    number = context.scaled(SHIPPED, least=20)
    costs = [ship_s(context, number) for _ in range(context.rounds)]
    return [row(context.name, f"first start on {count} new sessions: peak memory", f"{peak:.1f} MiB", f"< {PEAK_MIB_MAX} MiB", peak < PEAK_MIB_MAX),
            row(context.name, f"{number} new sessions, from start to accepted", spread([cost.wall_s for cost in costs], "{:.1f}") + " s", "", None,
                f"CPU {costs[0].cpu_s:.1f} s, peak {costs[0].peak_kib / 1024:.1f} MiB")]
