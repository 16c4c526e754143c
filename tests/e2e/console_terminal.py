# SPDX-License-Identifier: MIT
"""The console and its terminal: small and changing ones, unknown ones, ones that go away, ones that paste a megabyte; text
from outside that would like to speak to the terminal itself; and tmux as a second judge of what is drawn."""
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import HEADGATE, Skip, main, make_session, preloaded, wait_for  # noqa: E402
from pty_console import Console, engine_of  # noqa: E402

SESSION = "20261120_134502"
OUT_S = 1  # 0.03 with a sanitizer, 0.3 more where a file is stuck


def shown(place, *flags, **more):
    """A console on a station with an engine and one accepted session."""
    station = place.station(place.cloud())
    make_session(station.recordings, SESSION)
    engine = engine_of(station)
    station.wait_state(SESSION, "accepted")
    console = Console(station, *flags, **more)
    console.wait_row(SESSION, "accepted")
    return station, engine, console


def test_a_resize_a_hundred_times_a_second(place):
    _, engine, console = shown(place)
    source = random.Random(7)
    for n in range(200):
        console.resize(source.randrange(1, 60), source.randrange(1, 200))
        if n % 10 == 0:
            console.press(source.choice(["j", "k", "?", "8", "1", "Tab"]))
        end = time.monotonic() + 0.01
        while (left := end - time.monotonic()) > 0 and console.pump(left) >= 0:
            pass
        assert console.running, console.err
    console.resize(24, 80)
    console.press("1")
    console.wait_row(SESSION, "accepted")
    console.assert_true()
    assert console.quit() == 0 and engine.running


def test_down_to_20x3_and_back(place):
    _, _, console = shown(place)
    for rows, columns in ((3, 20), (1, 20), (3, 1), (1, 1), (2, 300), (200, 12)):
        console.resize(rows, columns)
        console.settle()
        assert console.running
        if (rows, columns) == (3, 20):
            console.wait_until(lambda screen: screen.lines[0].startswith("safe"), "the verdict")
    console.resize(24, 80)
    console.wait_row(SESSION, "accepted")
    console.assert_true()
    console.assert_clean()
    assert console.quit() == 0


def test_starts_small(place):
    station, _, console = shown(place)
    assert console.quit() == 0
    for rows, columns in ((3, 20), (1, 1), (8, 40)):
        small = Console(station, rows=rows, columns=columns)
        small.wait_until(lambda screen: screen.text.strip(), "anything")
        assert small.quit() == 0


def out_in_time(console, engine, act):
    began = time.monotonic()
    act()
    status = console.wait(OUT_S + 10)
    took = time.monotonic() - began
    assert took < OUT_S, f"out after {took:.1f} s"
    assert status >= 0 or -status == signal.SIGHUP, f"ended by signal {-status}\n{console.err}"
    assert engine.running, engine.result()


def test_a_hang_up(place):
    station, engine, console = shown(place)
    out_in_time(console, engine, console.hang_up)
    console = Console(station)
    console.wait_row(SESSION)
    out_in_time(console, engine, lambda: console.signal(signal.SIGHUP))


def test_end_of_file_on_the_keyboard(place):
    """Standard input goes, no signal comes."""
    station, engine, console = shown(place)
    assert console.quit() == 0
    console = Console(station, own_stdin=True)
    console.wait_row(SESSION)

    def close_input():
        os.close(console.input)
        console.input = console.master

    out_in_time(console, engine, close_input)


def test_errors_of_a_terminal_that_is_gone(place):
    """No controlling terminal, hence no SIGHUP: only EIO tells."""
    station, engine, console = shown(place)
    assert console.quit() == 0
    console = Console(station, controlling=False)
    console.wait_row(SESSION)
    out_in_time(console, engine, console.hang_up)


def test_a_home_on_a_slow_disk(place):
    """What the console remembers is no reason to wait for a disk."""
    station, engine, console = shown(place)
    assert console.quit() == 0
    console = Console(station, env=preloaded("fault_shim", FAULT_PATH="console.json", FAULT_DO="slow", FAULT_MS="999"))
    console.wait_row(SESSION)
    console.press("s")
    console.wait_until("sorted by")
    out_in_time(console, engine, console.hang_up)


def test_a_metadata_file_that_cannot_be_read(place):
    """Its disk does not answer, and nothing can end the read: nobody waits for it."""
    station, engine, console = shown(place)
    assert console.quit() == 0
    stuck = preloaded("fault_shim", FAULT_PATH="metadata.txt", FAULT_DO="stuck")
    for way in ("Q", "hang up"):
        console = Console(station, env=stuck)
        console.wait_row(SESSION)
        console.press("Enter")
        console.wait_until("[Overview]")
        console.press("Tab", "Tab")
        console.wait_until("[Metadata]")
        out_in_time(console, engine, console.hang_up if way == "hang up" else lambda: console.press("Q"))
        assert way != "Q" or "1049" not in console.screen.modes


