import { GetObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl, S3RequestPresigner } from "@aws-sdk/s3-request-presigner";
import { ColdkeepError } from "../../names/index.ts";
import { splitName } from "../object-name.ts";
import type { S3StoreOptions } from "./index.ts";
import { reachBucket } from "./reach.ts";

/** Signs a URL by which one object of the vault can be read for at most so long; milliseconds. */
export type S3Signer = (name: string, ms: number) => Promise<{ readonly url: string; readonly expires: number }>;

/** A URL whose credentials end within this time is not worth giving out. */
const LEAST_MS = 1000;

/**
 * URLs for objects of a vault in S3. No URL outlives the credentials it was signed with, as the time it tells says.
 * @throws ColdkeepError `config` for a bad URL.
 */
export function openS3Signer(url: string, o: S3StoreOptions & { readonly now: () => number }): S3Signer {
  const { client, bucket: Bucket, key } = reachBucket(url, o);
  const presigner = new S3RequestPresigner({ ...client.config });
  let template: Promise<URL> | null = null;
  // The SDK says once how this bucket is addressed; signing alone is ten times as fast as a whole call of it.
  const addressed = () => {
    template ??= getSignedUrl(client, new GetObjectCommand({ Bucket, Key: key("x") })).then((text) => new URL(text));
    template.catch(() => {
      template = null;
    });
    return template;
  };
  return async (name, ms) => {
    splitName(name);
    const now = o.now();
    const { expiration } = await client.config.credentials();
    const until = Math.min(now + ms, expiration?.getTime() ?? Number.POSITIVE_INFINITY);
    const seconds = Math.floor((until - now) / 1000);
    if (until - now < LEAST_MS) {
      throw new ColdkeepError("vault", {
        what: "the credentials to sign URLs with are ending",
        on: url,
        retryable: true,
      });
    }
    const { protocol, hostname, port, host, pathname } = await addressed();
    const signed = await presigner.presign(
      {
        method: "GET",
        protocol,
        hostname,
        ...(port === "" ? {} : { port: Number(port) }),
        path: `${pathname.slice(0, -1)}${name}`,
        query: {},
        headers: { host },
      },
      { expiresIn: seconds, signingDate: new Date(now) },
    );
    const query = new URLSearchParams(signed.query as Record<string, string>);
    return { url: `${protocol}//${host}${signed.path}?${query}`, expires: now + seconds * 1000 };
  };
}
