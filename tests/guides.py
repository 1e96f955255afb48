"""A guide's commands, run as one script in a folder that looks like a checkout."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUIDES = ROOT / "docs" / "guides"
_IN_CHECKOUT = ("scripts", "schemas", "samples", "deploy", ".venv")
# What a guide leaves in the background for the person ends with the script here.
_ENDING = "trap 'code=$?; kill $(jobs -p) 2>/dev/null || true; wait || true; exit $code' EXIT\n"


def blocks(kind: str, name: str) -> list[str]:
    """The fenced blocks of a kind in a guide."""
    text = (GUIDES / name).read_text()
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def run_guide(name: str, folder: Path, env: Mapping[str, str], *, limit_s: float) -> str:
    """Run all commands of a guide; fail unless all end well and what is shown is printed, in order."""
    for entry in _IN_CHECKOUT:
        (folder / entry).symlink_to(ROOT / entry)
    script = _ENDING + "\n".join(blocks("sh", name))
    output = folder / "guide.out"
    with output.open("wb") as file:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env=os.environ | env,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            timeout=limit_s,
            check=False,
        )
    said = output.read_text()
    assert done.returncode == 0, said
    lines = iter(said.splitlines())
    for wanted in (line for block in blocks("text", name) for line in block.splitlines()):
        if wanted.rstrip() != "...":
            assert any(line.startswith(wanted.rstrip()) for line in lines), (wanted, said)
    return said
