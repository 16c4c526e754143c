# SPDX-License-Identifier: MIT
"""How the engine begins and ends: signals, a second engine, what `--once` promises to cron, a disk that is full."""
import json
import os
import resource
import signal
import socket
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import GOOD_METADATA, HEADGATE, Child, assert_stored, main, make_session, wait_for  # noqa: E402

SESSION = "20261120_134502"


def begun(station, engine):
    """Waits until the engine answers on its socket."""
    def answers():
        assert engine.running, engine.result()
        shown = station.command("status", "--json")
        return shown.code in (0, 1, 4, 69) and shown.json_lines()[-1]["engine"].get("pid") == engine.pid

    wait_for(answers, 60, "the engine to answer")


def test_sigterm_in_the_middle_of_an_upload_then_the_next_run_goes_on(place):
    cloud = place.cloud()
    station = place.station(cloud, upload={"bandwidth": "3MB/s", "connections": "2"})
    folder = make_session(station.recordings, SESSION, {"a.edf": 400_000, "b.edf": 20_000_000, "c.edf": 300_000})
    for number, expected in ((signal.SIGTERM, 0), (signal.SIGINT, 130)):
        engine = station.start()
        begun(station, engine)  # the journal says "uploading" from before
        wait_for(lambda: (r := station.session(SESSION)) and r["state"] == "uploading", 60, "the upload to begin")
        began = time.monotonic()
        engine.signal(number)
        assert engine.wait(60) == expected, engine.result()
        assert time.monotonic() - began < 5, "it waited for the upload, which takes seconds more"
        row = station.session(SESSION)
        assert row["state"] in ("queued", "uploading"), row
    station.sections["upload"].pop("bandwidth")
    station.write()
    assert station.once().code == 0, station.rows()
    assert_stored(cloud, folder)
    leftovers = [p for p in (cloud.data / "objects").rglob("*") if p.is_file()]
    assert len(leftovers) == cloud.object_count() == 5, "half objects were left behind"


def test_a_single_run_that_is_ended_says_so(place):
    """Whoever asks its status must not take the end for "all is in the cloud"."""
    cloud = place.cloud()
    station = place.station(cloud, upload={"bandwidth": "1MB/s", "connections": "2"})
    folder = make_session(station.recordings, SESSION, {"a.edf": 400_000, "b.edf": 20_000_000})
    for end in (lambda run: run.signal(signal.SIGTERM), lambda run: run.signal(signal.SIGINT)):
        run = station.start("--once")
        begun(station, run)
        wait_for(lambda: (r := station.session(SESSION)) and r["state"] == "uploading", 60, "the upload to begin")
        end(run)
        assert run.wait(60) == 130 and "the next run goes on" in run.err, run.result()
    station.sections["upload"].pop("bandwidth")
    station.write()
    assert station.once().code == 0, station.rows()
    assert_stored(cloud, folder)


def test_sigkill_in_the_middle_then_the_next_run_goes_on(place):
    cloud = place.cloud()
    station = place.station(cloud, upload={"bandwidth": "4MB/s"})
    folder = make_session(station.recordings, SESSION, {"a.edf": 300_000, "b.edf": 12_000_000})
    engine = station.start()
    wait_for(lambda: (r := station.session(SESSION)) and r["state"] == "uploading", 60, "the upload to begin")
    engine.kill()
    station.sections["upload"].pop("bandwidth")
    station.write()
    assert station.once().code == 0, station.rows()
    assert_stored(cloud, folder)


def test_the_cloud_dies_and_returns(place):
    cloud = place.cloud()
    station = place.station(cloud)
    engine = station.start()
    begun(station, engine)
    cloud.kill()
    folder = make_session(station.recordings, SESSION)
    wait_for(lambda: station.command("status").code == 69, 60, "status to say that the cloud is not reached")
    assert engine.running
    cloud.start()
    station.wait_state(SESSION, "accepted")
    assert_stored(cloud, folder)
    wait_for(lambda: station.command("status").code == 0, 60, "status to be well again")
    assert engine.stop() == 0


def test_recording_comes_first(place):
    """The engine gives way to the recorder: CPU and disk at low priority."""
    station = place.station(place.cloud())
    engine = station.start()
    begun(station, engine)
    assert os.getpriority(os.PRIO_PROCESS, engine.pid) >= 5
    assert place.run(["ionice", "-p", engine.pid], station.env()).out == "best-effort: prio 7\n"


def test_a_second_engine_is_refused_with_75(place):
    cloud = place.cloud()
    station = place.station(cloud)
    engine = station.start()
    begun(station, engine)
    for words in (("run",), ("run", "--once")):
        got = station.command(*words, timeout_s=60)
        assert got.code == 75 and str(engine.pid) in got.err, got
    assert engine.running
    engine.kill()  # the lock goes with its holder
    assert station.once().code == 0


