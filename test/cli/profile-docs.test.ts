import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { groupWords, heightWords, rulesOf, signingLines } from "../../agent/commands/profiles.ts";
import { allProfiles, type Profile, profileNames } from "../../agent/profiles/index.ts";
import { runHere } from "./run.ts";

/** docs/profiles/<name>.md, from the profile's own data. */
function render(profile: Profile): string {
  const { name, summary, about, stopping, height, identity, place, after } = profile;
  const rules = rulesOf(profile).map(({ files, how, why }) => `| ${cell(files)} | ${how} | ${why} |`);
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? "" : `\n## ${title}\n\n${lines.map((line) => `- ${line}`).join("\n")}\n`;
  return `# Profile \`${name}\`

${summary[0]?.toUpperCase()}${summary.slice(1)}.

Made from the program's own data by \`npx vitest run test/cli/profile-docs.test.ts -u\`; \`coldkeep profiles ${name}\` prints the same.

${about}

## What is captured, and how

The first line that fits a file decides; the globs of the configuration win over all of them.

| files | how | why |
| --- | --- | --- |
${rules.join("\n")}
${section("Stopping", stopping)}${section("Height", height === null ? [] : [heightWords(height)])}${section(
  "Identity",
  identity.map(({ what, rule }) => `${what}: ${rule}`),
)}${section("In a group", groupWords(profile))}${section("What a restore does beside putting files back", [...place, ...signingLines(profile)])}${section("After a restore", after)}`;
}

/** File names with stars in them are code. */
function cell(files: string): string {
  return files.replace(/[^\s,]*[*/][^\s,]*/g, "`$&`");
}

it.each(allProfiles().map((profile) => [profile.name, profile] as const))(
  "docs/profiles/%s.md says what the profile says",
  async (name, profile) => {
    await expect(render(profile)).toMatchFileSnapshot(`../../docs/profiles/${name}.md`);
  },
);

it("there is a page for each profile and no other", () => {
  const pages = readdirSync(fileURLToPath(new URL("../../docs/profiles", import.meta.url)));
  // Pages in other languages tell how to use one; what they say of it stands on the English one.
  expect(pages.filter((name) => !/\.[a-z]{2}-[A-Z]{2}\.md$/.test(name)).sort()).toEqual(
    profileNames().map((name) => `${name}.md`),
  );
});

it("coldkeep profiles lists all, and tells of one what it captures, how, and why", async () => {
  const all = await runHere(["profiles"]);
  for (const { name, summary } of allProfiles())
    expect(all.stdout.split("\n").some((line) => line.startsWith(`${name} `) && line.endsWith(`  ${summary}`))).toBe(
      true,
    );
  for (const profile of allProfiles()) {
    const { code, stdout } = await runHere(["profiles", profile.name]);
    expect(code).toBe(0);
    for (const { files, how, why } of rulesOf(profile)) expect(stdout).toContain(`${files}\n      ${how}: ${why}`);
  }
  const json = await runHere(["profiles", "leveldb", "--json"]);
  expect(JSON.parse(json.stdout)).toMatchObject({
    name: "leveldb",
    rules: [{ mutability: "immutable" }, { mutability: "mutable" }],
  });
  expect(await runHere(["profiles", "rocksbd"])).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/no such profile/),
  });
});
