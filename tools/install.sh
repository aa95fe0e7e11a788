#!/bin/sh
# Makes .venv with the pinned packages; called by make. Says what is missing where it may not install it.
set -eu

say() { echo "netcore: $*" >&2; }

# ---- a Python that is new enough
for python in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$python" >/dev/null 2>&1 &&
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then found=$python; break; fi
done
[ -n "${found:-}" ] || { say "Python 3.11 or later is needed: install it, or name one with PYTHON=/path/to/python3"; exit 2; }

# ---- system packages: Manim draws with Cairo and Pango, whose Python sides are compiled here
missing=""
command -v cc >/dev/null 2>&1 || missing="$missing build-essential"
command -v pkg-config >/dev/null 2>&1 || missing="$missing pkg-config"
pkg-config --exists cairo 2>/dev/null || missing="$missing libcairo2-dev"
pkg-config --exists pangocairo 2>/dev/null || missing="$missing libpango1.0-dev"
"$found" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
"$found" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
    missing="$missing python3-dev"
if [ -n "$missing" ]; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo -n"
    if command -v apt-get >/dev/null 2>&1 && $sudo true 2>/dev/null; then
        say "installing system packages:$missing"
        $sudo apt-get update -qq
        # shellcheck disable=SC2086
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    else
        say "these system packages are missing:$missing (Debian and Ubuntu: sudo apt-get install$missing)"
        exit 2
    fi
fi

# ---- a browser for the tests of pages; without it they are skipped
if ! command -v chromium >/dev/null 2>&1 && ! command -v google-chrome >/dev/null 2>&1; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo -n"
    if command -v apt-get >/dev/null 2>&1 && $sudo true 2>/dev/null &&
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1; then
        say "installed Chromium for the tests of pages"
    else
        say "Chromium is missing: the tests of pages are skipped (Debian and Ubuntu: sudo apt-get install chromium)"
    fi
fi

# ---- the virtual environment
say "installing Python packages into .venv (PyTorch and Manim: a few minutes, about 6 GB)"
[ -x .venv/bin/python ] || "$found" -m venv .venv
export PIP_CONSTRAINT="$PWD/constraints.txt" PIP_DISABLE_PIP_VERSION_CHECK=1
.venv/bin/python -m pip install --quiet --upgrade pip
.venv/bin/python -m pip install --quiet --editable ".[web]" --group dev
touch .venv/installed
