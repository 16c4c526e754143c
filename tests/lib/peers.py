# SPDX-License-Identifier: MIT
"""S3 servers that others wrote, to judge our requests by. Each is built once, from the Go module proxy, into
~/.cache/headgate-peers, and found there by later runs; where that cannot be done, a Skip says why."""
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from headgate_test import Child, Skip, clean_env, wait_for

CACHE = Path.home() / ".cache/headgate-peers"
MINIO = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"
PROXY_LIMIT_S, BUILD_LIMIT_S = 60, 900


def go(words, work, limit_s):
    """One go command, its whole process group ended at the limit; (status or None, its last words)."""
    env = dict(os.environ, GOPATH=str(work / "path"), GOCACHE=str(work / "cache"), GOBIN=str(work / "bin"),
               GOFLAGS="-modcacherw", GOTOOLCHAIN="local", CGO_ENABLED="0")
    process = subprocess.Popen(["nice", "go", *words], cwd=work, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        said, _ = process.communicate(timeout=limit_s)
        return process.returncode, said.strip().splitlines()[-1:]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None, []


def build(module, target):
    """What an earlier, cut-off build compiled stays in the work folder; a finished one leaves the program alone."""
    work = CACHE / f"{target.name}.build"
    work.mkdir(parents=True, exist_ok=True)
    status, said = go(["mod", "download", module], work, PROXY_LIMIT_S)
    if status != 0:
        raise Skip(f"the Go proxy does not give {module}: {' '.join(said) or f'no answer in {PROXY_LIMIT_S} s'}")
    status, said = go(["install", "-ldflags=-s -w", module], work, BUILD_LIMIT_S)
    if status is None:
        raise Skip(f"{module} was not built within {BUILD_LIMIT_S} s; the next run goes on where this one was")
    if status != 0:
        raise Skip(f"{module} does not build here: {' '.join(said)}")
    (work / "bin" / target.name.split("-")[0]).rename(target)
    shutil.rmtree(work, ignore_errors=True)


def program(module):
    """The path of the program of the module, built when it is not there. Raises Skip."""
    path, version = module.split("@")
    target = CACHE / f"{path.rsplit('/', 1)[1]}-{version}"
    if target.exists():
        return target
    if not shutil.which("go"):
        raise Skip(f"there is no go here to build {path} with")
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            build(module, target)
    return target


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Minio:
    """MinIO over a folder of its own, with keys of its own."""

    access_key, secret_key = "headgate-test", "headgate-test-secret"

    def __init__(self, place, binary):
        env = clean_env(place.dir, MINIO_ROOT_USER=self.access_key, MINIO_ROOT_PASSWORD=self.secret_key, MINIO_BROWSER="off",
                        MINIO_CI_CD="1", MINIO_UPDATE="off")
        for attempt in range(3):  # a free port may be somebody else's by the time it is bound
            self.url = f"http://127.0.0.1:{free_port()}"
            self.child = Child(place, "minio", [binary, "server", "--address", self.url[len("http://"):], place.dir / "minio"], env)
            # on a machine under load its start takes a minute
            if wait_for(lambda: self.ready() or not self.child.running, 240, "MinIO to serve") and self.child.running:
                return
        raise AssertionError(f"MinIO ended: {self.child.result()}")

    def ready(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            return opener.open(self.url + "/minio/health/ready", timeout=5).status == 200
        except (urllib.error.URLError, OSError):
            return False
