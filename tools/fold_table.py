#!/usr/bin/env python3
"""Prints src/base/words.def: letters without accent and letter case, and which characters make words, from Python's Unicode data."""
import sys
import unicodedata as u

# Letters that are another one with a stroke or the like, which Unicode does not take apart.
PLAIN = {"ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ŧ": "t", "ı": "i", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ŋ": "n", "ſ": "s",
         "ƀ": "b", "ɨ": "i", "ƶ": "z", "ɫ": "l", "ȷ": "j"}
LAST = 0x1FFFF


def dropped(cp):
    """Marks on letters, and what nobody sees."""
    return (0x300 <= cp <= 0x36F or 0x483 <= cp <= 0x487 or 0x1AB0 <= cp <= 0x1AFF or 0x1DC0 <= cp <= 0x1DFF
            or 0x20D0 <= cp <= 0x20FF or 0xFE00 <= cp <= 0xFE0F or 0x200B <= cp <= 0x200F or cp in (0xAD, 0x2060, 0xFEFF))


def fold(c):
    text = u.normalize("NFKD", u.normalize("NFKD", c).casefold())
    text = "".join(x for x in text if not dropped(ord(x)))
    text = "".join(PLAIN.get(x, x) for x in text)
    return u.normalize("NFKC", text)


def wordy(cp):
    return u.category(chr(cp))[0] in "LNM" and not dropped(cp)


def lines(items, per_line):
    items = list(items)
    for i in range(0, len(items), per_line):
        print("\t" + " ".join(items[i:i + per_line]))


def folds():
    for cp in range(0x80, LAST + 1):
        c = chr(cp)
        if 0xD800 <= cp < 0xE000 or not wordy(cp) or 0xAC00 <= cp <= 0xD7A3 or u.category(c)[0] == "M":
            continue
        to = fold(c)
        if to != c and to and len(to.encode()) <= 11 and all(wordy(ord(x)) and ord(x) < 0x2E80 for x in to):
            yield 'FOLD(0x%05x, "%s")' % (cp, to)


def ranges():
    begin = None
    for cp in range(0x80, 0x32000):
        w = not 0xD800 <= cp < 0xE000 and wordy(cp)
        if w and begin is None:
            begin = cp
        elif not w and begin is not None:
            yield "WORDY(0x%05x, 0x%05x)" % (begin, cp - 1)
            begin = None


sys.stdout.reconfigure(encoding="utf-8")
print("/* words.def - written by tools/fold_table.py from Unicode %s; do not edit. */" % u.unidata_version)
print("#ifdef FOLD /* character, the same without accent and letter case; sorted */")
lines(folds(), 4)
print("#endif")
print("#ifdef WORDY /* characters above ASCII that words are made of, from and to; sorted */")
lines(ranges(), 4)
print("#endif")
