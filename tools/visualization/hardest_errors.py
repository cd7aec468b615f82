"""Show the wrong predictions in which a model is most confident, worst first.

    python tools/visualization/hardest_errors.py CONFIG CHECKPOINT --count 32

The caption of each image gives its file, its true and its predicted class, and the
probabilities of both.
"""

from mmqcs.cli.figures import add_out, save_or_fail
from mmqcs.cli.options import ArgumentParser, at_least, failing_on
from mmqcs.cli.progress import track
from mmqcs.cli.trained import add_model_arguments, build_loader, load_model
from mmqcs.runs.errors import worst_errors
from mmqcs.runs.predictions import predict
from mmqcs.visualization import contact_sheet


def main() -> None:
    """Run the program."""
    parser = ArgumentParser(description=__doc__)
    add_model_arguments(parser)
    parser.add_argument('--split', choices=('val', 'test'), default='test')
    parser.add_argument(
        '--count', type=at_least(1), default=32, help='number of images (default 32)'
    )
    add_out(parser, 'hardest_errors.png')
    args = parser.parse_args()
    trained = load_model(args)
    loader = build_loader(trained.config, args.split)
    classes = loader.dataset.metainfo.get('classes') or trained.classes
    with failing_on(ValueError):
        predictions = predict(trained.model, track(loader, 'batches'), classes)
    worst = worst_errors(predictions, loader.dataset, args.count)
    if worst is None:
        print(f'no errors among {len(predictions.labels)} images: nothing to show')
        return
    figure = contact_sheet(worst.images, worst.captions, 8, worst.title)
    save_or_fail(figure, args.out)


if __name__ == '__main__':
    main()
