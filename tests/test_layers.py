"""Nothing imports upward: kernel, roles, agents, benchmarks; and what is heavy is imported late."""

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("kernel", "roles", "agents", "bench")
ALLOWED = {
    "kernel": ("kernel",),
    "roles": ("kernel", "roles"),
    "agents": ("kernel", "roles.interfaces", "agents"),
    "bench": FOLDERS,
}
LATE = ("helics", "pvlib", "nats")
"""Slow to import or not always installed: only inside functions."""


def imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[str, ast.AST]]:
    """Every module or name that a file imports, made absolute, with the node that does."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{source}.{alias.name}", node


def run_at_import(tree: ast.Module) -> set[ast.AST]:
    """The nodes that run when the file is imported: not those in functions, nor those for type checkers."""
    found: set[ast.AST] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        found.add(node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        children = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            children = node.orelse  # type: ignore[assignment]
        waiting += children
    return found


def violations(root: Path) -> list[str]:
    """Every import that should not be, as ``file:line: what``."""
    found: list[str] = []
    for path in sorted(file for folder in FOLDERS for file in (root / folder).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        module = ".".join(("gridbus", *parts[: -1 if is_package else None]))
        tree = ast.parse(path.read_text(encoding="utf-8"))
        early = run_at_import(tree)
        for name, node in imports(tree, module, is_package):
            where = f"{path.relative_to(root)}:{node.lineno}: {name}"  # type: ignore[attr-defined]
            if name.partition(".")[0] in LATE and node in early:
                found.append(f"{where} at import")
            inside = name.removeprefix("gridbus.")
            if name.startswith("gridbus") and not any(f"{inside}.".startswith(f"{a}.") for a in ALLOWED[parts[0]]):
                found.append(where)
    return found


def test_nothing_imports_upward_and_what_is_heavy_comes_late():
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("file", "line", "name"),
    [
        ("kernel/agenda.py", "from ..roles import interfaces", "gridbus.roles.interfaces"),
        ("kernel/agenda.py", "import gridbus.agents", "gridbus.agents"),
        ("kernel/__init__.py", "from ..bench import anything", "gridbus.bench.anything"),
        ("kernel/agenda.py", "from .. import roles", "gridbus.roles"),
        ("kernel/agenda.py", "import helics as h", "helics at import"),
        ("kernel/agenda.py", "class A:\n    from nats.aio import client", "nats.aio.client at import"),
        ("roles/__init__.py", "from gridbus.agents.models import house", "gridbus.agents.models.house"),
        ("roles/mo/__init__.py", "def f():\n    from ...bench import scale", "gridbus.bench.scale"),
        ("agents/__init__.py", "from ..roles.auction import clearing", "gridbus.roles.auction.clearing"),
        ("agents/__init__.py", "from ..roles import mo", "gridbus.roles.mo"),
        ("agents/__init__.py", "import pvlib.iotools", "pvlib.iotools at import"),
    ],
)
def test_an_import_that_should_not_be_is_found(tmp_path: Path, file: str, line: str, name: str):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    shutil.copy(ROOT / file, path)
    assert violations(tmp_path) == []
    path.write_text(path.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")

    (found,) = violations(tmp_path)
    assert found.startswith(f"{file}:")
    assert found.endswith(f": {name}")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("kernel/agenda.py", "def f():\n    import helics"),
        ("kernel/agenda.py", "if TYPE_CHECKING:\n    import helics"),
        ("agents/__init__.py", "from ..roles.interfaces import market"),
        ("agents/__init__.py", "from ..roles import interfaces"),
        ("bench/__init__.py", "from ..agents import population\nfrom ..roles.auction import clearing"),
    ],
)
def test_an_import_that_may_be_is_not_found(tmp_path: Path, file: str, line: str):
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(f"{line}\n", encoding="utf-8")

    assert violations(tmp_path) == []
