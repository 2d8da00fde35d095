import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { ColdkeepError, isNodeName, type NodeName } from "../../vault/names/index.ts";
import { type CloudPlace, clientConfig, limited } from "./clients.ts";
import { cloudError } from "./errors.ts";
import type { Stack } from "./stack.ts";

/**
 * The nodes that were deployed, from the presenter's own mouth: called as its URL with AWS_IAM calls it, by whoever may
 * invoke it.
 */
export async function readNodes({ outputs, name }: Stack, place: CloudPlace): Promise<readonly NodeName[]> {
  const { PresenterFunction: FunctionName } = outputs;
  if (FunctionName === undefined) {
    throw new ColdkeepError("not-found", {
      what: "the stack names no presenter",
      on: name,
      todo: "bring the stack up to this version: `coldkeep cloud deploy`",
    });
  }
  const client = new LambdaClient(clientConfig(place));
  const event = {
    rawPath: "/nodes",
    rawQueryString: "",
    headers: {},
    requestContext: { http: { method: "GET" }, authorizer: { iam: { userArn: "coldkeep cloud status" } } },
  };
  try {
    const Payload = JSON.stringify(event);
    const answer = await client.send(new InvokeCommand({ FunctionName, Payload }), limited(place));
    const text = Buffer.from(answer.Payload ?? new Uint8Array(0)).toString("utf8");
    const { statusCode, body, isBase64Encoded } = JSON.parse(text) as Record<string, unknown>;
    if (answer.FunctionError !== undefined || statusCode !== 200 || typeof body !== "string") {
      throw new Error(`it answered ${text.slice(0, 200)}`);
    }
    return nodesIn(isBase64Encoded === true ? await plain(body) : body);
  } catch (error) {
    throw cloudError(error, "the presenter does not tell which nodes there are", FunctionName, "lambda:InvokeFunction");
  }
}

async function plain(body: string): Promise<string> {
  const { gunzipSync } = await import("node:zlib");
  return gunzipSync(Buffer.from(body, "base64"), { maxOutputLength: 16 << 20 }).toString("utf8");
}

function nodesIn(text: string): readonly NodeName[] {
  const { nodes } = JSON.parse(text) as { readonly nodes?: unknown };
  return (Array.isArray(nodes) ? nodes : []).filter(
    (node): node is NodeName => typeof node === "string" && isNodeName(node),
  );
}
