#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""headgate demo: what it shows, what it leaves, and that it finds out a store that differs."""
import hashlib
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test
from headgate_test import HEADGATE, HEADGATE_CLOUD, clean_env, wait_for
from programs import on_terminal, run
from pty_console import Terminal

LEAP = "20210229_161221"


def test_demo(place):
    keep, system = place.dir / "kept", place.dir / "etc"
    system.mkdir()
    (system / "headgate.ini").write_text("[station]\nsince = 2099-01-01\n")  # a real station's settings are not the demo's
    got = run(place, "demo", "--sessions", "7", "--size", "1MB", "--keep", keep)
    assert got.code == 0, got
    states = re.findall(r"^(\d{8}_\d{6}) .* (accepted|held|rejected) ", got.out, re.M)
    assert sorted(state for _, state in states) == ["accepted"] * 5 + ["held", "rejected"] and (LEAP, "accepted") in states, got
    assert got.out.count(" yes ") == 7 and "fatigue_level 14 is above 10" in got.out, got
    assert "MB/s" in got.err and "left" in got.err and str(keep) in got.err, got
    assert not place.others()
    sizes = [sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.name != "metadata.txt")
             for folder in (keep / "recordings").iterdir()]
    assert sizes == [1_000_000] * 7, sizes
    rows = run(place, "sessions", "--config", keep / "headgate.ini", "--json").json_lines()
    assert len(rows) == 7, rows
    again = run(place, "demo", "--keep", keep)
    assert again.code == 2 and "must be new or empty" in again.err, again


def test_demo_json(place):
    got = run(place, "demo", "--json", "--sessions", "5", "--size", "100kB")
    assert got.code == 0 and len(got.json_lines()) == 5 and all(row["as_expected"] for row in got.json_lines()), got


def test_fewer_than_one_of_each_kind(place):
    """The first kinds, good ones first; the exit status is as strict."""
    for n, kinds in ((1, ["accepted"]), (4, ["accepted"] * 3 + ["held"])):
        got = run(place, "demo", "--json", "--sessions", str(n), "--size", "100kB")
        assert got.code == 0, got
        states = sorted(line["state"] for line in got.json_lines() if "state" in line and "session" in line)
        assert states == kinds, got


def test_demo_bar_on_a_terminal(place):
    code, seen = on_terminal(place, [HEADGATE, "demo", "--no-console", "--sessions", "5", "--size", "2MB"])
    assert code == 0 and "\r\033[K" in seen and "█" in seen and "sessions decided" in seen, (code, seen)


class DemoTerminal(Terminal):
    def __init__(self, place, *flags):
        super().__init__(place, "headgate-demo", [HEADGATE, "demo", *flags])

    def quit(self):
        """(status, all that was written)"""
        self.press("Q")
        code = self.wait(60)
        return code, self.stream.decode(errors="replace") + self.err


def test_demo_on_the_console(place):
    keep = place.dir / "kept"
    terminal = DemoTerminal(place, "--sessions", "5", "--size", "100kB", "--keep", keep)

    def decided():
        if not (keep / "state/state.db").exists():
            return False
        rows = run(place, "sessions", "--config", keep / "headgate.ini", "--json").json_lines()
        return len(rows) == 5 and all(row["state"] in ("accepted", "rejected") or row["data_safe"] for row in rows)

    terminal.wait_until(lambda _: decided(), "the end of all sessions", 60)
    decided_s = time.monotonic() - terminal.began
    terminal.settle(5)  # who goes on looking does not make the sessions slower
    terminal.wait_until(LEAP, "a session on the screen")
    code, seen = terminal.quit()
    assert code == 0, (code, seen[-3000:])
    assert "\033[?1049h" in seen and "\033[?1049l" in seen, "the console was not drawn"
    after = seen.split("\033[?1049l")[-1]
    minutes, seconds = re.search(r"all decided after (\d+):(\d\d)", after).groups()
    assert int(minutes) * 60 + int(seconds) <= decided_s + 2, (after, decided_s)
    assert "all decided" in after and LEAP in after and after.count(" yes ") == 5, after
    assert not place.others(), place.others()


def test_demo_left_early(place):
    terminal = DemoTerminal(place, "--sessions", "5", "--size", "200MB")
    terminal.wait_until(lambda _: b"\033[?1049h" in terminal.stream, "the console")
    code, seen = terminal.quit()
    assert code == 4 and "before all sessions were decided" in seen, (code, seen.replace("\r\033[K", "\n")[:1000], seen[-2000:])
    assert not place.others(), place.others()


def test_demo_interrupted(place):
    for number in (signal.SIGINT, signal.SIGTERM):
        keep = place.dir / f"interrupted-{number}"
        child = subprocess.Popen([HEADGATE, "demo", "--keep", keep], env=clean_env(place.dir), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: (keep / "state" / "state.db").exists(), 60, "the demo's engine")
        child.send_signal(number)
        _, err = child.communicate(timeout=30)
        assert child.returncode == 130 and "interrupted" in err, (child.returncode, err)
        assert not place.others(), place.others()


def test_demo_finds_a_difference(place):
    """A store whose bytes are changed under it is found out."""
    keep = place.dir / "kept"
    child = subprocess.Popen([HEADGATE, "demo", "--sessions", "5", "--size", "1MB", "--keep", keep], env=clean_env(place.dir),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def rows(word):
        got = subprocess.run([HEADGATE_CLOUD, word, "--data", keep / "cloud", "--json"], env=clean_env(place.dir), capture_output=True, text=True)
        return [json.loads(line) for line in got.stdout.splitlines()] if got.returncode == 0 else []

    def decided_object():  # before its verdict, the cloud itself would find it and have it sent again
        accepted = {row["session"] for row in rows("sessions") if row["state"] == "accepted"}
        for o in rows("objects"):
            if o["session"] in accepted and o["size"] > 200_000:
                key = hashlib.sha256(o["key"].encode()).hexdigest()
                return keep / "cloud/objects" / o["bucket"] / key[:2] / key
        return None

    victim = wait_for(decided_object, 60, "an object of an accepted session")
    victim.chmod(0o644)
    with open(victim, "r+b") as object_file:
        object_file.seek(1000)
        object_file.write(b"not what was recorded")
    out, err = child.communicate(timeout=60)
    assert child.returncode == 1 and "differ from their files" in out and "did not end as they should" in err, (child.returncode, out, err)


if __name__ == "__main__":
    headgate_test.main()
