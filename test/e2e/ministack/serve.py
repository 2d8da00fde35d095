"""Runs MiniStack until its stdin ends, and teaches it two condition keys that AWS has and it leaves empty.

The function it puts itself before is a private one of version 1.5.33; a test of this folder sees whether it still counts.
"""

import os
import signal
import threading

from ministack import app
from ministack.core import iam_actions

known_conditions = iam_actions._s3_object_context


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


def end_with_parent():
    """The tests hold the other end of stdin: however they end, the server and its functions go with them."""
    while os.read(0, 64):
        pass
    os.killpg(0, signal.SIGKILL)


# A group of its own, so that it can be ended as a whole and with nobody else.
os.setpgrp()
iam_actions._s3_object_context = conditions
threading.Thread(target=end_with_parent, daemon=True).start()
app.main()
