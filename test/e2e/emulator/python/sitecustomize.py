"""Loaded by Python before LocalStack: what it needs here and does not bring along."""

import hashlib
import os
import threading
import uuid

_uuid5 = uuid.uuid5


def uuid5(namespace, name):
    """Its KMS hands bytes to uuid5, which Python takes from 3.12 on only."""
    if isinstance(name, str):
        return _uuid5(namespace, name)
    return uuid.UUID(bytes=hashlib.sha1(namespace.bytes + name).digest()[:16], version=5)


uuid.uuid5 = uuid5


def end_with_parent():
    """The tests hold the other end of stdin: however they end, the server goes with them."""
    while os.read(0, 64):
        pass
    os._exit(0)


if os.environ.get("EMULATOR_ENDS_WITH_STDIN") == "1":
    # Only the server itself: what it starts inherits the environment, but not the pipe.
    del os.environ["EMULATOR_ENDS_WITH_STDIN"]
    threading.Thread(target=end_with_parent, daemon=True).start()
