"""Serve a web page for inference; open the address that the program prints."""

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

from mmqcs.checkpoints import DEFAULT_MODEL, model_kind
from mmqcs.cli.inferencer import add_inferencer_options, build_inferencer
from mmqcs.cli.options import ArgumentParser, at_least, fail

from .examples import write_examples

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
    limits = parser.add_argument_group('limits')
    limits.add_argument(
        '--max-upload',
        type=at_least(1),
        default=50,
        metavar='MB',
        help='largest file that is accepted; default: %(default)s',
    )
    limits.add_argument(
        '--max-waiting',
        type=at_least(1),
        default=32,
        metavar='N',
        help='requests that wait; further ones are refused; default: %(default)s',
    )
    return parser.parse_args()


def describe(model: str | Path) -> str:
    """Describe the model, and what its answers mean."""
    name = 'the network that comes with mmqcs' if model == DEFAULT_MODEL else model
    return f'Model: {name}. It names movements of faces, which are not feelings.'


def main() -> None:
    """Run the program."""
    args = parse_args()
    # no telemetry, and no fonts from other servers: the page works offline
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    os.environ['HF_HUB_OFFLINE'] = '1'
    # else browsers keep photographs, and offer to send them to a server
    os.environ['GRADIO_RUN_HISTORY'] = 'False'
    try:
        import gradio as gr
        from starlette.middleware import Middleware
    except ImportError:
        fail("the page needs gradio: pip install 'mmqcs[demo]'")
    from .middleware import MaxBody, NoDownloads
    from .page import CSS, build_page

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
        title, shown = describe(args.model), write_examples(examples)
        page = build_page(infer, title, shown, args.max_waiting)
        checks = [
            Middleware(NoDownloads),
            Middleware(MaxBody, megabytes=args.max_upload),
        ]
        try:
            page.launch(
                server_name=args.host,
                server_port=args.port,
                theme=theme,
                css=CSS,
                allowed_paths=[str(examples)],
                max_file_size=f'{args.max_upload}mb',
                state_session_capacity=SESSIONS,
                footer_links=['api'],
                app_kwargs={'middleware': checks},
            )
        except OSError as error:
            fail(f'cannot serve at {args.host}:{args.port}: {error}')


if __name__ == '__main__':
    sys.argv[0] = 'python -m mmqcs.demo'
    main()
