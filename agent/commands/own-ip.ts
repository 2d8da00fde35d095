import { networkInterfaces } from "node:os";
import { ColdkeepError } from "../../vault/names/index.ts";

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
