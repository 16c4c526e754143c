# SPDX-License-Identifier: MIT
"""Object PUT of headgate-cloud beside nginx's dav PUT, `openssl dgst -sha256` of what it stored, and fsync: what nginx must
be given so that it promises as much. The client is curl on both sides, 1, 2 and 4 at once."""
import os
import shlex
import shutil
import socket

from figures import need_room
from headgate_test import Child, clean_env, digest_of, wait_for
from measure import MB, alternate, make_bytes, make_distinct, median, presign, ratios, row, skipped, spread, together

CLIENTS = (1, 2, 4)
ROUNDS_MORE = 3  # times --rounds: what waits for a disk varies most
OURS, PEER = "headgate-cloud", "nginx + openssl dgst + fsync"
NGINX_CONF = """
daemon off;
{user}
worker_processes 2;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/t1; fastcgi_temp_path {dir}/t2; uwsgi_temp_path {dir}/t3; scgi_temp_path {dir}/t4;
  client_max_body_size 0;
  server {{
    listen 127.0.0.1:{port};
    {more}
    location / {{ root {dir}/store; dav_methods PUT; create_full_put_path on; }}
  }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_nginx(place, more=""):
    """(folder of its files, base URL, process ids); more: of its configuration's server"""
    folder, port = place.dir / "nginx", free_port()
    (folder / "store").mkdir(parents=True)
    (folder / "nginx.conf").write_text(NGINX_CONF.format(dir=folder, port=port, more=more, user="user root;" if os.geteuid() == 0 else ""))
    child = Child(place, "nginx", ["nginx", "-p", folder, "-c", folder / "nginx.conf"], clean_env(place.dir))

    def answers():
        assert child.running, f"nginx ended: {child.result()}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_for(answers, 20, "nginx")
    workers = [int(pid) for pid in open(f"/proc/{child.pid}/task/{child.pid}/children", encoding="ascii").read().split()]
    return folder / "store", f"http://127.0.0.1:{port}", [child.pid, *workers]


def run_nginx(files, clients, store, url, pids):
    """So many clients, each with one file."""
    commands = []
    for number, path in enumerate(files[:clients]):
        stored = store / f"object-{number}"
        put = ["curl", "-sS", "--fail", "-o", "/dev/null", "-T", str(path), f"{url}/{stored.name}"]
        after = ["openssl", "dgst", "-sha256", str(stored)]
        commands.append(["sh", "-c", f"{shlex.join(put)} && {shlex.join(after)} && {shlex.join(['sync', str(stored)])}"])
    cost = together(commands, pids)
    for path in store.iterdir():
        path.unlink()
    return cost


class Sessions:
    """Names of sessions, a new one a measurement: objects are written once."""

    def __init__(self):
        self.number = 0

    def next(self):
        self.number += 1
        return f"20261120_{self.number // 3600 % 24:02}{self.number // 60 % 60:02}{self.number % 60:02}"


def run_cloud(cloud, token, files, digests, clients, sessions):
    session = sessions.next()
    named = {path.name: (path, digests[path]) for path in files[:clients]}
    commands = []
    for path, url, headers in presign(cloud, token, session, named):
        words = [word for header in headers for word in ("-H", header)]
        commands.append(["curl", "-sS", "--fail", "-o", "/dev/null", "-T", str(path), *words, url])
    cost = together(commands, [cloud.child.pid])
    for name in named:
        cloud.object_path(cloud_bucket(cloud, session, name), f"{session}/eeg-lab-2/{name}").unlink()
    return cost


def cloud_bucket(cloud, session, name):
    for bucket in cloud.buckets():
        if cloud.object_path(bucket, f"{session}/eeg-lab-2/{name}").exists():
            return bucket
    raise RuntimeError(f"{session}/{name} was not stored")


def rows_of(context, results, clients, size):
    figure = f"object PUT of {size / MB:.0f} MB, {clients} client{'s' if clients > 1 else ''}"
    speed = ratios(results, PEER, OURS, lambda cost: cost.wall_s)
    cpu = ratios(results, OURS, PEER, lambda cost: cost.cpu_s)
    speeds = " / ".join(f"{clients * size / MB / median([cost.wall_s for cost in results[name]]):.0f}" for name in (OURS, PEER))
    cpus = " / ".join(f"{median([cost.cpu_s for cost in results[name]]) / (clients * size / 1e9):.2f}" for name in (OURS, PEER))
    return [
        row(context.name, f"{figure}: MB/s, headgate-cloud / nginx", spread(speed), "> 1", median(speed) > 1, speeds + " MB/s", ratios=speed),
        row(context.name, f"{figure}: CPU of both ends / nginx", spread(cpu), absolute=cpus + " s/GB", ratios=cpu),
    ]


def measure(context):
    place, size = context.place, context.scaled(300 * MB)
    need_room(place, 9 * size)
    if not shutil.which("nginx"):
        return [skipped(context.name, "object PUT: headgate-cloud / nginx", "nginx is not installed")]
    files = [place.dir / f"body-{number}" for number in range(max(CLIENTS))]
    make_bytes(files[0], size)
    for number, path in enumerate(files[1:], 1):
        make_distinct(path, files[0], number)
    digests = {path: digest_of(path) for path in files}
    cloud, sessions = place.cloud(), Sessions()
    token, nginx = cloud.token(cloud.key("eeg-lab-2")), start_nginx(place)
    rows = []
    for clients in CLIENTS:
        context.say(f"  {clients} at once:")
        results = alternate(context.rounds * ROUNDS_MORE, [
            (OURS, lambda: run_cloud(cloud, token, files, digests, clients, sessions)),
            (PEER, lambda: run_nginx(files, clients, *nginx)),
        ], context.say)
        rows += rows_of(context, results, clients, size)
    return rows
