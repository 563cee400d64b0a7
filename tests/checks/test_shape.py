"""Shapes and types that a catalogue declares itself."""

from __future__ import annotations

import textwrap

import pytest

from checks import catalogue, document
from checks.document import DocumentError
from checks.shape import Shape, declared

TYPE = """
schema: upheld.catalogue/1
service: Microsoft.Network
types:
  azure.network.routetables:
    title: Route table
    arm:
      type: Microsoft.Network/routeTables
      api: "2024-05-01"
      witness: routes
      members:
        zones: [string]
        properties:
          routes: [{name: string, properties: {hasBgpOverride: boolean}}]
          limits: {"*": integer}
"""


def read(text: str) -> catalogue.Kind:
    (kind,) = catalogue.read([document.parse(textwrap.dedent(text), "types.yaml")]).values()
    return kind


def test_a_declared_shape_is_stepped_through_as_any_other() -> None:
    shape = declared({"routes": [{"name": "string"}], "limits": {"*": "integer"}})
    assert shape.names == ["limits", "routes"]
    assert shape.step("limits") == Shape("map", element=Shape("integer"))
    routes = shape.step("routes")
    assert routes is not None
    assert routes.element == Shape("structure", {"name": Shape("string")})


@pytest.mark.parametrize("form", ["text", "any", "list", [], ["string", "string"], {}, {"a": {}}, None, 7])
def test_what_declares_no_shape_is_refused(form: object) -> None:
    with pytest.raises(ValueError, match="declares no shape"):
        declared(form)


def test_a_type_of_arm_is_listed_over_all_locations_and_has_arms_envelope() -> None:
    kind = read(TYPE)
    assert (kind.is_global, kind.pseudo, kind.id, kind.region_from) == (True, False, "id", "location")
    assert kind.arm is not None
    assert kind.arm.shape.names == ["id", "location", "name", "properties", "tags", "type", "zones"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("azure.network.routetables:", "azure.network.routes:", r"types.yaml:5: Microsoft.Network/routeTables is named azure.network.routetables"),
        ("witness: routes", "witness: rules", "witness rules is not among the members"),
        ("hasBgpOverride: boolean", "hasBgpOverride: bool", "'bool' declares no shape"),
        ("Microsoft.Network/routeTables", "Microsoft.Network", "arm.type"),
        ('api: "2024-05-01"', "api: latest", "arm.api"),
        ("      witness: routes\n", "      keep: [routes]\n", "unknown key"),
    ],
)  # fmt: skip
def test_a_type_that_is_not_arms_does_not_load(old: str, new: str, problem: str) -> None:
    with pytest.raises(DocumentError, match=problem):
        read(TYPE.replace(old, new, 1))


def test_a_listed_type_still_says_how_it_is_listed() -> None:
    with pytest.raises(DocumentError, match=r"'types\.aws\.test\.thing\.list' is missing"):
        read("""
            schema: upheld.catalogue/1
            service: test
            types:
              aws.test.thing: {title: Thing, id: Id, keep: [Id]}
        """)
