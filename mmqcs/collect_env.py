"""Lists what a bug report needs: ``python -m mmqcs.collect_env``."""

import platform
from importlib.metadata import PackageNotFoundError, distributions, version

from mmqcs.platform_check import MINIMUM
from mmqcs.version import __version__

PACKAGES = (
    *(name for _, names in MINIMUM.values() for name in names),
    *('onedl-mmdetection', 'mmdet'),
    *('torch', 'torchvision', 'numpy', 'pillow', 'av', 'mtcnn', 'timm'),
    *('gradio', 'onnx', 'onnxruntime', 'setuptools'),
)
"""Distributions whose versions matter."""


def collect_env() -> dict[str, str]:
    """Collect versions, compilers and devices.

    Returns:
        Text by name, in the order of a report. Packages that are not installed are
        left out.
    """
    env = {'mmqcs': __version__, 'Platform': platform.platform()}
    for name in (*PACKAGES, *_opencv()):
        try:
            env[name] = version(name)
        except PackageNotFoundError:
            continue
    try:
        from mmengine.utils.dl_utils import collect_env as collect
    except ImportError as error:
        return {**env, 'MMEngine': f'cannot be imported: {error}'}
    # a random number, and flags of the compiler in 20 lines
    noise = ('numpy_random_seed', 'PyTorch compiling details')
    found = {str(key): str(value) for key, value in collect().items()}
    return env | {key: value for key, value in found.items() if key not in noise}


def _opencv() -> list[str]:
    """Return the installed builds of OpenCV; several of them overwrite each other."""
    names = {dist.metadata['Name'] for dist in distributions()}
    return sorted(name for name in names if name and name.startswith('opencv'))


def main() -> None:
    """Print one line per entry."""
    for name, value in collect_env().items():
        print(f'{name}: {value.strip()}')


if __name__ == '__main__':
    main()
