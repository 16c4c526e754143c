# SPDX-License-Identifier: MIT
"""README's table "To add something" is true: in a copy of the tree each of its rows is followed by a script that touches
the files of that row and no others; then both programs and the tests of the tables are built there, with warnings as
errors, and what was added is seen to work."""
# limit: 900 s
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lib"))
import headgate_test  # noqa: E402

HEADING = "To add something"
NAME = "zzz"  # what is added, in place of NAME in the table
TREE = (".ci", "src", "ui", "tests", "assets", "meson.build", "README.md", "LICENSE")
LICENCE = "/* SPDX-License-Identifier: MIT */\n"


def after(line, text):
    """The edit that puts text behind the first line that holds `line`."""
    return lambda old: put(old, line, text, True)


def before(line, text):
    return lambda old: put(old, line, text, False)


def put(old, line, text, behind):
    at = old.find(line)
    assert at >= 0, f"there is no {line!r} any more: correct the recipe, and the table if it is the table that changed"
    at = old.find("\n", at) + 1 if behind else old.rfind("\n", 0, at) + 1
    return old[:at] + text + old[at:]


def swap(old_text, new_text):
    """The edit that writes new_text for old_text, which stands there once."""
    def edit(old):
        assert old.count(old_text) == 1, f"{old_text!r} stands there {old.count(old_text)} times: correct the recipe"
        return old.replace(old_text, new_text)
    return edit


def both(*edits):
    def edit(old):
        for one in edits:
            old = one(old)
        return old
    return edit


def new(text):
    """The edit that makes a file."""
    def edit(old):
        assert old is None, "the file is there already"
        return text
    return edit


