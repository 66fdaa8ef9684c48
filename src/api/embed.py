#!/usr/bin/env python3
"""Writes a file's octets as a C array: embed.py INPUT OUTPUT NAME"""
import sys

source, target, name = sys.argv[1:]
data = open(source, "rb").read()
with open(target, "w") as out:
    out.write(f"#include <stddef.h>\nextern const unsigned char {name}[];\nextern const size_t {name}_n;\n")
    out.write(f"const unsigned char {name}[] = {{\n")
    for at in range(0, len(data), 20):
        out.write("".join(f"{octet}," for octet in data[at:at + 20]) + "\n")
    out.write(f"0}};\nconst size_t {name}_n = {len(data)};\n")
