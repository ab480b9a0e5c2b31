"""A lower bound for any builder of edit sequences in Python: read each row, parse the program, write the bytes.

usage: floor.py INPUT OUTPUT BYTES, where BYTES is the size of the output of the builder to compare with.
"""

import ast
import sys
import warnings

import orjson


def main() -> None:
    warnings.simplefilter("ignore")
    source, output, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with open(source, "rb") as file:
        rows = sum(1 for _ in file)
    piece = b"x" * (size // rows)
    with open(source, "rb") as file, open(output, "wb") as out:
        for line in file:
            ast.parse(orjson.loads(line)["response"])
            out.write(piece)


if __name__ == "__main__":
    main()
