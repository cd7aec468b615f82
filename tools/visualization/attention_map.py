"""Show where the base network looks in single images.

    python tools/visualization/attention_map.py CONFIG CHECKPOINT face.jpg other.png
    python tools/visualization/attention_map.py CONFIG CHECKPOINT face.jpg --class Fear

Shows three pictures per image: the face as the network sees it; a map that is bright
where the network finds the class (gradient × activation over all levels of the
backbone); and, as a check, the face with its brightest fifth blurred and the
probability that remains. Prints the mean probabilities over the images, also with the
same number of random pixels blurred.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from mmengine.dataset import Compose, pseudo_collate
from torch import Tensor, nn

from mmqcs.checkpoints import LoadedClassifier
from mmqcs.cli.figures import add_out, save_or_fail
from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.cli.trained import add_model_arguments, load_model, shown_images
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
        help='class to look for (default: the predicted class of each image)',
    )
    add_out(parser, 'attention_map.png')
    return parser.parse_args()


def read_images(trained: LoadedClassifier, paths: list[Path]) -> Tensor:
    """Return images as the network takes them in tests, (N, 3, H, W)."""
    loader = trained.config.get('test_dataloader') or {}
    pipeline = loader.get('dataset', {}).get('pipeline')
    if not pipeline:
        fail(f'{trained.config.filename} has no test_dataloader with a pipeline')
    transform = Compose(pipeline)
    items = []
    for path in paths:
        if not path.is_file():
            fail(f'image not found: {path}')
        try:
            items.append(transform({'img_path': str(path)}))
        except Exception as error:  # decoders raise errors of any kind
            reason = str(error).strip().splitlines() or [type(error).__name__]
            fail(f'{path} cannot be used as an image: {reason[0]}')
    return trained.model.data_preprocessor(pseudo_collate(items))['inputs']


def chosen_labels(
    classes: tuple[str, ...], name: str | None, probabilities: Tensor
) -> Tensor:
    """Return the class that each map shows, (N,)."""
    if name is None:
        return probabilities.argmax(dim=1)
    if name not in classes:
        fail(f'--class must be one of {", ".join(classes)}, got {name!r}')
    return torch.full_like(probabilities[:, 0], classes.index(name)).long()


@torch.no_grad()
def probability(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Return the probability of the given class for each image, (N,)."""
    return model(images).softmax(dim=1).gather(1, labels.view(-1, 1)).squeeze(1)


def draw(
    shown: list[np.ndarray], maps: Tensor, captions: list[tuple[str, str, str]]
) -> Figure:
    """Draw three pictures per image: face, map, face with its brightest part blurred.

    Args:
        shown: Faces and blurred faces, uint8 (N, H, W, 3) each.
        maps: (N, h, w).
        captions: Three per image.
    """
    images = []
    for face, heat, blurred in zip(shown[0], maps.cpu().numpy(), shown[1], strict=True):
        images += [face, overlay_heat_map(face, heat), blurred]
    columns = 3 if len(maps) == 1 else 6
    scale = (0, 1, 'share in the logit of the class (maximum: 1)')
    texts = [text for three in captions for text in three]
    title = 'Where the base network looks'
    return heat_map_sheet(images, texts, columns, title, scale, side=2.0)


def main() -> None:
    """Run the program."""
    args = parse_args()
    trained = load_model(args)
    model = trained.model
    inputs = read_images(trained, args.images)
    with torch.no_grad():
        probabilities = model(inputs).softmax(dim=1)
    count = probabilities.size(1)
    classes = trained.classes or tuple(map(str, range(count)))
    labels = chosen_labels(classes, args.label, probabilities)
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
    captions = []
    for i, path in enumerate(args.images):
        name = classes[int(labels[i])]
        captions.append(
            (
                f'{path.name}\n{name} {sure[i]:.2f}',
                f'evidence for {name}',
                f'brightest fifth blurred:\n{name} {left[i]:.2f}',
            )
        )
    shown = [shown_images(model.data_preprocessor, x) for x in (inputs, blurred)]
    save_or_fail(draw(shown, maps, captions), args.out)
    print(
        f'mean probability of the class: {sure.mean():.3f}, with the brightest fifth '
        f'of each image blurred {left.mean():.3f}, with random pixels blurred instead '
        f'{left_at_random.mean():.3f}'
    )


if __name__ == '__main__':
    main()
