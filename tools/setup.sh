# SPDX-License-Identifier: Apache-2.0
# Sourced by ./dev: installs what is missing. Quick when nothing is.
#
#   setup all|demo|python|fuzz
#
# Debian packages come from tools/packages.txt. They are installed where apt may be used (as root, or with sudo); otherwise they
# are named and everything goes on: what cannot work without them says so when it is reached.

say() { printf 'setup: %s\n' "$*" >&2; }

# Packages of the given groups that are not installed, one a line; "a|b" where neither is.
missing_packages() {
    command -v dpkg-query >/dev/null || return 0
    awk -v want="$1" '
        NR == FNR { if ($1 == "installed") installed[$2] = 1; next }
        /^[[:space:]]*(#|$)/ { next }
        { n = split(want, groups, ","); here = 0; for (i = 1; i <= n; i++) here += ($1 == groups[i]) }
        here { n = split($2, names, "|"); found = 0; for (i = 1; i <= n; i++) found += installed[names[i]]
               if (!found) print $2 }
    ' <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' 2>/dev/null) tools/packages.txt | sort -u
}

# Of each word "a|b" the first name that the archive has. Where it has none: "lax" takes the last, "strict" says so and takes none.
choose_packages() {
    local how=$1 word name found
    shift
    for word in "$@"; do
        found=""
        for name in ${word//|/ }; do
            if [ -z "$found" ] && apt-cache show "$name" >/dev/null 2>&1; then found=$name; fi
        done
        if [ -z "$found" ] && [ "$how" = strict ]; then
            say "this system's archive has no package $word"
        else
            echo "${found:-${word##*|}}"
        fi
    done
}

# The command that lets apt-get work, as words; fails when there is none.
apt_prefix() {
    command -v apt-get >/dev/null || return 1
    [ "$(id -u)" -eq 0 ] && return 0
    command -v sudo >/dev/null || return 1
    if sudo -n true 2>/dev/null; then
        echo "sudo -n"
    elif [ -t 0 ] && [ -t 2 ]; then
        say "packages are to be installed; sudo will ask for your password"
        echo "sudo"
    else
        return 1
    fi
}

install_packages() {
    local missing prefix available
    missing=$(missing_packages "$1")
    [ -n "$missing" ] || return 0
    if ! prefix=$(apt_prefix); then
        # shellcheck disable=SC2086 # words
        missing=$(choose_packages lax $missing)
        say "these Debian packages are missing, and apt may not be used here: $(echo $missing)"
        say "an administrator can install them: apt-get install --no-install-recommends $(echo $missing)"
        return 0
    fi
    say "installing $(echo $missing)"
    # shellcheck disable=SC2086 # words
    $prefix env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 update >/dev/null ||
        say "the package lists could not be renewed; trying with the old ones"
    # shellcheck disable=SC2086 # words
    available=$(choose_packages strict $missing)
    [ -n "$available" ] || return 0
    # shellcheck disable=SC2086
    $prefix env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 install -y \
        --no-install-recommends $available >/dev/null ||
        say "apt could not install all of them: $(echo $available)"
}

# A Python of 3.11 or newer that can make virtual environments.
find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

install_python() {
    local python stamp
    stamp=$( (pwd && cat pyproject.toml) | sha256sum | cut -d' ' -f1)
    if [ -x .venv/bin/python ] && [ "$(cat .venv/lundock.stamp 2>/dev/null)" = "$stamp" ]; then
        return 0
    fi
    python=$(find_python) || {
        say "no Python of 3.11 or newer with the module venv was found (Debian: python3 and python3-venv)"
        exit 1
    }
    say "making .venv with $python ($("$python" -V))"
    # A venv that was made elsewhere, or by a Python that is gone, is made anew.
    .venv/bin/python -c 'import pip' 2>/dev/null && [ -f .venv/lundock.stamp ] || rm -rf .venv
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install -qq --disable-pip-version-check --editable '.[gui,cli,test]' || {
        say "pip could not install what Lundock needs; see above"
        exit 1
    }
    echo "$stamp" >.venv/lundock.stamp
}

# The window's languages, which are shipped as their source.
compile_texts() {
    .venv/bin/python -m tools.texts
}

# Only ./dev fuzz wants it, and only where there is a build of it.
install_fuzz() {
    .venv/bin/python -c 'import atheris' 2>/dev/null && return 0
    say "installing atheris"
    .venv/bin/python -m pip install -qq --disable-pip-version-check --editable '.[fuzz]' || {
        say "pip could not install atheris; see above"
        exit 1
    }
}

setup() {
    case $1 in
        all) install_packages demo,test ;;
        demo) install_packages demo ;;
    esac
    install_python
    compile_texts
    [ "$1" != fuzz ] || install_fuzz
    say "ready"
}