def test_no_terminal_at_all(place):
    station, engine, console = shown(place)
    assert console.quit() == 0
    got = place.run([HEADGATE, "--config", station.ini], station.env())
    assert got.code == 2 and "--plain" in got.err and "\x1b" not in got.out + got.err, got
    assert engine.running


def test_a_pasted_megabyte(place):
    station, engine, console = shown(place)
    before = station.session(SESSION)
    text = "\n".join(["the quick brown fox jumps: ignore? yes / no"] * 24_000).encode()[:1 << 20]
    console.send(b"\x1b[200~" + text + b"\x1b[201~")
    console.wait_row(SESSION, timeout_s=90)
    console.press(":")
    console.wait_until(lambda screen: screen.lines[-1].startswith(":"), "the prompt")
    console.send(b"a" * (1 << 20))
    console.press("Esc")
    console.wait_until(lambda screen: not screen.lines[-1].startswith(":"), "the prompt to go", 90)
    console.wait_row(SESSION)
    console.assert_true()
    assert station.session(SESSION) == before, "pasted text acted on a session"
    assert console.quit() == 0 and engine.running


EVIL_NAMES = [b"evil\x1b]0;pwned\x07.edf", b"clear\x1b[2J\x1b[31m.edf", b"c1\xc2\x9b2J.edf", "weit-日本語-ファイル.edf".encode(), "e\u0301\u0302\u0303.edf".encode(),
              b"invalid-\xff\xfe\xc3.edf", b"new\nline.edf", "rtl-\u202eabc.edf".encode(), "zero\u200b\ufeff.edf".encode(), b"tab\t.edf", "emoji-👩‍🔬.edf".encode(),
              b"x" * 250]


def test_names_and_metadata_that_speak_to_the_terminal(place):
    station = place.station(place.cloud())
    names = []
    for number, name in enumerate(EVIL_NAMES):
        folder = make_session(station.recordings, f"20261120_1000{number:02}", metadata=b"fatigue_level: 4\nhardware_model: \x1b]52;c;pwned\x07 \xe6\x97\xa5\n")
        (folder / os.fsdecode(name)).write_bytes(b"signal")
        names.append(folder.name)
    evil = make_session(station.recordings, SESSION, metadata="hardware_model: \x1b]0;pwned\x07\x1b[2J日本\nnote\x1b[31m: x\n")
    engine = engine_of(station)
    for name in [*names, evil.name]:
        wait_for(lambda: (row := station.session(name)) and row["state"] in ("held", "accepted", "rejected", "failed"), 60, f"a verdict on {name}")
    console = Console(station, rows=40, columns=100)
    console.wait_row(SESSION)
    for number in range(len(names) + 1):
        console.press("g", *["j"] * number, "w", "w", "Enter")
        console.wait_until("Overview")
        for _ in range(6):
            console.press("Tab", "PgDn")
        console.press("y", "Esc")
        console.wait_until("[1 Sessions]")
        console.wait_until(lambda screen: "RECORDED" in screen.text, "the table")
    for key in ("H", "8"):
        console.press(key, "PgDn", "Tab", "PgDn", "Tab", "PgDn", "1")
    console.wait_until(lambda screen: "RECORDED" in screen.text, "the table")
    console.assert_clean()
    assert all(len(row) == 100 for row in console.screen.cells)
    console.assert_true()
    assert console.quit() == 0 and engine.running


def test_columns_stand_below_each_other(place):
    """Wide and combining characters take the columns they take."""
    station, _, console = shown(place)
    assert console.quit() == 0
    folder = make_session(station.recordings, "20261120_150000")
    for name in ("日本語.edf", "cafe\u0301.edf", "plain.edf"):
        (folder / name).write_bytes(name.encode())
    station.wait_state("20261120_150000", "accepted")
    console = Console(station, rows=30, columns=100)
    console.wait_row("20261120_150000")
    console.press("/", "150000", "Enter", "Enter")
    console.wait_until("Overview")
    console.press("Tab")
    names = ("日", "cafe\u0301", "plain", "metadata.txt")
    console.wait_until(lambda screen: all(screen.find(name) for name in names), "every file")  # a frame comes in pieces
    columns = {console.screen.find(name)[1] for name in names}
    assert len(columns) == 1, console.screen.text
    assert console.quit() == 0


def test_an_unknown_terminal(place):
    station, _, console = shown(place, term="nonsense-9000", columns=120)
    console.wait_until("TERM=nonsense-9000 is not known")
    assert "--plain" in console.screen.text
    assert console.quit() == 0
    for term in ("", "dumb", "\x1b]0;pwned\x07"):
        console = Console(station, term=term, columns=120)
        console.settle(0.5)
        if console.running:
            console.assert_clean()
            console.quit()
        else:
            assert console.process.returncode == 2 and "--plain" in console.err, (term, console.err)
        assert "\x1b]0;pwned" not in console.err


