"""Serve a web page for inference; open the address that the program prints."""

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

import cv2

from mmqcs.checkpoints import model_kind
from mmqcs.cli.inferencer import add_inferencer_options, build_inferencer
from mmqcs.cli.options import ArgumentParser, fail
from mmqcs.synth.scenes import SceneSettings, render_scene

EXAMPLES = (0, 2, 7)
"""Rendered scenes in which all faces are found."""

MAX_UPLOAD = '50mb'
"""Maximum size of an upload."""

SESSIONS = 100
"""Number of sessions whose faces are kept; the oldest is discarded first."""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    add_inferencer_options(
        parser,
        model='checkpoint; or a config, or the name of one, with --checkpoint',
    )
    parser.add_argument('--host', default='127.0.0.1', help='default: %(default)s')
    parser.add_argument('--port', type=int, default=7860, help='default: %(default)s')
    return parser.parse_args()


def render_examples(folder: Path) -> list[Path]:
    """Render the example images."""
    settings = SceneSettings(image_size=384)
    paths = [folder / f'scene_{number}.png' for number in EXAMPLES]
    for path, number in zip(paths, EXAMPLES, strict=True):
        cv2.imwrite(str(path), render_scene(settings, 'test', number))
    return paths


def main() -> None:
    """Run the program."""
    args = parse_args()
    # no telemetry, and no fonts from other servers: the page works offline
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    os.environ['HF_HUB_OFFLINE'] = '1'
    try:
        import gradio as gr
    except ImportError:
        fail("the page needs gradio: pip install 'mmqcs[demo]'")
    from .page import build_page

    if model_kind(args.model) == 'onnx':
        fail(
            f'the page needs a checkpoint, because it shows features inside of the '
            f'model; {args.model} is an exported file'
        )
    try:
        infer = build_inferencer(args)
    except (ValueError, OSError, ImportError) as error:
        fail(str(error))
    theme = gr.themes.Default(
        font=['system-ui', 'sans-serif'], font_mono=['ui-monospace', 'monospace']
    )
    # SIGTERM must also remove uploads from the disk
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix='mmqcs-demo-') as folder:
        examples, uploads = Path(folder, 'examples'), Path(folder, 'uploads')
        for path in (examples, uploads):
            path.mkdir()
        tempfile.tempdir = os.environ['GRADIO_TEMP_DIR'] = str(uploads)
        page = build_page(infer, f'Model: {args.model}', render_examples(examples))
        try:
            page.launch(
                server_name=args.host,
                server_port=args.port,
                theme=theme,
                allowed_paths=[str(examples)],
                max_file_size=MAX_UPLOAD,
                state_session_capacity=SESSIONS,
                footer_links=[],
            )
        except OSError as error:
            fail(f'cannot serve at {args.host}:{args.port}: {error}')


if __name__ == '__main__':
    sys.argv[0] = 'python -m mmqcs.demo'
    main()
