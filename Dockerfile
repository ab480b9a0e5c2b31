# lintseq in a container: docker build -t lintseq .
# With extras:            docker build -t lintseq --build-arg EXTRAS=[train,linters] .
# Files are read and written in /work:
#                         docker run --rm -v "$PWD:/work" --user "$(id -u):$(id -g)" lintseq sample examples/growing.py
# Running completions needs more rights than Docker gives: docs/sandbox.md.
FROM python:3.13-slim AS wheel
COPY . /src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel /src

FROM python:3.13-slim
ARG EXTRAS=""
COPY --from=wheel /wheel /wheel
RUN pip install --no-cache-dir "$(echo /wheel/lintseq-*.whl)$EXTRAS"
RUN useradd --create-home --uid 1000 lintseq
ENV XDG_CACHE_HOME=/tmp/cache
USER lintseq
WORKDIR /work
ENTRYPOINT ["lintseq"]
CMD ["--help"]
