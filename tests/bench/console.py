# SPDX-License-Identifier: MIT
"""The console over a journal of 100,000 sessions, an engine at its side, in a pseudo terminal that counts: time to the
first whole screen, time and bytes a key, a full repaint, what it does when nothing happens, and its own memory. htop, lnav
and tig are measured in the same terminal, in the same run."""
import shutil
import sqlite3
import statistics
import subprocess
import time

import status
from headgate_test import ROOT, clean_env
from measure import median, row, skipped
from pty_console import Console, Terminal

SESSIONS = 100_000
QUIET_S = 0.3
KEYS, WALK, IDLE_S = 100, 30, 10  # keys: so many down, so many up, so that no list ends
LIMITS = {"start_ms": 25, "key_ms": 1, "key_bytes": 250, "repaint_bytes": 11_000, "idle_bytes": 0, "idle_wakes": 0, "private_kib": 4096}
FIGURES = {
    "start_ms": ("start -> last byte, 80x24", "{:.1f} ms"),
    "key_ms": ("key -> first byte, p95", "{:.2f} ms"),
    "key_bytes": ("bytes a key", "{:.0f}"),
    "repaint_bytes": ("bytes of a full repaint at 200x50", "{:.0f}"),
    "idle_bytes": ("bytes a second when nothing happens", "{:.1f}"),
    "idle_wakes": ("wake-ups a second when nothing happens", "{:.2f}"),
    "private_kib": ("private memory", "{:.0f} KiB"),
}


def fill(station, sessions):
    """Settled sessions of a folder that is not watched: there is nothing for the engine to do."""
    status.fill(station.state / "state.db", station.dir / "archive", 0, sessions)
    db = sqlite3.connect(station.state / "state.db")
    with db:
        db.execute("UPDATE session SET state = 'accepted' WHERE state = 'queued'")
    db.close()


def p95(values):
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


def away_from_the_minute(seconds):
    """The clock on the screen turns with the minute, and that is something that happens."""
    left = 60 - time.time() % 60
    if left < seconds + 1:
        time.sleep(left + 1)


def idle(terminal, seconds):
    terminal.settle(QUIET_S)
    away_from_the_minute(seconds)
    terminal.settle(QUIET_S)
    wakes, come, end = terminal.wake_ups(), 0, time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        come += max(0, terminal.pump(left))
    return come / seconds, (terminal.wake_ups() - wakes) / seconds


def figures_of(start, keys, idle_s, limit_s=20):
    """start(rows, columns) gives a new Terminal; every figure of it."""
    terminal = start(24, 80)
    terminal.settle(QUIET_S * 2, limit_s)
    got = {"start_ms": (terminal.came - terminal.began) * 1000}
    terminal.press("Home")
    terminal.settle(QUIET_S)
    costs = [terminal.key_cost("Down" if n // WALK % 2 == 0 else "Up") for n in range(keys)]
    times, sizes = [ms for ms, _ in costs if ms is not None], [size for ms, size in costs if ms is not None]
    if times:
        got["key_ms"], got["key_bytes"] = p95(times), statistics.mean(sizes)
    got["idle_bytes"], got["idle_wakes"] = idle(terminal, idle_s)
    got["private_kib"] = terminal.private_kib()
    terminal.kill()
    terminal.hang_up()
    large = start(50, 200)
    large.settle(QUIET_S * 2, limit_s)
    got["repaint_bytes"] = large.key_cost("C-l", QUIET_S)[1]
    large.kill()
    large.hang_up()
    return got


def peers(place):
    """name -> start(rows, columns); the reason instead where one is not installed."""
    log = place.dir / "bench.log"
    log.write_text("".join(f"2026-11-20T13:{n // 60:02}:{n % 60:02} info a line of a log, number {n}\n" for n in range(3000)))
    repository = place.dir / "repository"
    subprocess.run(["git", "init", "-q", repository], check=False, capture_output=True)
    for n in range(60):
        subprocess.run(["git", "-C", repository, "-c", "user.name=b", "-c", "user.email=b@example.org", "commit", "-q", "--allow-empty", "-m",
                        f"change {n}"], check=False, capture_output=True)
    commands = {"htop": (["htop"], None), "lnav": (["lnav", "-N", log], None), "tig": (["tig"], repository)}
    found = {}
    for name, (command, cwd) in commands.items():
        if shutil.which(name):
            found[name] = lambda rows, columns, c=command, d=cwd, n=name: Terminal(place, n, c, rows, columns, env=clean_env(place.dir), cwd=d)
    return found, [name for name in commands if name not in found]


def measure(context):
    place, sessions = context.place, context.scaled(SESSIONS, least=1000)
    keys, idle_s = context.scaled(KEYS, least=5), min(IDLE_S, max(1, IDLE_S * context.scale))
    station = place.station(place.cloud(), rescan="1h")
    station.once(wait="20s")  # makes the journal
    fill(station, sessions)
    engine = station.start()
    variants = {"console": lambda rows, columns: Console(station, rows=rows, columns=columns)}
    others, missing = peers(place)
    variants.update(others)
    rounds = {name: [] for name in variants}
    warm = variants["console"](24, 80)
    warm.wait_until("cloud ok")
    warm.settle(3)  # a young engine still has news
    warm.quit()
    for number in range(context.rounds):
        for name, start in variants.items():
            rounds[name].append(figures_of(start, keys, idle_s))
            context.say(f"  round {number + 1} of {context.rounds}: {name}: "
                        + ", ".join(f"{form.format(rounds[name][-1].get(key, 0))} {words}" for key, (words, form) in FIGURES.items()))
    assert engine.running, engine.result()
    engine.stop()
    rows = []
    for key, (words, form) in FIGURES.items():
        values = {name: [one[key] for one in got if key in one] for name, got in rounds.items()}
        value = median(values["console"])
        beside = ", ".join(f"{name} {form.format(median(values[name]))}" for name in others if values[name])
        limit = LIMITS[key]
        met = value <= limit if limit == 0 else value < limit
        rows.append(row(context.name, f"console, {sessions} sessions: {words}", form.format(value), f"{'' if limit == 0 else '< '}{form.format(limit)}", met,
                        beside, runs=values))
    return rows + [skipped(context.name, f"console beside {name}", f"{name} is not installed") for name in missing]
