# SPDX-License-Identifier: MIT
"""The tests' own terminal screen: what it shows must be what a terminal shows, and what it does not know it must tell."""
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lib"))
import headgate_test  # noqa: E402
from vt_screen import Screen  # noqa: E402

# What is written, and the lines that a screen of 3 x 8 shows then.
CASES = [
    (b"abc\r\ndef", ["abc", "def", ""]),
    (b"12345678", ["12345678", "", ""]),
    (b"123456789", ["12345678", "9", ""]),
    (b"a\r\nb\r\nc\r\nd", ["b", "c", "d"]),
    (b"\x1b[2;3Hx\x1b[1;1Hy", ["y", "  x", ""]),
    (b"abcdef\x1b[3G\x1b[K", ["ab", "", ""]),
    (b"abcdef\x1b[3G\x1b[2X", ["ab  ef", "", ""]),
    (b"abcdef\x1b[3G\x1b[2P", ["abef", "", ""]),
    (b"abcdef\x1b[3G\x1b[2@", ["ab  cdef", "", ""]),
    (b"a\x1b[4b", ["aaaaa", "", ""]),
    (b"a\r\nb\r\nc\x1b[2H\x1b[L", ["a", "", "b"]),
    (b"a\r\nb\r\nc\x1b[1H\x1b[M", ["b", "c", ""]),
    (b"a\r\nb\r\nc\x1b[1;2r\x1b[2H\n", ["b", "", "c"]),
    (b"a\r\nb\r\nc\x1b[1H\x1bM", ["", "a", "b"]),
    (b"abc\x1b[H\x1b[2J", ["", "", ""]),
    (b"\x1b(0lqk\x1b(B|", ["┌─┐|", "", ""]),
    (b"\x1b)0\x0eqq\x0fq", ["──q", "", ""]),
    ("日本x".encode(), ["日本x", "", ""]),
    ("1234567日".encode(), ["1234567", "日", ""]),
    ("e\u0301x".encode(), ["e\u0301x", "", ""]),
    (b"\x1b[5dz", ["", "", "z"]),
    (b"\x1b[3;1Hend\x1b[A\x1b[2Dup", ["", " up", "end"]),
]


def test_what_is_seen():
    for data, lines in CASES:
        whole, pieces = Screen(3, 8), Screen(3, 8)
        whole.feed(data)
        for byte in data:  # a piece may end anywhere
            pieces.feed(bytes([byte]))
        assert whole.lines == lines, (data, whole.lines)
        assert pieces.cells == whole.cells and not pieces.unknown and not whole.unknown, (data, pieces.lines, whole.unknown)


def test_columns_and_attributes():
    screen = Screen(3, 20)
    screen.feed("\x1b[1;31m日本\x1b[22mx\x1b[38;5;208;7my\x1b[0mz".encode())
    assert screen.find("x") == (0, 4)
    assert screen.attributes_at("日") == ("1", "31") and screen.attributes_at("x") == ("31",)
    assert screen.attributes_at("y") == ("38;5;208", "7") and screen.attributes_at("z") == ()


def test_what_is_of_no_terminal_is_told():
    for data in (b"\x9b2J", b"\xc2\x9b2J", b"\x1b[>5z", b"\x1bZ", b"\x01", b"\x7f", b"\xff", b"\x1b[?31337h"):
        screen = Screen(3, 8)
        screen.feed(data + b"abc")
        assert screen.unknown, data


def test_titles_and_strings_are_kept():
    screen = Screen(3, 8)
    screen.feed(b"\x1b]0;a title\x07\x1b]52;c;eA==\x1b\\\x1bPtmux;\x1b\x1b]52;c;eA==\x07\x1b\\x")
    assert screen.titles == ["a title"] and len(screen.strings) == 3 and screen.lines[0] == "x" and not screen.unknown


def test_as_tmux_shows_it():
    """The same bytes into tmux, which others wrote."""
    if not shutil.which("tmux"):
        raise headgate_test.Skip("there is no tmux here")
    for data, lines in CASES:
        if "─" in "".join(lines):
            continue  # its capture gives line characters as the letters they were
        screen = Screen(3, 8)
        screen.feed(data)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "bytes").write_bytes(data)
            Path(folder, "conf").write_text("set -g status off\n")
            tmux = ["tmux", "-u", "-S", f"{folder}/socket", "-f", f"{folder}/conf"]
            command = f"stty raw -echo; cat {folder}/bytes; touch {folder}/done; exec sleep 30"
            subprocess.run([*tmux, "new-session", "-d", "-x", "8", "-y", "3", "sh", "-c", command], check=True)
            try:
                headgate_test.wait_for(Path(folder, "done").exists, 60, "cat", every_s=0.01)
                end, shown = time.monotonic() + 60, None
                while shown != screen.lines and time.monotonic() < end:  # tmux reads what cat wrote
                    shown = [line.rstrip() for line in subprocess.run([*tmux, "capture-pane", "-p"], capture_output=True, text=True,
                                                                      check=True).stdout.split("\n")[:3]]
                assert shown == screen.lines, (data, shown, screen.lines)
            finally:
                subprocess.run([*tmux, "kill-server"], check=False, capture_output=True)


headgate_test.main()
