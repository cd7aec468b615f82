"""Log processor that prints only some of the logged values."""

import re
from typing import Any

from mmengine.runner import LogProcessor, Runner

from mmqcs.registry import LOG_PROCESSORS


@LOG_PROCESSORS.register_module()
class QuietLogProcessor(LogProcessor):
    """MMEngine's log processor with shorter lines of text.

    Values that are not printed still go to all backends of the visualizer.

    Args:
        quiet: Regular expression. Values whose names start with a match are not
            printed in training.
        **kwargs: Arguments of MMEngine's ``LogProcessor``.

    Examples:
        >>> processor = QuietLogProcessor(quiet='theta/', window_size=10)
        >>> names = ('loss', 'theta/level_1')
        >>> [name for name in names if not processor.quiet.match(name)]  # in the text
        ['loss']
    """

    def __init__(self, quiet: str = r'ce_|theta/', **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.quiet = re.compile(quiet)

    def get_log_after_iter(
        self, runner: Runner, batch_idx: int, mode: str
    ) -> tuple[dict, str]:
        """Return the values and the text of an iteration; see MMEngine."""
        values, text = super().get_log_after_iter(runner, batch_idx, mode)
        parts = text.split('  ')
        kept = [part for part in parts if not self.quiet.match(part)]
        return values, '  '.join(kept)
