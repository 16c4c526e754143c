# SPDX-License-Identifier: MIT
"""A verdict is about bytes, not about a name: two machines with one key, journals that are lost or put back, names used again,
recordings that are renamed and moved, a cloud that loses its memory. What is shown as accepted is in the cloud, byte for byte."""
import json
import os
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from fault_proxy import FaultProxy  # noqa: E402
from headgate_test import GOOD_METADATA, assert_stored, digest_of, files_of, main, make_session, wait_for, write_seeded  # noqa: E402

S1, S2, S3 = "20261120_134502", "20261120_140000", "20261120_150000"


def stored(cloud, path):
    """Is there an object with exactly these bytes?"""
    got = cloud.command("objects", "--data", cloud.data, "--json").json_lines()
    return any(o["sha256"] == digest_of(path) and o["stored_at"] for o in got)


def nothing_of(cloud, folder):
    """None of its data files is in the cloud."""
    return not any(stored(cloud, path) for name, path in files_of(folder).items() if name != "metadata.txt")


def state(station, session):
    row = station.session(session)
    return (row["state"], row["revision"]) if row else (None, None)


def revisions(cloud, station, session):
    """[(revision, state, content)] of the catalog, oldest first."""
    newest = cloud.session(session, station.key)
    return newest and sorted((row["revision"], row["state"], row["content"]) for row in [newest, *newest["revisions"]])


# --- two machines, lost and restored journals ---

def test_two_machines_with_one_key(place):
    """The second one's recording under that name is another: it is never shown as safe, and a person's key sends it beside the first."""
    cloud = place.cloud()
    a = place.station(cloud)
    b = place.station(cloud, key=a.key)
    mine = make_session(a.recordings, S1, seed=1)
    other = make_session(b.recordings, S1, seed=2)
    assert a.once().code == 0
    got = b.once()
    assert got.code == 1 and f"headgate release {S1}" in got.err, got
    make_session(b.recordings, S2, seed=3)
    assert b.once().code == 1
    assert state(b, S2) == ("accepted", 1)
    assert state(b, S1)[0] == "held" and nothing_of(cloud, other), b.session(S1)
    status = b.command("status")
    assert status.code == 1 and status.out.startswith("NOT safe"), status
    assert b.command("release", S1).code == 0
    assert b.once().code == 0
    assert state(b, S1) == ("accepted", 2)
    assert_stored(cloud, other, revision=2)
    assert_stored(cloud, mine)


def test_two_machines_with_the_same_recording(place):
    """A cloned disk, recordings and all: the second adopts what the first sent, and sends nothing."""
    cloud = place.cloud()
    a = place.station(cloud)
    b = place.station(cloud, key=a.key)
    folder = make_session(a.recordings, S1)
    shutil.copytree(folder, b.recordings / S1)
    assert a.once().code == 0
    count = cloud.object_count()
    assert b.once().code == 0
    assert state(b, S1) == ("accepted", 1) and cloud.object_count() == count
    files = json.loads(b.command("sessions", "--json", S1).out.splitlines()[0])["file_list"]
    assert all(file["stored"] and file["key"] for file in files), files


def test_a_lost_journal(place):
    """Asked, the cloud knows it: nothing is sent again, and no revision is made."""
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, S1)
    assert station.once().code == 0
    before = (cloud.object_count(), revisions(cloud, station, S1))
    shutil.rmtree(station.state)
    assert station.once().code == 0
    assert state(station, S1) == ("accepted", 1)
    assert (cloud.object_count(), revisions(cloud, station, S1)) == before
    assert_stored(cloud, folder)


