# SPDX-License-Identifier: MIT
"""A cloud whose answers are wrong in one member after the other (reliability.md, rule 6): the engine lives, nothing false
is kept, each session stays in the queue with the reason, and goes up as soon as the cloud tells the truth."""
import copy
import json
import sqlite3
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from fault_proxy import Answer, FaultProxy  # noqa: E402
from headgate_test import assert_stored, main, make_session, wait_for  # noqa: E402

STEERING = "\x1b[2J\r\nEvil: 1"
WRONG = [None, True, -7, 0.5, "", STEERING, "x" * 100_000, [], ["x"], {}, {"a": ["x"]}, 9007199254740993]
SHA256 = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
AMZ = "X-Amz-Date=20261120T134502Z&X-Amz-Expires=900"
OPTIONAL = {"content", "instance", "revisions", "reset", "scopes", "expires_at", "station", "processing", "checks", "found", "rule", "mend"}


def members(value, path=()):
    """The path of every member and element of a document."""
    for key, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield path + (key,)
        yield from members(child, path + (key,))


def replaced(document, path, value):
    told = copy.deepcopy(document)
    holder = told
    for key in path[:-1]:
        holder = holder[key]
    if value is WRONG:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return told


def kind_of(value):
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def lies_about(document, read, special):
    """[(what, document)]: each member that is read, gone or by each wrong value that is of another kind; then the
    special ones, of the right kind and wrong all the same."""
    lies = []
    for path in members(document):
        names = [key for key in path if isinstance(key, str)]
        if names and ".".join(names) not in read:
            continue
        at = document
        for key in path:
            at = at[key]
        optional = isinstance(path[-1], str) and path[-1] in OPTIONAL
        lies += [(f"{path} is gone", replaced(document, path, WRONG))] if isinstance(path[-1], str) and not optional else []
        lies += [(f"{path} = {value!r:.40}", replaced(document, path, value)) for value in WRONG
                 if kind_of(value) != kind_of(at) and not (value is None and (optional or at is None))]
    for path, value in special:
        try:
            lies.append((f"{path} = {value!r:.40}", replaced(document, path, value)))
        except (KeyError, IndexError):
            pass
    return lies


class Liar:
    """Answers one path with lies, each once, then with the truth."""

    def __init__(self, place, method, path, read, special, **settings):
        self.method, self.path, self.read, self.special = method, path, read, special
        self.lies = self.total = None
        self.cloud = place.cloud()
        self.proxy = FaultProxy(place, self.cloud, self.hook)
        self.station = place.station(self.cloud, endpoint=self.proxy.url, upload={"retry_base": "20ms", "retry_cap": "100ms"}, **settings)
        self.engine = self.station.start()

    def hook(self, request):
        if request.method != self.method or request.path.split("?")[0] != self.path or self.lies == []:
            return None

        def lie(answer):
            if answer.status != 200:
                return answer
            truth = json.loads(answer.body)
            if self.lies is None:
                if self.path == "/v1/changes" and not truth["changes"]:
                    return answer
                self.lies = lies_about(truth, self.read, self.special)
                self.total = len(self.lies)
            # of this answer, not of the one by which the list was made: names and keys are the session's
            what, _ = self.lies.pop()
            again = dict(lies_about(truth, self.read, self.special)).get(what)
            if again is not None:
                answer.body = json.dumps(again).encode()
            return answer

        return lie

    def until_all_are_told(self, first):
        """Sessions are made as they come through; each is stored whole in the end."""
        folders, reasons = [], set()
        while self.lies is None or self.lies:
            assert len(folders) < 40, "the lies are believed"
            name = f"20261120_{first + len(folders):06d}"
            folders.append(make_session(self.station.recordings, name, seed=len(folders) + 1))

            def moved(name=name):
                assert self.engine.running, self.engine.result()
                row = self.station.session(name) or {}
                if row.get("reason"):
                    reasons.add(row["reason"])
                assert row.get("state") not in ("failed", "rejected", "held", "gone"), row
                return row.get("state") == "accepted" or self.lies == []

            wait_for(moved, 120, f"{name}: {self.lies and self.lies[-1][0]}", every_s=0.1)
        for folder in folders:
            self.station.wait_state(folder.name, "accepted", timeout_s=90)
            assert_stored(self.cloud, folder)
        assert self.engine.stop() == 0, self.engine.result()
        return reasons

    def kept(self):
        with sqlite3.connect(f"file:{self.station.state / 'state.db'}?mode=ro", uri=True) as db:
            text = "\n".join(db.iterdump())
        assert "\x1b" not in text and "Evil: 1" not in text.replace("\\r\\n", "") and "x" * 1000 not in text
        return dict(sqlite3.connect(f"file:{self.station.state / 'state.db'}?mode=ro", uri=True).execute("SELECT name, value FROM setting"))


