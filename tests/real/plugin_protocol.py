"""The protocol between OpenTofu and a provider, version 6: the messages that are used here, and how values travel.

Written after the protocol's published description; fields that are not used here are left out, as protobuf allows.
"""

import json
import os
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
import msgpack
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# message: fields as name=number:type, `*` for repeated, `{}` for a map from string
_MESSAGES = {
    "Value": "msgpack=1:bytes json=2:bytes",
    "Diagnostic": "severity=1:int64 summary=2:string detail=3:string",
    "Attribute": "name=1:string type=2:bytes required=4:bool optional=5:bool computed=6:bool",
    "Nested": "type_name=1:string block=2:Block nesting=3:int64 min_items=4:int64 max_items=5:int64",
    "Block": "version=1:int64 attributes=2:Attribute* block_types=3:Nested*",
    "Schema": "version=1:int64 block=2:Block",
    "RawState": "json=1:bytes",
    "Nothing": "",
    "SchemaAnswer": "provider=1:Schema resource_schemas=2:Schema{} data_source_schemas=3:Schema{} "
    "diagnostics=4:Diagnostic*",
    "Ask": "type_name=1:string config=2:Value",
    "ProviderAsk": "config=1:Value",
    "Configure": "config=2:Value",
    "Diagnosed": "diagnostics=1:Diagnostic*",
    "ProviderDiagnosed": "diagnostics=2:Diagnostic*",
    "Upgrade": "type_name=1:string version=2:int64 raw_state=3:RawState",
    "Upgraded": "upgraded_state=1:Value diagnostics=2:Diagnostic*",
    "Read": "type_name=1:string current_state=2:Value",
    "ReadAnswer": "new_state=1:Value diagnostics=2:Diagnostic*",
    "Plan": "type_name=1:string prior_state=2:Value proposed_new_state=3:Value config=4:Value",
    "Planned": "planned_state=1:Value diagnostics=4:Diagnostic* legacy_type_system=5:bool",
    "Apply": "type_name=1:string prior_state=2:Value planned_state=3:Value config=4:Value",
    "Applied": "new_state=1:Value diagnostics=3:Diagnostic* legacy_type_system=4:bool",
    "DataAnswer": "state=1:Value diagnostics=2:Diagnostic*",
}
_CALLS = {
    "GetProviderSchema": ("Nothing", "SchemaAnswer"),
    "ValidateProviderConfig": ("ProviderAsk", "ProviderDiagnosed"),
    "ValidateResourceConfig": ("Ask", "Diagnosed"),
    "ValidateDataResourceConfig": ("Ask", "Diagnosed"),
    "UpgradeResourceState": ("Upgrade", "Upgraded"),
    "ConfigureProvider": ("Configure", "Diagnosed"),
    "ReadResource": ("Read", "ReadAnswer"),
    "PlanResourceChange": ("Plan", "Planned"),
    "ApplyResourceChange": ("Apply", "Applied"),
    "ReadDataSource": ("Ask", "DataAnswer"),
    "StopProvider": ("Nothing", "Nothing"),
}
_SCALARS = {"bytes": 12, "string": 9, "bool": 8, "int64": 3}
_PACKAGE = "tfplugin6"
_MESSAGE_BYTES = 64 << 20


class Unknown:
    """A value that is known after apply."""

    def __repr__(self) -> str:
        return "(known after apply)"


UNKNOWN = Unknown()


def _made() -> dict[str, type[Any]]:
    file = descriptor_pb2.FileDescriptorProto(name="provider.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields.split():
            title, _, rest = field.partition("=")
            number, _, kind = rest.partition(":")
            plain = kind.removesuffix("*").removesuffix("{}")
            one = message.field.add(name=title, number=int(number), label=3 if plain != kind else 1)
            if kind.endswith("{}"):
                entry = message.nested_type.add(name=title.title().replace("_", "") + "Entry")
                entry.options.map_entry = True
                entry.field.add(name="key", number=1, label=1, type=9)
                entry.field.add(name="value", number=2, label=1, type=11, type_name=f".{_PACKAGE}.{plain}")
                one.type, one.type_name = 11, f".{_PACKAGE}.{name}.{entry.name}"
            elif plain in _SCALARS:
                one.type = _SCALARS[plain]
            else:
                one.type, one.type_name = 11, f".{_PACKAGE}.{plain}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


messages = _made()


def serve(provider: object) -> tuple[grpc.Server, int]:
    """Answer on loopback: each call by the provider's method of that name, `(request, peer)` to fields."""
    server = grpc.server(
        futures.ThreadPoolExecutor(8),
        options=[
            ("grpc.max_receive_message_length", _MESSAGE_BYTES),
            ("grpc.max_send_message_length", _MESSAGE_BYTES),
        ],
    )
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            _answering(getattr(provider, name), messages[answer]),
            request_deserializer=messages[asked].FromString,
            response_serializer=messages[answer].SerializeToString,
        )
        for name, (asked, answer) in _CALLS.items()
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(f"{_PACKAGE}.Provider", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def reattached(provider: str, port: int) -> dict[str, str]:
    """The environment in which OpenTofu takes a provider that runs already, and neither fetches nor starts one."""
    address = {"Network": "tcp", "String": f"127.0.0.1:{port}"}
    told = {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": address}
    return {"TF_REATTACH_PROVIDERS": json.dumps({provider: told})}


def _answering(method: Callable[..., dict[str, Any]], answer: type[Any]) -> Callable[[Any, Any], Any]:
    def answered(request: Any, context: Any) -> Any:
        return answer(**method(request, context.peer()))

    return answered


def unpacked(value: Any) -> Any:
    """What a value holds; what is not known yet is UNKNOWN."""
    if value.json:
        raise ValueError("a value came as JSON")
    if not value.msgpack:
        return None
    return msgpack.unpackb(value.msgpack, ext_hook=lambda _code, _data: UNKNOWN, strict_map_key=False)


def packed(value: Any) -> Any:
    return messages["Value"](msgpack=msgpack.packb(value, default=lambda _: msgpack.ExtType(0, b"\0")))


def diagnostic(summary: str) -> Any:
    return messages["Diagnostic"](severity=1, summary=summary)
