# SPDX-License-Identifier: MIT
"""What the console tells of the station and of sessions that do not move: every fact of the Station screen from the real
engine, its configuration with sources, its events filtered, the fleet; tries, reasons and the way out."""
import re
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from fault_proxy import Answer, FaultProxy  # noqa: E402
from headgate_test import main, make_session, wait_for  # noqa: E402
from pty_console import Console, engine_of  # noqa: E402

SESSION = "20261120_134502"
SLOW_DOWN = Answer(503, {"Content-Type": "application/xml", "x-amz-request-id": "4442587FB7D0A2F9"},
                   b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate</Message></Error>")
EXPIRED = Answer(403, {"Content-Type": "application/xml"}, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")


def wait_facts(console, *patterns):
    """A frame comes in pieces, and the engine tells its facts one after the other."""
    for pattern in patterns:
        console.wait_until(lambda screen: re.search(pattern, screen.text), pattern)


def test_every_fact_of_the_station(place):
    cloud = place.cloud()
    station = place.station(cloud, upload={"connections": 3})
    make_session(station.recordings, SESSION, {"signals.edf": 30_000_000})
    engine = engine_of(station)
    station.wait_state(SESSION, "accepted")
    console = Console(station, "--screen", "station", rows=40, columns=140)
    wait_facts(console, rf"running for .*process {engine.pid}, instance \w+", re.escape(cloud.url), r"answers in \d+ ms; token good for (59|1:00):\d\d",
               r"clock +as the cloud's, to the second", r"queue +0 uploading, 0 queued, 0 B left.* over 3 connections",
               r"disk +[\d.]+ .B of [\d.]+ .B free on /\S+", rf"folders +{re.escape(str(station.recordings))[:60]}", "  events", "Upload rate")
    assert console.quit() == 0


def test_the_configuration_says_where_each_value_comes_from(place):
    station = place.station(place.cloud())
    engine_of(station)
    line = station.ini.read_text().splitlines().index("settle = 300ms") + 1
    console = Console(station, "--screen", "station", "--log-level=warn", rows=45, columns=160, env={"HEADGATE_UPLOAD_CONNECTIONS": "7"})
    console.wait_until("[Overview]")
    console.press("Tab", "Tab")
    wait_facts(console, r"upload\.connections +7 +HEADGATE_UPLOAD_CONNECTIONS", r"log\.level +warn +--log-level", r"upload\.deadline +12h +default")
    console.press("/", "settle", "Enter")
    console.wait_gone("upload.deadline")
    wait_facts(console, rf"station\.settle 300ms {re.escape(str(station.ini))}:{line}")  # the selected row in full
    assert station.key not in console.screen.text
    assert console.quit() == 0


def test_events_are_filtered(place):
    station = place.station(place.cloud())
    make_session(station.recordings, SESSION)
    engine_of(station)
    station.wait_state(SESSION, "accepted")
    console = Console(station, "--screen", "station", rows=40, columns=140)
    console.press("Tab")
    console.wait_until("[Events]")
    wait_facts(console, "cloud_accepted", "settled")
    console.press("/", "cloud_accepted")
    console.wait_until(lambda screen: re.search(r'filter "cloud_accepted": 1 of \d+ fit', screen.text), "one event")
    console.wait_gone("settled")
    console.press("Enter")
    make_session(station.recordings, "20261120_150000", seed=2)  # what comes passes through the filter too
    console.wait_until(lambda screen: re.search(r'filter "cloud_accepted": 2 of \d+ fit', screen.text), "two events")
    assert console.quit() == 0


def test_the_fleet_shows_who_never_reported_first(place):
    cloud = place.cloud()
    cloud.key("another-lab")
    station = place.station(cloud, key=cloud.key("eeg-lab-2", "station admin"))
    engine_of(station)
    wait_for(lambda: [row for row in station.command("stations", "--json").json_lines() if not row["silent"]], 60, "a heartbeat")
    console = Console(station, "--screen", "station", columns=110)
    console.wait_until("cloud ok")
    console.press("Left")
    wait_facts(console, r"another-lab +never +- +- +- ", r"eeg-lab-2 +(now|\d+ s|1 min) +0 +0 B +0 ")
    assert console.screen.find("another-lab")[0] < console.screen.find("eeg-lab-2  ")[0], console.screen.text
    assert console.quit() == 0


def refused(place, answer):
    """A console on a station whose PUTs of signals.edf are answered so, and whose next try is far away."""
    proxy = FaultProxy(place, place.cloud(), lambda request: answer if request.method == "PUT" and "signals.edf" in request.path else None)
    station = place.station(proxy.cloud, endpoint=proxy.url, upload={"retry_base": "1h", "retry_cap": "1h"})
    make_session(station.recordings, SESSION)
    engine_of(station)

    def far_away():
        again = (station.session(SESSION) or {}).get("next_attempt_at")
        return again and datetime.fromisoformat(again.replace("Z", "+00:00")) > datetime.now(timezone.utc) + timedelta(minutes=2)

    wait_for(far_away, 90, "a next attempt")
    return proxy, station, Console(station, columns=160)


def test_a_throttled_session_says_why_and_when_again(place):
    proxy, station, console = refused(place, SLOW_DOWN)
    console.wait_row(SESSION, "queued")
    wait_facts(console, rf"{SESSION} .*queued +try 2 in \d+:\d\d: .*503 SlowDown")
    console.press("w")
    wait_facts(console, "The last try failed: .*503 SlowDown", r"next attempt is in \d+:\d\d", "r tries now")
    console.press("w", "Enter", "Tab", "Tab", "Tab", "Tab")
    wait_facts(console, r"\[Attempts \d+\]", r"503 +throttled .*signals\.edf", "4442587FB7D0A2F9")
    proxy.hook = None
    console.press("r")
    console.wait_until("tried again")
    console.press("Esc")
    console.wait_row(SESSION, "accepted")
    assert console.quit() == 0


def test_an_expired_url_is_named(place):
    proxy, station, console = refused(place, EXPIRED)
    console.wait_row(SESSION, "queued")
    console.press("w")
    wait_facts(console, "The last try failed: .*expired", "r tries now")
    assert console.quit() == 0


main()
