"""Mistakes a person can fix, told apart from bugs."""


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
