# SPDX-License-Identifier: MIT
"""The command line as people and scripts meet it: help, mistakes, configuration, local checks, set-up, the demo."""
import json
import os
import re
import stat
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import BUILD, HEADGATE, HEADGATE_CLOUD, assert_stored, clean_env, main, make_session  # noqa: E402

SESSION = "20261120_134502"
COMMANDS = ("run", "setup", "status", "sessions", "retry", "pause", "resume", "ignore", "handover", "stations", "check", "config", "demo")
CLOUD_COMMANDS = (("serve",), ("key", "add"), ("key", "list"), ("key", "revoke"), ("sessions",), ("objects",), ("logs",))


def headgate(place, *words, **env):
    return place.run([HEADGATE, *words], clean_env(place.dir, **env), timeout_s=30)


def test_every_command_has_help_with_an_example(place):
    top = headgate(place, "--help")
    assert top.code == 0, top
    for command in COMMANDS:
        assert re.search(rf"^  {command}\b", top.out, re.MULTILINE), f"{command} is not in --help"
        got = headgate(place, command, "--help")
        assert got.code == 0 and got.out.startswith(f"usage: headgate {command}"), got
        assert "xample" in got.out and f"headgate {command}" in got.out.split("xample")[1], got
        assert not got.err and max(map(len, got.out.splitlines())) <= 120, got
    for words in CLOUD_COMMANDS:
        got = place.run([HEADGATE_CLOUD, *words, "--help"], clean_env(place.dir))
        assert got.code == 0 and "xample" in got.out, got
    version = headgate(place, "--version")
    assert version.code == 0 and re.search(r"\d+\.\d+", version.out), version


def test_mistakes_end_with_2_and_name_the_nearest(place):
    mistakes = {
        ("runn",): "run",
        ("run", "--onse"): "--once",
        ("run", "--wait", "soon", "--once"): "soon",
        ("sessions", "--state", "hold"): "held",
        ("check",): "DIR",
        ("retry",): "",
        ("config", "surplus"): "",
        ("run", "--wait", "5s"): "--once",
        ("run", "--settle", "-1s"): "settle",
        ("run", "--connections", "65"): "64",
    }
    for words, hint in mistakes.items():
        got = headgate(place, *words)
        assert got.code == 2 and not got.out and got.err.strip(), (words, got)
        assert hint in got.err, f"{words}: {got.err!r} does not say {hint!r}"
        assert "Sanitizer" not in got.err
    assert headgate(place).code in (0, 2)


def test_mistakes_in_the_configuration_name_file_line_and_mend(place):
    station = place.station(key="hg_x")
    good = station.ini.read_text()
    lines = good.count("\n")
    mistakes = {
        "[station]\nsettel = 10s\n": ("settle", lines + 2),
        "[sttaion]\nname = x\n": ("station", lines + 2),
        "[station]\nsettle = soon\n": ("soon", lines + 2),
        "[upload]\nconnections = 1000\n": ("64", lines + 2),
        "[metadata.keys]\nfatigue_level = numbr 0..10\n": ("numbr", lines + 2),
        "[station]\nname = a b\n": ("a b", lines + 2),
        "[station]\nwatch = " + "x" * 400 + "\n": ("", lines + 2),
        "[station]\nthis is no value\n": ("", lines + 2),
        "[cloud]\nendpoint = ftp://x\n": ("http", lines + 2),
        "[cloud]\napi_key = hg_secret_in_the_file\n": ("api_key_file", lines + 2),
    }
    for text, (hint, line) in mistakes.items():
        station.ini.write_text(good + text)
        got = station.command("run", "--once", timeout_s=60)
        assert got.code == 2, (text[:60], got)
        assert hint in got.err, f"{text[:60]!r}: {got.err!r} does not say {hint!r}"
        assert "hg_secret" not in got.err, got
        assert f"{station.ini}:{line}" in got.err, f"{text[:60]!r}: {got.err!r} does not name line {line}"
    station.ini.write_text(good)
    missing = headgate(place, "run", "--config", "/no/such/file.ini")
    assert missing.code == 2 and "/no/such/file.ini" in missing.err, missing
    wrong = headgate(place, "status", "--config", str(station.ini), HEADGATE_STATION_SETTLE="soon")
    assert wrong.code == 2 and "HEADGATE_STATION_SETTLE" in wrong.err, wrong


