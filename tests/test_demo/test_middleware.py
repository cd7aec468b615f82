"""Requests that do not reach Gradio."""

import asyncio

import pytest

pytest.importorskip('gradio', reason="the page needs gradio: pip install 'mmqcs[demo]'")

from mmqcs.demo.middleware import MEBIBYTE, MaxBody, NoDownloads


@pytest.mark.parametrize(
    ('path', 'passed'),
    [
        ('/gradio_api/file=http://192.0.2.1/a', False),
        ('/file=HTTPS://192.0.2.1/a', False),
        ('/gradio_api/proxy=https://192.0.2.1/a', False),
        ('/gradio_api/file=/tmp/https:/a.png', True),
        ('/', True),
    ],
)
def test_the_server_is_no_proxy(path, passed):
    calls, sent = [], []

    async def app(scope, receive, send):
        calls.append(scope)

    async def send(message):
        sent.append(message)

    asyncio.run(NoDownloads(app)({'type': 'http', 'path': path}, None, send))
    assert bool(calls) == passed
    assert bool(sent) != passed


def ask(parts, headers=()):
    """Send a body in parts to a server with a limit of 1 MB: what it got, answers."""
    waiting = iter([{'type': 'http.request', 'body': part} for part in parts])
    got, sent = [], []

    async def app(scope, receive, send):
        for _ in parts:
            got.append(await receive())

    async def receive():
        return next(waiting)

    async def send(message):
        sent.append(message)

    scope = {'type': 'http', 'path': '/', 'headers': headers}
    asyncio.run(MaxBody(app, megabytes=1)(scope, receive, send))
    return got, sent


def test_small_requests_pass():
    got, sent = ask([bytes(MEBIBYTE), b'end'], [(b'content-length', b'1048579')])
    assert [len(message['body']) for message in got] == [MEBIBYTE, 3]
    assert sent == []


def test_large_requests_are_refused():
    got, (start, body) = ask([bytes(8)], [(b'content-length', b'2097153')])
    assert got == []
    assert start['status'] == 413
    assert b'larger than 1 MB' in body['body']


def test_large_requests_of_unknown_size_end():
    got, _ = ask([bytes(MEBIBYTE)] * 3)
    kinds = [message['type'] for message in got]
    assert kinds == ['http.request', 'http.request', 'http.disconnect']
