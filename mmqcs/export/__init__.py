"""Write a trained classifier as a file that runs without OpenMMLab.

From a checkpoint to a file: :mod:`~mmqcs.export.source` reads the classifier and
prepares it with :mod:`~mmqcs.export.pipeline` and :mod:`~mmqcs.export.modules`;
:mod:`~mmqcs.export.onnx_file` or :mod:`~mmqcs.export.torch_program` writes it and runs
:mod:`~mmqcs.export.checks`; :mod:`~mmqcs.export.int8` quantises an ONNX file, and
:mod:`~mmqcs.export.comparison` measures accuracy and speed.
"""

from mmqcs import openmmlab  # noqa: F401
