#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command lines of both programs: help, mistakes, configuration and its sources, setup, check, exit codes."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test
from headgate_test import GOOD_METADATA, HEADGATE, HEADGATE_CLOUD, assert_stored, clean_env, make_session, wait_for
from programs import on_terminal, run

GOOD, HELD, LEAP = "20261120_134502", "20261120_140000", "20210229_161221"
RULES = {"fatigue_level": "number 0..10 required"}


def commands_of(place, program, *words):
    """The names that --help lists."""
    got = run(place, *words, "--help", program=program)
    assert got.code == 0 and not got.err, got
    listed = got.out.split("commands:\n")[1].split("\n\n")[0]
    return re.findall(r"^  ([a-z]+) ", listed, re.M)


def test_help_of_every_command(place):
    names = commands_of(place, HEADGATE)
    whole, console = run(place, "--help").out, run(place, "--read-only", "--help").out
    assert re.findall("--[a-z-]+", console.split("flags:\n")[1].split("\n\n")[0])[:-1] == re.findall(
        "--[a-z-]+", whole.split("without a command: ")[1].split("\n\n")[0]), whole
    assert names == ["run", "setup", "status", "sessions", "retry", "pause", "resume", "release", "relocate", "verify", "ignore", "handover", "stations", "check", "config", "demo"], names
    words = [(HEADGATE, [name]) for name in names]
    words += [(HEADGATE_CLOUD, [name]) for name in commands_of(place, HEADGATE_CLOUD) if name != "key"]
    words += [(HEADGATE_CLOUD, ["key", name]) for name in commands_of(place, HEADGATE_CLOUD, "key")]
    assert len(words) == 23, words
    for program, command in words:
        for flag in ("--help", "-h"):
            got = run(place, *command, flag, program=program)
            assert got.code == 0 and not got.err, got
            assert got.out.startswith(f"usage: {program.name} {' '.join(command)}"), got
            assert "Example" in got.out and "--json" in got.out or command == ["serve"], got
            assert max(map(len, got.out.splitlines())) <= 120, got


def test_the_man_pages_say_what_the_help_says(place):
    for program, more in ((HEADGATE, []), (HEADGATE_CLOUD, ["key"])):
        page = program.with_name(program.name + ".1").read_text()
        assert set(re.findall(r"^[.'](\w+)", page, re.M)) <= {"TH", "SH", "SS", "TP", "B", "I", "BR", "nf", "fi"}, "no macro of man(7)"
        plain = page.replace("\\&", "").replace("\\-", "-").replace("\\e", "\\")
        lines = {" ".join(line.split()) for line in [*plain.splitlines(), "flags of every command:"]}
        commands = [[name] for name in commands_of(place, program)] + [[word, name] for word in more for name in commands_of(place, program, word)]
        for words in ([], *commands):
            for line in run(place, *words, "--help", program=program).out.splitlines():
                assert " ".join(line.split()) in lines, (words, line)


