# Two stages: the first builds the environment and fetches, checks and prepares the networks, the second only runs.
# For examinations on a Ray cluster: docker build --build-arg LOCK=cluster .
#
# python:3.12-slim-bookworm of 25 August 2026 (Python 3.12.14), by the digest that the image's own publisher lists in
# the repository docker-library/repo-info. Where this file was written no image could be pulled: a digest that does not
# exist fails the build, and no other image can take its place. For a newer one:
#   docker buildx imagetools inspect python:3.12-slim-bookworm        # prints the digest
#   docker build --build-arg PYTHON_IMAGE=python:3.12-slim-bookworm@sha256:… .
ARG PYTHON_IMAGE=python:3.12-slim-bookworm@sha256:0f5b26b9518d002b6173fd61daad821fa340635ebfec5bba471013f9ca114579
FROM ${PYTHON_IMAGE} AS build
ARG LOCK=service
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONSAFEPATH=1 ORT_DISABLE_TELEMETRY=1 IDPROOF_MODELS=/opt/idproof/models
WORKDIR /src
RUN python -m venv /opt/idproof/venv && python -m venv /opt/prepare
COPY locks locks
RUN /opt/idproof/venv/bin/pip install --require-hashes -r locks/build.txt -r locks/${LOCK}.txt \
 && /opt/prepare/bin/pip install --require-hashes -r locks/build.txt -r locks/prepare.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY models models
COPY pipeline pipeline
COPY datasets datasets
COPY benchmarks benchmarks
COPY service service
# What prepares the networks stays behind in this stage.
RUN /opt/idproof/venv/bin/pip install --no-deps --no-build-isolation . \
 && /opt/prepare/bin/pip install --no-deps --no-build-isolation . \
 && /opt/prepare/bin/idproof models fetch --profile open \
 && /opt/idproof/venv/bin/idproof models check --profile open \
 && /opt/idproof/venv/bin/pip uninstall -y setuptools pip

FROM ${PYTHON_IMAGE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      tesseract-ocr tesseract-ocr-eng tesseract-ocr-chi-tra \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin idproof \
 && install -d -o idproof -g idproof -m 0700 /data
COPY --from=build /opt/idproof /opt/idproof
# Weights are read only; the one writable place is the volume with keys and sealed verdicts. Memory is overwritten
# on free, and nothing else on the root file system is written, so `--read-only --tmpfs /tmp` works.
ENV PATH=/opt/idproof/venv/bin:$PATH \
    PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    IDPROOF_MODELS=/opt/idproof/models IDPROOF_DATA_DIR=/data \
    MALLOC_PERTURB_=165 OMP_NUM_THREADS=1 \
    ORT_DISABLE_TELEMETRY=1 RAY_USAGE_STATS_ENABLED=0 RAY_USAGE_STATS_REPORT_URL=http://127.0.0.1:9/
USER idproof
VOLUME /data
EXPOSE 8000
# By HTTP or TLS, as the settings say. Starting Python takes seconds while all cores verify.
HEALTHCHECK --interval=15s --timeout=15s --start-period=30s CMD ["idproof", "health"]
CMD ["idproof", "serve", "--host", "0.0.0.0", "--port", "8000"]
