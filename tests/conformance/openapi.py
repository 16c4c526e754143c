# SPDX-License-Identifier: MIT
"""assets/openapi.yaml against the running server: every operation with good and bad requests; status, headers, content
type and members of each answer; every route, error word and limit in both directions."""
import base64
import hashlib
import http.client
import json
import re
import sys
import urllib.parse
import xml.etree.ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test
import s3_sign
import yaml
from headgate_test import ROOT
from json_schema import Schemas

PAGE = yaml.safe_load((ROOT / "assets/openapi.yaml").read_text())
SCHEMAS = Schemas(PAGE)
METHODS = ("get", "head", "put", "post", "delete", "patch", "options")
SESSION = "20260814_101500"
RULES = "[metadata]\nversion = 3\n[metadata.keys]\nfatigue_level = number 0..10 required\nhardware_model = text required\nmode = text one_of(a|b)\n"


def operations():
    """(method, path) -> operation of the page."""
    return {(method.upper(), path): item[method] for path, item in PAGE["paths"].items() for method in METHODS if method in item}


def digest(content):
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def file_of(name, content):
    return {"name": name, "size": len(content), "sha256": digest(content)}


class Client:
    """Calls operations and holds each answer against the page."""

    def __init__(self, cloud):
        self.cloud, self.seen = cloud, {}
        self.token = self.admin = None

    def send(self, method, target, body=None, headers=None):
        """body: bytes, an iterable (sent chunked), or a number: a body of that size that is announced and awaits its 100."""
        where = urllib.parse.urlsplit(self.cloud.url)
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
        try:
            if isinstance(body, int):
                headers, body = {**(headers or {}), "Content-Length": str(body), "Expect": "100-continue"}, None
            connection.request(method, target, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def call(self, method, path, target=None, body=None, token="own", want=None, headers=None, raw=None):
        """path: of the page; target: what is really asked for. want: the status that must come."""
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = "Bearer " + (self.token if token == "own" else token)
        if body is not None:
            raw = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        status, got, text = self.send(method, target or path, raw, sent)
        what = f"{method} {target or path}: {status} {text[:300]!r}"
        assert want is None or status == want, f"{what}, not {want}"
        operation = operations()[method, path]
        assert str(status) in operation["responses"], f"{what}: the page does not know this status"
        faults = self.answer_faults(SCHEMAS.resolve(operation["responses"][str(status)]), got, text, method)
        assert not faults, f"{what}\n" + "\n".join(faults)
        self.seen.setdefault((method, path), set()).add(status)
        if body is not None and status == 200:  # what is accepted must be what the page lets through
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            assert not SCHEMAS.faults(body, schema, "the request", strict=False), f"{what}: the page does not allow this request"
        return json.loads(text) if text and got["content-type"] == "application/json" else text

    def answer_faults(self, response, headers, text, method):
        faults = []
        for name, header in response.get("headers", {}).items():
            header, value = SCHEMAS.resolve(header), headers[name]
            if value is None and header.get("required"):
                faults.append(f"the header {name} is missing")
            elif value is not None:
                faults += SCHEMAS.faults(value, header["schema"], name)
        if headers["x-request-id"] is None:
            faults.append("the header x-request-id is missing")
        if method == "HEAD" or "content" not in response:
            return faults + (["there is a body"] if text else [])
        kind = (headers["content-type"] or "").split(";")[0]
        if kind not in response["content"]:
            return faults + [f"the content type is {kind!r}, none of {list(response['content'])}"]
        schema = response["content"][kind]["schema"]
        if kind == "application/json":
            faults += SCHEMAS.faults(json.loads(text), schema)
        elif kind == "application/xml":
            root = xml.etree.ElementTree.fromstring(text)
            faults += [] if root.tag == "Error" else [f"the element is {root.tag}"]
            faults += SCHEMAS.faults({child.tag: child.text for child in root}, schema)
        return faults


def client_of(place, *flags, **settings):
    cloud = place.cloud("--rate", "0", *flags, schema=RULES, **settings)
    client = Client(cloud)
    client.key, client.admin_key = cloud.key("lab-1"), cloud.key("ops", "admin")
    client.token, client.admin = cloud.token(client.key), cloud.token(client.admin_key)
    return client


# --- the page and the sources ---

def test_routes_are_the_pages():
    served = set()
    for surface in ("api", "s3"):
        source = (ROOT / "src/cloud" / surface / "surface.c").read_text()
        table = source[source.index("const struct route routes[]"):]
        table = table[:table.index("\n};")]
        served |= {(method, path.replace("{key+}", "{key}")) for method, path in re.findall(r'\{"([A-Z]+)",\s*"([^"]+)"', table)}
    assert len(served) > 10 and served == set(operations()), f"only one side has {served ^ set(operations())}"


def test_error_words_are_the_pages():
    for file, macro, schema in (("call/fault.h", "FAULTS", PAGE["components"]["schemas"]["Error"]["properties"]["error"]["properties"]["code"]),
                                ("s3/s3_error.h", "S3_ERRORS", PAGE["components"]["schemas"]["S3Error"]["properties"]["Code"])):
        text = (ROOT / "src/cloud" / file).read_text()
        words = set(re.findall(r'X\([A-Z0-9_]+, "([A-Za-z0-9_]+)", \d+\)', text[text.index(macro):]))
        assert len(words) > 10 and words == set(schema["enum"]), f"only one side has {words ^ set(schema['enum'])}"


def test_the_page_is_whole():
    ids = [operation["operationId"] for operation in operations().values()]
    assert len(ids) == len(set(ids))

    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                assert SCHEMAS.resolve(node), node
            for inner in node.values():
                walk(inner)
        elif isinstance(node, list):
            for inner in node:
                walk(inner)

    walk(PAGE)
    for (method, path), operation in operations().items():
        secured = operation.get("security", PAGE["security"])
        needed = {"400"} | ({"401", "403", "429"} if secured == PAGE["security"] else set())
        needed |= {"413", "415"} if method == "POST" else set()
        assert needed <= set(operation["responses"]), f"{method} {path} lacks {needed - set(operation['responses'])}"
        assert {"summary", "operationId"} <= set(operation), f"{method} {path}"
        declared = set(re.findall(r"\{(\w+)\}", path))
        given = [SCHEMAS.resolve(p) for p in PAGE["paths"][path].get("parameters", []) + operation.get("parameters", [])]
        assert declared == {p["name"] for p in given if p["in"] == "path"}, f"{method} {path}: path parameters"


def test_the_validator_can_fail():
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "minimum": 2}, "b": {"enum": ["x"]}}}
    bad = [{}, {"a": 1}, {"a": "2"}, {"a": True}, {"a": 2, "b": "y"}, {"a": 2, "c": 1}, []]
    assert all(SCHEMAS.faults(value, schema) for value in bad) and not SCHEMAS.faults({"a": 2, "b": "x"}, schema)
    assert SCHEMAS.faults({"name": "x"}, {"$ref": "#/components/schemas/FilePut"})
    assert SCHEMAS.faults("2026-11-21T10:10:10Z", {"$ref": "#/components/schemas/Time"})


