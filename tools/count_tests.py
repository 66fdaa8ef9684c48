#!/usr/bin/env python3
"""Counts test cases: tools/count_tests.py meson TESTLOG.json | tap FILE. Prints "passed failed".

A program that failed without saying which case (a crash, a sanitizer, a timeout) counts as one failed case.
"""
import json
import re
import sys

CASE = re.compile(r"^(not )?ok\b(?:\s+\d+)?\s*-?\s*([^#\n]*)(#\s*(?:skip|todo)\b)?", re.I | re.M)


def cases(text):
    passed = failed = 0
    for m in CASE.finditer(text):
        if m.group(3):
            continue
        if m.group(1):
            failed += 1
        else:
            passed += 1
    return passed, failed


def meson(path):
    passed = failed = 0
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            test = json.loads(line)
            good, bad = cases(test.get("stdout", ""))
            if test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL") and not bad:
                bad = 1
            if test["result"] == "OK" and not good and not bad:
                good = 1  # a plain program
            passed += good
            failed += bad
    return passed, failed


def tap(path):
    text = open(path, encoding="utf-8", errors="replace").read()
    # node --test sums up itself and nests its cases
    node = {k: int(v) for k, v in re.findall(r"^# (pass|fail|cancelled) (\d+)$", text, re.M)}
    if "pass" in node:
        return node["pass"], node.get("fail", 0) + node.get("cancelled", 0)
    return cases(text)


def main():
    kind, path = sys.argv[1:]
    try:
        passed, failed = {"meson": meson, "tap": tap}[kind](path)
    except FileNotFoundError:
        passed = failed = 0
    print(passed, failed)


if __name__ == "__main__":
    main()
