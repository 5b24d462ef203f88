"""Mistakes a person can fix, told apart from bugs."""

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """Bad config or bad input: ends a command with exit code 2 and no traceback.

    Each argument is one problem: a line that names the key or the file and says what to do.
    """

    @property
    def problems(self) -> tuple[str, ...]:
        """One line per problem; names of keys and files in it may be anybody's."""
        return tuple(
            "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(line))
            for line in self.args
        )

    def __str__(self) -> str:
        return "\n".join(self.problems)


class RunFailed(Exception):
    """A run that could not go on (out of memory, NaN, a full disk): exit code 1, no traceback."""


class NonFinite(RunFailed):
    """A loss, a gradient or a weight is NaN or infinite."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, a device's or the machine's."""
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return named or (isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error))


@contextmanager
def short_of_memory(advice: str) -> Iterator[None]:
    """While entered, `advice` is what to do where memory runs out.

    Raises:
        RunFailed: it did.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise RunFailed(f"out of memory: {advice}") from error