# --- the server ---

def test_every_operation_answers_as_the_page_says(place):
    """One cloud, every operation, good and bad; then nothing of the page may be left uncalled."""
    client = client_of(place)
    for each in (open_calls, refused_bodies, unknown_callers, object_calls, session_calls, station_calls):
        each(client)
    for (method, path), operation in operations().items():
        seen = client.seen.get((method, path), set())
        assert any(status < 300 for status in seen), f"{method} {path} was never called with success: {seen}"
        assert any(status >= 400 for status in seen), f"{method} {path} was never refused: {seen}"


def open_calls(client):
    client.call("GET", "/healthz", token=None, want=200)
    client.call("GET", "/healthz", "/healthz?x=%zz", token=None, want=400)
    info = client.call("GET", "/v1/info", token=None, want=200)
    assert info["limits"]["files_per_call"] == PAGE["paths"]["/v1/presign"]["post"]["requestBody"]["content"]["application/json"][
        "schema"]["properties"]["files"]["maxItems"]
    client.call("GET", "/v1/info", "/v1/info?x=%zz", token=None, want=400)
    answer = client.call("POST", "/v1/authenticate", body={"api_key": client.key, "unknown": 1}, token=None, want=200)
    assert answer["station"] == "lab-1" and answer["scopes"] == ["station"]
    client.call("POST", "/v1/authenticate", body={"api_key": "hg_wrong"}, token=None, want=401)
    client.call("POST", "/v1/authenticate", body={}, token=None, want=400)
    schema = client.call("GET", "/v1/schema", want=200)
    assert schema["version"] == 3 and schema["metadata"]["keys"]["fatigue_level"]["maximum"] == 10


