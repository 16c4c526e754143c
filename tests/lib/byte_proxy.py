# SPDX-License-Identifier: MIT
"""A proxy below HTTP: it passes bytes on until a connection's fault comes due.

    def plan(n):                    # called for the nth connection (from 0)
        return Fault(up=70_000, how=RESET) if n < 3 else None

`up` counts bytes from the client, `down` bytes from the server; the fault comes at the first of them. How it ends:
CLOSE both sides in order, RESET (an RST, as a router that lost its table sends), HOLE (nothing is passed on any more,
nothing is said, for hole_s seconds, then RESET). `rate` makes a slow link (bytes a second) of a connection instead.
"""
import select
import socket
import struct
import threading

CLOSE, RESET, HOLE = "close", "reset", "hole"
PIECE = 16384


class Fault:
    def __init__(self, up=None, down=None, how=CLOSE, hole_s=5.0, rate=None):
        self.up, self.down, self.how, self.hole_s, self.rate = up, down, how, hole_s, rate


def reset(connection):
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    connection.close()


class ByteProxy:
    """Listens on a free loopback port in front of a cloud (which may be restarted behind it)."""

    def __init__(self, place, cloud, plan=None):
        self.cloud, self.plan = cloud, plan or (lambda n: None)
        self.connections, self.faults, self.lock = 0, 0, threading.Lock()
        self.ended = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()
        place.servers.append(self)

    def accept(self):
        while not self.ended.is_set():
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                fault = self.plan(self.connections)
                self.connections += 1
            threading.Thread(target=self.serve, args=(client, fault or Fault()), daemon=True).start()

    def serve(self, client, fault):
        try:
            host, port = self.cloud.listen.rsplit(":", 1)
            server = socket.create_connection((host, int(port)), timeout=10)
        except OSError:
            reset(client)
            return
        left = {client: fault.up, server: fault.down}
        other = {client: server, server: client}
        try:
            while not self.ended.is_set():
                ready, _, _ = select.select([client, server], [], [], 0.5)
                for source in ready:
                    piece = source.recv(PIECE)
                    if not piece:
                        return
                    if left[source] is not None:
                        piece = piece[:left[source]]
                        left[source] -= len(piece)
                    if piece:
                        other[source].sendall(piece)
                    if left[source] == 0:
                        self.strike(client, server, fault)
                        return
                    if fault.rate:
                        self.ended.wait(len(piece) / fault.rate)
        except OSError:
            pass
        finally:
            client.close()
            server.close()

    def strike(self, client, server, fault):
        with self.lock:
            self.faults += 1
        if fault.how == HOLE:
            self.ended.wait(fault.hole_s)
        if fault.how != CLOSE:
            reset(client)
            reset(server)

    def close(self):
        self.ended.set()
        self.listener.close()
