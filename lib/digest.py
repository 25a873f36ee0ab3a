"""Digests that name a thing by its content: code that decides a result, records, small files.

Code is digested as its syntax tree without docstrings, so that a comment or a reformatting leaves records valid.
"""

import ast
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from lib.paths import REPOSITORY


def code_digest(sources: Iterable[Path]) -> str:
    """Digest of Python files that ignores comments, formatting and docstrings, but not names or order of statements.

    It is the same under every Python that this package runs on, so that records travel between them.

    Parameters
    ----------
    sources : iterable of Path
        Python files; their order does not matter.
    """
    digest = hashlib.sha256()
    for path in sorted(sources):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                node.body = _without_docstring(node.body)
        digest.update(path.name.encode() + b"\0" + _dump(tree).encode() + b"\0")
    return digest.hexdigest()


def json_digest(content) -> str:
    """Digest of anything JSON can hold, independent of the order of keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@cache
def library_digest() -> str:
    """Digest of all of `lib` except the command line, which no chapter's content depends on.

    Computed once in a process: code that changes on disk afterwards is not the code that runs.
    """
    return code_digest(
        path for path in (REPOSITORY / "lib").rglob("*.py") if path.name not in ("cli.py", "__main__.py")
    )


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    is_docstring = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return (body[1:] or [ast.Pass()]) if is_docstring else body


def _dump(node: object) -> str:
    """What `ast.dump` gives, less empty fields: Python 3.12 added one to every function, 3.13 leaves them all out."""
    if isinstance(node, ast.AST):
        filled = ((name, value) for name, value in ast.iter_fields(node) if value is not None and value != [])
        return f"{type(node).__name__}({', '.join(f'{name}={_dump(value)}' for name, value in filled)})"
    if isinstance(node, list):
        return f"[{', '.join(map(_dump, node))}]"
    return repr(node)
