# SPDX-License-Identifier: MIT
"""What every figure of the benchmark shares: a process with its wall time, CPU and peak memory; alternating rounds;
medians; rows of the table. Standard library only."""
import os
import resource
import shutil
import signal
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass

MB = 1000 * 1000


@dataclass
class Cost:
    """What something took: seconds of wall time, seconds of CPU (user and system), KiB of memory at the peak."""
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_kib: int = 0

    def __add__(self, other):
        """One after the other."""
        return Cost(self.wall_s + other.wall_s, self.cpu_s + other.cpu_s, max(self.peak_kib, other.peak_kib))


def peak_kib(pid):
    """VmHWM. Not ru_maxrss: that one begins with the memory of the parent that forked, a Python."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def cost_of(command, env=None, cwd=None, limit_s=1800, statuses=(0,)):
    """Runs a command to its end. Another exit status than these is an error."""
    began = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    tail, peak, ended = [], 0, threading.Event()

    def drain():
        for line in process.stdout:
            tail.append(line)
            del tail[:-20]

    reader = threading.Thread(target=drain, daemon=True)
    reader.start()
    watchdog = threading.Timer(limit_s, lambda: process.send_signal(signal.SIGKILL))
    watchdog.start()

    def watch():
        nonlocal peak
        while not ended.wait(0.02):
            peak = max(peak, peak_kib(process.pid))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    ended.set()
    watchdog.cancel()
    watcher.join()
    reader.join()
    if process.returncode not in statuses:
        text = b"".join(tail).decode(errors="replace")
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {text[-2000:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak)


def cpu_of(pids):
    """Seconds of CPU that running processes have used so far."""
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def children_cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def together(commands, servers=()):
    """Several that begin at once, until the last has ended well: wall time, and CPU of them and of the servers."""
    cpu, began = children_cpu() + cpu_of(servers), time.monotonic()
    running = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
               for command in commands]
    for process in running:
        _, text = process.communicate(timeout=1800)
        if process.returncode:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}: {text[-2000:].decode(errors='replace')}")
    return Cost(time.monotonic() - began, children_cpu() + cpu_of(servers) - cpu)


def alternate(rounds, variants, say):
    """{name: [result of each round]}: every variant once a round, and each round begins with another one, so that no
    variant always has the warm or the tired machine."""
    results = {name: [] for name, _ in variants}
    for number in range(rounds):
        shift = number % len(variants)
        for name, measure in variants[shift:] + variants[:shift]:
            settle_disk()
            result = measure()
            results[name].append(result)
            say(f"  round {number + 1} of {rounds}: {name}: {describe(result)}")
    return results


def describe(result):
    if isinstance(result, Cost):
        peak = f", peak {result.peak_kib / 1024:.1f} MiB" if result.peak_kib else ""
        return f"{result.wall_s:.2f} s, CPU {result.cpu_s:.2f} s{peak}"
    return f"{result:.3f}"


def settle_disk():
    """Write-back of one variant must not be paid by the next."""
    os.sync()


def ratios(results, name, peer, value):
    """value(name's) / value(peer's), round by round."""
    return [value(ours) / value(theirs) for ours, theirs in zip(results[name], results[peer])]


def median(values):
    return statistics.median(values)


def row(name, figure, measured, to_reach="", met=None, absolute="", **values):
    return {"name": name, "figure": figure, "measured": measured, "to_reach": to_reach, "met": met, "absolute": absolute, **values}


def skipped(name, figure, why):
    return {"name": name, "figure": figure, "skipped": why}


def spread(values, form="{:.2f}"):
    return f"{form.format(median(values))} ({form.format(min(values))} to {form.format(max(values))})"


def make_bytes(path, size):
    """Bytes that no file system can shorten; their value matters to nobody."""
    piece = os.urandom(min(size, 4 << 20))
    with open(path, "wb") as out:
        left = size
        while left:
            left -= out.write(piece[:min(left, len(piece))])


def make_distinct(path, like, number):
    """A copy with another beginning: the same content twice is held by the engine, and rightly so."""
    shutil.copyfile(like, path)
    with open(path, "r+b") as out:
        out.write(number.to_bytes(min(8, os.path.getsize(like)), "big"))


def presign(cloud, token, session, files):
    """[(path, url, headers)] of PUTs for {name: path} files of a session; their digests are computed here, unmeasured."""
    asked = [{"name": name, "size": os.path.getsize(path), "sha256": digest} for name, (path, digest) in files.items()]
    answer = cloud.call("POST", "/v1/presign", {"session": session, "revision": 1, "files": asked}, token)
    return [(files[one["name"]][0], one["put"]["url"], headers_of(one["put"])) for one in answer["files"]]


def headers_of(put):
    headers = put["headers"]
    return [f"{name}: {value}" for name, value in headers.items() if name.lower() not in ("host", "content-length")]
