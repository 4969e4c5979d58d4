"""Run a Kafka broker in memory, which speaks the real protocol."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e import golang, pins
from tests.e2e.parts import Part, digest
from tests.e2e.processes import HOST, free_ports, serving

SOURCE = Path(__file__).with_name("broker.go")
PACKAGE = "github.com/twmb/franz-go/pkg/kfake"
TOPIC = "otlp_spans"


def _fill(folder: Path) -> None:
    golang.build(PACKAGE, pins.KAFKA, folder / "broker", SOURCE)


PART = Part("kafka", digest(pins.KAFKA, SOURCE.read_text()), _fill)


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Run the broker while the block runs, and give its address."""
    (port,) = free_ports(1)
    log = folder / "kafka.log"
    with serving([PART.folder / "broker", str(port), TOPIC], log, lambda: log.read_text() != ""):
        yield f"{HOST}:{port}"
