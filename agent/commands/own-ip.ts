import { isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { NodeSettings } from "../config/index.ts";
import { httpGet } from "../node/index.ts";
import { allProfiles } from "../profiles/index.ts";

const ASK_LIMIT_MS = 10_000;

/**
 * Who tells this host's own address once it is needed: the command line, own_ip of the configuration, what own_ip_url
 * answers, the interfaces, in that order. The URL is asked at once, so that what it says is known before anything is written.
 * @throws ColdkeepError `usage` where own_ip_url does not answer with an IPv4 address.
 */
export async function ownIpTeller(
  { profile, ownIp, ownIpUrl }: Pick<NodeSettings, "profile" | "ownIp" | "ownIpUrl">,
  given: string | undefined,
  signal: AbortSignal,
): Promise<() => string> {
  const said = given ?? ownIp;
  const isNeeded = allProfiles().some(({ name, renames }) => name === profile && renames !== undefined);
  if (said === undefined && ownIpUrl !== undefined && isNeeded) {
    const address = await askOwnIp(ownIpUrl, signal);
    return () => address;
  }
  return () => said ?? ownIpOfInterfaces();
}

async function askOwnIp(url: string, signal: AbortSignal): Promise<string> {
  const answer = await httpGet(url, { signal, timeoutMs: ASK_LIMIT_MS });
  signal.throwIfAborted();
  const text = "trouble" in answer ? "" : answer.body.trim();
  if (!("trouble" in answer) && answer.status === 200 && isIPv4(text)) return text;
  const got =
    "trouble" in answer ? answer.trouble : `it answers ${answer.status}, ${JSON.stringify(text.slice(0, 60))}`;
  throw new ColdkeepError("usage", {
    what: "own_ip_url does not tell this host's own address",
    on: url,
    why: `${got}; an IPv4 address alone is expected`,
    todo: "give it as --own-ip, or correct own_ip_url of the node in the configuration",
  });
}

/**
 * This host's own address where nobody says it: the only IPv4 address of its interfaces, which asks nobody outside.
 * @throws ColdkeepError `usage` naming those there are.
 */
export function ownIpOfInterfaces(interfaces = networkInterfaces()): string {
  const all = Object.values(interfaces).flatMap((list) =>
    (list ?? []).flatMap(({ family, internal, address }) => (family === "IPv4" && !internal ? [address] : [])),
  );
  const [only] = all;
  if (only !== undefined && all.length === 1) return only;
  throw new ColdkeepError("usage", {
    what: "this host's own address is not known",
    why: all.length === 0 ? "its interfaces have no IPv4 address" : `its interfaces have ${all.join(", ")}`,
    todo: "give it as --own-ip, or as own_ip of the node in the configuration",
  });
}

/** Whether an address, of either version, is one of this host's interfaces. */
export function isOwnAddress(wanted: string, interfaces = networkInterfaces()): boolean {
  return Object.values(interfaces).some((list) => (list ?? []).some(({ address }) => address === wanted));
}
