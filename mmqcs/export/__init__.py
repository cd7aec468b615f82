"""Write a trained classifier as a file that runs without OpenMMLab.

:mod:`~mmqcs.export.source` prepares the classifier; :mod:`~mmqcs.export.onnx_file` or
:mod:`~mmqcs.export.torch_program` writes and checks it.
"""

from mmqcs import openmmlab  # noqa: F401
