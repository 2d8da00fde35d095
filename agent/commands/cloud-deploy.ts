import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { CONFIG_FILE, readConfigFile } from "../../infra/read-config.ts";
import { ColdkeepError, isColdkeepError, VERSION } from "../../vault/names/index.ts";
import { type Cdk, type CdkRun, type CloudPlace, findCdk, readStack, runCdk } from "../cloud/index.ts";
import { counted, facts, table } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { CloudDeployFlags } from "./cloud-deploy.command.ts";
import { cloudPlaceOf } from "./cloud-status.ts";
import type { Call } from "./define.ts";

/** `coldkeep cloud deploy`. */
export async function run(call: Call<CloudDeployFlags>): Promise<Answer> {
  const { flags, io, progress } = call;
  const file = resolve(flags.file ?? CONFIG_FILE);
  const { stack } = readConfigFile(file);
  const cdk = findCdk();
  const place = cloudPlaceOf(call);
  const emulated = (io.env.AWS_ENDPOINT_URL ?? "") !== "";
  const how = {
    place,
    context: { config: file, ...(emulated ? { path_style: "true" } : {}) },
    say: (text: string) => void io.stderr.write(text),
  };
  if (flags.dryRun === true) return tell(stack, await synth(cdk, how, stack));
  if (flags.yes !== true && io.ask === null) {
    throw new ColdkeepError("usage", {
      what: "nobody can be asked whether rights may be widened",
      todo: "give --yes, or run it in a terminal",
    });
  }
  if (flags.olderToo !== true) await assertNotNewer(stack, place);
  // The cdk draws on the terminal itself.
  progress.close();
  if (flags.bootstrap === true) await runCdk(cdk, { ...how, words: ["bootstrap"] }, () => null);
  const words = ["deploy", stack, "--progress", "events", "--outputs-file", "outputs.json"];
  const asks = flags.yes === true ? { words: [...words, "--require-approval", "never"] } : { words, say: null };
  const outputs = await runCdk(cdk, { ...how, ...asks }, (folder) => {
    const all = JSON.parse(readFileSync(join(folder, "outputs.json"), "utf8")) as Record<string, Outputs>;
    return all[stack] ?? {};
  });
  return deployed(stack, outputs);
}

type Outputs = Readonly<Record<string, string>>;

function deployed(stack: string, outputs: Outputs): Answer {
  const { AgentConfig = "", ...rest } = outputs;
  const rows = Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    document: { stack, version: VERSION, outputs },
    text: `${facts([["stack", stack], ...rows])}\n\nInto the configuration of each host:\n\n${AgentConfig}`,
  };
}

interface Template {
  readonly Resources: Readonly<Record<string, { readonly Type: string }>>;
}

async function synth(cdk: Cdk, how: Omit<CdkRun, "words">, stack: string): Promise<Template> {
  return runCdk(
    cdk,
    { ...how, words: ["synth", "--quiet"] },
    (folder) => JSON.parse(readFileSync(join(folder, "cdk.out", `${stack}.template.json`), "utf8")) as Template,
  );
}

function tell(stack: string, { Resources }: Template): Answer {
  const types = new Map<string, number>();
  for (const { Type } of Object.values(Resources)) types.set(Type, (types.get(Type) ?? 0) + 1);
  const resources = Object.fromEntries([...types].sort(([a], [b]) => (a < b ? -1 : 1)));
  const rows = Object.entries(resources).map(([type, count]) => [type, `${count}`]);
  const total = counted(Object.keys(Resources).length, "resource");
  return {
    document: { stack, version: VERSION, dry_run: true, resources },
    text: `${table([{ title: "RESOURCE" }, { title: "COUNT", align: "right" }], rows)}\n\nStack ${stack}: ${total}. Nothing was asked of AWS.`,
  };
}

/** What a newer coldkeep deployed may do what this one does not know of; where that cannot be told, the cdk will tell more. */
async function assertNotNewer(stack: string, place: CloudPlace): Promise<void> {
  const version = await readStack(stack, place).then(
    ({ outputs }) => outputs.Version,
    (error: unknown) => {
      if (isColdkeepError(error)) return undefined;
      throw error;
    },
  );
  if (version === undefined || !isNewer(version, VERSION)) return;
  throw new ColdkeepError("refused", {
    what: "a newer coldkeep has made this stack",
    on: stack,
    why: `it is of ${version}, this is ${VERSION}`,
    todo: "use that version; or go back on purpose, with --older-too",
  });
}

function isNewer(one: string, other: string): boolean {
  const [a = [], b = []] = [one, other].map((text) => text.split(".").map(Number));
  for (let i = 0; i < 3; i += 1) if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) > (b[i] ?? 0);
  return false;
}
