# SPDX-License-Identifier: MIT
"""A session folder reaches the cloud, whole and verified: the path that everything else stands on."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from fault_proxy import FaultProxy  # noqa: E402
from headgate_test import SOAK, assert_stored, files_of, main, make_session, wait_for  # noqa: E402

SESSION = "20261120_134502"


def test_a_session_that_appears_while_the_engine_runs_is_accepted(place):
    cloud = place.cloud()
    station = place.station(cloud)
    engine = station.start()
    folder = make_session(station.recordings, SESSION)
    row = station.wait_state(SESSION, "accepted")
    assert (row["revision"], row["files"], row["stored_files"]) == (1, 3, 3), row
    assert row["bytes"] == row["stored_bytes"] == sum(p.stat().st_size for p in files_of(folder).values()), row
    assert row["accepted_at"] and row["data_safe"] and not row["reason"], row
    manifest = assert_stored(cloud, folder)
    assert manifest["version"] == 1 and manifest["metadata"] == "metadata.txt", manifest
    known = cloud.session(SESSION, station.key)
    assert (known["state"], known["station"], known["revision"]) == ("accepted", "eeg-lab-2", 1), known
    assert known["metadata"]["hardware_model"] == "HX-200" and known["metadata"]["fatigue_level"] == 4, known
    assert known["checks"] and all(check["verdict"] == "pass" for check in known["checks"]), known
    assert cloud.object_count() == 4  # three files and the manifest
    status = station.command("status", "--json")
    assert status.code == 0, status
    shown = status.json_lines()[-1]
    assert shown["by_state"]["accepted"] == 1 and shown["bytes_left"] == 0 and shown["engine"]["pid"] == engine.pid, shown
    assert engine.stop() == 0, engine.result()
    assert cloud.stop() == 0, cloud.child.result()


def test_once_ships_what_is_there_and_ends(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folders = [make_session(station.recordings, f"2026112{i}_080000", seed=i) for i in range(4)]
    got = station.once()
    assert got.code == 0, got
    assert {row["state"] for row in station.rows()} == {"accepted"} and len(station.rows()) == 4, station.rows()
    for folder in folders:
        assert_stored(cloud, folder)
    again = station.once()
    assert again.code == 0, again
    assert cloud.object_count() == 16  # nothing was sent twice under another key


def test_data_first_then_manifest_then_metadata(place):
    """The metadata file's arrival is what starts the cloud's work: it must come last, and the manifest before it."""
    cloud = place.cloud()
    proxy = FaultProxy(place, cloud)
    station = place.station(cloud, endpoint=proxy.url)
    make_session(station.recordings, SESSION, {f"part-{i}.edf": 30_000 for i in range(6)})
    got = station.once()
    assert got.code == 0, got
    puts = [request.path.split("?")[0].rsplit("/", 1)[1] for request in proxy.requests if request.method == "PUT"]
    assert len(puts) == 8, puts
    assert set(puts[:6]) == {f"part-{i}.edf" for i in range(6)} and puts[6:] == ["manifest.json", "metadata.txt"], puts
    for request in proxy.requests:
        if request.method == "PUT":
            assert request.headers["x-amz-checksum-sha256"] and request.headers["If-None-Match"] == "*", request
            assert "Authorization" not in request.headers, "the token goes to a presigned URL"


def test_every_form_of_metadata(place):
    cloud = place.cloud(schema="[metadata]\nfile = metadata.txt\n[metadata.keys]\nfatigue_level = number 0..10 required\nhardware_model = text required\n")
    station = place.station(cloud)
    forms = {
        "20261120_100000": "fatigue_level: 7\nhardware_model: HX 200: blue\n",
        "20261120_100001": "fatigue_level = 7\r\nhardware_model = HX 200: blue\r\n",
        "20261120_100002": json.dumps({"fatigue_level": 7, "hardware_model": "HX 200: blue"}),
    }
    for name, text in forms.items():
        make_session(station.recordings, name, metadata=text, seed=name)
    got = station.once()
    assert got.code == 0, got
    for name in forms:
        metadata = cloud.session(name, station.key)["metadata"]
        assert metadata["fatigue_level"] == 7 and metadata["hardware_model"] == "HX 200: blue", (name, metadata)


def test_subfolders_spaces_and_utf8_names(place):
    cloud = place.cloud()
    station = place.station(cloud)
    names = ["a b.edf", "sub/c.edf", "sub/deep er/d.edf", "Übung/µV – β.csv", "日本語.txt", "-dash", "a+b&c=d?e#f%41.bin", "it's (1).x", ".hidden",
             "a..b", "trailing.", "e\u0301.txt"]
    folder = make_session(station.recordings, SESSION, {name: 1000 + i for i, name in enumerate(names)})
    got = station.once()
    assert got.code == 0, (got, station.rows())
    manifest = assert_stored(cloud, folder)
    assert {file["name"] for file in manifest["files"]} == {*names, "metadata.txt"}
    assert all(file["key"] == f"{SESSION}/eeg-lab-2/{file['name']}" for file in manifest["files"]), manifest


def test_a_name_that_is_no_date_is_accepted_with_a_warning(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, "20210229_161221")
    make_session(station.recordings, "not a session")
    near = make_session(station.recordings, "20261120_1345021")
    got = station.once()
    assert got.code == 1 and near.name in got.err and "rename it to 20261120_134502" in got.err, got
    near.rename(station.dir / near.name)
    assert (got := station.once()).code == 0, got
    assert list(station.sessions()) == ["20210229_161221"], station.rows()
    assert_stored(cloud, folder)
    full = station.command("sessions", "20210229_161221", "--json")
    assert full.code == 0, full
    checks = [check for check in full.json_lines()[0]["checks"]["local"] if check["name"] == "name"]
    assert checks and all(check["verdict"] == "warn" and "2021" in check["found"] for check in checks), full


def test_many_files(place):
    count = 10_000 if SOAK else 1_200  # more than one call of presign
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, SESSION, {f"d{i % 7}/f{i:05}.bin": 20 + i % 50 for i in range(count)})
    got = station.once(wait="200s", timeout_s=220)
    assert got.code == 0, got
    manifest = assert_stored(cloud, folder)
    assert len(manifest["files"]) == count + 1


def test_a_file_above_the_part_size(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, SESSION, {"long.edf": (64 << 20) + 4097, "just.edf": 64 << 20})
    got = station.once(wait="150s", timeout_s=160)
    assert got.code == 0, got
    files = {file["name"]: file for file in assert_stored(cloud, folder)["files"]}
    assert len(files["long.edf"]["parts"]) == 5, files["long.edf"]  # 16 MiB each
    assert not files["just.edf"].get("parts"), files["just.edf"]


def test_two_roots_and_the_same_name_under_both(place):
    cloud = place.cloud()
    second = place.dir / "second root"
    second.mkdir()
    station = place.station(cloud)
    station.sections["station"]["watch"] = [station.recordings, second]
    station.write()
    first = make_session(station.recordings, SESSION, seed=1)
    other = make_session(second, "20261120_140000", seed=2)
    engine = station.start()
    station.wait_state(SESSION, "accepted")
    station.wait_state("20261120_140000", "accepted")
    make_session(second, SESSION, seed=3)
    held = wait_for(lambda: [row for row in station.rows() if row["root"] == str(second) and row["state"] == "held"], 60, "the second of that name held")
    assert str(station.recordings) in held[0]["reason"], held
    assert_stored(cloud, first)
    assert_stored(cloud, other)
    assert engine.stop() == 0


def test_the_same_content_twice_is_held(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, SESSION, seed="same")
    assert station.once().code == 0
    copy = station.recordings / "20261120_150000"
    copy.mkdir()
    for name, path in files_of(folder).items():
        (copy / name).write_bytes(path.read_bytes())
    got = station.once()
    row = station.session("20261120_150000")
    assert got.code == 1 and row["state"] == "held" and SESSION in row["reason"], (got, row)


if __name__ == "__main__":
    main()
