"""The eight published recipes."""

from typing import NamedTuple

from mmqcs.expressions import AFFECT_NET, FER_PLUS, RAF_DB


class Recipe(NamedTuple):
    """A published run, with its config, classes, and top-1 accuracies in percent.

    ``group`` is ``'quadruplet'`` (QCS) or ``'pair'`` (DCS).
    """

    name: str
    group: str
    dataset: str
    classes: tuple[str, ...]
    published: tuple[float, ...]


RECIPES = (
    Recipe('qcs_ir50_raf', 'quadruplet', 'RAF-DB', RAF_DB, (92.50, 93.02)),
    Recipe('qcs_ir50_ferplus', 'quadruplet', 'FERPlus', FER_PLUS, (91.41, 91.85)),
    Recipe(
        'qcs_ir50_affectnet7', 'quadruplet', 'AffectNet-7', AFFECT_NET[:7], (67.94,)
    ),
    Recipe('qcs_ir50_affectnet8', 'quadruplet', 'AffectNet-8', AFFECT_NET, (64.30,)),
    Recipe('dcs_ir50_raf', 'pair', 'RAF-DB', RAF_DB, (92.57,)),
    Recipe('dcs_ir50_ferplus', 'pair', 'FERPlus', FER_PLUS, (91.41,)),
    Recipe('dcs_ir50_affectnet7', 'pair', 'AffectNet-7', AFFECT_NET[:7], (67.66,)),
    Recipe('dcs_ir50_affectnet8', 'pair', 'AffectNet-8', AFFECT_NET, (64.40,)),
)


def find_recipe(
    group: str,
    num_classes: int | None,
    best_accuracy: float | None = None,
    name: str | None = None,
) -> Recipe:
    """Find the recipe of a published file.

    The weights tell QCS from DCS and seven classes from eight, so two datasets remain.
    If the best accuracy in the file is the published figure of one of them, to two
    decimals, it decides. Otherwise the user must give the name.

    Raises:
        ValueError: No recipe fits the file, the one named does not, or several do.
    """
    kind = f'{"QCS" if group == "quadruplet" else "DCS"} with {num_classes} classes'
    fitting = [
        recipe
        for recipe in RECIPES
        if recipe.group == group and len(recipe.classes) == num_classes
    ]
    names = ' or '.join(recipe.name for recipe in fitting)
    if not fitting:
        raise ValueError(
            f'the file is of {kind}, and no published recipe is; they have 7 or 8. '
            f'Name its config by --config'
        )
    if name is not None:
        exact = [recipe for recipe in fitting if recipe.name == name]
        if not exact:
            raise ValueError(f'the file is of {kind}, that is {names}, not {name}')
    else:
        figure = None if best_accuracy is None else round(best_accuracy, 2)
        exact = [recipe for recipe in fitting if figure in recipe.published]
    if len(exact) == 1:
        return exact[0]
    raise ValueError(
        f'the file is of {kind}, but weights do not tell the dataset: name it by '
        f'--recipe {names}'
    )
