# Tap, loader and Meltano for a fleet of tenants, or for one: docs/fleets.md
#
#   docker build --tag tap-m365hunting:0.1.0 .
#
# Any image with Python 3.11 or newer and its venv module will do as the base.
ARG BASE=docker.io/library/python:3.13-slim-bookworm

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY tap_m365hunting ./tap_m365hunting
COPY hunting_emulator ./hunting_emulator
COPY bulk_loader ./bulk_loader
# bytecode is kept: a file system that cannot be written would have each run compile 900 modules
RUN python3 -m venv /opt/hunting \
  && /opt/hunting/bin/python -m pip install --no-compile --constraint constraints.txt '.[duckdb]' \
  && /opt/hunting/bin/python -m pip uninstall --yes pip \
  && python3 -m venv /opt/meltano \
  && /opt/meltano/bin/python -m pip install --no-compile 'meltano==4.4.1' \
  && /opt/meltano/bin/python -m pip uninstall --yes pip \
  && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/hunting/lib /opt/meltano/lib

FROM ${BASE}
COPY --from=build /opt/hunting /opt/hunting
COPY --from=build /opt/meltano /opt/meltano
COPY orchestrate /opt/fleet/orchestrate
COPY queries /opt/fleet/queries
ENV PATH=/opt/hunting/bin:/opt/meltano/bin:/usr/local/bin:/usr/bin:/bin \
  PYTHONPATH=/opt/fleet \
  PYTHONDONTWRITEBYTECODE=1 \
  PYTHONUNBUFFERED=1 \
  HOME=/tmp
WORKDIR /opt/fleet
USER 10001:10001
# signals reach the tap: there is no shell between, and the tap leaves no child to be waited for
STOPSIGNAL SIGTERM
ENTRYPOINT ["tap-m365hunting"]
