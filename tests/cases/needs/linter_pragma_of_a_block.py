def save(path):
    """Save nothing."""
    with open(path) as file:
        # pylint: disable=no-member

        file.nothing()
        file.close()
    print(
        path,
        # pylint: disable=no-member
        path.nothing,
    )
# 1: 2 3 4 5 6 7 8 9 10 11 12
# 3: 4 5 6 7
# 6: 5
# 8: 9 10 11 12