def test_presign(place):
    put = ("files", 0, "put")
    urls = ["ftp://h/b/k?" + AMZ, "http://u:p@127.0.0.1/b/k?" + AMZ, "http://127.0.0.1:99999/b/k?" + AMZ, "http:///b/k?" + AMZ, "http://127.0.0.1/b/k",
            "http://127.0.0.1/b/k?X-Amz-Date=20261120T134502Z&X-Amz-Expires=-5", "http://127.0.0.1/a b?" + AMZ, "file:///etc/passwd?" + AMZ, "/b/k?" + AMZ]
    headers = [{"x-amz-y": "a\r\nEvil: 1"}, {"Authorization": "Basic eA=="}, {"Transfer-Encoding": "chunked"}, {"x-amz-y\r\nEvil": "1"}, {f"x-amz-{i}": "1" for i in range(99)}]
    special = [(put + ("url",), url) for url in urls] + [(put + ("headers",), value) for value in headers]
    special += [(("files", 0, "name"), "other.bin"), (("files", 0), {"name": "events.csv", "bucket": "raw", "key": "k", "exists": {"size": 1, "sha256": SHA256}}), (("files",), []), (("files", 0, "key"), "a\nb")]
    read = {"files", "files.name", "files.bucket", "files.key", "files.put", "files.put.url", "files.put.headers"}
    liar = Liar(place, "POST", "/v1/presign", read, special)
    reasons = liar.until_all_are_told(100000)
    assert liar.total > 80, liar.total
    assert any("the answer is not the ingest API's" in reason for reason in reasons), reasons


def test_authenticate(place):
    special = [(("token",), "a b"), (("token",), "a\r\nX: y"), (("station",), "../x"), (("station",), "x" * 65), (("expires_in",), -1), (("expires_in",), 1e15)]
    liar = Liar(place, "POST", "/v1/authenticate", {"token", "station", "expires_in"}, special)
    liar.until_all_are_told(110000)
    assert liar.total > 30 and liar.proxy.count("POST", "/v1/authenticate") > liar.total
    assert liar.kept()["cloud.cursor"]


def test_changes(place):
    change = ("changes", 0)
    special = [(change + ("session",), "../../etc/passwd"), (change + ("revision",), 0), (change + ("content",), "ABC"), (("cursor",), "c" * (1 << 20)),
               (("cursor",), "a\nb"), (change + ("state",), "Accepted!"), (change + ("checks",), [{"name": 7}])]
    read = {"changes", "changes.session", "changes.revision", "changes.state", "cursor"}
    liar = Liar(place, "GET", "/v1/changes", read, special)
    liar.until_all_are_told(120000)
    assert liar.total > 60, liar.total
    cursor = liar.kept()["cloud.cursor"]
    assert 0 < len(cursor) < 100 and "\n" not in cursor, cursor


def test_schema(place):
    """What is no schema changes no rule: what was in force stays."""
    special = [(("version",), 0), (("version",), 1e15), (("metadata", "file"), "../x"), (("metadata", "keys"), {"a": {"type": "odd"}}), (("metadata", "keys"), {"a": 7})]
    liar = Liar(place, "GET", "/v1/schema", {"version", "metadata", "metadata.file", "metadata.keys"}, special)
    wait_for(lambda: liar.lies == [] or not liar.engine.running, 120, "all to be told")
    folder = make_session(liar.station.recordings, "20261120_130000")
    liar.station.wait_state(folder.name, "accepted")
    assert_stored(liar.cloud, folder)
    assert liar.engine.stop() == 0, liar.engine.result()
    kept = json.loads(liar.kept()["cloud.schema"])
    assert kept["metadata"]["file"] == "metadata.txt" and kept["version"] >= 1, kept


if __name__ == "__main__":
    main()
