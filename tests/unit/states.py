# SPDX-License-Identifier: MIT
"""Adds a state in the middle of the list of station/journal/state.h: until every table by state has its row, nothing
compiles. Works on copies in a scratch folder."""
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lib"))
import headgate_test  # noqa: E402

HEADER = "src/station/journal/state.h"
BESIDE = "\tX(UPLOADED, uploaded,"
# A table by state is made from the list, or names states as designators or rows of a list of its own.
MADE = re.compile(r"\bSESSION_STATES\(|^\s*\[STATE_(?!N\])[A-Z]+\]\s*=[^=]", re.M)
ROW = re.compile(r"\bX\((FOUND|SETTLING|CHECKING|HELD|QUEUED|UPLOADING|UPLOADED|ACCEPTED|REJECTED|FAILED|GONE),")


def sources():
    for top in ("src", "ui"):
        for path in sorted((ROOT / top).rglob("*.c")):
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")


def has_table(text):
    return bool(MADE.search(text) or len(ROW.findall(text)) > 1)


def compile_one(tree, path):
    """What the compiler says of that file of the tree; "" when it takes it."""
    done = subprocess.run(
        ["cc", "-std=gnu17", "-fsyntax-only", "-D_GNU_SOURCE", '-DHEADGATE_VERSION="0"', f"-I{tree}/src", f"-I{tree}",
         str(tree / path)], capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def copied_tree(scratch, row):
    tree = Path(scratch)
    for top in ("src", "ui"):
        shutil.copytree(ROOT / top, tree / top)
    header = (tree / HEADER).read_text(encoding="utf-8")
    assert header.count(BESIDE) == 1, "the list of states is written otherwise than this test knows"
    (tree / HEADER).write_text(header.replace(BESIDE, row + BESIDE), encoding="utf-8")
    return tree


def test_the_tables_are_found():
    found = [str(path) for path, text in sources() if has_table(text)]
    for known in ("src/station/journal/state.c", "ui/model/model.c", "ui/screens/words.c"):
        assert known in found, f"{known} has a table by state, and is not among {found}"


def test_a_state_without_all_columns_does_not_compile():
    with tempfile.TemporaryDirectory() as scratch:
        tree = copied_tree(scratch, "\tX(PARKED, parked, ENGINE)\\\n")
        assert compile_one(tree, "src/station/journal/state.c"), "a state without its class compiles"


def test_a_state_in_the_middle_fails_every_table():
    with tempfile.TemporaryDirectory() as scratch:
        tree = copied_tree(scratch, "")
        tables = [path for path, text in sources() if has_table(text)]
        for path in tables:
            assert not compile_one(tree, path), f"{path} does not compile as it is: {compile_one(tree, path)}"
    with tempfile.TemporaryDirectory() as scratch:
        tree = copied_tree(scratch, "\tX(PARKED, parked, ENGINE, PASSED, NONE, true)\\\n")
        missed = [str(path) for path in tables if not compile_one(tree, path)]
        assert not missed, f"a new state compiles without its row in {missed}"


def test_no_state_is_compared_by_its_place():
    """`state >= STATE_QUEUED` means another thing once a state is added before it: columns answer, not the order."""
    compared = [str(path) for path, text in sources() if re.search(r"state\s*(<=?|>=?)\s*STATE_(?!N\b)", text)]
    assert not compared, f"states are compared by their order in {compared}"


def test_the_journal_s_statements_know_who_needs_a_person():
    """Indexes are part of the schema and name states by their words: another state that needs a person is a migration."""
    rows = re.findall(r"\tX\(\w+, (\w+), (ENGINE|PERSON|NOBODY),", (ROOT / HEADER).read_text(encoding="utf-8"))
    assert len(rows) > 10, rows
    persons = {word for word, turn in rows if turn == "PERSON"}
    lists = [set(re.findall(r"'(\w+)'", found)) for path in sorted((ROOT / HEADER).parent.glob("sql*"))
             for found in re.findall(r"state IN \(([^)]*)\)", path.read_text(encoding="utf-8"))]
    assert len(lists) >= 2 and all(words == persons for words in lists), (persons, lists)
    assert [word for word, turn in rows if turn == "NOBODY"] == ["accepted"], "the journal counts as safe what is accepted"


if __name__ == "__main__":
    headgate_test.main()
