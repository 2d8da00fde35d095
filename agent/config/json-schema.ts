import { toJSONSchema } from "zod";
import { configSchema } from "./schema.ts";

/** The JSON Schema (draft 2020-12) of the configuration file, from the very source that checks it. */
export function configJsonSchema(profiles: readonly string[]): unknown {
  return {
    $id: "https://coldkeep.invalid/config.schema.json",
    title: "coldkeep configuration",
    ...toJSONSchema(configSchema(profiles), { io: "input", unrepresentable: "any" }),
  };
}
