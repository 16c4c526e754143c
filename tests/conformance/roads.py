# SPDX-License-Identifier: MIT
"""The roads between a station and its cloud: TLS with a certificate of its own, and a proxy named by the environment."""
import http.client
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from headgate_test import assert_stored, main, make_session  # noqa: E402

SESSION = "20261120_134502"


class Proxy:
    """Passes on what is asked of it: CONNECT tunnels, and plain requests in absolute form."""

    def __init__(self, place):
        self.tunnels, self.passed = 0, 0
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_CONNECT(self):
                proxy.tunnels += 1
                host, port = self.path.rsplit(":", 1)
                with socket.create_connection((host, int(port)), timeout=30) as there:
                    self.send_response_only(200)
                    self.end_headers()
                    back = threading.Thread(target=proxy.pump, args=(there, self.connection), daemon=True)
                    back.start()
                    proxy.pump(self.connection, there)
                    back.join(30)
                self.close_connection = True

            def pass_on(self):
                proxy.passed += 1
                host, _, path = self.path.removeprefix("http://").partition("/")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                there = http.client.HTTPConnection(host, timeout=60)
                there.request(self.command, "/" + path, body, {k: v for k, v in self.headers.items() if k.lower() != "proxy-connection"})
                got = there.getresponse()
                text = got.read()
                self.send_response_only(got.status)
                for name, value in got.getheaders():
                    if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
                there.close()

            do_GET = do_PUT = do_POST = pass_on

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        place.servers.append(self)

    @staticmethod
    def pump(source, to):
        try:
            while data := source.recv(65536):
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def tls_cloud(place, name="127.0.0.1"):
    certificate, key = place.dir / "cert.pem", place.dir / "key.pem"
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                           "-keyout", str(key), "-out", str(certificate), "-subj", "/CN=headgate test", "-addext",
                           f"subjectAltName=IP:{name}"], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return place.cloud("--tls-cert", certificate, "--tls-key", key), certificate


def trusting(place, cloud, certificate):
    station = place.station(cloud)
    station.sections["cloud"]["ca_file"] = certificate
    station.write()
    return station


def refused(station):
    """A run that reaches nobody: exit status 69, and the session is kept for later."""
    got = station.once(wait="3s")
    assert got.code in (4, 69), got
    assert station.session(SESSION)["state"] == "queued", station.session(SESSION)
    return got.err


def test_tls_with_a_certificate_of_its_own(place):
    cloud, certificate = tls_cloud(place)
    station = trusting(place, cloud, certificate)
    folder = make_session(station.recordings, SESSION, {"signals.edf": 3_000_000})
    got = station.once()
    assert got.code == 0, got
    assert_stored(cloud, folder)


def test_tls_that_cannot_be_trusted(place):
    cloud, _ = tls_cloud(place)
    station = place.station(cloud)
    make_session(station.recordings, SESSION)
    said = refused(station)
    assert "certificate" in said and "ca_file" in said, said
    assert cloud.object_count() == 0


def test_tls_for_another_host(place):
    cloud, certificate = tls_cloud(place, name="192.0.2.1")
    station = trusting(place, cloud, certificate)
    make_session(station.recordings, SESSION)
    said = refused(station)
    assert "certificate" in said, said
    assert cloud.object_count() == 0


def test_plain_through_a_proxy(place):
    cloud, proxy = place.cloud(), Proxy(place)
    station = place.station(cloud)
    folder = make_session(station.recordings, SESSION)
    got = station.command("run", "--once", "--wait", "60s", env={"http_proxy": proxy.url})
    assert got.code == 0, got
    assert proxy.passed >= 5, proxy.passed
    assert_stored(cloud, folder)


def test_tls_through_a_proxy(place):
    (cloud, certificate), proxy = tls_cloud(place), Proxy(place)
    station = trusting(place, cloud, certificate)
    folder = make_session(station.recordings, SESSION)
    got = station.command("run", "--once", "--wait", "60s", env={"HTTPS_PROXY": proxy.url})
    assert got.code == 0, got
    assert proxy.tunnels >= 1 and proxy.passed == 0, proxy.tunnels
    assert_stored(cloud, folder)


def test_no_proxy(place):
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, SESSION)
    got = station.command("run", "--once", "--wait", "60s", env={"http_proxy": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"})
    assert got.code == 0, got
    assert_stored(cloud, folder)


main()
