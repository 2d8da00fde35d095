import { type Sealer, sealerOf } from "../../vault/sealed/index.ts";
import type { SnapshotScope } from "../../vault/sealed/types.ts";

/** What seals on this host, for the doctor and the log; `slow` in words where the host could do better. */
export function describeSealer(
  suite: SnapshotScope["suite"],
  { name, slow, passedOver }: Sealer = sealerOf(suite),
): { readonly found: string; readonly slow: string | null } {
  const why = passedOver.map((one) => `${one.name}: ${one.why}`).join("; ");
  return {
    found: `${suite} by ${name}`,
    slow: slow ? `${suite} is sealed by the slowest code there is, some 40 MB/s a processor (${why})` : null,
  };
}
