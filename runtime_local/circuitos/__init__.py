"""What Circuit Scripts import: records, queries, triggers, logs and limits."""

from circuitos.api.database import CircuitDB, QueryLocator, Savepoint, SaveResult
from circuitos.api.exceptions import (
    AsyncException,
    CalloutException,
    CircuitException,
    DmlError,
    DmlException,
    DmlFailure,
    GovernorLimitException,
    NotFoundException,
    QueryException,
    RecordException,
    ValidationException,
)
from circuitos.api.governor import CircuitGovernor, LimitUsage
from circuitos.api.http import CircuitHTTP, HTTPRequest, HTTPResponse
from circuitos.api.later import (
    CircuitBatch,
    CircuitEvents,
    CircuitJobs,
    CircuitPackage,
    CircuitQueueable,
    CircuitSchedulable,
    RestRequest,
    RestResponse,
    future,
    package,
    rest,
)
from circuitos.api.log import CircuitLog
from circuitos.api.records import Record
from circuitos.api.script import CircuitScript, User
from circuitos.api.secrets import Secrets
from circuitos.api.triggers import CircuitTrigger, TriggerContext, TriggerOperation, trigger

__all__ = [
    "AsyncException",
    "CalloutException",
    "CircuitBatch",
    "CircuitDB",
    "CircuitEvents",
    "CircuitException",
    "CircuitGovernor",
    "CircuitHTTP",
    "CircuitJobs",
    "CircuitLog",
    "CircuitPackage",
    "CircuitQueueable",
    "CircuitSchedulable",
    "CircuitScript",
    "CircuitTrigger",
    "DmlError",
    "DmlException",
    "DmlFailure",
    "GovernorLimitException",
    "HTTPRequest",
    "HTTPResponse",
    "LimitUsage",
    "NotFoundException",
    "QueryException",
    "QueryLocator",
    "Record",
    "RecordException",
    "RestRequest",
    "RestResponse",
    "SaveResult",
    "Savepoint",
    "Secrets",
    "TriggerContext",
    "TriggerOperation",
    "User",
    "ValidationException",
    "future",
    "package",
    "rest",
    "trigger",
]
