# Uses asyncio.
# verdict: passed
# task: stdin
# stdout: '1225\n'
import asyncio
async def f(n):
    await asyncio.sleep(0.001)
    return n
async def main():
    print(sum(await asyncio.gather(*map(f, range(50)))))
asyncio.run(main())