def test_a_key_file_open_to_others_is_refused(place):
    cloud = place.cloud()
    station = place.station(cloud)
    make_session(station.recordings, SESSION)
    station.key_file.chmod(0o644)
    got = station.once()
    assert got.code == 2 and "chmod 600" in got.err and str(station.key_file) in got.err and station.key not in got.err, got
    station.key_file.unlink()
    got = station.once()
    assert got.code == 2 and str(station.key_file) in got.err, got
    got = station.command("run", "--once", "--wait", "60s", env={"HEADGATE_CLOUD_API_KEY": station.key})
    assert got.code == 0, got


def test_what_a_run_needs_is_asked_for(place):
    for words, hint in ((("run", "--once"), "watch"), (("run", "--once", "--watch", str(place.dir)), "endpoint"),
                        (("run", "--once", "--watch", str(place.dir), "--endpoint", "http://127.0.0.1:9"), "key")):
        got = headgate(place, *words)
        assert got.code == 2 and hint in got.err, (words, got)
    got = headgate(place, "run", "--dry-run", "--watch", str(place.dir / "missing"))
    assert got.code == 2 and "missing" in got.err, got  # as the run itself would end
    (place.dir / "there").mkdir()
    make_session(place.dir / "there", "20261120_134502")
    got = headgate(place, "run", "--dry-run", "--watch", str(place.dir / "missing"), "--watch", str(place.dir / "there"))
    assert got.code == 2 and "missing" in got.err and "20261120_134502" in got.out, got


def test_config_shows_values_and_where_they_come_from(place):
    station = place.station(key="hg_very_secret", metadata__keys={"fatigue_level": "number 0..10 required"})
    got = station.command("config", "--connections", "9", "--json", env={"HEADGATE_STATION_RESCAN": "7s", "HEADGATE_CLOUD_API_KEY": "hg_from_env"})
    assert got.code == 0 and "hg_" not in got.out + got.err, got
    text = station.command("config", "--connections", "9", env={"HEADGATE_STATION_RESCAN": "7s"})
    assert text.code == 0, text
    line = {name: next(l for l in text.out.splitlines() if name in l) for name in ("connections", "rescan", "settle", "deadline", "fatigue_level")}
    assert "9" in line["connections"] and "--connections" in line["connections"], line
    assert "7" in line["rescan"] and "HEADGATE_STATION_RESCAN" in line["rescan"], line
    assert f"{station.ini}:" in line["settle"] and "default" in line["deadline"], line
    assert "number 0..10 required" in line["fatigue_level"], line


def test_check_judges_folders_without_a_cloud(place):
    station = place.station(endpoint="http://127.0.0.1:9", metadata__keys={"fatigue_level": "number 0..10 required"})
    good = make_session(station.recordings, SESSION)
    bad = make_session(station.recordings, "20261120_150000", metadata="fatigue_level: 14\n", seed=2)
    assert station.command("check", good).code == 0
    got = station.command("check", bad)
    assert got.code == 1 and "fatigue_level" in got.out + got.err and "14" in got.out + got.err, got
    both = station.command("check", "--json", station.recordings)
    rows = both.json_lines()
    assert both.code == 1 and {row["session"] for row in rows} == {SESSION, "20261120_150000"}, both
    assert all(row["checks"] for row in rows)
    assert station.command("check", place.dir / "nothing").code == 3
    assert not station.state.exists() or not list(station.state.glob("*.db")), "check made a journal"


def test_setup_writes_a_private_key_and_a_configuration_that_works(place):
    cloud = place.cloud()
    recordings, key = place.dir / "rec", cloud.key("lab-9")
    recordings.mkdir()
    ini, source = place.dir / "new.ini", place.dir / "key"
    source.write_text(key + "\n")
    source.chmod(0o600)
    words = ["setup", "--config", ini, "--station", "lab-9", "--watch", recordings, "--endpoint", cloud.url, "--key-from", source]
    got = headgate(place, *words)
    assert got.code == 0 and key not in got.out + got.err, got
    text = ini.read_text()
    assert key not in text and "lab-9" in text and str(recordings) in text, text
    key_file = Path(re.search(r"api_key_file\s*=\s*(\S+)", text).group(1))
    assert key_file.read_text().strip() == key and stat.S_IMODE(key_file.stat().st_mode) == 0o600
    again = headgate(place, *words)
    assert again.code == 2 and "--force" in again.err and ini.read_text() == text, again
    folder = make_session(recordings, SESSION)
    got = place.run([HEADGATE, "run", "--once", "--wait", "60s", "--config", ini, "--settle", "200ms"], clean_env(place.dir), 90)
    assert got.code == 0, got
    assert_stored(cloud, folder, station="lab-9")


