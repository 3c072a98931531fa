# The server's image: `docker build -t railway-saas .`
# Two stages, so that what builds the wheel is not in what runs. No VOLUME: Railway's builder refuses it.
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv /opt/platform
ENV PATH=/opt/platform/bin:$PATH
# Exact versions, held to their hashes: the image is the same whenever it is built. First, as they change least.
COPY requirements/server.txt requirements/
RUN pip install --require-hashes --no-deps -r requirements/server.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
COPY reference_server reference_server
# Nothing is fetched here: hatchling stands in the lock file, too.
RUN pip install --no-deps --no-build-isolation --no-index . && python -m compileall -q /opt/platform/lib

FROM python:${PYTHON}
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin platform \
    && install --directory --owner=platform --group=platform /var/lib/platform
COPY --from=build /opt/platform /opt/platform
ENV PATH=/opt/platform/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    APP_ENV=production \
    DATA_DIR=/var/lib/platform \
    HOST=0.0.0.0
WORKDIR /var/lib/platform
USER 10001
EXPOSE 8000
# gunicorn is process 1 and gets SIGTERM itself: requests that are at work are answered before it ends.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT', '8000')}/healthz\", timeout=4)"]
CMD ["gunicorn", "-c", "python:reference_server.gunicorn_conf", "reference_server.wsgi:create()"]
