from typing import TYPE_CHECKING, Union, cast
if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

Place = Union[str, "PathLike"]
here = cast("Path", "here")
print(here)
# 1: 2 3 4 5 6 7 8
# 2: 3 4 5 6 7 8
# 3: 5 6
# 4: 7 8
# 6: 5
# 7: 8
