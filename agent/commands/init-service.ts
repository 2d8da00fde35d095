import { ColdkeepError } from "../../vault/names/index.ts";
import type { HeightSettings, ServiceSettings } from "../config/index.ts";
import { allProfiles } from "../profiles/index.ts";
import type { InitFlags } from "./init.command.ts";

/** Manager `command` where all three commands are given, `none` where none is. @throws ColdkeepError `usage`. */
export function serviceSettings({ stop, start, isRunning }: InitFlags): ServiceSettings {
  if (stop !== undefined && start !== undefined && isRunning !== undefined) {
    return { manager: "command", stop, start, isRunning };
  }
  if (stop === undefined && start === undefined && isRunning === undefined) return { manager: "none" };
  const missing = Object.entries({ "--stop": stop, "--start": start, "--is-running": isRunning })
    .filter(([, value]) => value === undefined)
    .map(([name]) => name);
  throw new ColdkeepError("usage", {
    what: "a node that is driven by commands needs three of them",
    why: `${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} missing`,
    todo: "give all of --stop, --start and --is-running, or none",
  });
}

const USUAL_FIELDS = ["height", "block_height", "0.height", "result.height"];
const ASK_LIMIT_MS = 3_000;
const MAX_ANSWER = 1 << 20;

/**
 * How to ask for the height. Where no field is named the node is asked once, and the first of the usual fields that its
 * answer has is taken; `height` where it does not answer now.
 */
export async function heightSettings(
  { heightUrl, heightField, profile }: InitFlags & { readonly profile: string },
  signal: AbortSignal,
): Promise<HeightSettings | null> {
  if (heightUrl === undefined) {
    if (heightField === undefined) return allProfiles().find(({ name }) => name === profile)?.height ?? null;
    throw new ColdkeepError("usage", { what: "--height-field is given without --height-url" });
  }
  return { url: heightUrl, field: heightField ?? (await findField(heightUrl, signal)) };
}

async function findField(url: string, signal: AbortSignal): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(ASK_LIMIT_MS)]) });
    const text = await response.text();
    const answer: unknown = text.length > MAX_ANSWER ? null : JSON.parse(text);
    return USUAL_FIELDS.find((field) => isNumber(at(answer, field))) ?? "height";
  } catch {
    signal.throwIfAborted();
    return "height";
  }
}

function at(value: unknown, field: string): unknown {
  return field
    .split(".")
    .reduce<unknown>(
      (inner, key) =>
        typeof inner === "object" && inner !== null ? (inner as Readonly<Record<string, unknown>>)[key] : undefined,
      value,
    );
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" || (typeof value === "string" && /^(0x[0-9a-f]+|\d+)$/i.test(value));
}
