import argparse
import logging

logging.basicConfig(level=logging.INFO)
logger = logging.getLogger(__name__)
logger.setLevel(logging.DEBUG)

TABLE = {}
TABLE["one"] = 1
for number in range(3):
    TABLE[str(number)] = number

parser = argparse.ArgumentParser()
parser.add_argument("--name")


def register(function):
    TABLE[function.__name__] = function
    return function


@register
def lookup(name):
    """Look up a name in the table."""
    lookup.calls += 1
    return TABLE[name]


lookup.calls = 0


def parse():
    """Parse the command line."""
    logger.info("parsing")
    return parser.parse_args()


def main():
    """Run the whole program."""
    print(parse(), options)


if __name__ == "__main__":
    options = parse()
    main()


__all__ = ["lookup", "parse", "main", "exported"]
try:
    import fast
except ImportError:
    fast = None
    __all__.remove("main")


def exported():
    """Say what is exported."""
    return __all__, fast


names = ["a"]
if fast:
    backend = "fast"
    names += ["b"]


def which():
    """Return the backend in use."""
    return backend
