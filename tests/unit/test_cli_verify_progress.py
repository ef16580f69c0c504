"""What a verification tells of how far it is, where no terminal is."""

from cli.verify_progress import Lines, shown_progress


def test_a_line_now_and_then_is_of_all_shards_together(capsys):
    now = 100.0
    lines = Lines(clock=lambda: now)

    lines("shard0", 1_000, 40_000)
    now = 104.9
    lines("shard1", 2_000, 10_000)
    assert capsys.readouterr().err == ""
    now = 105.0
    lines("shard0", 3_000, 40_000)
    lines("shard1", 3_000, 10_000)

    told = capsys.readouterr()
    assert told.err == "[verify] 5,000 of 50,000 rows; 1,000 rows/s\n"
    assert told.out == ""


def test_more_rows_than_were_expected_are_never_more_than_all(capsys):
    now = 0.0
    lines = Lines(clock=lambda: now)

    now = 10.0
    lines("shard0", 500, 0)

    assert capsys.readouterr().err == "[verify] 500 of 500 rows; 50 rows/s\n"


def test_a_program_that_reads_json_is_told_nothing(capsys):
    with shown_progress(quiet=True) as told:
        assert not isinstance(told, Lines)
        told("shard0", 1, 1)
    with shown_progress(quiet=False) as told:
        assert isinstance(told, Lines)

    assert capsys.readouterr().err == ""
