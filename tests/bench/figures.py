# SPDX-License-Identifier: MIT
"""The list of figures, in the order of the table. Each is a module's function: measure(context) -> rows."""
import importlib
import shutil
from dataclasses import dataclass
from typing import Callable

FIGURES = [
    ("upload", "upload"),  # name, module
    ("large", "upload_large"),
    ("put", "put"),
    ("presign", "presign"),
    ("prompt", "prompt"),
    ("status", "status"),
    ("first_start", "first_start"),
    ("console", "console"),
]
NAMES = [name for name, _ in FIGURES]


@dataclass
class Context:
    """What a figure may use: the scale, the rounds, a Place of its own, and a way to say how far it is."""
    name: str
    scale: float
    rounds: int
    place: object
    say: Callable

    def scaled(self, number, least=1):
        return max(least, int(number * self.scale))


def need_room(place, size):
    free = shutil.disk_usage(place.dir).free
    if free < size:
        raise RuntimeError(f"{place.dir} has {free / 1e9:.1f} GB free and {size / 1e9:.1f} GB are needed: take --scale or --dir")


def measure_all(names, scale, rounds, say):
    from headgate_test import Place

    rows = []
    for name, module in FIGURES:
        if name not in names:
            continue
        say(f"{name}:")
        place = Place()
        try:
            rows += importlib.import_module(module).measure(Context(name, scale, rounds, place, say))
        finally:
            place.close()
            place.remove()
    return rows
