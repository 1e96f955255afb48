# One image for every command: `docker run engage:local worker`, `... doctor`, `... --help`.
FROM python:3.11.15-slim-bookworm AS libraries
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.lock /tmp/
RUN python -m venv /venv \
    && /venv/bin/python -m pip install --require-hashes --no-deps --only-binary :all: -r /tmp/requirements.lock \
    && /venv/bin/python -m pip uninstall --yes --quiet pip setuptools

FROM python:3.11.15-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /home/engage engage
COPY --from=libraries /venv /venv
WORKDIR /app
COPY requirements.lock ./
COPY schemas schemas
COPY streams streams
COPY sinks sinks
COPY dashboard dashboard
COPY scripts scripts
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m compileall -q schemas streams sinks dashboard scripts
USER engage
ENTRYPOINT ["python", "-m", "scripts.cli"]
CMD ["--help"]
