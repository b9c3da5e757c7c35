"""Telling people that a night has failed: a webhook, called by Prefect's hooks of failure."""

from __future__ import annotations

import json
import logging
import os
import urllib.request
from typing import Any

_log = logging.getLogger(__name__)
VARIABLE = "CALLAUDIT_WEBHOOK"
"""Environment variable with the address; addresses of webhooks are secrets, so no file has it."""


def tell(flow: Any, flow_run: Any, state: Any) -> None:
    """Post what failed, as JSON; where that fails too, the log says so and nothing else happens."""
    address = os.environ.get(VARIABLE)
    if not address:
        return
    text = f"{flow.name} {flow_run.name}: {state.name}. {state.message or ''}"
    body = {
        "text": text.strip()[:1000],
        "flow": flow.name,
        "flow_run": flow_run.name,
        "flow_run_id": str(flow_run.id),
        "state": state.name,
    }
    request = urllib.request.Request(
        address,
        data=json.dumps(body, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        urllib.request.urlopen(request, timeout=10).close()
    except (OSError, ValueError) as error:
        _log.error("the webhook could not be called: %s", type(error).__name__)
