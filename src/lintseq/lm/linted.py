"""Edit by edit: each edit is looked at as soon as it is written, and drawn again if it is no good.

*Linted decoding* resolves each finished edit at once. One that is malformed, or that leaves a state with findings
which the state before it did not have, is drawn again, up to so many times; what was thrown away is counted with the
rest. Owns what is said of an edit; drawing again, and cutting back what was drawn, is left to the backends.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lintseq.codecs import SEPARATOR, Codec, get_codec
from lintseq.errors import ConfigError, ToolError
from lintseq.evaluation.candidates import HARMLESS
from lintseq.languages import get_language, get_linter
from lintseq.linting import Linter, findings, new_diagnostics
from lintseq.lm.backends.backend import Decision, Sampling, Watches
from lintseq.program import Program

GIVING_UP = ("keep", "end")


@dataclass(frozen=True, slots=True)
class EditOptions:
    """What is done edit by edit."""

    linted: bool = False
    """Whether bad edits are drawn again."""
    tries: int = 8
    """How often an edit is drawn again."""
    linter: str = get_language().default_linter
    """Judges states; `none` leaves it at edits that are malformed."""
    give_up: Literal["keep", "end"] = "keep"
    """What becomes of an edit that is bad once more: it stays, or the completion ends in front of it."""
    stop_after: int | None = None
    """So many edits are enough."""
    format: str = "diff"

    def __post_init__(self) -> None:
        if self.tries < 0:
            raise ConfigError(f"--tries {self.tries}: choose a number from 0")
        if self.give_up not in GIVING_UP:
            raise ConfigError(f"--give-up {self.give_up}: choose one of {', '.join(GIVING_UP)}")
        if self.stop_after is not None and self.stop_after < 1:
            raise ConfigError(f"--stop-after-edits {self.stop_after}: choose a number from 1")

    @property
    def wanted(self) -> bool:
        """Whether there is anything to be done edit by edit."""
        return self.linted or self.stop_after is not None


def watches(options: EditOptions, sampling: Sampling) -> Watches | None:
    """Return what looks at edits as `options` say; None if nothing has to."""
    if not options.wanted:
        return None
    if options.linted and options.tries and sampling.temperature == 0:
        raise ConfigError(
            "at temperature 0 an edit that is drawn again is the same edit; give --linted a --temperature above 0"
        )
    codec = get_codec(options.format)
    linter = get_linter(options.linter) if options.linted and options.linter != "none" else None
    return lambda request: EditWatch(options, codec, linter, Program.from_text(request.start))


class EditWatch:
    """Follows one completion: the state that its edits have come to, and what was thrown away on the way."""

    def __init__(self, options: EditOptions, codec: Codec, linter: Linter | None, start: Program) -> None:
        self.options = options
        self.codec = codec
        self.linter = linter
        self.state = start
        self.known = self._findings(start)
        self.edits = 0
        self.tried = 0
        """How often the edit that is being written was drawn again."""
        self.rejected: Counter[str] = Counter()
        self.gave_up = 0

    def edit(self, text: str, *, last: bool, cut: bool = False) -> Decision:
        if not self.options.linted:
            return "keep" if cut else self._accepted(self.state, last=last)
        resolution = self.codec.resolve(SEPARATOR + text, self.state)
        state = resolution.program
        malformed = not text.strip() or (not last and not text.endswith("\n"))
        malformed = malformed or any(note.reason not in HARMLESS for note in resolution.notes)
        reason = "malformed" if malformed else "unclean" if self._is_worse(state) else ""
        if not reason:
            return self._accepted(state, last=last)
        self.rejected[reason] += 1
        if cut:
            return "drop"
        if self.tried < self.options.tries:
            self.tried += 1
            return "again"
        self.gave_up += 1
        return self._accepted(state, last=last) if self.options.give_up == "keep" else "drop"

    def report(self) -> Mapping[str, Any]:
        told: dict[str, Any] = {"edits": self.edits}
        if self.options.linted:
            told |= {"rejected": dict(self.rejected), "gave_up": self.gave_up}
        return told

    def _accepted(self, state: Program, *, last: bool) -> Decision:
        self.state, self.tried = state, 0
        self.known = self._findings(state)
        self.edits += 1
        return "enough" if self.edits == self.options.stop_after and not last else "keep"

    def _is_worse(self, state: Program) -> bool:
        if self.linter is None:
            return False
        try:
            return bool(new_diagnostics(self.known, self.linter.check(state.text)))
        except ToolError:  # a state that breaks a linter is none that anyone wants
            return True

    def _findings(self, state: Program) -> Counter[tuple[str, str]]:
        if self.linter is None or not state.lines:
            return Counter()
        try:
            return findings(self.linter.check(state.text))
        except ToolError:
            return Counter()
