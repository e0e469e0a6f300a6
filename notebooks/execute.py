"""Executes notebooks from the top and checks that they still say what is kept in them.

    execute.py [--write] NOTEBOOK…

The commands in a notebook's first `console` block are run first, with their results under target/notebooks. A cell that
fails, as an assertion that no longer holds, fails the whole. Text outputs must be the same as those in the file; pictures
are made anew but not compared. With --write the file gets the new outputs instead.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "notebooks"


def commands(notebook):
    """The commands of the first console block, with lines that end in a backslash joined."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    block = re.search(r"```console\n(.*?)```", text, re.DOTALL)
    return block.group(1).replace("\\\n", " ").splitlines() if block else []


def run(command):
    """Runs one of them, with another folder for its results."""
    words = shlex.split(command)
    if words[:2] != ["cargo", "run"]:
        sys.exit(f"no command to be run: {command}")
    if "--out-dir" in words:
        place = words.index("--out-dir") + 1
        words[place] = str(WORK / words[place])
    else:
        words += ["--out-dir", str(WORK / "results")]
    subprocess.run(words + ["--quiet", "--force"], cwd=ROOT, check=True)


def texts(notebook):
    """What each cell prints, and what it shows besides pictures."""
    found = []
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        printed = "".join(output.text for output in outputs if output.output_type == "stream")
        shown = [output.data.get("text/plain", "") for output in outputs if "data" in output]
        # A picture says in words how large it is and where in memory.
        found.append((printed, [text for text in shown if not text.startswith("<Figure")]))
    return found


def execute(path, is_to_write):
    notebook = nbformat.read(path, as_version=4)
    kept = texts(notebook)
    for command in commands(notebook):
        run(command)
    os.environ["EVENKEEL_RESULTS"] = str(WORK / "results")
    # The kernel is spoken to through files of this user, not through ports that anybody here could reach.
    config = Config({"KernelManager": {"transport": "ipc"}})
    NotebookClient(notebook, config=config, timeout=300, kernel_name="python3", record_timing=False).execute()
    # Nothing of the machine that it ran on is kept.
    notebook.metadata.language_info = {"name": "python"}
    if is_to_write:
        nbformat.write(notebook, path)
        return
    for cell, before, after in zip(notebook.cells, kept, texts(notebook)):
        if before != after:
            sys.exit(
                f"{path.name} says something else now; look at it, and renew it with `.ci/notebooks --write`\n"
                f"--- the cell\n{cell.source}\n--- said\n{before[0]}\n--- and says\n{after[0]}"
            )


def main():
    arguments = sys.argv[1:]
    is_to_write = "--write" in arguments
    for name in arguments:
        if name != "--write":
            execute(Path(name), is_to_write)
            print(f"{name}: executed", flush=True)


main()
