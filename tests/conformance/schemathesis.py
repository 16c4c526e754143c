# SPDX-License-Identifier: MIT
"""Schemathesis (PyPI) over assets/openapi.yaml with a station's token: whatever the page allows is taken, whatever it
forbids is refused, and every answer is the page's. A fixed seed and a bounded number of examples; it is skipped where
the tool is not here and cannot be had from PyPI."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import headgate_test
from api import SESSION, decide
from headgate_test import BUILD, ROOT, SOAK, Skip

VERSION = "4.32.5"
RULES = "[metadata]\nversion = 3\n[metadata.keys]\nfatigue_level = number 0..10 required\nhardware_model = text required\n"


def tool():
    """(command, environment) of Schemathesis: the one that is installed, or one in the build folder."""
    here = shutil.which("schemathesis")
    if here:
        return [here], dict(os.environ)
    place = BUILD / "schemathesis"
    env = dict(os.environ, PYTHONPATH=str(place))
    command = [sys.executable, "-P", "-m", "schemathesis.cli"] if sys.version_info >= (3, 11) else [sys.executable, "-m", "schemathesis.cli"]
    if not place.exists():
        new = place.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        try:
            got = subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", new, f"schemathesis=={VERSION}"],
                                 capture_output=True, text=True, timeout=180, cwd="/")
        except subprocess.TimeoutExpired:
            raise Skip("Schemathesis is not here, and PyPI does not answer") from None
        if got.returncode:
            raise Skip("Schemathesis is not here and cannot be had: " + (got.stderr.strip().splitlines() or ["pip failed"])[-1])
        new.rename(place)
    return command, env


def test_the_page_tells_the_truth(place):
    command, env = tool()
    cloud = place.cloud("--rate", "0", schema=RULES)
    token = cloud.token(cloud.key("lab-1"))
    decide(cloud, token, SESSION, "lab-1")  # a change: no call waits for the first one
    words = ["run", ROOT / "assets/openapi.yaml", "--url", cloud.url, "-H", f"Authorization: Bearer {token}", "--seed", "20261121",
             "--max-examples", "300" if SOAK else "25", "--phases", "examples,coverage,fuzzing", "--continue-on-failure",
             "--request-timeout", "60", "--suppress-health-check", "all", "--warnings", "off", "--no-color"]
    got = subprocess.run([*map(str, command), *map(str, words)], capture_output=True, text=True, env=env, cwd=place.dir,
                         timeout=headgate_test.TEST_LIMIT_S)
    assert "Test cases:" in got.stdout, f"it did not run: {got.stdout[-3000:]}{got.stderr[-3000:]}"
    print("# " + next(line for line in got.stdout.splitlines() if "generated" in line).strip())
    assert got.returncode == 0, got.stdout[-20000:]
    assert "16 selected" in got.stdout.replace("  ", " ") or "Selected: 16/16" in got.stdout, "operations were left out"


if __name__ == "__main__":
    headgate_test.main()
