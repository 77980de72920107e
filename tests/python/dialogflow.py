"""Whether Dialogflow would understand our answers: Google's own types, Google's own strict parser.

Reads lines of {"kind": "cx" | "es", "body": ...} from stdin; `body` is the answer as a text, byte for byte, or as JSON.
Ends with 1 and says why at the first answer that is refused or that would say nothing to the customer; of a line with
"is_wrong": true just that is expected.
"""

import json
import sys

from google.cloud.dialogflow_v2.types import WebhookResponse as Es
from google.cloud.dialogflowcx_v3.types import WebhookResponse as Cx
from google.protobuf import json_format

TYPES = {"cx": Cx, "es": Es}
ANSWER_BYTES_MAX = 65_536


def said(kind, answer):
    """The texts that the customer gets."""
    if kind == "cx":
        messages = answer.fulfillment_response.messages
    else:
        messages = answer.fulfillment_messages
    return [text for message in messages for text in message.text.text]


def check(kind, body):
    """Parses an answer strictly; raises ValueError with the reason when it is not one."""
    text = body if isinstance(body, str) else json.dumps(body)
    if len(text.encode()) > ANSWER_BYTES_MAX:
        raise ValueError(f"is larger than {ANSWER_BYTES_MAX} bytes")
    kind_of_answer = TYPES[kind]
    answer = kind_of_answer.pb(kind_of_answer())
    try:
        json_format.Parse(text, answer, ignore_unknown_fields=False)
    except json_format.ParseError as error:
        raise ValueError(f"is refused: {error}") from error
    if text.strip() != "{}" and not all(part.strip() for part in said(kind, answer) or [""]):
        raise ValueError("has no text for the customer")
    if kind == "es":
        for context in answer.output_contexts:
            session, separator, name = context.name.rpartition("/contexts/")
            if not (separator and name and session.startswith("projects/")):
                raise ValueError(f"has a context without a session: {context.name!r}")


def expect_refusal(kind, body):
    """Raises ValueError when an answer that is wrong is not refused."""
    try:
        check(kind, body)
    except ValueError:
        return
    raise ValueError("is wrong, but is not refused")


def main():
    checked = 0
    for number, line in enumerate(sys.stdin, start=1):
        if not line.strip():
            continue
        try:
            case = json.loads(line)
            kind, body = case["kind"], case["body"]
            if kind not in TYPES:
                raise ValueError(f"has the unknown kind {kind!r}")
            judge = expect_refusal if case.get("is_wrong") else check
            judge(kind, body)
        except (KeyError, TypeError, ValueError) as error:
            print(f"line {number}: the answer {error}: {line.strip()[:2000]}", file=sys.stderr)
            return 1
        checked += 1
    if not checked:
        print("there was no answer to check", file=sys.stderr)
        return 1
    print(f"{checked} answers were read as they should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
