from functools import singledispatch
from os.path import *


def undocumented():
    return 1


def marked_up():
    """.. deprecated:: 2.0"""


def one_word():
    """Helper."""


def fields():
    """:returns: a number of things"""


async def wait_for_it():
    """Wait until it is done."""

    def inner():
        """Return nothing much."""

    return inner


class Whole:
    """A class comes whole, with its methods."""

    name = name = undocumented

    def method(self):
        """Return the name of it."""
        return self.name


if Whole:

    def conditional():
        """Be there only sometimes."""


@singledispatch
def show(value):
    """Show a value of any kind."""
    print(value)


@show.register
def _(value: int):
    """Show a whole number."""


@show.register
def _(value: str):
    """Show a text in quotes."""


def starred(path):
    """Use what a star may have brought."""
    return basename(path)
