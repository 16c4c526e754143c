# SPDX-License-Identifier: MIT
"""One file of 5 GB (sparse at the station): peak memory must not follow the file's size."""
import os

from figures import need_room
from headgate_test import GOOD_METADATA
from measure import MB, alternate, row
from upload import PEAK_MIB_MAX, run_headgate


def measure(context):
    place, size = context.place, context.scaled(5000 * MB)
    need_room(place, size + 500 * MB)
    recordings = place.dir / "recordings"
    folder = recordings / "20261120_134502"
    folder.mkdir(parents=True)
    with open(folder / "signals.edf", "wb") as out:
        out.truncate(size)
    assert os.stat(folder / "signals.edf").st_size == size
    (folder / "metadata.txt").write_text(GOOD_METADATA)
    costs = alternate(1, [("headgate run --once", lambda: run_headgate(place, recordings))], context.say)["headgate run --once"]
    peak = max(cost.peak_kib for cost in costs) / 1024
    return [row(context.name, f"upload one file of {size / MB:.0f} MB: peak memory of headgate run", f"{peak:.1f} MiB", f"< {PEAK_MIB_MAX} MiB",
                peak < PEAK_MIB_MAX, f"{costs[0].wall_s:.1f} s, CPU {costs[0].cpu_s / (size / 1e9):.2f} s/GB", peaks_kib=[c.peak_kib for c in costs])]
