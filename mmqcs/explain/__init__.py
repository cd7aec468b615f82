"""Arrays that show what a trained classifier bases its predictions on."""

from .attention import attention_map, blur_brightest
from .token_similarity import csa_neck, csa_weights, token_similarity

__all__ = [
    'attention_map',
    'blur_brightest',
    'csa_neck',
    'csa_weights',
    'token_similarity',
]
