"""The registries of mmqcs.

Each is a child of the MMEngine registry of the same name, so ``mmqcs.X`` can
be written in the config of any OpenMMLab package: the look-up imports this
module by itself and then the module given in ``locations``. MMEngine reports
an ImportError in this file as "not in registry", so it imports nothing but
MMEngine.
"""

from mmengine import registry as root
from mmengine.registry import Registry

__all__ = [
    'DATASETS',
    'DATA_SAMPLERS',
    'FUNCTIONS',
    'HOOKS',
    'LOG_PROCESSORS',
    'METRICS',
    'MODELS',
    'OPTIM_WRAPPERS',
    'TRANSFORMS',
    'WEIGHT_INITIALIZERS',
]


def _child(name: str, parent: Registry, location: str) -> Registry:
    return Registry(name, parent=parent, scope='mmqcs', locations=[location])


HOOKS = _child('hook', root.HOOKS, 'mmqcs.engine')
LOG_PROCESSORS = _child('log_processor', root.LOG_PROCESSORS, 'mmqcs.engine')
OPTIM_WRAPPERS = _child('optimizer wrapper', root.OPTIM_WRAPPERS, 'mmqcs.engine')
DATASETS = _child('dataset', root.DATASETS, 'mmqcs.datasets')
DATA_SAMPLERS = _child('data sampler', root.DATA_SAMPLERS, 'mmqcs.datasets')
FUNCTIONS = _child('function', root.FUNCTIONS, 'mmqcs.datasets')
TRANSFORMS = _child('transform', root.TRANSFORMS, 'mmqcs.datasets')
MODELS = _child('model', root.MODELS, 'mmqcs.models')
WEIGHT_INITIALIZERS = _child(
    'weight initializer', root.WEIGHT_INITIALIZERS, 'mmqcs.models'
)
METRICS = _child('metric', root.METRICS, 'mmqcs.evaluation')
