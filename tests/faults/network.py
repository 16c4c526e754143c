# SPDX-License-Identifier: MIT
"""Everything a network and a server can do to an upload: cuts, resets, black holes, slow links, lost and false answers.
Held up here (reliability.md "What must never happen"): 1, no byte is lost, altered or stored twice; 2, nothing is shown
as safe on the word of an answer that was not the cloud's; 3, no session is given up for a fault that passes. After the
faults stop, every session is accepted and every byte of it equals its file.
"""
import json
import os
import random
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test as ht  # noqa: E402
from byte_proxy import CLOSE, HOLE, RESET, ByteProxy, Fault  # noqa: E402
from fault_proxy import DROP, LOSE, Answer, FaultProxy  # noqa: E402

SEED = int(os.environ.get("HEADGATE_SEED") or 20261121)
SIZES = {"signals 1.edf": 700_000, "sub/é.bin": 90_000, "events.csv": 700}
LIMITS = {"low_rate": "1KiB", "low_rate_time": "2s", "deadline": "30s", "retry_base": "100ms", "retry_cap": "500ms"}


def assert_all_safe(cloud, station, folders):
    """Accepted in the journal, equal in the store, and no object beside those named."""
    for folder in folders:
        station.wait_state(folder.name, "accepted", timeout_s=90)
    manifests = [ht.assert_stored(cloud, folder) for folder in folders]
    assert cloud.object_count() == sum(len(m["files"]) for m in manifests) + len(manifests)


# --- below HTTP ---

def run_cut(place, plan, sessions=3, sizes=None):
    cloud = place.cloud()
    proxy = ByteProxy(place, cloud, plan)
    station = place.station(cloud, endpoint=proxy.url, settle="100ms", upload=LIMITS)
    engine = station.start()
    folders = [ht.make_session(station.recordings, f"20261121_1000{i:02}", sizes or SIZES, seed=i) for i in range(sessions)]
    assert_all_safe(cloud, station, folders)
    assert proxy.faults > 0, "no connection met its fault: this test has shown nothing"
    print(f"# {proxy.faults} faults on {proxy.connections} connections")
    assert engine.stop() == 0, engine.result()


def test_requests_are_cut_in_mid_body(place):
    rng = random.Random(SEED)
    run_cut(place, lambda n: Fault(up=rng.randrange(1, 400_000), how=rng.choice([CLOSE, RESET])) if n < 16 else None)


def test_answers_are_cut(place):
    rng = random.Random(SEED + 1)
    run_cut(place, lambda n: Fault(down=rng.randrange(1, 1500), how=rng.choice([CLOSE, RESET])) if n < 16 else None)


def test_black_holes(place):
    rng = random.Random(SEED + 2)
    run_cut(place, lambda n: Fault(up=rng.randrange(1, 300_000), how=HOLE, hole_s=4) if n < 8 else None, sessions=2)


def test_slow_link(place):
    run_cut(place, lambda n: Fault(up=100_000 if n < 6 else None, how=RESET, rate=400_000), sessions=2)


# --- answers of HTTP ---

def api_error(status, code, **headers):
    body = {"error": {"code": code, "message": "made up by a test", "request_id": "test"}}
    return Answer(status, {"Content-Type": "application/json", **headers}, json.dumps(body).encode())


def s3_error(status, code, message="made up by a test", **headers):
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Answer(status, {"Content-Type": "application/xml", **headers}, body.encode())


