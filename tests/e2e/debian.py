"""Unpack packages of Debian sid with their dependencies into a folder; nothing is installed.

The mirror is the machine's own, and apt checks the signatures as it always does. The programs inside run with
the folder's own C library.
"""

import re
from pathlib import Path

from .processes import FatalError, run

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def unpack(package: str, folder: Path) -> None:
    """Fill a folder with a package and everything that it depends on."""
    state = folder / "apt"
    for each in ("lists/partial", "cache/archives/partial"):
        (state / each).mkdir(parents=True)
    (state / "status").touch()
    (state / "sources.list").write_text(f"deb [signed-by={KEYRING}] {_mirror()} sid main\n")
    apt = ["apt-get", "-q", *_options(state)]
    run([*apt, "update"])
    run([*apt, "--download-only", "--yes", "install", package])
    archives = sorted(state.glob("cache/archives/*.deb"))
    if not archives:
        raise FatalError(f"apt downloaded no archive of {package}")
    for archive in archives:
        run(["dpkg-deb", "--extract", archive, folder])
        archive.unlink()


def _mirror() -> str:
    """The Debian mirror that this machine is set up with; asking for it needs no network."""
    uris = run(["apt-get", "--print-uris", "update"])
    found = re.search(r"'(\S+/debian)/+dists/", uris)
    if found is None:
        raise FatalError("apt has no Debian mirror on this machine")
    return found[1]


def _options(state: Path) -> list[str]:
    """The settings that keep apt inside the folder, away from the machine's own packages."""
    settings = {
        "Dir::State": state,
        "Dir::State::status": state / "status",
        "Dir::State::lists": state / "lists",
        "Dir::Cache": state / "cache",
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
