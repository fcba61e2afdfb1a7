# The rival: upstream's own instructions (uv sync --extra webui, at upstream's own lock) on the same base. uv's cache is not kept, and
# torch comes from the ordinary index, where the same CUDA 12.8 build is; the context is a checkout of IndexTTS.
ARG BASE=docker.io/library/debian:bookworm-slim
FROM ${BASE}
RUN --mount=type=secret,id=apt_conf,target=/etc/apt/apt.conf.d/99-site --mount=type=secret,id=ca,target=/run/secrets/ca.pem \
    apt-get update && apt-get install -y python3 python3-pip python3-venv ca-certificates
COPY . /app
WORKDIR /app
RUN --mount=type=secret,id=pip_conf,target=/etc/pip.conf --mount=type=secret,id=ca,target=/run/secrets/ca.pem \
    if [ -s /run/secrets/ca.pem ]; then export PIP_CERT=/run/secrets/ca.pem SSL_CERT_FILE=/run/secrets/ca.pem; fi && \
    python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir uv && \
    /opt/uv/bin/uv export --frozen --extra webui --no-hashes --no-emit-project --python 3.11 | sed 's/+cu128//' > /tmp/requirements.txt && \
    /opt/uv/bin/uv venv /app/.venv --python 3.11 && \
    /opt/uv/bin/uv pip install --no-cache --python /app/.venv/bin/python -r /tmp/requirements.txt && \
    /opt/uv/bin/uv pip install --no-cache --python /app/.venv/bin/python --no-deps -e .
CMD ["/app/.venv/bin/python", "webui.py"]