def test_a_lost_journal_and_a_file_corrected_since(place):
    """One file is as it was: it is that session, and its next revision. When none is, a person decides."""
    cloud = place.cloud()
    station = place.station(cloud)
    folder, other = make_session(station.recordings, S1), make_session(station.recordings, S2)
    assert station.once().code == 0
    shutil.rmtree(station.state)
    write_seeded(folder / "events.csv", 900, "corrected")
    for name in ("signals.edf", "events.csv"):
        write_seeded(other / name, 1000, "all of it " + name)
    assert station.once().code == 1
    assert state(station, S1) == ("accepted", 2)
    assert_stored(cloud, folder, revision=2)
    assert state(station, S2)[0] == "held" and nothing_of(cloud, other)
    assert station.command("release", S2).code == 0
    assert station.once().code == 0
    assert_stored(cloud, other, revision=2)


def test_a_restored_journal(place):
    """It is of before the second revision: the cloud's word brings it up to date, and the third goes on from there."""
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, S1)
    assert station.once().code == 0
    backup = place.dir / "backup"
    shutil.copytree(station.state, backup)
    write_seeded(folder / "late.csv", 700, "late")
    assert station.once().code == 0
    assert state(station, S1) == ("accepted", 2)
    count = cloud.object_count()
    shutil.rmtree(station.state)
    shutil.copytree(backup, station.state)
    assert station.once().code == 0
    assert state(station, S1) == ("accepted", 2) and cloud.object_count() == count
    write_seeded(folder / "later.csv", 700, "later")
    assert station.once().code == 0
    assert state(station, S1) == ("accepted", 3)
    assert_stored(cloud, folder, revision=3)


def test_a_journal_of_before_content_ids(place):
    """What an older program left: digests of files, no content ids. Undecided sessions get theirs computed and are decided."""
    cloud = place.cloud()
    station = place.station(cloud)
    make_session(station.recordings, S1)
    make_session(station.recordings, S2)
    assert station.once().code == 0
    before = (cloud.object_count(), revisions(cloud, station, S1))
    with closing(sqlite3.connect(station.state / "state.db")) as db:
        db.execute("UPDATE session SET content_id = NULL, folder = ''")
        db.execute("UPDATE session SET state = 'uploaded', accepted_ms = 0 WHERE name = ?", (S1,))
        db.execute("DELETE FROM setting WHERE name = 'cloud.cursor'")
        db.commit()
    assert station.once().code == 0
    assert state(station, S1) == state(station, S2) == ("accepted", 1)
    assert station.command("verify", "--all").code == 0
    assert (cloud.object_count(), revisions(cloud, station, S1)) == before
    write_seeded(station.recordings / S2 / "late.csv", 100, "late")
    assert station.once().code == 0
    assert state(station, S2) == ("accepted", 2)


def test_touched_and_the_same(place):
    """New times, old bytes: no new revision, nothing sent, accepted as before."""
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, S1)
    assert station.once().code == 0
    before = (cloud.object_count(), revisions(cloud, station, S1))
    os.utime(folder / "signals.edf", (1_700_000_000, 1_700_000_000))
    assert station.once().code == 0
    assert state(station, S1) == ("accepted", 1)
    assert (cloud.object_count(), revisions(cloud, station, S1)) == before


def test_changed_and_back_again(place):
    """The cloud must not go on showing what stood in between."""
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, S1)
    was = (folder / "events.csv").read_bytes()
    assert station.once().code == 0
    write_seeded(folder / "events.csv", 900, "by mistake")
    assert station.once().code == 0
    (folder / "events.csv").write_bytes(was)
    assert station.once().code == 0
    assert state(station, S1) == ("accepted", 3)
    contents = [content for _, _, content in revisions(cloud, station, S1)]
    assert contents[0] == contents[2] != contents[1], contents
    assert_stored(cloud, folder, revision=3)


# --- names ---