def test_two_stations_of_different_names_share_one_cloud(place):
    cloud = place.cloud()
    stations = [place.station(cloud, name=f"lab-{i}") for i in range(2)]
    folders = [make_session(station.recordings, SESSION, seed=station.name) for station in stations]
    engines = [station.start() for station in stations]
    for station, folder in zip(stations, folders):
        station.wait_state(SESSION, "accepted")
        assert_stored(cloud, folder, station=station.name)
    assert [engine.stop() for engine in engines] == [0, 0]
    theirs = cloud.request("GET", f"/v1/sessions/lab-1/{SESSION}", token=cloud.token(stations[0].key))
    assert theirs[0] == 404, theirs


def test_once_with_wait_runs_out_with_4(place):
    cloud = place.cloud()
    station = place.station(cloud, upload={"bandwidth": "200kB/s"})
    folder = make_session(station.recordings, SESSION, {"a.edf": 8_000_000})
    got = station.once(wait="3s", timeout_s=40)
    assert got.code == 4, got
    station.sections["upload"].pop("bandwidth")
    station.write()
    assert station.once().code == 0
    assert_stored(cloud, folder)


def test_once_waits_for_the_settle_time(place):
    """Kept over runs, so that cron's short runs can wait it out together."""
    cloud = place.cloud()
    station = place.station(cloud, settle="2s")
    folder = make_session(station.recordings, SESSION)
    got = station.once()
    assert got.code == 0, (got, station.rows())
    assert_stored(cloud, folder)


def test_a_dry_run_sends_and_writes_nothing(place):
    cloud = place.cloud()
    station = place.station(cloud, endpoint="http://127.0.0.1:9")
    make_session(station.recordings, SESSION)
    make_session(station.recordings, "20210229_161221", metadata="nothing that parses", seed=2)
    young = {row["would"] for row in station.command("run", "--dry-run", "--json").json_lines()}
    assert young == {"wait"}, young  # nothing is settled yet
    for path in station.recordings.rglob("*"):
        os.utime(path, (time.time() - 60, time.time() - 60))
    before = sorted(str(p) for p in station.dir.rglob("*"))
    got = station.command("run", "--dry-run", "--json")
    assert got.code in (0, 1), got
    rows = {row["session"]: row for row in got.json_lines()}
    assert set(rows) == {SESSION, "20210229_161221"}, got
    assert rows[SESSION]["files"] == 3 and rows[SESSION]["bytes"] > 40_000 and rows[SESSION]["would"], rows
    assert rows["20210229_161221"]["would"] != rows[SESSION]["would"] and rows["20210229_161221"]["reason"], rows
    assert sorted(str(p) for p in station.dir.rglob("*")) == before, "a dry run left something behind"
    text = station.command("run", "--dry-run")
    assert SESSION in text.out, text


def test_since_leaves_an_old_backlog_alone(place):
    cloud = place.cloud()
    station = place.station(cloud, station={"since": "2026-11-20"})
    make_session(station.recordings, "20251231_235959", seed=1)
    new = make_session(station.recordings, SESSION, seed=2)
    assert station.once().code == 0
    assert list(station.sessions()) == [SESSION], station.rows()
    assert_stored(cloud, new)


def test_a_done_marker_takes_a_session_at_once(place):
    cloud = place.cloud()
    station = place.station(cloud, settle="1h", station={"done_marker": "DONE"})
    engine = station.start()
    folder = make_session(station.recordings, SESSION)
    (folder / "DONE").write_text("done\n")
    station.wait_state(SESSION, "accepted", timeout_s=60)
    assert cloud.object(f"{SESSION}/eeg-lab-2/signals.edf") == (folder / "signals.edf").read_bytes()
    assert engine.stop() == 0


def test_a_full_disk_for_the_journal_ends_with_74(place):
    """A limit on the size of files stands for the disk: SQLite's write fails as it does there."""
    cloud = place.cloud()
    station = place.station(cloud)
    engine = station.start()
    begun(station, engine)
    assert engine.stop() == 0

    def no_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    for i in range(40):
        make_session(station.recordings, f"20261120_1345{i:02}", {f"f{k}.bin": 100 for k in range(20)}, seed=i)
    env = station.env(GCOV_PREFIX="/dev/null/nowhere")  # counters of a coverage build do not fit either
    child = Child(place, "headgate-run", [HEADGATE, "run", "--config", station.ini], env, no_room)
    code = child.wait(60)
    assert code == 74, child.result()
    assert str(station.state) in child.err or "journal" in child.err, child.err
    got = station.once(wait="120s", timeout_s=130)  # there is room again: nothing was lost
    assert got.code == 0, got
    assert len(station.rows()) == 40 and all(row["state"] == "accepted" for row in station.rows())
    for i in range(40):
        assert_stored(cloud, station.recordings / f"20261120_1345{i:02}")


