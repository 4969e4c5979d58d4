# The application of docker-compose.yml's profile `demo`: examples/storm.py, instrumented without a change to it.
FROM python:3.13-slim
WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir '.[openai,otlp]'
COPY examples examples
USER nobody
CMD ["opentelemetry-instrument", "python", "examples/storm.py", "--rounds", "0", "--pause", "1"]
