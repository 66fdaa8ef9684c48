#!/usr/bin/env bash
# A Debian package of the release build: build/pombo_<version>_<arch>.deb
set -euo pipefail
cd "$(dirname "$0")/.."

arch=$(dpkg --print-architecture)
root=build/deb
tools/configure.sh build/package --prefix=/usr --sysconfdir=/etc
ninja -C build/package --quiet src/app/pombo bench/load
version=$(meson introspect build/package --projectinfo | python3 -c 'import json, sys; print(json.load(sys.stdin)["version"])')

rm -rf "$root"
mkdir -p "$root/DEBIAN" "$root/usr/share/doc/pombo"
DESTDIR=$PWD/$root meson install -C build/package --no-rebuild >/dev/null
strip --strip-unneeded "$root/usr/bin/pombo" "$root/usr/libexec/pombo/load"
cp LICENSE "$root/usr/share/doc/pombo/copyright"
[ ! -f packaging/pombo.service ] || install -D -m 644 packaging/pombo.service "$root/lib/systemd/system/pombo.service"

# dpkg-shlibdeps wants to be in a source package; this much of one is enough.
mkdir -p "$root/debian"
printf 'Source: pombo\n\nPackage: pombo\nArchitecture: any\n' >"$root/debian/control"
depends=$(cd "$root" && dpkg-shlibdeps -O usr/bin/pombo usr/libexec/pombo/load 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
rm -rf "$root/debian"

cat >"$root/DEBIAN/control" <<CONTROL
Package: pombo
Version: $version
Section: net
Priority: optional
Architecture: $arch
Maintainer: pombo developers <pombo@localhost>
Depends: $depends, ca-certificates
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Description: self-hosted messaging gateway
 Takes messages over HTTPS, delivers them over SMPP, and reports what became of
 them by webhooks.
CONTROL
dpkg-deb --root-owner-group --build "$root" "build/pombo_${version}_${arch}.deb" >/dev/null
echo "build/pombo_${version}_${arch}.deb is ready"
