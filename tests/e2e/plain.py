#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""headgate --plain: changes as lines, without a terminal, until it is ended or nobody reads."""
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test
from headgate_test import HEADGATE, Child, make_session, wait_for

S1, S2, S3 = "20261120_134502", "20261120_140000", "20261121_080000"
LINE = re.compile(r"\d\d:\d\d:\d\d  \S.*")


def plain(place, station, *flags):
    return Child(place, "headgate-plain", [HEADGATE, "--plain", "--config", station.ini, *flags], station.env())


def told(child, *texts):
    """Waits until each of the texts stands in a line, in this order."""
    def all_there():
        rest = child.out
        for text in texts:
            if text not in rest:
                return False
            rest = rest.split(text, 1)[1]
        return True
    wait_for(all_there, 60, f"{texts} in the plain lines")


def test_a_session_from_found_to_accepted(place):
    station = place.station(place.cloud())
    engine = station.start()
    wait_for(lambda: (station.state / "control.sock").exists(), 60, "the engine")
    lines = plain(place, station, "--read-only")
    told(lines, "an engine runs")
    make_session(station.recordings, S1, {"signals.edf": 100_000})
    told(lines, "  an engine runs\n", f"  {S1}  found      found in ", f"  {S1}  settling ", f"  {S1}  queued ", f"  {S1}  uploading ",
         f"  {S1}  accepted   the cloud has it whole", "  safe to leave: ")
    make_session(station.recordings, S2, {"signals.edf": 1000}, metadata="")
    told(lines, f"  {S2}  held ", "  NOT safe: 1 needs you\n")
    assert engine.stop() == 0
    told(lines, "NOT safe: 1 needs you\n", "engine")
    assert re.search("  (the engine is gone|no engine runs)\n", lines.out), lines.out
    lines.signal(signal.SIGTERM)
    assert lines.wait(60) == 0 and not lines.err, lines.result()
    assert all(LINE.fullmatch(line) for line in lines.out.splitlines()), lines.out
    assert lines.out.count(f"  {S1}  accepted ") == 1, "a change is told once"


def test_what_was_before_is_not_told(place):
    station = place.station(place.cloud())
    make_session(station.recordings, S1, {"signals.edf": 1000})
    assert station.once().code == 0
    lines = plain(place, station, "--read-only")
    told(lines, "no engine runs", "safe as of now, no engine watches")
    make_session(station.recordings, S3, {"signals.edf": 1000}, seed=2)
    assert station.once().code == 0
    told(lines, f"{S3}  found", f"{S3}  accepted")
    assert S1 not in lines.out, lines.out
    lines.signal(signal.SIGINT)
    assert lines.wait(60) == 0, lines.result()


def test_from_before_the_first_journal(place):
    station = place.station(place.cloud())
    station.state.mkdir()
    lines = plain(place, station, "--read-only")
    told(lines, "no engine runs")
    make_session(station.recordings, S1, {"signals.edf": 1000})
    assert station.once().code == 0
    told(lines, f"{S1}  found", f"{S1}  accepted")
    lines.signal(signal.SIGTERM)
    assert lines.wait(60) == 0, lines.result()


def test_ends_when_nobody_reads(place):
    station = place.station(place.cloud())
    child = subprocess.Popen([HEADGATE, "--plain", "--read-only", "--config", station.ini], env=station.env(), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "no engine runs" in child.stdout.readline()
    child.stdout.close()
    assert child.wait(60) == 0 and child.stderr.read() == ""
    child.stderr.close()
    with open("/dev/full", "w") as full:
        done = subprocess.run([HEADGATE, "--plain", "--read-only", "--config", station.ini], env=station.env(), stdin=subprocess.DEVNULL,
                              stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 74 and "No space left" in done.stderr, done


def test_outside_text_is_made_safe(place):
    station = place.station(place.cloud())
    make_session(station.recordings, S1, {"\033]0;owned\007\u202etxt.exe": 10}, metadata="note: \033[31mred\n")
    lines = plain(place, station, "--read-only")
    told(lines, "no engine runs")
    station.once(wait="10s")
    told(lines, f"{S1}  found")
    wait_for(lambda: re.search(f"{S1}  (held|accepted|failed)", lines.out), 60, "its end")
    lines.signal(signal.SIGTERM)
    assert lines.wait(60) == 0, lines.result()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u202e]", lines.out), lines.out


def test_starts_an_engine_as_the_console_does(place):
    station = place.station(place.cloud())
    make_session(station.recordings, S1, {"signals.edf": 1000})
    lines = plain(place, station)
    told(lines, "an engine runs")
    told(lines, f"{S1}  accepted")
    lines.signal(signal.SIGTERM)
    assert lines.wait(60) == 0, lines.result()
    socket = station.state / "control.sock"
    wait_for(lambda: not socket.exists(), 60, "the end of the engine that it started, once no work is left")


if __name__ == "__main__":
    assert os.access(HEADGATE, os.X_OK), HEADGATE
    headgate_test.main()