def refused_bodies(client):
    """Every operation that takes JSON: no type, another type, no JSON, too much of it."""
    for (method, path), operation in operations().items():
        if "application/json" not in operation.get("requestBody", {}).get("content", {}):
            continue
        token = None if operation.get("security") == [] else "own"
        client.call(method, path, token=token, raw=b"{}", want=415)
        client.call(method, path, token=token, raw=b"{}", headers={"Content-Type": "text/plain"}, want=415)
        for text in (b"", b"{", b"[]", b'"x"', b'{"a":1,"a":2}', b"\xff", b"[" * 100):
            client.call(method, path, token=token, raw=text, headers={"Content-Type": "application/json"}, want=400)
        client.call(method, path, token=token, raw=17 << 20, headers={"Content-Type": "application/json"}, want=413)
        client.call(method, path, token=token, raw=b" " * (17 << 20), headers={"Content-Type": "application/json"}, want=413)


def unknown_callers(client):
    """Every operation that wants a token, without one and with a bad one; one of the wrong scope."""
    revoked = client.cloud.token(client.cloud.key("gone"))
    client.cloud.revoke(next(row["id"] for row in client.cloud.keys() if row["station"] == "gone"))
    for (method, path), operation in operations().items():
        if operation.get("security", PAGE["security"]) != PAGE["security"]:
            continue
        target = path.replace("{station}", "lab-1").replace("{id}", SESSION)
        for token in (None, "x", "a.b.c", revoked):
            client.call(method, path, target, token=token, want=401, raw=b"{}" if method == "POST" else None)
        if "Scope station" in operation.get("description", ""):
            client.call(method, path, target, token=client.admin, want=403, body={})


def presign(client, files, revision=1, session=SESSION, want=200):
    answer = client.call("POST", "/v1/presign", body={"session": session, "revision": revision, "files": files}, want=want)
    return answer["files"] if want == 200 else answer


def put(client, entry, content, want=200, headers=None):
    url = urllib.parse.urlsplit(entry["put"]["url"])
    return client.call("PUT", "/{bucket}/{key}", f"{url.path}?{url.query}", token=None, raw=content, want=want,
                       headers=entry["put"]["headers"] if headers is None else headers)


