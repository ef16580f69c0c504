"""What is there for all is bounded for all and for each, and nothing is kept of who has nothing."""

from gateway.shares import Shares


def test_what_waits_to_be_fetched_is_bounded_for_all_and_for_each():
    shares: Shares[str] = Shares(most=10, of_one=4)

    assert shares.take("a", 4)
    assert not shares.take("a", 1)
    assert shares.take("b", 3)
    # A proxy of ours has no part, and no more than there is.
    assert not shares.take(None, 4)
    assert shares.take(None, 3)
    assert not shares.take("c", 1)

    shares.give_back("a", 4)
    assert shares.take("c", 4)
    shares.give_back("b", 3)
    assert shares.take("a", 3)


def test_what_was_refused_is_not_counted():
    shares: Shares[str] = Shares(most=10, of_one=4)

    for _ in range(5):
        assert not shares.take("a", 5)

    assert shares.take("a", 4)
    assert shares.take(None, 6)


def test_each_is_bounded_where_all_are_not():
    shares: Shares[str] = Shares(most=None, of_one=2)

    assert [shares.take("a"), shares.take("a"), shares.take("a")] == [True, True, False]
    assert all(shares.take(key) for key in "bcdefgh")
    shares.give_back("a")
    assert shares.take("a")


def test_nothing_is_kept_of_who_has_nothing():
    """Most answers wait for nobody, and a gateway meets more addresses than it could remember."""
    shares: Shares[str] = Shares(most=10, of_one=4)

    for number in range(100):
        assert shares.take(f"address-{number}", 0)
        assert shares.take(f"other-{number}", 4)
        shares.give_back(f"other-{number}", 4)

    assert len(shares._taken) == 0
