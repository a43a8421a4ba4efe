"""What the fuzzer has to know of the registry that the API's document can not say.

Nothing is excluded from the run: requests that would end it are turned aside, numbers are made as fine as the
registry counts, and two kinds of findings are none because the contract wants them.
"""

import json
import math
import os
import re
import urllib.request
import uuid
from typing import Any

import jsonschema_rs
import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData


def own(path: str) -> Any:
    """What the registry answers the fuzzer's own user."""
    headers = {"Authorization": "Bearer " + os.environ["REGISTRY_TOKEN"]}
    request = urllib.request.Request(os.environ["REGISTRY_URL"] + path, headers=headers)
    return json.load(urllib.request.urlopen(request))


# The administrator that the fuzzer is signed in as, and a user that does not exist.
OWN = own("/user/me")
OWN_ID = int(OWN["id"])
OWN_SESSIONS = {session["id"] for session in own("/user/me/sessions")}
NOBODY = 999_999_999

# The token of another session of that user to sign out of: anybody else may have been removed by an earlier run.
SIGNED_OUT = str(
    json.load(
        urllib.request.urlopen(
            urllib.request.Request(
                os.environ["REGISTRY_URL"] + "/auth/login",
                data=json.dumps(
                    {"username": OWN["email"], "password": os.environ["REGISTRY_PASSWORD"]}
                ).encode(),
                headers={"Content-Type": "application/json"},
            )
        )
    )["access_token"]
)

# Operations that would take the fuzzer's own user, role or session away, or give it another password.
ENDS_THE_RUN = {"delete_user", "erase_user", "change_role", "update_user", "end_sessions_of_user"}

# Codes of fields that do not have the form which the document promises to take. Other codes are rules that
# depend on what the registry holds: a name that is taken, a cursor that no list has given.
FORM = {"missing", "wrong_type", "unknown_value", "not_a_time", "value_out_of_range"}

# Why a token is refused though the form is complete. `invalid_request` is among them: which parameters are
# needed depends on the grant.
OAUTH_RULES = {"invalid_request", "unsupported_grant_type", "invalid_scope", "invalid_grant"}

# Fields whose bounds or presence depend on other fields, on the action or on the clock, which the document says
# in words.
DEPENDENT = re.compile(
    r"/(energy_source|max_age_s|certificate_bundle_statuses/\d+|source_allocation_id|storage_record_ids"
    r"|to|created_before|expires_at)"
)


def operation_id(case: schemathesis.Case) -> str:
    return str(case.operation.definition.raw.get("operationId", ""))


