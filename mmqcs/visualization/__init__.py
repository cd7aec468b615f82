"""Pictures: functions from arrays to figures and RGB images, without pyplot.

What looks into models needs these and is imported from its own module:
:mod:`mmqcs.visualization.attention` and :mod:`mmqcs.visualization.similarity`.
"""

from .confusion_matrix import confusion_figure, draw_confusion_matrix
from .curves import curves_figure, read_panels
from .overlay import overlay_heat_map
from .sheets import contact_sheet, heat_map_sheet
from .style import figure_to_rgb, save_figure

__all__ = [
    'confusion_figure',
    'contact_sheet',
    'curves_figure',
    'draw_confusion_matrix',
    'figure_to_rgb',
    'heat_map_sheet',
    'overlay_heat_map',
    'read_panels',
    'save_figure',
]
