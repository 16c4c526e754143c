# SPDX-License-Identifier: MIT
"""A monkey at the console: keys (Ctrl-C too, and Ctrl-Z, after which a shell says `fg`), mouse, garbage and resizes from a seed, while sessions arrive and the engine works. The
console never crashes, the sanitizers have nothing to say, and the engine does not notice. HEADGATE_SOAK: much longer."""
import random
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import GOOD_METADATA, SOAK, main, make_session, wait_for  # noqa: E402
from pty_console import Console, KEYS, engine_of  # noqa: E402

# By Ctrl-C before or after the console, when the shell had the terminal; or as it ended, the terminal given back.
ENDS = (0, -signal.SIGINT, 128 + signal.SIGINT)
SECONDS = 600 if SOAK else 15
LETTERS = "hjklgGnNsSrpiewyRHmT:/? 1238xzZ0!~"
WORDS = ["held", "acc", "20261120", "station", "sessions", "theme", "sort", "retry 20261120_100000", "ignore 20261120_100001", "日本e\u0301", "%s%n", "\x15"]
GARBAGE = ["\x1b[M !!", "\x1b[<0;10;5M", "\x1b[<64;3;4M", "\x1b[200~pasted i y\x1b[201~", "\x1b[", "\x1bO", "\xff", "\x00", "\x1b[999;999H"]


def press_something(console, source):
    dice = source.random()
    if dice < 0.55:
        console.press(source.choice(LETTERS))
    elif dice < 0.8:
        console.press(source.choice(list(KEYS)))
    elif dice < 0.9:
        console.press(source.choice(":/"), source.choice(WORDS), source.choice(["Enter", "Esc", "Tab"]))
    elif dice < 0.93:
        console.press(source.choice(GARBAGE))
    elif dice < 0.98:
        console.resize(source.randrange(1, 70), source.randrange(1, 220))
    else:
        console.press("q")


def console_of(station, *flags, **more):
    console = Console(station, *flags, job=True, **more)
    console.wait_until(lambda screen: screen.text.strip(), "its first frame; before, Ctrl-C is a signal")
    return console


def play(place, seed, seconds, *flags):
    source = random.Random(seed)
    station = place.station(place.cloud())
    engine, arrived, starts = engine_of(station), 0, 0
    env = {"EDITOR": "true"}
    console, end, next_arrival = console_of(station, *flags, env=env), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        if not console.running:
            assert console.wait(60) in ENDS, f"seed {seed}: {console.process.returncode}\n{console.err[-4000:]}"
            console.hang_up()
            console = console_of(station, *flags, env=env, rows=source.randrange(1, 60), columns=source.randrange(1, 200))
            starts += 1
        if time.monotonic() > next_arrival:
            metadata = source.choice([GOOD_METADATA, "fatigue_level: \x1b[31m\n", None, b"\xff\xfe: \n"])
            make_session(station.recordings, f"20261120_10{arrived // 60 % 60:02}{arrived % 60:02}", {"a\x1b[2J.edf": source.randrange(1, 200_000)}, metadata=metadata)
            arrived, next_arrival = arrived + 1, time.monotonic() + (10 if SOAK else 1)
        press_something(console, source)
        console.pump(source.choice([0, 0, 0.005, 0.05]))
        assert engine.running, f"seed {seed}: the engine ended\n{engine.err[-4000:]}"
    # It still does what it is for.
    if not console.running:
        console = console_of(station, *flags, env=env)
    console.resize(24, 80)
    console.press("Esc", "Esc")
    try:
        console.wait(2)
    except AssertionError:  # it was deeper than home
        console.press("Q")
        console.press("Esc", "Esc", "n", "Esc", "Q")
    assert console.wait(60) in ENDS, console.err[-4000:]
    assert arrived and wait_for(lambda: station.rows(), 60, "the journal")
    assert engine.stop() == 0
    print(f"# seed {seed}: {arrived} sessions, the console was started {starts + 1} times", flush=True)


def test_random_keys(place):
    play(place, 20261120, SECONDS)


def test_random_keys_where_nothing_may_change(place):
    play(place, 42, SECONDS, "--read-only")


main()
