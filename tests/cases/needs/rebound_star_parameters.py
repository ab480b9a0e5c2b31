def run(parser, *args, **options):
    args = parser.parse_args(*args)
    print(args.file, len(options))
    options = parser.options
    print(options.name)


run(print)
# 1: 2 3 4 5 6 7 8
# 2: 3
# 4: 5
# 8: 6 7
