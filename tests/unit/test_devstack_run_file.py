"""`run.json` has the published form and is never seen half written."""

import json

from devstack.run_file import Role, Running, RunningProcess, RunningShard, write_run_file

RUNNING = Running(
    gateway="http://127.0.0.1:8080",
    bootstrap="127.0.0.1:19092",
    topics={"confirm": "wallet.confirm.v1"},
    shards=(RunningShard(name="shard0", dsn="postgresql://h/d", buckets=(0, 1)),),
    processes=(
        RunningProcess(role=Role.KAFKA, pid=6, address="127.0.0.1:8"),
        RunningProcess(
            role=Role.WORKER, pid=7, address="http://127.0.0.1:9", internal="http://127.0.0.1:9"
        ),
    ),
)


def test_form(tmp_path):
    write_run_file(tmp_path / "run.json", RUNNING)

    assert json.loads((tmp_path / "run.json").read_text()) == {
        "gateway": "http://127.0.0.1:8080",
        "kafka": {"bootstrap": "127.0.0.1:19092"},
        "topics": {"confirm": "wallet.confirm.v1"},
        "shards": [{"name": "shard0", "dsn": "postgresql://h/d", "buckets": [0, 1]}],
        "processes": [
            {"role": "kafka", "pid": 6, "address": "127.0.0.1:8", "internal": ""},
            {
                "role": "worker",
                "pid": 7,
                "address": "http://127.0.0.1:9",
                "internal": "http://127.0.0.1:9",
            },
        ],
    }


def test_reader_that_has_it_open_keeps_the_whole_old_one(tmp_path):
    path = tmp_path / "run.json"
    path.write_text("the old one")

    with path.open() as reader:
        write_run_file(path, RUNNING)

        assert reader.read() == "the old one"
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


def test_addresses_may_hold_passwords_so_only_the_owner_reads_it(tmp_path):
    write_run_file(tmp_path / "run.json", RUNNING)

    assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o600
