import { ColdkeepError, isNodeName, isSnapshotId, type NodeName, type SnapshotId } from "../../vault/names/index.ts";

/** What is asked for. Its names are what they claim to be; whether there is such a thing is another question. */
export type Route =
  | { readonly to: "openapi" }
  | { readonly to: "nodes" }
  | { readonly to: "page" }
  | { readonly to: "node"; readonly node: NodeName }
  | { readonly to: "snapshots"; readonly node: NodeName; readonly month?: string }
  | { readonly to: "latest"; readonly node: NodeName }
  | { readonly to: "script"; readonly node: NodeName; readonly agent: string }
  | {
      readonly to: "plan";
      readonly node: NodeName;
      readonly snapshot: SnapshotId;
      readonly page?: string;
      readonly bring: boolean;
    }
  | { readonly to: "agent"; readonly sha256: string };

const MAX_PATH = 512;
const MAX_QUERY = 512;
const SHA256 = /^[0-9a-f]{64}$/;

/**
 * The route of a request. Paths need no encoding: whatever is encoded, doubled, hidden or climbs is refused rather than
 * understood in some way.
 * @throws ColdkeepError `usage`, `not-found` where no route has this form.
 */
export function routeOf(path: string, query: string): Route {
  if (path.length > MAX_PATH || query.length > MAX_QUERY) throw bad("the address is too long");
  if (!/^\/[A-Za-z0-9._/-]*$/.test(path)) throw bad("the path has signs that no name here has");
  const words = path.slice(1).split("/");
  if (words.some((word) => word === "" || word.startsWith("."))) throw bad("the path has empty or hidden parts");
  const given = parametersOf(query);
  const route = match(words, given);
  if (route === null)
    throw new ColdkeepError("not-found", { what: "there is nothing here", todo: "See /openapi.json" });
  const [left] = given.keys();
  if (left !== undefined) throw bad("a parameter is not known here");
  return route;
}

/** Takes its parameters out of `given`. */
function match(words: readonly string[], given: Map<string, string>): Route | null {
  const [first, second = "", third, fourth = "", fifth, ...more] = words;
  if (more.length > 0) return null;
  if (words.length === 1 && first === "openapi.json") return { to: "openapi" };
  if (words.length === 1 && first === "status.html") return { to: "page" };
  if (words.length === 2 && first === "agents" && SHA256.test(second)) return { to: "agent", sha256: second };
  if (first !== "nodes") return null;
  if (words.length === 1) return { to: "nodes" };
  if (!isNodeName(second)) return null;
  const node = second;
  if (third === undefined) return { to: "node", node };
  if (third === "latest") {
    if (words.length === 3) return { to: "latest", node };
    if (words.length !== 4 || fourth !== "restore.sh") return null;
    return { to: "script", node, agent: take(given, "agent", SHA256) ?? bail("agent, a SHA-256, is missing") };
  }
  if (third !== "snapshots") return null;
  if (words.length === 3) {
    const month = take(given, "month", /^\d{4}-\d{2}$/);
    return { to: "snapshots", node, ...(month === undefined ? {} : { month }) };
  }
  if (words.length !== 5 || fifth !== "plan" || !isSnapshotId(fourth)) return null;
  const page = take(given, "page", /^[0-9a-f]{16}\.\d{1,9}$/);
  const bring = take(given, "bring", /^yes$/) !== undefined;
  return { to: "plan", node, snapshot: fourth, bring, ...(page === undefined ? {} : { page }) };
}

function parametersOf(query: string): Map<string, string> {
  const given = new Map<string, string>();
  if (query === "") return given;
  for (const pair of query.split("&")) {
    const [, key, value] = /^([a-z]{1,16})=([A-Za-z0-9._-]{1,128})$/.exec(pair) ?? [];
    if (key === undefined || value === undefined || given.has(key)) throw bad("the query cannot be read");
    given.set(key, value);
  }
  return given;
}

function take(given: Map<string, string>, key: string, form: RegExp): string | undefined {
  const value = given.get(key);
  given.delete(key);
  if (value === undefined || form.test(value)) return value;
  throw bad(`${key} has another form`);
}

function bail(why: string): never {
  throw bad(why);
}

function bad(why: string): ColdkeepError {
  return new ColdkeepError("usage", { what: "the request is not understood", why, todo: "See /openapi.json" });
}
