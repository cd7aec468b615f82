"""The eight published recipes, and which of them a published file is of."""

from typing import NamedTuple

from mmqcs.expressions import AFFECT_NET, FER_PLUS, RAF_DB


class Recipe(NamedTuple):
    """What a published run was trained on.

    Attributes:
        name: Name of the config, without ``.py``.
        group: ``'quadruplet'`` (QCS) or ``'pair'`` (DCS).
        dataset: Name of the data set.
        classes: Names of the classes, in the order of the head's outputs.
        published: Published top-1 accuracies in percent.
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
    """Finds the recipe that a published file is of.

    The weights tell QCS from DCS and seven classes from eight, so two data sets
    remain. A best accuracy that is, to two decimals, the published figure of one
    of them decides; else the user must.

    Args:
        group: ``'quadruplet'`` or ``'pair'``.
        num_classes: Classes of the heads.
        best_accuracy: Best accuracy in the file, in percent.
        name: What the user says it is.

    Raises:
        ValueError: No recipe fits the file, the one named does not, or more than
            one fits; these are listed.
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
        for recipe in fitting:
            if recipe.name == name:
                return recipe
        raise ValueError(f'the file is of {kind}, that is {names}, not {name}')
    if best_accuracy is not None:
        exact = [r for r in fitting if round(best_accuracy, 2) in r.published]
        if len(exact) == 1:
            return exact[0]
    raise ValueError(
        f'the file is of {kind}, but weights do not tell the data set: name it by '
        f'--recipe {names}'
    )
