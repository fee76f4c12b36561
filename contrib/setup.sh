#!/usr/bin/env bash
# Installs what Cairn needs to build, run and test on Debian 12 or newer, through the machine's own apt sources.
# Safe to run again: it does nothing when everything is there.
#
#   contrib/setup.sh           build and run
#   contrib/setup.sh --test    the test tools as well
set -euo pipefail

packages=(
    g++ cmake ninja-build ccache mold pkg-config ca-certificates xz-utils
    libboost1.81-dev libboost-json1.81-dev librocksdb-dev libssl-dev libspdlog-dev libfmt-dev
    libexpected-dev libunivalue-dev libzmq3-dev cppzmq-dev libutf8proc-dev libqrencode-dev
)
test_packages=(libgtest-dev libgmock-dev libbenchmark-dev liblzma-dev python3 python3-zmq procps iproute2)
[[ ${1:-} == --test ]] && packages+=("${test_packages[@]}")

# libsecp256k1 0.5 is the first with everything Cairn uses (ElligatorSwift of BIP324, faster verification).
secp256k1_minimum=0.5.0

sudo=()
if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null || { echo "setup.sh: run this as root, or install sudo" >&2; exit 1; }
    sudo=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive

installed() { dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

# Debian 13 names the Boost libraries by its own version.
if ! installed libboost1.81-dev && ! apt-cache show libboost1.81-dev >/dev/null 2>&1; then
    updated_boost=1
fi

missing=()
for package in "${packages[@]}"; do installed "$package" || missing+=("$package"); done
if ((${#missing[@]})); then
    "${sudo[@]}" apt-get update -qq
    if [[ -n ${updated_boost:-} ]] && ! apt-cache show libboost1.81-dev >/dev/null 2>&1; then
        missing=("${missing[@]/libboost1.81-dev/libboost-dev}")
        missing=("${missing[@]/libboost-json1.81-dev/libboost-json-dev}")
    fi
    "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

have_secp256k1() { pkg-config --atleast-version="$secp256k1_minimum" libsecp256k1 2>/dev/null; }
if ! have_secp256k1; then
    candidate=$(apt-cache policy libsecp256k1-dev | sed -n 's/^ *Candidate: //p')
    if [[ -n $candidate && $candidate != "(none)" ]] && dpkg --compare-versions "$candidate" ge "$secp256k1_minimum"; then
        "${sudo[@]}" apt-get install -y -qq --no-install-recommends libsecp256k1-dev
    else
        # A newer suite of the mirror that this machine already uses, for this one library: it needs only libc6.
        # The package lists live in a folder of their own, so nothing else of the system changes. The newest suite is
        # tried first; a mirror may hold an outdated copy of it, which apt refuses.
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
        mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 'debian/\?$')
        keyring=/usr/share/keyrings/debian-archive-keyring.gpg
        for suite in sid testing trixie; do
            rm -rf "${work:?}"/* && mkdir -p "$work"/{lists,cache/archives}/partial
            echo "deb [signed-by=$keyring] $mirror $suite main" > "$work/sources.list"
            options=(-o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
                     -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root)
            apt-get "${options[@]}" -qq update || continue
            library=$(apt-cache "${options[@]}" depends libsecp256k1-dev |
                      sed -n 's/^ *Depends: \(libsecp256k1-[0-9]*\)$/\1/p' | head -1)
            [[ -n $library ]] || continue
            (cd "$work" && apt-get "${options[@]}" -qq download libsecp256k1-dev "$library") || continue
            "${sudo[@]}" dpkg -i "$work"/*.deb
            break
        done
    fi
    have_secp256k1 || { echo "setup.sh: libsecp256k1 $secp256k1_minimum or newer could not be installed" >&2; exit 1; }
fi

# The hash table of -dht. Debian has the `dht` library only as source, inside that of transmission, which it keeps up to date; so apt fetches and
# checks that source, and what the library consists of stays in a folder where CMake finds it. Without it all but -dht works.
dht_folder=/usr/local/src/dht
fetch_dht() (
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 'debian/\?$')
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    for suite in trixie sid bookworm; do
        rm -rf "${work:?}"/* && mkdir -p "$work"/{lists,cache/archives}/partial
        echo "deb-src [signed-by=$keyring] $mirror $suite main" > "$work/sources.list"
        options=(-o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
                 -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root)
        apt-get "${options[@]}" -qq update || continue
        (cd "$work" && apt-get "${options[@]}" -qq source --download-only transmission) || continue
        tar -C "$work" -xf "$work"/transmission_*.orig.tar.* --wildcards --strip-components=3 '*/third-party/dht/dht.c' '*/third-party/dht/dht.h' \
            '*/third-party/dht/LICENCE' || continue
        "${sudo[@]}" install -D -m 644 -t "$dht_folder" "$work"/{dht.c,dht.h,LICENCE} && return 0
    done
    return 1
)
if [[ ! -f $dht_folder/dht.c || ! -f $dht_folder/dht.h ]]; then
    fetch_dht || echo "setup.sh: the source of the dht library could not be fetched; -dht will not be available" >&2
fi
