/** One line of code planted in a room, and what the linter must say of it; null: the wall has a door there. */
export interface Plant {
  readonly file: string;
  readonly code: string;
  readonly refusal: string | null;
}

const room = (file: string, specifier: string, refusal: string | null): Plant => ({
  file,
  code: `import { x } from "${specifier}";\nexport const y = x;\n`,
  refusal,
});

/** A function so that the plant is the same text everywhere and nothing but the gate can refuse it. */
const gate = (file: string, expression: string, refusal: string | null): Plant => ({
  file,
  code: `export const y = () => ${expression};\n`,
  refusal,
});

/** Every wall of biome.json at least once, and beside each the door that must stay open. */
export const PLANTS: readonly Plant[] = [
  room("vault/names/a.ts", "../card/index.ts", "everyone's alphabet"),
  room("vault/names/b.ts", "node:fs", "This room is pure"),
  room("vault/names/c.ts", "node:fs/promises", "This room is pure"),
  room("vault/names/d.ts", "./ids.ts", null),

  room("vault/card/a.ts", "../sealed/index.ts", "public half"),
  room("vault/card/b.ts", "../store/index.ts", "public half"),
  room("vault/card/c.ts", "../../agent/keys/index.ts", "public half"),
  room("vault/card/d.ts", "../names/index.ts", null),
  room("vault/retain/a.ts", "../store/index.ts", "public half"),
  room("vault/retain/b.ts", "../card/index.ts", null),
  room("vault/ticket/a.ts", "../store/index.ts", "public half"),
  room("vault/ticket/b.ts", "node:fs", "This room is pure"),
  room("vault/ticket/c.ts", "../card/index.ts", null),

  room("vault/sealed/a.ts", "../store/index.ts", "knows names and card"),
  room("vault/sealed/b.ts", "../../keeper/index.ts", "knows names and card"),
  room("vault/sealed/c.ts", "../../posix/index.ts", "knows names and card"),
  room("vault/sealed/d.ts", "../../agent/config/index.ts", "knows names and card"),
  room("vault/sealed/slots/e.ts", "node:fs", "This room is pure"),
  room("vault/sealed/f.ts", "../card/index.ts", null),

  room("vault/store/a.ts", "../card/index.ts", "opaque bytes"),
  room("vault/store/b.ts", "../sealed/index.ts", "opaque bytes"),
  room("vault/store/c.ts", "../../posix/index.ts", "Only the directory store"),
  room("vault/store/s3/a.ts", "@aws-sdk/client-s3", null),
  room("vault/store/s3/b.ts", "../../card/index.ts", "opaque bytes"),
  room("vault/store/s3/c.ts", "../../../posix/index.ts", "Only the directory store"),
  room("vault/store/d.ts", "@aws-sdk/client-s3", "one door"),
  room("agent/commands/s3.ts", "@aws-sdk/client-s3", "one door"),
  room("agent/serve/s3.ts", "@aws-sdk/s3-request-presigner", "one door"),
  room("keeper/s3.ts", "@aws-sdk/client-s3", "one door"),
  room("vault/store/directory/d.ts", "../../sealed/index.ts", "opaque bytes"),
  room("vault/store/directory/e.ts", "../../../posix/durable.ts", null),
  room("vault/store/directory/f.ts", "../../../keeper/index.ts", "lies below the keeper"),

  room("keeper/index/a.ts", "../../vault/sealed/index.ts", "The keeper holds no key"),
  room("keeper/index/b.ts", "../../agent/state/index.ts", "where there is no agent"),
  room("keeper/verify/c.ts", "../../posix/index.ts", "a Store and a clock"),
  room("keeper/verify/d.ts", "node:fs", "This room is pure"),
  room("keeper/verify/e.ts", "../../vault/card/index.ts", null),

  room("lambdas/indexer/a.ts", "../../vault/sealed/index.ts", "A function holds no key"),
  room("lambdas/indexer/b.ts", "../../agent/state/index.ts", "where there is no agent"),
  room("lambdas/indexer/c.ts", "../retention/contract.ts", "Functions do not know each other"),
  room("lambdas/indexer/d.ts", "../../vault/store/index.ts", "vault lies in S3"),
  room("lambdas/indexer/e.ts", "../../posix/durable.ts", "vault lies in S3"),
  room("lambdas/indexer/f.ts", "../../infra/index.ts", "nothing of who deploys them"),
  room("lambdas/indexer/g.ts", "../common/vault.ts", null),
  room("lambdas/indexer/h.ts", "../../keeper/index.ts", null),
  room("lambdas/common/a.ts", "../indexer/contract.ts", "neither a function nor a job"),
  room("lambdas/common/b.ts", "../../keeper/index.ts", "neither a function nor a job"),
  room("lambdas/common/c.ts", "../../vault/store/s3/index.ts", null),
  room("lambdas/common/d.ts", "../../posix/clock.ts", null),
  room("infra/a.ts", "../keeper/index.ts", "infra describes what is deployed"),
  room("infra/b.ts", "../lambdas/indexer/handler.ts", "by its contract.ts only"),
  room("infra/c.ts", "../lambdas/indexer/contract.ts", null),
  room("infra/d.ts", "../vault/store/s3/index.ts", "infra describes what is deployed"),
  room("infra/e.ts", "../vault/names/index.ts", null),
  room("keeper/cdk.ts", "../infra/index.ts", "where there is no agent"),

  room("posix/a.ts", "../vault/card/index.ts", "bottom room"),
  room("posix/b.ts", "../agent/node/index.ts", "bottom room"),
  room("posix/c.ts", "../vault/names/index.ts", null),
  room("posix/d.ts", "koffi", null),

  room("agent/node/a.ts", "../freeze/index.ts", "do not know each other"),
  room("agent/node/b.ts", "../../vault/store/index.ts", "do not know each other"),
  room("agent/profiles/a.ts", "../node/index.ts", "data and small predicates"),
  room("agent/profiles/b.ts", "node:fs", "This room is pure"),
  room("agent/keys/a.ts", "../../vault/store/index.ts", "Keys become recipients"),
  room("agent/keys/b.ts", "../config/index.ts", "Keys become recipients"),
  room("agent/keys/c.ts", "../../vault/sealed/index.ts", null),
  room("agent/config/a.ts", "../node/index.ts", "text made into types"),
  room("agent/config/b.ts", "../node/types.ts", null),
  room("agent/report/a.ts", "../backup/index.ts", "figures into words"),
  room("agent/state/a.ts", "../../vault/store/index.ts", "what a host remembers"),

  room("agent/freeze/a.ts", "../../vault/sealed/index.ts", "neither key nor network"),
  room("agent/freeze/b.ts", "../../vault/store/index.ts", "neither key nor network"),
  room("agent/freeze/c.ts", "../keys/index.ts", "neither key nor network"),
  room("agent/freeze/d.ts", "../node/types.ts", null),

  room("agent/open/a.ts", "../restore/index.ts", "restore and verify share it"),
  room("agent/serve/a.ts", "../../vault/sealed/index.ts", "it holds no key"),
  room("agent/serve/b.ts", "../keys/index.ts", "it holds no key"),
  room("agent/serve/c.ts", "../../keeper/index.ts", null),
  room("agent/verify/a.ts", "../restore/index.ts", "do not know each other"),
  room("agent/rekey/a.ts", "../keys/index.ts", "keys that are handed in"),
  room("agent/rekey/b.ts", "../open/index.ts", null),
  room("agent/restore/a.ts", "../backup/index.ts", "do not know each other"),
  room("agent/restore/b.ts", "../commands/index.ts", "do not know each other"),
  room("agent/restore/c.ts", "../open/index.ts", null),
  room("agent/backup/a.ts", "../restore/index.ts", "do not know each other"),
  room("agent/backup/b.ts", "../config/index.ts", "do not know each other"),
  room("agent/backup/c.ts", "../freeze/index.ts", "do not know each other"),
  room("agent/backup/d.ts", "../freeze/types.ts", null),
  room("agent/backup/backup.ts", "../freeze/index.ts", null),

  room("agent/commands/a.ts", "../../vault/sealed/index.ts", "Commands handle no key material"),
  room("agent/commands/b.ts", "../backup/scan.ts", "entered by its index.ts"),
  room("agent/commands/c.ts", "../backup/index.ts", null),
  room("agent/commands/g.ts", "../../vault/store/index.ts", null),
  room("agent/commands/h.ts", "../../vault/store/directory/read.ts", "entered by its index.ts"),
  room("agent/commands/i.ts", "../../keeper/index.ts", null),
  room("agent/commands/j.ts", "../../keeper/rules.ts", "entered by its index.ts"),
  room("agent/commands/k.ts", "../../posix/clock.ts", null),
  room("agent/commands/l.ts", "./c.ts", null),
  room("agent/commands/d.ts", "zod", "each package has one door"),
  {
    file: "agent/commands/e.ts",
    code: 'export const y = () => import("../backup/scan.ts");\n',
    refusal: "entered by its index.ts",
  },
  room("agent/other.ts", "../vault/store/index.ts", "the work is done by the commands"),
  room("demo/a.ts", "../agent/backup/index.ts", "The demo is a user"),
  room("vault/card/e.ts", "../../test/support/tmp.ts", "stand on top"),
  room("agent/freeze/e.ts", "../../test/support/tmp.ts", "stand on top"),
  room("agent/freeze/f.ts", "koffi", "each package has one door"),
  room("agent/backup/e.ts", "yaml", "each package has one door"),
  room("vault/card/f.ts", "left-pad", "left-pad"),

  room("agent/open/b.ts", "node:crypto", null),
  { file: "agent/open/c.ts", code: 'export { createDecipheriv } from "node:crypto";\n', refusal: "makes ciphers" },
  {
    file: "agent/open/d.ts",
    code: 'import * as crypto from "node:crypto";\nexport const y = crypto.createCipheriv;\n',
    refusal: "makes ciphers",
  },
  {
    file: "vault/sealed/suites/node-ciphers.ts",
    code: 'import { createDecipheriv } from "node:crypto";\nexport const y = createDecipheriv;\n',
    refusal: null,
  },

  room("agent/backup/commit.ts", "./scan.ts", "Stages do not call each other"),
  {
    file: "agent/backup/segments.ts",
    code: 'import type { X } from "./scan.ts";\nexport type Y = X;\n',
    refusal: null,
  },
  {
    file: "agent/restore/place.ts",
    code: 'export { x } from "./plan.ts";\n',
    refusal: "Stages do not call each other",
  },
  {
    file: "agent/restore/links.ts",
    code: 'export const y = () => import("./place.ts");\n',
    refusal: "Stages do not call each other",
  },
  room("agent/restore/restore.ts", "./plan.ts", null),

  gate("keeper/index/f.ts", "Date.now()", "asks for the time"),
  gate("agent/backup/f.ts", "new Date()", "asks for the time"),
  gate("agent/backup/g.ts", "performance.now()", "asks for the time"),
  gate("agent/backup/h.ts", "process.hrtime.bigint()", "asks for the time"),
  gate("agent/backup/i.ts", "new Date(0)", null),
  gate("posix/clock.ts", "Date.now()", null),
  gate("agent/commands/f.ts", "process.exit(1)", "ends the process"),
  gate("agent/main.ts", "process.exit(1)", null),

  {
    file: "agent/node/c.ts",
    code: "export const f = async () => 1;\nexport const g = () => {\n  f();\n};\n",
    refusal: "noFloatingPromises",
  },
  { file: "agent/node/d.ts", code: "export default 1;\n", refusal: "noDefaultExport" },
  { file: "agent/node/e.ts", code: 'import { z } from "./f.ts";\nexport const y = z;\n', refusal: "noImportCycles" },
  { file: "agent/node/f.ts", code: 'import { y } from "./e.ts";\nexport const z = y;\n', refusal: "noImportCycles" },
  { file: "agent/node/g.ts", code: 'import fs from "fs";\nexport const y = fs;\n', refusal: "useNodejsImportProtocol" },
];