def test_a_name_used_again(place):
    """Removed after acceptance and recorded anew: not safe before a person has said which it is."""
    cloud = place.cloud()
    station = place.station(cloud)
    first = make_session(station.recordings, S1, seed=1)
    assert station.once().code == 0
    kept = shutil.copytree(first, place.dir / S1)
    shutil.rmtree(first)
    assert station.once().code == 0
    # so that no inode is met again
    again = shutil.move(make_session(place.dir / "elsewhere", S1, seed=2), first)
    assert station.once().code == 1
    row = station.session(S1)
    assert row["state"] == "held" and "another folder" in row["reason"], row
    assert nothing_of(cloud, again)
    assert station.command("retry", S1).code == 0 and station.once().code == 1
    assert state(station, S1)[0] == "held", "asking again is no answer"
    assert station.command("release", S1).code == 0 and station.once().code == 0
    assert_stored(cloud, Path(again), revision=2)
    assert_stored(cloud, kept, revision=1)
    # "send it" was said of that one, and of none that is to come
    shutil.move(again, place.dir / "second")
    assert station.once().code == 0
    shutil.move(make_session(place.dir / "elsewhere", S1, seed=3), first)
    assert station.once().code == 1
    assert state(station, S1)[0] == "held"


def test_a_session_that_is_renamed_is_no_copy(place):
    """Its recorder had a wrong clock; with its metadata corrected it goes under the new name."""
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, "19700101_000012")
    assert station.once().code == 0
    folder = folder.rename(station.recordings / S1)
    with open(folder / "metadata.txt", "a") as metadata:
        metadata.write("note: renamed, the clock was wrong\n")
    assert station.once().code == 0
    assert state(station, S1) == ("accepted", 1)
    assert_stored(cloud, folder)
    folder.rename(station.recordings / S2)  # and once more, as it is
    assert station.once().code == 0
    assert_stored(cloud, station.recordings / S2)


def test_equal_data_with_other_metadata_is_no_copy(place):
    cloud = place.cloud()
    station = place.station(cloud)
    first = make_session(station.recordings, S1)
    second = shutil.copytree(first, station.recordings / S2)
    (second / "metadata.txt").write_text("fatigue_level: 5\nhardware_model: HX-200\n")
    assert station.once().code == 0
    assert_stored(cloud, first)
    assert_stored(cloud, second)


def test_a_copy_is_told_and_can_be_sent(place):
    cloud = place.cloud()
    station = place.station(cloud)
    first = make_session(station.recordings, S1)
    assert station.once().code == 0
    copy = shutil.copytree(first, station.recordings / S2)
    got = station.once()
    assert got.code == 1 and S1 in station.session(S2)["reason"] and f"headgate release {S2}" in got.err, got
    assert station.command("release", S3).code == 3
    assert station.command("release", S1).code == 2, "what is accepted has nothing to release"
    broken = make_session(station.recordings, "20261120_160000", metadata="no separator\n")
    assert station.once().code == 1
    assert station.command("release", broken.name).code == 2, "broken metadata are not mended by a release"
    shutil.rmtree(broken)
    assert station.once().code == 1 and station.command("ignore", broken.name).code == 0
    assert station.command("release", S2).code == 0 and station.once().code == 0
    assert_stored(cloud, copy)
    copy = shutil.copytree(first, station.recordings / S3)
    assert station.once().code == 1
    shutil.rmtree(first)
    shutil.rmtree(station.recordings / S2)
    assert station.once().code == 0, "it is no copy any more, and nobody needs to say so"
    assert_stored(cloud, copy)


