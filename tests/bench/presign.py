# SPDX-License-Identifier: MIT
"""Presigned URLs a second. A call with one file, from 16 connections by wrk, beside nginx answering a static 200 with the
same body: the limit of any server. Each call names another file, whose promise is on the disk before its URL is given.
Then calls with 1,000 files, one after the other, as a station sends them."""
import os
import shutil
import subprocess
import time

from headgate_test import digest_of
from measure import alternate, median, ratios, row, skipped, spread
from put import start_nginx

CONNECTIONS, THREADS, FILES = 16, 2, 1000
FIGURE = "presign of one file: requests a second, headgate-cloud / nginx static 200"
SCRIPT = """
local id, n = %d, 0
function setup(thread) thread:set("id", id) id = id + 1 end
function request()
  n = n + 1
  local session = string.format("2026%%02d%%02d_%%06d", id %% 12 + 1, math.floor(n / 1000) %% 28 + 1, id * 1000 + n %% 1000)
  local body = string.format('{"session":"%%s","revision":1,"files":[{"name":"f-%%d-%%d","size":1000,"sha256":"%s"}]}', session, id, n)
  return wrk.format("POST", "/v1/presign", {["Content-Type"] = "application/json", ["Authorization"] = "Bearer %s"}, body)
end
function done(summary, latency)
  local e = summary.errors
  print("result", summary.requests / summary.duration * 1e6, latency:percentile(99) / 1000, e.status + e.connect + e.read + e.write + e.timeout)
end
"""
STATIC = "\n    location = /v1/presign {{ default_type application/json; return 200 '{body}'; }}"


class Load:
    """wrk with a script of its own a run, so that no file is named twice."""

    def __init__(self, context, token, digest):
        self.dir, self.token, self.digest, self.runs = context.place.dir, token, digest, 0
        self.seconds = max(1, round(5 * context.scale))
        self.p99_ms = []

    def run(self, url):
        self.runs += 1
        script = self.dir / f"wrk-{self.runs}.lua"
        script.write_text(SCRIPT % (self.runs * THREADS, self.digest, self.token))
        got = subprocess.run(["wrk", "-t", str(THREADS), "-c", str(CONNECTIONS), "-d", f"{self.seconds}s", "-s", str(script), url], capture_output=True,
                             text=True, timeout=self.seconds + 60)
        result = next((line.split() for line in got.stdout.splitlines() if line.startswith("result")), None)
        if not result or float(result[3]) > 0:
            raise RuntimeError(f"wrk: {got.stdout[-1000:]}{got.stderr[-1000:]}")
        self.p99_ms.append(float(result[2]))
        return float(result[1])


def batches(context, cloud, token, digest):
    """URLs a second of calls with FILES files each."""
    rates = []
    for number in range(max(2, context.scaled(10))):
        body = {"session": f"20261119_{number:06}", "revision": 1, "files": [{"name": f"f{i}", "size": 1, "sha256": digest} for i in range(FILES)]}
        began = time.perf_counter()
        answer = cloud.call("POST", "/v1/presign", body, token)
        rates.append(FILES / (time.perf_counter() - began))
        assert len(answer["files"]) == FILES and all("put" in file for file in answer["files"])
    return row(context.name, f"presign of {FILES} files a call, one client: URLs a second", spread(rates, "{:.0f}"), rates=rates)


def measure(context):
    place = context.place
    cloud = place.cloud("--rate", "0")
    token = cloud.token(cloud.key("eeg-lab-2"))
    (place.dir / "one").write_bytes(os.urandom(1000))
    digest = digest_of(place.dir / "one")
    rows = [batches(context, cloud, token, digest)]
    missing = [name for name in ("wrk", "nginx") if not shutil.which(name)]
    if missing:
        return [skipped(context.name, FIGURE, f"{missing[0]} is not installed"), *rows]
    one = {"session": "20261118_000000", "revision": 1, "files": [{"name": "f", "size": 1000, "sha256": digest}]}
    body = cloud.request("POST", "/v1/presign", one, token)[2].decode()
    _, nginx, _ = start_nginx(place, STATIC.format(body=body.replace("'", "")))
    load, limit = Load(context, token, digest), Load(context, token, digest)
    results = alternate(context.rounds, [("headgate-cloud", lambda: load.run(cloud.url)), ("nginx", lambda: limit.run(nginx))], context.say)
    ratio = ratios(results, "headgate-cloud", "nginx", lambda value: value)
    rates = " / ".join(f"{median(results[name]):.0f}" for name in ("headgate-cloud", "nginx"))
    return [row(context.name, FIGURE, spread(ratio), absolute=f"{rates} a second, p99 {median(load.p99_ms):.1f} ms", ratios=ratio), *rows]
