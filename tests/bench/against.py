# SPDX-License-Identifier: MIT
"""Two builds in one run: every figure of both, alternating, round by round; what counts is the ratio of the same round."""
import json
import re
import subprocess
import sys

from measure import median, spread

NUMBER = re.compile(r"\d+(?:\.\d+)?")


def measure_once(script, name, scale, build, folder):
    """{figure: number} of one round of the figures `name`; what was skipped is left out."""
    ran = subprocess.run([sys.executable, script, "--only", name, "--rounds", "1", "--scale", str(scale), "--build", build,
                          "--dir", folder, "--json", "-"], capture_output=True, text=True)
    if ran.returncode not in (0, 1) or not ran.stdout:  # 1: a figure was missed, which is another question
        print(ran.stderr[-4000:] + f"tests/bench/run: {name} cannot be measured with {build}", file=sys.stderr)
        sys.exit(2)
    found = {row["figure"]: NUMBER.match(row.get("measured", "")) for row in json.loads(ran.stdout)["rows"]}
    return {figure: float(number.group()) for figure, number in found.items() if number}


def compare(script, names, given, builds, say):
    """Rows of {figure, measured, absolute}: the ratio of the first build's number to the second's."""
    rows = []
    for name in names:
        rounds = []
        for number in range(given.rounds):
            order = builds if number % 2 == 0 else builds[::-1]
            results = {build: measure_once(script, name, given.scale, build, given.dir) for build in order}
            rounds.append([results[build] for build in builds])
            say(f"{name}: round {number + 1} of {given.rounds}")
        for figure in rounds[0][0]:
            pairs = [(now[figure], then[figure]) for now, then in rounds if now.get(figure) and then.get(figure)]
            if not pairs:
                continue
            absolute = " / ".join(f"{median(side):.4g}" for side in zip(*pairs))
            rows.append({"name": name, "figure": figure, "measured": spread([now / then for now, then in pairs]),
                         "absolute": absolute, "ratios": [now / then for now, then in pairs]})
    return rows
