#!/usr/bin/env python3
"""Writes the page's files as C arrays: embed.py OUT FILE... The first file is also '/'."""
import os
import sys

TYPES = {'.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8'}


def main(out, files):
    text, rows = ['#include "sandbox/http.h"\n'], []
    for i, path in enumerate(files):
        with open(path, 'rb') as f:
            data = f.read()
        lines = [','.join(str(b) for b in data[k:k + 24]) for k in range(0, len(data), 24)]
        text.append('static const unsigned char file%d[] = {\n%s};\n' % (i, ',\n'.join(lines)))
        name = '/' if i == 0 else '/' + os.path.basename(path)
        kind = TYPES[os.path.splitext(path)[1]]
        rows.append('\t{"%s", "%s", file%d, sizeof(file%d)},\n' % (name, kind, i, i))
    text.append('const struct sandbox_page sandbox_pages[] = {\n%s};\n' % ''.join(rows))
    text.append('const size_t sandbox_page_count = %d;\n' % len(files))
    with open(out, 'w') as f:
        f.write(''.join(text))


main(sys.argv[1], sys.argv[2:])
