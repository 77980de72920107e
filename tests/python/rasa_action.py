"""Runs a custom action as Rasa does: with Rasa's own `RemoteAction`, which calls the action server over HTTP.

stdin: [{"endpoint": {"url", "token" | "headers" | "basic_auth"}, "slots": {…}, "metadata": {…}, "message_id",
  "compress": bool, "messages": how many the conversation has before this one}, …]
stdout: a list with one of these for each:
  {"said": [the texts for the customer], "slots": {the slots that were set}}
  {"error": the exception, "cause": its cause, "status": the status that the cause carries}

A request that gets no answer in time ends the script with an error, as does a Rasa that calls nobody.
"""

import asyncio
import importlib.abc
import importlib.machinery
import json
import os
import sys
from unittest import mock

import packaging.version

# What Rasa imports for its models, stores, files and its own server, and does not use when it runs a remote action.
NOT_USED = ("numpy", "pykwalify", "rasa.core.policies", "redis", "ruamel", "sanic")
SECONDS_MAX = 60


class Stage(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Puts a dummy in the place of what is not used, so that it need not be installed."""

    def find_spec(self, name, path=None, target=None):
        is_unused = any(name == unused or name.startswith(f"{unused}.") for unused in NOT_USED)
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if is_unused else None

    def create_module(self, spec):
        return mock.MagicMock(name=spec.name, __path__=[])

    def exec_module(self, module):
        pass


sys.meta_path.insert(0, Stage())
# Gone from newer versions; only the versions of training files are compared with it.
packaging.version.LegacyVersion = packaging.version.Version

import structlog  # noqa: E402
from rasa.core.actions.action import RemoteAction  # noqa: E402
from rasa.shared.core.domain import Domain  # noqa: E402
from rasa.shared.core.events import BotUttered, SlotSet, UserUttered  # noqa: E402
from rasa.shared.core.trackers import DialogueStateTracker  # noqa: E402
from rasa.utils.endpoints import EndpointConfig  # noqa: E402

ACTION = "action_cancel_reservation"
SLOTS = {
    "reservation_code": {"type": "text", "mappings": [{"type": "from_entity", "entity": "reservation_code"}]},
    "customer_name": {"type": "text", "mappings": [{"type": "custom"}]},
    "ozmap_outcome": {"type": "any", "mappings": [{"type": "custom"}]},
    "ozmap_handoff": {"type": "bool", "mappings": [{"type": "custom"}]},
}
DOMAIN = {"version": "3.1", "intents": ["cancel"], "entities": ["reservation_code"], "slots": SLOTS, "actions": [ACTION]}


def conversation(case, domain):
    """What Rasa remembers of the customer when the action runs."""
    tracker = DialogueStateTracker("5548999990000", domain.slots)
    for number in range(case.get("messages", 0)):
        tracker.update(UserUttered(f"mensagem {number}: não entendi", message_id=f"before-{number}"))
        tracker.update(BotUttered("Qual é o código da reserva?"))
    tracker.update(
        UserUttered(
            "quero cancelar a reserva",
            intent={"name": "cancel", "confidence": 0.98},
            message_id=case.get("message_id"),
            metadata=case.get("metadata", {}),
        )
    )
    for name, value in case.get("slots", {}).items():
        tracker.update(SlotSet(name, value))
    return tracker


async def run(case):
    os.environ["COMPRESS_ACTION_SERVER_REQUEST"] = str(case.get("compress", False))
    domain = Domain.from_dict(DOMAIN)
    tracker = conversation(case, domain)
    action = RemoteAction(ACTION, EndpointConfig(**case["endpoint"]))
    try:
        # It asks neither the channel of the customer nor the generator of sentences: the answer has its own.
        events = await asyncio.wait_for(action.run(None, None, tracker, domain), SECONDS_MAX)
    except TimeoutError:
        raise
    except Exception as error:
        cause = error.__cause__
        return {
            "error": type(error).__name__,
            "cause": type(cause).__name__,
            "status": getattr(cause, "status", None),
        }
    for event in events:
        tracker.update(event)
    return {
        "said": [event.text for event in events if isinstance(event, BotUttered)],
        "slots": {event.key: tracker.get_slot(event.key) for event in events if isinstance(event, SlotSet)},
    }


async def main():
    cases = json.load(sys.stdin)
    if not cases:
        sys.exit("there is nothing to run")
    # Rasa logs what it sends; stdout is for the results.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    print(json.dumps([await run(case) for case in cases]))


if __name__ == "__main__":
    asyncio.run(main())
