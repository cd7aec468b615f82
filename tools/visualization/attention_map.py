"""Show what the base network looks at in single images.

    python tools/visualization/attention_map.py CONFIG CHECKPOINT face.jpg other.png
    python tools/visualization/attention_map.py CONFIG CHECKPOINT face.jpg --class Fear

Three pictures an image: the face as the network gets it; bright where it finds the
class (gradient × activation over all levels of the backbone); and a check of this: the
face with its brightest fifth blurred, and the probability that is left. At the end the
means over the images are printed, also with as many random pixels blurred.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from mmqcs.cli.figures import add_out, save_or_fail
from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.cli.trained import (
    TrainedModel,
    add_model_arguments,
    load_model,
    shown_images,
)
from mmqcs.explain import attention_map, blur_brightest
from mmqcs.visualization import heat_map_sheet, overlay_heat_map

HIDDEN = 0.2


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_model_arguments(parser)
    parser.add_argument('images', nargs='+', type=Path, help='image files')
    parser.add_argument(
        '--class',
        dest='label',
        metavar='NAME',
        help='class that is looked for; default: the predicted one of each image',
    )
    add_out(parser, 'attention_map.png')
    return parser.parse_args()


def asked_labels(
    trained: TrainedModel, name: str | None, probabilities: Tensor
) -> Tensor:
    """The class that each map is of, (N,)."""
    if name is None:
        return probabilities.argmax(dim=1)
    classes = trained.class_names(probabilities.size(1))
    if name not in classes:
        fail(f'--class must be one of {", ".join(classes)}, got {name!r}')
    return torch.full_like(probabilities[:, 0], classes.index(name)).long()


@torch.no_grad()
def probability(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Of the given class of each image, (N,)."""
    return model(images).softmax(dim=1).gather(1, labels.view(-1, 1)).squeeze(1)


def draw(
    shown: list[np.ndarray], maps: Tensor, captions: list[tuple[str, str, str]]
) -> Figure:
    """Three pictures an image: face, map over it, face with its brightest part blurred.

    Args:
        shown: Faces and blurred faces, uint8 (N, H, W, 3) each.
        maps: (N, h, w).
        captions: Three an image.
    """
    images = []
    for face, heat, blurred in zip(shown[0], maps.cpu().numpy(), shown[1], strict=True):
        images += [face, overlay_heat_map(face, heat), blurred]
    columns = 3 if len(maps) == 1 else 6
    scale = (0, 1, 'part in the logit of the class, brightest 1')
    texts = [text for three in captions for text in three]
    title = 'What the base network looks at'
    return heat_map_sheet(images, texts, columns, title, scale, side=2.0)


def main() -> None:
    """Run the program."""
    args = parse_args()
    trained = load_model(args)
    model = trained.model
    inputs = trained.read_images(args.images)
    with torch.no_grad():
        probabilities = model(inputs).softmax(dim=1)
    labels = asked_labels(trained, args.label, probabilities)
    try:
        maps = attention_map(model, inputs, labels)
    except ValueError as error:
        fail(f'{args.config}: {error}')
    noise = torch.rand(maps.shape, generator=torch.Generator().manual_seed(0))
    blurred = blur_brightest(inputs, maps, HIDDEN)
    at_random = blur_brightest(inputs, noise.to(maps), HIDDEN)
    sure, left, left_at_random = (
        probability(model, images, labels) for images in (inputs, blurred, at_random)
    )
    classes = trained.class_names(probabilities.size(1))
    captions = []
    for i, path in enumerate(args.images):
        name = classes[int(labels[i])]
        captions.append(
            (
                f'{path.name}\n{name} {sure[i]:.2f}',
                f'finds {name}\nin the bright places',
                f'brightest fifth blurred:\n{name} {left[i]:.2f}',
            )
        )
    shown = [shown_images(model.data_preprocessor, x) for x in (inputs, blurred)]
    save_or_fail(draw(shown, maps, captions), args.out)
    print(
        f'mean probability of the class: {sure.mean():.3f}, with the brightest fifth '
        f'of each image blurred {left.mean():.3f}, with as many random pixels blurred '
        f'{left_at_random.mean():.3f}'
    )


if __name__ == '__main__':
    main()
