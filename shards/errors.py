"""What can go wrong on a shard, by what to do about it.

ShardError
  ShardTransientError     try again: later, or on a fresh connection
    ShardAwayError        the database does not answer, or the connection broke
      CommitUnknownError  it broke during COMMIT: run the step again, its rows tell
    ShardBusyError        a lock, a deadlock, a full pool
    BucketNotHereError    the bucket lives elsewhere now: refresh the map
  RolledBackError         a statement failed and the block went on: nothing was written; a bug
  SchemaError             the database is not what this code was made for; a person must act
"""


class ShardError(Exception):
    """Base of all errors of a shard; `shard` names it."""

    def __init__(self, shard: str, detail: str) -> None:
        super().__init__(f"{shard}: {detail}")
        self.shard = shard
        self.detail = detail


class ShardTransientError(ShardError):
    """Nothing is known to have happened, or it is safe to do again."""


class ShardAwayError(ShardTransientError):
    """The database does not answer."""


class CommitUnknownError(ShardAwayError):
    """The connection broke while COMMIT was on its way: it may have happened."""


class ShardBusyError(ShardTransientError):
    """The database answers, but not this statement, not now."""


class BucketNotHereError(ShardTransientError):
    """A row of a bucket that this shard does not own (any more)."""


class RolledBackError(ShardError):
    """What was taken for committed was not: PostgreSQL answers COMMIT after an error so."""


class SchemaError(ShardError):
    """The schema, the bucket count or the shard's name is not what this process expects."""
