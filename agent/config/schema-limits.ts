import * as z from "zod";
import { object, text } from "./schema-parts.ts";

export const RATE = /^([1-9]\d{0,5})(KiB|MiB|GiB)$/;
const SHARE = /^(100|[1-9]\d?)%$/;
const CPU = "a number of cores from 0.05 to 64 such as 1 or 0.5, or a share of the machine's such as 50%";

const rate = (description: string) => text("a size such as 20MiB, of each second", RATE, description).optional();

/** What a backup leaves to others once the node runs again. */
export const limits = object(
  {
    cpu: z
      .union(
        [z.number({ error: CPU }).min(0.05, { error: CPU }).max(64, { error: CPU }), text(CPU, SHARE, "a share")],
        {
          error: CPU,
        },
      )
      .optional()
      .meta({
        description:
          "cores that the threads which compress and seal may take, or their share of the machine's; they then come after everybody else's, too (nice 19)",
      }),
    read: rate("bytes of the node's files that are read in a second; default: no limit"),
    upload: rate("bytes that are put to the vaults in a second, of all vaults together; default: no limit"),
  },
  "what a backup may take once the node runs again; nothing of it holds while the node is down",
);
