# SPDX-License-Identifier: MIT
"""reliability.md, promise 5: no key, token or signature in a log, a process list, the journal or on the screen, whatever goes
wrong on the way. A proxy between station and cloud sees every one that is used, and spoils some of the requests."""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from fault_proxy import DROP, LOSE, Answer, FaultProxy  # noqa: E402
from headgate_test import main, make_session, wait_for  # noqa: E402
from pty_console import Console  # noqa: E402

SESSION = "20261120_134502"
EXPIRED = Answer(403, {"Content-Type": "application/xml"}, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
BUSY = Answer(503, {"Content-Type": "application/xml"}, b"<Error><Code>SlowDown</Code><Message>slower</Message></Error>")


class Witness(FaultProxy):
    """Passes on and remembers what is secret in it; each of the first PUTs goes wrong in another way."""

    def __init__(self, place, cloud):
        self.secrets, self.puts = set(), 0
        super().__init__(place, cloud, self.look)

    def look(self, request):
        found = re.findall(r"X-Amz-Signature=([0-9a-f]{64})", request.path) + re.findall(r"^Bearer (\S+)", request.headers.get("Authorization", ""))
        found += re.findall(rb'"api_key":"([^"]+)"', request.body or b"")
        self.secrets |= {secret if isinstance(secret, bytes) else secret.encode() for secret in found}
        if request.method != "PUT":
            return None
        self.puts += 1
        ways = [EXPIRED, BUSY, DROP, LOSE, Answer.html(502), Answer(500, {"Content-Type": "application/xml"}, self.echo(request))]
        return ways[self.puts - 1] if self.puts <= len(ways) else None

    @staticmethod
    def echo(request):
        """A server that tells what was asked of it, word for word."""
        text = "&amp;".join(reversed(request.path.split("?")[1].split("&")))  # the signature first
        return f"<Error><Code>InternalError</Code><Message>at {text}</Message><SignatureProvided>{text}</SignatureProvided></Error>".encode()


def assert_none_in(secrets, where, content):
    for secret in secrets:
        for piece in (secret, secret.split(b".")[-1]):  # a token's own signature too
            assert piece not in content, f"{piece[:10]}... stands in {where}: {content[max(0, content.index(piece) - 200):][:260]!r}"


def test_no_secret_is_left_anywhere(place):
    cloud = place.cloud()
    witness = Witness(place, cloud)
    log = place.dir / "engine.log"
    station = place.station(cloud, endpoint=witness.url, log={"file": log, "level": "debug"}, upload={"connections": 1})
    make_session(station.recordings, SESSION, {f"f{n}.edf": 5000 + n for n in range(6)})
    engine = station.start()
    lines = set()

    def accepted():
        lines.add(Path(f"/proc/{engine.pid}/cmdline").read_bytes())
        row = station.session(SESSION)
        if row and row["state"] == "failed":
            station.command("retry", SESSION)
        return row and row["state"] == "accepted"

    wait_for(accepted, 90, "the session to be accepted")
    assert witness.puts > 6 and station.key.encode() in witness.secrets and len(witness.secrets) >= 8, (witness.puts, len(witness.secrets))
    console = Console(station, rows=50, columns=200)
    console.wait_row(SESSION, "accepted")
    console.press("Enter")
    for pane in ("Files", "Metadata", "Checks", "Attempts", "Events"):
        console.press("Tab")
        console.wait_until(f"[{pane}")
    console.press("Esc", "8", "Tab", "Tab")
    console.wait_until("[Configuration]")
    assert console.quit() == 0
    said = [station.command(*words) for words in (("sessions", SESSION), ("sessions", SESSION, "--json"), ("status", "--json"), ("config",), ("handover",))]
    assert engine.stop() == 0
    attempts = said[1].out
    assert "503" in attempts and "502" in attempts, attempts
    for path in [*station.state.rglob("*"), log, *cloud.data.glob("logs.db*")]:
        if path.is_file():
            assert_none_in(witness.secrets, path, path.read_bytes())
    for result in said:
        assert_none_in(witness.secrets, "what a command says", (result.out + result.err).encode())
    for where, content in (("the engine's output", engine.out + engine.err), ("the cloud's output", cloud.child.out + cloud.child.err)):
        assert_none_in(witness.secrets, where, content.encode())
    assert_none_in(witness.secrets, "the console", bytes(console.stream))
    assert_none_in(witness.secrets, "the process list", b"".join(lines))


main()
