#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""README.md is true: each command of "The first minute" does, as it is typed, what its comment says. Only folders and the
port are those of this test, and it is not root, whose configuration would go to /etc."""
import os
import pwd
import re
import shutil
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import HEADGATE, HEADGATE_CLOUD, ROOT, Child, assert_stored, clean_env, main, make_session, wait_for, Cloud  # noqa: E402

README = (ROOT / "README.md").read_text()


def block(heading):
    """The lines of the first shell block under a heading, without comments."""
    text = README.split(f"\n## {heading}\n")[1].split("```sh\n")[1].split("```")[0]
    lines = [re.sub(r"\s+# .*", "", line) for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def become_nobody():
    account = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


class Typist:
    def __init__(self, place):
        self.place, self.home, self.programs = place, place.dir / "home", place.dir / "programs"
        self.words = {"/srv/headgate": place.dir / "home/cloud", "/data/recordings": place.dir / "home/recordings",
                      "/root/": f"{place.dir}/home/", "8443": free_port(), "$PWD/build/src": self.programs, "assets/": f"{place.dir}/assets/"}
        (self.home / "recordings").mkdir(parents=True)
        # a clone in root's home is closed to others
        shutil.copytree(ROOT / "assets", place.dir / "assets")
        self.programs.mkdir()
        for program in (HEADGATE, HEADGATE_CLOUD):
            shutil.copy(program, self.programs)
        self.preexec = become_nobody if os.geteuid() == 0 else None
        self.env = clean_env(self.home, PATH=f"{self.programs}:{os.environ['PATH']}", HEADGATE_STATION_ALLOW_VOLATILE="yes")

    def says(self, line):
        for word, here in self.words.items():
            line = line.replace(word, str(here))
        return ["bash", "-c", f"cd {self.home}; {line}"]

    def types(self, line):
        return self.place.run(self.says(line), self.env, preexec=self.preexec, name=line.split()[0])

    def leaves_running(self, line):
        return Child(self.place, "background", self.says("exec " + line.rstrip(" &")), self.env, self.preexec)


def test_the_first_minute(place):
    typist = Typist(place)
    folder = make_session(typist.home / "recordings", "20261120_124033")
    if os.geteuid() == 0:
        account = pwd.getpwnam("nobody")
        for path in [typist.home, *typist.home.rglob("*")]:
            os.chown(path, account.pw_uid, account.pw_gid)
    typed = []
    for line in block("The first minute"):
        typed.append(line.split(" --")[0].split(" 2026")[0])
        if line.endswith("&"):
            cloud = typist.leaves_running(line)
            wait_for(lambda: cloud.out.startswith("ready "), 60, "the cloud")
        elif line == "headgate run":
            engine = typist.leaves_running(line)
            wait_for(lambda: "cloud_accepted" in engine.err, 60, "the session to be accepted")
            assert engine.stop() == 0, engine.result()
        else:
            got = typist.types(line)
            if line.startswith("headgate retry"):
                assert got.code == 2 and "is accepted" in got.err, got  # nothing is to be tried again
            else:
                assert got.code == 0, (line, got)
            if "--dry-run" in line or line.startswith(("headgate sessions", "headgate status")):
                assert re.search("20261120_124033|1 accepted", got.out), (line, got)
    store = Cloud(place, data=typist.home / "cloud", start=False)
    assert_stored(store, folder)
    assert {"headgate-cloud serve", "headgate setup", "headgate run", "headgate status", "headgate sessions", "headgate retry"} <= set(typed)


def test_files_and_commands_that_it_names():
    for path in re.findall(r"`((?:src|ui|tests|assets|\.ci)/[\w./-]*)`", README):
        assert "NAME" in path or "LAYER" in path or (ROOT / path).exists(), path  # those: tests/unit/touch.py
    for table in re.findall(r"^\| `(\w+)/`", README, re.M):
        assert (ROOT / table).is_dir(), table
    for line in block("The two commands"):
        assert os.access(ROOT / line.split()[0], os.X_OK), line


def rows_of(heading):
    """The first cells of the tables under a heading."""
    return re.findall(r"^\| (`[^|]*`|[^|]*?) \|", README.split(f"\n## {heading}\n")[1].split("\n## ")[0], re.M)


def test_its_tables_are_the_programs(place):
    """Commands, exit statuses and keys: nothing that is not there; of commands and statuses nothing left out."""
    helped = place.run([HEADGATE, "--help"], clean_env(place.dir)).out
    commands = set(re.findall(r"^  ([a-z]+) ", helped.split("commands:")[1].split("\n\n")[0], re.M))
    named = {word for row in rows_of("The first minute") for word in re.findall(r"`headgate ([a-z]+)", row)}
    assert named == commands, named ^ commands
    flags = {flag for row in rows_of("The first minute") for flag in re.findall(r"`headgate (?:[a-z]+ )?.*?(--[a-z-]+)", row)}
    for flag in flags:
        assert flag in helped or any(flag in place.run([HEADGATE, name, "--help"], clean_env(place.dir)).out for name in commands), flag
    statuses = set(re.findall(r'^\s*X\([A-Z_]+, "[a-z_]+", (\d+),', (ROOT / "src/base/error.h").read_text(), re.M))
    assert {row for row in rows_of("The first minute") if row.isdigit()} == statuses, statuses
    text = helped.split("Exit status:")[1].split("Where several")[0]
    assert set(re.findall(r"\b\d+\b", text)) == statuses, text
    known = set(" ".join(re.findall(r'X\([A-Z_]+, "[a-z-]+", "([^"]+)"', (ROOT / "ui/term/key.h").read_text())).split()) | {"1", "8"}
    table = README.split("| key | does |")[1].split("\n\n")[0]
    cells = [cell for line in table.splitlines() for cell in line.split("|")[1::2]]  # keys, not what they do
    keys = {word.replace("Ctrl-C", "C-c") for cell in cells for word in re.findall("`([^`]+)`", cell)}
    keys = set().union(*([*key] if key == "hjkl" else [key] for key in keys))
    assert len(keys) > 25 and keys <= known, keys - known


def test_its_configuration_is_understood(place):
    (place.dir / "readme.ini").write_text(README.split("```ini\n")[1].split("```")[0])
    got = place.run([HEADGATE, "config", "--config", place.dir / "readme.ini", "--json"], clean_env(place.dir))
    assert got.code == 0 and sum(row["source"] == "file" for row in got.json_lines()) == 10, got
    shown = (ROOT / "assets/config/headgate.ini").read_text()
    assert [line for line in shown.splitlines() if line and line[0] != "#"] == (place.dir / "readme.ini").read_text().split("\n")[:-1]


if __name__ == "__main__":
    main()
