def read(path):
    try:
        file = open(path)
        data = file.read()
    except OSError:
        file.close()
        return None
    finally:
        print(file)
    return data


print(read("a"))
# 1: 2 3 4 5 6 7 8 9 10 11 12 13
# 2: 1 3 4 5 6 7 8 9 10 11 12 13
# 3: 1 2 4 5 6 7 8 9 10 11 12 13
# 4: 6 8 9 10
# 5: 6 7
# 8: 9
# 9: 8
# 13: 11 12
