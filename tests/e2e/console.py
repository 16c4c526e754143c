# SPDX-License-Identifier: MIT
"""The console as an operator uses it: keys against the real program in a terminal, with a real engine and cloud behind
it. Each step waits for what the screen must show."""
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from byte_proxy import ByteProxy, Fault  # noqa: E402
from headgate_test import GOOD_METADATA, main, make_session, preloaded, wait_for  # noqa: E402
from pty_console import Console, engine_of  # noqa: E402

SESSION = "20261120_134502"
SCHEMA = "[metadata]\nfile = metadata.txt\n[metadata.keys]\nfatigue_level = number 0..10 required\nhardware_model = text required\n"
TIRED = "fatigue_level: 14\nhardware_model: HX-200\n"


def running(place, *, metadata=GOOD_METADATA, names=(SESSION,), **settings):
    """A station with an engine at work on sessions that are there already."""
    station = place.station(place.cloud(schema=SCHEMA), **settings)
    for number, name in enumerate(names):
        make_session(station.recordings, name, {"signals.edf": 40_000 + 1000 * number}, metadata=metadata, seed=number)
    return station, engine_of(station)


def attached(station, *flags, **more):
    """A console that has its engine: what is pressed reaches it."""
    console = Console(station, *flags, **more)
    console.wait_until("cloud ok")
    return console


def test_a_session_is_seen_from_found_to_safe(place):
    station, engine = running(place, names=())
    console = Console(station, columns=100)
    console.wait_until("cloud ok")
    console.wait_until("No session was found yet")
    make_session(station.recordings, SESSION)
    console.wait_row(SESSION, "accepted")
    console.wait_until("safe to leave")
    assert "13:45:02" in console.row(SESSION), console.row(SESSION)
    console.assert_true()
    console.assert_clean()
    assert console.quit() == 0
    assert engine.running and engine.stop() == 0


def test_a_slow_disk_holds_no_change_back(place):
    """SQLite writes the WAL, syncs it, and only then can the commit be seen: inotify tells of the writing."""
    station = place.station(place.cloud(schema=SCHEMA))
    engine = engine_of(station, env=preloaded("fault_shim", FAULT_PATH="state.db", FAULT_DO="slow", FAULT_MS="25"))
    console = Console(station, columns=100)
    console.wait_until("No session was found yet")
    make_session(station.recordings, SESSION)
    console.wait_row(SESSION, "accepted")
    assert console.quit() == 0
    assert engine.stop() == 0


def test_a_change_by_another_command_is_seen_without_an_engine(place):
    station, engine = running(place, metadata=TIRED)
    station.wait_state(SESSION, "held")
    assert engine.stop() == 0
    console = Console(station, "--read-only", columns=100)
    console.wait_row(SESSION, "held")
    slow = preloaded("fault_shim", FAULT_PATH="state.db", FAULT_DO="slow", FAULT_MS="1500")
    assert station.command("ignore", SESSION, env=slow).code == 0
    console.wait_row(SESSION, "ignored")
    assert console.quit() == 0


def test_progress_is_live(place):
    cloud = place.cloud()
    slow = ByteProxy(place, cloud, lambda n: Fault(rate=3_000_000))
    station = place.station(cloud, endpoint=slow.url)
    make_session(station.recordings, SESSION, {"signals.edf": 30_000_000})
    engine_of(station)
    console, seen, ends = attached(station, columns=120), set(), set()

    def three(_):
        match = re.search(r"(\d+)%", console.row(SESSION))
        if match and "uploading" in console.row(SESSION):
            seen.add(int(match.group(1)))
            ends.update(re.findall(r"[\d.]+ [kM]B/s", console.row(SESSION)))
        return len(seen) >= 3

    console.wait_until(three, "three different percentages", 60)
    assert ends, "no rate was seen"
    console.press("Enter")
    console.wait_until("[Overview]")
    console.press("Tab")
    seen.clear()

    def file_moves(screen):
        line = next((line for line in screen.lines if line.startswith(" signals.edf")), "")
        seen.update(re.findall(r"█.*?(\d+)%", line))
        return len(seen) >= 3

    console.wait_until(file_moves, "three different percentages of the file", 60)
    console.press("Esc")
    console.wait_row(SESSION, "accepted")
    console.wait_until(lambda screen: re.search(r"MB/s +[▁▂▃▄▅▆▇█]+ +15 min", screen.text), "the sparkline", 60)
    assert console.quit() == 0


def test_one_session_in_full(place):
    station, _ = running(place)
    console = attached(station, rows=40, columns=120)
    console.wait_row(SESSION, "accepted")
    console.press("Enter")
    console.wait_until("whole and verified")
    wanted = {"Overview": "folder", "Files": "signals.edf", "Metadata": "fatigue_level", "Checks": "metadata_ranges", "Attempts": "200", "Events": "accepted"}
    for words in wanted.values():
        console.wait_until(words, f"the pane with {words}")
        console.press("Tab")
    console.press("Esc")
    console.wait_until("SESSION")
    assert console.quit() == 0


