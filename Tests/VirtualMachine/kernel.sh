# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For scripts that boot Debian's kernel: reads its version, downloads it, finds its modules and packs an initial file
# system that loads them. The caller has set $cache, a folder that is kept, and defined `say`.

# shellcheck source=/dev/null
. /etc/os-release
[[ $ID == debian ]] || {
    say "error: the machine is made of Debian's packages, and this is $PRETTY_NAME"
    exit 1
}

candidate() { apt-cache policy "$1" | sed -n 's/^ *Candidate: *//p'; }
package=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: *//p')
[[ -n $package ]] || {
    say "error: apt knows no linux-image-amd64; run apt-get update"
    exit 1
}
version=$(candidate "$package")
readonly kernel=${cache:?}/$package-$version

fetch_kernel() {
    [[ -e $kernel/complete ]] && return
    say "downloading $package $version"
    rm -rf "$kernel"
    mkdir -p "$kernel/package"
    (cd "$kernel/package" && apt-get download --quiet --quiet "$package" 2>/dev/null)
    dpkg-deb --extract "$kernel"/package/*.deb "$kernel"
    rm -r "$kernel/package"
    depmod --basedir "$kernel" "$(release)"
    touch "$kernel/complete"
}

release() { basename "$kernel"/lib/modules/*; }

# The files of the modules and of what they need, in the order of loading.
module_files() {
    local module
    for module in "$@"; do
        modprobe --show-depends --dirname "$kernel" --set-version "$(release)" "$module"
    done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

# Packs an initial file system that loads modules and then does what the standard input says.
#
# usage: pack_initrd FILE MODULE... <SCRIPT
pack_initrd() {
    local file=$1 root module
    shift
    root=$(mktemp -d)
    mkdir -p "$root"/{bin,dev,proc,sys,modules,root}
    cp "$(command -v busybox)" "$root/bin/busybox"
    {
        echo "#!/bin/busybox sh"
        echo "/bin/busybox --install -s /bin"
        echo "mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys"
        while read -r module; do
            cp "$module" "$root/modules/"
            echo "insmod /modules/$(basename "$module")"
        done < <(module_files "$@")
        cat
    } >"$root/init"
    chmod +x "$root/init"
    (cd "$root" && find . | cpio --quiet --create --format=newc) | gzip -1 >"$file"
    rm -r "$root"
}
