# SPDX-License-Identifier: MIT
"""Sessions that must not be accepted yet: each is held with a reason a person understands, nothing is lost, and mending it
is enough."""
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import Skip, assert_stored, main, make_session, wait_for  # noqa: E402

SESSION = "20261120_134502"
SCHEMA = "[metadata]\nfile = metadata.txt\n[metadata.keys]\nfatigue_level = number 0..10 required\nhardware_model = text required\n"


def hold(place, cloud=None, **settings):
    cloud = cloud or place.cloud(schema=SCHEMA)
    return cloud, place.station(cloud, **settings)


def assert_held(station, session, *words):
    """The session is held, its reason has the words, and `run --once` says so with 1 and the mend."""
    got = station.once()
    row = station.session(session)
    assert row and row["state"] == "held", (row, got)
    for word in words:
        assert word in row["reason"], f"{word!r} is not in {row['reason']!r}"
    assert got.code == 1, got
    assert session in got.err, got
    return row


def test_metadata_out_of_range_is_held_with_its_data_safe_then_mended(place):
    cloud, station = hold(place)
    engine = station.start()
    folder = make_session(station.recordings, SESSION, metadata="fatigue_level: 14\nhardware_model: HX-200\n")
    station.wait_state(SESSION, "held")
    row = wait_for(lambda: (r := station.session(SESSION))["data_safe"] and r, 60, "the data to be safe")
    assert row["state"] == "held" and "fatigue_level" in row["reason"] and "14" in row["reason"] and "10" in row["reason"], row
    for name in ("signals.edf", "events.csv"):
        assert cloud.object(f"{SESSION}/eeg-lab-2/{name}") == (folder / name).read_bytes(), name
    assert cloud.manifest(SESSION) is None and cloud.object(f"{SESSION}/eeg-lab-2/metadata.txt") is None
    assert station.command("status").code == 1
    (folder / "metadata.txt").write_text("fatigue_level: 4\nhardware_model: HX-200\n")
    row = station.wait_state(SESSION, "accepted")
    assert row["revision"] == 2, row  # the data of the first are in the cloud, and are not sent again
    assert_stored(cloud, folder, revision=row["revision"])
    assert station.command("status").code == 0
    assert engine.stop() == 0


def test_an_accepted_session_whose_metadata_alone_becomes_bad_is_over_at_once(place):
    """Its data are in the cloud already and nothing is to be sent: the run ends by itself, and not at the next rescan."""
    cloud, station = hold(place, station={"rescan": "1h"})
    folder = make_session(station.recordings, SESSION, metadata="fatigue_level: 4\nhardware_model: HX-200\n")
    got = station.once()
    assert got.code == 0, got
    (folder / "metadata.txt").write_text("fatigue_level: 99\nhardware_model: HX-200\n")
    got = station.once(wait=None, timeout_s=60)
    assert got.code == 1 and SESSION in got.err, got
    row = station.session(SESSION)
    assert row["state"] == "held" and row["data_safe"], row


def test_status_says_since_when_something_is_not_safe(place):
    _, station = hold(place)
    make_session(station.recordings, SESSION, metadata="fatigue_level: 14\nhardware_model: HX-200\n")
    assert station.once().code == 1
    shown = station.command("status").out
    assert "the oldest that is not safe was found just now\n" in shown, shown


def test_a_hold_is_reported_to_the_cloud(place):
    cloud, station = hold(place)
    make_session(station.recordings, SESSION, metadata="fatigue_level: 14\nhardware_model: HX-200\n")
    assert_held(station, SESSION)
    got = cloud.command("logs", "--data", cloud.data, "--json")
    assert got.code == 0 and SESSION in got.out and "fatigue_level" in got.out, got


