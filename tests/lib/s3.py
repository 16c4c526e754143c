# SPDX-License-Identifier: MIT
"""S3 requests by two clients, curl(1) and our own base/http, with URLs that our sigv4 presigned (tests/conformance/presign_tool)."""
import base64
import hashlib
import json
import os
import subprocess
import urllib.parse
import xml.etree.ElementTree
from pathlib import Path

from headgate_test import BUILD, clean_env

TOOL = BUILD / "tests/conformance/presign_tool"


def sha256_of(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def put_headers(data):
    """The headers of api.md's presigned PUT."""
    return {"content-length": str(len(data)), "if-none-match": "*", "x-amz-checksum-sha256": sha256_of(data)}


def encode_key(key):
    """The key as it stands in a URL's path."""
    return urllib.parse.quote(key, safe="/-._~")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def word(self):
        """S3's error code, or ""."""
        try:
            return xml.etree.ElementTree.fromstring(self.body).findtext("Code") or ""
        except xml.etree.ElementTree.ParseError:
            return ""

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:400]!r}"


def curl(place, method, url, headers=None, data=None, timeout_s=60):
    """One request by curl(1). A header whose value is None is kept from being sent."""
    out, head, sent = (place.dir / f"curl-{os.urandom(4).hex()}.{part}" for part in ("body", "head", "sent"))
    command = ["curl", "--silent", "--show-error", "--path-as-is", "--max-time", str(timeout_s), "--output", str(out),
               "--dump-header", str(head), "--write-out", "%{http_code}", "--header", "Expect:"]
    for name, value in (headers or {}).items():
        command += ["--header", f"{name}: {value}" if value is not None else f"{name}:"]
    if method == "HEAD":
        command += ["--head"]
    elif data is not None:
        sent.write_bytes(data)
        command += ["--request", method, "--upload-file", str(sent)]
    else:
        command += ["--request", method]
    got = subprocess.run([*command, url], capture_output=True, text=True, env=clean_env(place.dir), timeout=timeout_s + 10)
    assert got.returncode == 0, f"curl {method} {url.split('?')[0]}: {got.stderr}"
    block = head.read_bytes().decode("latin-1").strip().split("\r\n\r\n")[-1]
    fields = dict(line.split(": ", 1) for line in block.split("\r\n")[1:] if ": " in line)
    body = out.read_bytes() if out.exists() and method != "HEAD" else b""
    return Answer(int(got.stdout), {name.lower(): value for name, value in fields.items()}, body)


class Signer:
    """A key pair of an S3 server at `url`."""

    def __init__(self, place, url, access_key, secret_key, region="us-east-1"):
        self.place, self.url = place, url
        self.env = clean_env(place.dir, PRESIGN_ACCESS_KEY=access_key, PRESIGN_SECRET_KEY=secret_key, PRESIGN_REGION=region)

    def sign(self, method, path, headers=None, expires_s=900, age_s=0):
        """The presigned URL of `path` ("/bucket/key", encoded)."""
        words = [f"{name}: {value}" for name, value in (headers or {}).items()]
        got = subprocess.run([str(TOOL), "sign", method, self.url + path, str(expires_s), str(age_s), *words],
                             capture_output=True, text=True, env=self.env, timeout=30)
        assert got.returncode == 0, got.stderr
        return got.stdout.strip()

    def send(self, method, url, data=None, headers=None):
        """One request by our own client: the dict that presign_tool prints."""
        sent = Path(self.place.dir) / f"send-{os.urandom(4).hex()}"
        if data is not None:
            sent.write_bytes(data)
        words = [f"{name}: {value}" for name, value in (headers or {}).items()]
        got = subprocess.run([str(TOOL), "send", method, url, str(sent) if data is not None else "-", *words],
                             capture_output=True, text=True, env=self.env, timeout=90)
        assert got.returncode == 0 and "Sanitizer" not in got.stderr, got.stderr
        return json.loads(got.stdout)


def change_signature(url):
    """The URL with one digit of its signature changed."""
    head, signature = url.rsplit("X-Amz-Signature=", 1)
    return head + "X-Amz-Signature=" + ("1" if signature[0] == "0" else "0") + signature[1:]
