# Three stages: browser packages, Python packages, and what runs — without compilers, npm or embedded servers.

FROM node:22-bookworm-slim AS browser
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM python:3.13-slim-bookworm AS python
WORKDIR /build
COPY pyproject.toml requirements.lock ./
COPY ocenter/bootstrap.py ocenter/bootstrap.py
RUN python -m venv /opt/venv \
    && python ocenter/bootstrap.py requirements > requirements.txt \
    && /opt/venv/bin/pip install --no-cache-dir --constraint requirements.lock -r requirements.txt

FROM python:3.13-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=ocenter.settings.production \
    OCENTER_DATA_DIR=/data \
    OCENTER_STATIC_ROOT=/app/staticfiles
RUN useradd --system --uid 10001 --home-dir /app ocenter && install -d -o ocenter /data
WORKDIR /app
COPY --from=python /opt/venv /opt/venv
COPY . .
COPY --from=browser /build/node_modules node_modules
# The key is only for this step; the image holds no secret.
RUN for catalogue in $(find . -path ./node_modules -prune -o -name '*.po' -print); do \
        pybabel --quiet compile -i "$catalogue" -o "${catalogue%.po}.mo" -l "$(basename "$(dirname "$(dirname "$catalogue")")")"; \
    done \
    && python -m compileall -q ocenter incidents services linkage \
    && OCENTER_SECRET_KEY=only-for-building python manage.py collectstatic --noinput --verbosity 0 \
    && rm -rf node_modules
USER ocenter
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["uvicorn", "ocenter.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--loop", "uvloop", "--http", "httptools", "--ws", "websockets-sansio", "--ws-max-size", "65536", "--lifespan", "off", "--no-access-log", "--no-server-header", "--timeout-graceful-shutdown", "8"]
