import asyncio


async def work():
    await asyncio.sleep(0)
    return 1


async def main():
    async with asyncio.timeout(1):
        x = await work()
    print(x)


asyncio.run(main())
# 1: 5 7 8 9 10 11 12 13 14 15
# 4: 2 3 5 6 7 8 9 10 11 12 13 14 15
# 9: 7 8 10 11 12 13 14 15
# 10: 7 8 9 11 12 13 14 15
# 11: 7 8 9 10 12 13 14 15
# 15: 13 14
