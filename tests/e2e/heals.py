# SPDX-License-Identifier: MIT
"""The station's trouble is not the session's, and heals (reliability.md, rules 4 and 5): whatever keeps sessions from the
cloud and is not their own content leaves them in the queue with a reason, ends `run --once` with an honest status and a
mend, and is over as soon as its cause is mended, without a word to headgate."""
import email.utils
import json
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from fault_proxy import DROP, Answer, FaultProxy  # noqa: E402
from headgate_test import assert_stored, main, make_session, wait_for  # noqa: E402

NAMES = [f"20261120_1345{i:02d}" for i in range(4)]


def sessions(station, names=NAMES):
    return [make_session(station.recordings, name, seed=i + 1) for i, name in enumerate(names)]


def with_ca(place, cloud, ca):
    station = place.station(cloud)
    station.sections["cloud"]["ca_file"] = ca
    station.write()
    return station


def states(station):
    return {row["state"] for row in station.rows()}


def assert_waits(station, *words):
    """Every session is in the queue, and says why."""
    for row in station.rows():
        assert row["state"] == "queued" and row["reason"], row
        assert all(word in row["reason"] for word in words), (words, row["reason"])


def assert_all_stored(cloud, station, folders):
    got = station.once()
    assert got.code == 0, (got, station.rows())
    for folder in folders:
        assert_stored(cloud, folder)


# --- certificates ---

def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def certificate(place, name, san="IP:127.0.0.1", dates=()):
    """A certificate that signs itself, and its key."""
    pem, key = place.dir / f"{name}.pem", place.dir / f"{name}.key"
    if not dates:
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30, "-subj", f"/CN={name}",
                "-addext", f"subjectAltName={san}", "-keyout", key, "-out", pem)
        return pem, key
    # `openssl ca` alone sets both dates by itself
    ca = place.dir / f"ca-{name}"
    ca.mkdir()
    (ca / "index").write_text(""), (ca / "serial").write_text("01\n")
    (ca / "cnf").write_text(f"[ca]\ndefault_ca = d\n[d]\ndatabase = {ca}/index\nserial = {ca}/serial\nnew_certs_dir = {ca}\ndefault_md = sha256\n"
                            f"policy = p\n[p]\ncommonName = supplied\n[x]\nsubjectAltName = {san}\nbasicConstraints = CA:TRUE\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", ca / "csr")
    openssl("ca", "-batch", "-notext", "-config", ca / "cnf", "-extensions", "x", "-selfsign", "-keyfile", key, "-in", ca / "csr", "-out", pem,
            "-startdate", dates[0], "-enddate", dates[1])
    return pem, key


def test_a_certificate_file_that_is_away_for_a_moment(place):
    pem, key = certificate(place, "one")
    cloud = place.cloud("--tls-cert", pem, "--tls-key", key)
    ca = place.dir / "ca.pem"
    station = with_ca(place, cloud, ca)
    folders = sessions(station)
    engine = station.start()
    wait_for(lambda: states(station) == {"queued"} and station.command("status").code == 2, 60, "the missing file to be said")
    assert_waits(station, "ca_file", "cannot be read")
    ca.write_bytes(pem.read_bytes())
    for name in NAMES:
        station.wait_state(name, "accepted")
    for folder in folders:
        assert_stored_over_tls(cloud, station, folder)
    assert engine.stop() == 0, engine.result()


def assert_stored_over_tls(cloud, station, folder):
    for file in folder.iterdir():
        assert cloud.object(f"{folder.name}/eeg-lab-2/{file.name}") == file.read_bytes(), file


def test_a_wrong_certificate_file_ends_with_2_or_69_and_heals(place):
    pem, key = certificate(place, "one")
    other, _ = certificate(place, "two")
    cloud = place.cloud("--tls-cert", pem, "--tls-key", key)
    for wrong, code, word in ((place.dir / "typo.pem", 2, "cannot be read"), (key, 2, "holds no certificate"), (other, 69, "does not hold the certificate")):
        station = with_ca(place, cloud, wrong)
        sessions(station)
        got = station.once(wait=None)
        assert got.code == code and word in got.err, (wrong, got)
        assert_waits(station, word)
        station.sections["cloud"]["ca_file"] = pem
        station.write()
        assert station.once().code == 0 and states(station) == {"accepted"}, station.rows()


