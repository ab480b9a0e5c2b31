"""Decoding edit by edit: each edit is judged as soon as it is written.

*Linted decoding* resolves each finished edit. An edit that is malformed, or that leaves a state with findings which
the state before it did not have, is discarded and drawn again. This module judges edits and counts what was
rejected; redrawing, and truncating what was drawn, is up to the backends.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lintseq.codecs import SEPARATOR, Codec, get_codec
from lintseq.errors import ConfigError, ToolError, check_at_least, check_choice
from lintseq.evaluation.candidates import HARMLESS
from lintseq.languages import get_language, get_linter
from lintseq.linting import Linter, findings
from lintseq.lm.backends.backend import EditDecision, EditFilterFactory, SamplingParameters
from lintseq.program import Program


@dataclass(frozen=True, slots=True)
class DecodingOptions:
    """Decoding edit by edit."""

    linted: bool = False
    """Linted decoding: redraw edits that are malformed or leave a state with new findings."""
    tries: int = 8
    """How often an edit is redrawn."""
    linter: str = get_language().default_linter
    """The linter that judges states; none redraws malformed edits only."""
    give_up: Literal["keep", "end"] = "keep"
    """What to do with an edit that is still bad after the last try: keep it, or end the completion before it."""
    stop_after_edits: int | None = None
    """Stop after this many edits."""

    def __post_init__(self) -> None:
        check_at_least(0, {"--tries": self.tries})
        check_choice("--give-up", self.give_up, ("keep", "end"))
        check_at_least(1, {"--stop-after-edits": self.stop_after_edits})

    @property
    def by_edit(self) -> bool:
        """Whether edits have to be judged while they are written."""
        return self.linted or self.stop_after_edits is not None


def edit_filters(options: DecodingOptions, sampling: SamplingParameters, format: str) -> EditFilterFactory | None:
    """Return a function that makes the filter of each completion, or None if no edit has to be judged.

    Raises `ConfigError` if redrawing cannot help, or if there is no such linter or format.
    """
    if not options.by_edit:
        return None
    if options.linted and options.tries and sampling.temperature == 0:
        raise ConfigError(
            "at temperature 0 a redrawn edit is the same edit; use --linted with a --temperature above 0"
        )
    codec = get_codec(format)
    linter = get_linter(options.linter) if options.linted and options.linter != "none" else None
    return lambda request: LintedEditFilter(options, codec, linter, Program.from_text(request.start))


class LintedEditFilter:
    """Follows the edits of one completion: the state they lead to, and what was rejected on the way."""

    def __init__(self, options: DecodingOptions, codec: Codec, linter: Linter | None, start: Program) -> None:
        self.options = options
        self.codec = codec
        self.linter = linter
        self.state = start
        self.known = self._findings(start) or Counter()
        self.edits = 0
        self.redraws = 0
        """How often the current edit was redrawn."""
        self.rejected: Counter[str] = Counter()
        self.gave_up = 0

    def judge(self, text: str, *, last: bool, truncated: bool = False) -> EditDecision:
        if not self.options.linted:
            return "keep" if truncated else self._accept(self.state, self.known, last=last)
        resolution = self.codec.resolve(SEPARATOR + text, self.state)
        state = resolution.program
        malformed = not text.strip() or (not last and not text.endswith("\n"))
        malformed = malformed or any(note.reason not in HARMLESS for note in resolution.notes)
        found = self._findings(state)
        unclean = found is None or bool(found - self.known)
        reason = "malformed" if malformed else "unclean" if unclean else ""
        if not reason:
            return self._accept(state, found, last=last)
        self.rejected[reason] += 1
        if truncated:
            return "drop"
        if self.redraws < self.options.tries:
            self.redraws += 1
            return "redraw"
        self.gave_up += 1
        return self._accept(state, found, last=last) if self.options.give_up == "keep" else "drop"

    def report(self) -> Mapping[str, Any]:
        if not self.options.linted:
            return {"edits": self.edits}
        return {"edits": self.edits, "rejected": dict(self.rejected), "gave_up": self.gave_up}

    def _accept(self, state: Program, found: Counter[tuple[str, str]] | None, *, last: bool) -> EditDecision:
        self.state, self.known, self.redraws = state, found or Counter(), 0
        self.edits += 1
        return "stop" if self.edits == self.options.stop_after_edits and not last else "keep"

    def _findings(self, state: Program) -> Counter[tuple[str, str]] | None:
        """Return the findings in a state; None if it crashes the linter, so it is not clean."""
        if self.linter is None or not state.lines:
            return Counter()
        try:
            return findings(self.linter.check(state.text))
        except ToolError:
            return None
