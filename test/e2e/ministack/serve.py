"""Runs MiniStack until its stdin ends, and teaches it what AWS does and it does not: two condition keys of S3 that it
leaves empty; aws:PrincipalArn, which of a session names its role; aws:SecureTransport, which says yes of the loopback,
where it speaks no TLS and our policies ask for it; that who may send a message may send ten; and who called a function's
URL, which the function is told.

What it puts itself before are private parts of version 1.5.33; a test of this folder sees whether they still count.
"""

import os
import re
import signal
import threading

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import lambda_svc

known_conditions = iam_actions._s3_object_context
known_action = iam_actions.extract_iam_action
known_keys = iam_evaluator._resolve_condition_key
known_event = lambda_svc._build_function_url_event


def conditions(action, query, path, headers):
    found = known_conditions(action, query, path, headers)
    if action == "s3:PutObject":
        # An upload that is begun, or gets a part, creates nothing yet; one that is completed does.
        begins = "uploads" in query or "partNumber" in query
        found["s3:ObjectCreationOperation"] = "false" if begins else "true"
        for name in ("if-match", "if-none-match"):
            if headers.get(name):
                found["s3:" + name] = headers[name]
    return found


def action(*words, **more):
    found = known_action(*words, **more)
    return re.sub(r"^(sqs:\w+)Batch$", r"\1", found) if isinstance(found, str) else found


def key(name, context):
    found = known_keys(name, context)
    if name.lower() == "aws:principalarn" and isinstance(found, str):
        return re.sub(r":sts::(\d+):assumed-role/([^/]+)/.*$", r":iam::\1:role/\2", found)
    return found


def url_event(*words, anonymous=False, **more):
    event = known_event(*words, anonymous=anonymous, **more)
    if not anonymous:
        event["requestContext"]["authorizer"] = {"iam": {"userArn": iam_evaluator.caller_arn()}}
    return event


class Origin:
    """Where a request came from, and whether by TLS; the loopback counts as such."""

    def __init__(self, known):
        self.known = known

    def set(self, value):
        return self.known.set(value)

    def get(self):
        address, secure = self.known.get()
        return address, secure or address in ("127.0.0.1", "::1")


def end_with_parent():
    """The tests hold the other end of stdin: however they end, the server and its functions go with them."""
    while os.read(0, 64):
        pass
    os.killpg(0, signal.SIGKILL)


# A group of its own, so that it can be ended as a whole and with nobody else.
os.setpgrp()
iam_actions._s3_object_context = conditions
iam_evaluator._request_origin = Origin(iam_evaluator._request_origin)
iam_actions.extract_iam_action = action
iam_evaluator._resolve_condition_key = key
lambda_svc._build_function_url_event = url_event
threading.Thread(target=end_with_parent, daemon=True).start()
app.main()
