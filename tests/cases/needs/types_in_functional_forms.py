import typing
from typing import NamedTuple, NewType, TypeAlias, TypedDict

if typing.TYPE_CHECKING:
    from decimal import Decimal
    from fractions import Fraction
    from pathlib import Path
    from uuid import UUID

    size = 1

Number: TypeAlias = "Decimal"
Share = NewType("Share", "Fraction")
Row = TypedDict("Row", {"size": "UUID"})
Place = NamedTuple("Place", [("size", "Path")])
# 1: 3 4 5 6 7 8 9 10 11 12 13 14 15
# 2: 11 12 13 14 15
# 4: 3 5 6 7 8 9 10 11 12 13 14 15
# 5: 11 12
# 6: 13
# 7: 15
# 8: 14
# 10: 9
# 12: 11
