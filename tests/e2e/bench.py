# SPDX-License-Identifier: MIT
"""The benchmark itself: every figure is measured, in small, and comes out as a row. Its ratios mean nothing here."""
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test  # noqa: E402

BENCH = headgate_test.ROOT / "tests/bench/run"


def bench(place, *words):
    command = [sys.executable, BENCH, "--build", headgate_test.BUILD, "--dir", place.dir, *words]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=200)


def test_every_figure_gives_rows(place):
    got = bench(place, "--scale", "0.002", "--rounds", "1", "--json", "-")
    assert got.returncode in (0, 1), got.stderr  # 1: a figure was missed, as may be under a sanitizer
    report = json.loads(got.stdout)
    names = bench(place, "--list").stdout.split()
    assert {row["name"] for row in report["rows"]} == set(names), report["rows"]
    for row in report["rows"]:
        assert row.get("skipped") or (row["measured"] and row["figure"] in got.stderr), row
    assert not list(place.dir.glob("headgate-test-*")), "the scratch folders are still there"


def test_two_builds_are_compared_round_by_round(place):
    got = bench(place, "--scale", "0.002", "--rounds", "2", "--only", "status", "--against", headgate_test.BUILD, "--json", "-")
    assert got.returncode == 0, got.stderr
    (row,) = json.loads(got.stdout)["rows"]
    assert row["name"] == "status" and len(row["ratios"]) == 2 and all(ratio > 0 for ratio in row["ratios"]), row
    got = bench(place, "--scale", "0.002", "--rounds", "1", "--only", "status", "--against", place.dir / "none")
    assert got.returncode not in (0, 1) and "is no build folder" in got.stderr, got


def test_words_that_are_not_understood(place):
    for words in (["--only", "nothing"], ["--scale", "0"], ["--rounds", "0"], ["--what"]):
        got = bench(place, *words)
        assert got.returncode not in (0, 1) or "there is no figure" in got.stderr, (words, got)


headgate_test.main()