def test_a_certificate_is_not_cured_by_a_ca_file_when_that_is_not_its_trouble(place):
    faults = [("old", {"dates": ("20200101000000Z", "20200201000000Z")}, "has expired"),
              ("young", {"dates": ("20970101000000Z", "20980101000000Z")}, "is not valid yet"),
              ("named", {"san": "DNS:cloud.example.org"}, "is of another name")]
    for name, settings, word in faults:
        pem, key = certificate(place, name, **settings)
        cloud = place.cloud("--tls-cert", pem, "--tls-key", key)
        station = with_ca(place, cloud, pem)
        sessions(station, NAMES[:1])
        got = station.once(wait=None)
        assert got.code == 69 and word in got.err and "set [cloud] ca_file" not in got.err, (name, got)
        assert_waits(station, word)
        cloud.stop()


def test_a_certificate_of_nobody_known_does_advise_a_ca_file(place):
    pem, key = certificate(place, "one")
    cloud = place.cloud("--tls-cert", pem, "--tls-key", key)
    station = place.station(cloud)
    got = station.once(wait=None)
    assert got.code == 69 and "set [cloud] ca_file" in got.err, got


# --- addresses, proxies ---

def test_an_endpoint_with_a_path_too_many(place):
    cloud = place.cloud()
    station = place.station(cloud, endpoint=cloud.url + "/v1")
    folders = sessions(station)
    got = station.once(wait=None)
    assert got.code == 2 and "without /v1" in got.err, got
    assert_waits(station, "without /v1")
    station.sections["cloud"]["endpoint"] = cloud.url
    station.write()
    assert_all_stored(cloud, station, folders)


def test_an_endpoint_that_cannot_be(place):
    for wrong in ("http://127.0.0.1:99999", "http://127.0.0.1:0", "http://:80", "127.0.0.1"):
        station = place.station(endpoint=wrong)
        got = station.once(wait=None)
        assert got.code == 2 and "endpoint" in got.err, got


def test_a_proxy_of_the_environment_is_named(place):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        proxy = f"http://user:secret@127.0.0.1:{closed.getsockname()[1]}"
        cloud = place.cloud()
        station = place.station(cloud, endpoint=cloud.url.replace("127.0.0.1", "localhost"))
        folders = sessions(station, NAMES[:1])
        got = station.command("run", "--once", env={"http_proxy": proxy})
        assert got.code == 69 and "through the proxy http://127.0.0.1:" in got.err and "of http_proxy" in got.err, got
        assert "secret" not in got.err + got.out, got
        assert_waits(station, "through the proxy")
        got = station.command("run", "--once", env={"http_proxy": proxy, "no_proxy": "localhost"})
    assert got.code == 0, got
    assert_stored(cloud, folders[0])


# --- answers of something else, or of a cloud that errs ---

def json_answer(status, body, headers=None):
    return Answer(status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(body).encode())


def refusal(status, code):
    return json_answer(status, {"error": {"code": code, "message": "no", "request_id": "r"}})


def xml(status, code):
    return Answer(status, {"Content-Type": "application/xml"}, f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode())


OF_THE_API = [refusal(400, "bad_request"), refusal(403, "forbidden"), refusal(404, "not_found"), refusal(404, "route_unknown"), refusal(405, "method_refused"),
              refusal(409, "gone"), refusal(413, "body_too_large"), refusal(415, "type_unsupported"), refusal(422, "odd"), refusal(500, "internal"),
              json_answer(200, {}), json_answer(200, []), json_answer(200, {"files": []}), Answer(413, {"Content-Type": "text/html"}, b"<html>413</html>"),
              json_answer(404, {"message": "no route", "status": 404}), Answer(200, {}, b"fine"), Answer(204), Answer(302, {"Location": "/"}), refusal(418, "teapot")]
