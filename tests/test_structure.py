"""The package's own shape: no circle of imports, no private attribute read across files, names that serve."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import networkx as nx

import chainrule

ROOT = Path(chainrule.__file__).parent

# what belongs to other libraries and has no public name: (module, attribute) -> why
THIRD_PARTY: dict[tuple[str, str], str] = {
    (
        "chainrule.derive.notation",
        "_print",
    ): "SymPy's printers hand parts on by this method, which it documents",
    (
        "chainrule.compiled.caching",
        "_cache",
    ): "numba has no public place for a cache of one's own; it is capped",
    ("chainrule.compiled.caching", "_reduce"): "what numba's own cache writes of a compiled function",
    ("chainrule.compiled.caching", "_rebuild"): "and how it reads that",
}

# modules that are being mended; an entry goes when its module is clean
BEING_MENDED_CIRCLES: dict[str, str] = {}
BEING_MENDED_PRIVATE: dict[str, str] = {}


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name, parsed."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def nodes_that_run(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those of ``if TYPE_CHECKING`` blocks; functions are gone into."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield other
                yield from nodes_that_run(other)
            continue
        yield child
        yield from nodes_that_run(child)


def imported(node: ast.AST) -> Iterator[str]:
    """The modules of the package that an import statement names; relative imports are not in use."""
    known = modules()
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
    elif isinstance(node, ast.ImportFrom) and node.module in known:
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if inner in known else node.module


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that import each other, directly or through others."""
    graph = nx.DiGraph((a, b) for a, targets in edges.items() for b in targets)
    parts = (sorted(part) for part in nx.strongly_connected_components(graph))
    return sorted(part for part in parts if len(part) > 1 or graph.has_edge(part[0], part[0]))


def test_no_modules_import_each_other_in_a_circle_not_even_inside_functions():
    edges = {
        name: {target for node in nodes_that_run(tree) for target in imported(node)}
        for name, tree in modules().items()
    }
    wrong = [part for part in circles(edges) if not set(part) <= BEING_MENDED_CIRCLES.keys()]
    told = [f"{name} imports {', '.join(sorted(edges[name] & set(part)))}" for part in wrong for name in part]
    assert not told, f"{len(wrong)} circles of imports:\n" + "\n".join(told)


def test_a_circle_through_a_function_is_noticed():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "e": {"e"}}) == [["a", "b", "c"], ["e"]]
    tree = ast.parse("def f():\n    import chainrule.graphs.dag\nif TYPE_CHECKING:\n    import chainrule.cli")
    assert [name for node in nodes_that_run(tree) for name in imported(node)] == ["chainrule.graphs.dag"]


def test_no_public_name_is_one_that_pytest_takes_for_a_test_where_a_user_imports_it():
    for name, tree in modules().items():
        public = [
            leaf.value
            for node in tree.body
            if isinstance(node, ast.Assign) and "__all__" in map(ast.unparse, node.targets)
            for leaf in ast.walk(node.value)
            if isinstance(leaf, ast.Constant)
        ]
        assert not [p for p in public if str(p).startswith(("test", "Test"))], name


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def defined_here(tree: ast.Module) -> set[str]:
    """The private names that a file defines: of modules and classes, in slots, and set on ``self`` or ``cls``."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node.value):
            found.add(node.attr)
        elif isinstance(node, ast.Assign) and "__slots__" in map(ast.unparse, node.targets):
            found |= {c.value for c in ast.walk(node.value) if isinstance(c, ast.Constant)}
    return set(filter(is_private, found))


def is_self(node: ast.AST) -> bool:
    """Whether this is ``self``, ``cls`` or ``super()``: a class may use what its base, in another file, set up."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "super"
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def private_reads(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Lines and names of private attributes of others, and of private names that are imported from the package.

    What the file defines itself is its own, so that a class may look into another object of its kind; a name that
    two files define by chance would be missed.
    """
    own = defined_here(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            if node.attr not in own and not is_self(node.value):
                yield node.lineno, node.attr
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "chainrule":
            yield from ((node.lineno, alias.name) for alias in node.names if is_private(alias.name))


def test_no_private_attribute_is_read_across_files():
    wrong = [
        f"{name}, line {line}: {attribute}"
        for name, tree in modules().items()
        if name not in BEING_MENDED_PRIVATE
        for line, attribute in private_reads(tree)
        if (name, attribute) not in THIRD_PARTY
    ]
    assert not wrong, f"{len(wrong)} private names of other files are used:\n" + "\n".join(wrong)


def test_a_private_read_is_noticed_and_ones_own_is_allowed():
    tree = ast.parse(
        "from chainrule.graphs.dag import _secret\n"
        "class A:\n"
        "    def __init__(self, other):\n"
        "        self._mine = other._mine + other._theirs + self._base + super()._base\n"
        "        other.__class__\n"
    )
    assert sorted(private_reads(tree)) == [(1, "_secret"), (4, "_theirs")]