def test_ignored_is_what_lay_there(place):
    """Not its name for ever: corrected, added to, another folder, or gone and back, it counts again."""
    cloud = place.cloud()
    station = place.station(cloud)
    bad = "fatigue_level 4\n"  # no key
    folder = make_session(station.recordings, S1)
    good = (folder / "metadata.txt").read_text()
    (folder / "metadata.txt").write_text(bad)
    assert station.once().code == 1
    assert station.command("ignore", S1).code == 0
    assert station.once().code == 0
    (folder / "metadata.txt").write_text(good)
    assert station.once().code == 0
    assert state(station, S1)[0] == "accepted"
    assert_stored(cloud, folder, revision=state(station, S1)[1])

    # never checked: it may grow, another folder is another one
    folder = make_session(station.recordings, S2)
    (folder / "metadata.txt").rename(station.recordings.parent / "kept")
    station.once(wait="3s")
    assert station.command("ignore", S2).code == 0
    write_seeded(folder / "more.bin", 500, "more")
    assert station.once().code == 0
    assert state(station, S2)[0] == "settling"
    folder.rename(station.recordings.parent / "away")
    folder = make_session(station.recordings, S2)
    assert station.once().code == 0
    assert state(station, S2) == ("accepted", 1)
    assert_stored(cloud, folder)

    # by the engine that runs, and one that was gone when it was ignored
    folder = make_session(station.recordings, S3)
    (folder / "metadata.txt").write_text(bad)
    engine = station.start()
    assert wait_for(lambda: state(station, S3)[0] == "held", 30, "the bad one is held")
    folder.rename(station.recordings.parent / "gone")
    assert wait_for(lambda: state(station, S3)[0] == "gone", 30, "it is gone")
    assert station.command("ignore", S3).code == 0
    (station.recordings.parent / "gone" / "metadata.txt").write_text(good)
    (station.recordings.parent / "gone").rename(folder)
    assert wait_for(lambda: state(station, S3)[0] == "accepted", 30, "it counts again")
    assert engine.stop() == 0
    assert_stored(cloud, folder, revision=state(station, S3)[1])


def test_two_recorders_in_one_second(place):
    """Both are recordings; the mend loses neither: another second, or another revision."""
    cloud = place.cloud()
    station = place.station(cloud)
    second = station.dir / "second"
    station.sections["station"]["watch"] = [station.recordings, second]
    station.write()
    second.mkdir()
    eeg = make_session(station.recordings, S1, {"eeg.bin": 3000})
    assert station.once().code == 0
    video = make_session(second, S1, {"video.bin": 4000})
    got = station.once()
    assert got.code == 1 and "rename this folder to 20261120_134503" in got.err and "copy" not in got.err, got
    video = video.rename(second / "20261120_134503")
    assert station.once().code == 0, "what is gone under the old name is in the cloud under the new one"
    assert_stored(cloud, video)
    assert_stored(cloud, eeg)
    third = make_session(second, S2, {"video.bin": 4100})
    make_session(station.recordings, S2, {"eeg.bin": 3100})
    assert station.once().code == 1
    assert station.command("release", S2).code == 0 and station.once().code == 0
    eeg2 = station.recordings / S2
    video_first = "video.bin" in {file["name"] for file in cloud.manifest(S2)["files"]}
    first, next_one = (third, eeg2) if video_first else (eeg2, third)
    assert_stored(cloud, first)
    assert_stored(cloud, next_one, revision=2)


def test_the_same_folder_by_two_paths(place):
    """A link to the watched folder is watched too: nothing is held, and everything is sent once."""
    cloud = place.cloud()
    station = place.station(cloud)
    link = station.dir / "link"
    link.symlink_to(station.recordings)
    station.sections["station"]["watch"] = [station.recordings, link]
    station.write()
    folder = make_session(station.recordings, S1)
    assert station.once().code == 0
    assert {row["state"] for row in station.rows()} == {"accepted"}, station.rows()
    assert_stored(cloud, folder)
    assert cloud.object_count() == 4 and len(revisions(cloud, station, S1)) == 1


def test_a_recording_with_a_manifest_of_its_own(place):
    """Its name is as good as any, also when it changes."""
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, S1, {"signals.edf": 3000, "manifest.json": 300})
    assert station.once().code == 0
    write_seeded(folder / "manifest.json", 310, "changed")
    assert station.once().code == 0
    assert state(station, S1) == ("accepted", 2)
    assert_stored(cloud, folder, revision=2)


# --- folders that move ---

SCHEMA = "[metadata]\nfile = metadata.txt\n[metadata.keys]\nfatigue_level = number 0..10 required\n"


def moved(station, to):
    station.recordings.rename(to)
    station.recordings = to
    station.sections["station"]["watch"] = to
    station.write()


