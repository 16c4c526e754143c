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
# Within the cloud, handlers stand upon jobs, and jobs upon the store.
CLOUD_SERVED = ("cloud/call/", "cloud/api/", "cloud/s3/", "cloud/http/", "cloud/serve/", "cloud/commands/")
CLOUD_UPWARDS = {"store": ("cloud/jobs/", "cloud/lake/", *CLOUD_SERVED), "lake": CLOUD_SERVED, "jobs": CLOUD_SERVED}
# ui/ reaches the engine through these only: the client of its socket, the journal's read side with its words, and what
# is concluded from them alone in the same words as the command line.
UI_STATION = {"station/control/client.h", "station/journal/journal.h", "station/journal/state.h", "station/told/acts.h", "station/told/safe.h", "station/told/handover.h"}
# Its folders: which of them each may include.
UI_FOLDERS = {
    "": {"", "term", "widgets", "model", "screens"},
    "term": {"term"},
    "widgets": {"term", "widgets"},
    "model": {"model"},
    "screens": {"term", "widgets", "model", "screens"},
}
JOURNAL_WRITERS = re.compile(r"\b(journal_(open|close|add_\w+|update|set\w*|file_stored|outbox_add|outbox_delete)|session_step)\s*\(")
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
# Layers that are still to be converted: each goes from here when it is.
JSON_PENDING = ("cloud/", "station/", "ui/")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def layer_of(path):
    """'station' of station/disk/scan.c, 'headgate.c' of a main: paths are relative to src/, those of ui/ begin with ui/."""
    return path.split("/")[0]


def folder_of(path):
    """'term' of ui/term/key.h, '' of ui/app.h."""
    return "/".join(path.split("/")[1:-1])


def violations(path, text):
    """What is wrong with the file `path` of that text: one sentence each."""
    found = []
    layer = layer_of(path)
    if layer not in LAYERS:
        return [f"{path}: the design knows no layer {layer}"]
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
        if layer == "ui" and target == "ui" and folder_of(name) not in UI_FOLDERS.get(folder_of(path), set()):
            found.append(f"{path}: ui/{folder_of(path)} stands below {name}")
        if layer == "cloud" and name.startswith(CLOUD_UPWARDS.get(path.split("/")[1], ("\0",))):
            found.append(f"{path}: {path.split('/')[1]} stands below {name}")
    raw = None if JSON_HOME.match(path) or path.startswith(JSON_PENDING) else JSON_RAW.search(text)
    if raw:
        found.append(f"{path}: {raw.group(0)} of cJSON, which only base/json calls")
    if layer == "ui" and JOURNAL_WRITERS.search(text):
        found.append(f"{path}: ui only reads the journal, and calls {JOURNAL_WRITERS.search(text).group(1)}")
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
        "cloud/api/x.c": '#include "station/journal/state.h"',
        "cloud/x.c": '#include "ingest/client.h"',
        "cloud/store/x.c": '#include "cloud/serve/server.h"',
        "cloud/jobs/x.c": '  #  include "cloud/serve/server.h"',
        "cloud/store/y.c": "#include <openssl/ssl.h>",
        "cloud/jobs/y.c": "#include <jwt.h>",
        "cloud/api/y.c": "#include <libpq-fe.h>",
        "cloud/store/z.c": "#include <duckdb.h>",
        "cli/x.c": "#include <ncurses.h>",
        "cli/y.c": '#include "cloud/config.h"',
        "ui/x.c": '#include "station/run/run.h"',
        "ui/y.c": '#include "station/journal/journal.h"\nvoid f(void) { journal_update(j, r, 0, 0, 0, 0); }',
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
        "station/x.c": '#include "session/name.h"\n#include "ingest/client.h"\n#include "aws/sigv4.h"',
        "cloud/api/x.c": '#include <jwt.h>\n#include "cloud/jobs/validate.h"',
        "cloud/store/x.c": '#include <libpq-fe.h>\n#include "cloud/store/objects.h"',
        "cloud/lake/x.c": "#include <duckdb.h>",
        "ui/term/x.c": "#include <curses.h>",
        "ui/screens/x.c": '#include "ui/widgets/table.h"\n#include "ui/model/model.h"',
        "ui/app.c": '#include "ui/screens/screen.h"\n#include "ui/frame.h"',
        "ui/x.c": '#include "station/control/client.h"\n#include "station/journal/journal.h"',
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
        found += violations(path, text)
    assert files > 40, f"only {files} sources were found: the test looks in the wrong place"
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
