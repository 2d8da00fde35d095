import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkPlace } from "../../../agent/commands/check-place.ts";
import { EXIT_CODES } from "../../../agent/exit-codes.ts";
import { hostStatements } from "../../../vault/store/index.ts";
import { keyedNode } from "../../support/keyed-node.ts";

const LOCKED = { versions: true, locks: true };
const about = (s3: object, env: Record<string, string> = {}) =>
  checkPlace({ url: "s3://b", s3 }, env, LOCKED).find(({ name }) => name === "place");

describe("what doctor --store says of a place", () => {
  it("is nothing where AWS's own S3 is reached as everybody reaches it", () => {
    expect(about({ region: "eu-central-1" })).toBeUndefined();
    expect(about({ endpoint: "https://s3.eu-central-1.amazonaws.com" })).toBeUndefined();
    expect(checkPlace({ url: "file:///v" }, {}, null)).toEqual([]);
  });

  it.each([
    [{ region: "cn-north-1" }, {}, "aws-cn", /roles, KMS keys and replication end at it.*--price-file/s],
    [{}, { AWS_REGION: "us-gov-west-1" }, "aws-us-gov", /fips: true/],
    [{ endpoint: "https://bucket.vpce-0a1b-x.s3.eu-central-1.vpce.amazonaws.com" }, {}, /VPC endpoint/, /private DNS/],
    [{ endpoint: "https://minio.example:9000" }, {}, /another server.*minio\.example/, /`coldkeep serve` stands in/],
    [{}, { AWS_ENDPOINT_URL: "http://127.0.0.1:4566" }, /another server/, /archive classes/],
  ])("%j %j: says what is lost there, and what stands in", (s3, env, found, todo) => {
    const check = about(s3, env as Record<string, string>);
    expect(check?.status).toBe("note");
    expect(check?.found).toMatch(found);
    expect(check?.todo).toMatch(todo);
  });

  it("tells of locks: there, not there, or not to be seen", () => {
    const locks = (traits: Parameters<typeof checkPlace>[2]) =>
      checkPlace({ url: "s3://b" }, {}, traits).find(({ name }) => name === "locks");
    expect(locks(LOCKED)).toMatchObject({ status: "ok" });
    expect(locks({ versions: true, locks: false })).toMatchObject({
      status: "note",
      todo: expect.stringMatching(/second vault/),
    });
    expect(locks(null)).toMatchObject({ status: "note", todo: expect.stringMatching(/GetBucketObjectLock/) });
  });
});

describe("coldkeep cloud agent-policy", () => {
  it.each([
    ["eu-central-1", "aws"],
    ["cn-northwest-1", "aws-cn"],
    ["us-gov-east-1", "aws-us-gov"],
  ])("names resources of the region's own partition: %s", async (region, partition) => {
    const node = await keyedNode("encrypt_key: HOME/a.key");
    const place = `vault: { url: "s3://bucket/nodes", region: ${region} }`;
    writeFileSync(node.config, readFileSync(node.config, "utf8").replace(/^vault: .*$/m, place));
    const { code, stdout, stderr } = await node.run(["cloud", "agent-policy"]);
    expect(code, stderr).toBe(EXIT_CODES.ok.code);
    const arns = [...stdout.matchAll(/arn:([a-z-]+):s3:::bucket\/nodes\//g)].map(([, name]) => name);
    expect(new Set(arns)).toEqual(new Set([partition]));
  });

  it("lets a host tell of the sets that its node belongs to, and of no others", () => {
    const creates = (sets: readonly string[]) =>
      hostStatements("arn:aws:s3:::bucket", "nodes", "peer0", null, sets)[0]?.Resource.filter((arn) =>
        arn.includes("/groups/"),
      );
    expect(creates([])).toEqual([]);
    expect(creates(["fabric"])).toEqual(["arn:aws:s3:::bucket/nodes/groups/fabric/*.group.json"]);
  });
});