def as_id(value: Any) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Turns aside what would end the run, since without its user the fuzzer is answered 401 and nothing else;
    makes the numbers of good requests as fine as the registry counts."""
    name = operation_id(case)
    if case.meta is not None and case.meta.generation.mode.is_positive:
        case.body = rounded(case.body)
    if name in ENDS_THE_RUN:
        for key, value in (case.path_parameters or {}).items():
            if as_id(value) == OWN_ID:
                case.path_parameters[key] = NOBODY
    if name == "logout":
        for headers in (case.headers, kwargs.get("headers")):
            if headers and headers.get("Authorization") == "Bearer " + os.environ["REGISTRY_TOKEN"]:
                headers["Authorization"] = "Bearer " + SIGNED_OUT
    if name == "end_my_session" and case.path_parameters.get("session_id") in OWN_SESSIONS:
        case.path_parameters["session_id"] = str(uuid.UUID(int=0))
    if name == "update_account" and isinstance(case.body, dict):
        members = case.body.get("user_ids")
        if isinstance(members, list) and members and OWN_ID not in members:
            case.body["user_ids"] = [*members, OWN_ID]


# Decimal numbers and the digits after the point that the registry keeps: power to the watt, shares to
# 10^-18. `multipleOf` says that in JSON Schema, and validators get it wrong in binary floating point.
DECIMALS = {
    "capacity": 6,
    "peak_demand": 6,
    "latitude": 6,
    "longitude": 6,
    "certificate_bundle_percentage": 9,
    "emissions_factor_production_device": 6,
    "storage_efficiency_factor": 6,
}


def nearest(value: float, digits: int) -> float:
    # What is greater than nothing stays so.
    return round(value, digits) or (math.copysign(10.0**-digits, value) if value else 0.0)


def rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: nearest(member, DECIMALS[name])
        if name in DECIMALS and isinstance(member, float) and abs(member) < 1e15
        else rounded(member)
        for name, member in value.items()
    }


@schemathesis.hook
def before_load_schema(context: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    """Writes a nullable text with a format or pattern as a choice: of a list of types the coverage phase takes any text
    for good. Leaves out the name of a request when links are followed: it is taken for that of a thing which no
    operation makes, and then nearly none is begun with."""
    split_types(raw_schema["components"]["schemas"])
    if "REGISTRY_LINKS" in os.environ:
        for item in raw_schema["paths"].values():
            for operation in item.values():
                named = operation.get("parameters", [])
                operation["parameters"] = [one for one in named if not one.get("$ref", "").endswith("/RequestId")]


def split_types(schema: Any) -> None:
    if isinstance(schema, list):
        for item in schema:
            split_types(item)
    elif isinstance(schema, dict):
        rules = {rule: schema[rule] for rule in ("format", "pattern") if rule in schema}
        if schema.get("type") == ["string", "null"] and rules:
            text = {"type": "string", **{rule: schema.pop(rule) for rule in rules}}
            schema.pop("type")
            schema["anyOf"] = [text, {"type": "null"}]
        for member in schema.values():
            split_types(member)


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext, failure: Exception, case: schemathesis.Case, response: Any
) -> bool:
    """Keeps a failure unless the contract wants the answer."""
    if isinstance(failure, RejectedPositiveData):
        return not is_refused_by_a_rule(response)
    if isinstance(failure, AcceptedNegativeData):
        return not (has_another_header(case) or is_read_leniently(case))
    return True


def has_another_header(case: schemathesis.Case) -> bool:
    """Whether the request is bad for a header that the document does not list; HTTP has those ignored."""
    data = case.meta.phase.data if case.meta is not None else None
    return "unexpected properties" in (getattr(data, "description", None) or "") and str(
        getattr(data, "parameter_location", "")
    ).lower().endswith("header")


def is_refused_by_a_rule(response: Any) -> bool:
    """Whether the answer stands for a rule that was broken, not for fields that could not be read: a 422, or
    what OAuth has 400 for."""
    problem = json.loads(response.content)
    if response.status_code == 400:
        return problem.get("error") in OAUTH_RULES
    if response.status_code != 422:
        return False
    errors = problem["errors"] or [problem]
    of_form = (error for error in errors if error["code"] in FORM)
    return all(DEPENDENT.fullmatch(error.get("pointer") or f"/{error.get('parameter')}") for error in of_form)


def is_read_leniently(case: schemathesis.Case) -> bool:
    """Whether a body only breaks its schema in the way that clients of the reference do: numbers, truth and
    roles as text or the other way round, times without an offset, dates."""
    if not isinstance(case.body, dict):
        return False
    document = case.operation.schema.raw_schema
    content = case.operation.definition.raw.get("requestBody", {}).get("content", {})
    schema = content.get(case.media_type, {}).get("schema")
    if schema is None:
        return False
    read = as_read(document, schema, case.body)
    whole = {**schema, "components": document["components"]}
    return bool(jsonschema_rs.validator_for(whole, validate_formats=True).is_valid(read))


ROLES = ["STORAGE_VALIDATOR", "AUDIT_USER", "TRADING_USER", "PRODUCTION_USER", "ADMIN"]
TRUTH = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?", re.IGNORECASE)


def as_read(document: dict[str, Any], schema: dict[str, Any], value: Any) -> Any:
    """The value as the registry reads it."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        schema = document["components"]["schemas"][name]
    for one in [*schema.get("oneOf", []), *schema.get("anyOf", [])]:
        read = as_read(document, one, value)
        if read != value:
            return read
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if isinstance(value, dict) and "object" in kinds:
        properties = schema.get("properties", {})
        read = {name: as_read(document, properties.get(name, {}), member) for name, member in value.items()}
        # The reference's name of the device in a submission.
        if "deviceID" in read and "device_id" in properties:
            read.setdefault("device_id", as_read(document, properties["device_id"], read["deviceID"]))
        return read
    if isinstance(value, list) and "array" in kinds:
        return [as_read(document, schema.get("items", {}), item) for item in value]
    if schema.get("enum") == ROLES and as_id(value) in range(len(ROLES)):
        return ROLES[int(str(value))]
    if isinstance(value, bool):
        return value
    if "boolean" in kinds and str(value).lower() in TRUTH:
        return TRUTH[str(value).lower()]
    if isinstance(value, str):
        if {"integer", "number"} & set(kinds):
            return number(value)
        if schema.get("format") == "date-time" and TIME.fullmatch(value.strip()):
            return "2024-11-18T10:00:00Z"
    return value


def number(text: str) -> Any:
    try:
        read = float(text)
    except ValueError:
        return text
    return int(read) if read.is_integer() else read
