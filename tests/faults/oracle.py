# SPDX-License-Identifier: MIT
"""An oracle that compares content, not names. Two machines share a station's name and key and live through random days: recordings
are made, changed (also with size and time kept), corrected, made again under their name, renamed, moved to another watched folder
and back; journals are lost and put back, engines killed, the cloud restored from a copy. After every run of a station: what it shows
as accepted is in the cloud under that very content id, each byte of it; and exit status 0 means that all that is there is accepted.

SEED=n and ROUNDS=n choose other days; the seed is told."""
# limit: 900 s
import base64
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import files_of, main, make_session  # noqa: E402

NAMES = [f"202611{day:02}_120000" for day in range(10, 14)]
GOODS = [f"fatigue_level: {i}\nhardware_model: HX-200\n" for i in range(1, 9)]
BAD = "fatigue_level: 99\nhardware_model: HX-200\n"
SCHEMA = "[metadata]\nfile = metadata.txt\n[metadata.keys]\nfatigue_level = number 0..10 required\nhardware_model = text required\n"


def content_id(folder):
    """api.md "Content id", of what is on disk now."""
    lines = b""
    for name, path in sorted(files_of(folder).items(), key=lambda item: item[0].encode()):
        data = path.read_bytes()
        lines += name.encode() + b"\0" + str(len(data)).encode() + b"\0" + hashlib.sha256(data).hexdigest().encode() + b"\n"
    return hashlib.sha256(lines).hexdigest()


