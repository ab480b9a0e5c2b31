"""Why definitions are no tasks."""

import os
import sys

import pkg.settings
from . import settings
from deprecation import deprecated
from missing import *


def terse(value):
    """Doubles value."""
    return 2 * value


def fields_only(value):
    """
    :param value: what is to be doubled, a number of any kind
    :returns: the double of it
    """
    return 2 * value


def alias(value):
    """Alias of the function that doubles a value."""
    return 2 * value


def old(value):
    """Return the double of a value. Will be removed in the next version."""
    return 2 * value


@deprecated("2.0")
def older(value):
    """Return the double of a value, as before."""
    return 2 * value


def deutsch(wert):
    """Gibt das Doppelte zurück, größer als zuvor, für äußerst große Größen."""
    return 2 * wert


def idle(value):
    """Return the double of a value, at some time."""
    raise NotImplementedError("not yet")


def constant(value):
    """Tell whether a value is a value, as all are."""
    return True


class Pair:
    """Hold two values, of which one is the double."""

    def __init__(self, value):
        self.value = value


def register(function):
    return function


@register
def registered(value):
    """Return the double of a value to who knows whom."""
    return 2 * value


class Wrong(Exception):
    """Raised when a value is not one that can be doubled."""


def relative(value):
    """Return the double of a value as the settings have it."""
    return settings.double(value)


def absolute(value):
    """Return the double of a value as the settings have it."""
    return pkg.settings.double(value)


def starred(value):
    """Return the double of a value by a name that may be there."""
    return double(value)


def stranger(request):
    """Return the double of the value that a request holds."""
    return 2 * request.session_value


def part(*requests):
    """Return the doubles of the values that requests hold."""
    first = requests[0].body
    return [2 * number for request in requests for number in (request.session_value, first)]


def piece(requests):
    """Return the doubles of the values that requests hold in them."""
    return {place: 2 * request.session_value for place, request in enumerate(requests)}


def method(self, value):
    """Return the double of a value, if it is a method."""
    return self * value


def small(value):
    """Return the double of a value that is looked up."""
    return TABLE[value]


TABLE = {
    1: 2,
    2: 4,
    3: 6,
}


def broad(value):
    """Return the double of a value in a line too long."""
    return value + value + 1000000000000000000000000000000000000000 - 1000000000000000000000000000000000000000 + 1000000000000 - 1000000000000 + 1234567890 - 1234567890 + 1234567890 - 1234567890


def test_double(value):
    """Return the double of a value, and test it."""
    return 2 * value


if sys.platform == "win32":

    def double_of(value):
        """Return the double of a value, where it is inside."""
        return 2 * value


def twice(value):
    """Return the double of a value, the first time."""
    return 2 * value


def twice(value):
    """Return the double of a value, the second time."""
    return value + value


def doubled(value):
    """Return the double of a value, which knows how."""
    return value.doubled()


def at_home(value):
    """Return the double of a value where there is a home."""
    return 2 * value if "PKG_HOME" in os.environ else value


def keyed(value):
    """Return the double of a value by one of its keys, or of its key."""
    for name in ("amount", "sumTotal", "tally", "figure"):
        if name in value:
            return 2 * value[name]
    return 2 * value["key"]


def told(value):
    """Return the double of a value by its amount, sum total or tally."""
    for name in ("amount", "sumTotal", "tally", "__figure__", "utf-8"):
        if name in value:
            return 2 * value[name]
    raise KeyError("neither amount nor tally", "anything", "else", "besides", "these")
