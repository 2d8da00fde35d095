/** A Lambda environment for LocalStack: loads one handler, says that it is ready, and answers one call after the other. */
import { createServer } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

const { env } = process;
const id = env.LOCALSTACK_RUNTIME_ID;

// LocalStack holds the other end: this process goes with it.
process.stdin.on("end", () => process.exit(0)).resume();

const tell = (path, body) =>
  fetch(`${env.LOCALSTACK_RUNTIME_ENDPOINT}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

const failure = (error) => ({
  errorType: error?.name ?? "Error",
  errorMessage: String(error?.message ?? error),
  stackTrace: String(error?.stack ?? "").split("\n"),
});

let handler;
try {
  const [file, name] = env._HANDLER.split(".");
  handler = (await import(pathToFileURL(join(env.LAMBDA_TASK_ROOT, `${file}.mjs`)).href))[name];
} catch (error) {
  await tell(`/status/${id}/error`, failure(error));
  throw error;
}

async function answer(call) {
  const request = call["invoke-id"];
  const end = performance.now() + Number(env.AWS_LAMBDA_FUNCTION_TIMEOUT ?? 30) * 1000;
  const context = {
    awsRequestId: request,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: call["invoked-function-arn"],
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    getRemainingTimeInMillis: () => Math.max(0, Math.floor(end - performance.now())),
  };
  let kind = "response";
  let body;
  try {
    body = JSON.stringify((await handler(JSON.parse(call.payload || "{}"), context)) ?? null);
  } catch (error) {
    kind = "error";
    body = JSON.stringify(failure(error));
    console.error(body);
  }
  await tell(`/invocations/${request}/logs`, { logs: `${request} ${kind}\n` });
  await tell(`/invocations/${request}/${kind}`, body);
}

const server = createServer(async (request, response) => {
  const call = JSON.parse(await text(request));
  response.end();
  await answer(call);
});
server.listen(Number(env.RUNTIME_PORT), "127.0.0.1", () => void tell(`/status/${id}/ready`, ""));
