"""What entry points make from settings."""

import time

from config.settings import Settings
from config.wiring import random_ids, wall_clock

BUCKET = 3
HOUR_S = 3600.0


def test_a_process_has_the_clock_of_the_machine_unless_told_otherwise():
    assert abs(wall_clock(Settings(_env_file=None))() - time.time()) < 1


def test_a_clock_that_is_off_is_seen_in_ids():
    settings = Settings(_env_file=None, clock_offset_s=-HOUR_S)

    made_at = random_ids(settings).new_id(BUCKET).int >> 80

    assert abs(made_at / 1000 - (time.time() - HOUR_S)) < 1
