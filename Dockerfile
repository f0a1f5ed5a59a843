# One image for every Leadmill service; docker-compose.jobs.yml says which command each runs.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
RUN useradd --uid 10001 --create-home leadmill && install -d -o leadmill -g leadmill /opt/leadmill
USER leadmill
WORKDIR /home/leadmill/src
ENV PATH=/opt/leadmill/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/leadmill
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY --chown=leadmill pyproject.toml README.md LICENSE ./
COPY --chown=leadmill leadmill/ leadmill/
COPY --chown=leadmill data/ data/
COPY --chown=leadmill pipelines/ pipelines/
COPY --chown=leadmill reports/ reports/
COPY --chown=leadmill tasks/ tasks/
COPY --chown=leadmill api/ api/
COPY --chown=leadmill cli/ cli/
RUN pip install --no-deps --no-build-isolation --no-index .

FROM python:${PYTHON}-slim
# /data is made here so that a new volume takes over its owner.
RUN useradd --uid 10001 --create-home leadmill && install -d -o leadmill -g leadmill /data
COPY --from=build /opt/leadmill /opt/leadmill
COPY deploy/healthcheck.py /app/deploy/
ENV PATH=/opt/leadmill/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LEADMILL_DATA_URL=/data
WORKDIR /app
USER leadmill
EXPOSE 8000
CMD ["leadmill", "worker"]
