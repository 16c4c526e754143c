# SPDX-License-Identifier: MIT
"""A scriptable HTTP server for fault tests: it answers by itself, or stands between a station and a real cloud and lets
chosen requests and answers go wrong.

    proxy = FaultProxy(place, cloud, hook)
    def hook(request):            # called before a request is passed on
        if request.method == "PUT" and proxy.count("PUT") == 1:
            return Answer(503, body=b"<Error><Code>SlowDown</Code></Error>")
        return None               # pass it on

A hook returns None (pass on), an Answer, DROP (close without a word), LOSE (pass on, then close instead of answering),
or a function that is given the true Answer and returns the Answer to send.
"""
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DROP, LOSE = "drop", "lose"
HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}
CAPTIVE_PORTAL = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>Please log in to the network.</body></html>"


class Answer:
    def __init__(self, status, headers=None, body=b""):
        self.status, self.headers, self.body = status, dict(headers or {}), body

    @staticmethod
    def html(status, body=CAPTIVE_PORTAL):
        return Answer(status, {"Content-Type": "text/html; charset=utf-8"}, body)


class Request:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body

    def __repr__(self):
        return f"{self.method} {self.path.split('?')[0]}"


class FaultProxy:
    """Listens on a free loopback port. Without a cloud, the hook must answer everything."""

    def __init__(self, place, cloud=None, hook=None):
        self.cloud, self.hook, self.requests, self.lock = cloud, hook, [], threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_any(self):
                proxy.handle(self)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        place.servers.append(self)

    def count(self, method, part=""):
        """How many requests of the method (with the part in their path) have come so far."""
        with self.lock:
            return sum(1 for r in self.requests if r.method == method and part in r.path)

    def handle(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        if handler.headers.get("Expect", "").lower() == "100-continue":
            handler.send_response_only(100)
            handler.end_headers()
        body = handler.rfile.read(length)
        if len(body) < length:
            handler.close_connection = True
            return
        request = Request(handler.command, handler.path, handler.headers, body)
        with self.lock:
            self.requests.append(request)
        decided = self.hook(request) if self.hook else None
        if decided == DROP:
            handler.close_connection = True
            return
        answer = decided if isinstance(decided, Answer) else self.pass_on(request)
        if decided == LOSE or answer is None:
            handler.close_connection = True
            return
        if callable(decided):
            answer = decided(answer)
        self.send(handler, answer)

    def pass_on(self, request):
        """The cloud's own answer; None when it gives none. The Host header stays, so that signatures hold."""
        assert self.cloud, f"no hook answered {request}"
        connection = http.client.HTTPConnection(self.cloud.listen, timeout=60)
        try:
            connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name.lower() not in ("connection", "expect"):
                    connection.putheader(name, value)
            connection.endheaders(request.body or None)
            got = connection.getresponse()
            body = got.read()
            headers = {k: v for k, v in got.getheaders() if k.lower() not in HOP}
            if request.method == "HEAD" and got.getheader("Content-Length"):
                headers["Content-Length"] = got.getheader("Content-Length")
            return Answer(got.status, headers, body)
        except OSError:
            return None
        finally:
            connection.close()

    @staticmethod
    def send(handler, answer):
        try:
            handler.send_response_only(answer.status)
            for name, value in answer.headers.items():
                handler.send_header(name, value)
            if "Content-Length" not in answer.headers:
                handler.send_header("Content-Length", str(len(answer.body)))
            handler.end_headers()
            if handler.command != "HEAD":
                handler.wfile.write(answer.body)
        except OSError:
            handler.close_connection = True

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)
