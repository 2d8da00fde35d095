import type { FlagParametersForType } from "@stricli/core";

/** Which stack is meant. */
export interface StackFlags {
  readonly stack?: string;
  readonly region?: string;
}

const optional = { kind: "parsed", optional: true } as const;

export const STACK_FLAGS: FlagParametersForType<StackFlags> = {
  stack: { ...optional, parse: stackName, placeholder: "name", brief: "The stack's name [default = Coldkeep]" },
  region: {
    ...optional,
    parse: String,
    placeholder: "region",
    brief: "Where it is [default: AWS_REGION, or the profile's]",
  },
};

export const DEFAULT_STACK = "Coldkeep";

function stackName(text: string): string {
  if (/^[A-Za-z][A-Za-z0-9-]{0,127}$/.test(text)) return text;
  throw new SyntaxError("a letter, then letters, digits and dashes are expected, up to 128");
}
