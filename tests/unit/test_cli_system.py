"""Where the command finds its system, and how it tells what is wrong."""

import json
from pathlib import Path

import pytest

from cli.errors import CommandError, explain
from cli.system import find_system
from config.settings import UnknownSettingError, load_settings
from shards.errors import BucketNotHereError, SchemaError, ShardAwayError, ShardBusyError

TOPICS = {
    "try_confirm": "x.try-confirm.v1",
    "confirm": "x.confirm.v1",
    "cancel": "x.cancel.v1",
    "dead": "x.dead.v1",
    "events": "x.events.v1",
}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path))
    monkeypatch.delenv("HOLDFAST_SHARDS", raising=False)
    return tmp_path


def write_run_file(folder: Path, buckets: list[list[int]]) -> None:
    content = {
        "kafka": {"bootstrap": "127.0.0.1:4"},
        "topics": TOPICS,
        "shards": [
            {"name": f"s{index}", "dsn": "postgresql://x", "buckets": here}
            for index, here in enumerate(buckets)
        ],
        "processes": [],
    }
    (folder / "run.json").write_text(json.dumps(content))


def test_without_anything_no_system_is_guessed() -> None:
    """Another one than is meant may be at the ports that are the default."""
    with pytest.raises(CommandError, match=r"run\.json is missing\): start `make run`"):
        find_system()


def test_a_running_system_is_found(empty_folder: Path) -> None:
    write_run_file(empty_folder, [[0, 2], [1, 3]])

    system = find_system()

    assert [shard.name for shard in system.shards] == ["s0", "s1"]
    assert system.buckets == 4
    assert system.bootstrap == "127.0.0.1:4"
    assert system.topics.confirm == "x.confirm.v1"


def test_configured_shards_win(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run_file(empty_folder, [[0, 1]])
    ours = [{"name": "mine", "dsn": "postgresql://y", "buckets": list(range(32))}]
    monkeypatch.setenv("HOLDFAST_SHARDS", json.dumps(ours))

    assert [shard.name for shard in find_system().shards] == ["mine"]


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"shards": 1}'])
def test_a_run_file_that_cannot_be_read_is_told(empty_folder: Path, content: str) -> None:
    (empty_folder / "run.json").write_text(content)

    with pytest.raises(CommandError, match=r"start `make run` again"):
        find_system()


@pytest.mark.parametrize("buckets", [[[0, 1], [1]], [[0], [2]]])
def test_a_map_that_does_not_fit_is_refused(empty_folder: Path, buckets: list[list[int]]) -> None:
    write_run_file(empty_folder, buckets)

    with pytest.raises(CommandError, match="exactly one shard"):
        find_system()


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ShardAwayError("s", "gone"), "`make run`"),
        (BucketNotHereError("s", "moved"), "compare HOLDFAST_SHARDS with"),
        (ShardBusyError("s", "a lock"), "run the command again"),
        (SchemaError("s", "not migrated; run `holdfast migrate`"), "`holdfast migrate`"),
        (UnknownSettingError("HOLDFAST_X is not a setting"), "HOLDFAST_X"),
        (ExceptionGroup("both", [ShardAwayError("s", "gone")]), "`make run`"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_says_what_to_do(error: Exception, advice: str) -> None:
    line = explain(error)

    assert line is not None
    assert advice in line
    assert "\n" not in line


@pytest.mark.parametrize("error", [KeyError("x"), ExceptionGroup("bug", [KeyError("x")])])
def test_a_bug_is_not_explained_away(error: Exception) -> None:
    assert explain(error) is None


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_BUCKETS", "many")

    with pytest.raises(ValueError, match="buckets") as caught:
        load_settings()

    line = explain(caught.value)
    assert line is not None
    assert line.startswith("HOLDFAST_BUCKETS: Input should be a valid integer")