COMMAND = LICENCE + """#include <stdio.h>

#include "cli/cli.h"

static int zzz_body(struct cli *c, struct error *err) {
	(void)c, (void)err;
	puts("the command is here");
	return 0;
}

int cli_zzz(int argc, char **argv) {
	static const struct arg_spec spec = {.command = "zzz", .summary = "Says that it is here.", .text = "Example:\\n  headgate zzz"};
	return cli_command_bare(&spec, argc, argv, NULL, NULL, zzz_body);
}
"""
ROUTE = LICENCE + """#include "cloud/api/handlers.h"

void zzz_get(struct call *c, struct reply *r) {
	cJSON *answer = json_object();
	json_add_text(answer, "station", c->who.station);
	reply_json(r, 200, answer);
}
"""
CHECK = """static void check_zzz(const struct check_input *in, struct check_list *l) {
	check_add(l, CHECK_ZZZ, VERDICT_PASS, in->file_n ? "the check is here" : "", "", "");
}

"""
SCREEN = LICENCE + """#include "ui/screens/screens.h"

struct zzz { /* the part: what the screen shows and no other */
	int64_t at_ms;
	int reads;
};
struct zzz_screen {
	int drawn;
};

static int zzz_read(const struct part_read *r, void *data, struct error *err) {
	(void)r, (void)err;
	((struct zzz *)data)->reads++;
	return 0;
}

const struct part part_zzz = {.name = "zzz", .size = sizeof(struct zzz), .old_ms = 5000, .read = zzz_read};

static void zzz_draw(void *self, const struct model *m, const struct canvas *c) {
	const struct zzz *data = part_data(m, &part_zzz);
	((struct zzz_screen *)self)->drawn++;
	canvas_clear(c);
	canvas_fmt(c, 0, 0, c->w, ROLE_TEXT, "read %d times", data ? data->reads : 0);
}

static struct after zzz_act(struct host *host, void *self, enum action action, const struct key_event *key) {
	(void)host, (void)self, (void)action, (void)key;
	return (struct after){.kind = AFTER_NOTHING};
}

const struct screen screen_zzz = {
	.name = "zzz",
	.title = "Zzz",
	.help = "A screen that says that it is here.",
	.parts = (const struct part *const[]){&part_zzz, NULL},
	.state_size = sizeof(struct zzz_screen),
	.draw = zzz_draw,
	.act = zzz_act,
};
"""
STATE = """static const uint8_t from_zzz[EVENT_N] = {
	[EVENT_CHANGED] = STATE_SETTLING,
	[EVENT_VANISHED] = STATE_GONE,
};
"""
WHY = """static void why_zzz(const struct why *w) { buf_str(w->out, "It sleeps."); }

"""
READ = """int journal_zzz(struct journal_view *v, const char *name, struct error *err) {
	int found = db_one(v->db, R_SESSIONS_ZZZ, err, "t", name);
	if (found >= 0) db_reset(v->db, R_SESSIONS_ZZZ);
	return found;
}

"""
UNIT = LICENCE + """#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void the_test_is_here(void **state) { (void)state; }

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_test_is_here)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
"""
PROGRAM = '''# SPDX-License-Identifier: MIT
"""A test of the whole programs."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/lib"))
import headgate_test  # noqa: E402


def test_it_is_here():
    pass


if __name__ == "__main__":
    headgate_test.main()
'''
PAGE = """  /v1/zzz:
    get:
      operationId: zzz
      summary: The station that asks
      responses:
        "200":
          description: It
          headers: {x-request-id: {$ref: "#/components/headers/RequestId"}}
          content:
            application/json:
              schema: {type: object, required: [station], properties: {station: {type: string}}}
        "401": {$ref: "#/components/responses/Error"}

"""
PART_HEADER = """/* SPDX-License-Identifier: MIT */
/* A part of the engine. Loop thread. */
#pragma once

#include "station/engine/part.h"

extern const struct part zzz_part;
"""
PART = """/* SPDX-License-Identifier: MIT */
/* It counts its turns. Loop thread. */
#include "station/talk/zzz.h"

#include "station/engine/engine.h"

struct zzz {
	int64_t turns;
};

static void pump(struct engine *e) { ((struct zzz *)engine_part(e, PART_ZZZ))->turns++; }

const struct part zzz_part = {.engine_size = sizeof(struct zzz), .pump = pump};
"""
# What a row of the table says, as the script does it: its files, and the edit of each.
RECIPES = {
    "command": {
        "src/cli/NAME.c": new(COMMAND),
        "src/cli/cli.h": after("int cli_config(int argc", "int cli_zzz(int argc, char **argv);\n"),
        "src/cli/cli.c": after('{"config", ', '\t{"zzz", "says that it is here", cli_zzz},\n'),
        "src/cli/meson.build": after("  'verify.c',", "  'zzz.c',\n"),
        "README.md": after("| `headgate config` |", "| `headgate zzz` | says that it is here |\n"),
    },
    "screen": {
        "ui/screens/NAME.c": new(SCREEN),
        "ui/screens/screens.h": before("/* What several screens say alike.", "extern const struct screen screen_zzz;\nextern const struct part part_zzz;\n"),
        "ui/screens/screens.c": after("\t&screen_handover,", "\t&screen_zzz,\n"),
        "ui/screens/parts.c": after("\t&part_fleet,", "\t&part_zzz,\n"),
        "ui/meson.build": after("  'screens/words.c',", "  'screens/zzz.c',\n"),
    },
    "check": {
        "src/session/check.h": before('X(MANIFEST, "manifest"', '\tX(ZZZ, "zzz", false) \\\n'),
        "src/session/check_files.c": both(before("void check_files(", CHECK), after("\tcheck_kinds(in, l);", "\tcheck_zzz(in, l);\n")),
    },
    "route": {
        "src/cloud/api/NAME.c": new(ROUTE),
        "src/cloud/api/handlers.h": after("void stations_get(", "void zzz_get(struct call *c, struct reply *r);\n"),
        "src/cloud/api/surface.c": after('"/v1/stations",', '\t{"GET", "/v1/zzz", AUTH_TOKEN, BODY_NONE, 0, zzz_get},\n'),
        "src/cloud/meson.build": after("  'api/token.c',", "  'api/zzz.c',\n"),
        "assets/openapi.yaml": before("  /v1/info:", PAGE),
    },
    "configuration key of the station": {
        "src/station/config.h": before("/* [cloud] */", "\tint64_t zzz_ms;\n"),
        "src/station/config.c": before('{.section = "cloud", .name = "endpoint"', '\t{.section = "station", .name = "zzz", .type = OPTION_DURATION, '
                                       '.offset = AT(zzz_ms), .max = HOUR, .initial = "7s", .help = "a key"},\n'),
    },
    "configuration key of the cloud": {
        "src/cloud/config.h": after("int64_t burst;", "\tint64_t zzz_ms;\n"),
        "src/cloud/config.c": before('{.section = "cloud", .name = "rate"', '\t{.section = "cloud", .name = "zzz", .type = OPTION_DURATION, '
                                     '.offset = AT(zzz_ms), .max = 1000, .initial = "1s", .help = "a key"},\n'),
    },
    "state of a session": {
        "src/station/journal/state.h": before("/* every object is stored;", "\tX(ZZZ, zzz, ENGINE, PASSED, NONE, true) \\\n"),
        "src/station/journal/state.c": both(
            after("static const uint8_t from_found[", "\t[EVENT_STARTED] = STATE_ZZZ,\n"), before("static const uint8_t from_uploaded", STATE)),
        "tests/unit/station/test_state.c": both(
            swap('"found: scanned>settling ', '"found: scanned>settling started>zzz '),
            before('"uploaded: changed>settling', '\t"zzz: changed>settling vanished>gone\\n"\n')),
        "src/station/intake/admission.c": before("\tcase STATE_UPLOADED: return", "\tcase STATE_ZZZ: return true;\n"),
        "ui/model/model.c": before("static void (*const why_by_state", WHY),
        "ui/screens/words.c": before("\tX(UPLOADED, BUSY)", "\tX(ZZZ, BUSY) \\\n"),
    },
    "part of the engine": {
        "src/station/talk/NAME.h": new(PART_HEADER),
        "src/station/talk/NAME.c": new(PART),
        "src/station/engine/part.h": before("X(FLEET, fleet)", "\tX(ZZZ, zzz) \\\n"),
        "src/station/run/run.c": after('#include "station/talk/rules.h"', '#include "station/talk/zzz.h"\n'),
        "src/station/meson.build": after("  'talk/rules.c',", "  'talk/zzz.c',\n"),
    },
    "statement of the journal": {
        "src/station/journal/sql_sessions.h": before("X(SESSION_KNOWN, ", '\tX(SESSIONS_ZZZ, "SELECT count(*) FROM session WHERE name > ?") \\\n'),
        "src/station/journal/view.h": after("MUST_USE int journal_knows(", "MUST_USE int journal_zzz(struct journal_view *v, const char *name, struct error *err);\n"),
        "src/station/journal/view_sessions.c": before("int journal_knows(", READ),
    },
    "statement of the catalog": {
        "src/cloud/store/catalog_sql.h": before("X(SESSION_GET, ", '\tX(SESSION_ZZZ, "SELECT id FROM session WHERE session = ?1 AND id > ?2") \\\n'),
        "tests/unit/cloud/test_statements.c": before("{SQL_SESSION_GET, ", '\t\t{SQL_SESSION_ZZZ, "SEARCH session USING COVERING INDEX session_session (session=? AND id>?"},\n'),
    },
    "unit test": {
        "tests/unit/LAYER/test_NAME.c": new(UNIT),
        "tests/unit/LAYER/meson.build": after("names = [", "  'zzz',\n"),
    },
    "test of the programs": {"tests/e2e/NAME.py": new(PROGRAM)},
}
LAYER = "base"
TARGETS = ("src/headgate", "src/headgate-cloud", "tests/unit/test_base_zzz", "tests/unit/test_session_check", "tests/unit/station/test_station_config", "tests/unit/station/test_station_state", "tests/unit/station/test_station_acts", "tests/unit/station/test_station_parts", "tests/unit/station/test_station_journal_open",
           "tests/unit/test_cloud_statements",
           "tests/unit/test_cloud_config", "tests/ui/test_ui_bindings")