class Day:
    """The world of one seed."""

    def __init__(self, place, seed):
        self.place, self.random = place, random.Random(seed)
        self.cloud = place.cloud(schema=SCHEMA)
        first = place.station(self.cloud)
        self.stations = [first, place.station(self.cloud, key=first.key)]
        for station in self.stations:
            station.second = station.dir / "second"
            station.second.mkdir()
            station.aside = station.dir / "aside"
            station.aside.mkdir()
            station.sections["station"]["watch"] = [station.recordings, station.second]
            station.write()
        self.story, self.backup = [], None

    def folder(self, station, name):
        """Where the session is, or where it would be made."""
        for root in (station.recordings, station.second):
            if (root / name).exists():
                return root / name
        return self.random.choice([station.recordings, station.second]) / name

    # --- what happens ---

    def make(self, station, folder):
        if not folder.exists():
            make_session(folder.parent, folder.name, {"signals.edf": self.random.choice([1000, 40_000]), "events.csv": 300},
                         self.random.choice([*GOODS, BAD]), seed=self.random.random())

    def change(self, station, folder):
        if folder.exists():
            path = folder / self.random.choice(["signals.edf", "events.csv"])
            path.write_bytes(self.random.randbytes(path.stat().st_size))

    def keep(self, station, folder):
        """Other bytes; size and time are put back."""
        if folder.exists():
            path = folder / "signals.edf"
            before = path.stat()
            path.write_bytes(self.random.randbytes(before.st_size))
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def again(self, station, folder):
        if folder.exists():
            shutil.rmtree(folder)
            self.make(station, folder)

    def rename(self, station, folder):
        to = folder.parent / self.random.choice(NAMES)
        if folder.exists() and not self.folder(station, to.name).exists():
            folder.rename(to)

    def mend(self, station, folder):
        if folder.exists():
            (folder / "metadata.txt").write_text(self.random.choice(GOODS))

    def touch(self, station, folder):
        if folder.exists():
            os.utime(folder / "events.csv")

    def copy(self, station, folder):
        """The same recording comes to the other machine."""
        other = self.stations[self.stations[0] is station]
        if folder.exists() and not self.folder(other, folder.name).exists():
            shutil.copytree(folder, other.recordings / folder.name)

    def move(self, station, folder):
        other = station.second if folder.parent == station.recordings else station.recordings
        if folder.exists():
            folder.rename(other / folder.name)

    def away(self, station, folder):
        if folder.exists() and not (station.aside / folder.name).exists():
            folder.rename(station.aside / folder.name)

    def back(self, station, folder):
        if (station.aside / folder.name).exists() and not folder.exists():
            (station.aside / folder.name).rename(folder)

    def lose(self, station, folder):
        if self.random.random() < 0.5:
            shutil.rmtree(station.state, ignore_errors=True)

    def restore_journal(self, station, folder):
        copy = station.dir / "journal"
        if copy.exists():
            shutil.rmtree(station.state, ignore_errors=True)
            shutil.copytree(copy, station.state)
        elif station.state.exists():
            shutil.copytree(station.state, copy)

    def restore_cloud(self, station, folder):
        if not self.backup:
            self.cloud.stop()
            self.backup = shutil.copytree(self.cloud.data, self.place.dir / "backup")
        elif self.random.random() < 0.5:
            self.cloud.stop()
            shutil.rmtree(self.cloud.data)
            shutil.copytree(self.backup, self.cloud.data)
        else:
            return
        self.cloud.start()
        for each in self.stations:
            each.sections["cloud"]["endpoint"] = self.cloud.url
            each.write()

    def kill(self, station, folder):
        engine = station.start()
        time.sleep(self.random.random() * 1.5)  # the point of the kill is what is random here
        engine.signal(signal.SIGKILL)
        engine.wait(30)

    def release(self, station, folder):
        rows = [row for row in station.rows() if row["state"] == "held"]
        if rows:
            station.command("release", self.random.choice(rows)["session"])

    EVENTS = [e for e in [make, make, make, change, change, keep, again, rename, mend, touch, copy, move, away, back, lose, restore_journal,
              restore_cloud, kill, release] if e.__name__ not in os.environ.get("WITHOUT", "").split()]

    # --- what must hold ---

    def verdicts(self, station, name):
        newest = self.cloud.session(name, station.key)
        rows = [newest, *newest["revisions"]] if newest else []
        return {row["content"] for row in rows if row["state"] == "accepted"}

    def stored(self):
        got = self.cloud.command("objects", "--data", self.cloud.data, "--json").json_lines()
        digests = {o["sha256"] for o in got if o["stored_at"]}
        for o in got:  # and the store has what the catalog says
            if o["stored_at"]:
                assert self.cloud.object_path(o["bucket"], o["key"]).stat().st_size == o["size"], o
        return digests

    def judge(self, station, code):
        stored = self.stored()
        rows = {(row["root"], row["session"]): row for row in station.rows()}
        for root in (station.recordings, station.second):
            for folder in sorted(path for path in root.iterdir() if path.is_dir()):
                row = rows.get((str(root), folder.name))
                state = row["state"] if row else "unknown"
                ignored = bool(row) and row["ignored"]
                whole = content_id(folder) in self.verdicts(station, folder.name) and all(
                    base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode() in stored for path in files_of(folder).values())
                assert state != "accepted" or whole, f"{folder} is shown as accepted and is not in the cloud: {self.told()}"
                assert code != 0 or (state == "accepted" and whole) or ignored, f"0, and {folder} is {state}: {self.told()}"

    def told(self):
        return json.dumps(self.story[-8:])

    def live(self, rounds):
        for number in range(rounds):
            station = self.random.choice(self.stations)
            event = self.random.choice(self.EVENTS)
            folder = self.folder(station, self.random.choice(NAMES))
            event(self, station, folder)
            got = station.once(wait="20s")
            self.story.append(f"{number}: {'AB'[station is self.stations[1]]} {event.__name__} {folder.parent.name}/{folder.name} -> {got.code}")
            assert got.code in (0, 1, 4), f"status {got.code}: {self.told()}\n{got.err}"
            self.judge(station, got.code)


def live(place, seed, rounds):
    soak = 10 if os.environ.get("HEADGATE_SOAK") else 1
    seed = int(os.environ.get("SEED", seed))
    print(f"# seed {seed}", flush=True)
    Day(place, seed).live(int(os.environ.get("ROUNDS", rounds * soak)))


def test_random_days(place):
    live(place, 1, 60)


def test_other_days(place):
    live(place, random.SystemRandom().randrange(1 << 30), 40)


if __name__ == "__main__":
    main()
