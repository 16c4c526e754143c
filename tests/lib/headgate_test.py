# SPDX-License-Identifier: MIT
"""The end-to-end harness: the two real programs in folders of their own, TAP on standard output.

A test program defines functions test_*, each of which may take a Place (a temporary folder and what runs in it), and
ends with `headgate_test.main()`. Whatever a Place started is ended with it; a sanitizer's report on a child's standard
error fails the test. The binaries are those of HEADGATE_BUILD (default: build/). Standard library only.
"""
import atexit
import base64
import copy
import ctypes
import grp
import hashlib
import inspect
import json
import os
import pwd
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("HEADGATE_BUILD") or ROOT / "build")
HEADGATE = BUILD / "src/headgate"
HEADGATE_CLOUD = BUILD / "src/headgate-cloud"
SOAK = bool(os.environ.get("HEADGATE_SOAK"))
TEST_LIMIT_S = 600 * (20 if SOAK else 1)
SANITIZER = re.compile(r"(ERROR|WARNING): (Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|: runtime error: ")
GOOD_METADATA = "fatigue_level: 4\nhardware_model: HX-200\n"


class Skip(Exception):
    """This test cannot run here, and says why."""


class TookTooLong(Exception):
    pass


def wait_for(condition, timeout_s, what, every_s=0.05):
    """The first true value of condition(); fails, naming what was awaited, when there is none in time."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout_s} s in vain for {what}; last seen: {value!r}")
        time.sleep(every_s)


def preloaded(shim, **settings):
    """The environment of a program that one of our shims is loaded into."""
    options = (os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0").lstrip(":")
    return {"LD_PRELOAD": BUILD / f"tests/{shim}.so", "ASAN_OPTIONS": options, **settings}


def clean_env(home, **more):
    """The environment of a child: none of the developer's own HEADGATE_*, AWS_*, XDG, locale or system settings, and no proxy. In an
    empty environment Python sets LC_CTYPE for its children: that is not ours either."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("HEADGATE_", "AWS_", "XDG_", "NOTIFY_SOCKET", "LC_", "LANG")) and not k.lower().endswith("_proxy")}
    kept.pop("STATE_DIRECTORY", None)
    kept.update(HOME=str(home), XDG_CONFIG_HOME=str(home / ".config"), XDG_STATE_HOME=str(home / ".local/state"),
                CONFIGURATION_DIRECTORY=str(home / "etc"), LC_ALL="C.UTF-8")
    kept.update({k: str(v) for k, v in more.items()})
    return kept


def dies_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def on_volatile_disk(path):
    shown = subprocess.run(["stat", "-f", "-c", "%T", str(path)], capture_output=True, text=True).stdout.strip()
    return shown in ("tmpfs", "ramfs")


