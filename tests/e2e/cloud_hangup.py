# SPDX-License-Identifier: MIT
"""SIGHUP to headgate-cloud: its log is opened anew, certificate, key and rules are read again; what is broken is said and
what was in force stays. No connection that is open is cut."""
import http.client
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import urllib.parse
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test
from headgate_test import wait_for

RULES = "[metadata]\nversion = {}\n[metadata.keys]\nfatigue_level = number 0..{} required\n"


def hang_up(cloud, log, sentence):
    """Sends it and waits for one more line of the log with this in it."""
    before = log.read_text().count(sentence) if log.exists() else 0
    cloud.child.signal(signal.SIGHUP)
    wait_for(lambda: log.exists() and log.read_text().count(sentence) > before, 60, f"{sentence!r} in the log")
    assert cloud.child.running


def test_rules_and_allow_list_are_read_again(place):
    log, ini, rules = place.dir / "cloud.log", place.dir / "cloud.ini", place.dir / "rules.ini"
    rules.write_text(RULES.format(3, 10))
    ini.write_text(f"[cloud]\nallow = 127.0.0.0/8\nschema = {rules}\nlog_file = {log}\n")
    cloud = place.cloud("--config", ini)
    token = cloud.token(cloud.key("lab-1"))

    def version():
        return cloud.call("GET", "/v1/schema", token=token)["version"]

    assert version() == 3
    where = urllib.parse.urlsplit(cloud.url)
    kept = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
    kept.request("GET", "/v1/info")
    assert kept.getresponse().read()
    rules.write_text(RULES.format(4, 20))
    hang_up(cloud, log, "were read again")
    assert version() == 4
    rules.write_text("[metadata]\nversion = many\n")
    hang_up(cloud, log, "what was in force stays")
    assert version() == 4 and str(rules) in log.read_text()
    rules.write_text(RULES.format(5, 20))
    ini.write_text(ini.read_text().replace("127.0.0.0/8", "300.0.0.0/8"))
    hang_up(cloud, log, "what was in force stays")
    assert version() == 4, "half of a broken configuration was taken"
    ini.write_text(ini.read_text().replace("300.0.0.0/8", "10.0.0.0/8"))
    hang_up(cloud, log, "were read again")
    assert cloud.request("GET", "/v1/info")[0] == 403
    kept.request("GET", "/v1/info")
    assert kept.getresponse().status == 403, "the connection that was open was cut"
    assert cloud.stop() == 0


def test_the_log_is_opened_anew(place):
    log, old = place.dir / "cloud.log", place.dir / "cloud.log.1"
    cloud = place.cloud("--log-file", log)
    assert '"ready"' in log.read_text() and not cloud.child.err
    log.rename(old)
    hang_up(cloud, log, "were read again")
    moved = old.read_bytes()
    assert cloud.stop() == 0
    assert old.read_bytes() == moved and json.loads(log.read_text().splitlines()[-1])["message"] == "stopped"


def certificate(place, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", place.dir / f"{name}.key", "-out", place.dir / f"{name}.pem"],
                   check=True, capture_output=True)
    return (place.dir / f"{name}.pem").read_bytes(), (place.dir / f"{name}.key").read_bytes()


def test_a_renewed_certificate_is_taken(place):
    one, two = certificate(place, "one"), certificate(place, "two")
    pem, key, log = place.dir / "cert.pem", place.dir / "key.pem", place.dir / "cloud.log"
    pem.write_bytes(one[0]), key.write_bytes(one[1])
    cloud = place.cloud("--tls-cert", pem, "--tls-key", key, "--log-file", log)
    where = urllib.parse.urlsplit(cloud.url)

    def served():
        return ssl.get_server_certificate((where.hostname, where.port), timeout=30).encode()

    def der(text):
        return ssl.PEM_cert_to_DER_cert(text.decode())

    assert der(served()) == der(one[0])
    context = ssl.create_default_context(cafile=place.dir / "one.pem")
    with socket.create_connection((where.hostname, where.port), 30) as raw, context.wrap_socket(raw, server_hostname=where.hostname) as open_one:
        pem.write_bytes(two[0])  # its key is not there yet: no pair
        hang_up(cloud, log, "what was in force stays")
        assert der(served()) == der(one[0])
        key.write_bytes(two[1])
        hang_up(cloud, log, "the certificate was read again")
        assert der(served()) == der(two[0])
        open_one.sendall(b"GET /v1/info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert open_one.recv(100).startswith(b"HTTP/1.1 200 "), "the connection that was open was cut"
    pem.unlink()
    os.mkfifo(pem)  # nobody writes to it: it is not waited for
    hang_up(cloud, log, "what was in force stays")
    assert der(served()) == der(two[0])
    with socket.create_connection((where.hostname, where.port), 30) as plain:
        try:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            while plain.recv(1000):
                pass
        except ConnectionResetError:
            pass  # ended, in whatever way
    assert cloud.stop() == 0
    with closing(sqlite3.connect(cloud.data / "logs.db")) as db:
        assert db.execute("SELECT count(*) FROM event WHERE json LIKE '%tls_handshake_failed%'").fetchone()[0] >= 1


def test_a_pipe_in_the_place_of_rules_is_not_waited_for(place):
    log, rules = place.dir / "cloud.log", place.dir / "rules.ini"
    rules.write_text(RULES.format(3, 10))
    cloud = place.cloud("--schema", rules, "--log-file", log)
    rules.unlink()
    os.mkfifo(rules)
    hang_up(cloud, log, "what was in force stays")
    assert cloud.stop() == 0


if __name__ == "__main__":
    headgate_test.main()