def editor(place, text):
    """$EDITOR that writes the text into the file it is given, and says on the terminal that it had it."""
    path = place.dir / "editor"
    path.write_text(f"#!/bin/sh\ntest -t 1 || exit 3\nprintf '%s' '{text}' >\"$1\"\n")
    path.chmod(0o755)
    return path


def test_a_held_session_says_why_is_edited_and_accepted(place):
    station, _ = running(place, metadata=TIRED)
    console = attached(station, columns=120, env={"EDITOR": editor(place, GOOD_METADATA)})
    console.wait_row(SESSION, "held", "fatigue_level")
    console.wait_until("NOT safe: 1 needs you")
    console.press("w")
    console.wait_until("14")
    console.press("w", "Enter")
    console.wait_until("What to do")
    console.press("Esc")
    console.wait_row(SESSION, "held")
    console.press("/", "nowhere", "Enter")
    console.wait_gone(SESSION)
    console.press("Esc")
    console.wait_row(SESSION, "held")
    console.press("Esc")  # one too many is no wish to leave
    console.wait_until("q leaves the console")
    console.press("e")
    console.wait_row(SESSION, "accepted")
    console.wait_until("safe to leave")
    console.assert_true()
    assert station.session(SESSION)["state"] == "accepted"
    assert console.quit() == 0


def test_an_editor_that_fails_changes_nothing(place):
    station, _ = running(place, metadata=TIRED)
    console = attached(station, columns=120, env={"EDITOR": "/nonexistent/editor"})
    console.wait_row(SESSION, "held")
    console.press("e")
    console.wait_until("editor could not be started")
    console.press("Enter")
    console.wait_until("[Overview]")
    console.wait_gone("editor could not be started")
    console.press("e")
    console.wait_until("editor could not be started")
    console.press("Esc")
    console.wait_row(SESSION, "held")
    console.assert_true()
    assert console.quit() == 0


def test_pause_and_resume(place):
    station, _ = running(place, settle="1h")
    console, other = attached(station), attached(station)
    console.wait_row(SESSION, "settling")
    console.press("p")
    for one in (console, other):
        one.wait_row(SESSION, "paused")
    console.press("p")
    for one in (console, other):
        one.wait_row(SESSION, "settling")
    assert console.quit() == 0 and other.quit() == 0


def test_ignore_asks_first(place):
    station, _ = running(place, metadata=TIRED)
    console = attached(station)
    console.wait_row(SESSION, "held")
    for answer in ("n", "Esc"):
        console.press("i")
        console.wait_until("Nothing is deleted")
        console.press(answer)
        console.wait_gone("Nothing is deleted")
        assert "held" in console.row(SESSION), console.row(SESSION)
    console.press("i")
    console.wait_until("y yes")
    console.press("x")  # no answer at all
    console.press("y")
    console.wait_row(SESSION, "ignored")
    console.wait_until("safe to leave")
    console.press("i")
    console.wait_row(SESSION, "held")
    assert console.quit() == 0


def test_filter_sort_marks_and_bulk(place):
    names = [f"20261120_1000{n:02}" for n in range(5)]
    station, _ = running(place, metadata=TIRED, names=names)
    make_session(station.recordings, SESSION)
    console = attached(station)
    for name in names:
        console.wait_row(name, "held")
    console.wait_row(SESSION, "accepted")
    console.press("/", "held")
    console.wait_gone(SESSION)
    console.press("Enter")
    console.wait_until('filter "held": 5 fit')
    console.press("s")
    console.wait_until("sorted by name")
    console.press("g", "Space", "Space")
    console.wait_until("2 marked")
    console.press("i")
    console.wait_until("Ignore 2 sessions?")
    console.press("y")
    console.wait_until(lambda screen: screen.text.count(" ignored ") == 2 or screen.text.count("ignored") >= 2, "two ignored")
    assert sorted(row["ignored"] for row in station.rows()).count(True) == 2, station.rows()
    console.press("/", "C-u", "Enter")
    console.wait_row(SESSION, "accepted")
    console.assert_true()
    assert console.quit() == 0


def test_the_command_line(place):
    station, _ = running(place)
    console = attached(station)
    console.wait_row(SESSION, "accepted")
    console.press(":", "stati", "Tab")
    console.wait_until(lambda screen: screen.lines[-1].startswith(":station"), "the completion")
    console.press("Enter")
    console.wait_until("[8 Station]")
    console.press(":", "sesions", "Enter")
    console.wait_until('no command "sesions", did you mean sessions')
    console.press(":", "Up", "Up")
    console.wait_until(lambda screen: screen.lines[-1].startswith(":station"), "the history")
    console.press("Esc", "1")
    console.wait_until("[1 Sessions]")
    console.press(":", "pause 20200101_000000", "Enter")  # one that nobody knows
    console.wait_until("there is no session 20200101_000000")
    assert console.quit() == 0