OF_THE_STORE = [xml(400, "InvalidRequest"), xml(403, "AccessDenied"), xml(403, "SignatureDoesNotMatch"), xml(404, "NoSuchBucket"), xml(500, "InternalError"),
                xml(501, "NotImplemented"), xml(411, "MissingContentLength"), Answer(413, {}, b"<html>too large</html>"), Answer(404, {}, b"no"), Answer(200)]


def for_a_moment(place, answers, method, part):
    """Each answer is given to the calls for a while, through one engine that is told nothing."""
    cloud = place.cloud()
    current = []
    proxy = FaultProxy(place, cloud, lambda request: current[0] if current and request.method == method and part in request.path else None)
    station = place.station(cloud, endpoint=proxy.url)
    engine = station.start()
    folders = []
    for i, answer in enumerate(answers):
        name = f"20261121_1200{i:02d}"
        seen = proxy.count(method, part)
        current[:] = [answer]
        folders.append(make_session(station.recordings, name, seed=i + 1))
        what = f"{answer.status} {answer.body[:60]}"
        wait_for(lambda: proxy.count(method, part) > seen and (station.session(name) or {}).get("reason"), 60, f"{what} to be met")
        row = station.session(name)
        assert row["state"] in ("queued", "uploading"), (what, row)
        current.clear()
        station.wait_state(name, "accepted")
    for folder in folders:
        assert_stored(cloud, folder)
    assert engine.stop() == 0, engine.result()
    assert proxy.count(method, part) < 60 * len(answers), "it was asked without pause"


def test_other_answers_to_presign_for_a_moment(place):
    for_a_moment(place, OF_THE_API, "POST", "/v1/presign")


def test_other_answers_to_authenticate_for_a_moment(place):
    """A token is kept for an hour: each is met by a new engine."""
    cloud = place.cloud()
    current = []
    proxy = FaultProxy(place, cloud, lambda request: current[0] if current and request.path == "/v1/authenticate" else None)
    station = place.station(cloud, endpoint=proxy.url)
    folder = make_session(station.recordings, NAMES[0])
    for answer in OF_THE_API:
        current[:] = [answer]
        got = station.once(wait=None)
        assert got.code in (2, 69) and got.err, (answer.status, answer.body, got)
        row = station.session(NAMES[0])
        assert row["state"] == "queued" and row["reason"], (answer.status, answer.body, row)
    current.clear()
    assert station.once().code == 0
    assert_stored(cloud, folder)


def test_other_answers_of_the_store_for_a_moment(place):
    for_a_moment(place, OF_THE_STORE, "PUT", "")


def test_one_session_that_is_not_served_holds_up_no_other(place):
    """It waits by itself, longer each time; the others come through as if it were not there."""
    one_not_served(place, lambda r: r.path == "/v1/presign" and json.loads(r.body)["session"] == NAMES[0], refusal(400, "bad_request"))


def test_one_session_that_is_cut_off_holds_up_no_other(place):
    """As a firewall does that dislikes a name."""
    one_not_served(place, lambda r: r.path == "/v1/presign" and json.loads(r.body)["session"] == NAMES[0], DROP)


def test_one_session_whose_objects_are_refused_holds_up_no_other(place):
    one_not_served(place, lambda r: r.method == "PUT" and NAMES[0] in r.path, xml(403, "AccessDenied"))


def one_not_served(place, is_its, answer):
    def hook(request):
        if not is_its(request):
            return None
        asked.append(time.monotonic())
        return answer

    asked = []
    cloud = place.cloud()
    proxy = FaultProxy(place, cloud, hook)
    station = place.station(cloud, endpoint=proxy.url, upload={"retry_base": "100ms", "retry_cap": "1h"})
    first = make_session(station.recordings, NAMES[0])
    engine = station.start()
    wait_for(lambda: asked and (station.session(NAMES[0]) or {}).get("reason"), 60, "the refusal to be met")
    for i in range(12):
        folder = make_session(station.recordings, f"20261122_1000{i:02d}", seed=i + 2)
        station.wait_state(folder.name, "accepted")
        assert_stored(cloud, folder)
    row = station.session(NAMES[0])
    assert row["state"] in ("queued", "uploading"), row
    assert len(asked) < 90, len(asked)
    proxy.hook = None
    assert station.command("retry", NAMES[0]).code in (0, 2), "it may have come through by itself"
    station.wait_state(NAMES[0], "accepted")
    assert_stored(cloud, first)
    assert engine.stop() == 0, engine.result()