def table_of(readme):
    """{what: its files} of the table."""
    section = readme.split(f"\n## {HEADING}\n")
    assert len(section) == 2, f"README.md has no section {HEADING}"
    rows = re.findall(r"^\| (?!to add )([a-z][^|]*?) \| (.*) \|$", section[1].split("\n## ")[0], re.M)
    return {what: re.findall(r"`([\w.-]+(?:/[\w.-]+)*\.\w+|[\w./-]+/meson\.build)`", files) for what, files in rows}


def real(path):
    return path.replace("LAYER", LAYER).replace("NAME", NAME)


def faults(table, root):
    """What is wrong with the table: one sentence each."""
    found = [f"the table has no row for a {what}" for what in RECIPES if what not in table]
    for what, files in table.items():
        if what not in RECIPES:
            found.append(f"no recipe follows the row of a {what}: write one")
            continue
        for path in files:
            there = (root / real(path)).exists()
            if there if "NAME" in path else not there:
                found.append(f"{what}: {path} {'is there already' if there else 'does not exist'}")
            elif not (root / real(path)).parent.is_dir():
                found.append(f"{what}: {path} is in no folder")
        found += [f"{what}: {path} must be touched too" for path in RECIPES[what] if path not in files]
        found += [f"{what}: {path} need not be touched" for path in files if path not in RECIPES[what]]
    return found


