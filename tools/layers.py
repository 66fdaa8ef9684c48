#!/usr/bin/env python3
"""Checks that no #include points up or sideways between the rooms of src/ (the table below, ARCHITECTURE.md).

Prints file:line for each fault and exits 1. --self-test plants faults and makes sure that they are found.
"""
import pathlib
import re
import sys
import tempfile

# room: rooms it may include wholly, and single headers of other rooms
ROOMS = {
    "base": ([], []),
    "wire": (["base"], []),
    "model": (["base"], []),
    "store": (["base", "model"], []),
    "core": (["base", "model"], ["store/store.h"]),
    "channel": (["base", "wire", "model"], ["core/channel.h"]),
    "webhook": (["base", "wire", "model"], ["core/outbox.h", "core/snapshot.h"]),
    "api": (["base", "wire", "model"], ["core/intake.h", "core/query.h", "core/schedule.h", "core/snapshot.h"]),
    "portal": (["base", "wire", "model"], ["core/intake.h", "core/query.h", "core/snapshot.h"]),
    "sandbox": (["base", "wire", "model"], []),
    "app": (["base", "wire", "model", "store", "core", "channel", "webhook", "api", "portal", "sandbox"], []),
}
# Words that mean a room knows more than it should.
FORBIDDEN_WORDS = {"base": re.compile(r"(?<![A-Za-z])(?:messages?|carriers?|accounts?)(?![A-Za-z])", re.I)}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def code_only(text):
    """The text with comments and strings blanked, lines kept."""
    blank = lambda m: re.sub(r"[^\n]", " ", m.group())
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def home(path):
    """(room, carrier or None) of a path relative to src."""
    parts = path.split("/")
    return parts[0], parts[1] if parts[0] == "channel" and len(parts) > 2 else None


def include_fault(path, included, src):
    room, carrier = home(path)
    if "/" not in included:
        return f'"{included}": include paths are relative to src/'
    if not (src / included).is_file():
        return f'"{included}" does not exist'
    to, to_carrier = home(included)
    if to == room:
        if carrier != to_carrier and to_carrier is not None:
            return f'"{included}": carriers do not see each other'
        return None
    rooms, headers = ROOMS[room]
    if to in rooms or included in headers:
        return None
    return f'"{included}": {room} must not use {to}'


def check(src):
    faults = []
    for file in sorted(src.rglob("*")):
        if file.suffix not in (".c", ".h", ".def"):
            continue
        path = file.relative_to(src).as_posix()
        room, _ = home(path)
        if room not in ROOMS:
            faults.append(f"{file}:1: room {room} is not in the table")
            continue
        text = file.read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            m = INCLUDE.match(line)
            fault = include_fault(path, m.group(1), src) if m else None
            if fault:
                faults.append(f"{file}:{number}: {fault}")
        words = FORBIDDEN_WORDS.get(room)
        if words:
            for number, line in enumerate(code_only(text).splitlines(), 1):
                for m in words.finditer(line):
                    faults.append(f"{file}:{number}: {room} must not know the word {m.group()}")
    return faults


def self_test():
    good = {
        "base/a.h": "/* message */\nint a; const char *s = \"account\";\n",
        "wire/w.h": '#include "base/a.h"\n',
        "store/store.h": '#include "base/a.h"\n',
        "store/admin.h": "",
        "core/channel.h": "",
        "core/engine.h": "",
        "core/engine.c": '#include "store/store.h"\n#include "core/channel.h"\n',
        "channel/sms/link.h": '#include "core/channel.h"\n#include "wire/w.h"\n',
        "channel/sms/link.c": '#include "channel/sms/link.h"\n',
        "app/main.c": '#include "channel/sms/link.h"\n#include "store/admin.h"\n',
    }
    bad = [
        ("base/x.c", '#include "wire/w.h"', "base must not use wire"),
        ("base/x.c", "int message_count;", "must not know the word message"),
        ("wire/x.c", '\n #  include "store/store.h"', ":2: "),
        ("core/x.c", '#include "store/admin.h"', "core must not use store"),
        ("channel/sms/x.c", '#include "core/engine.h"', "channel must not use core"),
        ("channel/voice/x.c", '#include "channel/sms/link.h"', "carriers do not see each other"),
        ("api/x.c", '#include "store/admin.h"', "api must not use store"),
        ("sandbox/x.c", '#include "core/channel.h"', "sandbox must not use core"),
        ("wire/x.c", '#include "w.h"', "relative to src"),
        ("wire/x.c", '#include "base/none.h"', "does not exist"),
        ("attic/x.c", "", "not in the table"),
    ]
    failed = 0
    for planted in [None] + bad:
        with tempfile.TemporaryDirectory() as folder:
            src = pathlib.Path(folder)
            files = dict(good)
            if planted:
                files[planted[0]] = planted[1] + "\n"
            for name, text in files.items():
                (src / name).parent.mkdir(parents=True, exist_ok=True)
                (src / name).write_text(text)
            faults = check(src)
        ok = (len(faults) == 1 and planted[2] in faults[0]) if planted else not faults
        if not ok:
            print(f"layers self-test: {planted}: {faults}")
            failed = 1
    return failed


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    faults = check(pathlib.Path(__file__).resolve().parent.parent / "src")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
