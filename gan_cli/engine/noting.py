"""What a step asks of the progress: two steps that hear the same answers do the same."""

from collections.abc import Callable
from typing import Any

from gan_cli.tricks.examples import Progress

Question = tuple[str, Any]
"""An attribute of `Progress` and None, or a method and its argument."""
Answers = dict[Question, Any]


class Noting(Progress):
    """A progress that writes down what it is asked and what it says."""

    answers: Answers

    @classmethod
    def of(cls, progress: Progress, answers: Answers) -> "Noting":
        """One that says what `progress` does, and writes into `answers`."""
        noting = cls(*progress)
        noting.answers = answers
        return noting

    def _replace(self, **changes: Any) -> "Noting":
        return Noting.of(Progress(*self)._replace(**changes), self.answers)

    def due(self, every: int) -> bool:
        """See `Progress`."""
        return every == 1 or self._ask("due", every)

    def past(self, step: int) -> bool:
        """See `Progress`."""
        return self._ask("past", step)

    def value_of(self, schedule: Callable[[Progress], float]) -> float:
        """See `Progress`."""
        return self._ask("value_of", schedule)

    # what is read as it is changes with every step, and so no two steps are the same
    step = property(lambda self: self._ask("step"))
    epoch = property(lambda self: self._ask("epoch"))
    done = property(lambda self: self._ask("done"))
    images = property(lambda self: self._ask("images"))

    def _ask(self, name: str, argument: Any = None) -> Any:
        question = name, argument
        self.answers[question] = answer(Progress(*self), question)
        return self.answers[question]


def answer(progress: Progress, question: Question) -> Any:
    """What a progress says to a question."""
    name, argument = question
    asked = getattr(progress, name)
    return asked(argument) if callable(asked) else asked


def fits(answers: Answers, progress: Progress) -> bool:
    """Whether a progress says the same."""
    return all(answer(progress, question) == said for question, said in answers.items())
