# SPDX-License-Identifier: MIT
"""Runs every test program at once and counts what it says in TAP.

A program is one that meson knows, or a Python file of tests/unit, e2e, conformance or faults. A "not ok", a crash, a
wrong exit status, no plan or another number of results than planned, a report of a sanitizer, a program over its time,
and a process left running are failures. The last line is "N passed, N failed, N skipped".
"""
import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

HERE = pathlib.Path(__file__).resolve().parent.parent
ORDER = ("faults", "conformance", "e2e", "unit")  # the long ones first: a short tail
LIMIT_S = 900
SOAK_FACTOR = 20
TAG = "TESTRUN_ID"  # in the environment of all that a program starts, to find what it leaves behind
RESULT = re.compile(r"^(not ok|ok)\b\s*(\d+)?\s*-?\s*(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)\s*(#.*)?$")
SKIP = re.compile(r"#\s*skip(?:ped)?\b:?\s*(.*)$", re.IGNORECASE)
SANITIZER = re.compile(r"(ERROR|WARNING): (Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|: runtime error: ")


class Program:
    def __init__(self, name, command, limit_s, env=None, folder=None):
        self.name, self.command, self.limit_s = name, command, limit_s
        self.env, self.folder = env or {}, folder


class Outcome:
    def __init__(self):
        self.passed, self.skipped, self.failed = 0, [], []
        self.output, self.seconds = "", 0.0


def meson_programs(build):
    shown = subprocess.run(["meson", "introspect", "--tests", str(build)], capture_output=True, text=True, check=True)
    for test in json.loads(shown.stdout):
        yield Program("unit/" + test["name"], test["cmd"], max(test["timeout"], LIMIT_S), test["env"], test["workdir"])


def python_programs():
    for folder in ORDER:
        for path in sorted((HERE / folder).glob("*.py")):
            if path.name.startswith("_"):
                continue
            own = re.search(r"^# limit: (\d+) s$", path.read_text(), re.MULTILINE)
            limit = int(own.group(1)) if own else LIMIT_S
            yield Program(f"{folder}/{path.stem}", [sys.executable, str(path)], limit)


def read_tap(text, outcome):
    """Counts results; returns what is wrong with the output itself, or None."""
    planned, seen = None, 0
    for line in text.splitlines():
        plan = PLAN.match(line)
        if plan:  # cmocka prints one a group
            planned = (planned or 0) + int(plan.group(1))
            continue
        result = RESULT.match(line)
        if not result:
            continue
        seen += 1
        words, skip = result.group(3), SKIP.search(result.group(3))
        name = words[: skip.start()].strip() if skip else words.strip()
        if result.group(1) == "not ok":
            outcome.failed.append(name or f"test {seen}")
        elif skip:
            reason = skip.group(1).strip()
            outcome.skipped.append(f"{name}: {reason}" if name and reason else name or reason or f"test {seen}")
        else:
            outcome.passed += 1
    if planned is None:
        return "printed no plan"
    if planned != seen:
        return f"planned {planned} tests and reported {seen}"
    return None


def tagged_processes(tag):
    """Processes that carry the tag: what the program started, and their children."""
    found = []
    wanted = f"{TAG}={tag}".encode()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if wanted in pathlib.Path("/proc", entry, "environ").read_bytes().split(b"\0"):
                state = pathlib.Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()[0]
                if state not in "ZX":
                    command = pathlib.Path("/proc", entry, "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                    found.append((int(entry), command.strip()))
        except OSError:
            continue
    return found


def leftovers(tag):
    """What still runs a moment after the program's end, killed."""
    for _ in range(20):
        left = tagged_processes(tag)
        if not left:
            return []
        time.sleep(0.1)
    for pid, _ in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    return left


def run(program, index):
    outcome = Outcome()
    tag = f"{os.getpid()}-{index}"
    env = dict(os.environ, **program.env, **{TAG: tag})
    limit = program.limit_s * (SOAK_FACTOR if os.environ.get("HEADGATE_SOAK") else 1)
    began = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(program.command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env,
                                   cwd=program.folder, start_new_session=True)
        late = False
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            late = True
            os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
        left = leftovers(tag)
        out.seek(0)
        err.seek(0)
        said, complained = (f.read().decode("utf-8", "replace") for f in (out, err))
    outcome.seconds = time.monotonic() - began
    outcome.output = said + ("--- standard error\n" + complained if complained.strip() else "")
    malformed = read_tap(said, outcome)
    if late:
        outcome.failed.append(f"did not end within {limit} s")
    elif status < 0:
        outcome.failed.append(f"was ended by signal {-status} ({signal.Signals(-status).name})")
    elif malformed:
        outcome.failed.append(malformed)
    elif status != 0 and not outcome.failed:
        outcome.failed.append(f"ended with status {status} though no test failed")
    if SANITIZER.search(complained):
        outcome.failed.append("a sanitizer reported an error")
    for pid, command in [] if late else left:
        outcome.failed.append(f"left process {pid} running: {command}")
    return outcome


def report(program, outcome, done, total):
    word = "FAIL" if outcome.failed else "ok"
    counts = f"{outcome.passed} passed"
    if outcome.failed:
        counts += f", {len(outcome.failed)} failed"
    if outcome.skipped:
        counts += f", {len(outcome.skipped)} skipped"
    print(f"[{done:3}/{total}] {word:4} {program.name:36} {counts}  {outcome.seconds:.1f} s", flush=True)
    if outcome.failed:
        print(f"--- output of {program.name}: {' '.join(program.command)}")
        print(outcome.output.rstrip("\n"))
        for failure in outcome.failed:
            print(f"--- failed: {failure}")
        print("---", flush=True)


def milliseconds(word):
    if not word.isdigit() or not 1 <= int(word) <= 999:
        raise argparse.ArgumentTypeError(f"{word!r} is not a number of milliseconds from 1 to 999")
    return word


def slow_down_syncs(build, ms):
    """All that is started from here on has a disk whose syncs take so much longer."""
    options = (os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0").lstrip(":")
    shim = (build / "tests/fault_shim.so").resolve()
    os.environ.update(LD_PRELOAD=str(shim), ASAN_OPTIONS=options, FAULT_PATH="/", FAULT_DO="slow", FAULT_MS=ms)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)) + 2)
    parser.add_argument("--slow-sync", type=milliseconds, metavar="MS", help="every sync of every file takes so much longer")
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    programs = [*python_programs(), *meson_programs(asked.build)]
    programs.sort(key=lambda p: ORDER.index(p.name.split("/")[0]))
    if asked.names:
        programs = [p for p in programs if any(name in p.name for name in asked.names)]
    if not programs:
        print(f"no test program is named like {', '.join(asked.names)}", file=sys.stderr)
        print("0 passed, 1 failed, 0 skipped")
        return 1
    if asked.slow_sync:
        slow_down_syncs(asked.build, asked.slow_sync)

    passed, failed, skipped = 0, [], []
    with ThreadPoolExecutor(asked.jobs) as pool:
        waiting = {pool.submit(run, program, i): program for i, program in enumerate(programs)}
        for done, future in enumerate(as_completed(waiting), 1):
            program, outcome = waiting[future], future.result()
            report(program, outcome, done, len(programs))
            passed += outcome.passed
            failed += [f"{program.name}: {what}" for what in outcome.failed]
            skipped += [f"{program.name}: {what}" for what in outcome.skipped]
    for what in skipped:
        print(f"skipped: {what}")
    for what in failed:
        print(f"failed: {what}")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
