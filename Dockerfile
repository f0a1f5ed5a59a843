# One image for every Leadmill service; docker-compose.jobs.yml says which command each runs.
# `make pin` writes the digest of the base into .env, from where compose gives it (docs/operations.md).
ARG PYTHON=3.11
ARG PYTHON_IMAGE=python:${PYTHON}-slim

FROM ${PYTHON_IMAGE} AS build
RUN useradd --uid 10001 --create-home leadmill && install -d -o leadmill -g leadmill /opt/leadmill /opt/build
USER leadmill
WORKDIR /home/leadmill/src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# What builds our wheel stays in this stage; what the image runs is installed into a venv without pip.
RUN python -m venv /opt/build && python -m venv --without-pip /opt/leadmill
COPY deploy/build.lock deploy/runtime.lock ./
RUN /opt/build/bin/pip install --require-hashes -r build.lock
RUN /opt/build/bin/pip --python /opt/leadmill/bin/python install --require-hashes -r runtime.lock
COPY --chown=leadmill pyproject.toml README.md LICENSE ./
COPY --chown=leadmill leadmill/ leadmill/
COPY --chown=leadmill data/ data/
COPY --chown=leadmill pipelines/ pipelines/
COPY --chown=leadmill reports/ reports/
COPY --chown=leadmill extraction/ extraction/
COPY --chown=leadmill tasks/ tasks/
COPY --chown=leadmill api/ api/
COPY --chown=leadmill cli/ cli/
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --no-index -w /tmp/wheel . \
    && /opt/build/bin/pip --python /opt/leadmill/bin/python install --no-deps --no-index /tmp/wheel/*.whl

FROM ${PYTHON_IMAGE}
# /data is made here so that a new volume takes over its owner.
RUN useradd --uid 10001 --create-home leadmill && install -d -o leadmill -g leadmill /data
COPY --from=build /opt/leadmill /opt/leadmill
COPY deploy/healthcheck.py /app/deploy/
ENV PATH=/opt/leadmill/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LEADMILL_DATA_URL=/data
WORKDIR /app
USER leadmill
EXPOSE 8000
CMD ["leadmill", "worker"]
