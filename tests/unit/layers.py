# SPDX-License-Identifier: MIT
"""Holds every #include of src/ and ui/ against the layers of the design (architecture.md, "Layers")."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lib"))
import headgate_test  # noqa: E402

MIDDLE = {"session", "aws", "ingest"}
# Which layers a file of each layer may include.
LAYERS = {
    "base": {"base"},
    "session": {"base", "session"},
    "aws": {"base", "aws"},
    "ingest": {"base", "ingest"},
    "station": {"base", "station"} | MIDDLE,
    "feed": {"base", "feed"} | MIDDLE,
    "cli": {"base", "cli", "station", "feed", "ui"} | MIDDLE,
    "ui": {"base", "ui", "station", "feed"} | MIDDLE,
    "cloud": {"base", "session", "aws", "cloud"},
    "headgate.c": {"base", "cli", "ui"},
    "headgate_cloud.c": {"base", "cloud"},
}


def rows(*order):
    """Each folder may include those of the rows before its own: those of one row know nothing of each other."""
    return {folder: set().union(*order[:at]) for at, row in enumerate(order) for folder in row}


# Which other folders of its layer a folder may include. A layer whose folders are not named here has none.
FOLDERS = {
    **rows({"station"}, {"station/journal"}, {"station/disk", "station/control"}, {"station/told"}, {"station/engine"},
           {"station/intake", "station/sending", "station/talk"}, {"station/run"}),
    **rows({"cloud", "cloud/store"}, {"cloud/lake"}, {"cloud/jobs"}, {"cloud/call"},
           {"cloud/api", "cloud/s3", "cloud/http"}, {"cloud/serve"}, {"cloud/commands"}),
    **rows({"cli"}, {"cli/demo"}),
    "ui/term": set(),
    "ui/widgets": {"ui/term"},
    "ui/model": set(),
    "ui/screens": {"ui/term", "ui/widgets", "ui/model"},
    "ui": {"ui/term", "ui/widgets", "ui/model", "ui/screens"},
}
FILES_MOST = 20  # .c files of a folder; base/ is a library of its own
FUNCTION_LINES_MOST = 100
# What still breaks these rules. An entry that is not needed any more fails, so that what it allowed does not come back.
FOLDERS_PENDING = set()
CIRCLES_PENDING = set()
# One unit on purpose: struct engine, and what is told of it.
ONE_UNIT = (
    {f"station/engine/{name}" for name in ("calls", "engine", "job", "lanes", "root", "rules", "session", "sessions", "watches")},
    {"station/config", "station/config_check"},  # one struct, loaded and made whole
)
# ui/ reaches the engine through these only: the client of its socket, the journal's read side with its words, and what
# is concluded from them alone in the same words as the command line.
UI_STATION = {
    "station/control/client.h", "station/control/rpc.h", "station/journal/rows.h", "station/journal/settings.h",
    "station/journal/state.h", "station/journal/view.h", "station/told/acts.h", "station/told/handover.h",
    "station/told/safe.h",
}
# Libraries, and the one folder that may know each.
LIBRARIES = {
    "a curses": (re.compile(r"^(ncursesw?/)?(n?cursesw?|panel|menu|form|term)\.h$"), "ui/term/"),
    "DuckDB": (re.compile(r"^duckdb\.h$"), "cloud/lake/"),
    "PostgreSQL": (re.compile(r"^(postgresql/)?(libpq-fe|libpq-events|postgres_ext)\.h$|^libpq/"), "cloud/store/"),
    "TLS of the server": (re.compile(r"^openssl/ssl\.h$"), "cloud/http/wire.c"),
    "libjwt": (re.compile(r"^jwt\.h$"), "cloud/api/"),
}
# JSON is read, built and taken apart by base/json alone: it tells names apart by case, and answers for what is not there.
JSON_HOME = re.compile(r"^base/json\w*\.[ch]$")
JSON_RAW = re.compile(r"\b(cJSON_\w+)|->\s*(valuestring|valuedouble|valueint)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def layer_of(path):
    """'station' of station/disk/scan.c, 'headgate.c' of a main: paths are relative to src/, those of ui/ begin with ui/."""
    return path.split("/")[0]


def folder_of(path):
    """'ui/term' of ui/term/key.h, 'headgate.c' of a main."""
    return path.rpartition("/")[0] or path


def stands_below(path, name):
    """Whether the folder of the file `path` may not include the file `name`, which is of the same layer."""
    folder, target = folder_of(path), folder_of(name)
    return folder != target and target not in FOLDERS.get(folder, set())


def circles(edges):
    """The sets of nodes that reach each other, of pairs (from, to)."""
    after, found = {}, []
    for a, b in edges:
        after.setdefault(a, set()).add(b)

    def reached(node):
        seen, todo = set(), [node]
        while todo:
            fresh = after.get(todo.pop(), set()) - seen
            seen |= fresh
            todo += fresh
        return seen

    reach = {node: reached(node) for node in after}
    for node in sorted(after):
        if node in reach[node] and not any(node in c for c in found):
            found.append({other for other in reach[node] if node in reach.get(other, set())})
    return found


def folder_edges(files):
    """(from, to) of each #include that leaves its folder."""
    return {(folder_of(path), folder_of(name)) for path, text in files for kind, name in INCLUDE.findall(text)
            if kind == '"' and folder_of(path) != folder_of(name)}


