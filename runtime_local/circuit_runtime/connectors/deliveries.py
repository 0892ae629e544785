"""From the bytes of a delivery to what it asks of the database."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal

from circuit_link.errors import UserFacingError
from circuit_runtime.connectors import ghl, salesforce
from circuit_runtime.connectors.intake import Intake
from circuit_runtime.connectors.payload import read_object
from circuit_runtime.project.schema import Schema


def map_delivery(
    source: Literal["ghl", "salesforce"],
    data: bytes,
    *,
    path: str,
    delivery_id: str,
    custom_fields: Mapping[str, str],
    schema: Schema,
) -> Intake:
    """Read and map one delivery.

    Args:
        path: names the file in errors.
        delivery_id: a fresh one for a replay; `delivery_id_of` gives the sender's own.
        custom_fields: `[connectors.ghl.custom_fields]`.

    Raises:
        UserFacingError: malformed, or an event that belongs to nobody; `path` says where it came from.
    """
    payload = read_object(data, path)
    try:
        if source == "ghl":
            return ghl.map_delivery(payload, delivery_id=delivery_id, custom_fields=custom_fields, schema=schema)
        return salesforce.map_delivery(payload, delivery_id=delivery_id, schema=schema)
    except UserFacingError as exc:
        exc.path = exc.path or path
        raise


def delivery_id_of(payload: Mapping[str, object], data: bytes) -> str:
    """The sender's id of a delivery, or a hash of its bytes where the sender gives none."""
    webhook_id = payload.get("webhookId")
    return webhook_id if isinstance(webhook_id, str) and webhook_id else hashlib.sha256(data).hexdigest()
