"""Reads the text of a config as data, without running it."""

import ast
from typing import Any

from mmengine.config import Config


def parse_config_text(text: str) -> Config:
    """Read ``Config.pretty_text``, which MMEngine stores in checkpoints and logs.

    ``Config.fromstring`` would run the text as a program. This function accepts only
    assignments of literals and calls of ``dict`` to names, which is all that MMEngine
    writes.

    Raises:
        ValueError: The text holds anything else; the message gives the line.
    """
    try:
        # before Python 3.11, null characters are a ValueError
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _unreadable(error) from error
    try:
        return Config(_settings(statements))
    # unhashable keys, endless nesting, and names that are reserved by Config
    except (TypeError, KeyError, RecursionError) as error:
        raise _unreadable(error) from error


def _unreadable(error: BaseException) -> ValueError:
    return ValueError(f'cannot read the text of the config: {error}')


def _settings(statements: list[ast.stmt]) -> dict[str, Any]:
    settings = {}
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                settings[name] = _value(value)
            case _:
                raise _refusal(statement)
    return settings


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Call(func=ast.Name(id='dict'), args=[], keywords=keywords):
            if unnamed := [item for item in keywords if item.arg is None]:
                raise _refusal(unnamed[0].value)
            return {item.arg: _value(item.value) for item in keywords}
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {_value(k): _value(v) for k, v in zip(keys, values, strict=True)}  # type: ignore[arg-type]
        case ast.List(elts=items):
            return [_value(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
        case ast.Set(elts=items):
            return {_value(item) for item in items}
        # MMEngine writes infinity and "not a number" as Python prints them
        case ast.Name(id='inf' | 'nan' as name):
            return float(name)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Name(id='inf')):
            return -float('inf')
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise _refusal(node) from None


def _refusal(node: ast.expr | ast.stmt) -> ValueError:
    line = ast.unparse(node).splitlines()[0]
    return ValueError(
        f'the text of the config holds more than settings, in line {node.lineno}: '
        f'{line[:80]}'
    )
