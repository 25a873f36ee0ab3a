"""Digests that name a thing by its content: code that decides a result, records, small files.

Code is digested as its syntax tree without docstrings, so that a comment or a reformatting leaves records valid.
"""

import ast
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from lib.core.paths import REPOSITORY


def definitions_digest(sources: Iterable[Path]) -> str:
    """Digest of what Python files define, wherever it stands in them; the same under every Python that this runs on.

    It is blind to comments, formatting and docstrings, to the names of the files, to the order of their definitions, to
    imports, and to the words of errors: moving a function from one of the files to another, renaming a file or wording
    a message anew changes nothing. What is imported from elsewhere in `lib` and decides must be among the files;
    versions of libraries are the caller's concern.
    """
    statements = []
    for path in sources:
        for statement in _parsed(path).body:
            if not isinstance(statement, ast.Import | ast.ImportFrom):
                statements.append(_dump(_Wordless().visit(statement)))
    return hashlib.sha256("\0".join(sorted(statements)).encode()).hexdigest()


class _Wordless(ast.NodeTransformer):
    """Takes out imports within functions, and the arguments of what is raised."""

    def visit_Import(self, node: ast.stmt) -> None:
        return None

    visit_ImportFrom = visit_Import

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        if isinstance(node.exc, ast.Call):
            node.exc = node.exc.func
        return node


def json_digest(content) -> str:
    """Digest of anything JSON can hold, independent of the order of keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def library_modules(code: str) -> dict[str, str]:
    """The modules of `lib` that a piece of code imports, directly or through others: path in the checkout -> digest.

    Imports within functions count, and so does a package from which a module is imported by a name made while running
    (``import_module(f"lib.networks.{name}")``), with all of its modules.
    """
    found, waiting = set(), _imports(ast.parse(code))
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting |= _module(path)[0]
    return {path.relative_to(REPOSITORY).as_posix(): _module(path)[1] for path in sorted(found)}


@cache
def _module(path: Path) -> tuple[frozenset[Path], str]:
    """What a file of `lib` imports from `lib`, and a short digest of its code."""
    tree = _parsed(path)
    return frozenset(_imports(tree)), hashlib.sha256(_dump(tree).encode()).hexdigest()[:12]


def _imports(tree: ast.Module) -> set[Path]:
    """Files of `lib` that are named in import statements."""
    files = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
            package = REPOSITORY / str(node.values[0].value).rstrip(".").replace(".", "/")
            files |= set(package.glob("*.py")) if (REPOSITORY / "lib") in package.parents else set()
            continue
        else:
            continue
        for name in names:
            parts = name.split(".")
            for length in range(1, len(parts) + 1) if parts[0] == "lib" else ():
                place = REPOSITORY.joinpath(*parts[:length])
                files |= {file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()}
    return files


def _parsed(path: Path) -> ast.Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)] or [ast.Pass()]
    return tree


def _is_text(statement: ast.stmt) -> bool:
    """Docstrings, those of attributes too: a text that stands by itself does nothing."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _dump(node: object) -> str:
    """What `ast.dump` gives, less empty fields: Python 3.12 added one to every function, 3.13 leaves them all out."""
    if isinstance(node, ast.JoinedStr):  # Python 3.12.1 puts an empty text into nested format specifications
        values = [value for value in node.values if not (isinstance(value, ast.Constant) and value.value == "")]
        return f"JoinedStr(values=[{', '.join(map(_dump, values))}])"
    if isinstance(node, ast.AST):
        filled = ((name, value) for name, value in ast.iter_fields(node) if value is not None and value != [])
        return f"{type(node).__name__}({', '.join(f'{name}={_dump(value)}' for name, value in filled)})"
    if isinstance(node, list):
        return f"[{', '.join(map(_dump, node))}]"
    return repr(node)
