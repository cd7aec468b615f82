"""The mathematics of QCS as pure functions of torch tensors and numpy arrays."""

from .class_index import ClassIndex
from .confusion import confusion_sums, negative_weights, update_confusion
from .grouping import draw_groups
from .label_noise import flip_labels
from .losses import (
    agreement_weights,
    bilinear_pool,
    euclidean_loss,
    kl_distillation_loss,
    logit_adjusted_cross_entropy,
)
from .ring import PAIR, QUADRUPLET, RINGS, Ring
from .similarity import (
    dissimilarity_map,
    edge_scores,
    pairwise_distance,
    scaled_dot_product_attention,
    similarity_map,
    token_weights,
)

__all__ = [
    'PAIR',
    'QUADRUPLET',
    'RINGS',
    'ClassIndex',
    'Ring',
    'agreement_weights',
    'bilinear_pool',
    'confusion_sums',
    'dissimilarity_map',
    'draw_groups',
    'edge_scores',
    'euclidean_loss',
    'flip_labels',
    'kl_distillation_loss',
    'logit_adjusted_cross_entropy',
    'negative_weights',
    'pairwise_distance',
    'scaled_dot_product_attention',
    'similarity_map',
    'token_weights',
    'update_confusion',
]
