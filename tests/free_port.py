"""Where programs that talk to each other meet."""

import random
import socket


def free_port() -> int:
    """A port that the system gives to nobody else before torchrun takes it.

    It lies below the range from which systems serve connections and bind(0).
    """
    choice = random.SystemRandom()
    while True:
        port = choice.randrange(20000, 30000)
        with socket.socket() as server:
            try:
                server.bind(('127.0.0.1', port))
            except OSError:
                continue
            return port