def test_commands_and_searches_come_back(place):
    station, _ = running(place)
    console = attached(station)
    console.wait_row(SESSION, "accepted")

    def last(text):
        console.wait_until(lambda screen: screen.lines[-1].rstrip() == text, f"{text!r} on the last line")

    console.press(":", "theme light", "Enter", ":", "theme dark", "Enter", ":", "theme dark", "Enter")  # the same twice is once
    console.press(":", "half a word", "Up")
    last(":theme dark")
    console.press("Up", "Up")  # there is no older one
    last(":theme light")
    console.press("Down", "Down")
    last(":")
    console.press("Esc", "/", "13", "Enter", "/", "C-u", "1345", "Enter", "/", "C-u", "Up", "Up")
    last("/13")
    console.press("Down")
    last("/1345")
    console.press("C-u", "Enter")
    assert console.quit() == 0
    console = attached(station)  # commands are kept for this user
    console.wait_row(SESSION, "accepted")
    console.press(":", "Up", "Up")
    last(":theme light")
    console.press("Esc")
    assert console.quit() == 0


def test_help_lists_every_key_and_goes_away(place):
    station, _ = running(place)
    console = attached(station, rows=60)
    console.wait_row(SESSION)
    console.press("?")
    console.wait_until("Keys of this screen")
    for words in ("edit the metadata file", "filter or search", "what happened since you last looked", "next theme"):
        console.wait_until(words)  # a frame comes in pieces
    console.press("Esc")
    console.wait_row(SESSION)
    assert console.quit() == 0


def test_read_only_forbids_what_changes(place):
    station, engine = running(place, metadata=TIRED)
    console = attached(station, "--read-only", columns=100)
    console.wait_row(SESSION, "held")
    console.wait_until("read-only")
    before = wait_for(lambda: (row := station.session(SESSION))["data_safe"] and row, 60, "its data to be safe")  # the engine rests
    for key in "rpieR":
        console.press(key)
        console.wait_until("this console is read-only")
        console.press("?")
        console.wait_until("Keys of this screen")
        console.press("Esc")
        console.wait_row(SESSION)
    console.press(":", f"ignore {SESSION}", "Enter")
    console.wait_until("this console is read-only")
    assert station.session(SESSION) == before
    assert console.quit() == 0 and engine.running


def test_handover_and_station(place):
    station, _ = running(place, metadata=TIRED)
    console = attached(station, rows=40, columns=120)
    console.wait_row(SESSION, "held")
    console.press("H")
    console.wait_until(SESSION)
    console.press("Esc", "8")
    console.wait_until(str(station.recordings)[:40])
    console.press("1")
    console.wait_row(SESSION, "held")
    assert console.quit() == 0


def test_themes(place):
    station, _ = running(place, metadata=TIRED)
    console = attached(station, "--theme", "dark")
    console.wait_row(SESSION, "held")
    looks = set()
    for _ in range(4):
        console.press("T")
        console.wait_until(lambda screen: "theme " in screen.lines[-1] and screen.lines[-1] not in looks, "another theme")
        looks.add(console.footer())
    assert console.quit() == 0
    mono = attached(station, "--theme", "mono")
    mono.wait_row(SESSION, "held")
    assert not colours(mono), colours(mono)
    assert mono.quit() == 0
    wrong = Console(station, "--theme", "pink")
    assert wrong.wait(60) == 2 and "there is no theme pink" in wrong.err, wrong.err


def colours(console):
    """Every sequence that sets a colour of its own."""
    return re.findall(rb"\x1b\[[0-9;]*?(?:(?<=[\[;])[34][0-7]|[34]8;5;\d+|(?<=[\[;])(?:9|10)[0-7])[0-9;]*m", bytes(console.stream))


def test_no_color(place):
    station, _ = running(place)
    console = attached(station, env={"NO_COLOR": "1"})
    console.wait_row(SESSION, "accepted")
    assert not colours(console), colours(console)[:5]
    assert console.quit() == 0
    console = attached(station, env={"NO_COLOR": ""})  # no-color.org: when not an empty string
    console.wait_row(SESSION, "accepted")
    assert colours(console)
    assert console.quit() == 0


def test_the_view_is_remembered(place):
    station, _ = running(place)
    console = attached(station)
    console.wait_row(SESSION)
    console.press("s")
    console.wait_until("sorted by name")
    assert console.quit() == 0
    files = [path for path in station.dir.rglob("console.json")]
    assert len(files) == 1 and files[0].stat().st_mode & 0o077 == 0, files
    json.loads(files[0].read_text())
    again = attached(station)
    again.wait_until(lambda screen: "SESSION▼" in screen.text, "the remembered order")
    assert again.quit() == 0
    for broken in ("", "{", "[]", '{"screens": 7}', "\xff" * 100, '{"screen":"nowhere","theme":"none"}'):
        files[0].write_text(broken, encoding="latin-1")
        console = attached(station)
        console.wait_row(SESSION)
        assert console.quit() == 0, broken


main()
