# A server of the lab for a class. Build: docker build -t netcore-lab .
# Run, with the folder that holds the runs:
#   docker run --rm -p 127.0.0.1:8000:8000 -v "$PWD/runs:/data/runs" netcore-lab demo-cnn demo-mlp
# Behind a proxy with TLS: see docs/lab.md.
FROM python:3.12-slim-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential pkg-config libcairo2-dev libpango1.0-dev \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY netcore netcore
COPY scenes scenes
RUN pip install --no-cache-dir --constraint constraints.txt ".[web]"

# Visitors' requests are handled by a user who owns the data alone.
RUN useradd --create-home visitor && mkdir -p /data/runs && chown -R visitor /data
USER visitor
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/api/feedback', timeout=5)"

# --allow-host NAME names the address in the visitors' browsers, if it is not localhost.
ENTRYPOINT ["netcore", "serve", "--host", "0.0.0.0", "--runs-dir", "/data/runs", "--feedback", "/data/feedback.sqlite"]
