"""The client's book of the benchmark: what is timed, what is under way, what has failed."""

import pytest

from bench.load.book import Book


@pytest.fixture
def book() -> Book:
    """Its window is from 10 to 20."""
    return Book(window_start=10.0, window_end=20.0)


def test_a_transfer_is_timed_from_its_intended_start_to_its_notice(book: Book):
    book.due(1, at=11.0)
    book.answered(1, since=11.0, at=11.1)
    book.accepted("a", since=11.0)
    book.over("a", at=11.5)

    result = book.result()
    assert result.latency_ms is not None
    assert result.latency_ms["max"] == pytest.approx(500)
    assert result.answer_ms is not None
    assert result.answer_ms["max"] == pytest.approx(100)
    assert (result.due, result.unfinished, result.failed) == (1, 0, 0)


def test_a_notice_before_the_answer_is_not_lost(book: Book):
    book.due(1, at=11.0)
    book.over("a", at=11.2)
    book.answered(1, since=11.0, at=11.3)
    book.accepted("a", since=11.0)

    result = book.result()
    assert result.latency_ms is not None
    assert result.latency_ms["max"] == pytest.approx(200)
    assert result.unfinished == 0


def test_what_begins_outside_of_the_window_is_not_timed(book: Book):
    for id_, since in (("early", 9.9), ("late", 20.0)):
        book.due(1, at=since)
        book.answered(1, since=since, at=since + 0.1)
        book.accepted(id_, since=since)
        book.over(id_, at=since + 0.2)

    result = book.result()
    assert (result.latency_ms, result.answer_ms, result.due) == (None, None, 0)


def test_what_begins_in_the_window_is_timed_though_it_ends_after_it(book: Book):
    book.due(1, at=19.9)
    book.answered(1, since=19.9, at=20.1)
    book.accepted("a", since=19.9)
    book.over("a", at=25.9)

    result = book.result()
    assert result.latency_ms is not None
    assert result.latency_ms["max"] == pytest.approx(6_000)


def test_under_way_is_what_was_due_and_is_not_known_to_be_over(book: Book):
    book.due(100, at=11.0)
    assert book.under_way == 100

    book.answered(100, since=11.0, at=11.1)
    for number in range(100):
        book.accepted(str(number), since=11.0)
    assert book.under_way == 100

    for number in range(99):
        book.over(str(number), at=12.0)
    assert book.under_way == 1
    assert book.result().unfinished == 1


def test_a_refusal_that_was_meant_is_no_failure(book: Book):
    book.due(1, at=11.0)
    book.answered(1, since=11.0, at=11.1)
    book.refused(since=11.0, at=11.1)

    result = book.result()
    assert (result.refused, result.failed, result.answers) == (1, 0, {"422": 1})


def test_the_first_failure_is_told(book: Book):
    book.failure(503, b"away")
    book.failure(500, b"broken")

    result = book.result()
    assert (result.failed, result.problem) == (2, "503: away")
