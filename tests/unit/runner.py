# SPDX-License-Identifier: MIT
"""The test runner itself: whatever goes wrong in a program must be counted, or the last line lies."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lib"))
import headgate_test  # noqa: E402
import runner  # noqa: E402


def outcome_of(script, limit_s=30):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "program.py")
        path.write_text(script)
        return runner.run(runner.Program("unit/sample", [sys.executable, str(path)], limit_s), os.getpid())


def test_results_are_counted():
    got = outcome_of("print('1..4\\nok 1 - a\\nnot ok 2 - b c\\nok 3 - d # SKIP no disk\\nok 4 # SKIP e')\nexit(1)")
    assert (got.passed, got.failed, got.skipped) == (1, ["b c"], ["d: no disk", "e"]), vars(got)


def test_several_plans_add_up():
    got = outcome_of("print('1..1\\nok 1 - a\\n# ok - tests\\n1..2\\nok 1 - b\\nok 2 - c')")
    assert (got.passed, got.failed) == (3, []), vars(got)


def test_what_is_wrong_with_a_program_is_a_failure():
    samples = {
        "no plan": ("print('ok 1 - a')", "no plan"),
        "silence": ("", "no plan"),
        "too few": ("print('1..2\\nok 1 - a')", "planned 2 tests and reported 1"),
        "too many": ("print('1..1\\nok 1\\nok 2')", "planned 1 tests and reported 2"),
        "status": ("print('1..1\\nok 1')\nexit(3)", "status 3"),
        "crash": ("import os\nprint('1..1\\nok 1', flush=True)\nos.kill(os.getpid(), 11)", "SIGSEGV"),
        "sanitizer": ("import sys\nprint('1..1\\nok 1')\nprint('x.c:1:2: runtime error: shift', file=sys.stderr)", "sanitizer"),
    }
    for name, (script, words) in samples.items():
        got = outcome_of(script)
        assert len(got.failed) == 1 and words in got.failed[0], f"{name}: {got.failed}"


def test_a_program_over_its_time_is_ended():
    got = outcome_of("import time\nprint('1..1\\nok 1', flush=True)\ntime.sleep(60)", limit_s=1)
    assert got.failed == ["did not end within %s s" % (20 if os.environ.get("HEADGATE_SOAK") else 1)], got.failed
    assert got.seconds < 40


def test_a_process_left_running_is_found_and_ended():
    got = outcome_of(
        "import subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\n"
        "print('1..1\\nok 1 - a\\n# pid', p.pid)")
    assert len(got.failed) == 1 and "left process" in got.failed[0], got.failed
    pid = int(got.output.split("# pid ")[1].split()[0])
    headgate_test.wait_for(lambda: not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes(),
                           10, "the end of the process")


def test_syncs_are_slow_when_told():
    build = os.environ.get("HEADGATE_BUILD")
    if not build:
        raise headgate_test.Skip("HEADGATE_BUILD is not set")
    sync = "import os, tempfile, time; f = tempfile.TemporaryFile(); b = time.monotonic(); os.fsync(f.fileno()); print(time.monotonic() - b)"
    code = f"import pathlib, runner, subprocess, sys; runner.slow_down_syncs(pathlib.Path({build!r}), '300'); subprocess.run([sys.executable, '-c', {sync!r}])"
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT / "tests/lib", check=True)
    assert float(got.stdout) >= 0.3, got
    wrong = subprocess.run([sys.executable, str(ROOT / "tests/lib/runner.py"), "--build", build, "--slow-sync=soon"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "not a number of milliseconds" in wrong.stderr, wrong


def test_the_last_line_and_the_status_are_honest():
    """The whole program, on a name that no test has and on one that passes."""
    build = os.environ.get("HEADGATE_BUILD")
    if not build:
        raise headgate_test.Skip("HEADGATE_BUILD is not set")
    command = [sys.executable, str(ROOT / "tests/lib/runner.py"), "--build", build]
    none = subprocess.run([*command, "no such test"], capture_output=True, text=True)
    assert none.returncode == 1 and none.stdout.splitlines()[-1] == "0 passed, 1 failed, 0 skipped", none
    some = subprocess.run([*command, "unit/base/units"], capture_output=True, text=True)
    assert some.returncode == 0 and re.fullmatch(r"[1-9]\d* passed, 0 failed, 0 skipped", some.stdout.splitlines()[-1]), some.stdout


if __name__ == "__main__":
    headgate_test.main()