def file_edges(files):
    """The same of files: the .c and the .h of one name are one."""
    return {(path[:-2], name[:-2]) for path, text in files for kind, name in INCLUDE.findall(text)
            if kind == '"' and path[:-2] != name[:-2]}


def long_functions(text, most):
    """(name, lines) of those that are too long: from the line at column 0 that opens one to its brace at column 0."""
    found, start, name = [], 0, ""
    for at, line in enumerate(text.splitlines()):
        opens = re.match(r"[A-Za-z_][^;=]*?(\w+)\(", line)
        if opens:
            start, name = at, opens.group(1)
        elif line == "}" and at - start + 1 > most:
            found.append((name, at - start + 1))
    return found


def violations(path, text, pending=frozenset()):
    """What is wrong with the file `path` of that text: one sentence each. pending: pairs of folders that are let pass."""
    found = []
    layer = layer_of(path)
    if layer not in LAYERS:
        return [f"{path}: the design knows no layer {layer}"]
    if folder_of(path) != layer and folder_of(path) not in FOLDERS:
        found.append(f"{path}: the design knows no folder {folder_of(path)}")
    for kind, name in INCLUDE.findall(text):
        for library, (pattern, home) in LIBRARIES.items():
            if pattern.match(name) and not path.startswith(home):
                found.append(f"{path}: includes {library} ({name}), which only {home} may")
        if kind == "<":
            continue
        if "/" not in name:
            found.append(f'{path}: "{name}" must be included by its path from src/')
            continue
        if ".." in name:
            found.append(f'{path}: "{name}" climbs out of its folder')
            continue
        target = layer_of(name)
        if target not in LAYERS[layer]:
            found.append(f"{path}: {layer} may not include {name}")
        if layer == "ui" and target == "station" and name not in UI_STATION:
            found.append(f"{path}: ui reaches the station by {', '.join(sorted(UI_STATION))} only, not {name}")
        if layer == target and stands_below(path, name) and (folder_of(path), folder_of(name)) not in pending:
            found.append(f"{path}: {folder_of(path)} may not include {name}")
    raw = None if JSON_HOME.match(path) else JSON_RAW.search(text)
    if raw:
        found.append(f"{path}: {raw.group(0)} of cJSON, which only base/json calls")
    return found


def sources():
    for folder, prefix in ((ROOT / "src", ""), (ROOT / "ui", "ui/")):
        for path in sorted(folder.rglob("*.[ch]")) if folder.is_dir() else []:
            yield prefix + str(path.relative_to(folder)), path.read_text(encoding="utf-8")