def test_rejected_by_the_clouds_schema_then_mended_as_revision_2(place):
    """A station that leaves the cloud's rules to the cloud learns the verdict from it."""
    cloud, station = hold(place, metadata={"cloud_schema": "no"})
    engine = station.start()
    folder = make_session(station.recordings, SESSION, metadata="fatigue_level: 14\nhardware_model: HX-200\n")
    row = station.wait_state(SESSION, "rejected")
    assert "fatigue_level" in row["reason"] and row["revision"] == 1, row
    known = cloud.session(SESSION, station.key)
    assert known["state"] == "rejected", known
    assert any(c["name"] == "metadata_ranges" and c["verdict"] == "hold" and c["mend"] for c in known["checks"]), known
    assert station.command("status").code == 1
    first = cloud.object(f"{SESSION}/eeg-lab-2/metadata.txt")
    (folder / "metadata.txt").write_text("fatigue_level: 4\nhardware_model: HX-200\n")
    row = station.wait_state(SESSION, "accepted")
    assert row["revision"] == 2, row
    files = {file["name"]: file for file in assert_stored(cloud, folder, revision=2)["files"]}
    assert files["metadata.txt"]["key"] == f"{SESSION}/eeg-lab-2/_headgate/2/metadata.txt", files
    assert files["signals.edf"]["key"] == f"{SESSION}/eeg-lab-2/signals.edf", "an unchanged file was sent again"
    assert cloud.object(f"{SESSION}/eeg-lab-2/metadata.txt") == first, "the object of revision 1 was touched"
    known = cloud.session(SESSION, station.key)
    assert (known["state"], known["revision"], len(known["revisions"])) == ("accepted", 2, 1), known
    assert engine.stop() == 0


def test_a_file_that_is_still_being_written_waits(place):
    cloud, station = hold(place, settle="500ms")
    engine = station.start()
    folder = make_session(station.recordings, SESSION)
    with open(folder / "signals.edf", "ab") as recorder:
        recorder.write(b"more")
        recorder.flush()
        # Nothing changes any more, but the recorder has it open: the quiet time alone would take it.
        wait_for(lambda: (r := station.session(SESSION)) and "signals.edf" in (r["reason"] or ""), 60, "a reason that names the file")
        wait_for(lambda: engine.running, 60, "the engine")
        row = station.session(SESSION)
        assert row["state"] == "settling", row
        recorder.write(b" and the end")
    station.wait_state(SESSION, "accepted")
    assert_stored(cloud, folder)
    assert engine.stop() == 0


def test_a_session_without_metadata_waits_for_it(place):
    cloud, station = hold(place)
    engine = station.start()
    folder = make_session(station.recordings, SESSION, metadata=None)
    row = wait_for(lambda: (r := station.session(SESSION)) and r["reason"] and r, 60, "a reason")
    assert row["state"] in ("settling", "held") and "metadata.txt" in row["reason"], row
    (folder / "metadata.txt").write_text("fatigue_level: 4\nhardware_model: HX-200\n")
    station.wait_state(SESSION, "accepted")
    assert_stored(cloud, folder)
    assert engine.stop() == 0


def test_metadata_that_cannot_be_read(place):
    cloud, station = hold(place)
    bad = {
        "20261120_100000": (b"fatigue_level: 4\nhardware_model: \xff\xfe\n", "metadata_utf8"),
        "20261120_100001": (b"fatigue_level: 4\nhardware_model: x\n" + b"note: y\n" + b"#" * (1 << 20), "metadata"),
        "20261120_100002": (b"fatigue_level: 4\nfatigue_level: 5\nhardware_model: x\n", "fatigue_level"),
        "20261120_100003": (b'{"fatigue_level": 4, "hardware_model": "x", "fatigue_level": 5}', "fatigue_level"),
        "20261120_100004": (b"no colon at all\n", "metadata_parses"),
        "20261120_100005": (b"hardware_model: x\n", "fatigue_level"),
        "20261120_100006": (b"fatigue_level: high\nhardware_model: x\n", "fatigue_level"),
        "20261120_100007": (b"", "metadata"),
        "20261120_100008": (b'{"fatigue_level": 4, "hardware_model": "x"', "metadata_parses"),
    }
    for name, (text, _) in bad.items():
        make_session(station.recordings, name, metadata=text, seed=name)
    got = station.once()
    assert got.code == 1, got
    rows = station.sessions()
    for name, (_, word) in bad.items():
        assert rows[name]["state"] == "held" and rows[name]["data_safe"], rows[name]
        assert word in rows[name]["reason"], rows[name]["reason"]
        assert name in got.err
        (station.recordings / name / "metadata.txt").write_text("fatigue_level: 4\nhardware_model: x\n")
    assert station.once().code == 0, station.rows()
    for name in bad:
        assert_stored(cloud, station.recordings / name, revision=2)


