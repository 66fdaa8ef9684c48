#!/usr/bin/env python3
"""tools/docgen.py [--check]: writes docs/status-codes.md and docs/metrics.md from the tables in src/model, or says that they are old."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def rows(file, macro):
    text = (ROOT / file).read_text()
    for args in re.findall(r'^' + macro + r'\((.*)\)', text, re.M):
        yield [a.strip().strip('"') for a in re.findall(r'\s*("(?:[^"\\]|\\.)*"|[^,]+)', args)]


def status_codes():
    out = ["# Status codes and reasons", "", "Made from `src/model/codes.def` by `tools/docgen.py`.", "",
           "## Sent (`sentStatusCode`), the first level", "", "| code | status | meaning |", "| --- | --- | --- |"]
    out += [f"| {c} | {n} | {h} |" for c, n, h in rows("src/model/codes.def", "SENT_CODE")]
    out += ["", "## Delivered (`deliveredStatusCode`), the second level", "",
            "Only after sent 2. No other codes are ever given out.", "", "| code | status | meaning |", "| --- | --- | --- |"]
    out += [f"| {c} | {n} | {h} |" for c, n, h in rows("src/model/codes.def", "DELIVERED_CODE")]
    out += ["", "## Reasons", "", "In the time line of a message (`pombo message show`), never in the API's codes.", "",
            "| reason | meaning |", "| --- | --- |"]
    out += [f"| `{r[1]}` | {r[2]} |" for r in rows("src/model/codes.def", "REASON") if r[1]]
    return "\n".join(out) + "\n"


def metrics():
    out = ["# Metrics", "", "`GET /metrics`, Prometheus text format. Made from `src/model/metrics.def` by `tools/docgen.py`.", "",
           "| name | kind | meaning |", "| --- | --- | --- |"]
    for kind in ("COUNTER", "GAUGE", "HISTOGRAM"):
        out += [f"| `{n}` | {kind.lower()} | {h} |" for _, n, h in rows("src/model/metrics.def", "METRIC_" + kind)]
    out += ["", "With a label:", "", "| name | label | kind | meaning |", "| --- | --- | --- | --- |"]
    cells = set()
    for c in sorted((ROOT / "src").rglob("*.c")):
        for n, h, k, l in re.findall(r'(?:metric_cell|gauge)\(\s*"(pombo_\w+)",\s*"((?:[^"\\]|\\.)*)",\s*(?:METRIC_(\w+),\s*)?"(\w+)"', c.read_text()):
            cells.add((n, l, (k or "gauge").lower(), h))
    out += [f"| `{n}` | {l} | {k} | {h} |" for n, l, k, h in sorted(cells)]
    return "\n".join(out) + "\n"


def main():
    bad = 0
    for name, text in (("docs/status-codes.md", status_codes()), ("docs/metrics.md", metrics())):
        path = ROOT / name
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != text:
                print(f"{name}: not what the tables say; run tools/docgen.py")
                bad = 1
        else:
            path.write_text(text)
    return bad


sys.exit(main())
