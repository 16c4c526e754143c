# SPDX-License-Identifier: MIT
"""A full-screen program in a pseudo terminal of its own: keys go in, a Screen is what is seen, bytes and times are
counted. Nothing sleeps: whoever pressed a key waits for a condition on the screen, with a bound. Standard library only."""
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

from headgate_test import Child, clean_env, dies_with_parent, wait_for
from vt_screen import Screen

KEYS = {"Enter": "\r", "Esc": "\x1b", "Tab": "\t", "S-Tab": "\x1b[Z", "Space": " ", "Backspace": "\x7f", "C-l": "\x0c", "C-c": "\x03", "C-z": "\x1a",
        "C-u": "\x15", "C-p": "\x10", "Up": "\x1bOA", "Down": "\x1bOB", "Right": "\x1bOC", "Left": "\x1bOD", "Home": "\x1bOH", "End": "\x1bOF",
        "PgUp": "\x1b[5~", "PgDn": "\x1b[6~", "Delete": "\x1b[3~"}
PIECE = 65536


class Terminal(Child):
    """The command on a pseudo terminal of rows x columns. Its standard error is a file: what a sanitizer says is found there."""

    def __init__(self, place, name, command, rows=24, columns=80, term="xterm-256color", env=None, controlling=True, own_stdin=False, cwd=None,
                 become=None):
        self.place, self.name = place, name
        n = len(place.children)
        self.out_path, self.err_path = place.dir / f"{n:02}-{name}.out", place.dir / f"{n:02}-{name}.err"
        self.out_path.touch()
        self.screen, self.stream = Screen(rows, columns), bytearray()
        self.master, slave = pty.openpty()
        self.input, in_slave = pty.openpty() if own_stdin else (self.master, slave)
        self.resize(rows, columns)
        env = dict(env or clean_env(place.dir), TERM=term)
        env.pop("LINES", None)
        env.pop("COLUMNS", None)
        env.pop("TMUX", None)
        told, tell = os.pipe()

        def prepare():
            os.setsid()
            if controlling:
                fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            if become:
                become()
            dies_with_parent()
            os.write(tell, struct.pack("d", time.monotonic()))

        with open(self.err_path, "wb") as err:
            self.process = subprocess.Popen([str(word) for word in command], stdin=in_slave, stdout=slave, stderr=err, env=env,
                                            preexec_fn=prepare, cwd=cwd or place.dir)
        os.close(slave)
        self.began = struct.unpack("d", os.read(told, 8))[0]  # just before the program itself began
        self.came = self.began  # when the last piece came
        os.close(told)
        os.close(tell)
        if own_stdin:
            os.close(in_slave)
        self.pid = self.process.pid
        place.children.append(self)

    # --- what comes ---

    def pump(self, timeout_s=0.0):
        """Takes what is there, waiting up to timeout_s for the first of it; how many bytes came. Ended: -1."""
        if self.master < 0:
            return -1
        if not select.select([self.master], [], [], timeout_s)[0]:
            return 0
        try:
            piece = os.read(self.master, PIECE)
        except OSError:  # EIO: nobody holds the other end
            return -1
        if not piece:
            return -1
        self.came = time.monotonic()
        self.stream += piece
        self.screen.feed(piece)
        return len(piece)

    def wait_until(self, condition, what=None, timeout_s=60):
        """Until condition(screen); a text stands for being seen. Every piece that comes is looked at."""
        seen = (lambda screen: condition in screen.text) if isinstance(condition, str) else condition
        end = time.monotonic() + timeout_s
        while not (found := seen(self.screen)):
            left = end - time.monotonic()
            assert left > 0, f"waited {timeout_s} s in vain for {what or condition!r}; the screen:\n{self.screen.text}\n{self.err[-3000:]}"
            if self.pump(min(left, 0.25)) < 0:
                assert seen(self.screen), f"{self.name} ended ({self.process.poll()}) before {what or condition!r}:\n{self.screen.text}\n{self.err[-3000:]}"
        return found

    def wait_gone(self, text, timeout_s=60):
        self.wait_until(lambda screen: text not in screen.text, f"{text!r} to go", timeout_s)

    def settle(self, quiet_s=0.15, timeout_s=20):
        """Until nothing has come for quiet_s; the bytes that came. A measurement's way, not a test's."""
        total, end = 0, time.monotonic() + timeout_s
        while time.monotonic() < end:
            got = self.pump(quiet_s)
            if got <= 0:
                return total
            total += got
        return total

    # --- what goes in ---

    def send(self, data, look=""):
        """Bytes, all of them; what the program writes meanwhile is taken, or both sides would wait for ever. Whether the
        text `look` was on the screen meanwhile: a notice goes after a while."""
        seen = False
        data = data.encode() if isinstance(data, str) else data
        os.set_blocking(self.input, False)
        end = time.monotonic() + 120
        while data:
            assert time.monotonic() < end, f"{self.name} does not take its input"
            _, ready, _ = select.select([], [self.input], [], 0.02)
            if ready:
                try:
                    data = data[os.write(self.input, data[:4096]):]
                except BlockingIOError:
                    pass
            if self.pump(0) < 0:
                return seen
            seen = seen or (look != "" and look in self.screen.text)
        os.set_blocking(self.input, True)
        return seen

    def press(self, *keys):
        for key in keys:
            self.send(KEYS.get(key, key))

    def press_until(self, key, condition, what=None, timeout_s=60):
        self.press(key)
        return self.wait_until(condition, what, timeout_s)

    def key_cost(self, key, quiet_s=0.05, limit_s=2):
        """(ms to the first byte, bytes until it is quiet) of one key; (None, 0): nothing came."""
        while self.pump(0) > 0:
            pass
        sent = time.perf_counter()
        os.write(self.input, KEYS.get(key, key).encode())
        if not select.select([self.master], [], [], limit_s)[0]:
            return None, 0
        first = (time.perf_counter() - sent) * 1000
        return first, self.settle(quiet_s)

    def resize(self, rows, columns):
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    # --- its end ---

    def hang_up(self):
        """The terminal goes: its window is closed, the connection is lost."""
        for fd in {self.master, self.input}:
            if fd >= 0:
                os.close(fd)
        self.master = self.input = -1

    def wait(self, timeout_s):
        end = time.monotonic() + timeout_s
        while self.process.poll() is None:
            assert time.monotonic() < end, f"{self.name} did not end within {timeout_s} s:\n{self.screen.text}\n{self.err[-3000:]}"
            if self.pump(0.02) < 0:
                time.sleep(0.005)
        while self.pump(0) > 0:
            pass
        return self.process.returncode

    def signal(self, number):
        super().signal(number)
        if number == signal.SIGTERM:  # Place.close: it must be able to write its last words
            end = time.monotonic() + 5
            while self.running and time.monotonic() < end:
                if self.pump(0.02) < 0:
                    time.sleep(0.005)
            self.hang_up()

    # --- what it costs ---

    def private_kib(self):
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as rollup:
            return sum(int(line.split()[1]) for line in rollup if line.startswith("Private_"))

    def wake_ups(self):
        """Voluntary context switches of all its threads."""
        total = 0
        for task in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{task}/status", encoding="ascii", errors="replace") as status:
                total += sum(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt_switches"))
        return total


def engine_of(station, **settings):
    """Starts the station's engine and waits for its socket: a console that is quicker would start one of its own, which
    outlives the test."""
    engine = station.start(**settings)
    wait_for((station.state / "control.sock").exists, 60, "the engine's socket")
    return engine


def engine_pid(station):
    """The process that holds this station, as `status` tells it; None when none does."""
    got = station.command("status", "--json")
    rows = [row for row in got.json_lines() if isinstance(row.get("engine"), dict)] if got.out.strip() else []
    return rows[0]["engine"].get("pid") if rows else None


# A shell with job control that says `fg` whenever its one job was stopped.
FG = 'set -m; "$@"; s=$?; while [ $s = 148 ]; do fg >/dev/null; s=$?; done; exit $s'


class Console(Terminal):
    """The console of a station. job: as the job of a shell, which continues it after each Ctrl-Z."""

    def __init__(self, station, *flags, rows=24, columns=80, term="xterm-256color", env=None, job=False, **more):
        super().__init__(station.place, "headgate-console", [*(["sh", "-c", FG, "sh"] if job else []), station.program, "--config", station.ini, *flags],
                         rows, columns, term, station.env(**(env or {})), become=station.become_user(), **more)

    def quit(self):
        """Q; the exit status, and the terminal must be as it was."""
        self.press("Q")
        status = self.wait(60)
        assert "1049" not in self.screen.modes, "the alternate screen was not left"
        return status

    def row(self, session):
        """The line of the table that begins with the session's name, or ""."""
        return next((line for line in self.screen.lines if line[1:].lstrip(" *>").startswith(session)), "")

    def wait_row(self, session, *words, timeout_s=60):
        self.wait_until(lambda _: all(word in self.row(session) for word in words or [session]),
                        f"the row of {session} with {' and '.join(words) or 'anything'}", timeout_s)

    def footer(self):
        return self.screen.lines[-1]

    def assert_answers_keys(self):
        self.press("?")
        self.wait_until("Keys of this screen")
        self.press("Esc")
        self.wait_gone("Keys of this screen")

    def assert_clean(self):
        """No byte sequence reached the terminal that is not of its language, and nobody's text became a title or a clipboard."""
        assert not self.screen.unknown, self.screen.unknown[:10]
        assert not [text for text in self.screen.strings if "pwned" in text], self.screen.strings

    def assert_true(self):
        """What stands on the screen is what a full repaint gives: no update was lost and none went astray."""
        for _ in range(10):  # the minute may turn, or an age
            self.settle()
            before, mark = list(self.screen.lines), len(self.stream)
            self.press("C-l")
            self.wait_until(lambda _: b"\x1b[2J" in self.stream[mark:], "a repaint")
            try:
                self.wait_until(lambda screen: screen.lines == before, timeout_s=2)
                return
            except AssertionError:
                after = list(self.screen.lines)
        differing = [f"{a!r}\n{b!r}" for a, b in zip(before, after) if a != b]
        raise AssertionError("a repaint shows something else:\n" + "\n".join(differing))
