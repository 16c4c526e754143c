# SPDX-License-Identifier: MIT
"""Rules that every source keeps: calls that do not compile, size, the licence line, and that each file is built."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lib"))
import headgate_test  # noqa: E402

# Each banned function with a call of it that is right otherwise.
CALLS = {
    "sprintf": 'char b[9]; sprintf(b, "x");',
    "vsprintf": "char b[9]; va_list a; vsprintf(b, s, a);",
    "strcpy": "char b[9]; strcpy(b, s);",
    "strcat": 'char b[9] = ""; strcat(b, s);',
    "strncpy": "char b[9]; strncpy(b, s, 9);",
    "system": "system(s);",
    "popen": 'popen(s, "r");',
    "gets": "extern char *gets(char *); char b[9]; gets(b);",
    "strtok": 'char b[9] = ""; strtok(b, " ");',
    "atoi": "atoi(s);",
    "atol": "atol(s);",
}
LINES_MAX = 800
LICENCE = "SPDX-License-Identifier: MIT"


def compiler():
    return os.environ.get("CC", "cc")


def compiles(body, forced=True):
    """Whether a function of that body compiles as a source of ours does."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "sample.c")
        source.write_text("#include <stdarg.h>\nvoid f(const char *s);\nvoid f(const char *s) { (void)s; %s }\n" % body)
        command = [compiler(), "-std=gnu17", "-D_GNU_SOURCE", "-w", "-c", str(source), "-o", str(Path(folder, "sample.o"))]
        if forced:
            command[1:1] = ["-include", str(ROOT / "src/base/banned.h")]
        else:
            command[1:1] = ["-include", "stdio.h", "-include", "stdlib.h", "-include", "string.h"]
        return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0


def c_sources():
    for folder in ("src", "ui"):
        yield from sorted((ROOT / folder).rglob("*.[ch]"))


def our_files():
    """Every text of ours that carries a licence line."""
    yield from c_sources()
    for folder in ("tests", "assets", ".ci"):
        for path in sorted((ROOT / folder).rglob("*")):
            if not path.is_file() or "data" in path.parts or "__pycache__" in path.parts:
                continue
            if path.suffix in (".c", ".h", ".py") or (not path.suffix and path.read_bytes()[:2] == b"#!"):
                yield path


def test_banned_calls_do_not_compile():
    assert compiles("(void)0;"), "not even an empty function compiles: the test would prove nothing"
    for name, call in CALLS.items():
        assert compiles(call, forced=False), f"the sample of {name} is wrong in itself"
        assert not compiles(call), f"{name} compiles"


def test_the_list_and_this_test_name_the_same_functions():
    banned = re.search(r"#pragma GCC poison (.*)", (ROOT / "src/base/banned.h").read_text()).group(1).split()
    assert set(banned) == set(CALLS), set(banned) ^ set(CALLS)


def test_no_source_escapes_the_forced_header():
    """Every object of src/ and ui/ that the build makes is compiled with banned.h before its first line."""
    build = os.environ.get("HEADGATE_BUILD")
    if not build:
        raise headgate_test.Skip("HEADGATE_BUILD is not set")
    shown = subprocess.run(["ninja", "-C", build, "-t", "compdb"], capture_output=True, text=True, check=True)
    import json

    built = set()
    for entry in json.loads(shown.stdout):
        path = (Path(entry["directory"]) / entry["file"]).resolve()
        inside = [(ROOT / folder) in path.parents for folder in ("src", "ui")]
        if path.suffix != ".c" or not any(inside):
            continue
        built.add(path)
        assert f"-include {ROOT}/src/base/banned.h" in entry["command"].replace("'", ""), f"{path} is compiled without banned.h"
    sources = {path.resolve() for path in c_sources() if path.suffix == ".c"}
    assert sources == built, f"not built: {sorted(map(str, sources - built))}"


def test_no_source_undoes_the_ban():
    for path in c_sources():
        text = path.read_text(encoding="utf-8")
        assert path.name == "banned.h" or "GCC poison" not in text, path
        assert not re.search(r"#\s*undef\s+(%s)\b" % "|".join(CALLS), text), path
        assert not re.search(r"\bdlsym\s*\(", text), f"{path}: dlsym reaches any function"


def test_sizes_and_licence_lines():
    wrong, seen = [], 0
    for path in our_files():
        seen += 1
        lines = path.read_text(encoding="utf-8").splitlines()
        head = lines[:2] if lines and lines[0].startswith("#!") else lines[:1]
        if not any(LICENCE in line for line in head):
            wrong.append(f"{path.relative_to(ROOT)}: its first line is not the licence")
        if len(lines) > LINES_MAX:
            wrong.append(f"{path.relative_to(ROOT)}: {len(lines)} lines, {LINES_MAX} are allowed: split it by subject")
    assert seen > 60, f"only {seen} files were found"
    assert not wrong, "\n".join(wrong)


def test_every_unit_test_is_listed():
    missing = []
    for path in sorted((ROOT / "tests/unit").glob("*/test_*.c")):
        listed = re.findall(r"'(\w+)'", (path.parent / "meson.build").read_text())
        if path.stem.removeprefix("test_") not in listed:
            missing.append(str(path.relative_to(ROOT)))
    assert not missing, f"not in their meson.build: {missing}"


if __name__ == "__main__":
    headgate_test.main()