def test_the_rules_find_violations():
    """A test that cannot fail proves nothing: each rule meets one sample that breaks it, and one that does not."""
    broken = {
        "base/x.c": '#include "session/name.h"',
        "session/x.c": '#include "aws/sigv4.h"',
        "aws/x.c": '#include "station/journal/state.h"',
        "ingest/x.c": '#include "aws/sigv4.h"',
        "station/x.c": '#include "cloud/config.h"',
        "station/y.c": '#include "cli/cli.h"',
        "station/journal/x.c": '#include "station/engine/session.h"',
        "station/disk/x.c": '#include "station/control/rpc.h"',
        "station/engine/x.c": '#include "station/sending/upload.h"',
        "station/sending/x.c": '#include "station/talk/outbox.h"',
        "station/talk/x.c": '#include "station/run/run.h"',
        "station/other/x.c": '#include "station/config.h"',
        "session/other/x.c": "",
        "cli/x.c": '#include "cli/demo/demo.h"',
        "cloud/api/x.c": '#include "station/journal/state.h"',
        "cloud/x.c": '#include "ingest/client.h"',
        "cloud/store/x.c": '#include "cloud/serve/server.h"',
        "cloud/jobs/x.c": '  #  include "cloud/serve/server.h"',
        "cloud/call/x.c": '#include "cloud/api/handlers.h"',
        "cloud/api/z.c": '#include "cloud/s3/s3.h"',
        "cloud/store/y.c": "#include <openssl/ssl.h>",
        "cloud/jobs/y.c": "#include <jwt.h>",
        "cloud/api/y.c": "#include <libpq-fe.h>",
        "cloud/store/z.c": "#include <duckdb.h>",
        "cli/w.c": "#include <ncurses.h>",
        "cli/y.c": '#include "cloud/config.h"',
        "ui/x.c": '#include "station/run/run.h"',
        "ui/y.c": '#include "station/journal/writer.h"',
        "ui/w.c": '#include "station/journal/journal.h"',
        "ui/z.c": '#include "cloud/config.h"',
        "ui/screens/x.c": "#include <curses.h>",
        "ui/screens/y.c": '#include "ui/app.h"',
        "ui/widgets/x.c": '#include "ui/screens/screen.h"',
        "ui/model/x.c": '#include "ui/term/theme.h"',
        "ui/term/x.c": '#include "ui/widgets/pager.h"',
        "ui/other/x.c": '#include "ui/app.h"',
        "headgate.c": '#include "station/run/run.h"',
        "base/y.c": '#include "text.h"',
        "base/z.c": '#include "base/../session/name.h"',
        "cli/z.c": 'void f(cJSON *o) { cJSON_GetObjectItem(o, "x"); }',
        "session/y.c": "double f(const cJSON *o) { return o->valuedouble; }",
        "session/z.c": "void f(const cJSON *a) { cJSON *o; cJSON_ArrayForEach (o, a) g(o); }",
        "other/x.c": "",
    }
    for path, text in broken.items():
        assert violations(path, text), f"{path} with {text!r} was not found"
    fine = {
        "base/x.c": '#include <stdio.h>\n#include "base/text.h"',
        "station/run/x.c": '#include "station/run/acts.h"\n#include "station/talk/outbox.h"\n#include "station/config.h"',
        "station/intake/x.c": '#include "station/engine/session.h"\n#include "station/disk/scan.h"',
        "cli/demo/x.c": '#include "cli/cli.h"',
        "station/x.c": '#include "session/name.h"\n#include "ingest/client.h"\n#include "aws/sigv4.h"',
        "cloud/api/x.c": '#include <jwt.h>\n#include "cloud/jobs/validate.h"',
        "cloud/store/x.c": '#include <libpq-fe.h>\n#include "cloud/store/objects.h"',
        "cloud/lake/x.c": "#include <duckdb.h>",
        "ui/term/x.c": "#include <curses.h>",
        "ui/screens/x.c": '#include "ui/widgets/table.h"\n#include "ui/model/model.h"',
        "ui/app.c": '#include "ui/screens/screen.h"\n#include "ui/frame.h"',
        "ui/x.c": '#include "station/control/client.h"\n#include "station/journal/view.h"',
        "cli/x.c": '#include "station/run/run.h"',
        "headgate.c": '#include "cli/cli.h"',
        "base/json_pull.c": "double f(const cJSON *o) { return cJSON_IsNumber(o) ? o->valuedouble : 0; }",
        "cli/y.c": 'const char *f(const cJSON *o) { return json_get_text(o, "x"); }',
    }
    for path, text in fine.items():
        assert not violations(path, text), violations(path, text)


