"""Figures and heat maps from arrays, without pyplot."""

from .confusion_matrix import confusion_figure
from .curves import Panel, curves_figure
from .sheets import contact_sheet, heat_map_sheet, overlay_heat_map
from .style import figure_to_rgb, save_figure
from .timeline import timeline_figure

__all__ = [
    'Panel',
    'confusion_figure',
    'contact_sheet',
    'curves_figure',
    'figure_to_rgb',
    'heat_map_sheet',
    'overlay_heat_map',
    'save_figure',
    'timeline_figure',
]