def test_unknown_words(place):
    cases = [
        ((), "usage: headgate COMMAND"),
        (("statsu",), 'did you mean "status"'),
        (("nonsense-at-all",), "headgate --help lists them"),
        (("status", "--jsno"), "did you mean --json?"),
        (("status", "--zzzzzzzzzz"), "headgate status --help lists them"),
        (("status", "more"), '"more" is one word too many'),
        (("retry",), "ID... is missing"),
        (("retry", "yesterday"), "YYYYMMDD_HHMMSS"),
        (("pause",), "ID... is missing"),
        (("resume", "today"), "YYYYMMDD_HHMMSS"),
        (("ignore", "--undo"), "ID... is missing"),
        (("handover", "--since", "yesterday"), "neither a duration"),
        (("stations", "all"), '"all" is one word too many'),
        (("check",), "DIR... is missing"),
        (("sessions", "--state", "lost"), "is none of found, settling"),
        (("sessions", "--limit", "0"), "not a number from 1"),
        (("sessions", "--changed", "lately"), "--changed"),
        (("run", "--wait"), "--wait needs a value: --wait TIME"),
        (("run", "--wait", "soon"), "--wait"),
        (("run", "--wait", "5s"), "--wait belongs to --once"),
        (("run", "--once=yes"), "takes no value"),
        (("run", "--connections", "65"), "--connections: \"65\" is not a whole number from 1 to 64"),
        (("config", "--endpoint", "ftp://x"), "--endpoint: [cloud] endpoint"),
        (("demo", "--sessions", "0"), "from 1 to 100000"),
        (("demo", "--size", "12"), "--size 12 is outside the range"),
        (("demo", "--size", "large"), "--size"),
        (("demo", "--watch", "/data"), "there is no flag --watch"),
        (("--plain", "--json"), "--json belongs to a command"),
    ]
    for words, why in cases:
        got = run(place, *words)
        assert got.code == 2 and not got.out and why in got.err, (words, got)
    for words, why in [((), "usage: headgate-cloud COMMAND"), (("serv",), 'did you mean "serve"'), (("key",), "usage: headgate-cloud key"),
                       (("key", "ad"), 'did you mean "add"'), (("key", "revoke", "--data", "x"), "ID is missing"),
                       (("serve", "--listne", "x"), "did you mean --listen?"), (("serve",), "no data folder is named"),
                       (("serve", "--data", "x", "--listen", "everywhere"), "is not HOST:PORT"),
                       (("serve", "--data", "x", "--raw-bucket", "raw_data"), "raw_data"),
                       (("serve", "--data", "x", "--schema", "missing.ini"), "missing.ini"),
                       (("key", "add", "--data", "x"), "--station NAME is missing"),
                       (("key", "add", "--data", "x", "--station", "../x"), "x"),
                       (("key", "add", "--data", "x", "--station", "x", "--scope", "root"), "root"),
                       (("sessions", "--data", "x", "--state", "lost"), "is none of uploading"),
                       (("logs", "--data", "x", "--since", "lately"), "--since"), (("logs", "--data", "x", "--limit", "-1"), "--limit")]:
        got = run(place, *words, program=HEADGATE_CLOUD)
        assert got.code == 2 and not got.out and why in got.err, (words, got)