def end_process(pid, timeout_s=30):
    """SIGTERM, in the end SIGKILL, to a process that is not our child."""
    try:
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGCONT)  # a test may have stopped it
        try:
            wait_for(lambda: process_ended(pid), timeout_s, f"the end of process {pid}")
        except AssertionError:
            os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def process_ended(pid):
    """Every thread of it: until then it holds its locks, whatever its first one says."""
    def ended(task):
        try:
            return Path(task, "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        except OSError:  # this one has; others may not have
            return True

    try:
        return all([ended(task) for task in Path(f"/proc/{pid}/task").iterdir()])
    except OSError:
        return True


class Result:
    """A command that ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def json_lines(self):
        return [json.loads(line) for line in self.out.splitlines() if line.strip()]

    def __repr__(self):
        return f"status {self.code}\n--- standard output\n{self.out}--- standard error\n{self.err}"


class Child:
    """A process in the background. Its standard error goes to a file, its output to another (or a pipe)."""

    def __init__(self, place, name, command, env, preexec=None, cwd=None):
        self.place, self.name = place, name
        n = len(place.children)
        self.out_path, self.err_path = place.dir / f"{n:02}-{name}.out", place.dir / f"{n:02}-{name}.err"

        def prepare():
            dies_with_parent()
            if preexec:
                preexec()

        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            env=env, preexec_fn=prepare, cwd=cwd or place.dir)
        self.pid = self.process.pid
        place.children.append(self)

    @property
    def running(self):
        return self.process.poll() is None

    @property
    def out(self):
        return self.out_path.read_text(errors="replace")

    @property
    def err(self):
        return self.err_path.read_text(errors="replace")

    def signal(self, number):
        if self.running:
            self.process.send_signal(number)

    def wait(self, timeout_s):
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {timeout_s} s\n{self.err}") from None

    def stop(self, timeout_s=30):
        """SIGTERM; the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()

    def result(self):
        return Result(self.process.returncode, self.out, self.err)


class Place:
    """A temporary folder and all that runs in it."""

    def __init__(self):
        base = Path(os.environ.get("HEADGATE_TEST_DIR") or tempfile.gettempdir())
        if on_volatile_disk(base) and not on_volatile_disk("/var/tmp"):
            base = Path("/var/tmp")  # the journal wants a disk
        self.dir = Path(tempfile.mkdtemp(prefix="headgate-test-", dir=base))
        self.dir.chmod(0o755)  # tests of rights run as another user
        self.volatile = on_volatile_disk(self.dir)
        self.children, self.servers, self.allowed_reports = [], [], False
        self.outlived = []  # what close() had to end: "PID: COMMAND"

    def cloud(self, *flags, **settings):
        return Cloud(self, *flags, **settings)

    def station(self, cloud=None, **settings):
        return Station(self, cloud, **settings)

    def run(self, command, env=None, timeout_s=60, preexec=None, name=None, stdin=None):
        """One command to its end."""
        child = Child(self, name or Path(str(command[0])).name, command, env or clean_env(self.dir), preexec)
        child.wait(timeout_s)
        return child.result()

    def close(self):
        for server in self.servers:
            server.close()
        for child in self.children:
            child.signal(signal.SIGTERM)
        end = time.monotonic() + 20
        for child in self.children:
            try:
                child.process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
        self.end_others()

    def others(self):
        """{pid: command line} of what children started here and left behind: its environment or command line names our folder."""
        found, ours = {}, str(self.dir).encode()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes()
                if int(entry.name) != os.getpid() and command and (ours in command or ours in (entry / "environ").read_bytes()):
                    found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue
        return found

    def end_others(self):
        """An engine that a console started outlives it for a while: ended. Whatever else was left is a failure."""
        for pid, command in self.others().items():
            if " run --linger" in command:
                end_process(pid)
        try:
            wait_for(lambda: not self.others(), 10, "the end of what was left")
        except AssertionError:
            for pid, command in self.others().items():
                self.outlived.append(f"{pid}: {command}")
                end_process(pid)

    def reports(self):
        """What sanitizers said in children's standard error."""
        return [f"{child.name} ({child.pid}):\n{child.err}" for child in self.children if SANITIZER.search(child.err)]

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class Cloud:
    """headgate-cloud serve on a free port over a folder of its own."""

    def __init__(self, place, *flags, schema=None, data=None, env=None, start=True):
        self.place, self.flags, self.env = place, [str(flag) for flag in flags], env or {}
        self.data = Path(data) if data else place.dir / f"cloud-{len(place.children)}"
        self.child = self.url = None
        self.listen = "127.0.0.1:0"
        if schema is not None:
            self.schema_path = place.dir / f"schema-{len(place.children)}.ini"
            self.schema_path.write_text(schema)
            self.flags += ["--schema", str(self.schema_path)]
        if start:
            self.start()

    def start(self):
        """Starts (again, on the port it had) and waits until it can serve."""
        self.child = Child(self.place, "headgate-cloud", [HEADGATE_CLOUD, "serve", "--data", self.data, "--listen", self.listen, *self.flags],
                           clean_env(self.place.dir, **self.env))

        def ready():
            assert self.child.running, f"headgate-cloud ended: {self.child.result()}"
            return re.match(r"ready (https?://\S+)\n", self.child.out)

        self.url = wait_for(ready, 60, "headgate-cloud's line `ready`").group(1).rstrip("/")
        self.listen = re.sub(r"^https?://", "", self.url)
        return self

    def stop(self):
        return self.child.stop(60)

    def kill(self):
        self.child.kill()

    def command(self, *words, timeout_s=30):
        return self.place.run([HEADGATE_CLOUD, *words], clean_env(self.place.dir, **self.env), timeout_s)

    def key(self, station="eeg-lab-2", scope=None):
        """A new API key, as `key add` prints it once."""
        words = ["key", "add", "--data", self.data, "--station", station] + (["--scope", scope] if scope else [])
        got = self.command(*words)
        assert got.code == 0 and len(got.out.split()) == 1, got
        return got.out.strip()

    def keys(self):
        got = self.command("key", "list", "--data", self.data, "--json")
        assert got.code == 0, got
        return got.json_lines()

    def revoke(self, key_id):
        got = self.command("key", "revoke", key_id, "--data", self.data)
        assert got.code == 0, got

    def request(self, method, path, body=None, token=None, headers=None, timeout_s=30):
        """(status, headers, bytes) of one request; any status is an answer."""
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        url = path if path.startswith("http") else self.url + path
        request = urllib.request.Request(url, data=body, headers=sent, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=timeout_s) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers, answer.read()

    def call(self, method, path, body=None, token=None):
        """The JSON of an answer that must be a success."""
        status, _, text = self.request(method, path, body, token)
        assert status == 200, f"{method} {path}: {status} {text!r}"
        return json.loads(text)

    def token(self, key):
        return self.call("POST", "/v1/authenticate", {"api_key": key})["token"]

    def session(self, session, key):
        """What the cloud knows of a session, or None."""
        status, _, text = self.request("GET", f"/v1/sessions/{session}", token=self.token(key))
        assert status in (200, 404), (status, text)
        return json.loads(text) if status == 200 else None

    def object_path(self, bucket, key):
        digest = hashlib.sha256(key.encode()).hexdigest()
        return self.data / "objects" / bucket / digest[:2] / digest

    def buckets(self):
        return sorted(path.name for path in (self.data / "objects").iterdir() if path.is_dir())

    def object(self, key):
        """The bytes stored under the key in whatever bucket, or None."""
        for bucket in self.buckets():
            path = self.object_path(bucket, key)
            if path.exists():
                return path.read_bytes()
        return None

    def object_count(self):
        return sum(1 for path in (self.data / "objects").glob("*/??/*") if re.fullmatch(r"[0-9a-f]{64}", path.name))

    def manifest(self, session, station="eeg-lab-2", revision=1):
        text = self.object(f"{session}/{station}/_headgate/{revision}/manifest.json")
        return json.loads(text) if text is not None else None


class Station:
    """A station's configuration, folders and commands."""

    def __init__(self, place, cloud=None, *, name="eeg-lab-2", key=None, endpoint=None, settle="300ms", rescan="1s", user=None, groups=(), **sections):
        self.place, self.cloud, self.name, self.user, self.groups = place, cloud, name, user, groups
        self.dir = place.dir / f"station-{name}-{len(place.children)}"
        self.recordings, self.state = self.dir / "recordings", self.dir / "state"
        self.recordings.mkdir(parents=True)
        self.key = key if key is not None else cloud.key(name) if cloud else "hg_none"
        self.key_file, self.ini = self.dir / "api-key", self.dir / "headgate.ini"
        self.sections = {
            "station": {"name": name, "watch": self.recordings, "state": self.state, "settle": settle, "rescan": rescan},
            "cloud": {"endpoint": endpoint or (cloud.url if cloud else "http://127.0.0.1:9"), "api_key_file": self.key_file},
            "upload": {"retry_base": "200ms", "retry_cap": "1s"},
        }
        if place.volatile:
            self.sections["station"]["allow_volatile"] = "yes"
        for section, values in sections.items():
            self.sections.setdefault(section, {}).update(values)
        self.write()

    def write(self):
        """Writes headgate.ini and the key file from `sections` and `key`; a list gives several lines."""
        lines = []
        for section, values in self.sections.items():
            lines.append(f"[{section.replace('__', '.')}]")
            for name, value in values.items():
                for one in value if isinstance(value, list) else [value]:
                    lines.append(f"{name} = {one}")
        self.ini.write_text("\n".join(lines) + "\n")
        self.key_file.write_text(self.key + "\n")
        self.key_file.chmod(0o600)
        if self.user:
            account = pwd.getpwnam(self.user)
            for path in [self.dir, *self.dir.rglob("*")]:
                os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)

    @property
    def program(self):
        """headgate, where the station's user may reach it: a clone in root's home is closed to others."""
        if not self.user:
            return HEADGATE
        copy = self.place.dir / "headgate"
        if not copy.exists():
            shutil.copy(HEADGATE, copy)
        return copy

    def seen_by(self, user, *groups):
        """The same station's configuration and folders in the hands of another user of these groups, with a home of its own."""
        other = copy.copy(self)
        other.user, other.groups = user, groups
        other.dir = self.place.dir / "-".join(["home", user, *groups])
        other.dir.mkdir()
        os.chown(other.dir, pwd.getpwnam(user).pw_uid, -1)
        return other

    def become_user(self):
        if not self.user:
            return None
        account = pwd.getpwnam(self.user)

        def become():
            os.setgroups([grp.getgrnam(name).gr_gid for name in self.groups])
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)

        return become

    def env(self, **more):
        return clean_env(self.dir, **more)

    def command(self, *words, timeout_s=60, env=None):
        """One command of headgate to its end, with this station's configuration."""
        return self.place.run([self.program, words[0], "--config", self.ini, *words[1:]], self.env(**(env or {})), timeout_s,
                              self.become_user(), name=f"headgate-{words[0]}")

    def start(self, *words, env=None):
        """headgate run in the background."""
        return Child(self.place, "headgate-run", [self.program, "run", "--config", self.ini, *words], self.env(**(env or {})), self.become_user())

    def once(self, *words, wait="60s", timeout_s=90):
        return self.command("run", "--once", *(["--wait", wait] if wait else []), *words, timeout_s=timeout_s)

    def rows(self):
        """Every session of the journal, as `headgate sessions --json` tells it; [] while there is no journal."""
        got = self.command("sessions", "--json")
        assert got.code in (0, 3), got
        return got.json_lines() if got.code == 0 else []

    def sessions(self):
        return {row["session"]: row for row in self.rows()}

    def session(self, session):
        return self.sessions().get(session)

    def wait_state(self, session, *states, timeout_s=60):
        """The session once it is in one of the states."""
        seen = {}

        def reached():
            row = self.session(session)
            seen["row"] = row
            return row if row and row["state"] in states else None

        try:
            return wait_for(reached, timeout_s, f"{session} in state {' or '.join(states)}", every_s=0.2)
        except AssertionError as late:
            errs = "\n".join(child.err for child in self.place.children if child.name == "headgate-run")
            raise AssertionError(f"{late}: {seen['row']}\n{errs[-4000:]}") from None