def half(answer):
    return Answer(answer.status, answer.headers, answer.body[:len(answer.body) // 2])


def other_checksum(answer):
    answer.headers["x-amz-checksum-sha256"] = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    return answer


# name: (what the API answers, what the store answers); None: the fault is not one of theirs
FAULTS = {
    "500": (api_error(500, "internal"), s3_error(500, "InternalError")),
    "503 SlowDown": (api_error(503, "unavailable"), s3_error(503, "SlowDown", "Please reduce your request rate.")),
    "429 Retry-After": (api_error(429, "rate_limited", **{"Retry-After": "1"}),
                        s3_error(429, "TooManyRequests", **{"Retry-After": "1"})),
    "HTML with 200": (Answer.html(200), Answer.html(200)),
    "HTML with 403": (Answer.html(403), Answer.html(403)),
    "HTML with 404": (Answer.html(404), Answer.html(404)),
    "502 without a body": (Answer(502), Answer(502)),
    "closed without a word": (DROP, DROP),
    "the answer is lost": (LOSE, LOSE),
    "half an answer": (half, None),
    "a redirect": (Answer(302, {"Location": "http://127.0.0.1:9/"}), Answer(307, {"Location": "http://127.0.0.1:9/"})),
    "no JSON at all": (Answer(200, {"Content-Type": "application/json"}, b"\x00\xff{"), None),
    "error with 200": (None, Answer(200, {"Content-Type": "application/xml"}, s3_error(200, "InternalError").body)),
    "another checksum": (None, other_checksum),
    "the token expired": (api_error(401, "token_expired"), None),
    "the URL expired": (None, s3_error(403, "AccessDenied", "Request has expired")),
    "BadDigest once": (None, s3_error(400, "BadDigest")),
    "RequestTimeout": (None, s3_error(400, "RequestTimeout")),
    "ConditionalRequestConflict": (None, s3_error(409, "ConditionalRequestConflict")),
}


def is_store(request):
    return not request.path.startswith("/v1/")


class Injector:
    """Gives each kind of request (presign, each object's PUT, ...) its fault once or so, then passes everything on."""

    def __init__(self, times=1):
        self.times, self.lock = times, threading.Lock()
        self.begin(None)

    def begin(self, fault):
        with self.lock:
            self.fault, self.done, self.struck = fault, {}, 0

    def __call__(self, request):
        kind = (request.method, request.path.split("?")[0])
        with self.lock:
            if not self.fault or kind[1] in ("/v1/authenticate", "/v1/info") and self.fault is FAULTS["the token expired"]:
                return None
            decided = self.fault[1] if is_store(request) else self.fault[0]
            if decided is None or self.done.get(kind, 0) >= self.times:
                return None
            self.done[kind] = self.done.get(kind, 0) + 1
            self.struck += 1
            return decided


def test_each_fault(place):
    cloud, injector = place.cloud(), Injector()
    proxy = FaultProxy(place, cloud, injector)
    station = place.station(cloud, endpoint=proxy.url, settle="100ms", upload=LIMITS)
    engine, folders, problems = station.start(), [], []
    for i, (name, fault) in enumerate(FAULTS.items()):
        began = time.monotonic()
        injector.begin(fault)
        folder = ht.make_session(station.recordings, f"20261121_1100{i:02}", {"a.edf": 60_000, "b": 10}, seed=i)
        folders.append(folder)
        try:
            station.wait_state(folder.name, "accepted", timeout_s=60)
            ht.assert_stored(cloud, folder)
            assert injector.struck > 0, "never met"
        except AssertionError as problem:
            problems.append(f"{name}: {problem}")
        print(f"# {name}: {injector.struck} times, {time.monotonic() - began:.1f} s", flush=True)
    injector.begin(None)
    assert not problems, "\n".join(problems)
    assert_all_safe(cloud, station, folders)
    assert engine.stop() == 0, engine.result()


def test_each_answer_is_lost_once(place):
    """The PUT worked, the reply did not: found by asking, never by a second copy."""
    cloud, injector = place.cloud(), Injector()
    proxy = FaultProxy(place, cloud, injector)
    station = place.station(cloud, endpoint=proxy.url, settle="100ms", upload=LIMITS)
    injector.begin((LOSE, LOSE))
    engine = station.start()
    folders = [ht.make_session(station.recordings, f"20261121_1200{i:02}", SIZES, seed=i) for i in range(3)]
    assert_all_safe(cloud, station, folders)
    assert injector.struck >= 3 * (len(SIZES) + 2), injector.struck  # each file, the metadata and the manifest
    assert engine.stop() == 0, engine.result()


def test_an_answer_comes_late(place):
    """A store that thinks when it has the last byte is waited for, longer than a link that stands still, and no byte goes twice."""
    cloud = place.cloud()

    def late(request):
        if request.method == "PUT":
            threading.Event().wait(4)

    proxy = FaultProxy(place, cloud, late)
    station = place.station(cloud, endpoint=proxy.url, settle="100ms", upload=LIMITS | {"low_rate_time": "1s", "answer_time": "60s"})
    folder = ht.make_session(station.recordings, "20261121_100000", SIZES)
    engine = station.start()
    assert_all_safe(cloud, station, [folder])
    assert proxy.count("PUT") == len(SIZES) + 2 and station.session(folder.name)["tries"] == 1, proxy.requests
    assert engine.stop() == 0, engine.result()


def test_an_answer_never_comes(place):
    """The wait for it has an end of its own; what was stored is found by the next try."""
    cloud, never = place.cloud(), threading.Event()

    def silent(answer):
        never.wait(120)
        return answer

    proxy = FaultProxy(place, cloud, lambda request: silent if request.method == "PUT" and proxy.count("PUT") == 1 else None)
    station = place.station(cloud, endpoint=proxy.url, settle="100ms", upload=LIMITS | {"low_rate_time": "1s", "answer_time": "1s"})
    folder = ht.make_session(station.recordings, "20261121_100000", SIZES)
    engine = station.start()
    assert_all_safe(cloud, station, [folder])
    never.set()
    assert engine.stop() == 0, engine.result()


def test_chaos(place):
    """A third of everything goes wrong, at random, for a while; then nothing does."""
    rng, lock, calm = random.Random(SEED + 3), threading.Lock(), threading.Event()
    passing = [fault for name, fault in FAULTS.items() if name not in ("another checksum", "BadDigest once", "the token expired")]
    struck = [0]

    def hook(request):
        with lock:
            if calm.is_set() or rng.random() > 0.33:
                return None
            decided = rng.choice(passing)[is_store(request)]
            struck[0] += decided is not None
            return decided

    cloud = place.cloud()
    proxy = FaultProxy(place, cloud, hook)
    station = place.station(cloud, endpoint=proxy.url, settle="100ms", upload=LIMITS)
    engine = station.start()
    folders = []
    for i in range(8):
        folders.append(ht.make_session(station.recordings, f"20261121_1300{i:02}", SIZES, seed=i))
        time.sleep(1)
    calm.set()
    print(f"# {struck[0]} faults")
    assert_all_safe(cloud, station, folders)
    assert engine.stop() == 0, engine.result()


if __name__ == "__main__":
    ht.main()
