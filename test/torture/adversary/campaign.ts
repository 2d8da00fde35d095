import { isColdkeepError, messageOf } from "../../../vault/names/index.ts";
import { makeVault } from "../corrupt/vault.ts";
import type { Campaign } from "../types.ts";
import { ATTACKS } from "./attacks.ts";

export const campaign: Campaign = {
  name: "adversary",
  shows:
    "Named attacks by whoever can write to the bucket, only put, or has a function's role, each on a vault of its own. What policies of " +
    "hosts, roles and bucket forbid is tried on a server that enforces them, in `test/systems/cloud/ministack.test.ts`; who is kept " +
    "from what by which test says docs/THREAT-MODEL.md.",
  run: async (context) => {
    await context.rounds(async (chance) => {
      const vault = await makeVault(chance);
      const whole = new Map(vault.store.objects);
      for (const { what, run } of ATTACKS) {
        try {
          context.record(what, await run(vault, chance));
        } catch (error) {
          const why = isColdkeepError(error) ? `${error.kind}: ${messageOf(error)}` : String((error as Error).stack);
          context.record(what, "lost", { why });
        }
        vault.store.objects.clear();
        for (const [name, object] of whole) vault.store.objects.set(name, object);
      }
    });
  },
};