def test_what_is_refused_for_its_content_does_fail(place):
    """The other side of the rule: a word that speaks of the file is a person's matter."""
    def hook(request):
        if request.path != "/v1/presign":
            return None

        def refuse(answer):
            told = json.loads(answer.body)
            told["files"][0] = {"name": told["files"][0]["name"], "error": {"code": "name_invalid", "message": "that name cannot be stored"}}
            answer.body = json.dumps(told).encode()
            return answer

        return refuse

    cloud = place.cloud()
    proxy = FaultProxy(place, cloud, hook)
    station = place.station(cloud, endpoint=proxy.url)
    sessions(station, NAMES[:1])
    got = station.once()
    row = station.session(NAMES[0])
    assert got.code == 1 and row["state"] == "failed" and "cannot be stored" in row["reason"], (got, row)


def test_what_failed_once_and_is_not_needed_any_more_is_no_trouble(place):
    """The comparison of an object, and the state of one session, are asked for seldom: one failure is not remembered for ever."""
    left = {"stat": 3, "put": 1}

    def hook(request):
        if request.path == "/v1/objects/stat" and left["stat"] > 0:
            left["stat"] -= 1
            return refusal(500, "internal")
        if request.method == "PUT" and "signals.edf" in request.path and left["put"] > 0:
            left["put"] -= 1
            return Answer(200)  # stored, it says, and gives no checksum: that is compared
        return None

    cloud = place.cloud()
    proxy = FaultProxy(place, cloud, hook)
    station = place.station(cloud, endpoint=proxy.url)
    folder = make_session(station.recordings, NAMES[0])
    engine = station.start()
    station.wait_state(NAMES[0], "accepted")
    assert_stored(cloud, folder)
    assert left == {"stat": 0, "put": 0}, left
    wait_for(lambda: station.command("status").code == 0, 60, "all to be well again")
    assert engine.stop() == 0, engine.result()


# --- no exchange without progress, pause and word ---

def presigns_of(place, cloud_flags=(), hook=None, wait="20s"):
    cloud = place.cloud(*cloud_flags)
    proxy = FaultProxy(place, cloud, hook)
    station = place.station(cloud, endpoint=proxy.url)
    folders = sessions(station, NAMES[:2])
    got = station.once(wait=wait)
    return cloud, proxy, station, folders, got


def test_short_lived_urls_are_used_at_once(place):
    for lasts in ("60s", "30s", "2s"):
        cloud, proxy, station, folders, got = presigns_of(place, ("--url-time", lasts), wait="60s")
        assert got.code == 0, (lasts, got, station.rows())
        for folder in folders:
            assert_stored(cloud, folder)
        assert proxy.count("POST", "/v1/presign") <= 20, lasts