def write_seeded(path, size, seed):
    """`size` bytes that a seed gives, in pieces, so that 5 GB need no memory."""
    source = random.Random(seed)
    with open(path, "wb") as out:
        while size:
            piece = min(size, 1 << 20)
            out.write(source.randbytes(piece))
            size -= piece


def make_session(root, name, sizes=None, metadata=GOOD_METADATA, seed=1, metadata_name="metadata.txt"):
    """A session folder: {file name: size} of seeded bytes, then the metadata (text, bytes, or None for no file)."""
    folder = Path(root) / name
    folder.mkdir(parents=True, exist_ok=True)
    for i, (file, size) in enumerate((sizes or {"signals.edf": 40_000, "events.csv": 900}).items()):
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        write_seeded(path, size, f"{seed}-{name}-{i}")
    if metadata is not None:
        (folder / metadata_name).write_bytes(metadata if isinstance(metadata, bytes) else metadata.encode())
    return folder


def files_of(folder):
    """{relative name: path} of the regular files of a session."""
    folder = Path(folder)
    return {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


def digest_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as source:
        while piece := source.read(1 << 20):
            digest.update(piece)
    return base64.b64encode(digest.digest()).decode()


def same_bytes(a, b):
    with open(a, "rb") as left, open(b, "rb") as right:
        while True:
            x, y = left.read(1 << 20), right.read(1 << 20)
            if x != y:
                return False
            if not x:
                return True


def assert_stored(cloud, folder, station="eeg-lab-2", revision=1):
    """Every byte of the session is in the cloud's store as the manifest of the revision says, and nothing else is named."""
    folder = Path(folder)
    local, manifest = files_of(folder), cloud.manifest(folder.name, station, revision)
    assert manifest, f"the store has no manifest of {folder.name} revision {revision}"
    assert (manifest["station"], manifest["session"], manifest["revision"]) == (station, folder.name, revision), manifest
    named = {file["name"]: file for file in manifest["files"]}
    assert set(named) == set(local), f"manifest and folder differ: {set(named) ^ set(local)}"
    assert len(named) == len(manifest["files"]), "a file stands twice in the manifest"
    for name, path in local.items():
        file = named[name]
        stored = cloud.object_path(file["bucket"], file["key"])
        assert stored.exists(), f"{name}: no object {file['key']}"
        assert file["size"] == path.stat().st_size == stored.stat().st_size, f"{name}: sizes differ"
        assert same_bytes(path, stored), f"{name}: the object's bytes differ from the file's"
        assert file["sha256"] == digest_of(path), f"{name}: the manifest's digest is another"
        assert stored.stat().st_mode & 0o222 == 0, f"{name}: the object is writable"
    return manifest


# --- TAP ---

def diagnostic(text):
    for line in text.rstrip("\n").splitlines():
        print("# " + line)


def run_one(function):
    """Runs one test; its problem as text, or None."""
    wants_place = bool(inspect.signature(function).parameters)
    place = Place() if wants_place else None
    problem = None

    def on_alarm(*_):
        raise TookTooLong(f"this test took longer than {TEST_LIMIT_S} s")

    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(TEST_LIMIT_S)
    try:
        function(place) if wants_place else function()
    except Skip:
        raise
    except BaseException:  # an AssertionError, a mistake in the test, an interrupt: all of them are failures
        problem = traceback.format_exc()
    finally:
        signal.alarm(0)
        if place:
            place.close()
    if not place:
        return problem
    reports = place.reports() if not place.allowed_reports else []
    if problem:
        for child in place.children[-12:]:
            problem += f"--- {child.name} ({child.pid}), status {child.process.returncode}\n{child.out[-1500:]}{child.err[-3000:]}\n"
    if place.outlived and not problem:
        problem = "left running:\n" + "\n".join(place.outlived) + "\n"
    if reports:
        problem = (problem or "") + "a sanitizer reported:\n" + "\n".join(reports)
    if problem and os.environ.get("HEADGATE_KEEP"):
        problem += f"kept: {place.dir}\n"
    else:
        place.remove()
    return problem


def main():
    """Runs the test_* functions of the main program (those whose names contain an argument, when there are any)."""
    module = sys.modules["__main__"]
    tests = [(name, value) for name, value in vars(module).items() if name.startswith("test_") and inspect.isfunction(value)]
    if len(sys.argv) > 1:
        tests = [(name, value) for name, value in tests if any(word in name for word in sys.argv[1:])]
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    for number, (name, function) in enumerate(tests, 1):
        began = time.monotonic()
        try:
            problem = run_one(function)
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
            continue
        if problem:
            failed += 1
            print(f"not ok {number} - {name}")
            diagnostic(problem)
        else:
            print(f"ok {number} - {name}")
        print(f"# {time.monotonic() - began:.1f} s", flush=True)
    sys.exit(1 if failed else 0)


def on_signal(number, _):
    sys.exit(128 + number)


signal.signal(signal.SIGTERM, on_signal)  # so that atexit and finally end the children
atexit.register(sys.stdout.flush)
sys.modules.setdefault("headgate_test", sys.modules[__name__])