def test_what_is_no_regular_file_is_held_by_name(place):
    cloud, station = hold(place)
    kinds = {
        "20261120_100000": lambda d: os.mkfifo(d / "pipe"),
        "20261120_100001": lambda d: (d / "link").symlink_to("/etc/hostname"),
        "20261120_100002": lambda d: (d / "loop").symlink_to("."),
        "20261120_100003": lambda d: (d / "dangling").symlink_to("nowhere"),
    }
    for name, make in kinds.items():
        make(make_session(station.recordings, name, seed=name))
    got = station.once()
    assert got.code == 1, got
    for name, word in zip(kinds, ("pipe", "link", "loop", "dangling")):
        row = station.session(name)
        assert row["state"] == "held" and word in row["reason"], row
        (station.recordings / name / word).unlink()
    assert station.once().code == 0, station.rows()
    for name in kinds:
        assert_stored(cloud, station.recordings / name)


def test_names_and_sizes_that_cannot_go(place):
    cloud, station = hold(place, station={"total_max": "100kB"})
    make_session(station.recordings, "20261120_100000", {"a\nb.edf": 100, "ok": 5}, seed=1)
    make_session(station.recordings, "20261120_100001", {"_headgate/x": 100, "ok": 5}, seed=2)
    make_session(station.recordings, "20261120_100002", {"a\\b": 100, "ok": 5}, seed=3)
    make_session(station.recordings, "20261120_100003", {"empty.edf": 0, "ok": 5}, seed=4)
    make_session(station.recordings, "20261120_100004", {"big": 200_000}, seed=5)
    make_session(station.recordings, "20261120_100005", {"/".join(["d" * 90] * 10): 5}, seed=6)
    bare = station.recordings / "20261120_100006"
    bare.mkdir()
    (bare / "metadata.txt").write_text("fatigue_level: 4\nhardware_model: x\n")
    latin = os.fsencode(station.recordings / make_session(station.recordings, "20261120_100007", seed=7).name) + b"/caf\xe9.txt"
    with open(latin, "wb") as out:
        out.write(b"x")
    got = station.once()
    assert got.code == 1, got
    rows = station.sessions()
    words = {0: "\\x0a", 1: "_headgate", 2: "\\", 3: "empty.edf", 4: "", 5: "", 6: "", 7: ""}
    for i, word in words.items():
        row = rows[f"2026112{0}_10000{i}"]
        assert row["state"] == "held" and row["reason"], row
        assert "\n" not in got.err or "a\nb.edf" not in got.err, "a newline of a name reached the terminal"
        if i in (1, 3):
            assert word in row["reason"], row
    assert cloud.object_count() == 0, "something of a session with a bad name was sent"


def test_names_are_refused_by_the_cloud_too(place):
    """What a station would never ask: the API itself holds the line."""
    cloud = place.cloud()
    token = cloud.token(cloud.key())
    file = {"size": 5, "sha256": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="}
    for name in ("../x", "a/../b", "/etc/passwd", "a//b", "", "./a", "_headgate/1/x", "_headgate/x", "a\nb", "a\\b", "x" * 800):
        status, _, text = cloud.request("POST", "/v1/presign", {"session": SESSION, "revision": 1, "files": [{"name": name, **file}]}, token)
        assert status == 400 or (status == 200 and b'"error"' in text and b'"put"' not in text), (name, status, text)
    for session in ("../../x", "20261120", "20261120_13450", "", "20261120_134502/x"):
        status, _, _ = cloud.request("POST", "/v1/presign", {"session": session, "revision": 1, "files": [{"name": "a", **file}]}, token)
        assert status == 400, (session, status)


def test_a_file_that_may_not_be_read(place):
    """As a user who is not root: root reads everything, and this test could not fail."""
    if os.getuid() != 0:
        raise Skip("needs root to become another user")
    cloud, station = hold(place, user="nobody")
    folder = make_session(station.recordings, SESSION)
    station.write()
    secret = folder / "signals.edf"
    os.chown(secret, 0, 0)
    secret.chmod(0o600)
    got = station.once(wait="10s")
    row = station.session(SESSION)
    assert row["state"] != "accepted" and "signals.edf" in row["reason"] and "ermission" in row["reason"], (row, got)
    assert got.code in (1, 4), got
    secret.chmod(0o644)
    station.command("retry", SESSION)
    got = station.once()
    assert got.code == 0, (got, station.rows())
    assert_stored(cloud, folder)


if __name__ == "__main__":
    main()