def test_the_state_folder_is_the_users_own(place):
    cloud = place.cloud()
    station = place.station(cloud)
    engine = station.start()
    begun(station, engine)
    for name in ("state.db", "control.sock"):
        assert (station.state / name).stat().st_mode & 0o077 == 0, name
    secret = station.key.encode()
    for path in station.state.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), f"the API key stands in {path}"
    for pid_file in ("cmdline", "environ"):
        assert secret not in Path(f"/proc/{engine.pid}/{pid_file}").read_bytes(), pid_file
    assert engine.stop() == 0
    assert station.key not in engine.err + engine.out


def test_the_control_socket_bears_mad_clients(place):
    cloud = place.cloud()
    station = place.station(cloud)
    engine = station.start()
    begun(station, engine)
    path = str(station.state / "control.sock")

    def exchange(data):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(path)
            try:
                client.sendall(data)
                return client.recv(65536)
            except OSError:
                return b""

    for data in (b"\n", b"{}\n", b"not json\n", b"[" * 5000 + b"\n", b'{"jsonrpc":"2.0","id":1,"method":"no such"}\n',
                 b'{"jsonrpc":"2.0","id":1,"method":"retry","params":7}\n', b"\xff\xfe\n", b"x" * (3 << 20)):
        exchange(data)
        assert engine.running, engine.result()
    silent = [socket.socket(socket.AF_UNIX) for _ in range(30)]
    for client in silent:
        client.connect(path)
    folder = make_session(station.recordings, SESSION)
    station.wait_state(SESSION, "accepted")
    assert_stored(cloud, folder)
    for client in silent:
        client.close()
    hello = exchange(b'{"jsonrpc":"2.0","id":1,"method":"hello","params":{"protocol":1}}\n')
    assert json.loads(hello.splitlines()[0])["result"]["protocol"] == 1, hello
    assert engine.stop() == 0


def test_shutdown_and_rescan_through_the_socket(place):
    cloud = place.cloud()
    station = place.station(cloud, rescan="1h", settle="200ms")
    engine = station.start()
    begun(station, engine)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(station.state / "control.sock"))
        lines = client.makefile("rwb")
        for number, method in enumerate(("hello", "rescan", "status", "shutdown"), 1):
            lines.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": {"protocol": 1} if number == 1 else {}}).encode() + b"\n")
            lines.flush()
            answer = json.loads(lines.readline())
            assert answer["id"] == number and "result" in answer, answer
    assert engine.wait(60) == 0, engine.result()


def test_old_events_of_safe_sessions_are_pruned(place):
    """All but the one that says why it is safe; a held session keeps its story, and the next run goes on as ever."""
    cloud = place.cloud()
    station = place.station(cloud, station={"keep_events": "1ms"})
    make_session(station.recordings, SESSION)
    other = "20261120_150000"
    held = make_session(station.recordings, other, metadata="fatigue_level 4")
    assert station.once().code == 1

    def codes(session):
        with closing(sqlite3.connect(f"file:{station.state}/state.db?mode=ro", uri=True)) as db:
            return [code for (code,) in db.execute(
                "SELECT code FROM event JOIN session ON session.id = event.session WHERE name = ? ORDER BY event.id", (session,))]

    story = codes(other)
    assert len(codes(SESSION)) > 5 and "held_back" in story, (codes(SESSION), story)
    engine = station.start()
    wait_for(lambda: codes(SESSION) == ["cloud_accepted"], 30, "all but the last event of the accepted session to go")
    assert codes(other) == story
    (held / "metadata.txt").write_text(GOOD_METADATA)
    station.wait_state(other, "accepted")
    assert engine.stop() == 0


def test_a_retry_of_a_failed_session(place):
    """`retry` works with an engine and without one; an unknown name is not found."""
    cloud = place.cloud(schema="[metadata.keys]\nmode = text required\n")
    station = place.station(cloud, metadata={"cloud_schema": "no"})
    make_session(station.recordings, SESSION)
    assert station.once().code == 1
    assert station.session(SESSION)["state"] == "rejected"
    assert station.command("retry", "20200101_000000").code == 3
    got = station.command("retry", SESSION)
    assert got.code == 0 and station.session(SESSION)["state"] in ("settling", "rejected"), (got, station.rows())
    engine = station.start()
    begun(station, engine)
    station.wait_state(SESSION, "rejected")
    got = station.command("retry", SESSION)
    assert got.code == 0, got
    station.wait_state(SESSION, "rejected")
    assert engine.stop() == 0


if __name__ == "__main__":
    main()
