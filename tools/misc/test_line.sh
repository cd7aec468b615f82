#!/usr/bin/env bash
# Run the test suite on one line of OpenMMLab, in a separate environment:
#   [LINE=openmmlab] [PYTHON=python3] [TORCH=] [VENV=.venv-LINE] \
#     tools/misc/test_line.sh [arguments of pytest]
# LINE is openmmlab (the original releases, at the oldest supported versions) or
# onedl (the maintained releases, at the newest versions). TORCH is a version; by default
# pip selects it. A second call with the same settings installs nothing.
set -euo pipefail

LINE=${LINE:-openmmlab}
PYTHON=${PYTHON:-python3}
TORCH=${TORCH:-}
VENV=${VENV:-.venv-$LINE}

fail() {
  echo "mmqcs: $*" >&2
  exit 2
}

case $LINE in
  openmmlab)
    other=onedl-mmengine
    pins=(mmengine==0.10.7 mmcv-lite==2.1.0 mmpretrain==1.2.0)
    ;;
  onedl)
    other=mmengine
    pins=()
    ;;
  *) fail "LINE is '$LINE', but must be openmmlab or onedl" ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
run=$VENV/bin/python
stamp=$VENV/.mmqcs-line

if [ ! -x "$run" ]; then
  command -v "$PYTHON" >/dev/null || fail "$PYTHON not found; set PYTHON to a Python >= 3.10"
  "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "Python >= 3.10 is needed, but $PYTHON is $("$PYTHON" --version 2>&1); set PYTHON"
  "$PYTHON" -m venv "$VENV" || fail "$PYTHON cannot create $VENV; see the message above"
fi
if "$run" -c "import importlib.metadata as m; m.version('$other')" 2>/dev/null; then
  fail "$VENV holds $other, of the other line; remove $VENV or set VENV to another folder"
fi

# install torch first and alone, so that nothing else decides its version
torch=("torch${TORCH:+==$TORCH}" torchvision)
wanted="${torch[*]} ${pins[*]-}"
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || [ setup.cfg -nt "$stamp" ] ||
  [ requirements/mminstall.txt -nt "$stamp" ]; then
  echo "mmqcs: installing into $VENV"
  rm -f "$stamp"
  # the pip of a new environment is as old as its Python
  "$run" -m pip install -q --upgrade pip || fail "pip cannot upgrade itself; see the message above"
  "$run" -m pip install -q "${torch[@]}" ||
    fail "pip cannot install ${torch[*]}; see the message above"
  "$run" -m pip install -q --use-pep517 "${torch[0]}" "${pins[@]}" -e ".[$LINE,tests]" ||
    fail "pip cannot install mmqcs with line $LINE; see the message above"
  echo "$wanted" >"$stamp"
fi

"$run" -m pip list 2>/dev/null | grep -E '^(onedl-)?mm|^(torch|torchvision|numpy|opencv-python) '
exec "$run" -m pytest "$@"
