#!/bin/sh
# Debian's compilers and emulator: installed when we are root, otherwise the exact line is printed.
# Without the cross compiler or QEMU everything but the board still works, and says what is left out.
set -eu
python=${1:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "edgeeeg needs Python 3.11 or later; $python is $("$python" --version 2>&1)" >&2
    exit 2
}

packages=""
need() { # program package...
    program=$1
    shift
    command -v "$program" >/dev/null 2>&1 || packages="$packages $*"
}
need gcc gcc libc6-dev
need arm-none-eabi-gcc gcc-arm-none-eabi libnewlib-arm-none-eabi
need qemu-system-arm qemu-system-arm
"$python" -c 'import ensurepip' 2>/dev/null || packages="$packages python3-venv"
[ -n "$packages" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing$packages" >&2
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
else
    echo "missing system packages; as root:" >&2
    echo "    apt-get update && apt-get install -y --no-install-recommends$packages" >&2
    command -v gcc >/dev/null 2>&1 && "$python" -c 'import ensurepip' 2>/dev/null || exit 2
    echo "going on without them: the board is left out" >&2
fi
