# SPDX-License-Identifier: MIT
"""A verdict is about bytes. Held up here (reliability.md "What must never happen"): 2, no session is shown as safe whose
bytes are not in the store, whole; 1, what is damaged there is moved, never removed, and can be sent again as it was; 7 of
"What safe means", nobody's work waits for another's hostile manifest.
"""
import base64
import hashlib
import json
import os
import sys
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test as ht  # noqa: E402

SESSION = "20261121_101500"
MANIFEST = "_headgate/1/manifest.json"


def digest(content):
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


class Sender:
    """One station's calls, without a station."""

    def __init__(self, cloud, station, instance="one"):
        self.cloud, self.station, self.instance = cloud, station, instance
        self.token = cloud.token(cloud.key(station))

    def presign(self, files, session=SESSION, revision=1):
        body = {"session": session, "revision": revision, "instance": self.instance,
                "files": [{"name": name, "size": len(content), "sha256": digest(content)} for name, content in files.items()]}
        answer = self.cloud.call("POST", "/v1/presign", body, self.token)
        return {entry["name"]: entry for entry in answer["files"]}

    def send(self, files, session=SESSION, revision=1):
        """Where each is now; what the cloud has is not sent."""
        entries = self.presign(files, session, revision)
        for name, entry in entries.items():
            assert "error" not in entry, entry
            if "put" in entry:
                status, _, text = self.cloud.request("PUT", entry["put"]["url"], files[name], headers=entry["put"]["headers"])
                assert status == 200, text
        return entries

    def manifest(self, files, entries, session=SESSION, revision=1):
        listed = [{"name": name, "size": len(content), "mtime": None, "sha256": digest(content), "bucket": entries[name]["bucket"],
                   "key": entries[name]["key"]} for name, content in files.items()]
        return json.dumps({"version": 1, "station": self.station, "session": session, "revision": revision, "software": "test",
                           "metadata": "metadata.txt", "files": listed}).encode()

    def session(self, session=SESSION):
        return self.cloud.call("GET", f"/v1/sessions/{session}", token=self.token)

    def decided(self, session=SESSION, revision=1):
        def look():
            found = self.session(session)
            return found["revision"] == revision and found["state"] != "uploading" and found
        return ht.wait_for(look, 60, f"a decision on {session}")


def check(session, name):
    return next((check for check in session["checks"] if check["name"] == name), None)


