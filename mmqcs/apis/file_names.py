"""Names of written files that come from the names of inputs."""

from pathlib import Path


class FileNames:
    """Gives each input a file of its own in a folder, which is created for the first.

    Examples:
        >>> names = FileNames(Path('work_dirs/drawn'))
        >>> [names.path(source, '.png').name for source in ('x/a b.jpg', 'y/a b.jpg')]
        ['a_b.png', 'a_b-2.png']
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._taken: set[str] = set()

    def path(self, source: str, suffix: str) -> Path:
        """Return a path named after a source, with a number if it is taken."""
        stem = Path(source).stem.replace(' ', '_')
        stem = ''.join(x if x.isprintable() else '_' for x in stem)
        stem = stem.encode()[:240].decode(errors='ignore')  # 255 bytes in a name
        name, number = f'{stem}{suffix}', 1
        while name in self._taken:
            number += 1
            name = f'{stem}-{number}{suffix}'
        self._taken.add(name)
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / name
