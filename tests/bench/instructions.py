#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions per record beside their ceilings: instructions.py HAPAX INPUTS

The regression gate for speed: unlike times, counts repeat on any machine of one architecture and compiler. Counted on
the second half of an input, so that start-up is not in it. A change that goes beyond a ceiling needs a reason; one that
stays far below should lower it. Ceilings are the counts of gcc 12, --buildtype=release, on x86-64 (2026-11) and up to
a tenth more.
"""
import sys

from compare import make_inputs
from counting import instructions, need_valgrind

# input, options, records counted, ceiling
ROWS = [
    ("audit.log", [], 7000, 1980),
    ("audit.log", ["--set", "native_headers=false"], 7000, 3150),
    ("audit.log", ["--no-gate"], 7000, 6950),
    ("sudo.log", [], 2000, 3350),
    ("sudo.log", ["--no-gate"], 2000, 61500),
    ("snoopy.log", [], 2000, 3850),
    ("snoopy.log", ["--no-gate"], 2000, 51800),
    ("ecs.jsonl", [], 2000, 7330),
    ("all.jsonl", ["--no-gate"], 1000, 204000),
]


def main():
    hapax, inputs = sys.argv[1:3]
    need_valgrind()
    make_inputs(inputs)
    n_over = 0
    print(f"{'input':<12} {'options':<27} {'instructions/record':>20} {'ceiling':>9}")
    for name, options, n, ceiling in ROWS:
        with open(f"{inputs}/{name}", "rb") as file:
            lines = [file.readline() for _ in range(2 * n)]
        cost = (instructions(hapax, b"".join(lines), *options) - instructions(hapax, b"".join(lines[:n]), *options)) / n
        n_over += cost > ceiling
        print(f"{name:<12} {' '.join(options):<27} {cost:20.0f} {ceiling:9} {'OVER' if cost > ceiling else 'ok'}")
    print(f"repeat: {' '.join(sys.argv)}")
    sys.exit(n_over > 0)


if __name__ == "__main__":
    main()
