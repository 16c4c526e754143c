# SPDX-License-Identifier: MIT
"""A cloud that is wrong, absent, or not the cloud at all: the right exit code, a sentence with the mend, nothing lost."""
import base64
import datetime
import hashlib
import json
import sqlite3
import sys
import threading
import time
import urllib.parse
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from fault_proxy import DROP, LOSE, Answer, FaultProxy  # noqa: E402
from headgate_test import assert_stored, main, make_session, preloaded, wait_for  # noqa: E402

SESSION = "20261120_134502"


def through(place, hook, **settings):
    """A cloud, a proxy with that hook before it, a station that knows the proxy only, and one session."""
    cloud = place.cloud()
    proxy = FaultProxy(place, cloud, hook)
    station = place.station(cloud, endpoint=proxy.url, **settings)
    return cloud, proxy, station, make_session(station.recordings, SESSION)


def attempts(station):
    return station.command("sessions", SESSION, "--json").json_lines()[0]["attempts"]


def s3_error(status, code, headers=None):
    return Answer(status, {"Content-Type": "application/xml", **(headers or {})},
                  f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>m</Message></Error>'.encode())


def api_error(status, code, headers=None):
    return Answer(status, {"Content-Type": "application/json", "x-request-id": "r1", **(headers or {})},
                  json.dumps({"error": {"code": code, "message": "no", "request_id": "r1"}}).encode())


def first(count, part, answer, method="PUT"):
    """A hook that gives the answer to the first `count` requests with the part in their path, and passes the rest on."""
    left = [count]

    def hook(request):
        if request.method == method and part in request.path and left[0] > 0:
            left[0] -= 1
            return answer
        return None

    return hook


def assert_recovers(place, hook, **settings):
    cloud, proxy, station, folder = through(place, hook, **settings)
    got = station.once(wait="60s")
    assert got.code == 0, (got, station.rows())
    assert_stored(cloud, folder)
    assert cloud.object_count() == 4
    return proxy, station


def test_a_wrong_key_ends_with_77(place):
    cloud = place.cloud()
    station = place.station(cloud, key="hg_00000000_wrongwrongwrongwrongwrongwrong")
    folder = make_session(station.recordings, SESSION)
    got = station.once()
    assert got.code == 77 and "key" in got.err, got
    assert station.key not in got.err + got.out, "the key itself was printed"
    station.key = cloud.key()
    station.write()
    assert station.once().code == 0
    assert_stored(cloud, folder)


def test_a_revoked_key_ends_with_77(place):
    cloud = place.cloud()
    station = place.station(cloud)
    make_session(station.recordings, SESSION)
    assert station.once().code == 0
    cloud.revoke(cloud.keys()[0]["id"])
    second = make_session(station.recordings, "20261120_150000", seed=2)
    got = station.once()
    assert got.code == 77, got
    station.key = cloud.key()
    station.write()
    assert station.once().code == 0
    assert_stored(cloud, second)


def key_revoked_under(place):
    """An engine whose key was revoked after its first session; a second one is there."""
    cloud = place.cloud()
    station = place.station(cloud)
    engine = station.start()
    make_session(station.recordings, SESSION)
    station.wait_state(SESSION, "accepted")
    cloud.revoke(cloud.keys()[0]["id"])
    return cloud, station, engine, make_session(station.recordings, "20261120_150000", seed=2)


def test_a_key_revoked_while_the_engine_runs(place):
    _, station, engine, _ = key_revoked_under(place)

    def told():
        shown = station.command("status", "--json").json_lines()[-1]
        return ((shown["cloud"] or {}).get("error") or {}).get("code") == "key_refused"

    wait_for(told, 60, "status to name the key")
    assert station.command("status").code == 77
    assert engine.running and station.session("20261120_150000")["state"] != "failed"
    assert engine.stop() in (0, 77), engine.result()


def test_a_new_key_in_the_file_needs_no_restart(place):
    cloud, station, engine, folder = key_revoked_under(place)
    wait_for(lambda: station.command("status").code == 77, 60, "the key to be refused")
    station.key_file.write_text(cloud.key() + "\n")
    station.wait_state("20261120_150000", "accepted")
    assert_stored(cloud, folder)
    assert station.command("status").code == 0
    assert engine.stop() == 0, engine.result()


def test_no_cloud_ends_with_69_and_keeps_the_work(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, SESSION)
    cloud.stop()
    got = station.once(wait=None)
    assert got.code == 69 and "127.0.0.1" in got.err, got
    row = station.session(SESSION)
    assert row and row["state"] not in ("failed", "accepted", "gone"), row
    cloud.start()
    assert station.once().code == 0
    assert_stored(cloud, folder)


def test_a_name_that_does_not_resolve_ends_with_69(place):
    station = place.station(endpoint="http://headgate.invalid:8750")
    make_session(station.recordings, SESSION)
    got = station.once(wait=None)
    assert got.code == 69 and "headgate.invalid" in got.err, got


def test_a_captive_portal_is_no_cloud(place):
    """Its page comes with 200, or with 403, whatever was asked: neither success nor a refusal by the cloud."""
    for status in (200, 403):
        portal = FaultProxy(place, None, lambda request: Answer.html(status))
        station = place.station(name=f"lab-{status}", endpoint=portal.url)
        make_session(station.recordings, SESSION)
        got = station.once(wait=None)
        assert got.code == 69, got
        assert "<html" not in got.err.lower(), got
        row = station.session(SESSION)
        assert row["state"] not in ("failed", "accepted", "rejected"), row


def test_a_captive_portal_on_the_way_to_the_objects(place):
    for status in (200, 403):
        cloud, proxy, station, folder = portal_for_puts(place, status)
        got = station.once(wait=None)
        assert got.code == 69, got
        row = station.session(SESSION)
        assert row["state"] in ("queued", "uploading") and row["stored_files"] == 0, row
        proxy.hook = None
        assert station.once().code == 0, station.rows()
        assert_stored(cloud, folder)


def portal_for_puts(place, status):
    return through(place, lambda request: Answer.html(status) if request.method == "PUT" else None)


def test_success_with_an_error_in_its_body_is_none(place):
    proxy, _ = assert_recovers(place, first(2, "signals.edf", s3_error(200, "InternalError")))
    assert proxy.count("PUT", "signals.edf") >= 3


def test_an_answer_with_another_checksum_is_not_believed(place):
    """A store that says it stored other bytes, and has in truth stored none: they are sent again."""
    other = Answer(200, {"x-amz-checksum-sha256": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="})
    proxy, station = assert_recovers(place, first(1, "signals.edf", other))
    assert proxy.count("PUT", "signals.edf") == 2
    attempts = station.command("sessions", SESSION, "--json").json_lines()[0]["attempts"]
    assert [a["code"] for a in attempts if a["file"] == "signals.edf" and a["code"] != "stored"] == ["checksum"], attempts


def test_an_answer_that_is_always_another_checksum_is_never_accepted(place):
    """Sent once more, then it waits: the store's mistake, or this machine's, is no fault of the session's."""
    def hook(request):
        if request.method != "PUT" or "signals.edf" not in request.path:
            return None
        return Answer(200, {"x-amz-checksum-sha256": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="})

    cloud, _, station, _ = through(place, hook)
    got = station.once(wait=None)
    row = station.session(SESSION)
    assert got.code == 69 and row["state"] == "queued" and "checksum" in row["reason"], (got, row)


def test_a_success_without_a_checksum_is_compared_not_believed(place):
    """Nothing was stored: the comparison finds that, and the bytes are sent again."""
    proxy, _ = assert_recovers(place, first(1, "signals.edf", Answer(200)))
    assert proxy.count("POST", "/v1/objects/stat") >= 1
    assert proxy.count("PUT", "signals.edf") == 2


def test_bytes_damaged_on_the_way_are_sent_again(place):
    damaged = []

    def hook(request):
        if request.method == "PUT" and "signals.edf" in request.path and not damaged:
            damaged.append(True)
            request.body = bytes([request.body[0] ^ 1]) + request.body[1:]

    proxy, _ = assert_recovers(place, hook)
    assert proxy.count("PUT", "signals.edf") == 2


def test_busy_and_broken_servers_are_tried_again(place):
    answers = {
        "signals.edf": s3_error(503, "SlowDown"),
        "events.csv": s3_error(500, "InternalError"),
        "metadata.txt": s3_error(400, "RequestTimeout"),
    }
    hooks = [first(1, part, answer) for part, answer in answers.items()]
    hooks.append(first(1, "/v1/presign", api_error(429, "rate_limited", {"Retry-After": "1"}), "POST"))
    hooks.append(first(1, "/v1/authenticate", api_error(503, "unavailable"), "POST"))
    assert_recovers(place, lambda request: next((a for a in (hook(request) for hook in hooks) if a), None))


def test_a_store_that_asks_for_a_long_pause_is_away_until_then(place):
    """Whoever waits says for what: no session stays "uploading" for an hour with nothing said."""
    busy = Answer(429, {"Retry-After": "1000000000"})
    _, _, station, _ = through(place, lambda request: busy if request.method == "PUT" else None)
    make_session(station.recordings, "20261120_134503", seed=2)
    got = station.once(wait="4s")
    assert got.code == 69 and "429" in got.err, got
    for row in station.rows():
        assert row["state"] == "queued" and "the server answered 429" in row["reason"], row


def test_our_own_limit_of_the_rate_is_no_reason_to_give_up(place):
    cloud = place.cloud()
    station = place.station(cloud, upload={"bandwidth": "20KB/s", "deadline": "1s"})
    folder = make_session(station.recordings, SESSION, {"signals.edf": 80_000})
    got = station.once()
    assert got.code == 0 and all(attempt["code"] == "stored" for attempt in attempts(station)), got
    assert_stored(cloud, folder)


def test_a_deadline_that_passes_names_the_setting(place):
    over = threading.Event()
    try:
        _, _, station, _ = through(place, lambda request: over.wait(60) and None if request.method == "PUT" else None, upload={"deadline": "1s"})
        got = station.once(wait="10s")
    finally:
        over.set()
    assert got.code in (4, 69), got
    late = [attempt["reason"] for attempt in attempts(station) if attempt["reason"] and "not over within" in attempt["reason"]]
    assert late and all("raise [upload] deadline" in reason and " 0 B of" not in reason for reason in late), attempts(station)


def test_an_expired_url_is_asked_for_again(place):
    expired = Answer(403, {"Content-Type": "application/xml"},
                     b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message><Expires>2020-01-01T00:00:00Z</Expires></Error>")
    proxy, _ = assert_recovers(place, first(1, "signals.edf", expired))
    assert proxy.count("POST", "/v1/presign") >= 2


def test_a_token_that_ran_out_is_renewed(place):
    proxy, _ = assert_recovers(place, first(1, "/v1/presign", api_error(401, "token_expired"), "POST"))
    assert proxy.count("POST", "/v1/authenticate") == 2


def test_connections_that_break(place):
    hooks = [first(1, "signals.edf", DROP), first(1, "/v1/presign", DROP, "POST"), first(1, "events.csv", DROP)]
    assert_recovers(place, lambda request: next((a for a in (hook(request) for hook in hooks) if a), None))


def test_an_answer_that_was_lost_is_found_not_repeated_for_ever(place):
    """The PUT worked, its answer did not arrive: the second one meets 412 or `exists`, and compares."""
    hooks = [first(1, "signals.edf", LOSE), first(1, "metadata.txt", LOSE), first(1, "manifest.json", LOSE)]
    proxy, _ = assert_recovers(place, lambda request: next((a for a in (hook(request) for hook in hooks) if a), None))
    assert proxy.count("PUT", "signals.edf") <= 2


def test_another_content_under_the_same_name_is_a_persons_matter(place):
    """Somebody else's bytes lie where the files belong: never overwritten, and said, however slow the journal's disk is. With a
    person's word they go up beside them."""
    cloud = place.cloud()
    first_station = place.station(cloud)
    make_session(first_station.recordings, SESSION, seed=1)
    assert first_station.once().code == 0
    # The same station's name and key on another machine, the same session, other bytes.
    twin = place.station(cloud, key=first_station.key)
    make_session(twin.recordings, SESSION, seed=2)
    slow = preloaded("fault_shim", FAULT_PATH="state.db", FAULT_DO="slow", FAULT_MS="150")
    got = twin.command("run", "--once", "--wait", "60s", timeout_s=90, env=slow)
    row = twin.session(SESSION)
    assert got.code == 1 and row["state"] == "held" and "none of this one's data files is in it" in row["reason"], (got, row)
    reports = [line["event"] for line in cloud.command("logs", "--data", cloud.data, "--json").json_lines()]
    assert [r["code"] for r in reports if r.get("level") == "warn" and r.get("session") == SESSION] == ["held"], reports
    assert_stored(cloud, first_station.recordings / SESSION)
    assert twin.command("release", SESSION).code == 0
    assert twin.once().code == 0
    row = twin.session(SESSION)
    assert (row["state"], row["revision"]) == ("accepted", 2), row
    assert_stored(cloud, twin.recordings / SESSION, revision=2)
    assert_stored(cloud, first_station.recordings / SESSION)


def store(cloud, station, name, content):
    """A twin is first: a cloned disk, with the station's key and its journal's instance."""
    file = {"name": name, "size": len(content), "sha256": base64.b64encode(hashlib.sha256(content).digest()).decode()}
    with closing(sqlite3.connect(f"file:{station.state}/state.db?mode=ro", uri=True)) as db:
        (instance,), = db.execute("SELECT value FROM setting WHERE name = 'engine.instance'")
    body = {"session": SESSION, "revision": 1, "instance": instance, "files": [file]}
    put = cloud.call("POST", "/v1/presign", body, cloud.token(station.key))["files"][0]["put"]
    status, _, text = cloud.request("PUT", put["url"], content, headers=put["headers"])
    assert status == 200, text


def test_exists_with_another_checksum_is_not_believed(place):
    """The answer to presign saves a transfer only when what is there is what was hashed here."""
    def hook(request):
        if request.path != "/v1/presign":
            return None

        def lie(answer):
            told = json.loads(answer.body)
            for entry in told["files"]:
                if entry["name"] == "signals.edf":
                    entry.pop("put", None)
                    entry["exists"] = {"size": 40_000, "sha256": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="}
            answer.body = json.dumps(told).encode()
            return answer

        return lie

    _, proxy, station, _ = through(place, hook)
    got = station.once(wait="20s")
    row = station.session(SESSION)
    assert got.code in (4, 69) and row["state"] == "queued" and "names other bytes" in row["reason"], (got, row)
    assert proxy.count("PUT", "manifest.json") == 0


def test_a_manifest_of_another_version_of_this_program_is_no_conflict(place):
    """An update of headgate in the middle of a session: the old manifest stays, the next revision says the same."""
    passing = []

    def hook(request):
        if passing or request.method != "PUT" or "manifest.json" not in request.path:
            return None
        if not stored:
            stored.append(True)
            store(cloud, station, "_headgate/1/manifest.json", request.body.replace(b'"headgate/', b'"headgatE/'))
        return DROP

    stored = []
    cloud, _, station, folder = through(place, hook)
    assert station.once(wait="3s").code in (4, 69) and stored
    passing.append(True)
    got = station.once(wait="30s")
    row = station.session(SESSION)
    assert (got.code, row["state"], row["revision"]) == (0, "accepted", 2), (got, row)
    manifest = assert_stored(cloud, folder, revision=2)
    assert not any("/_headgate/" in file["key"] for file in manifest["files"] if file["name"] != "metadata.txt"), manifest
    assert cloud.manifest(SESSION)["software"].startswith("headgatE/")


def test_other_bytes_stored_between_url_and_put_bring_another_revision(place):
    """The PUT meets a 412: what the store holds is compared, and it is not ours. Another file of it is, so it is another revision."""
    other = b"somebody else's bytes"
    met = []

    def hook(request):
        if request.method != "PUT" or "signals.edf" not in request.path or met:
            return None
        met.append(True)
        store(cloud, station, "signals.edf", other)
        return None

    cloud, proxy, station, folder = through(place, hook)
    got = station.once(wait="20s")
    row = station.session(SESSION)
    assert met and proxy.count("POST", "/v1/objects/stat") == 1
    assert (got.code, row["state"], row["revision"]) == (0, "accepted", 2), (got, row)
    assert_stored(cloud, folder, revision=2)
    assert cloud.object(f"{SESSION}/eeg-lab-2/signals.edf") == other, "what was stored first stays as it is"


def test_a_report_that_is_refused_does_not_keep_back_the_others(place):
    """Three sessions are held, the cloud will not take the report of the first: the others' arrive, and it is kept."""
    names = [SESSION, "20261120_150000", "20261120_160000"]

    def hook(request):
        if request.path == "/v1/events" and any(event["session"] == SESSION for event in json.loads(request.body)["events"]):
            return api_error(400, "bad_request")
        return None

    cloud = place.cloud()
    proxy = FaultProxy(place, cloud, hook)
    station = place.station(cloud, endpoint=proxy.url, metadata__keys={"fatigue_level": "number 0..10 required"})
    for seed, name in enumerate(names):
        make_session(station.recordings, name, metadata="fatigue_level: 14\n", seed=seed)
    assert station.once().code == 1
    reports = [line["event"] for line in cloud.command("logs", "--data", cloud.data, "--json").json_lines()]
    assert {r["session"] for r in reports if "detail" in r} == set(names[1:]), reports
    assert "1 not yet delivered" in station.command("status").out
    assert proxy.count("POST", "/v1/events") <= 6, "it is not asked without end"


def test_a_clock_that_is_wrong_is_named(place):
    """S3 answers a skewed request so; the sentence must name the clock, not the key."""
    def hook(request):
        if request.method == "PUT":
            return s3_error(403, "RequestTimeTooSkewed", {"Date": "Sat, 21 Nov 2026 09:00:00 GMT"})
        return None

    _, _, station, _ = through(place, hook)
    got = station.once(wait=None)
    row = station.session(SESSION)
    assert got.code == 69 and row["state"] != "failed", (got, row)
    assert "clock" in (got.err + (row["reason"] or "")).lower(), (got, row)


def test_an_attempt_is_told_in_this_stations_time(place):
    """As every other time that is shown beside it, whatever time the cloud takes it to be."""
    far = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 7200))
    _, _, station, _ = through(place, first(1, "/v1/presign", api_error(400, "refused", {"Date": far}), method="POST"))
    began = datetime.datetime.now(datetime.timezone.utc)
    assert station.once().code == 0, "a 400 of the whole call is no verdict upon the session"
    attempt = station.command("sessions", SESSION, "--json").json_lines()[0]["attempts"]
    attempt = [a for a in attempt if a["code"] == "refused"][0]
    at = datetime.datetime.fromisoformat(attempt["at"].replace("Z", "+00:00"))
    assert abs((at - began).total_seconds()) < 600, (attempt, began)


def test_a_long_cursor_is_given_back_whole(place):
    """Of changes, and of the fleet: it is the cloud's own word, and no length of it was agreed."""
    cursor = "é" * 1500
    quoted = urllib.parse.quote(cursor)

    def hook(request):
        stations = request.path.startswith("/v1/stations")
        if not stations and not request.path.startswith("/v1/changes"):
            return None
        if quoted in request.path:
            seen.add("stations" if stations else "changes")
            body = {"stations": [{"station": "second-page"}], "next": None} if stations else {"changes": [], "cursor": cursor}
        else:
            body = {"stations": [{"station": "first-page"}], "next": cursor} if stations else {"changes": [], "cursor": cursor}
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(body).encode())

    seen = set()
    _, _, station, _ = through(place, hook)
    engine = station.start()
    wait_for(lambda: "changes" in seen, 60, "the cursor to come back")
    assert engine.stop() == 0, engine.result()
    got = station.command("stations")
    assert "first-page" in got.out and "second-page" in got.out and seen == {"stations", "changes"}, got


def test_json_that_is_none_or_too_much(place):
    bodies = [b"", b"{", b"[]", b'{"token":7}', b'{"token":"x"', b"{}" * 100, b"\xff" * 50]
    left = list(bodies)

    def hook(request):
        if request.path == "/v1/presign" and left:
            return Answer(200, {"Content-Type": "application/json"}, left.pop())
        return None

    assert_recovers(place, hook)


if __name__ == "__main__":
    main()
