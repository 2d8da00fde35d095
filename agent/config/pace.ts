import type { Mistake } from "./parse.ts";
import type { WrittenConfig } from "./schema.ts";
import { RATE } from "./schema-limits.ts";
import type { PaceSettings } from "./types-pace.ts";

type WrittenLimits = WrittenConfig["limits"];

const UNITS = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;

/** The node's own limits, each else that of the whole file; of a file that follows the schema. */
export function paceOf(common: WrittenLimits, own: WrittenLimits): { readonly pace?: PaceSettings } {
  const { cpu, read, upload } = { ...common, ...own };
  if (cpu === undefined && read === undefined && upload === undefined) return {};
  return {
    pace: {
      ...(cpu === undefined ? {} : { cpu: typeof cpu === "number" ? { cores: cpu } : { share: percent(cpu) } }),
      ...(read === undefined ? {} : { read: bytesOf(read) }),
      ...(upload === undefined ? {} : { upload: bytesOf(upload) }),
    },
  };
}

/** What the schema cannot say: limits begin when the node runs again, which takes somebody who knows. */
export function checkLimits({ nodes }: WrittenConfig): Mistake[] {
  return Object.entries(nodes).flatMap(([name, { limits, service }]) =>
    limits !== undefined && service.manager === "none"
      ? [
          {
            path: ["nodes", name, "limits"],
            words: "with manager: none the node may be down until the backup ends, and limits would make that longer",
          },
        ]
      : [],
  );
}

function percent(share: string): number {
  return Number(share.slice(0, -1)) / 100;
}

function bytesOf(rate: string): number {
  const [, number = "0", unit = "MiB"] = RATE.exec(rate) ?? [];
  return Number(number) * (UNITS[unit as keyof typeof UNITS] ?? 0);
}
