"""Temperatures, from one scale to another.

Knows Celsius, Fahrenheit and Kelvin.
"""


def to_celsius(degrees):
    """Return degrees Celsius.

    The argument is in degrees Fahrenheit.
    """
    return (degrees - 32) * 5 / 9


def to_kelvin(degrees):
    """Return kelvins; the argument is in degrees Fahrenheit."""
    return to_celsius(degrees) + 273.15