def test_many_are_moved_to_another_watched_folder_and_back(place):
    """While the engine runs: none is taken for gone, and none for another one of its name."""
    station = place.station(place.cloud())
    second = station.dir / "second"
    second.mkdir()
    station.sections["station"]["watch"] = [station.recordings, second]
    station.write()
    names = [f"20261121_12{n:02}00" for n in range(20)]
    for n, name in enumerate(names):
        make_session(station.recordings, name, {"a.dat": 3000}, GOOD_METADATA if n % 4 else None, seed=n)
    engine = station.start()
    wait_for(lambda: sum(row["state"] == "accepted" for row in station.rows()) == 15, 60, "those with metadata to be accepted")
    for from_, to in ((station.recordings, second), (second, station.recordings), (station.recordings, second)):
        for name in names:
            (from_ / name).rename(to / name)
        rows = wait_for(lambda: (lambda r: r if sum(row["root"] == str(to) for row in r) == 20 else None)(station.rows()), 60,
                        "all to be found there")
        assert len(rows) == 20, rows
    assert engine.stop() == 0, engine.result()


def test_the_watched_folder_is_moved(place):
    """To a larger disk, and watch= is changed: what is safe stays so, what is not goes on from there, and nobody is asked."""
    cloud = place.cloud(schema=SCHEMA)
    station = place.station(cloud)
    make_session(station.recordings, S1)
    make_session(station.recordings, S2, metadata="fatigue_level: 14\nhardware_model: HX-200\n")
    assert station.once().code == 1
    before = cloud.object_count()
    moved(station, station.dir / "bigdisk")
    (station.recordings / S2 / "metadata.txt").write_text("fatigue_level: 4\nhardware_model: HX-200\n")
    assert station.once().code == 0, station.rows()
    rows = {row["session"]: row for row in station.rows()}
    assert len(station.rows()) == 2 and all(row["root"] == str(station.recordings) for row in rows.values()), rows
    assert state(station, S1) == ("accepted", 1)
    assert_stored(cloud, station.recordings / S2, revision=state(station, S2)[1])
    assert cloud.object_count() <= before + 2, "data that were there were sent again"


def test_the_watched_folder_is_moved_under_another_disk(place):
    """Copied, not renamed: other inodes and times of change. The bytes decide."""
    cloud = place.cloud()
    station = place.station(cloud)
    make_session(station.recordings, S1)
    changed = make_session(station.recordings, S2)
    assert station.once().code == 0
    to = station.dir / "copied"
    shutil.copytree(station.recordings, to)
    shutil.rmtree(station.recordings)
    station.recordings.mkdir()
    shutil.rmtree(station.recordings)
    station.recordings = to
    station.sections["station"]["watch"] = to
    station.write()
    write_seeded(to / S2 / "events.csv", 901, "changed on the way")
    for _ in range(2):
        assert station.once().code == 0
    assert state(station, S1) == ("accepted", 1)
    assert state(station, S2) == ("accepted", 2), changed
    assert_stored(cloud, to / S2, revision=2)


def test_relocate(place):
    cloud = place.cloud()
    station = place.station(cloud)
    old = station.recordings
    make_session(old, S1)
    assert station.once().code == 0
    moved(station, station.dir / "bigdisk")
    engine = station.start()
    wait_for(lambda: {row["root"] for row in station.rows()} == {str(station.recordings)}, 30, "the move to be found by itself")
    assert station.command("relocate", str(old), str(station.recordings)).code == 75
    assert engine.stop() == 0
    assert station.command("relocate", "bigdisk", str(station.recordings)).code == 2
    assert station.command("relocate", str(old), str(station.dir / "nowhere")).code == 2
    assert station.command("relocate", "/nowhere", str(station.recordings)).code == 3
    got = station.command("relocate", "--json", str(station.recordings) + "/", str(place.dir))
    assert got.code == 0 and got.json_lines() == [{"moved": 1, "stayed": 0}], got
    assert {row["root"] for row in station.rows()} == {str(place.dir)}


# --- a cloud that loses its memory ---

def restore(cloud, backup):
    cloud.stop()
    shutil.rmtree(cloud.data)
    shutil.copytree(backup, cloud.data)
    cloud.start()


