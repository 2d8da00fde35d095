import { expect, it } from "vitest";
import { EXIT_CODES } from "../../agent/exit-codes.ts";
import { renderCliDoc } from "./cli-doc.ts";

it("docs/CLI.md says what the program says", async () => {
  await expect(renderCliDoc()).toMatchFileSnapshot("../../docs/CLI.md");
});

it("gives every outcome a code of its own", () => {
  const codes = Object.values(EXIT_CODES).map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
});
