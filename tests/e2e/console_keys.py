# SPDX-License-Identifier: MIT
"""Keys that mean something to the terminal before they mean something to the console: Ctrl-C, and Ctrl-Z under a shell with
job control, on a screen and in $EDITOR."""
import os
import re
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import GOOD_METADATA, HEADGATE, main, make_session, wait_for  # noqa: E402
from pty_console import Console, Terminal, engine_of  # noqa: E402

SESSION = "20261120_134502"
SCHEMA = "[metadata]\nfile = metadata.txt\n[metadata.keys]\nfatigue_level = number 0..10 required\nhardware_model = text required\n"


def held(place):
    """A station with an engine that holds its one session."""
    station = place.station(place.cloud(schema=SCHEMA))
    make_session(station.recordings, SESSION, metadata="fatigue_level: 14\nhardware_model: HX-2\n")
    engine = engine_of(station)
    station.wait_state(SESSION, "held")
    wait_for(lambda: station.session(SESSION)["data_safe"], 60, "its data to be safe")  # then the engine rests
    return station, engine


def test_ctrl_c_cancels_and_on_a_screen_quits(place):
    station, engine = held(place)
    console = Console(station)
    console.wait_row(SESSION, "held")
    for key, more, seen in ((":", "station", ":station"), ("/", "held", "/held"), ("?", "", "Keys of this screen"), ("i", "", "Nothing is deleted")):
        console.press(key, more)
        console.wait_until(seen)
        console.press("C-c")
        console.wait_gone(seen)
        console.wait_until(lambda screen: "q quit" in screen.lines[-1], "the footer")
        console.wait_row(SESSION, "held")  # nothing is ignored
    assert "filter" not in console.screen.lines[-2]
    console.send("/x\x03:y\x03")  # in their order, however fast
    console.wait_row(SESSION, "held")
    console.press("Enter")
    console.wait_until("[Overview]")
    console.press("C-c")
    assert console.wait(60) == 0 and "1049" not in console.screen.modes
    console = Console(station)
    console.wait_row(SESSION, "held")
    console.press(":")
    console.signal(signal.SIGINT)  # by hand, not by the key
    assert console.wait(60) == 0 and engine.running


class Shell(Terminal):
    """A console that is a job of an interactive shell."""

    def __init__(self, station, **env):
        super().__init__(station.place, "shell", ["sh", "-c", "exec sh -i 2>/dev/tty"], env=station.env(PS1="SHELL: ", ENV="", **env))
        self.wait_until("SHELL:")
        self.press(f"clear; {HEADGATE} --config {station.ini} 2>>{self.err_path}", "Enter")
        self.wait_until(SESSION)

    def is_stopped(self):
        """The shell is there, the terminal as it knows it."""
        self.wait_until(lambda screen: re.search("Stopped|Suspended", screen.text), "the shell's word of it")
        assert "NDELAY" not in self.screen.text, "its open file is not as it was\n" + self.screen.text
        assert self.screen.modes.isdisjoint({"1", "1049", "1000", "2004"}), self.screen.modes
        self.press("clear; echo $((40 + 2)) words", "Enter")
        self.wait_until("42 words")

    def end(self):
        self.wait_until("SHELL:")
        self.press("exit", "Enter")
        self.wait(60)


def test_ctrl_z_and_fg(place):
    station, engine = held(place)
    shell = Shell(station)
    shell.press("m")
    shell.wait_until("mouse on")
    for rows, columns in ((30, 100), (12, 40), (24, 80)):
        shell.press("C-z")
        shell.is_stopped()
        shell.resize(rows, columns)
        shell.press("clear; fg", "Enter")
        shell.wait_until(lambda screen: "1049" in screen.modes and SESSION in screen.text, "the console again")
        shell.wait_until(lambda screen: screen.lines[-1].lstrip().startswith("Enter open") and "cloud ok" in screen.lines[0], "a whole frame")
        shell.wait_until(lambda screen: {"1", "1000", "2004"} <= screen.modes, "mouse and paste as before")
    shell.send("w\x1a")  # a key before it is the console's
    shell.is_stopped()
    shell.send("fg\r")
    shell.wait_until("What to do")
    shell.press("Q")
    shell.end()
    assert engine.running


