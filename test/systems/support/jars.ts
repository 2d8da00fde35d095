import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, lockInstall } from "../../e2e/emulator/cache.ts";
import { run, works } from "../../e2e/emulator/run.ts";
import type { Missing } from "../../e2e/emulator/venv.ts";

/** Of Scala's two, the one that is published still; ZooKeeper 3.8.4 comes along. */
const KAFKA = "3.9.1";

/** The folder of Kafka's and ZooKeeper's jars, which Maven brings once. In CI that they cannot be had is an error. */
export async function kafkaJars(): Promise<string | Missing> {
  const folder = join(cacheFolder(), `kafka-${KAFKA}`);
  const found = (await hasJava()) ? await bring(folder) : { missing: "apt-get install default-jre-headless maven" };
  if (typeof found !== "string" && process.env.CI !== undefined) throw new Error(found.missing);
  return found;
}

const hasJava = () => works("java", ["-version"]);

async function bring(folder: string): Promise<string | Missing> {
  if (existsSync(folder)) return folder;
  using _lock = await lockInstall(folder, "installing Kafka");
  if (existsSync(folder)) return folder;
  if (!(await works("mvn", ["-version"]))) return { missing: "apt-get install maven" };
  process.stderr.write(`bringing Kafka ${KAFKA} into ${folder}, once\n`);
  const made = `${folder}.new`;
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made);
  writeFileSync(join(made, "pom.xml"), POM);
  const goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=jars"];
  await run("mvn", ["-q", "-B", `-Dmaven.repo.local=${made}/repository`, ...goal], process.env, made);
  renameSync(join(made, "jars"), folder);
  rmSync(made, { recursive: true });
  return folder;
}

const artifact = (name: string) =>
  `<dependency><groupId>org.apache.kafka</groupId><artifactId>${name}</artifactId><version>${KAFKA}</version></dependency>`;

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>coldkeep.test</groupId><artifactId>kafka</artifactId><version>1</version>
<dependencies>${artifact("kafka_2.13")}${artifact("kafka-tools")}</dependencies>
</project>
`;
