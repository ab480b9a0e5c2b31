class Session:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *details):
        return None

    def __aiter__(self):
        return self


async def run():
    async with Session() as session:
        print(session)
    async for item in Session():
        print(item)
    return None


print(run())
# 1: 2 3 4 5 6 7 8 9 13 14 15 16
# 2: 3 13 14
# 3: 2 13 14
# 5: 4 6 13 14
# 6: 4 5 13 14
# 8: 7 9 15 16
# 9: 7 8 15 16
# 12: 10 11 13 14 15 16 17 18 19 20
# 13: 14
# 14: 13
# 15: 16
# 16: 15
# 20: 18 19
