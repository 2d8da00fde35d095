"""Runs each Lambda environment of LocalStack as a Node process of its own, where it would start a container."""

import os
import socket
import subprocess

from localstack import config
from localstack.services.lambda_.invocation.executor_endpoint import ExecutorEndpoint
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class ProcessExecutor(RuntimeExecutor):
    def __init__(self, id, function_version):
        super().__init__(id=id, function_version=function_version)
        self.port = free_port()
        self.endpoint = ExecutorEndpoint(id, container_address="127.0.0.1", container_port=self.port)
        self.process = None

    def start(self, env_vars):
        self.endpoint.start()
        code = str(self.function_version.config.code.get_unzipped_code_location())
        env = {name: str(value) for name, value in env_vars.items() if value is not None}
        env |= {"LAMBDA_TASK_ROOT": code, "RUNTIME_PORT": str(self.port), "PATH": os.environ["PATH"]}
        self.log = open(os.path.join(os.environ["TMPDIR"], f"lambda-{self.id}.log"), "wb")
        command = [os.environ["LAMBDA_NODE"], os.environ["LAMBDA_RUNTIME"]]
        # Its stdin is ours: it ends with us, however we end.
        self.process = subprocess.Popen(command, cwd=code, env=env, stdin=subprocess.PIPE, stdout=self.log, stderr=self.log)
        self.endpoint.wait_for_startup()

    def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.terminate()
            self.process.wait(10)
            self.log.close()
        self.endpoint.shutdown()

    def get_address(self):
        return "127.0.0.1"

    def get_endpoint_from_executor(self):
        return "127.0.0.1"

    def get_runtime_endpoint(self):
        return f"http://127.0.0.1:{config.GATEWAY_LISTEN[0].port}{self.endpoint.get_endpoint_prefix()}"

    def invoke(self, payload):
        return self.endpoint.invoke(payload)

    def get_logs(self):
        with open(self.log.name, encoding="utf8", errors="replace") as log:
            return log.read()

    @classmethod
    def prepare_version(cls, function_version):
        if function_version.config.code:
            function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version):
        pass


class ProcessPlugin(RuntimeExecutorPlugin):
    name = "process"

    def load(self, *args, **kwargs):
        return ProcessExecutor
