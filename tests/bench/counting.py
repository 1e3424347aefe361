# SPDX-License-Identifier: Apache-2.0
"""Instructions that hapax takes for an input, counted by valgrind: the same to five digits on every run."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

SKIP = 77


def need_valgrind():
    if not shutil.which("valgrind"):
        print("skipped: valgrind is not installed")
        sys.exit(SKIP)


def instructions(hapax, text, *options, code=0):
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "input")
        with open(path, "wb") as out:
            out.write(text)
        run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", hapax, "replay", "-q",
                              "--year", "2024", *options, path], capture_output=True, check=False)
        found = re.search(rb"Collected : (\d+)", run.stderr)
        if run.returncode != code or not found:
            sys.exit("valgrind failed: " + run.stderr.decode(errors="replace")[-400:])
        return int(found.group(1))
