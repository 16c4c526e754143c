# SPDX-License-Identifier: MIT
"""Ten sessions of 600 MB to one local headgate-cloud: `headgate run --once` beside the limit, which is `curl -Z -T` of the
same files with presigned URLs, two at a time, and `openssl dgst -sha256` of them."""
import shutil

from figures import need_room
from headgate_test import GOOD_METADATA, HEADGATE, digest_of
from measure import MB, Cost, alternate, cost_of, make_bytes, make_distinct, median, presign, ratios, row, spread

CPU_RATIO_MAX = 1.3
PEAK_MIB_MAX = 32
CONNECTIONS = 2  # as many as curl's
STATION = "eeg-lab-2"


def make_recordings(place, sessions, size):
    """{session: path of its data}, all distinct."""
    recordings = place.dir / "recordings"
    recordings.mkdir()
    model = place.dir / "model"
    make_bytes(model, size)
    data = {}
    for number in range(sessions):
        folder = recordings / f"20261120_13{number // 60:02}{number % 60:02}"
        folder.mkdir()
        data[folder.name] = folder / "signals.edf"
        make_distinct(data[folder.name], model, number + 1)
        (folder / "metadata.txt").write_text(GOOD_METADATA)
    model.unlink()
    return data


class Fresh:
    """A cloud over an empty folder for one measurement, removed afterwards."""

    def __init__(self, place):
        self.place = place

    def __enter__(self):
        self.cloud = self.place.cloud()
        return self.cloud

    def __exit__(self, *_):
        self.cloud.stop()
        shutil.rmtree(self.cloud.data)


def run_headgate(place, recordings):
    with Fresh(place) as cloud:
        station = place.station(cloud, name=STATION, settle="100ms", upload={"connections": CONNECTIONS})
        station.sections["station"]["watch"] = recordings
        station.write()
        cost = cost_of([HEADGATE, "run", "--once", "--config", station.ini], station.env())
        accepted = [s for s in station.sessions().values() if s["state"] == "accepted"]
        expected = sum(1 for _ in recordings.iterdir())
        if len(accepted) != expected:
            raise RuntimeError(f"{len(accepted)} of {expected} sessions were accepted: {station.sessions()}")
        shutil.rmtree(station.dir)
        return cost


def write_curl_config(path, puts):
    blocks = []
    for source, url, headers in puts:
        lines = [f'url = "{url}"', f'upload-file = "{source}"', 'output = "/dev/null"', "silent", "show-error", "fail"]
        blocks.append("\n".join(lines + [f'header = "{header}"' for header in headers]))
    path.write_text("\nnext\n".join(blocks) + "\n")


def run_limit(place, data, digests):
    with Fresh(place) as cloud:
        token = cloud.token(cloud.key(STATION))
        puts = [put for session, path in data.items() for put in presign(cloud, token, session, {path.name: (path, digests[session])})]
        config = place.dir / "curl.conf"
        write_curl_config(config, puts)
        sent = cost_of(["curl", "-Z", "--parallel-max", CONNECTIONS, "-K", config])
        if cloud.object_count() < len(data):
            raise RuntimeError(f"curl stored {cloud.object_count()} of {len(data)} objects")
    hashed = cost_of(["openssl", "dgst", "-sha256", *data.values()])
    return sent + hashed


def rows_of(context, results, total, label):
    gb = total / 1e9
    ours, limit = results["headgate run --once"], results["curl -Z -T + openssl dgst"]
    cpu = ratios(results, "headgate run --once", "curl -Z -T + openssl dgst", lambda cost: cost.cpu_s)
    wall = ratios(results, "headgate run --once", "curl -Z -T + openssl dgst", lambda cost: cost.wall_s)
    peak = max(cost.peak_kib for cost in ours) / 1024

    def both(value, form):
        return f"{form.format(median([value(cost) for cost in ours]))} / {form.format(median([value(cost) for cost in limit]))}"

    return [
        row(context.name, f"{label}: client CPU / limit", spread(cpu), f"<= {CPU_RATIO_MAX}", median(cpu) <= CPU_RATIO_MAX,
            both(lambda cost: cost.cpu_s / gb, "{:.2f}") + " s/GB", ratios=cpu),
        row(context.name, f"{label}: wall time / limit", spread(wall), absolute=both(lambda cost: cost.wall_s, "{:.1f}") + " s", ratios=wall),
        row(context.name, f"{label}: peak memory of headgate run", f"{peak:.1f} MiB", f"< {PEAK_MIB_MAX} MiB", peak < PEAK_MIB_MAX,
            both(lambda cost: cost.peak_kib / 1024, "{:.1f}") + " MiB", peaks_kib=[cost.peak_kib for cost in ours]),
    ]


def measure(context):
    place, size = context.place, context.scaled(600 * MB)
    need_room(place, 22 * size)
    context.say(f"  making 10 sessions of {size / MB:.0f} MB")
    data = make_recordings(place, 10, size)
    digests = {session: digest_of(path) for session, path in data.items()}
    recordings = place.dir / "recordings"
    results = alternate(context.rounds, [
        ("headgate run --once", lambda: run_headgate(place, recordings)),
        ("curl -Z -T + openssl dgst", lambda: run_limit(place, data, digests)),
    ], context.say)
    return rows_of(context, results, 10 * size, f"upload 10 x {size / MB:.0f} MB")
