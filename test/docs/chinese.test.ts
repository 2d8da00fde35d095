import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const PAGES = ["chainmaker", "fabric-peer", "ovn"] as const;
const pageOf = (name: string) => readFileSync(new URL(`../../docs/profiles/${name}.md`, import.meta.url), "utf8");

/** Commands of the systems' own tools, up to their flags. */
const foreignIn = (text: string) =>
  [...text.matchAll(/\b(?:cmc|docker|kubectl) [a-z]+(?: [a-z][a-z-]*)*/g)].map(([found]) => found);

/** The commands of a README's block on one's own node, and the pages it leads to. */
const toldBy = (readme: string) => {
  const text = readFileSync(new URL(`../../${readme}`, import.meta.url), "utf8");
  const blocks = [...text.matchAll(/^```\n([\s\S]*?)^```$/gm)].map(([block]) => block).join("\n");
  return {
    commands: [...new Set([...blocks.matchAll(/^coldkeep ([a-z]+)/gm)].map(([, command]) => command))].sort(),
    pages: [...text.matchAll(/\]\((docs\/[A-Z-]+\.md)\)/g)].map(([, page = ""]) => page),
  };
};

it("README.zh-CN.md has the commands of README.md, and leads to all pages that it leads to", () => {
  const [english, chinese] = [toldBy("README.md"), toldBy("README.zh-CN.md")];
  expect(chinese.commands).toEqual(english.commands);
  expect(english.pages.length).toBeGreaterThan(10);
  expect(english.pages.filter((page) => !chinese.pages.includes(page))).toEqual([]);
});

describe.each(PAGES)("docs/profiles/%s.zh-CN.md", (name) => {
  it("names no command of the system that the English pages do not", () => {
    const english = ["chainmaker", "fabric-peer", "fabric-orderer", "ovn", "../OVN", "../SERVICES"]
      .map(pageOf)
      .join("\n");
    expect(foreignIn(pageOf(`${name}.zh-CN`)).filter((command) => !english.includes(command))).toEqual([]);
  });
});