def test_stopped_from_elsewhere(place):
    """SIGSTOP leaves no time to tidy up; what the shell did to the terminal meanwhile is undone."""
    station, _ = held(place)
    shell = Shell(station)
    for number in (signal.SIGTSTP, signal.SIGSTOP):
        job = os.tcgetpgrp(shell.master)
        os.killpg(job, number)
        wait_for(lambda: os.tcgetpgrp(shell.master) == shell.pid, 60, "the shell to be in front")
        shell.press("clear; fg\n")  # this shell leaves the terminal as it finds it, where Enter is no end of line
        shell.wait_until(lambda screen: SESSION in screen.text and "1 Sessions" in screen.text, "the console again")
        shell.press("?")
        shell.wait_until("Keys of this screen")
        shell.press("C-c")
        shell.wait_gone("Keys of this screen")
    shell.press("Q")
    shell.end()


def test_ctrl_z_in_the_editor(place):
    """It stops the whole job, not the editor alone, which nobody could continue."""
    station, _ = held(place)
    editor = place.dir / "editor"
    editor.write_text(f"#!/bin/sh\necho EDITOR HERE\nread line\n[ \"$line\" = stop ] && kill -STOP $$\nread line\n"
                      f"printf '%s' '{GOOD_METADATA}' >\"$1\"\n")
    editor.chmod(0o755)
    shell = Shell(station, EDITOR=editor)
    shell.press("Enter")
    shell.wait_until("[Overview]")
    shell.press("e")
    shell.wait_until("EDITOR HERE")
    job = os.tcgetpgrp(shell.master)
    shell.press("C-z")
    shell.is_stopped()
    shell.press("clear; fg", "Enter")
    shell.wait_until(lambda _: os.tcgetpgrp(shell.master) == job, "the job to be in front")
    shell.press("stop", "Enter")  # the editor stops itself alone: the console goes with it
    wait_for(lambda: shell.pump(0.05) >= 0 and os.tcgetpgrp(shell.master) == shell.pid, 60, "the shell to be in front")
    shell.wait_until(lambda screen: screen.text.rstrip().endswith("SHELL:"), "its prompt")  # what is typed before it may be lost
    shell.resize(30, 100)
    shell.press("clear; fg", "Enter")
    shell.wait_until(lambda _: os.tcgetpgrp(shell.master) == job, "the job to be in front")
    shell.press("go on", "Enter")
    shell.wait_until(lambda screen: "accepted" in screen.text and "back" in screen.lines[-1], "the session to be accepted", 60)
    shell.press("Q")
    shell.end()


def test_a_paste_on_a_terminal_that_does_not_tell(place):
    """No marks around it: what comes at once and reads as text is refused, and acts on nothing. Typed ahead and repeated
    keys are as ever."""
    station, engine = held(place)
    text = "\n".join(["rise, if you will: skip it? yes / no; retry, pause, Quit"] * 20_000).encode()[:1 << 20]
    for term in ("vt100", "linux"):
        console = Console(station, term=term)
        console.wait_row(SESSION, "held")
        before = station.session(SESSION)
        refusal = "pasted text is taken in : and / only"
        if not console.send(text, look=refusal):
            console.wait_until(refusal, timeout_s=90)
        until_seen(console, "?", "Keys of this screen")  # it answers once the paste is over
        console.press("j", "Esc")
        console.wait_row(SESSION, "held")
        assert station.session(SESSION) == before, "pasted text acted on a session"
        console.press("i")
        console.wait_until("Nothing is deleted")
        console.send(b"so it is, yes: ignore them all\n")
        console.wait_until("pasted text is taken in : and / only")
        until_seen(console, "n", lambda screen: "Nothing is deleted" not in screen.text)
        console.send("jjjjjjjjjjjjjjjjjjjjkkkkkkkkkkkkkkkkkkkk" + "\x1b[B" * 20 + "?")
        console.wait_until("Keys of this screen")
        console.press("q")
        console.wait_gone("Keys of this screen")
        console.send(":station and more words that are typed ahead\r")
        console.wait_until("[8 Station]")
        console.press("1")
        console.wait_until("[1 Sessions]")
        console.send("/20261120_134502 fatigue_level\rw")
        console.wait_until("1 fit")
        console.wait_until("What to do")
        console.press("/", "C-u", "Enter", "Q")
        assert console.wait(60) == 0
    assert engine.running and not station.session(SESSION)["ignored"] and not station.session(SESSION)["paused"]


def until_seen(console, key, condition):
    """Pressed until it works: keys within a moment of a refused paste are taken for its rest."""
    seen = (lambda screen: condition in screen.text) if isinstance(condition, str) else condition
    end = time.monotonic() + 60
    while not seen(console.screen):
        assert time.monotonic() < end, console.screen.text
        console.press(key)
        console.settle(0.5)


main()