def test_a_cloud_that_is_restored_from_a_copy(place):
    """It does not know what it accepted since: the cursor tells, and the station sends it again."""
    cloud = place.cloud()
    station = place.station(cloud)
    first = make_session(station.recordings, S1)
    assert station.once().code == 0
    cloud.stop()
    backup = shutil.copytree(cloud.data, place.dir / "backup")
    cloud.start()
    station.sections["cloud"]["endpoint"] = cloud.url
    station.write()
    second = make_session(station.recordings, S2)
    assert station.once().code == 0
    restore(cloud, backup)
    station.sections["cloud"]["endpoint"] = cloud.url
    station.write()
    assert revisions(cloud, station, S2) is None
    assert station.once().code == 0
    assert state(station, S1)[0] == state(station, S2)[0] == "accepted"
    assert_stored(cloud, first)
    assert_stored(cloud, second)


def test_verify(place):
    """Whole: 0. A file that is gone, cut or rotten in the store: 1, it is said, and it goes up again."""
    cloud = place.cloud()
    station = place.station(cloud)
    folder = make_session(station.recordings, S1)
    make_session(station.recordings, S2)
    assert station.once().code == 0
    got = station.command("verify", "--all", "--json")
    assert got.code == 0 and got.json_lines() == [{"verified": 2, "lost": 0}], got
    assert station.command("verify").code == 2
    assert station.command("verify", S3).code == 3
    key = next(file["key"] for file in cloud.manifest(S1)["files"] if file["name"] == "signals.edf")
    cloud.object_path(cloud.manifest(S1)["files"][0]["bucket"], key).unlink()
    got = station.command("verify", S1, "--json")
    assert got.code == 1 and got.json_lines() == [{"verified": 0, "lost": 1}] and "signals.edf" in got.err + station.command("sessions", S1).out, got
    assert station.once().code == 0
    assert state(station, S1)[0] == "accepted"
    assert_stored(cloud, folder, revision=state(station, S1)[1])
    path = cloud.object_path(cloud.manifest(S2)["files"][0]["bucket"], next(f["key"] for f in cloud.manifest(S2)["files"] if f["name"] == "signals.edf"))
    rotten = bytearray(path.read_bytes())
    rotten[len(rotten) // 2] ^= 1  # of the same length
    path.chmod(0o644)
    path.write_bytes(rotten)
    got = station.command("verify", "--all", "--json")
    assert got.code == 1 and got.json_lines() == [{"verified": 1, "lost": 1}], got
    assert station.once().code == 0
    assert_stored(cloud, station.recordings / S2, revision=state(station, S2)[1])
    many = make_session(station.recordings, S3)
    for i in range(40):  # more than one call reads
        write_seeded(many / f"part{i:02}.bin", 300, f"part{i}")
    assert station.once().code == 0
    engine = station.start()
    assert wait_for(lambda: json.loads(station.command("status", "--json").out)["engine"]["running"], 30, "the engine runs")
    assert wait_for(lambda: (g := station.command("verify", "--all")).code == 0 and g, 30, "everything verified by the engine that runs")
    assert engine.stop() == 0


def test_a_verdict_about_other_bytes_is_not_taken(place):
    """Whatever says "accepted" of the right name and number with another content id, or with none."""
    for lie in ("0" * 64, None):
        def hook(request, lie=lie):
            if not request.path.startswith(("/v1/changes", "/v1/sessions")):
                return None

            def change(answer):
                told = json.loads(answer.body)
                for entry in [told, *told.get("changes", []), *told.get("revisions", [])]:
                    if "content" in entry:
                        entry["content"] = lie
                answer.body = json.dumps(told).encode()
                return answer

            return change

        cloud = place.cloud()
        proxy = FaultProxy(place, cloud, hook)
        station = place.station(cloud, endpoint=proxy.url)
        make_session(station.recordings, S1)
        got = station.once(wait="4s")
        assert got.code == 4 and state(station, S1)[0] != "accepted", (got, station.rows())


if __name__ == "__main__":
    main()