def object_call(client, method, bucket, key, want, headers=None, raw=None, covered=True, **sign):
    """covered: the URL of a PUT covers what that of a recording must."""
    signed = {name: value for name, value in (headers or {}).items() if name.lower().startswith("x-amz-")}
    if method == "PUT" and covered:
        needed = {"if-none-match": "*", "x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(raw).digest()).decode()}
        headers = needed | (headers or {})
        signed |= needed | {"content-length": str(len(raw))}
    url = urllib.parse.urlsplit(s3_sign.presign(client.cloud, method, bucket, key, signed, **sign))
    return client.call(method, "/{bucket}/{key}", f"{url.path}?{url.query}", token=None, want=want, headers=headers, raw=raw)


def object_calls(client):
    content = b"0123456789" * 1000
    name = "side A/é ü.dat"
    entries = presign(client, [file_of(name, content), file_of("../x", b"x"), {"name": "big", "size": 6 << 30, "sha256": digest(b"")}])
    assert [next(kind for kind in ("put", "exists", "error") if kind in entry) for entry in entries] == ["put", "error", "error"]
    bucket, key = entries[0]["bucket"], entries[0]["key"]
    assert key == f"{SESSION}/lab-1/{name}"
    assert client.call("POST", "/v1/objects/stat", body={"session": SESSION, "revision": 1, "names": [name]}, want=200)["objects"][0]["missing"]

    client.call("PUT", "/{bucket}/{key}", f"/{bucket}/x", token=None, raw=b"x", want=403)
    client.call("PUT", "/{bucket}/{key}", f"/{bucket}/x", token=None, raw=iter([b"x"]), want=411)
    put(client, entries[0], b"y" + content[1:], want=400)
    put(client, entries[0], content, want=403, headers={})
    put(client, entries[0], content)
    put(client, entries[0], content, want=412)
    again = presign(client, [file_of(name, content), file_of(name, b"other")])
    assert "exists" in again[0] and again[1]["error"]["code"] == "object_conflict"
    stat = client.call("POST", "/v1/objects/stat", body={"session": SESSION, "revision": 1, "names": [name, "none"]}, want=200)["objects"]
    assert stat[0]["checksum"] == digest(content) and stat[1]["missing"]
    assert "read" not in stat[0]
    stat = client.call("POST", "/v1/objects/stat", body={"session": SESSION, "revision": 1, "names": [name], "read": True}, want=200)["objects"]
    assert stat[0]["read"] is True and stat[0]["checksum"] == digest(content)
    client.call("POST", "/v1/objects/stat", body={"session": SESSION, "revision": 1, "names": ["n"] * 17, "read": True}, want=400)
    client.call("POST", "/v1/objects/stat", body={"session": SESSION, "revision": 1}, want=400)
    client.call("POST", "/v1/objects/stat", body={"session": SESSION, "revision": 1, "names": [4]}, want=400)

    assert object_call(client, "GET", bucket, key, 200, {"x-amz-checksum-mode": "ENABLED"}) == content
    assert object_call(client, "GET", bucket, key, 206, {"Range": "bytes=3-5"}) == b"345"
    etag = f'"{hashlib.sha256(content).hexdigest()}-1"'
    for method in ("GET", "HEAD"):
        object_call(client, method, bucket, key, 304, {"If-None-Match": etag})
        object_call(client, method, bucket, key, 412, {"If-Match": '"x"'})
        object_call(client, method, bucket, key, 416, {"Range": "bytes=10000-"})
        object_call(client, method, bucket, "none", 404)
        object_call(client, method, "no-such-bucket", key, 404)
        object_call(client, method, bucket, key, 403, age_s=120)
        object_call(client, method, bucket, key, 403, age_s=-3600)
        object_call(client, method, bucket, key, 403, access_key="HGother")
        object_call(client, method, bucket, key, 403, secret="x" * 64)
        object_call(client, method, bucket, key, 400, region="mars-1")
        client.call(method, "/{bucket}/{key}", f"/{bucket}/{key.split('/')[0]}", token=None, want=403)
        client.call(method, "/{bucket}/{key}", f"/{bucket}/x?X-Amz-Signature=00", token=None, want=400)
    assert object_call(client, "HEAD", bucket, key, 200) == b""
    object_call(client, "PUT", bucket, "never-announced", 403, raw=b"x")
    object_call(client, "PUT", bucket, "never-announced", 403, {"If-None-Match": "*"}, raw=b"x", covered=False)
    object_call(client, "PUT", bucket, "k" * 1030, 400, raw=b"x")
    object_call(client, "PUT", bucket, "x", 501, {"Content-Encoding": "aws-chunked"}, raw=b"x")


def content_id(files):
    """Of name -> bytes, as api.md says it."""
    lines = [b"%s\0%d\0%s\n" % (name.encode(), len(content), hashlib.sha256(content).hexdigest().encode())
             for name, content in sorted(files.items(), key=lambda item: item[0].encode())]
    return hashlib.sha256(b"".join(lines)).hexdigest()


def bring_session(client, session, metadata, revision=1, data=b"data"):
    """A whole revision as a station sends it; the session once the cloud has decided."""
    files = {"data.bin": data, "metadata.txt": metadata}
    entries = {entry["name"]: entry for entry in presign(client, [file_of(n, c) for n, c in files.items()], revision, session)}
    listed = [{"name": n, "size": len(c), "mtime": "2026-08-14T10:15:00.000Z", "sha256": digest(c), "bucket": entries[n]["bucket"],
               "key": entries[n]["key"]} for n, c in files.items()]
    manifest = json.dumps({"version": 1, "station": "lab-1", "session": session, "revision": revision, "software": "headgate/0.1.0",
                           "metadata": "metadata.txt", "files": listed}).encode()
    name = f"_headgate/{revision}/manifest.json"
    entries |= {entry["name"]: entry for entry in presign(client, [file_of(name, manifest)], revision, session)}
    for file, content in {"data.bin": data, name: manifest, "metadata.txt": metadata}.items():
        if "put" in entries[file]:
            put(client, entries[file], content)

    def decided():
        found = client.call("GET", "/v1/sessions/{id}", f"/v1/sessions/{session}", want=200)
        return found if found["revision"] == revision and found["state"] != "uploading" else None

    return headgate_test.wait_for(decided, 60, f"a decision on {session} revision {revision}")


def session_calls(client):
    before = client.call("GET", "/v1/changes", want=200)["cursor"]
    good = bring_session(client, "20260814_120000", b"fatigue_level: 4\nhardware_model: HX\n")
    assert good["state"] == "accepted" and good["metadata"] == {"fatigue_level": 4, "hardware_model": "HX"}, good
    bad = bring_session(client, "20260814_130000", b"fatigue_level: 14\nhardware_model: HX\n")
    assert bad["state"] == "rejected" and any(check["verdict"] == "hold" for check in bad["checks"]), bad
    mended = bring_session(client, "20260814_130000", b"fatigue_level: 1\nhardware_model: HX\n", 2)
    assert mended["state"] == "accepted" and [old["state"] for old in mended["revisions"]] == ["rejected"], mended
    changes = client.call("GET", "/v1/changes", f"/v1/changes?wait=20&after={urllib.parse.quote(before)}", want=200)["changes"]
    assert [(change["session"], change["revision"], change["state"]) for change in changes] == [
        ("20260814_120000", 1, "accepted"), ("20260814_130000", 1, "rejected"), ("20260814_130000", 2, "accepted")], changes
    client.call("GET", "/v1/changes", token=client.admin, want=200)
    assert [change["content"] for change in changes] == [good["content"], bad["content"], mended["content"]], changes
    assert good["content"] == content_id({"data.bin": b"data", "metadata.txt": b"fatigue_level: 4\nhardware_model: HX\n"})
    assert client.call("GET", "/v1/changes", "/v1/changes?after=x&wait=20", want=200)["reset"] is True
    for wrong in ("wait=21", "wait=x", "after=" + "9" * 60, "limit=0"):
        client.call("GET", "/v1/changes", "/v1/changes?" + wrong, want=400)

    page = client.call("GET", "/v1/sessions", "/v1/sessions?limit=2", want=200)
    rest = client.call("GET", "/v1/sessions", "/v1/sessions?limit=2&cursor=" + urllib.parse.quote(page["next"]), want=200)
    assert len(page["sessions"]) == 2 and len(rest["sessions"]) == 1 and rest["next"] is None, (page, rest)
    accepted = client.call("GET", "/v1/sessions", "/v1/sessions?state=accepted&since=2026-01-01T00:00:00Z&processing=none", want=200)
    assert len(accepted["sessions"]) == 2
    for wrong in ("state=x", "processing=x", "limit=1001", "since=x", "cursor=x", "x=%zz"):
        client.call("GET", "/v1/sessions", "/v1/sessions?" + wrong, want=400)
    client.call("GET", "/v1/sessions", "/v1/sessions?station=lab-1", token=client.admin, want=200)
    client.call("GET", "/v1/sessions/{id}", "/v1/sessions/20010101_000000", want=404)
    client.call("GET", "/v1/sessions/{station}/{id}", "/v1/sessions/lab-1/20260814_130000", want=200)
    client.call("GET", "/v1/sessions/{station}/{id}", "/v1/sessions/lab-1/20260814_130000", token=client.admin, want=200)
    client.call("GET", "/v1/sessions/{station}/{id}", "/v1/sessions/lab-2/20260814_130000", want=404)


def station_calls(client):
    beat = {"instance": "i-1", "version": "0.1.0", "queue": 1, "bytes_left": 2, "disk_free": 3, "held": 0,
            "oldest_unsafe_at": "2026-11-21T10:10:10.000Z"}
    client.call("GET", "/v1/stations", token=client.admin, want=200)  # nulls of those who never reported
    assert client.call("POST", "/v1/heartbeat", body=beat, want=200)["stations_with_this_key"] == 1
    assert client.call("POST", "/v1/heartbeat", body=dict(beat, instance="i-2", oldest_unsafe_at=None), want=200)["stations_with_this_key"] == 2
    for name in ("instance", "version", "queue", "bytes_left", "disk_free", "held"):
        without = {member: value for member, value in beat.items() if member != name}
        client.call("POST", "/v1/heartbeat", body=without, want=400)
    client.call("POST", "/v1/heartbeat", body=dict(beat, oldest_unsafe_at="soon"), want=400)
    own = client.call("GET", "/v1/stations", want=200)["stations"]
    assert [station["station"] for station in own] == ["lab-1"] and own[0]["version"] == "0.1.0"
    fleet = client.call("GET", "/v1/stations", "/v1/stations?limit=1", token=client.admin, want=200)
    assert len(fleet["stations"]) == 1
    client.call("GET", "/v1/stations", "/v1/stations?limit=0", want=400)
    client.call("GET", "/v1/stations", "/v1/stations?cursor=x", token=client.admin, want=400)

    event = {"id": "e-1", "at": "2026-11-21T10:10:10.042Z", "level": "error", "code": "failed", "message": "m", "session": SESSION,
             "detail": {"any": [1]}}
    assert client.call("POST", "/v1/events", body={"events": [event, dict(event, id="e-2")]}, want=200)["stored"] == 2
    assert client.call("POST", "/v1/events", body={"events": [event]}, want=200)["stored"] == 0
    for name in ("id", "at", "level", "code", "message"):
        without = {member: value for member, value in event.items() if member != name}
        client.call("POST", "/v1/events", body={"events": [without]}, want=400)
    client.call("POST", "/v1/events", body={"events": [event] * 501}, want=400)


def test_unhealthy_and_limited_answers_are_the_pages(place):
    client = client_of(place, "--burst", "3")
    client.cloud.stop()
    client.cloud.flags = [flag for flag in client.cloud.flags if flag not in ("--rate", "0")] + ["--rate", "1"]
    client.cloud.start()
    limited = [(method, path) for (method, path), operation in operations().items() if "429" in operation["responses"]]
    for method, path in limited * 2:
        target = path.replace("{station}", "lab-1").replace("{id}", SESSION)
        client.call(method, path, target, token=None, raw=b"{}" if method == "POST" else None)
    assert all(429 in client.seen[call] for call in limited), client.seen


def test_unknown_paths_and_methods(place):
    client = client_of(place)
    known = {path: {method for method, other in operations() if other == path} for path in PAGE["paths"]}
    for path, methods in known.items():
        target = re.sub(r"\{\w+\}", "some", path).replace("/some/some", "/bucket/key") if path.startswith("/{") else re.sub(r"\{\w+\}", "some", path)
        for method in {"GET", "PUT", "POST", "DELETE", "PATCH"} - methods:
            status, headers, text = client.send(method, target, b"", {})
            assert status == 405, f"{method} {target}: {status}"
            assert set(headers["allow"].split(", ")) == methods | ({"HEAD"} if "GET" in methods else set()), headers["allow"]
            response = "S3Error" if path.startswith("/{") else "Error"
            faults = client.answer_faults(PAGE["components"]["responses"][response], headers, text, method)
            assert not faults, faults
    for target in ("/", "/v1", "/v1/none", "/v1/sessions/a/b/c", "/v2/info", "/bucket"):
        status, headers, text = client.send("GET", target)
        assert status == (403 if target == "/v2/info" else 404), f"{target}: {status}"
        kind = "S3Error" if target == "/v2/info" else "Error"
        assert not client.answer_faults(PAGE["components"]["responses"][kind], headers, text, "GET"), text


if __name__ == "__main__":
    headgate_test.main()
