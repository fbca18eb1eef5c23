"""Which finding codes a source file can emit, read from its syntax.

Seen are: `found(code, ...)`, `add(code, ...)`, `_Seen(ref, code, ...)`, dicts with the keys code, subject and
detail, and `code = ...` in a class; where the code is a name, what the file assigns to it or loops over.
"""

import ast
import re
from pathlib import Path

_PLACE = {"found": 0, "add": 0, "Finding": 0, "_Seen": 1}
_CODE = re.compile(r"[a-z]+(?:_[a-z]+)*")


def codes_in(path: Path) -> set[str]:
    """The codes that a source file can emit."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = _assigned(tree)
    found: set[str] = set()
    for node in ast.walk(tree):
        for expression in _codes_of(node):
            found |= _texts(expression, named)
    return {code for code in found if _CODE.fullmatch(code)}


def _codes_of(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        place = _PLACE.get(name)
        # `add` and `found` of other things (a set, a page) take one argument; a finding has three.
        if place is not None and len(node.args) >= (2 if name == "_Seen" else 3):
            return [node.args[place]]
    if isinstance(node, ast.Dict):
        keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
        if {"code", "subject", "detail"} <= set(keys):
            return [node.values[keys.index("code")]]
    if isinstance(node, ast.ClassDef):
        return [
            statement.value
            for statement in node.body
            if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "code"
        ]
    return []


def _assigned(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """By name, what a file assigns to it, or loops over with it."""
    named: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    named.setdefault(target.id, []).append(node.value)
        elif isinstance(node, ast.For) and isinstance(node.target, ast.Name) and isinstance(node.iter, ast.Tuple):
            named.setdefault(node.target.id, []).extend(node.iter.elts)
    return named


def _texts(expression: ast.expr, named: dict[str, list[ast.expr]]) -> set[str]:
    if isinstance(expression, ast.Constant):
        return {expression.value} if isinstance(expression.value, str) else set()
    if isinstance(expression, ast.IfExp):
        return _texts(expression.body, named) | _texts(expression.orelse, named)
    if isinstance(expression, ast.Name):
        return {text for value in named.get(expression.id, []) for text in _texts(value, {})}
    return set()
