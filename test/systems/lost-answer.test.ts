import { expect, it, vi } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { copyOf, makeHost } from "../cli/host.ts";
import { type Fault, faultyStore } from "../support/faulty-store.ts";
import { tempDir } from "../support/tmp.ts";

/** What happens to each attempt to put a card. */
let fault: Fault | null = null;

// No disk here can be made to lose an answer on demand, so a store that does is put in front of the vault's own.
vi.mock(import("../../vault/store/index.ts"), async (original) => {
  const real = await original();
  const isCard = (call: string, name: string) => call === "create" && name.endsWith(".card.json");
  return {
    ...real,
    openStore: async (...given: Parameters<typeof real.openStore>) => {
      const store = await real.openStore(...given);
      return { ...store, ...faultyStore(store, ({ call, name }) => (isCard(call, name) ? fault : null)) };
    },
  };
});

interface Listing {
  readonly snapshots: readonly { readonly snapshot: string; readonly state: string }[];
}

it("a vault (stood in for) that loses its answer to the card: exit code 15, and the next backup finds out", async () => {
  const host = await makeHost(tempDir("coldkeep-lost"));
  host.change(/^vault: (.*)$/m, "vault: { url: $1, retry_for: 5m }");
  for (const lost of ["fails-before", "fails-after"] as const) {
    const copy = copyOf(host, tempDir("coldkeep-lost"));
    fault = lost;
    // A minute a look: of the time that the vault is waited for little is left after the first few.
    let minutes = 0;
    const clock = { ...systemClock, monotonic: () => ++minutes * 60_000 };
    const { code, stdout, stderr } = await copy.run(["backup", "--json"], { clock });
    fault = null;
    expect(code, stderr).toBe(15);
    expect(stdout).toBe("");
    const { error } = JSON.parse(stderr) as { error: { kind: string; message: string } };
    expect(error.kind).toBe("outcome-unknown");
    expect(error.message).toContain("`coldkeep list` shows the snapshot if it did");
    expect(copy.isUp()).toBe(true);

    const { snapshot } = await copy.json<{ snapshot: string }>("backup");
    const { snapshots } = await copy.json<Listing>("list");
    expect(snapshots[0]).toMatchObject({ snapshot, state: "good" });
    expect(snapshots).toHaveLength(lost === "fails-after" ? 2 : 1);
    expect(await copy.json("verify", "--all", "--read-data")).toMatchObject({ ok: true });
  }
});
