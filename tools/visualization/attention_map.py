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

import torch
from torch import Tensor

from mmqcs.utils.cli import ArgumentParser, fail
from mmqcs.utils.pictures import add_out, save_or_fail
from mmqcs.utils.trained import (
    TrainedModel,
    add_model_arguments,
    load_model,
    shown_images,
)
from mmqcs.visualization import heat_map_sheet, overlay_heat_map
from mmqcs.visualization.attention import attention_map, blur_brightest

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


def main() -> None:
    """Run the program."""
    args = parse_args()
    trained = load_model(args)
    model = trained.model
    inputs = trained.read_images(args.images)

    def probability(images: Tensor) -> Tensor:
        with torch.no_grad():
            return model(images).softmax(dim=1)

    before = probability(inputs)
    labels = asked_labels(trained, args.label, before)
    try:
        maps = attention_map(model, inputs, labels)
    except ValueError as error:
        fail(f'{args.config}: {error}')
    blurred = blur_brightest(inputs, maps, HIDDEN)
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(maps.shape, generator=generator).to(maps)
    chosen = labels.view(-1, 1)
    sure, left, left_random = (
        p.gather(1, chosen).squeeze(1)
        for p in (
            before,
            probability(blurred),
            probability(blur_brightest(inputs, noise, HIDDEN)),
        )
    )
    faces, checks = (
        shown_images(model.data_preprocessor, x) for x in (inputs, blurred)
    )
    classes = trained.class_names(before.size(1))
    images, captions = [], []
    for i, path in enumerate(args.images):
        name = classes[int(labels[i])]
        heat = overlay_heat_map(faces[i], maps[i].cpu().numpy())
        images += [faces[i], heat, checks[i]]
        captions += [
            f'{path.name}\n{name} {sure[i]:.2f}',
            f'finds {name}\nin the bright places',
            f'brightest fifth blurred:\n{name} {left[i]:.2f}',
        ]
    columns = 3 if len(args.images) == 1 else 6
    title = 'What the base network looks at'
    scale = (0, 1, 'part in the logit of the class, brightest 1')
    figure = heat_map_sheet(images, captions, columns, title, scale, side=2.0)
    save_or_fail(figure, args.out)
    print(
        f'mean probability of the class: {sure.mean():.3f}, with the brightest fifth '
        f'of each image blurred {left.mean():.3f}, with as many random pixels blurred '
        f'{left_random.mean():.3f}'
    )


if __name__ == '__main__':
    main()