def test_urls_that_are_over_when_they_arrive(place):
    """The store says so each time: growing pauses, and the reason."""
    def hook(request):
        if request.method == "PUT":
            return Answer(403, {"Content-Type": "application/xml"}, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
        return None

    _, proxy, station, _, got = presigns_of(place, hook=hook, wait="6s")
    assert got.code in (4, 69), got
    assert proxy.count("POST", "/v1/presign") < 60, "it was asked without pause"
    assert "expired" in got.err, got
    for row in station.rows():  # in the middle of a try there is no reason yet
        assert row["state"] == "uploading" or (row["state"] == "queued" and "expired" in row["reason"]), row


def test_a_date_that_is_far_off_changes_nothing_and_is_said(place):
    for seconds, word in ((3600, "1 h behind"), (-3600, "ahead of"), (10 * 365 * 86400, "d behind"), (-40 * 365 * 86400, "d ahead")):
        def hook(request, shift=seconds):
            def change(answer):
                answer.headers["Date"] = email.utils.formatdate(time.time() + shift, usegmt=True)
                return answer
            return change

        cloud, proxy, station, folders, got = presigns_of(place, hook=hook)
        assert got.code == 0, (seconds, got, station.rows())
        assert "the clock of this machine is" in got.err and word in got.err.replace("59 min", "1 h"), (seconds, got.err)
        assert proxy.count("POST", "/v1/presign") <= 8, seconds
        for folder in folders:
            assert_stored(cloud, folder)


def answering_at_once(place, kind):
    """A station whose cloud answers changes with kind(n) at once, and tells nothing of single sessions; how often it did."""
    n = [0]

    def hook(request):
        if request.path.startswith("/v1/sessions/"):
            return refusal(503, "unavailable")
        if not request.path.startswith("/v1/changes"):
            return None
        n[0] += 1
        return json_answer(200, kind(n[0]))

    cloud = place.cloud()
    proxy = FaultProxy(place, cloud, hook)
    station = place.station(cloud, endpoint=proxy.url)
    sessions(station, NAMES[:1])
    return station, proxy, n, station.start()


def test_changes_that_are_answered_at_once(place):
    """With nothing new, with the old change again and again, or with a cursor that runs ahead of nothing."""
    all_kinds = [answering_at_once(place, kind) for kind in (
        lambda n: {"changes": [], "cursor": "same"},
        lambda n: {"changes": [], "cursor": f"c{n}"},
        lambda n: {"changes": [{"session": "20200101_000000", "revision": 1, "state": "accepted"}], "cursor": "same"})]
    for station, proxy, n, engine in all_kinds:
        station.wait_state(NAMES[0], "uploaded")
        wait_for(lambda: "is asked less often" in engine.err, 120, "it to be said")
        assert n[0] <= 8, "the pauses grow"
        proxy.hook = None
    for station, _, _, engine in all_kinds:
        station.wait_state(NAMES[0], "accepted", timeout_s=90)
        assert engine.stop() == 0, engine.result()


def test_a_cursor_that_the_cloud_refuses_is_forgotten(place):
    cloud = place.cloud()
    seen = []

    def hook(request):
        if not request.path.startswith("/v1/changes"):
            return None
        seen.append("after=old" in request.path)
        return refusal(400, "bad_request") if seen[-1] else None

    proxy = FaultProxy(place, cloud, hook)
    station = place.station(cloud, endpoint=proxy.url)
    sessions(station, NAMES[:1])
    assert station.once().code == 0
    with sqlite3.connect(station.state / "state.db") as db:
        assert db.execute("UPDATE setting SET value = 'old' WHERE name = 'cloud.cursor'").rowcount == 1, "the journal keeps it elsewhere"
    db.close()
    folders = sessions(station, NAMES[1:2])
    assert_all_stored(cloud, station, folders)
    assert True in seen and seen[-1] is False, seen
    with sqlite3.connect(station.state / "state.db") as db:
        assert db.execute("SELECT value FROM setting WHERE name = 'cloud.cursor'").fetchone()[0] != "old"


def test_a_cursor_that_cannot_be_is_not_taken_from_the_journal(place):
    """As a version before this one kept what anything answered."""
    cloud = place.cloud()
    proxy = FaultProxy(place, cloud)
    station = place.station(cloud, endpoint=proxy.url)
    sessions(station, NAMES[:1])
    assert station.once().code == 0
    for i, cursor in enumerate(("x" * (1 << 20), "a\nb")):
        with sqlite3.connect(station.state / "state.db") as db:
            assert db.execute("UPDATE setting SET value = ? WHERE name = 'cloud.cursor'", (cursor,)).rowcount == 1
        db.close()
        folders = sessions(station, NAMES[i + 1:i + 2])
        assert_all_stored(cloud, station, folders)
    assert not any(len(request.path) > 10_000 for request in proxy.requests)


def test_a_time_kept_by_a_clock_that_was_ahead_is_now(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folders = sessions(station, NAMES[:2])
    cloud.stop()
    assert station.once(wait=None).code == 69
    ahead = int((time.time() + 30 * 86400) * 1000)
    with sqlite3.connect(station.state / "state.db") as db:
        assert db.execute("UPDATE session SET next_attempt_ms = ?", (ahead,)).rowcount == 2
    db.close()
    cloud.start()
    assert_all_stored(cloud, station, folders)


# --- retry, when a person does not want to wait ---

def waiting_for_an_hour(place):
    """Two sessions that wait for their next attempt in an hour, one that is held, a cloud that is back."""
    cloud = place.cloud()
    station = place.station(cloud, upload={"retry_base": "1h", "retry_cap": "1h"}, metadata__keys={"fatigue_level": "number 0..10 required"})
    folders = sessions(station, NAMES[:2])
    held = make_session(station.recordings, NAMES[2], metadata="fatigue_level: 14\n", seed=9)
    cloud.stop()
    station.once(wait=None)
    assert [station.session(name)["state"] for name in NAMES[:3]] == ["queued", "queued", "held"], station.rows()
    cloud.start()
    return cloud, station, folders, held


def test_retry_takes_waiting_sessions_with_and_without_an_engine(place):
    cloud, station, folders, _ = waiting_for_an_hour(place)
    got = station.command("retry", NAMES[0])
    assert got.code == 0 and "at the engine's next start" in got.err, got
    assert station.session(NAMES[0])["next_attempt_at"] is None, station.session(NAMES[0])
    engine = station.start()
    station.wait_state(NAMES[0], "accepted")
    assert station.command("retry", NAMES[1]).code in (0, 2), "it may be on its way already: the cloud is back"
    station.wait_state(NAMES[1], "accepted")
    assert engine.stop() == 0, engine.result()
    for folder in folders:
        assert_stored(cloud, folder)


def test_retry_of_all_and_by_cause(place):
    cloud, station, folders, held = waiting_for_an_hour(place)
    got = station.command("retry", "--cause", "no such words")
    assert got.code == 3 and "no such words" in got.err, got
    assert station.command("retry", "--all", NAMES[0]).code == 2
    got = station.command("retry", "--cause", "fatigue", "--json")
    assert got.code == 0 and [line["session"] for line in got.json_lines()] == [NAMES[2]], got
    (held / "metadata.txt").write_text("fatigue_level: 4\n")
    got = station.command("retry", "--cause", "queued", "--json")
    assert got.code == 0 and sorted(line["session"] for line in got.json_lines()) == NAMES[:2], got
    got = station.once()
    assert got.code == 0, got
    for folder in (*folders, held):
        assert_stored(cloud, folder)
    got = station.command("retry", "--all")
    assert got.code == 0 and "no session is held" in got.err, got


def test_retry_of_all_by_a_running_engine(place):
    cloud, station, folders, held = waiting_for_an_hour(place)
    (held / "metadata.txt").write_text("fatigue_level: 4\n")
    engine = station.start()
    wait_for(lambda: ((station.command("status", "--json").json_lines() or [{}])[0].get("cloud") or {}).get("ok"), 60, "the engine")
    got = station.command("retry", "--all")
    assert got.code == 0, got
    for folder in (*folders, held):
        station.wait_state(folder.name, "accepted")
        assert_stored(cloud, folder)
    assert engine.stop() == 0, engine.result()


# --- whose name ---

def test_a_station_that_is_not_its_keys_is_told(place):
    cloud = place.cloud()
    station = place.station(cloud, name="lab9", key=cloud.key("lab1"))
    make_session(station.recordings, NAMES[0])
    engine = station.start()
    station.wait_state(NAMES[0], "accepted")
    words = "station.name is lab9, the key belongs to lab1: sessions are stored under lab1; set name = lab1"
    shown = station.command("status")
    assert words in shown.out, shown
    told = station.command("status", "--json").json_lines()[0]
    assert any(words in warning for warning in told["cloud"]["warnings"]), told["cloud"]
    assert words in engine.err, engine.err
    assert engine.stop() == 0
    got = station.command("setup", "--force", "--watch", station.recordings, "--endpoint", cloud.url, env={"HEADGATE_CLOUD_API_KEY": station.key, "HEADGATE_STATION_NAME": "lab9"})
    assert got.code == 2 and "the key belongs to lab1" in got.err, got


if __name__ == "__main__":
    main()