def test_version_and_full_output(place):
    for program in (HEADGATE, HEADGATE_CLOUD):
        got = run(place, "--version", program=program)
        assert got.code == 0 and re.fullmatch(rf"{program.name} \d+\.\d+\.\d+\n", got.out), got
    with open("/dev/full", "w") as full:
        done = subprocess.run([HEADGATE, "config"], env=clean_env(place.dir), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 74 and "No space left" in done.stderr, done


def test_config_shows_where_values_come_from(place):
    ini = place.dir / "x.ini"
    ini.write_text("[station]\nname = from-file\nsettle = 2s\n[upload]\nbandwidth = 20MB/s 08:00-18:00\nconnections = 2\n"
                   "[metadata.keys]\nfatigue_level = number 0..10 required\n")
    env = {"HEADGATE_STATION_SETTLE": "3s", "HEADGATE_CLOUD_API_KEY": "hg_sesame", "HEADGATE_STATION_WATCH": "/a,/b"}
    got = run(place, "config", "--config", ini, "--connections", "7", "--json", env=env)
    assert got.code == 0 and not got.err and "sesame" not in got.out, got
    rows = {f"{row['section']}.{row['name']}": row for row in got.json_lines()}
    expected = {
        "station.name": ("from-file", "file", f"{ini}:2"),
        "station.settle": ("3s", "environment", "HEADGATE_STATION_SETTLE"),
        "station.watch": ("/a, /b", "environment", "HEADGATE_STATION_WATCH"),
        "station.rescan": ("1m", "default", "default"),
        "upload.bandwidth": ("20MB/s 08:00-18:00", "file", f"{ini}:5"),
        "upload.connections": ("7", "flag", "--connections"),
        "cloud.api_key": ("(set)", "environment", "HEADGATE_CLOUD_API_KEY"),
    }
    for key, (value, source, where) in expected.items():
        assert (rows[key]["value"], rows[key]["source"], rows[key]["where"]) == (value, source, where), rows[key]
    rule = rows["metadata.keys.fatigue_level"]
    assert rule["value"] == RULES["fatigue_level"] and rule["where"] == f"{ini}:8", rule
    text = run(place, "config", "--config", ini, env=env)
    assert text.code == 0 and re.search(rf"station\.name +from-file +{re.escape(str(ini))}:2", text.out), text
    assert "metadata.keys.fatigue_level" in text.out and "sesame" not in text.out, text


def test_sample_configuration(place):
    """What assets/config offers is understood by both programs."""
    got = run(place, "config", "--config", headgate_test.ROOT / "assets/config/headgate.ini", "--json")
    assert got.code == 0 and sum(row["source"] == "file" for row in got.json_lines()) == 10, got
    cloud = place.cloud("--schema", headgate_test.ROOT / "assets/config/schema.ini")
    keys = cloud.call("GET", "/v1/schema", token=cloud.token(cloud.key("lab")))["metadata"]["keys"]
    assert sorted(keys) == ["fatigue_level", "hardware_model"], keys


def test_config_mistakes_name_line_and_mend(place):
    ini = place.dir / "x.ini"
    cases = [
        ("[station]\n\nnmae = x\n", 3, 'did you mean "name"?'),
        ("[statoin]\nname = x\n", 2, "did you mean [station]?"),
        ("name = x\n", 1, "before any [section]"),
        ("[station]\nconnections = 4\n", 2, "belongs under [upload]"),
        ("[station]\nsettle = soon\n", 2, "[station] settle"),
        ("[upload]\nbandwidth = 20MB/s 8-18\n", 2, "[upload] bandwidth"),
        ("[station]\n# fine\nwatch = /" + "x" * 400 + "\n", 3, "has 409 characters, more than the 190 allowed"),
        ("[station]\nname = a b\n", 2, "[station] name"),
        ("[station]\nwhat is this\n", 2, "neither"),
        ("[cloud]\napi_key = hg_sesame\n", 2, "HEADGATE_CLOUD_API_KEY"),
        ("[metadata.keys]\nx = number 9..1\n", 2, "x.ini:2: "),
        ("[metadata.keys]\nx = text\nx = number\n", 3, "x.ini:3: "),
    ]
    for text, line, why in cases:
        ini.write_text(text)
        got = run(place, "config", "--config", ini)
        assert got.code == 2 and not got.out, (text, got)
        assert got.err.startswith(f"headgate: {ini}:{line}: ") and why in got.err and "sesame" not in got.err, (text, got)
    got = run(place, "config", "--config", "missing.ini")
    assert got.code == 2 and "missing.ini" in got.err, got
    ini.write_bytes(b"[station]\nname = \xff\n")
    got = run(place, "config", "--config", ini)
    assert got.code == 2 and f"{ini}:2: " in got.err and "UTF-8" in got.err, got


def test_outside_text_never_reaches_the_terminal_raw(place):
    for words in (("\033]0;x\a",), ("status", "--\033[2J"), ("config", "--config", "\033[31m.ini"), ("check", "\033[31m")):
        got = run(place, *words)
        assert got.code in (2, 3) and "\033" not in got.err + got.out, got
    ini = place.dir / "x.ini"
    ini.write_text("[station]\nwatch = /\u202e\033[31mx\n")
    got = run(place, "config", "--config", ini)
    assert got.code == 0 and "\033" not in got.out and "\u202e" not in got.out, got


def test_what_a_command_needs(place):
    for words, why in [(("run",), "no folder is watched"), (("run", "--watch", "/tmp"), "no cloud is named"),
                       (("run", "--watch", "/tmp", "--endpoint", "http://127.0.0.1:9"), "there is no API key"), (("run", "--dry-run"), "no folder is watched")]:
        got = run(place, *words)
        assert got.code == 2 and why in got.err and "headgate setup" in got.err, (words, got)
    for words in (("status",), ("sessions",), ("sessions", GOOD)):
        got = run(place, *words)
        assert got.code == 3 and "there is no journal" in got.err, got
    got = run(place, "check", "nowhere")
    assert got.code == 3 and "there is no folder nowhere" in got.err, got


def test_key_file_must_be_private(place):
    station = place.station(key="hg_sesame")
    for mode in (0o640, 0o604):
        station.key_file.chmod(mode)
        got = station.once()
        assert got.code == 2 and f"chmod 600 {station.key_file}" in got.err and "sesame" not in got.err, got
    station.key_file.unlink()
    got = station.once()
    assert got.code == 2 and str(station.key_file) in got.err, got


# --- setup ---

def test_setup_from_flags(place):
    cloud = place.cloud()
    key, ini, watch = cloud.key("eeg-lab-2"), place.dir / "etc" / "headgate.ini", place.dir / "rec ordings"
    watch.mkdir()
    flags = ["setup", "--config", ini, "--watch", watch, "--endpoint", cloud.url, "--key-from", "-"]
    got = run(place, *flags, "--json", stdin=key + "\n")
    assert got.code == 0 and key not in got.err + got.out, got
    told = json.loads(got.out)
    assert told["cloud_ok"] and told["station"] == "eeg-lab-2" and told["config"] == str(ini), told
    key_file = ini.parent / "api-key"
    assert told["key_file"] == str(key_file) and key_file.stat().st_mode & 0o777 == 0o600 and key_file.read_text() == key + "\n"
    shown = {f"{row['section']}.{row['name']}": row["value"] for row in run(place, "config", "--config", ini, "--json").json_lines()}
    assert (shown["station.name"], shown["station.watch"], shown["cloud.endpoint"]) == ("eeg-lab-2", str(watch), cloud.url), shown
    again = run(place, *flags, stdin=key + "\n")
    assert again.code == 2 and "--force replaces it" in again.err, again
    assert run(place, *flags, "--force", stdin=key + "\n").code == 0
    env = {"HEADGATE_CLOUD_API_KEY": key}
    assert run(place, *flags[:-2], "--force", env=env).code == 0
    other = run(place, *flags, "--force", "--station", "other", stdin=key + "\n")
    assert other.code == 2 and "the key belongs to eeg-lab-2" in other.err, other


def test_setup_writes_to_the_users_own_place(place):
    cloud = place.cloud()
    key_file = place.dir / "given"
    key_file.write_text(cloud.key("lab") + "\n")
    key_file.chmod(0o600)
    own = "etc/headgate.ini" if os.geteuid() == 0 else ".config/headgate/headgate.ini"  # root's is the system's
    got = run(place, "setup", "--watch", place.dir, "--endpoint", cloud.url, "--api-key-file", key_file)
    assert got.code == 0 and (place.dir / own).exists(), got
    shown = {f"{row['section']}.{row['name']}": row["value"] for row in run(place, "config", "--json").json_lines()}
    assert shown["cloud.endpoint"] == cloud.url and shown["cloud.api_key_file"] == str(key_file), shown


def test_setup_refusals(place):
    cloud = place.cloud()
    ini = place.dir / "x.ini"
    base = ["setup", "--config", ini]
    where = ["--watch", place.dir, "--endpoint", cloud.url]
    cases = [
        (base, None, 2, "--watch is missing, and there is no terminal"),
        (base + ["--watch", place.dir], None, 2, "--endpoint is missing"),
        (base + where, None, 2, "there is no API key"),
        (base + where + ["--key-from", "-"], "\n", 2, "holds no key"),
        (base + where + ["--key-from", "nowhere"], None, 2, "nowhere"),
        (base + where + ["--key-from", "-"], "hg_wrong\n", 77, "nothing was written"),
        (base + ["--watch", place.dir, "--endpoint", "lab.example"], None, 2, "write https://HOST"),
        (base + ["--watch", "/" + "x" * 300, "--endpoint", cloud.url, "--key-from", "-"], cloud.key("a") + "\n", 2, "cannot stand in a configuration"),
    ]
    for words, stdin, code, why in cases:
        got = run(place, *words, stdin=stdin)
        assert got.code == code and why in got.err, (words, got)
        assert not ini.exists() and not (place.dir / "api-key").exists(), words


def test_setup_leaves_other_keys_alone(place):
    cloud = place.cloud()
    old, new = cloud.key("lab"), cloud.key("lab")
    mine, other = place.dir / ".config/headgate", place.dir / "other"
    mine.mkdir(parents=True)
    other.mkdir()
    (mine / "headgate.ini").write_text(f"[station]\nname = lab\nwatch = {place.dir}\n[cloud]\nendpoint = {cloud.url}\napi_key_file = {mine}/key\n")
    (mine / "key").write_text(old + "\n")
    (mine / "key").chmod(0o600)
    got = run(place, "setup", "--config", other / "x.ini", "--key-from", "-", stdin=new + "\n")
    assert got.code == 0 and (mine / "key").read_text() == old + "\n" and (other / "api-key").read_text() == new + "\n", got
    (other / "x.ini").unlink()
    got = run(place, "setup", "--config", other / "x.ini", "--key-from", "-", stdin=old + "\n")
    assert got.code == 2 and f"{other}/api-key is there already" in got.err and (other / "api-key").read_text() == new + "\n", got
    got = run(place, "setup", "--config", other / "x.ini")
    assert got.code == 0 and f"api_key_file = {mine}/key" in (other / "x.ini").read_text(), got


def test_setup_with_the_cloud_down(place):
    ini = place.dir / "x.ini"
    got = run(place, "setup", "--config", ini, "--watch", "nowhere", "--endpoint", "http://127.0.0.1:9", "--key-from", "-", stdin="hg_some\n")
    assert got.code == 69 and "is written, but the cloud was not reached" in got.err and "WARN" in got.err, got
    assert ini.exists() and (place.dir / "api-key").stat().st_mode & 0o777 == 0o600


def test_setup_asks_on_a_terminal(place):
    cloud = place.cloud()
    key, ini = cloud.key("eeg-lab-2"), place.dir / "x.ini"
    talk = [("Folder in which", f"{place.dir}\n"), ("Address of the cloud", f"{cloud.url}\n"), ("API key", key + "\n")]
    code, seen = on_terminal(place, [HEADGATE, "setup", "--config", ini], talk)
    assert code == 0 and "wrote" in seen and key not in seen, (code, seen)
    assert "name = eeg-lab-2" in ini.read_text()
    talk = [("Folder in which", f"{place.dir}\n"), ("Address of the cloud", f"{cloud.url}\n"), ("Replace", "\n")]
    code, seen = on_terminal(place, [HEADGATE, "setup", "--config", ini], talk)
    assert code == 2 and "--force" in seen, (code, seen)
    talk[2:] = [("Replace", "yes\n"), ("API key", "\x03")]
    before = ini.read_text()
    code, seen = on_terminal(place, [HEADGATE, "setup", "--config", ini, "--api-key-file", place.dir / "other-key"], talk)
    assert code == 130 and "nothing was written" in seen and ini.read_text() == before, (code, seen)


# --- check, run, status, sessions, retry ---

def test_check(place):
    station = place.station(metadata__keys=RULES)
    make_session(station.recordings, GOOD)
    make_session(station.recordings, HELD, metadata="fatigue_level: 14\n")
    got = station.command("check", station.recordings / GOOD)
    assert got.code == 0 and "good to go" in got.out, got
    got = station.command("check", station.recordings / HELD)
    assert got.code == 1 and "would be held, its data sent" in got.out and "14 is above 10" in got.out, got
    got = station.command("check", station.recordings, "--json")
    rows = {row["session"]: row for row in got.json_lines()}
    assert got.code == 1 and {name: row["verdict"] for name, row in rows.items()} == {GOOD: "pass", HELD: "hold"}, got
    check = next(check for check in rows[HELD]["checks"] if check["name"] == "metadata_ranges")
    assert check["verdict"] == "hold" and check["mend"] and check["rule"], check
    (station.dir / "empty").mkdir()
    got = station.command("check", station.dir / "empty")
    assert got.code == 1 and "name" in got.out, got
    assert not station.state.exists()


def test_check_knows_the_clouds_rules(place):
    """Those of the last run, also while the cloud is away; a station may keep to its own."""
    cloud = place.cloud(schema="[metadata]\nfile = metadata.txt\n[metadata.keys]\nfatigue_level = number 0..10 required\n")
    station = place.station(cloud)
    make_session(station.recordings, GOOD)
    assert station.once().code == 0
    cloud.stop()
    make_session(station.recordings, HELD, metadata="fatigue_level: 14\n")
    got = station.command("check", station.recordings / HELD)
    assert got.code == 1 and "14 is above 10" in got.out, got
    station.sections["metadata"] = {"cloud_schema": "no"}
    station.write()
    assert station.command("check", station.recordings / HELD).code == 0


def test_gone(place):
    cloud = place.cloud()
    station = place.station(cloud, metadata__keys=RULES)
    folder = make_session(station.recordings, HELD, metadata="fatigue_level: 14\n")
    assert station.once().code == 1
    folder.rename(station.dir / "away")
    station.once()
    assert station.session(HELD)["state"] == "gone"
    got = station.command("status")
    assert got.code == 1 and "bring the folder back" in got.out and "1 gone" in got.out, got


def test_dry_run(place):
    station = place.station()
    make_session(station.recordings, GOOD)
    got = station.command("run", "--dry-run")
    assert got.code == 0 and re.search(rf"{GOOD} .*40\.9 kB", got.out), got
    rows = station.command("run", "--dry-run", "--json").json_lines()
    assert [(row["session"], row["bytes"] > 40000) for row in rows] == [(GOOD, True)], rows
    assert not station.state.exists()


def test_once_status_and_sessions(place):
    cloud = place.cloud()
    station = place.station(cloud, metadata__keys=RULES)
    make_session(station.recordings, GOOD)
    make_session(station.recordings, LEAP, seed=2)
    got = station.once()
    assert got.code == 0, got
    got = station.command("status")
    assert got.code == 0 and "not running" in got.out and "2 accepted" in got.out and not got.err, got
    make_session(station.recordings, HELD, metadata="fatigue_level: 14\n", seed=3)
    got = station.once("--json")
    assert got.code == 1 and [row["session"] for row in got.json_lines()] == [HELD] and got.json_lines()[0]["mend"], got
    got = station.command("status")
    assert got.code == 1 and "fatigue_level 14 is above 10" in got.out and "correct fatigue_level" in got.out and "1 held" in got.out, got
    assert "1 session needs a person" in got.err, got
    told = station.command("status", "--json")
    status = told.json_lines()[0]
    assert told.code == 1 and len(told.json_lines()) == 1, told
    assert status["engine"] == {"running": False} and status["cloud"] is None and status["by_state"]["accepted"] == 2, status
    assert status["attention"] == 1 and [(row["session"], bool(row["mend"])) for row in status["attention_list"]] == [(HELD, True)], status
    assert status["sessions"] == 3 and status["changed_at"] and status["at"] and status["oldest_unsafe_at"], status
    held = station.command("sessions", "--state", "held", "--json").json_lines()
    assert [row["session"] for row in held] == [HELD] and held[0]["data_safe"], held
    assert [row["session"] for row in station.command("sessions", "--state", "attention", "--json").json_lines()] == [HELD]
    assert len(station.command("sessions", "--limit", "2", "--json").json_lines()) == 2
    assert len(station.command("sessions", "--changed", "1h", "--json").json_lines()) == 3
    got = station.command("sessions")
    assert got.code == 0 and re.search(rf"{HELD} +held +2/3 ", got.out) and len(got.out.splitlines()) == 4, got
    full = station.command("sessions", GOOD, "--json").json_lines()[0]
    assert full["state"] == "accepted" and len(full["file_list"]) == 3 and all(file["stored"] for file in full["file_list"]), full
    assert full["checks"]["local"] and full["checks"]["cloud"] and full["attempts"] and full["events"], full
    got = station.command("sessions", LEAP)
    assert got.code == 0 and "29 Feb 2021 is not a date" in got.out and "metadata_ranges" in got.out and "signals.edf" in got.out, got
    got = station.command("sessions", HELD)
    assert got.code == 0 and "correct fatigue_level" in got.out, got
    got = station.command("sessions", "20200101_000000")
    assert got.code == 3 and "has no session 20200101_000000" in got.err, got


def test_engine_running(place):
    cloud = place.cloud()
    station = place.station(cloud, metadata__keys=RULES)
    make_session(station.recordings, HELD, metadata="fatigue_level: 14\n")
    engine = station.start()
    station.wait_state(HELD, "held")
    wait_for(lambda: (station.state / "control.sock").exists(), 60, "the control socket")
    status = wait_for(lambda: next(iter(station.command("status", "--json").json_lines()), None), 60, "the status")
    assert status["engine"]["running"] and status["engine"]["pid"] == engine.pid and status["cloud"]["ok"], status
    assert status["folders"][0]["path"] == str(station.recordings) and status["disk"]["free_bytes"] > 0, status
    got = station.command("status")
    assert got.code == 1 and f"process {engine.pid}" in got.out and cloud.url in got.out and "free of" in got.out, got
    got = station.once()
    assert got.code == 75 and str(engine.pid) in got.err, got
    got = station.command("retry", HELD, "--json")
    assert got.code == 0 and got.json_lines() == [{"session": HELD, "retried": True, "engine_running": True}], got
    (station.recordings / HELD / "metadata.txt").write_text(GOOD_METADATA)
    station.wait_state(HELD, "accepted")
    got = station.command("retry", "20200101_000000")
    assert got.code == 3, got
    assert engine.stop() == 0, engine.result()


def test_retry_without_an_engine(place):
    cloud = place.cloud()
    station = place.station(cloud, metadata__keys=RULES)
    make_session(station.recordings, HELD, metadata="fatigue_level: 14\n")
    assert station.once().code == 1
    got = station.command("retry", HELD)
    assert got.code == 0 and "at the engine's next start" in got.err, got
    assert station.session(HELD)["state"] == "settling"
    assert station.command("retry", "20200101_000000").code == 3


def test_exit_codes_of_a_cloud_that_refuses(place):
    cloud = place.cloud()
    station = place.station(cloud, key="hg_wrong")
    make_session(station.recordings, GOOD)
    got = station.once(wait="20s")
    assert got.code == 77 and "hg_wrong" not in got.err, got
    down = place.station(name="lab-3", key="hg_any", endpoint="http://127.0.0.1:9")
    make_session(down.recordings, GOOD)
    got = down.once(wait="3s")
    assert got.code == 69, got
    engine = down.start()
    got = wait_for(lambda: (lambda got: got if got.code == 69 else None)(down.command("status")), 60, "status 69")
    assert "not reached" in got.out and "the cloud is not reached" in got.err, got
    engine.stop()


def test_progress_line_on_a_terminal(place):
    cloud = place.cloud()
    station = place.station(cloud)
    make_session(station.recordings, GOOD, sizes={"signals.edf": 3_000_000})
    words = [HEADGATE, "run", "--once", "--config", station.ini]
    code, seen = on_terminal(place, words)
    assert code == 0 and "\r\033[K" in seen and "uploading" in seen, (code, seen)
    code, seen = on_terminal(place, words + ["--quiet"])
    assert code == 0 and "\033[K" not in seen, (code, seen)
    code, seen = on_terminal(place, words, env={"TERM": "dumb"})
    assert code == 0, (code, seen)


# --- headgate-cloud ---

def test_cloud_keys_and_store(place):
    cloud = place.cloud()
    station = place.station(cloud)
    make_session(station.recordings, GOOD)
    assert station.once().code == 0
    data = ["--data", cloud.data]
    key = cloud.key("other", "station admin")
    assert re.fullmatch(r"hg_[a-z0-9_]+", key), key
    made = cloud.command("key", "add", *data, "--station", "third", "--json").json_lines()[0]
    assert made["station"] == "third" and made["key"].startswith("hg_") and made["id"] in made["key"], made
    listed = cloud.command("key", "list", *data)
    assert listed.code == 0 and key not in listed.out and made["key"] not in listed.out and "station admin" in listed.out, listed
    cloud.revoke(made["id"])
    assert [row["id"] for row in cloud.keys() if row["revoked_at"]] == [made["id"]]
    assert cloud.command("key", "revoke", "nosuchkey", *data).code == 3
    rows = cloud.command("sessions", *data, "--json").json_lines()
    assert [(row["session"], row["state"]) for row in rows] == [(GOOD, "accepted")], rows
    assert cloud.command("sessions", *data, "--state", "rejected", "--json").json_lines() == []
    assert re.search(rf"{GOOD} +eeg-lab-2 +1 +accepted", cloud.command("sessions", *data).out)
    objects = cloud.command("objects", *data, "--session", GOOD, "--json").json_lines()
    assert len(objects) == 4 and all(row["stored_at"] for row in objects), objects
    assert f"{GOOD}/eeg-lab-2/metadata.txt" in cloud.command("objects", *data).out
    audit = cloud.command("logs", *data, "--group", "/headgate/audit", "--json").json_lines()
    assert [row["event"]["code"] for row in audit][-2:] == ["key_added", "key_revoked"], audit
    assert len(cloud.command("logs", *data, "--limit", "3", "--since", "1h").out.splitlines()) == 3
    got = cloud.command("logs", *data, "--group", "validate")
    assert got.code == 3 and not got.out and "/headgate/validate" in got.err, got
    cloud.stop()
    assert [row["session"] for row in cloud.command("sessions", *data, "--json").json_lines()] == [GOOD]
    for word in ("sessions", "objects", "logs"):
        got = cloud.command(word, "--data", place.dir / "nowhere")
        assert got.code == 3 and "holds no store" in got.err and not (place.dir / "nowhere").exists(), got


def test_standard_descriptors_that_are_closed(place):
    """Any of them, in both programs: nothing else takes their place, and what cannot be written is said where it can."""
    cloud = place.cloud()
    station = place.station(cloud)
    for n, closed in enumerate([{0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}, {0, 1, 2}]):
        def close():
            for fd in closed:
                os.close(fd)
        folder = make_session(station.recordings, f"20261120_13450{n}", seed=n)
        got = place.run([HEADGATE, "run", "--once", "--wait", "60s", "--config", station.ini], station.env(), 90, close)
        assert got.code == 0, (closed, got)
        assert_stored(cloud, folder)
        got = place.run([HEADGATE, "sessions", "--config", station.ini], station.env(), 60, close)
        assert got.code == (74 if 1 in closed else 0), (closed, got)
        assert 2 in closed or 1 not in closed or "standard output" in got.err, (closed, got)
        got = place.run([HEADGATE_CLOUD, "key", "list", "--data", cloud.data], clean_env(place.dir), 60, close)
        assert got.code == (74 if 1 in closed else 0), (closed, got)
    assert cloud.stop() == 0


if __name__ == "__main__":
    headgate_test.main()
