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

import torch
from mmengine.dataset import Compose, pseudo_collate
from torch import Tensor, nn

from mmqcs.checkpoints import LoadedClassifier
from mmqcs.cli.figures import add_out, save_or_fail
from mmqcs.cli.options import ArgumentParser, fail, failing_on
from mmqcs.cli.trained import add_model_arguments, load_model, shown_images
from mmqcs.explain import attention_map, blur_brightest
from mmqcs.visualization import heat_map_sheet, overlay_heat_map

HIDDEN = 0.2


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
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
        # decoders raise errors of any kind
        with failing_on(Exception, prefix=f'{path} cannot be used as an image: '):
            items.append(transform({'img_path': str(path)}))
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
    with failing_on(ValueError, prefix=f'{args.config}: '):
        maps = attention_map(model, inputs, labels)
    noise = torch.rand(maps.shape, generator=torch.Generator().manual_seed(0))
    blurred = blur_brightest(inputs, maps, HIDDEN)
    at_random = blur_brightest(inputs, noise.to(maps), HIDDEN)
    sure, left, left_at_random = (
        probability(model, images, labels) for images in (inputs, blurred, at_random)
    )
    shown = [shown_images(model.data_preprocessor, x) for x in (inputs, blurred)]
    images, captions = [], []
    for i, (path, heat) in enumerate(zip(args.images, maps.cpu().numpy(), strict=True)):
        name = classes[int(labels[i])]
        images += [shown[0][i], overlay_heat_map(shown[0][i], heat), shown[1][i]]
        captions += [
            f'{path.name}\n{name} {sure[i]:.2f}',
            f'evidence for {name}',
            f'brightest fifth blurred:\n{name} {left[i]:.2f}',
        ]
    columns = 3 if len(maps) == 1 else 6
    scale = (0, 1, 'share in the logit of the class (maximum: 1)')
    title = 'Where the base network looks'
    figure = heat_map_sheet(images, captions, columns, title, scale, side=2.0)
    save_or_fail(figure, args.out)
    print(
        f'mean probability of the class: {sure.mean():.3f}, with the brightest fifth '
        f'of each image blurred {left.mean():.3f}, with random pixels blurred instead '
        f'{left_at_random.mean():.3f}'
    )


if __name__ == '__main__':
    main()
