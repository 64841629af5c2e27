"""The contract in print: who says what to whom, as a table or as AsyncAPI 3."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .message import Declaration
from .records import versions
from .shape import Choice, Field, Kind, Listing, Maybe, Scalar, Shape, Structure

_TYPES: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": "string"},
    Kind.NUMBER: {"type": "number"},
    Kind.INTEGER: {"type": "integer"},
    Kind.FLAG: {"type": "boolean"},
    Kind.INSTANT: {"type": "integer", "description": "ns since the start of the scenario"},
    Kind.DURATION: {"type": "integer", "description": "ns"},
    Kind.DECIMAL: {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"},
    Kind.DATE: {"type": "string", "format": "date-time"},
}


def contract_text(contract: Iterable[Declaration]) -> str:
    """Every message with its topic, parties and fields."""
    blocks = []
    for declaration in contract:
        head = [
            f"{declaration.name}  {declaration.description}",
            f"    topic      {declaration.topic}{'  (last value retained)' if declaration.retain else ''}",
            f"    from       {', '.join(declaration.senders)}",
            f"    to         {', '.join(declaration.receivers)}",
        ]
        if declaration.mirrors:
            head.append(f"    mirrors    {declaration.mirrors}")
        blocks.append("\n".join(head + _field_lines(declaration.structure, "    ")))
    return "\n\n".join(blocks)


def _field_lines(structure: Structure, indent: str) -> list[str]:
    lines = []
    for entry in structure.fields:
        unit = f" [{entry.unit}]" if entry.unit else ""
        default = "" if entry.required else ", has a default"
        lines.append(f"{indent}. {entry.name}: {_type_text(entry.shape)}{unit}  {entry.description}{default}")
        inner = _structure_in(entry.shape)
        if inner is not None:
            lines += _field_lines(inner, indent + "    ")
    return lines


def _type_text(shape: Shape) -> str:
    match shape:
        case Scalar(kind=kind):
            return kind.value
        case Choice(values=values):
            return " | ".join(values)
        case Listing(of=of):
            return f"list of {_type_text(of)}"
        case Maybe(of=of):
            return f"{_type_text(of)} or nothing"
        case Structure(cls=cls):
            return cls.__name__


def _structure_in(shape: Shape) -> Structure | None:
    match shape:
        case Structure():
            return shape
        case Listing(of=of) | Maybe(of=of):
            return _structure_in(of)
    return None


def asyncapi(contract: Iterable[Declaration]) -> dict[str, Any]:
    """The contract as an AsyncAPI 3.0 document: a channel per topic, a message per class, operations per party."""
    declarations = list(contract)
    operations: dict[str, Any] = {}
    for declaration in declarations:
        for action, parties in (("send", declaration.senders), ("receive", declaration.receivers)):
            for party in parties:
                operations[_operation_name(party, action, declaration)] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{declaration.name}"},
                    "messages": [{"$ref": f"#/channels/{declaration.name}/messages/{declaration.name}"}],
                    "summary": f"{party} may {action} {declaration.name}",
                    "x-address": party,
                }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "gridbus",
            "version": versions(["gridbus"])["gridbus"],
            "description": "Messages between DO, LSE, MO, device agents and their surroundings.",
            "license": {"name": "BSD-3-Clause"},
        },
        "defaultContentType": "application/json",
        "channels": {d.name: _channel(d) for d in declarations},
        "operations": operations,
        "components": {"messages": {d.name: _message(d) for d in declarations}},
    }


def _operation_name(party: str, action: str, declaration: Declaration) -> str:
    role = party.partition(".")[0].replace("*", "any")
    return f"{role}-{action}-{declaration.name}"


def _channel(declaration: Declaration) -> dict[str, Any]:
    described = {f.name: f.description for f in declaration.structure.fields}
    channel: dict[str, Any] = {
        "address": declaration.topic,
        "messages": {declaration.name: {"$ref": f"#/components/messages/{declaration.name}"}},
    }
    if declaration.topic_fields:
        channel["parameters"] = {name: {"description": described[name]} for name in declaration.topic_fields}
    return channel


def _message(declaration: Declaration) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": declaration.name,
        "summary": declaration.description,
        "payload": json_schema(declaration.structure),
    }
    if declaration.mirrors:
        message["x-mirrors"] = declaration.mirrors
    if declaration.retain:
        message["x-retained"] = True
    return message


def json_schema(structure: Structure) -> dict[str, Any]:
    """The JSON schema of a class's payload, with the unit of each field under ``x-unit``."""
    return {
        "type": "object",
        "properties": {f.name: _property(f) for f in structure.fields},
        "required": [f.name for f in structure.fields if f.required],
        "additionalProperties": False,
    }


def _property(entry: Field) -> dict[str, Any]:
    schema = {**_schema(entry.shape), "description": entry.description}
    bounds = {"minimum": entry.at_least, "maximum": entry.at_most, "exclusiveMinimum": entry.above}
    target = schema["items"] if isinstance(entry.shape, Listing) else schema
    target.update({name: bound for name, bound in bounds.items() if bound is not None})
    if entry.unit:
        schema["x-unit"] = entry.unit
    return schema


def _schema(shape: Shape) -> dict[str, Any]:
    match shape:
        case Scalar(kind=kind):
            return dict(_TYPES[kind])
        case Choice(values=values):
            return {"type": "string", "enum": list(values)}
        case Listing(of=of):
            return {"type": "array", "items": _schema(of)}
        case Maybe(of=of):
            return {"oneOf": [{"type": "null"}, _schema(of)]}
        case Structure():
            return json_schema(shape)
