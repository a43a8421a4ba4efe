"""What the alert rules and the dashboard ask for is something that the programs measure, in queries that Prometheus reads."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser
from ruamel.yaml import YAML

# Metrics as the code names them.
MEASURED = re.compile(r'(?:counter|gauge|histogram)!\(\s*"(\w+)"')
# Made by Prometheus of a target, not by a program.
OF_PROMETHEUS = {"up"}
# Made of a histogram.
SUFFIXES = ("_bucket", "_sum", "_count")


def check(root: Path) -> None:
    measured = set(OF_PROMETHEUS)
    for folder in ("registry/src", "projections/src"):
        for source in (root / folder).rglob("*.rs"):
            measured.update(MEASURED.findall(source.read_text()))
    for place, query in queries(root / "registry" / "deploy"):
        asked = set(metrics(promql_parser.parse(query)))
        assert asked, f"{place} asks for nothing: {query}"
        unknown = {name for name in asked if name not in measured and base(name) not in measured}
        assert not unknown, f"{place} asks for {unknown}, which nothing measures: {query}"


def base(name: str) -> str:
    return next((name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)), name)


def queries(deploy: Path) -> Iterator[tuple[str, str]]:
    rules = YAML(typ="safe").load(deploy / "alerts.yml")
    for group in rules["groups"]:
        for rule in group["rules"]:
            yield f"alert {rule['alert']}", rule["expr"]
    dashboard = json.loads((deploy / "grafana" / "registry.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield f"panel {panel['title']}", target["expr"]


def metrics(node: object) -> Iterator[str]:
    """Names of all metrics in a query."""
    match node:
        case promql_parser.VectorSelector(name=name):
            yield name
        case promql_parser.MatrixSelector(vector_selector=inner):
            yield from metrics(inner)
        case promql_parser.AggregateExpr(expr=inner) | promql_parser.ParenExpr(expr=inner):
            yield from metrics(inner)
        case promql_parser.UnaryExpr(expr=inner) | promql_parser.SubqueryExpr(expr=inner):
            yield from metrics(inner)
        case promql_parser.BinaryExpr(lhs=left, rhs=right):
            yield from metrics(left)
            yield from metrics(right)
        case promql_parser.Call(args=arguments):
            for argument in arguments:
                yield from metrics(argument)