def test_setup_with_a_wrong_key_says_so(place):
    cloud = place.cloud()
    source = place.dir / "key"
    source.write_text("hg_00000000_wrong\n")
    source.chmod(0o600)
    got = headgate(place, "setup", "--config", place.dir / "new.ini", "--station", "x", "--watch", place.dir, "--endpoint", cloud.url, "--key-from", source)
    assert got.code == 77 and "hg_0000" not in got.err + got.out, got


def test_sessions_lists_filters_and_shows_one(place):
    cloud = place.cloud(schema="[metadata.keys]\nfatigue_level = number 0..10 required\n")
    station = place.station(cloud)
    make_session(station.recordings, SESSION)
    make_session(station.recordings, "20261120_150000", metadata="fatigue_level: 14\n", seed=2)
    assert station.command("sessions").code == 3  # there is no journal yet, and it says so
    assert station.once().code == 1
    assert [r["session"] for r in station.command("sessions", "--state", "held", "--json").json_lines()] == ["20261120_150000"]
    assert [r["session"] for r in station.command("sessions", "--state", "accepted", "--json").json_lines()] == [SESSION]
    text = station.command("sessions").out
    assert SESSION in text and "held" in text and "fatigue_level 14" in text, text
    full = station.command("sessions", SESSION)
    assert full.code == 0 and "signals.edf" in full.out and "metadata.txt" in full.out, full
    assert station.command("sessions", "20200101_000000").code == 3


def test_nothing_of_a_name_reaches_the_terminal_raw(place):
    cloud = place.cloud()
    station = place.station(cloud)
    make_session(station.recordings, SESSION, {"\033]0;owned\007\u202etxt.exe": 10}, metadata="note: \033[31mred\n")
    station.once(wait="5s")
    for words in (("sessions",), ("sessions", SESSION), ("status",), ("check", station.recordings), ("sessions", SESSION, "--json")):
        got = station.command(*words)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u202e]", got.out + got.err), (words, got)


def test_the_demo_shows_what_it_promises(place):
    keep = place.dir / "kept"
    got = place.run([HEADGATE, "demo", "--sessions", "6", "--size", "300kB", "--keep", keep], clean_env(place.dir), 150)
    assert got.code == 0, got
    shown = got.out + got.err
    assert "20210229_161221" in shown and "held" in shown and "rejected" in shown and "accepted" in shown, got
    assert keep.is_dir() and list(keep.rglob("*.edf")) + list(keep.rglob("*.dat")) + list(keep.rglob("*.bin")), sorted(keep.rglob("*"))[:40]
    assert "\033" not in shown, "escape sequences without a terminal"


def test_the_store_is_read_beside_a_running_cloud(place):
    cloud = place.cloud()
    station = place.station(cloud)
    make_session(station.recordings, SESSION)
    assert station.once().code == 0
    for stopped in (False, True):
        sessions = cloud.command("sessions", "--data", cloud.data, "--json").json_lines()
        assert [(s["session"], s["state"]) for s in sessions] == [(SESSION, "accepted")], sessions
        objects = cloud.command("objects", "--data", cloud.data, "--json").json_lines()
        assert len(objects) == 4, objects
        logs = cloud.command("logs", "--data", cloud.data, "--json")
        assert logs.code == 0 and all(json.dumps(line) for line in logs.json_lines()), logs
        assert station.key not in logs.out and "X-Amz-Signature" not in logs.out, "a secret stands in the log"
        if not stopped:
            assert cloud.stop() == 0
    assert cloud.command("sessions", "--data", place.dir / "none").code == 3


if __name__ == "__main__":
    assert os.access(HEADGATE, os.X_OK), f"{BUILD} holds no headgate: build it first"
    main()