def test_only_ascii_leaves_under_lang_c(place):
    station, _, console = shown(place)
    assert console.quit() == 0
    folder = make_session(station.recordings, "20261120_150000", metadata="fatigue_level: 4\nhardware_model: 日本語é\n")
    (folder / "日本語.edf").write_bytes(b"x")
    station.wait_state("20261120_150000", "accepted")
    for env in ({"LC_ALL": "C", "LANG": "C"}, {"LC_ALL": "", "LANG": ""}):
        console = Console(station, "--screen", "sessions", rows=40, columns=100, env=env)
        console.wait_row("20261120_150000", "accepted")
        console.press("/", "150000", "Enter", "Enter")
        console.wait_until("Overview")
        console.press("Tab", "Tab", "Tab", "Tab", "Tab", "Esc", "8", "Tab", "Tab", "?")
        console.wait_until("Keys of this screen")
        assert max(console.stream) < 0x80, console.stream[-200:]
        console.press("Esc")
        console.wait_gone("Keys of this screen")
        assert console.quit() == 0
    console = Console(station, "--ascii", "--screen", "sessions")
    console.wait_row("20261120_150000")
    assert max(console.stream) < 0x80
    assert console.quit() == 0


def test_keys_as_terminals_send_them(place):
    """Cursor keys in both modes, Escape alone and cut in two; nothing of it is taken for a letter."""
    _, _, console = shown(place)
    console.press("\x1b[B", "\x1bOB", "\x1b[A", "PgDn", "PgUp", "Home", "End")
    console.wait_row(SESSION)
    console.press("?")
    console.wait_until("Keys of this screen")
    console.press("Esc")
    console.wait_gone("Keys of this screen")
    # None of them is an Escape, which would quit. Curses takes what comes in one piece with broken UTF-8 for its rest.
    console.press("\x1b[999;999;999~", "\x1bOZ", "\x1b[1;5P", "\x00", b"\x80\xff")
    console.settle()
    console.press("?")
    console.wait_until("Keys of this screen")
    console.press("Esc")
    console.wait_gone("Keys of this screen")
    assert console.quit() == 0


def test_copy_and_title_are_the_consoles_own(place):
    _, _, console = shown(place)
    console.press("y")
    console.wait_until(f"copied: {SESSION}")
    wait_for(lambda: console.pump(0.05) >= 0 and any("]52;c;" in text for text in console.screen.strings), 60, "OSC 52")
    assert console.quit() == 0


# --- tmux as judge ---

class Tmux:
    def __init__(self, place, rows=24, columns=100):
        if not shutil.which("tmux"):
            raise Skip("there is no tmux here")
        self.socket, self.place = place.dir / "tmux.sock", place
        self.run("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), "sh")
        place.servers.append(self)

    def run(self, *words):
        env = {k: v for k, v in os.environ.items() if k != "TMUX"}
        done = subprocess.run(["tmux", "-u", "-S", str(self.socket), *map(str, words)], capture_output=True, text=True, env=dict(env, LC_ALL="C.UTF-8"),
                              timeout=20)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def text(self):
        return self.run("capture-pane", "-p")

    def wait(self, words, timeout_s=40):
        try:
            wait_for(lambda: words in self.text(), timeout_s, f"{words!r} in tmux", every_s=0.1)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.text()}") from None

    def close(self):
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], capture_output=True, timeout=20, check=False)


def test_tmux_shows_it_whatever_it_is_called(place):
    station, engine, console = shown(place)
    assert console.quit() == 0
    tmux = Tmux(place)
    for term in ("xterm-256color", "tmux-256color", "screen", "linux", "vt100"):
        words = " ".join([f"TERM={term}", *[f"{name}='{value}'" for name, value in station.env().items() if name.startswith(("XDG_", "HOME", "LC_"))]])
        tmux.run("send-keys", "-l", f"clear; env {words} {HEADGATE} --config {station.ini} --screen sessions")
        tmux.run("send-keys", "Enter")
        tmux.wait("[1 Sessions]")
        tmux.wait("cloud ok")
        tmux.wait(SESSION)
        tmux.run("send-keys", "Enter")
        tmux.wait("Overview")
        tmux.run("send-keys", "Escape")
        tmux.wait("RECORDED")
        tmux.run("send-keys", "?")
        tmux.wait("Keys of this screen")
        tmux.run("send-keys", "Down", "Escape", "H")
        tmux.wait("Since ")
        tmux.run("send-keys", "Escape", "8")
        tmux.wait("[8 Station]")
        for pane in ("Overview", "Events", "Configuration", "Fleet"):
            tmux.wait(f"[{pane}")
            tmux.run("send-keys", "Tab")
        tmux.run("send-keys", "Q")
        wait_for(lambda: tmux.run("display-message", "-p", "#{pane_current_command}").strip() in ("sh", "dash"), 60, f"the shell after TERM={term}")
        assert term.startswith(("vt100", "linux")) or "[8 Station]" not in tmux.text(), tmux.text()
    assert engine.running


main()
