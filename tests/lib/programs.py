# SPDX-License-Identifier: MIT
"""Programs that need no station: with a home of their own, and on a pseudo terminal."""
import os
import pty
import select
import signal
import subprocess
import time

from headgate_test import HEADGATE, Result, clean_env
from vt_screen import Screen


def run(place, *words, env=None, stdin=None, program=HEADGATE):
    """One command that needs no station, with a home of its own."""
    done = subprocess.run([str(program), *map(str, words)], env=clean_env(place.dir, **(env or {})), cwd=place.dir, timeout=60,
                          input=stdin or "", capture_output=True, text=True)
    return Result(done.returncode, done.stdout, done.stderr)


def on_terminal(place, words, talk=(), env=None, timeout_s=60):
    """The command on a pseudo terminal; talk: (text to wait for, what to type). (status, everything it wrote)."""
    words, env = [str(word) for word in words], clean_env(place.dir, **{"TERM": "xterm", **(env or {})})
    pid, fd = pty.fork()
    if pid == 0:
        try:
            os.chdir(place.dir)
            os.execve(words[0], words, env)
        finally:
            os._exit(127)
    seen, screen, answered, end = b"", Screen(24, 80), 0, time.monotonic() + timeout_s
    talk = list(talk)

    def asked(words):  # on a full screen only what changes is written, in pieces
        return words in screen.text if "1049" in screen.modes else words.encode() in seen[answered:]

    while time.monotonic() < end:
        if talk and asked(talk[0][0]):
            answered = len(seen)
            os.write(fd, talk.pop(0)[1].encode())
        if not select.select([fd], [], [], 0.1)[0]:
            continue
        try:
            piece = os.read(fd, 65536)
        except OSError:  # EIO: the other end is closed
            break
        if not piece:
            break
        seen += piece
        screen.feed(piece)
    else:
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    os.close(fd)
    return os.waitstatus_to_exitcode(status), seen.decode(errors="replace")
