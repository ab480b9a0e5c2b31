# pylint: disable=no-member
import os
os.nothing()
# 2: 3
