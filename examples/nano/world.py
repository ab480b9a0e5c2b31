"""A small world of programs: functions and classes composed of a few ideas.

A plan describes a program: where its items come from, which of them it keeps, how it changes each, what it computes
from them, and optionally something special. This module defines the ideas, and writes instructions and programs for
plans, several of both for each plan. `make.py` chooses the plans and their tests.

    Source   numbers in a list, words of a sentence, letters of a text, ...
    Keep     those that are even, those longer than `size`, ...
    Change   double each, first letter of each, halve the even ones and negate the others, ...
    End      their sum, the longest, a list, how often each occurs, ...
    Extra    start at the second, stop at the first negative one, an answer of its own for nothing, ...
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

NUMBER, WORD, LETTER = "number", "word", "letter"


@dataclass(frozen=True)
class Parameter:
    """A parameter that an idea needs, in addition to the items."""

    name: str
    default: str
    """Its default value as code."""


@dataclass(frozen=True)
class Keep:
    """Which items to keep; in words and code, `{x}` is an item and `{p}` the parameter."""

    name: str
    words: tuple[str, ...]
    """They follow the items: "that are even"."""
    test: str
    otherwise: str
    parameter: Parameter | None = None


@dataclass(frozen=True)
class Change:
    """How to change each item."""

    name: str
    verbs: tuple[str, ...]
    """A step: "double each"."""
    parts: tuple[str, ...]
    """They follow "each": "doubled"."""
    value: str
    gives: str
    """The kind of the new items."""
    parameter: Parameter | None = None
    branches: tuple[str, str, str] | None = None
    """A condition, the value if it is true and the value if not; `value` is the same as one expression."""


@dataclass(frozen=True)
class End:
    """What to compute from the items; `{v}` is a kept and changed item, `{a}` the accumulator."""

    name: str
    verbs: tuple[str, ...]
    """A step: "return their sum"."""
    nouns: tuple[str, ...]
    """They precede the items: "the sum of"."""
    grows: tuple[str, ...]
    """Names for the accumulator."""
    start: tuple[str, ...]
    step: tuple[str, ...]
    result: tuple[str, ...]
    short: str = ""
    """The same as one expression of `{items}`, a generator expression without parentheses."""
    bare: bool = False
    """Whether changing the items first would make no sense."""
    leaves: bool = False
    """Whether the loop returns early."""
    tail: str = ""
    """The instruction for the empty case."""


@dataclass(frozen=True)
class Extra:
    """A special requirement."""

    name: str
    words: tuple[str, ...]
    view: str = "{xs}"
    """The part of the items to use."""
    guard: str = ""
    """The statement for the empty case."""
    stop: Keep | None = None
    """The items at which the loop ends."""


@dataclass(frozen=True)
class Source:
    """Where the items come from; `{xs}` is the first parameter."""

    name: str
    kind: str
    things: str
    location: str
    parameters: tuple[str, ...]
    each: tuple[str, ...]
    view: str = "{xs}"
    empty: str = "not {xs}"
    nothing: str = "{xs} is empty"
    nested: bool = False
    is_class: bool = False


@dataclass(frozen=True)
class Plan:
    """The description of a program."""

    source: Source
    keep: Keep | None
    change: Change | None
    end: End
    extra: Extra | None = None

    @property
    def core(self) -> tuple[str, str, str, str]:
        """The combination of ideas regardless of the source; held-out plans have others than the pairs."""
        return (
            self.source.kind,
            self.keep.name if self.keep else "",
            self.change.name if self.change else "",
            self.end.name,
        )

    @property
    def name(self) -> str:
        return "-".join(filter(None, (self.source.name, *self.core[1:], self.extra.name if self.extra else "")))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(idea.parameter for idea in (self.keep, self.change) if idea and idea.parameter)


# Ideas


LIMIT, SIZE, LETTER_P = Parameter("limit", "5"), Parameter("size", "3"), Parameter("letter", '"a"')
SKIPPED, ALLOWED = Parameter("skipped", '"a"'), Parameter("allowed", '"abc"')
STEP, PREFIX, MARK = Parameter("step", "1"), Parameter("prefix", '"so-"'), Parameter("mark", '"-"')

SOURCES = (
    Source("numbers", NUMBER, "numbers", "in {xs}", ("numbers", "values"), ("number", "n", "value")),
    Source("range", NUMBER, "numbers", "from 1 to {xs}", ("top", "highest"), ("number", "n", "i"),
           view="range(1, {xs} + 1)", empty="{xs} < 1", nothing="{xs} is below 1"),
    Source("grid", NUMBER, "numbers", "in the rows of {xs}", ("rows", "grid"), ("number", "cell", "value"),
        nested=True),
    Source("words", WORD, "words", "in {xs}", ("words", "names"), ("word", "w", "name")),
    Source("sentence", WORD, "words", "of the sentence {xs}", ("sentence", "line"), ("word", "w", "part"),
           view="{xs}.split()"),
    Source("text", LETTER, "letters", "in {xs}", ("text", "string"), ("letter", "char", "c")),
    Source("number-class", NUMBER, "numbers", "given to add", ("number",), ("number",), is_class=True),
    Source("word-class", WORD, "words", "given to add", ("word",), ("word",), is_class=True),
)  # fmt: skip

KEEPS: dict[str, tuple[Keep, ...]] = {
    NUMBER: (
        Keep("even", ("that are even", "that can be divided by 2"), "{x} % 2 == 0", "{x} % 2 != 0"),
        Keep("odd", ("that are odd", "that cannot be divided by 2"), "{x} % 2 == 1", "{x} % 2 != 1"),
        Keep("positive", ("that are positive", "above 0"), "{x} > 0", "{x} <= 0"),
        Keep("negative", ("that are negative", "below 0"), "{x} < 0", "{x} >= 0"),
        Keep("third", ("that can be divided by 3", "that are multiples of 3"), "{x} % 3 == 0", "{x} % 3 != 0"),
        Keep("fifth", ("that can be divided by 5", "that are multiples of 5"), "{x} % 5 == 0", "{x} % 5 != 0"),
        Keep("digit", ("from 0 to 9", "that have one digit"), "0 <= {x} <= 9", "not 0 <= {x} <= 9"),
        Keep("large", ("above 10", "greater than 10"), "{x} > 10", "{x} <= 10"),
        Keep("above", ("above {p}", "greater than {p}"), "{x} > {p}", "{x} <= {p}", LIMIT),
        Keep("below", ("below {p}", "less than {p}"), "{x} < {p}", "{x} >= {p}", LIMIT),
        Keep("unequal", ("other than {p}", "that are not {p}"), "{x} != {p}", "{x} == {p}", LIMIT),
    ),
    WORD: (
        Keep("long", ("longer than 4", "with more than 4 letters"), "len({x}) > 4", "len({x}) <= 4"),
        Keep("short", ("shorter than 4", "with fewer than 4 letters"), "len({x}) < 4", "len({x}) >= 4"),
        Keep("longer", ("longer than {p}", "with more than {p} letters"), "len({x}) > {p}", "len({x}) <= {p}",
            SIZE),
        Keep("sized", ("of length {p}", "with {p} letters"), "len({x}) == {p}", "len({x}) != {p}", SIZE),
        Keep("with", ("with {p} in them", "that contain {p}"), "{p} in {x}", "{p} not in {x}", LETTER_P),
        Keep("without", ("without {p}", "that do not contain {p}"), "{p} not in {x}", "{p} in {x}", LETTER_P),
        Keep("starting", ("that start with {p}", "with {p} at the start"), "{x}.startswith({p})",
             "not {x}.startswith({p})", LETTER_P),
        Keep("ending", ("that end in e", "with e at the end"), '{x}.endswith("e")', 'not {x}.endswith("e")'),
        Keep("capital", ("that start with a capital", "with a capital first"), "{x}[0].isupper()",
            "not {x}[0].isupper()"),
        Keep("small", ("in lower case", "without capitals"), "{x}.islower()", "not {x}.islower()"),
        Keep("mirror", ("that are palindromes", "that read the same backward"), "{x} == {x}[::-1]",
            "{x} != {x}[::-1]"),
    ),
    LETTER: (
        Keep("vowel", ("that are vowels", "among aeiou"), '{x} in "aeiou"', '{x} not in "aeiou"'),
        Keep("digit", ("that are digits", "from 0 to 9"), "{x}.isdigit()", "not {x}.isdigit()"),
        Keep("alpha", ("of the alphabet", "that are no digits or signs"), "{x}.isalpha()", "not {x}.isalpha()"),
        Keep("capital", ("that are capitals", "in upper case"), "{x}.isupper()", "not {x}.isupper()"),
        Keep("small", ("that are small", "in lower case"), "{x}.islower()", "not {x}.islower()"),
        Keep("solid", ("that are not spaces", "except spaces"), '{x} != " "', '{x} == " "'),
        Keep("late", ("after m", "behind m in the alphabet"), '{x} > "m"', '{x} <= "m"'),
        Keep("unequal", ("other than {p}", "that are not {p}"), "{x} != {p}", "{x} == {p}", SKIPPED),
        Keep("within", ("that are in {p}", "found in {p}"), "{x} in {p}", "{x} not in {p}", ALLOWED),
    ),
}  # fmt: skip

_SIMPLE: dict[str, tuple[Change, ...]] = {
    NUMBER: (
        Change("double", ("double each", "multiply each by 2"), ("doubled", "times 2"), "{x} * 2", NUMBER),
        Change("triple", ("triple each", "multiply each by 3"), ("tripled", "times 3"), "{x} * 3", NUMBER),
        Change("square", ("square each", "multiply each by itself"), ("squared", "times itself"), "{x} * {x}", NUMBER),
        Change("negate", ("negate each", "turn the sign of each"), ("negated", "with its sign turned"), "-{x}",
            NUMBER),
        Change("next", ("add 1 to each", "raise each by 1"), ("plus 1", "raised by 1"), "{x} + 1", NUMBER),
        Change("absolute", ("drop the sign of each", "take the absolute value of each"),
               ("without its sign", "as its absolute value"), "abs({x})", NUMBER),
        Change("last", ("take the last digit of each", "take each modulo 10"), ("cut to its last digit", "modulo 10"),
               "{x} % 10", NUMBER),
        Change("half", ("halve each, rounding down", "divide each by 2, rounding down"),
               ("halved, rounding down", "over 2, rounding down"), "{x} // 2", NUMBER),
        Change("shift", ("add {p} to each", "raise each by {p}"), ("plus {p}", "raised by {p}"), "{x} + {p}",
               NUMBER, STEP),
        Change("text", ("make a text of each", "turn each into a text"), ("as a text", "turned into a text"),
            "str({x})",
               WORD),
    ),
    WORD: (
        Change("length", ("take the length of each", "count the letters of each"), ("as its length", "by its length"),
               "len({x})", NUMBER),
        Change("upper", ("put each in upper case", "turn each to capitals"), ("in upper case", "in capitals"),
               "{x}.upper()", WORD),
        Change("lower", ("put each in lower case", "turn each to small letters"), ("in lower case",
            "in small letters"),
               "{x}.lower()", WORD),
        Change("reverse", ("reverse each", "turn each round"), ("reversed", "turned round"), "{x}[::-1]", WORD),
        Change("twice", ("repeat each", "write each twice"), ("repeated", "written twice"), "{x} * 2", WORD),
        Change("first", ("take the first letter of each", "cut each to its first letter"),
               ("cut to its first letter", "by its first letter"), "{x}[0]", WORD),
        Change("last", ("take the last letter of each", "cut each to its last letter"),
               ("cut to its last letter", "by its last letter"), "{x}[-1]", WORD),
        Change("rest", ("drop the first letter of each", "cut the first letter off each"),
               ("without its first letter", "less its first letter"), "{x}[1:]", WORD),
        Change("shout", ("add ! to each", "put ! behind each"), ("with ! added", "with ! behind it"), '{x} + "!"',
            WORD),
        Change("prefix", ("put {p} before each", "start each with {p}"), ("after {p}", "with {p} before it"),
               "{p} + {x}", WORD, PREFIX),
    ),
    LETTER: (
        Change("upper", ("put each in upper case", "turn each to capitals"), ("in upper case", "in capitals"),
               "{x}.upper()", LETTER),
        Change("lower", ("put each in lower case", "turn each to small letters"), ("in lower case",
            "in small letters"),
               "{x}.lower()", LETTER),
        Change("twice", ("repeat each", "write each twice"), ("repeated", "written twice"), "{x} * 2", LETTER),
        Change("swap", ("swap the case of each", "turn the case of each"), ("with its case swapped",
            "in the other case"),
               "{x}.swapcase()", LETTER),
        Change("dash", ("add - to each", "put - behind each"), ("with - added", "with - behind it"), '{x} + "-"',
            LETTER),
        Change("mark", ("put {p} before each", "start each with {p}"), ("after {p}", "with {p} before it"),
               "{p} + {x}", LETTER, MARK),
    ),
}  # fmt: skip


def either(name: str, which: str, ones: str, keep: Keep, yes: str, no: str, verbs: tuple[str, str]) -> Change:
    """Return a change that treats some items in one way and the others in another."""
    kind = next(kind for kind, keeps in KEEPS.items() if keep in keeps)
    changes = {change.name: change for change in _SIMPLE[kind]}
    value, otherwise = changes[yes].value, changes[no].value
    verb = f"{verbs[0]} {ones} and {verbs[1]} the others"
    part = f"{changes[yes].parts[0]} if it is {which} and {changes[no].parts[0]} if not"
    return Change(
        name,
        (verb,),
        (part,),
        f"{value} if {keep.test} else {otherwise}",
        changes[yes].gives,
        None,
        (keep.test, value, otherwise),
    )


_KEEP = {(kind, keep.name): keep for kind, keeps in KEEPS.items() for keep in keeps}

CHANGES: dict[str, tuple[Change, ...]] = {
    NUMBER: (
        *_SIMPLE[NUMBER],
        either("half-or-triple", "even", "even ones", _KEEP[NUMBER, "even"], "half", "triple", ("halve", "triple")),
        either("negate-or-double", "large", "those above 10", _KEEP[NUMBER, "large"], "negate", "double", ("negate",
            "double")),
        either("square-or-negate", "positive", "positive ones", _KEEP[NUMBER, "positive"], "square", "negate",
            ("square", "negate")),
    ),
    WORD: (
        *_SIMPLE[WORD],
        either("reverse-or-upper", "long", "those longer than 4", _KEEP[WORD, "long"], "reverse", "upper",
               ("reverse", "put in upper case")),
        either("lower-or-twice", "capital", "those with a capital first", _KEEP[WORD, "capital"], "lower", "twice",
               ("put in lower case", "repeat")),
    ),
    LETTER: (
        *_SIMPLE[LETTER],
        either("upper-or-dash", "vowel", "vowels", _KEEP[LETTER, "vowel"], "upper", "dash", ("put in upper case",
            "add - to")),
        either("twice-or-lower", "digit", "digits", _KEEP[LETTER, "digit"], "twice", "lower", ("repeat",
            "put in lower case")),
    ),
}  # fmt: skip

_LIST, _TALLY = ("result", "found", "output"), ("counts", "tally", "seen")

_ANY_KIND = (
    End("list", ("return a list of them", "collect them in a list"), ("a list of", "the list of"), _LIST,
        ("{a} = []",), ("{a}.append({v})",), ("return {a}",), "[{items}]"),
    End("count", ("count them", "return how many there are"), ("the number of", "how many there are of"),
        ("count", "total", "amount"), ("{a} = 0",), ("{a} += 1",), ("return {a}",), "len([{items}])", bare=True),
    End("first", ("return the first", "find the first"), ("the first of",), _LIST, (), ("return {v}",),
        ("return None",),
        "next(({items}), None)", leaves=True, tail="None if there is none"),
    End("last", ("return the last", "find the last"), ("the last of",), ("last", "latest"), ("{a} = None",),
        ("{a} = {v}",),
        ("return {a}",), tail="None if there is none"),
    End("distinct", ("return a list of them without repeats", "list each value once"),
        ("a list without repeats of", "the distinct values of"), _LIST, ("{a} = []",),
        ("if {v} not in {a}:", "    {a}.append({v})"), ("return {a}",)),
    End("tally", ("count how often each occurs", "return a dict with the count of each"),
        ("a dict with the counts of", "how often each occurs of"), _TALLY, ("{a} = {{}}",),
        ("{a}[{v}] = {a}.get({v}, 0) + 1",), ("return {a}",)),
    End("any", ("tell whether there is any", "return whether any is there"), ("whether there are any of",), _LIST, (),
        ("return True",), ("return False",), bare=True, leaves=True),
)  # fmt: skip

ENDS: dict[str, tuple[End, ...]] = {
    NUMBER: (
        *_ANY_KIND,
        End("sum", ("return their sum", "add them up"), ("the sum of", "the total of"), ("total", "result",
            "sum_so_far"),
            ("{a} = 0",), ("{a} += {v}",), ("return {a}",), "sum({items})"),
        End("product", ("return their product", "multiply them all"), ("the product of",), ("product", "result"),
            ("{a} = 1",), ("{a} *= {v}",), ("return {a}",)),
        End("largest", ("return the largest", "find the largest"), ("the largest of", "the maximum of"),
            ("best", "largest"), ("{a} = None",), ("if {a} is None or {v} > {a}:", "    {a} = {v}"), ("return {a}",),
            "max(({items}), default=None)", tail="None if there is none"),
        End("smallest", ("return the smallest", "find the smallest"), ("the smallest of", "the minimum of"),
            ("best", "smallest"), ("{a} = None",), ("if {a} is None or {v} < {a}:", "    {a} = {v}"), ("return {a}",),
            "min(({items}), default=None)", tail="None if there is none"),
        End("running", ("return their running totals", "list the sum so far at each"), ("the running totals of",),
            _LIST,
            ("{a} = []", "total = 0"), ("total += {v}", "{a}.append(total)"), ("return {a}",)),
    ),
    WORD: (
        *_ANY_KIND,
        End("longest", ("return the longest", "find the longest"), ("the longest of",), ("best", "longest"),
            ('{a} = ""',), ("if len({v}) > len({a}):", "    {a} = {v}"), ("return {a}",),
            'max(({items}), key=len, default="")', tail='"" if there is none'),
        End("joined", ("join them with spaces", "return them in one text with spaces between"),
            ("one text with spaces between", "the text joined by spaces of"), ("parts", "pieces"), ("{a} = []",),
            ("{a}.append({v})",), ('return " ".join({a})',), '" ".join({items})'),
    ),
    LETTER: (
        *_ANY_KIND,
        End("joined", ("join them", "return them as one text"), ("a new text of", "the text made of"),
            ("result", "output", "joined"), ('{a} = ""',), ("{a} += {v}",), ("return {a}",), '"".join({items})'),
        End("commas", ("join them with commas", "return them with commas between"), ("the text joined by commas of",),
            ("parts", "pieces"), ("{a} = []",), ("{a}.append({v})",), ('return ",".join({a})',), '",".join({items})'),
    ),
}  # fmt: skip


def _stop(kind: str, name: str) -> Extra:
    keep = _KEEP[kind, name]
    words = tuple(f"{verb} at the first of the {kind}s {keep.words[0]}" for verb in ("Stop", "End"))
    return Extra(f"stop-{name}", words, stop=keep)


_VIEWS = (
    Extra("rest", ("Leave out the first {x}", "Start at the second {x}"), view="{xs}[1:]"),
    Extra("most", ("Leave out the last {x}", "End before the last {x}"), view="{xs}[:-1]"),
    Extra("second", ("Look at every second {x} only", "Look at each second {x} alone"), view="{xs}[::2]"),
    Extra("backward", ("Go from the last {x} to the first", "Go backward"), view="{xs}[::-1]"),
    Extra("sorted", ("Go in sorted order", "Sort the {x}s first"), view="sorted({xs})"),
)
_GUARDS = (
    Extra("none", ("Return -1 if {nothing}", "If {nothing}, return -1"), guard="return -1"),
    Extra("word", ('Return "none" if {nothing}', 'If {nothing}, return "none"'), guard='return "none"'),
    Extra(
        "error",
        ("Raise ValueError if {nothing}", "If {nothing}, raise ValueError"),
        guard='raise ValueError("nothing")',
    ),
)
_STOPS = {
    NUMBER: (_stop(NUMBER, "negative"), _stop(NUMBER, "large"), _stop(NUMBER, "fifth")),
    WORD: (_stop(WORD, "long"), _stop(WORD, "capital"), _stop(WORD, "ending")),
    LETTER: (_stop(LETTER, "digit"), _stop(LETTER, "capital"), _stop(LETTER, "vowel")),
}


def extras(source: Source) -> tuple[Extra, ...]:
    """Return the special requirements that a source allows."""
    if source.is_class:
        return ()
    if source.nested:
        return _GUARDS
    if source.name == "range":
        return (*_GUARDS, *_STOPS[source.kind])
    return (*_VIEWS, *_GUARDS, *_STOPS[source.kind])


def makes_sense(plan: Plan) -> bool:
    """Tell whether the ideas are compatible."""
    keep, change, end, extra = plan.keep, plan.change, plan.end, plan.extra
    kind = change.gives if change else plan.source.kind
    named = [parameter.name for parameter in plan.parameters]
    return (
        end in ENDS[kind]
        and not (end.bare and (change or not keep))
        and not (plan.source.is_class and end.leaves)
        and not (extra and extra.stop and extra.stop is keep)
        and len(set(named)) == len(named)
    )


# Words


@dataclass(frozen=True)
class Names:
    """The names in one program."""

    function: str
    xs: str
    x: str
    grows: str
    parameters: tuple[Parameter, ...]
    defaults: bool
    """Whether the parameters have defaults."""


def draw_names(plan: Plan, rng: Random) -> Names:
    """Return names for a plan; the name of the function describes its ideas."""
    described = [idea.name.split("-")[0] for idea in (plan.change, plan.keep) if idea] or [plan.source.things]
    words = [plan.end.name, rng.choice(described)]
    rng.shuffle(words)
    if rng.random() < 0.3:
        words.append(plan.source.things)
    name = "".join(map(str.capitalize, words)) if plan.source.is_class else "_".join(dict.fromkeys(words))
    grows = rng.choice(plan.end.grows)
    return Names(
        name + ("" if "_" in name or plan.source.is_class else "_all"),
        rng.choice(plan.source.parameters),
        rng.choice(plan.source.each),
        grows,
        plan.parameters,
        rng.random() < 0.5,
    )


def signature(plan: Plan, names: Names) -> str:
    """Return the signature of the function, as in instructions."""
    first = [] if plan.source.is_class else [names.xs]
    return f"{names.function}({', '.join([*first, *_declared(names)])})"


def _declared(names: Names) -> list[str]:
    return [
        f"{parameter.name}={parameter.default}" if names.defaults else parameter.name for parameter in names.parameters
    ]


def instruction(plan: Plan, names: Names, rng: Random) -> str:
    """Return one of the instructions for a plan."""
    source, keep, change, end = plan.source, plan.keep, plan.change, plan.end
    things = f"{source.things} {source.location.format(xs=names.xs)}"
    if keep:
        things += " " + rng.choice(keep.words).format(p=_name_of(keep))
    verb, part = "", ""
    if change:
        verb = rng.choice(change.verbs).format(p=_name_of(change))
        part = f", each {rng.choice(change.parts).format(p=_name_of(change))}"
    what = "class" if source.is_class else "function"
    head = signature(plan, names)
    tail = f", {end.tail}" if end.tail else ""
    form = rng.randrange(3)
    if form == 0:
        steps = [f"take the {things}", *([verb] if verb else []), rng.choice(end.verbs)]
        text = f"Write a {what} {head}: {', '.join(steps[:-1])} and {steps[-1]}{tail}."
    elif form == 1:
        steps = [f"Take the {things}.", *([f"{_capital(verb)}."] if verb else []), _capital(rng.choice(end.verbs))]
        text = f"Define a {what} {head}. {' '.join(steps)}{tail}."
    else:
        returns = "Its answer() returns" if source.is_class else "It returns"
        text = f"Write a {what} {head}. {returns} {rng.choice(end.nouns)} the {things}{part}{tail}."
    if plan.extra:
        nothing = source.nothing.format(xs=names.xs)
        text += " " + rng.choice(plan.extra.words).format(x=source.kind, nothing=nothing) + "."
    if source.is_class:
        text += f" It has the methods add({names.x}) and answer()."
    return text


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _name_of(idea: Keep | Change) -> str:
    return idea.parameter.name if idea.parameter else ""


# Programs


Lines = list[str]

STYLES = ("nested", "skipping", "staged", "helper", "changer", "short")
"""How a program can be written: a condition around the step; a condition that skips; one loop after another; a helper
function for the test, or for the change; a single expression."""


def styles(plan: Plan) -> Iterator[str]:
    """Yield the styles in which a plan can be written."""
    yield "nested"
    stops = plan.extra is not None and plan.extra.stop is not None
    simple = not plan.source.is_class and not stops and not plan.source.nested
    if plan.keep:
        yield "skipping"
        yield "helper"
    if simple and plan.keep and plan.change:
        yield "staged"
    if plan.change and plan.change.branches:
        yield "changer"
    if simple and plan.end.short and not (plan.change and plan.change.branches):
        yield "short"


def program(plan: Plan, names: Names, style: str) -> str:
    """Return the program of a plan in a style."""
    writer = _Writer(plan, names, style)
    return "\n".join(writer.in_class() if plan.source.is_class else writer.function()) + "\n"


def body(plan: Plan, names: Names) -> str:
    """Return the program without its first line: the part after the docstring."""
    return program(plan, names, "nested").partition("\n")[2]


@dataclass(frozen=True)
class _Writer:
    plan: Plan
    names: Names
    style: str

    def function(self) -> Lines:
        plan, names = self.plan, self.names
        inside = [*self.guard(), *(self.short() if self.style == "short" else self.loops())]
        return [*self.helpers(), f"def {signature(plan, names)}:", *_indented(inside)]

    def in_class(self) -> Lines:
        plan, names = self.plan, self.names
        end = plan.end
        kept = [f"self.{parameter.name} = {parameter.name}" for parameter in names.parameters]
        start = [*kept, *map(self.grown, end.start)]
        add = self.inner()
        methods = [
            [f"def __init__({', '.join(['self', *_declared(names)])}):", *_indented(start)],
            [f"def add(self, {names.x}):", *_indented(add)],
            ["def answer(self):", *_indented(map(self.grown, end.result))],
        ]
        lines = [f"class {names.function}:"]
        for number, method in enumerate(methods):
            lines += [*([""] if number else []), *_indented(method)]
        return [*self.helpers(), *lines]

    # Pieces

    def coded(self, code: str, idea: Keep | Change, *, inside: bool = False) -> str:
        """Return the code of an idea; `inside` a helper function, parameters are those of the helper."""
        owner = "self." if self.plan.source.is_class and not inside else ""
        return code.format(x=self.names.x, p=owner + _name_of(idea))

    def grown(self, code: str, value: str = "") -> str:
        text = code.format(a=("self." if self.plan.source.is_class else "") + self.names.grows, v=value)
        if self.plan.source.is_class:  # what else is carried from step to step
            text = text.replace("total +=", "self.total +=") if text.startswith("total +=") else text
            text = text.replace("total = 0", "self.total = 0") if text == "total = 0" else text
            text = text.replace("(total)", "(self.total)")
        return text

    def guard(self) -> Lines:
        extra, source = self.plan.extra, self.plan.source
        if extra is None or not extra.guard:
            return []
        return [f"if {source.empty.format(xs=self.names.xs)}:", f"    {extra.guard}"]

    def view(self) -> str:
        seen = self.plan.source.view.format(xs=self.names.xs)
        return self.plan.extra.view.format(xs=seen) if self.plan.extra else seen

    def heads(self, over: str = "") -> Lines:
        if over or not self.plan.source.nested:
            return [f"for {self.names.x} in {over or self.view()}:"]
        return [f"for row in {self.view()}:", f"for {self.names.x} in row:"]

    def stop(self) -> Lines:
        stop = self.plan.extra.stop if self.plan.extra else None
        return [f"if {self.coded(stop.test, stop)}:", "    break"] if stop else []

    def test(self) -> tuple[str, str]:
        """Return the condition for keeping an item, and its opposite."""
        keep = self.plan.keep
        assert keep is not None
        if self.style == "helper":
            call = f"is_{keep.name}({self.arguments(keep)})"
            return call, f"not {call}"
        return self.coded(keep.test, keep), self.coded(keep.otherwise, keep)

    def arguments(self, idea: Keep | Change) -> str:
        return ", ".join([self.names.x, *([self.coded("{p}", idea)] if idea.parameter else [])])

    def value(self) -> tuple[Lines, str]:
        """Return the lines that compute a value, and the value."""
        change, end = self.plan.change, self.plan.end
        if change is None:
            return [], self.names.x
        if self.style == "changer":
            return [], f"changed({self.names.x})"
        if change.branches:
            test, yes, no = (self.coded(code, change) for code in change.branches)
            return [f"if {test}:", f"    changed = {yes}", "else:", f"    changed = {no}"], "changed"
        value = self.coded(change.value, change)
        if sum(line.count("{v}") for line in end.step) > 1 or self.style == "skipping":
            return [f"changed = {value}"], "changed"
        return [], value

    def step(self, value: str) -> Lines:
        return [self.grown(line, value) for line in self.plan.end.step]

    def inner(self, *, keep: bool = True) -> Lines:
        """Return the body of the loop."""
        lines, value = self.value()
        if self.style == "changer" and sum(line.count("{v}") for line in self.plan.end.step) > 1:
            lines, value = [f"new = {value}"], "new"
        lines = [*lines, *self.step(value)]
        if self.plan.keep is None or not keep:
            return [*self.stop(), *lines]
        test, otherwise = self.test()
        if self.style == "skipping":
            leave = "return" if self.plan.source.is_class else "continue"
            return [*self.stop(), f"if {otherwise}:", f"    {leave}", *lines]
        return [*self.stop(), f"if {test}:", *_indented(lines)]

    # Wholes

    def loops(self) -> Lines:
        end = self.plan.end
        start, result = [self.grown(line) for line in end.start], [self.grown(line) for line in end.result]
        if self.style != "staged":
            return [*start, *_nested(self.heads(), self.inner()), *result]
        test, _ = self.test()
        gather = _nested(self.heads(), [f"if {test}:", f"    kept.append({self.names.x})"])
        return ["kept = []", *gather, *start, *_nested(self.heads("kept"), self.inner(keep=False)), *result]

    def short(self) -> Lines:
        plan, names = self.plan, self.names
        condition = f" if {self.test()[0]}" if plan.keep else ""
        value = self.coded(plan.change.value, plan.change) if plan.change else names.x
        items = f"{value} for {names.x} in {self.view()}{condition}"
        return [f"return {plan.end.short.format(items=items)}"]

    def helpers(self) -> Lines:
        keep, change, x = self.plan.keep, self.plan.change, self.names.x
        if self.style == "helper" and keep:
            takes = ", ".join([x, *([keep.parameter.name] if keep.parameter else [])])
            return [f"def is_{keep.name}({takes}):", f"    return {self.coded(keep.test, keep, inside=True)}", "", ""]
        if self.style == "changer" and change and change.branches:
            test, yes, no = (self.coded(code, change, inside=True) for code in change.branches)
            return [f"def changed({x}):", f"    if {test}:", f"        return {yes}", f"    return {no}", "", ""]
        return []


def _indented(lines: Lines | Iterator[str]) -> Lines:
    return ["    " + line if line else line for line in lines]


def _nested(heads: Lines, inner: Lines) -> Lines:
    for head in reversed(heads):
        inner = [head, *_indented(inner)]
    return inner
