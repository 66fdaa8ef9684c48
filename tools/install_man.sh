#!/bin/sh
# Man pages at `meson install`: printed by the program that was built, so that they cannot differ from it.
# tools/install_man.sh PROGRAM MANDIR
set -eu
program=$1
folder=${MESON_INSTALL_DESTDIR_PREFIX:?}/$2/man1
mkdir -p "$folder"
"$program" help --man >"$folder/pombo.1"
for group in $("$program" help --man groups); do
    "$program" help --man "$group" >"$folder/pombo-$group.1"
done
chmod 644 "$folder"/pombo*.1
