import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import { ColdkeepError, messageOf } from "../../names/index.ts";
import { defaultCredentials } from "../s3/credentials.ts";
import type { Authorize } from "./api.ts";

/** SHA-256 and HMAC-SHA-256 as the signer wants them. */
class Sha256 {
  readonly #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", toBytes(secret));
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    throw new Error("a sum is made once");
  }
}

/** An HTTP API stands before the presenter where there are no Function URLs. */
const HTTP_API = /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com$/;

/** Signs requests to a presenter with this host's AWS credentials (AWS Signature Version 4). */
export function awsAuthorize(base: URL, region: string | undefined, clock: { now(): number }): Authorize {
  const found = region ?? regionOf(base);
  const signer = new SignatureV4({
    service: HTTP_API.test(base.hostname) ? "execute-api" : "lambda",
    region: found,
    credentials: defaultCredentials(found),
    sha256: Sha256,
  });
  return async (url) => {
    const query = Object.fromEntries(url.searchParams);
    const request = {
      method: "GET",
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === "" ? {} : { port: Number(url.port) }),
      path: url.pathname,
      query,
      headers: { host: url.host },
    };
    try {
      return (await signer.sign(request, { signingDate: new Date(clock.now()) })).headers;
    } catch (error) {
      throw new ColdkeepError("permission", {
        what: "cannot sign for AWS",
        on: base.origin,
        why: messageOf(error),
        todo: "give this host a role, a profile or AWS_ACCESS_KEY_ID; or restore with a ticket: --ticket-file",
        cause: error,
      });
    }
  };
}

function regionOf({ hostname, origin }: URL): string {
  const [, region] = /\.lambda-url\.([a-z0-9-]+)\.on\.aws$/.exec(hostname) ?? HTTP_API.exec(hostname) ?? [];
  const said = region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  if (said !== undefined && said !== "") return said;
  throw new ColdkeepError("usage", {
    what: "in which AWS region is the presenter?",
    on: origin,
    todo: "set AWS_REGION; or restore with a ticket: --ticket-file",
  });
}

function toBytes(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === "string") return Buffer.from(data, "utf8");
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.from(data);
}
