import { VERSION } from "../../vault/names/index.ts";

const node = { name: "node", in: "path", required: true, schema: { type: "string", maxLength: 63 } };
const count = { type: "integer", minimum: 0 };
const text = { type: "string" };
const scope = { vault: text, node: text };

function object(properties: Readonly<Record<string, unknown>>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, required };
}

function query(name: string, pattern: string, description: string, required = false) {
  return { name, in: "query", required, description, schema: { type: "string", pattern } };
}

function get(summary: string, parameters: readonly unknown[], schema: unknown, type = "application/json") {
  const problem = {
    description: "what was wrong",
    content: { "application/json": { schema: object({ error: text }) } },
  };
  const errors = Object.fromEntries(["400", "401", "403", "404", "500", "503"].map((status) => [status, problem]));
  const ok = { description: summary, content: { [type]: { schema } } };
  return { get: { summary, parameters, responses: { "200": ok, ...errors } } };
}

const list = object({
  format: count,
  ...scope,
  generation: count,
  snapshots: { type: "array", items: { type: "object" } },
  months: { type: "array", items: text },
  sha256: text,
});

const plan = object(
  {
    ...scope,
    snapshot: text,
    page: text,
    next: text,
    expires_in: count,
    pinned_until: count,
    expired: count,
    archived: object(
      { objects: count, bytes: count, coming: count, classes: { type: "array", items: text }, speed: text },
      ["speed"],
    ),
    objects: { type: "array", maxItems: 500, items: object({ name: text, url: text }) },
  },
  ["next", "expired", "archived"],
);

/** What the presenter answers, as OpenAPI 3.1; a test holds it against the answers. */
export const OPENAPI = {
  openapi: "3.1.0",
  info: { title: "coldkeep presenter", version: VERSION },
  security: [{ ticket: [] }, { iam: [] }],
  components: {
    securitySchemes: {
      ticket: { type: "http", scheme: "bearer", description: "a ticket, ckt1.…" },
      iam: {
        type: "apiKey",
        in: "header",
        name: "Authorization",
        description: "AWS Signature Version 4, service lambda",
      },
    },
  },
  paths: {
    "/openapi.json": get("this document", [], { type: "object" }),
    "/nodes": get("the nodes that the caller may see", [], object({ nodes: { type: "array", items: text } })),
    "/status.html": get("the status page: of the ticket's node, or of all nodes", [], text, "text/html"),
    "/nodes/{node}": get("the node's own record, as it lies in the vault", [node], {
      ...object({ format: count, ...scope, profile: text, key: text, created: count }),
    }),
    "/nodes/{node}/snapshots": get(
      "the newest snapshots, newest first, and the months that hold older ones: index.json, without what the caller may not see",
      [node, query("month", "^\\d{4}-\\d{2}$", "the list of one month instead")],
      list,
    ),
    "/nodes/{node}/latest": get(
      "the newest good snapshot, or the one that the ticket is for",
      [node],
      object({ ...scope, snapshot: { type: "object" } }),
    ),
    "/nodes/{node}/latest/restore.sh": get(
      "a script that fetches coldkeep and restores the latest snapshot",
      [node, query("agent", "^[0-9a-f]{64}$", "SHA-256 of the packaged coldkeep it fetches", true)],
      text,
      "text/x-shellscript",
    ),
    "/nodes/{node}/snapshots/{id}/plan": get(
      "what it takes to restore a snapshot, in pages: names, and URLs that are good for expires_in seconds",
      [
        node,
        { name: "id", in: "path", required: true, schema: text },
        query("page", "^[0-9a-f]{16}\\.\\d{1,9}$", "next of the page before, or page of any that is wanted again"),
        query("bring", "^yes$", "has what lies in an archive class brought back; archived tells how much that is"),
      ],
      plan,
    ),
    "/agents/{sha256}": {
      get: {
        summary: "a packaged coldkeep, by its digest",
        parameters: [
          { name: "sha256", in: "path", required: true, schema: { type: "string", pattern: "^[0-9a-f]{64}$" } },
        ],
        responses: {
          "302": { description: "where it lies" },
          "401": { description: "no ticket" },
          "404": { description: "there is none" },
        },
      },
    },
  },
} as const;
