"""Who needs whom, from the wheels' own metadata, for one target's markers."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.markers import Environment
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from builder.wheels import WheelFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """``source`` needs what ``requirement`` says."""

    source: NormalizedName
    requirement: Requirement

    @property
    def name(self) -> NormalizedName:
        """The distribution that is needed."""
        return canonicalize_name(self.requirement.name)


class DependencyGraph:
    """The dependencies that hold on a target, extras included where somebody asks for them.

    Args:
        wheels: the set that is installed together.
        environment: the target's marker values.
    """

    def __init__(self, wheels: Iterable[WheelFacts], environment: Environment) -> None:
        self.wheels: Mapping[NormalizedName, WheelFacts] = {wheel.name: wheel for wheel in wheels}
        self._environment = environment
        self._edges: dict[NormalizedName, dict[str, Edge]] = {name: {} for name in self.wheels}
        self._collect()

    def _collect(self) -> None:
        waiting = deque((name, "") for name in self.wheels)
        seen = set(waiting)
        while waiting:
            name, extra = waiting.popleft()
            for edge in self._active(name, extra):
                self._edges[name][str(edge.requirement)] = edge
                asked = [(edge.name, wanted) for wanted in edge.requirement.extras]
                new = [state for state in asked if state[0] in self.wheels and state not in seen]
                seen.update(new)
                waiting.extend(new)

    def _active(self, name: NormalizedName, extra: str) -> Iterator[Edge]:
        environment: dict[str, str | frozenset[str]] = {"extra": extra}
        environment |= {key: str(value) for key, value in self._environment.items()}
        for requirement in self.wheels[name].requires:
            if requirement.marker is None or requirement.marker.evaluate(environment):
                yield Edge(source=name, requirement=requirement)

    def needs(self, name: NormalizedName) -> tuple[Edge, ...]:
        """What ``name`` needs, met or not, sorted by name."""
        return tuple(sorted(self._edges.get(name, {}).values(), key=lambda edge: edge.name))

    def needed_by(self, name: NormalizedName) -> tuple[Edge, ...]:
        """Who needs ``name``, sorted by who."""
        found = [edge for source in sorted(self._edges) for edge in self.needs(source)]
        return tuple(edge for edge in found if edge.name == name)

    def unmet(self) -> tuple[Edge, ...]:
        """Requirements that nothing in the set meets."""
        return tuple(
            edge for name in sorted(self.wheels) for edge in self.needs(name) if not self._met(edge)
        )

    def _met(self, edge: Edge) -> bool:
        wheel = self.wheels.get(edge.name)
        # A local version such as 2.6.0+cu124 meets ==2.6.0 (PEP 440).
        return wheel is not None and edge.requirement.specifier.contains(
            wheel.version, prereleases=True
        )

    def chain(self, name: NormalizedName, roots: Iterable[NormalizedName]) -> tuple[Edge, ...]:
        """The shortest way from one of ``roots`` to ``name``; empty when there is none."""
        came_by: dict[NormalizedName, Edge | None] = dict.fromkeys(sorted(roots))
        waiting = deque(came_by)
        while waiting and name not in came_by:
            for edge in self.needs(waiting.popleft()):
                if edge.name not in came_by:
                    came_by[edge.name] = edge
                    waiting.append(edge.name)
        way: list[Edge] = []
        last = came_by.get(name)
        while last is not None:
            way.insert(0, last)
            last = came_by[last.source]
        return tuple(way)


def render_chain(chain: tuple[Edge, ...]) -> str:
    """``unsloth → unsloth-zoo → torchao>=0.13``; the chain must not be empty."""
    last = chain[-1].requirement
    return " → ".join([*(edge.source for edge in chain), f"{last.name}{last.specifier}"])


def render_tree(
    graph: DependencyGraph,
    roots: Iterable[NormalizedName],
    *,
    reverse: bool = False,
    left_out: Collection[str] = (),
) -> Iterator[str]:
    """Lines of a text tree; a distribution that was shown before is marked ``(*)``.

    Args:
        graph: the dependencies.
        roots: where the tree begins.
        reverse: show who needs it instead of what it needs.
        left_out: distributions that the manifest excludes; they are marked where they are needed.
    """
    shown: set[NormalizedName] = set()

    def branches(name: NormalizedName, indent: str) -> Iterator[str]:
        if name in shown:
            return
        shown.add(name)
        edges = graph.needed_by(name) if reverse else graph.needs(name)
        for position, edge in enumerate(edges):
            last = position == len(edges) - 1
            other = edge.source if reverse else edge.name
            again = " (*)" if other in shown else ""
            wanted = f" [{edge.requirement.specifier}]" if edge.requirement.specifier else ""
            absent = " (left out)" if other in left_out else ""
            yield f"{indent}{'└── ' if last else '├── '}{other}{wanted}{absent}{again}"
            yield from branches(other, indent + ("    " if last else "│   "))

    for root in roots:
        wheel = graph.wheels.get(root)
        yield f"{root} {wheel.version if wheel else '(not in the lock)'}"
        yield from branches(root, "")