def test_every_include_keeps_to_its_layer():
    found, files = [], 0
    for path, text in sources():
        files += 1
        found += violations(path, text, FOLDERS_PENDING)
    assert files > 40, f"only {files} sources were found: the test looks in the wrong place"
    assert not found, "\n".join(found)


def test_circles_are_found():
    assert circles({("a", "b"), ("b", "c"), ("a", "c")}) == []
    assert circles({("a", "b"), ("b", "c"), ("c", "b")}) == [{"b", "c"}]
    assert circles({("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e"), ("e", "d")}) == [{"a", "b", "c"}, {"d", "e"}]
    files = [("station/a/x.c", '#include "station/a/x.h"\n#include "station/b/y.h"'), ("station/b/y.h", '#include "station/a/z.h"')]
    assert circles(folder_edges(files)) == [{"station/a", "station/b"}] and circles(file_edges(files)) == []
    assert circles(file_edges([*files, ("station/a/z.c", '#include "station/a/x.h"')])) == [
        {"station/a/x", "station/b/y", "station/a/z"}]


def test_no_circle_between_folders():
    found = circles(folder_edges(sources()) - FOLDERS_PENDING)
    assert not found, "\n".join(", ".join(sorted(c)) + ": include each other" for c in found)


def test_no_circle_between_files_of_the_station():
    found = [c for c in circles(file_edges(sources())) if any(n.startswith("station/") for n in c) and not c <= CIRCLES_PENDING and not any(c <= unit for unit in ONE_UNIT)]
    assert not found, "\n".join(", ".join(sorted(c)) + ": include each other" for c in found)


def test_what_is_pending_still_is():
    """Only what is needed now stands there."""
    files = list(sources())
    now = {(folder_of(path), folder_of(name)) for path, text in files for kind, name in INCLUDE.findall(text)
           if kind == '"' and layer_of(path) == layer_of(name) and stands_below(path, name)}
    assert not FOLDERS_PENDING - now, f"take out of FOLDERS_PENDING: {sorted(FOLDERS_PENDING - now)}"
    within = set().union(*circles(file_edges(files)))
    assert not CIRCLES_PENDING - within, f"take out of CIRCLES_PENDING: {sorted(CIRCLES_PENDING - within)}"


def test_folders_and_functions_are_small():
    files = list(sources())
    assert long_functions("int f(void) {\n\tg();\n}\n", 2) == [("f", 3)] and not long_functions("int f(void) {\n}\n", 2)
    assert not long_functions("int f(void) { return 1; }\nstruct x {\n\tint a;\n};\nint g(int a,\n\tint b) {\n}\n", 3)
    found = [f"{path}: {name} has {n} lines" for path, text in files for name, n in long_functions(text, FUNCTION_LINES_MOST)]
    count = {}
    for path, _ in files:
        count[folder_of(path)] = count.get(folder_of(path), 0) + path.endswith(".c")
    found += [f"{folder} has {n} files" for folder, n in count.items() if n > FILES_MOST and folder != "base"]
    assert not found, "\n".join(found)


def test_every_include_exists():
    missing = []
    for path, text in sources():
        for kind, name in INCLUDE.findall(text):
            if kind == '"' and not (ROOT / "src" / name).exists() and not (ROOT / name).exists():
                missing.append(f"{path}: {name}")
    assert not missing, "\n".join(missing)


if __name__ == "__main__":
    headgate_test.main()
