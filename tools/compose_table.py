#!/usr/bin/env python3
"""Prints src/wire/gsm_compose.def: canonical compositions of Latin, Greek and Cyrillic letters, from Python's Unicode data."""
import unicodedata as u

RANGES = [(0xC0, 0x24F), (0x370, 0x52F), (0x1E00, 0x1FFF), (0x2260, 0x226F)]


def pairs():
    for lo, hi in RANGES:
        for cp in range(lo, hi + 1):
            parts = u.decomposition(chr(cp)).split()
            if len(parts) == 2 and not parts[0].startswith("<") and u.normalize("NFC", chr(cp)) == chr(cp):
                yield int(parts[0], 16), int(parts[1], 16), cp


def lines(items, per_line):
    items = list(items)
    for i in range(0, len(items), per_line):
        print("\t" + " ".join(items[i:i + per_line]))


table = sorted(pairs())
print("/* gsm_compose.def - written by tools/compose_table.py from Unicode %s; do not edit. */" % u.unidata_version)
print("#ifdef COMPOSE /* base, mark, composed; sorted by base and mark */")
lines(("COMPOSE(0x%04x, 0x%04x, 0x%04x)" % t for t in table), 3)
print("#endif")
print("#ifdef BY_COMPOSED /* indexes of the above, sorted by the composed letter */")
lines(("BY_COMPOSED(%d)" % i for i in sorted(range(len(table)), key=lambda i: table[i][2])), 6)
print("#endif")
print("#ifdef SINGLETON /* characters that are another one to begin with */")
singles = [cp for cp in range(0x300, 0x2130) if len(u.decomposition(chr(cp)).split()) == 1 and len(u.normalize("NFC", chr(cp))) == 1]
lines(("SINGLETON(0x%04x, 0x%04x)" % (cp, ord(u.normalize("NFC", chr(cp)))) for cp in singles), 4)
print("#endif")
print("#ifdef MARK_CLASS /* canonical combining classes of U+0300..U+036F */")
lines(("MARK_CLASS(%d)" % u.combining(chr(cp)) for cp in range(0x300, 0x370)), 7)
print("#endif")
