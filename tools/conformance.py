#!/usr/bin/env python3
"""tools/conformance.py --check | --self-test: docs/conformance.md against the tests and the tables of the code.

Every row of its tables has no empty cell and names tests that are there, as [file](../path): name of the test, several of them apart by
<br>. Every field of a request (FIELD in src/api/*.def), every endpoint of SMS (src/api/routes.def) and every status code
(src/model/codes.def) has a row, so that none comes without one. --self-test plants faults and makes sure that they are found.
"""
import pathlib
import re
import sys
import tempfile

DOC = "docs/conformance.md"
PROOF = re.compile(r"^\[[^\]]+\]\(\.\./([^)]+)\): (\S.*)$")
# A test by the words that make it one: node's runner, this project's scenario() and rule(), cmocka with and without the macro TEST.
NAMED = re.compile(r"""\b(?:scenario|rule|it|test)\(\s*(['"`])((?:\\.|(?!\1).)*)\1""")
CMOCKA = re.compile(r"^(?:TEST\((\w+)\)|static void (\w+)\(void \*\*\w+\))", re.M)


def tests_of(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".c":
        return {a or b for a, b in CMOCKA.findall(text)}
    code = re.sub(r"^\s*//.*$", "", text, flags=re.M)
    return {re.sub(r"\\(.)", r"\1", name) for _, name in NAMED.findall(code)}


def rows(text):
    """(line number, cells) of every row of a table, without its head."""
    head = True
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            head = True
            continue
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if all(re.fullmatch(r":?-+:?", c) for c in cells):
            head = False
        elif not head:
            yield number, cells


def proof_fault(root, proof, known):
    m = PROOF.match(proof)
    if not m:
        return f"not [file](../path): name of a test: {proof}"
    path, name = root / m.group(1), m.group(2)
    if not m.group(1).startswith("test/") or not path.is_file():
        return f"no such file: {m.group(1)}"
    if path not in known:
        known[path] = tests_of(path)
    if name not in known[path]:
        return f"{m.group(1)} has no test called: {name}"
    return None


def wanted(root):
    """What must have a row: (where it is from, what the first cell names)."""
    for table in sorted((root / "src/api").glob("*.def")):
        text = table.read_text(encoding="utf-8")
        for name in re.findall(r'^FIELD\([^"\n]*"([^"]+)"', text, re.M):
            yield table.name, name
        for path in re.findall(r'^ROUTE\("(/v1/(?:send-|sms)[^"]*)"', text, re.M):
            yield table.name, path
    for code, name in re.findall(r"^(?:SENT|DELIVERED)_CODE\((\d+), (\w+),", (root / "src/model/codes.def").read_text(), re.M):
        yield "codes.def", f"{code} {name}"


def check(root):
    faults, named, known, count = [], set(), {}, 0
    text = (root / DOC).read_text(encoding="utf-8")
    for number, cells in rows(text):
        count += 1
        if len(cells) < 2 or not all(cells):
            faults.append(f"{DOC}:{number}: an empty cell")
            continue
        named.update(re.findall(r"`([^`]+)`", cells[0]))
        for proof in cells[-1].split("<br>"):
            fault = proof_fault(root, proof.strip(), known)
            if fault:
                faults.append(f"{DOC}:{number}: {fault}")
    for where, name in wanted(root):
        if name not in named:
            faults.append(f"{DOC}: no row for `{name}` of {where}")
    if not count:
        faults.append(f"{DOC}: no rows")
    return faults


GOOD = """# Table

| what | here | proved by |
| --- | --- | --- |
| `field` | as said | [a](../test/a.test.mjs): it's done |
| `/v1/send-sms` | as said | [a](../test/a.test.mjs): it's done<br>[b](../test/b_test.c): works |
| `2 SENT` | as said | [b](../test/b_test.c): older |
"""
FAULTS = {
    "an empty cell": ("as said | [a]", "| [a]"),
    "no such file": ("test/b_test.c", "test/c_test.c"),
    "has no test called: its done": ("it's done |", "its done |"),
    "has no test called: only a word": ("works", "only a word"),
    "has no test called: talk": ("older", "talk"),
    "not [file]": ("[a](../test/a.test.mjs): it's done |", "a.test.mjs |"),
    "no row for `field`": ("`field`", "`fields`"),
    "no row for `/v1/send-sms`": ("`/v1/send-sms`", "`/v1`"),
    "no row for `2 SENT`": ("`2 SENT`", "`3 SENT`"),
    "no rows": (GOOD, "# Nothing\n"),
}


def self_test():
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for path, text in {
            "src/api/send_fields.def": '/* FIELD(what) */\nFIELD(F_X, "field")\n',
            "src/api/routes.def": 'ROUTE("/v1/send-sms", 1)\nROUTE("/healthz", 1)\n',
            "src/model/codes.def": 'SENT_CODE(2, SENT, "x")\n',
            "test/a.test.mjs": "// it('talk', x)\nit('it\\'s done', () => {});\nconst x = 'only a word';\n",
            "test/b_test.c": "/* only a word; talk */\nTEST(works)\n{\n}\nstatic void older(void **state)\n{\n}\n",
        }.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        (root / "docs").mkdir()
        for wanted_fault, (old, new) in [("", ("", "")), *FAULTS.items()]:
            (root / DOC).write_text(GOOD.replace(old, new) if old else GOOD)
            found = check(root)
            if not wanted_fault and found or wanted_fault and not any(wanted_fault in f for f in found):
                print(f"self-test: {wanted_fault or 'nothing'} expected, found {found}")
                bad = 1
    return bad


def main():
    if "--self-test" in sys.argv and self_test():
        return 1
    if "--check" not in sys.argv:
        return 0
    faults = check(pathlib.Path(__file__).resolve().parent.parent)
    print("\n".join(faults) if faults else "every row is proved")
    return 1 if faults else 0


sys.exit(main())
