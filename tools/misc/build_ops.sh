#!/usr/bin/env bash
# Build the compiled operators of MMCV, which MMDetection needs, for the PyTorch of an
# environment: with CUDA if PyTorch finds a GPU or FORCE_CUDA=1, otherwise for the CPU.
#
#   tools/misc/build_ops.sh [PYTHON]       (default: python)
#
# The package index has MMCV without them. Does nothing if they can be imported.
# MAX_JOBS is the number of files compiled at once (default: number of cores).
set -euo pipefail

fail() {
  echo "mmqcs: $1" >&2
  exit 1
}

python=${1:-python}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd / # so that nothing is imported from the working folder

command -v "$python" >/dev/null || fail "$python not found; pass a Python as argument"
"$python" -c 'import torch' 2>/dev/null ||
  fail "$python has no PyTorch to build the operators for; install torch"
# torch first: the operators link to its libraries
if "$python" -c 'import torch, mmcv._ext' 2>/dev/null; then
  echo 'mmqcs: the operators of MMCV are there'
  exit
fi
version=$("$python" -c '
from importlib.metadata import version
print(version("onedl-mmcv"))' 2>/dev/null) ||
  fail "$python has no onedl-mmcv; install it with pip install 'mmqcs[onedl-det]'"

read -r has_gpu cuda_home < <("$python" -c '
import torch
from torch.utils.cpp_extension import CUDA_HOME
print(int(torch.cuda.is_available()), CUDA_HOME or "")' 2>/dev/null)
export FORCE_CUDA=${FORCE_CUDA:-$has_gpu}
kind=CPU
if [[ $FORCE_CUDA == 1 ]]; then
  kind=CUDA
  nvcc=$cuda_home/bin/nvcc
  command -v "$nvcc" >/dev/null ||
    fail "no $nvcc; install CUDA's toolkit and set CUDA_HOME, or set FORCE_CUDA=0"
fi
compiler=${CXX:-c++}
command -v "$compiler" >/dev/null ||
  fail "no C++ compiler ($compiler) found; on Debian and Ubuntu: apt install g++"
"$python" -c '
import sysconfig
from pathlib import Path
paths = sysconfig.get_paths()
raise SystemExit(not (Path(paths["include"]) / "Python.h").is_file())' ||
  fail "$python has no Python.h; on Debian and Ubuntu: apt install python3-dev"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log

export CXX=$here/cxx20.sh MMQCS_CXX=$compiler MAX_JOBS=${MAX_JOBS:-$(nproc)}
if "$compiler" --version | grep -q 'Free Software Foundation' &&
  command -v flock >/dev/null; then
  export MMQCS_PCH=$work
fi
if [[ $kind == CUDA ]]; then
  printf '#!/bin/sh\nMMQCS_PCH= MMQCS_CXX=%q exec %q "$@"\n' "$nvcc" "$CXX" >"$work/nvcc"
  chmod +x "$work/nvcc"
  export PYTORCH_NVCC=$work/nvcc
fi

# pip installs ninja here; without it files are compiled one by one
scripts=$("$python" -c 'import sysconfig; print(sysconfig.get_path("scripts"))')
export PATH=$scripts:$PATH

echo "mmqcs: building the operators of onedl-mmcv $version ($kind, $MAX_JOBS jobs)"
# No cache: a wheel in it may lack operators or fit another PyTorch.
{
  "$python" -m pip install 'setuptools>=80' wheel packaging ninja &&
    "$python" -m pip install --no-cache-dir --no-build-isolation --no-deps \
      --no-binary onedl-mmcv --force-reinstall --verbose "onedl-mmcv==$version"
} >"$log" 2>&1 || {
  kept=$(mktemp -t mmqcs-build-ops.XXXXXX)
  cp "$log" "$kept"
  fail "the build failed: $(grep -m1 -E '(error|ERROR):' "$log" || tail -n1 "$log") (log: $kept)"
}
"$python" -c 'import torch, mmcv._ext' ||
  fail 'the build succeeded, but the operators cannot be imported (see above)'
echo 'mmqcs: the operators of MMCV are built'