def do_harm(path, harm):
    path.chmod(0o600)
    if harm == "deleted":
        path.unlink()
    elif harm == "cut":
        os.truncate(path, path.stat().st_size // 2)
    else:
        with open(path, "r+b") as file:
            file.seek(path.stat().st_size // 3)
            byte = file.read(1)[0]
            file.seek(-1, 1)
            file.write(bytes([byte ^ 1]))


def asides(cloud):
    return sorted((cloud.data / "objects/.aside").iterdir())


def lost_and_healed(cloud, sender, harm, restart):
    """All but the metadata is sent, an object of it is harmed, then the metadata comes."""
    session = f"20261121_{'deleted cut rotten'.split().index(harm):02}{int(restart):02}00"
    files = {"signals.edf": os.urandom(300_000), "notes.bin": os.urandom(1000), "metadata.txt": ht.GOOD_METADATA.encode()}
    data = {name: files[name] for name in ("signals.edf", "notes.bin")}
    entries = sender.send(data, session) | sender.presign({"metadata.txt": files["metadata.txt"]}, session)
    sender.send({MANIFEST: sender.manifest(files, entries, session)}, session)
    cursor = sender.cloud.call("GET", "/v1/changes", token=sender.token)["cursor"]
    before = asides(cloud)
    where = cloud.object_path(entries["signals.edf"]["bucket"], entries["signals.edf"]["key"])
    do_harm(where, harm)
    if restart:
        cloud.kill()
        cloud.start()
    sender.send({"metadata.txt": files["metadata.txt"]}, session)
    told = sender.cloud.call("GET", f"/v1/changes?wait=20&after={urllib.parse.quote(cursor)}", token=sender.token)["changes"]
    assert [(change["session"], change["state"]) for change in told] == [(session, "uploading")], told
    waiting = sender.session(session)
    assert waiting["state"] == "uploading" and "signals.edf" in check(waiting, "objects")["found"], waiting
    assert len(asides(cloud)) - len(before) == (harm != "deleted"), asides(cloud)
    stat = sender.cloud.call("POST", "/v1/objects/stat", {"session": session, "revision": 1, "names": list(data)}, sender.token)["objects"]
    assert stat[0] == {"name": "signals.edf", "missing": True} and stat[1]["size"] == 1000, stat
    again = sender.send(data, session)
    assert "put" in again["signals.edf"] and "exists" in again["notes.bin"], again
    good = sender.decided(session)
    assert good["state"] == "accepted", good
    for name, content in data.items():
        assert cloud.object(entries[name]["key"]) == content, name
    found = check(good, "objects")["found"]  # after the restart two came: what was lost, and the metadata
    assert found == ("3 objects: 2 hashed on arrival, 1 read again" if restart else "3 objects: 3 hashed on arrival"), found


def test_lost_between_put_and_verdict(place):
    cloud = place.cloud("--rate", "0")
    sender = Sender(cloud, "lab-1")
    for harm in ("deleted", "cut", "rotten"):
        for restart in (False, True):
            lost_and_healed(cloud, sender, harm, restart)


def test_a_station_sends_again_what_was_lost(place):
    """The real one, by itself: its first file is damaged in the cloud while the second is on its way."""
    cloud = place.cloud()
    station = place.station(cloud, upload={"bandwidth": "2MB/s", "connections": "1"})
    folder = ht.make_session(station.recordings, SESSION, {"a.bin": 200_000, "b.bin": 6_000_000})
    engine = station.start()
    first = f"{SESSION}/eeg-lab-2/a.bin"
    where = cloud.object_path("headgate-raw", first)
    ht.wait_for(where.exists, 60, "the first object")
    do_harm(where, "rotten")
    station.wait_state(SESSION, "accepted", timeout_s=120)
    ht.assert_stored(cloud, folder)
    assert len(asides(cloud)) == 1
    assert engine.stop() == 0, engine.result()


def test_what_was_accepted_and_rots_is_told_and_comes_again(place):
    cloud = place.cloud("--rate", "0")
    sender = Sender(cloud, "lab-1")
    files = {"signals.edf": os.urandom(200_000), "metadata.txt": ht.GOOD_METADATA.encode()}
    entries = sender.presign(files)
    sender.send({MANIFEST: sender.manifest(files, entries)})
    sender.send(files)
    assert sender.decided()["state"] == "accepted"
    do_harm(cloud.object_path(entries["signals.edf"]["bucket"], entries["signals.edf"]["key"]), "rotten")
    ask = {"session": SESSION, "revision": 1, "names": ["signals.edf", "metadata.txt", "none"]}
    seen = sender.cloud.call("POST", "/v1/objects/stat", ask, sender.token)["objects"]
    assert seen[0]["size"] == 200_000 and "read" not in seen[0], seen  # presence and size alone
    read = sender.cloud.call("POST", "/v1/objects/stat", {**ask, "read": True}, sender.token)["objects"]
    assert read[0]["damaged"] is True and "signals.edf" in read[0]["message"], read
    assert read[1]["read"] is True and read[2] == {"name": "none", "missing": True}, read
    assert sender.session()["lost"] == 1 and sender.session()["state"] == "accepted", sender.session()
    assert sender.presign({"signals.edf": os.urandom(200_000)})["signals.edf"]["error"]["code"] == "revision_decided"
    assert "put" in sender.send({"signals.edf": files["signals.edf"]})["signals.edf"]
    healed = sender.cloud.call("POST", "/v1/objects/stat", {**ask, "read": True}, sender.token)["objects"]
    assert healed[0]["read"] is True and healed[0]["checksum"] == digest(files["signals.edf"]), healed
    assert sender.session()["state"] == "accepted" and "lost" not in sender.session() and len(asides(cloud)) == 1


def test_twins_never_have_one_revision(place):
    """Two journals of one station and one session: what the second sends goes into a revision of its own."""
    cloud = place.cloud("--rate", "0")
    a = Sender(cloud, "lab-1", "a")
    b = Sender(cloud, "lab-1", "b")
    mine, theirs = ({"f.bin": os.urandom(5000), "metadata.txt": ht.GOOD_METADATA.encode()} for _ in range(2))
    entries = a.presign(mine)
    assert b.presign(theirs)["f.bin"]["error"]["code"] == "revision_taken"
    answer = cloud.call("POST", "/v1/presign", {"session": SESSION, "revision": 2, "instance": "b", "files": []}, b.token)
    assert answer["revisions"] == [{"revision": 1, "state": "uploading", "content": None, "instance": "a"}], answer
    second = b.presign(theirs, revision=2)
    for sender, files, where, revision in ((a, mine, entries, 1), (b, theirs, second, 2)):
        name = f"_headgate/{revision}/manifest.json"
        sender.send({name: sender.manifest(files, where, revision=revision)}, revision=revision)
        sender.send(files, revision=revision)
    assert b.decided(revision=2)["state"] == "accepted"
    known = cloud.call("POST", "/v1/presign", {"session": SESSION, "revision": 3, "files": []}, a.token)["revisions"]
    assert [(one["instance"], one["state"]) for one in known] == [("a", "accepted"), ("b", "accepted")], known
    assert known[0]["content"] != known[1]["content"]
    assert cloud.object(entries["f.bin"]["key"]) == mine["f.bin"] and cloud.object(second["f.bin"]["key"]) == theirs["f.bin"]


def peak_kib(cloud):
    """What the process took at most, or None under a sanitizer, whose own memory hides it."""
    if "asan" in Path(f"/proc/{cloud.child.pid}/maps").read_text():
        return None
    status = Path(f"/proc/{cloud.child.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def test_hostile_manifests(place):
    """Each as long as may be: refused in words, in little memory, and another station's session is decided beside it."""
    long = (64 << 20) - 1000
    head = '{"version":1,"station":"lab-1","session":"%s","revision":1,"software":"s","metadata":"m","files":['
    file = {"size": 1, "sha256": digest(b""), "bucket": "headgate-raw", "key": "k" * 1000, "more": "p" * 4000}
    shapes = {
        "files[0] must be an object": b'{"files":[' + b"0," * (long // 2) + b"0]}",
        "nested too deeply": b'{"x":' + b"[" * 60_000 + b"}",
        "files[0]: a value is longer": b'{"files":[{"parts":[' + b"0," * (long // 2) + b"0]}]}",
        "more than 64 members": b"{" + b",".join(b'"m%d":0' % i for i in range(4_000_000)) + b"}",
        "software: a value is longer": b'{"software":"' + b"x" * long + b'"}',
        "is not among the files": (head % "20261121_000005").encode() + b",".join(
            json.dumps({"name": f"{i:06}" + "n" * 700, **file}).encode() for i in range(10_001)) + b"]}",
    }
    cloud = place.cloud("--rate", "0")
    hostile, honest = Sender(cloud, "lab-1"), Sender(cloud, "lab-2")
    peak = peak_kib(cloud)
    good = {"a.bin": b"a" * 1000, "metadata.txt": ht.GOOD_METADATA.encode()}
    for i, (words, text) in enumerate(shapes.items()):
        session = f"20261121_0000{i:02}"
        hostile.send({MANIFEST: text}, session)
        honest.send({MANIFEST: honest.manifest(good, honest.send({"a.bin": good["a.bin"]}, session) | honest.presign(
            {"metadata.txt": good["metadata.txt"]}, session), session)}, session)
        honest.send({"metadata.txt": good["metadata.txt"]}, session)
        assert honest.decided(session)["state"] == "accepted"
        told = hostile.decided(session)
        assert told["state"] == "rejected" and words in check(told, "manifest")["found"], (words, told["checks"])
    if peak is not None:
        assert peak_kib(cloud) - peak < 100 << 10, f"{peak} KiB became {peak_kib(cloud)}"


if __name__ == "__main__":
    ht.main()