def follow(tree, table):
    """Every row, in the tree: the files that the table names, and no others."""
    for what, files in table.items():
        for path in files:
            at = tree / real(path)
            text = RECIPES[what][path](at.read_text(encoding="utf-8") if at.exists() else None)
            at.write_text(text, encoding="utf-8")


def call(*command, cwd=None, env=None):
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env=None if env is None else dict(os.environ, **env))
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def test_the_rules_find_what_is_wrong():
    """A table that names too few files, too many, or some that are not there, is found."""
    good = table_of((ROOT / "README.md").read_text(encoding="utf-8"))
    assert not faults(good, ROOT), "\n".join(faults(good, ROOT))
    few = {**good, "command": [path for path in good["command"] if path != "src/cli/cli.c"]}
    assert faults(few, ROOT) == ["command: src/cli/cli.c must be touched too"]
    many = {**good, "check": [*good["check"], "src/session/name.c"]}
    assert faults(many, ROOT) == ["check: src/session/name.c need not be touched"]
    gone = {**good, "check": [*good["check"], "src/session/gone.c"]}
    assert faults(gone, ROOT)[0] == "check: src/session/gone.c does not exist"
    assert faults({**good, "command": [*good["command"], "src/cli/nowhere/NAME.c"]}, ROOT)
    assert faults({what: files for what, files in good.items() if what != "route"}, ROOT) == ["the table has no row for a route"]
    assert faults({**good, "poem": []}, ROOT) == ["no recipe follows the row of a poem: write one"]


def seen_to_work(place, tree, build):
    """What was added is there."""
    home = place.dir / "home"
    home.mkdir()
    env = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home)}
    headgate = build / "src/headgate"
    assert call(headgate, "zzz", env=env) == "the command is here\n"
    assert "\n  zzz " in call(headgate, "--help", env=env)
    rows = [json.loads(line) for line in call(headgate, "config", "--json", env=env).splitlines()]
    assert any((row["section"], row["name"], row["value"]) == ("station", "zzz", "7s") for row in rows), rows
    session = headgate_test.make_session(place.dir, "20261120_134502")
    assert "the check is here" in call(headgate, "check", session, "--json", env=env)
    for target in TARGETS:
        if "/test_" in target:
            folder = tree / ("tests/ui/golden" if "/test_ui_" in target else "tests/unit/" + target.split("_")[1])
            call(build / target, folder)
    programs = {"HEADGATE_BUILD": str(build)}
    ran = call(sys.executable, "tests/lib/runner.py", "--build", build, NAME, cwd=tree, env=programs)
    assert re.search(r"^2 passed, 0 failed", ran, re.M), ran
    call(sys.executable, "tests/e2e/readme.py", "tables", "names", cwd=tree, env=programs)
    headgate_test.HEADGATE_CLOUD = build / "src/headgate-cloud"
    cloud = place.cloud()
    assert cloud.request("GET", "/v1/zzz")[0] == 401
    assert cloud.call("GET", "/v1/zzz", token=cloud.token(cloud.key("lab-1"))) == {"station": "lab-1"}


def test_who_follows_the_table_is_done(place):
    table = table_of((ROOT / "README.md").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        tree, build = Path(scratch, "tree"), Path(scratch, "build")
        tree.mkdir()
        for name in TREE:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, tree / name)
        follow(tree, table)
        call("meson", "setup", build, tree, "-Dbuildtype=plain", "-Dwerror=true")
        call("ninja", "-C", build, *TARGETS)
        seen_to_work(place, tree, build)


if __name__ == "__main__":
    headgate_test.main()
